"""SARIF 2.1.0, for GitHub code scanning, editors and everything else that reads it."""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

from k8s_stateful_lint._about import __version__
from k8s_stateful_lint.engine.cards import card, heads
from k8s_stateful_lint.engine.report import BaselinedFinding, Location, Notice, ObjectReference, Report, ReportedFinding
from k8s_stateful_lint.reports import Style, long_lists
from k8s_stateful_lint.reports.explain import rule_page
from k8s_stateful_lint.reports.places import before, encodable, in_repository, uri

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {"error": "error", "warning": "warning", "info": "note"}
_PROBLEMS = {"error": "error", "warning": "warning", "info": "recommendation"}
_ROOT = "%SRCROOT%"


def pieces(report: Report, style: Style) -> Iterator[str]:
    """Make the log file."""
    waiting = report.baselined or ()
    names = {finding.rule for finding in report.findings} | {one.finding.rule for one in waiting}
    rules = {name: index for index, name in enumerate(sorted(names))}
    lists = {
        "toolExecutionNotifications": chain(map(_crash, report.crashes), map(_notification, report.notices)),
        "results": chain(
            (_result(finding, rules, report, "new") for finding in report.findings),
            (_waiting(one, rules, report) for one in waiting),
        ),
    }
    return long_lists.document(_frame(report, rules), lists, json.JSONEncoder(indent=2).encode)


def _frame(report: Report, rules: dict[str, int]) -> dict[str, Any]:
    """The log without its results, and without what went wrong."""
    summary = report.summary
    unread = any(notice.is_failure for notice in report.notices)
    successful = not report.crashes and not unread and not report.linted_nothing
    run = {
        "tool": {
            "driver": {
                "name": "k8s-stateful-lint",
                "version": __version__,
                "semanticVersion": __version__,
                "rules": [_rule(name, report) for name in rules],
            }
        },
        "invocations": [{"executionSuccessful": successful, "toolExecutionNotifications": []}],
        # The directory itself is left out: a log must not depend on the machine.
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The root of the repository."}}},
        "columnKind": "utf16CodeUnits",
        "results": [],
        "properties": {
            "files": summary.files,
            "objects": summary.objects,
            "suppressed": summary.suppressed,
            "baselined": summary.baselined,
            "unresolved": summary.unresolved,
        },
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(name: str, report: Report) -> dict[str, Any]:
    head = heads().get(name)
    if head is None:
        severity = next((finding.severity for finding in report.findings if finding.rule == name), "warning")
        return {"id": name, "shortDescription": {"text": name}, "defaultConfiguration": {"level": _LEVELS[severity]}}
    whole = card(name)
    descriptor: dict[str, Any] = {
        "id": name,
        "shortDescription": {"text": f"{head.summary}."},
        "fullDescription": {"text": " ".join(whole.why.split())},
        "help": {"text": " ".join(whole.fix.split()), "markdown": rule_page(head, whole)},
        "defaultConfiguration": {"level": _LEVELS[head.severity], "enabled": head.wave != "strict"},
        "properties": {
            "tags": ["kubernetes", "storage", head.family],
            "family": head.family,
            "wave": head.wave,
            "confidence": head.confidence,
            "precision": head.confidence,
            "problem.severity": _PROBLEMS[head.severity],
        },
    }
    if head.url:
        descriptor["helpUri"] = head.url
    return descriptor


def _crash(crash: str) -> dict[str, Any]:
    return {"level": "error", "message": {"text": _message(encodable(crash))}, "descriptor": {"id": "internal-error"}}


def _notification(notice: Notice) -> dict[str, Any]:
    notification: dict[str, Any] = {
        "level": "error" if notice.is_failure else "note",
        "message": {"text": _message(encodable(notice.message))},
        "descriptor": {"id": notice.kind},
    }
    if notice.file is not None:
        physical: dict[str, Any] = {"artifactLocation": _artifact(notice.file)}
        if notice.line is not None:
            physical["region"] = {"startLine": notice.line}
        notification["locations"] = [{"physicalLocation": physical}]
    return notification


def _waiting(waiting: BaselinedFinding, rules: dict[str, int], report: Report) -> dict[str, Any]:
    """A finding that a baseline lets wait: people decided so outside of the file."""
    suppression = {"kind": "external", "status": "accepted"}
    if waiting.reason:
        suppression["justification"] = encodable(waiting.reason)
    return {**_result(waiting.finding, rules, report, "unchanged"), "suppressions": [suppression]}


def _result(finding: ReportedFinding, rules: dict[str, int], report: Report, state: str) -> dict[str, Any]:
    text = before(finding) + finding.message.rstrip(".")
    if finding.help:
        text += f".\n{finding.help}"
    if finding.steps:
        text += "\n" + "\n".join(finding.steps)
    # A line of an older revision is told, never marked: viewers would mark a line of the files that are there now.
    for related in finding.related:
        if related.location.revision:
            text += f"\n{related.label}: {related.location.file}:{related.location.line}"
    shown = [related for related in finding.related if not related.location.revision]
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": rules[finding.rule],
        "level": _LEVELS[finding.severity],
        "message": {"text": _message(encodable(text))},
        "locations": [_location(finding.place, finding.object, report)],
    }
    if shown:
        result["relatedLocations"] = [
            {
                "id": number,
                **_location(related.location, related.object, report),
                "message": {"text": _message(encodable(related.label)) or "related"},
            }
            for number, related in enumerate(shown, start=1)
        ]
    if report.baselined is not None:
        result["baselineState"] = state
    result["partialFingerprints"] = {"k8sStatefulLint/v1": finding.fingerprint}
    result["properties"] = {
        "confidence": finding.confidence,
        "environment": finding.environment,
        "environmentReason": finding.environment_reason,
        "path": encodable(finding.path),
    }
    return result


