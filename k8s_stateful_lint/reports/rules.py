"""The catalogue as a table."""

from __future__ import annotations

import textwrap

import msgspec

from k8s_stateful_lint.engine.cards import Head, heads
from k8s_stateful_lint.reports import Style
from k8s_stateful_lint.reports.text import paint


def render(format_name: str, style: Style) -> str:
    """List every rule: ``table`` for people, ``markdown`` for documents, ``json`` for programs."""
    if format_name == "json":
        return msgspec.json.format(msgspec.json.encode(list(heads().values())), indent=2).decode() + "\n"
    return _markdown() if format_name == "markdown" else _table(style)


def severity_text(head: Head) -> str:
    """The severity, and the one for production where it differs."""
    if head.production is None or head.production == head.severity:
        return head.severity
    return f"{head.severity} ({head.production} in production)"


def _markdown() -> str:
    lines = ["| Family | Rule | Severity | Wave | What it finds |", "|---|---|---|---|---|"]
    lines += [
        f"| {head.family} | `{head.name}` | {severity_text(head)} | {head.wave} | {_cell(head.summary)} |"
        for head in heads().values()
    ]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _table(style: Style) -> str:
    found = list(heads().values())
    longest = max(len(head.name) for head in found)
    # In a narrow terminal the summary gets a line of its own.
    beside = style.width >= longest + 80
    indent = longest + 20 if beside else 6
    lines: list[str] = []
    family = None
    for head in found:
        if head.family != family:
            family = head.family
            lines += ["", paint(family, "bold", style)]
        summary = textwrap.wrap(head.summary, style.width - indent) or [""]
        severity = paint(f"{head.severity:<8}", head.severity, style)
        lines.append(f"  {head.name:<{longest}}  {severity} {paint(f'{head.wave:<6}', 'dim', style)}".rstrip())
        if beside:
            lines[-1] += f" {summary.pop(0)}"
        lines += [" " * indent + paint(line, "dim", style) for line in summary]
    lines += ["", f"{len(found)} rules; `k8s-stateful-lint explain RULE` shows why, what to do and examples"]
    return "\n".join(lines[1:]) + "\n"
