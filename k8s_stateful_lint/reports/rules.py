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
    room = max(style.width - longest - 22, 24)
    lines: list[str] = []
    family = None
    for head in found:
        if head.family != family:
            family = head.family
            lines += ["", paint(family, "bold", style)]
        summary = textwrap.wrap(head.summary, room) or [""]
        severity = paint(f"{head.severity:<8}", head.severity, style)
        wave = paint(f"{head.wave:<7}", "dim", style)
        lines.append(f"  {head.name:<{longest}}  {severity} {wave} {summary[0]}")
        lines += [" " * (longest + 20) + line for line in summary[1:]]
    count = f"{len(found)} rules"
    lines += ["", f"{count}; `k8s-stateful-lint explain RULE` shows why, what to do and examples"]
    return "\n".join(lines[1:]) + "\n"
