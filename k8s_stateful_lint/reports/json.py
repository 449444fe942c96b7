"""The versioned JSON format: lines and columns are 1-based, findings are sorted, the order of keys is fixed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from k8s_stateful_lint._about import __version__
from k8s_stateful_lint.engine.report import DataFate, Location, Notice, ObjectReference, Report, ReportedFinding
from k8s_stateful_lint.reports import Style, long_lists

VERSION = 1


def pieces(report: Report, style: Style) -> Iterator[str]:
    """Make the document."""
    lists = {"findings": map(_finding, report.findings), "notices": map(_notice, report.notices)}
    if report.comparison is not None:
        lists["data"] = map(_fate, report.comparison.data)
    return long_lists.document(_frame(report), lists, _written)


def _written(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def _frame(report: Report) -> dict[str, Any]:
    """The document with nothing in its lists."""
    summary, comparison = report.summary, report.comparison
    return {
        "version": VERSION,
        "tool": {"name": "k8s-stateful-lint", "version": __version__},
        "findings": [],
        "notices": [],
        "summary": {
            "files": summary.files,
            "documents": summary.documents,
            "objects": summary.objects,
            "findings": {"error": summary.errors, "warning": summary.warnings, "info": summary.infos},
            "suppressed": summary.suppressed,
            "baselined": summary.baselined,
        },
        **({"comparison": msgspec.structs.replace(comparison, data=())} if comparison is not None else {}),
    }


def _fate(row: DataFate) -> dict[str, Any]:
    return {
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


def _notice(notice: Notice) -> dict[str, Any]:
    return {key: value for key, value in msgspec.structs.asdict(notice).items() if value is not None}


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
