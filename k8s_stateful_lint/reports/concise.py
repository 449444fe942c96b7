"""One line a finding: ``file:line:column: error[rule] message``."""

from __future__ import annotations

from k8s_stateful_lint.engine.report import Report
from k8s_stateful_lint.reports import Style
from k8s_stateful_lint.reports.text import footer, paint


def render(report: Report, style: Style) -> str:
    """Make the lines, and the footer that hides nothing."""
    lines = []
    for finding in report.findings:
        place = finding.location
        head = paint(f"{finding.severity}[{finding.rule}]", finding.severity, style)
        lines.append(f"{place.file}:{place.line}:{place.column}: {head} {finding.message}")
    if not style.quiet:
        lines.append(footer(report, style))
    return "\n".join(lines) + "\n" if lines else ""