def _message(text: str) -> str:
    """A message in which nothing is read as a placeholder (``{0}``) or a link (``[text](target)``).

    Other braces stay single, although the standard doubles them: viewers do not undo that without arguments.
    """
    return re.sub(r"\{(\d+)\}", r"{{\1}}", text).replace("](", "] (")


def _location(place: Location, reference: ObjectReference | None, report: Report) -> dict[str, Any]:
    source = report.sources.get(place.file)
    lines: Sequence[str] = source.lines if source is not None else ()
    location: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": _artifact(place.file),
            "region": {
                "startLine": place.line,
                "startColumn": _utf16(lines, place.line, place.column),
                "endLine": place.end_line,
                "endColumn": _utf16(lines, place.end_line, place.end_column),
            },
        }
    }
    if reference is not None:
        parts = [reference.api_version, reference.kind, reference.namespace, reference.name]
        logical = {
            "name": reference.name,
            "fullyQualifiedName": "/".join(part for part in parts if part),
            "kind": "object",
        }
        location["logicalLocations"] = [{key: encodable(value) for key, value in logical.items() if value}]
    return location


def _artifact(path: str) -> dict[str, str]:
    target = uri(in_repository(path, "GITHUB_WORKSPACE", "CI_PROJECT_DIR"))
    return {"uri": target} if target.startswith("file:") else {"uri": target, "uriBaseId": _ROOT}


def _utf16(lines: Sequence[str], line: int, column: int) -> int:
    """A column counted in UTF-16 code units; ours count characters."""
    text = lines[line - 1] if 1 <= line <= len(lines) else ""
    return column if text.isascii() else column + bisect_left(_pairs(text), column - 1)


@lru_cache(maxsize=8)
def _pairs(text: str) -> list[int]:
    """Where the characters of a line stand that take two units of UTF-16."""
    return [found.start() for found in re.finditer("[\U00010000-\U0010ffff]", text)]
