"""Markdown for a comment on a merge request: counts, a table, and the frame of each finding to unfold."""

from __future__ import annotations

import re
from collections.abc import Iterator

from k8s_stateful_lint._patterns import regex
from k8s_stateful_lint.engine.report import DataFate, Report, ReportedFinding
from k8s_stateful_lint.reports import Style
from k8s_stateful_lint.reports.fates import TITLE, size, what
from k8s_stateful_lint.reports.frames import frames, masked, plain
from k8s_stateful_lint.reports.lettering import line_of_text, lines_of_text, name_of
from k8s_stateful_lint.reports.places import encodable
from k8s_stateful_lint.reports.text import footer

# GitHub takes 65,536 characters in a comment.
_LIMIT = 60_000
_MOST_ROWS = 100
_MARKS = {"error": "🔴", "warning": "🟡", "info": "🔵"}
_FATES = {
    "deleted": "🔴",
    "empty": "🔴",
    "orphaned": "🟡",
    "released": "🟡",
    "unknown": "🟡",
    "refused": "⛔",
    "expanded": "🟢",
    "new": "🟢",
    "kept": "🟢",
}
_SEVERITIES = ("error", "warning", "info")
# What a forge turns into a mention or a reference: people and issues are not to be disturbed by a manifest.
_REFERENCE = regex(r"([@#!~%$])(?=\w)")
_SPECIAL = regex(r"([\\`*_\[\]#!|~])")


def pieces(report: Report, style: Style) -> Iterator[str]:
    """Make the comment, which is small whatever there is to tell."""
    yield document(report, _LIMIT)


def document(report: Report, limit: int) -> str:
    """The comment, in at most ``limit`` characters (a little less than that is used)."""
    report = masked(report)
    # The first line lets a program find its own comment again.
    read = "No Kubernetes manifest was found" if report.linted_nothing else escaped(footer(report, Style()))
    parts = ["<!-- k8s-stateful-lint -->", f"## {_title(report)}", f"{read}."]
    parts += [
        f"**Internal error**, the other rules ran:\n\n{_fenced(lines_of_text(crash[:2000]))}"
        for crash in report.crashes[:3]
    ]
    if len(report.crashes) > 3:
        parts.append(f"{len(report.crashes) - 3} more internal errors are not shown.")
    # The worst first: what is left out is what matters least.
    findings = sorted(report.findings, key=lambda finding: _SEVERITIES.index(finding.severity))
    room = limit - sum(len(part) + 2 for part in parts) - 200
    rows: list[str] = []
    for finding in findings[:_MOST_ROWS]:
        row = _row(finding)
        # Half of the room is kept for the frames.
        if sum(map(len, rows)) + len(row) > room // 2:
            break
        rows.append(row)
    if report.comparison is not None and report.comparison.data:
        shown_rows, fates = _fates(report.comparison.data, room // 3)
        parts.append(fates)
        if shown_rows < len(report.comparison.data):
            parts.append(f"**{len(report.comparison.data) - shown_rows} more rows are left out.**")
        room -= len(fates)
    if findings:
        parts.append("\n".join(["| | Rule | Where | What |", "|---|---|---|---|", *rows]))
    if len(rows) < len(findings):
        parts.append(f"**{len(findings) - len(rows)} more findings are left out of the table.**")
    room -= sum(len(row) + 1 for row in rows)
    shown = 0
    for finding in findings[: len(rows)]:
        detail = _detail(finding, report)
        if len(detail) + 2 > room:
            break
        room -= len(detail) + 2
        shown += 1
        parts.append(detail)
    if 0 < shown < len(rows) or (rows and not shown):
        parts.append(f"The frames of {len(rows) - shown} more findings are left out.")
    return encodable("\n\n".join(parts) + "\n")


def _title(report: Report) -> str:
    if report.linted_nothing:
        return "⚠️ k8s-stateful-lint: nothing was linted"
    if not report.findings:
        return "❌ k8s-stateful-lint: internal error" if report.crashes else "✅ k8s-stateful-lint: nothing to report"
    summary = report.summary
    counts = [
        f"{number} {word}{'s' if number != 1 and word != 'info' else ''}"
        for number, word in ((summary.errors, "error"), (summary.warnings, "warning"), (summary.infos, "info"))
        if number
    ]
    worst = next(severity for severity in _SEVERITIES if any(f.severity == severity for f in report.findings))
    return f"{_MARKS[worst]} k8s-stateful-lint: {', '.join(counts)}"


def _fates(data: tuple[DataFate, ...], room: int) -> tuple[int, str]:
    """What happens to the data as a table, as much of it as there is room for, and how many rows that is."""
    lines = [f"### {TITLE}", "", "| | What | Size | Why |", "|---|---|---|---|"]
    for number, row in enumerate(data):
        cells = [f"{_FATES[row.fate]} {row.fate}", _code(what(row)).replace("|", "\\|"), size(row), row.why]
        line = f"| {cells[0]} | {cells[1]} | {escaped(cells[2])} | {escaped(cells[3])} |"
        if len(line) > room:
            return number, "\n".join(lines)
        room -= len(line) + 1
        lines.append(line)
    return len(data), "\n".join(lines)


def _row(finding: ReportedFinding) -> str:
    where = _code(f"{finding.location.file}:{finding.location.line}").replace("|", "\\|")
    severity = f"{_MARKS[finding.severity]} {finding.severity}"
    return f"| {severity} | {_rule(finding)} | {where} | {escaped(finding.message)} |"


def _rule(finding: ReportedFinding) -> str:
    code = _code(finding.rule)
    url = re.sub(r"[<>\s]", "", finding.url)
    return f"[{code}](<{url}>)" if url else code


def _detail(finding: ReportedFinding, report: Report) -> str:
    whose = name_of(finding.object)
    title = f"{_MARKS[finding.severity]} {finding.rule}" + (f": {whose}" if whose else "")
    parts = [f"<details>\n<summary>{escaped(title, in_html=True)}</summary>", escaped(finding.message) + "."]
    parts.append(_fenced(plain(frames(finding, report))))
    if finding.help:
        parts.append(f"**What to do:** {_prose(finding.help)}")
    if finding.steps:
        parts.append(_fenced("\n".join(finding.steps), "sh"))
    return "\n\n".join([*parts, "</details>"])


def escaped(text: str, *, in_html: bool = False) -> str:
    """A text that Markdown shows as it is, on one line; nobody is mentioned by it."""
    line = line_of_text(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    if not in_html:
        line = _SPECIAL.sub(r"\\\1", line)
    return _REFERENCE.sub(r"\1<!-- -->", line)


def _prose(text: str) -> str:
    """A text of ours with code between backticks."""
    parts = line_of_text(text).split("`")
    if len(parts) % 2 == 0:
        return escaped(text)
    return "".join(_code(part) if index % 2 else _kept(part) for index, part in enumerate(parts))


def _kept(part: str) -> str:
    """The escaped part with the blanks at its ends."""
    stripped = part.strip()
    if not stripped:
        return part
    start = part.index(stripped[0])
    return part[:start] + escaped(stripped) + part[start + len(stripped) :]


def _code(text: str) -> str:
    """A code span around any text."""
    line = line_of_text(text)
    fence = "`" * (max((len(run) for run in re.findall("`+", line)), default=0) + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def _fenced(text: str, language: str = "text") -> str:
    fence = "`" * max(max((len(run) for run in re.findall("`+", text)), default=0) + 1, 3)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"
