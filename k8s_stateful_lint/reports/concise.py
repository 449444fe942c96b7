"""One line a finding: ``file:line:column: error[rule] message``."""

from __future__ import annotations

from collections.abc import Iterator

from k8s_stateful_lint.engine.report import Report
from k8s_stateful_lint.reports import Style
from k8s_stateful_lint.reports.text import footer, paint


def pieces(report: Report, style: Style) -> Iterator[str]:
    """Make the lines, and the footer that hides nothing."""
    for finding in report.findings:
        place = finding.location
        head = paint(f"{finding.severity}[{finding.rule}]", finding.severity, style)
        yield f"{place.file}:{place.line}:{place.column}: {head} {finding.message}\n"
    if not style.quiet:
        yield f"{footer(report, style)}\n"
