"""The Code Quality report of GitLab."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from k8s_stateful_lint.engine.report import Report, ReportedFinding
from k8s_stateful_lint.reports import Style, long_lists
from k8s_stateful_lint.reports.places import before, encodable, in_repository

_SEVERITIES = {"error": "critical", "warning": "major", "info": "info"}


def pieces(report: Report, style: Style) -> Iterator[str]:
    """Make the report."""
    seen: set[str] = set()
    issues = (_issue(finding, seen) for finding in report.findings)
    yield from long_lists.array(issues, json.JSONEncoder(indent=2).encode)
    yield "\n"


def _issue(finding: ReportedFinding, seen: set[str]) -> dict[str, Any]:
    place = finding.place
    # GitLab drops an issue whose fingerprint it has seen.
    fingerprint, number = finding.fingerprint, 1
    while fingerprint in seen:
        number += 1
        fingerprint = f"{finding.fingerprint}-{number}"
    seen.add(fingerprint)
    issue: dict[str, Any] = {
        "description": encodable(before(finding) + finding.message),
        "check_name": finding.rule,
        "fingerprint": fingerprint,
        "severity": _SEVERITIES[finding.severity],
        "location": {
            "path": encodable(in_repository(place.file, "CI_PROJECT_DIR")),
            "lines": {"begin": place.line, "end": place.end_line},
        },
    }
    if finding.help:
        steps = "".join(f"\n\n    {step}" for step in finding.steps)
        issue["content"] = {"body": encodable(finding.help + steps)}
    return issue
