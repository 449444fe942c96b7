"""The versioned JSON format: lines and columns are 1-based, findings are sorted, the order of keys is fixed."""

from __future__ import annotations

from typing import Any

import msgspec

from k8s_stateful_lint._about import __version__
from k8s_stateful_lint.engine.report import Comparison, Location, ObjectReference, Report, ReportedFinding
from k8s_stateful_lint.reports import Style

VERSION = 1


def render(report: Report, style: Style) -> str:
    """Make the document."""
    return msgspec.json.format(msgspec.json.encode(document(report)), indent=2).decode() + "\n"


def document(report: Report) -> dict[str, Any]:
    """The report as plain values."""
    summary = report.summary
    return {
        "version": VERSION,
        "tool": {"name": "k8s-stateful-lint", "version": __version__},
        "findings": [_finding(finding) for finding in report.findings],
        "notices": [
            {key: value for key, value in msgspec.structs.asdict(notice).items() if value is not None}
            for notice in report.notices
        ],
        "summary": {
            "files": summary.files,
            "documents": summary.documents,
            "objects": summary.objects,
            "findings": {"error": summary.errors, "warning": summary.warnings, "info": summary.infos},
            "suppressed": summary.suppressed,
            "baselined": summary.baselined,
        },
        **({"comparison": _comparison(report.comparison)} if report.comparison is not None else {}),
    }


def _comparison(comparison: Comparison) -> dict[str, Any]:
    return {
        **msgspec.structs.asdict(comparison),
        "data": [
            {
                "fate": row.fate,
                "kind": row.kind,
                "namespace": row.namespace,
                "name": row.name,
                "claims": list(row.claims),
                "size": row.size,
                "size_before": row.size_before,
                "why": row.why,
                **_place(row.location),
            }
            for row in comparison.data
        ],
    }


def _finding(finding: ReportedFinding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "severity": finding.severity,
        "confidence": finding.confidence,
        "message": finding.message,
        **_place(finding.location),
        "object": _object(finding.object),
        "path": finding.path,
        "environment": finding.environment,
        "fingerprint": finding.fingerprint,
        "related": [
            {**_place(related.location), "label": related.label, "object": _object(related.object)}
            for related in finding.related
        ],
        "help": finding.help,
        "url": finding.url,
        **({"steps": list(finding.steps)} if finding.steps else {}),
    }


def _place(place: Location) -> dict[str, Any]:
    return {
        "file": place.file,
        "line": place.line,
        "column": place.column,
        "end_line": place.end_line,
        "end_column": place.end_column,
        **({"revision": place.revision} if place.revision else {}),
    }


def _object(reference: ObjectReference | None) -> dict[str, Any] | None:
    if reference is None:
        return None
    return {
        "apiVersion": reference.api_version,
        "kind": reference.kind,
        "namespace": reference.namespace,
        "name": reference.name,
    }
