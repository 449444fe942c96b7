"""Reports narrowed to some files."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterable

import msgspec

from k8s_stateful_lint.engine.report import Report


def only_files(report: Report, files: Iterable[str]) -> Report:
    """The findings whose own or related place lies in one of the files; counts follow."""
    wanted = {posixpath.normpath(file) for file in files}
    findings = tuple(
        finding
        for finding in report.findings
        if any(
            posixpath.normpath(place.file) in wanted
            for place in (finding.location, *(related.location for related in finding.related))
        )
    )
    count = Counter(finding.severity for finding in findings)
    summary = msgspec.structs.replace(
        report.summary, errors=count["error"], warnings=count["warning"], infos=count["info"]
    )
    return msgspec.structs.replace(report, findings=findings, summary=summary)
