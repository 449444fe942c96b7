"""Workflow commands of GitHub Actions: findings become annotations; and a summary of the job, where one is wanted."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from k8s_stateful_lint.engine.report import Report, ReportedFinding
from k8s_stateful_lint.reports import Style, markdown
from k8s_stateful_lint.reports.lettering import lines_of_text
from k8s_stateful_lint.reports.places import before, encodable, in_repository
from k8s_stateful_lint.sources import is_no_file

_COMMANDS = {"error": "error", "warning": "warning", "info": "notice"}
# A summary may have 1 MiB; this many characters fit even if many of them take several bytes.
_SUMMARY_LIMIT = 400_000


def pieces(report: Report, style: Style) -> Iterator[str]:
    """Make the commands; with ``GITHUB_STEP_SUMMARY`` set, add a summary to the file it names."""
    # First of all: it is there whatever becomes of the pieces.
    missing = _summarise(report)
    yield from map(_finding, report.findings)
    for crash in report.crashes:
        yield _command("error", {"title": "k8s-stateful-lint: internal error"}, crash)
    if report.linted_nothing:
        yield _command("error", {"title": "k8s-stateful-lint"}, "nothing to lint: no Kubernetes manifest was found")
    if missing:
        yield _command("warning", {"title": "k8s-stateful-lint"}, missing)


def _summarise(report: Report) -> str:
    """Add the summary of the job; the reason why that is not possible, else nothing."""
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        try:
            with Path(summary).open("a", encoding="utf-8") as file:
                file.write(markdown.document(report, _SUMMARY_LIMIT))
        except OSError as error:
            # The summary is a courtesy: the findings must be told all the same.
            return f"cannot write the job summary: {error.strerror}"
    return ""


def _finding(finding: ReportedFinding) -> str:
    place = finding.place
    properties: dict[str, str | int] = {}
    text = before(finding) + finding.message
    if is_no_file(place.file):
        text = f"{place.file}:{place.line}:{place.column}: {text}"
    else:
        properties |= {"file": _path(place.file), "line": place.line, "endLine": place.end_line}
        # GitHub takes columns only within one line.
        if place.line == place.end_line:
            properties |= {"col": place.column, "endColumn": place.end_column}
    properties["title"] = finding.rule
    related = [f"{one.label}: {_path(one.location.file)}:{one.location.line}" for one in finding.related]
    parts = [text, f"help: {finding.help}" if finding.help else "", *finding.steps, *related]
    return _command(_COMMANDS[finding.severity], properties, "\n".join(part for part in parts if part))


def _path(path: str) -> str:
    return in_repository(path, "GITHUB_WORKSPACE")


def _command(name: str, properties: dict[str, str | int], message: str) -> str:
    written = ",".join(f"{key}={_escaped_property(str(value))}" for key, value in properties.items())
    return f"::{name} {written}::{_escaped(message)}\n"


def _escaped(text: str) -> str:
    return encodable(lines_of_text(text)).replace("%", "%25").replace("\n", "%0A")


def _escaped_property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
