"""Findings on their way to the report: weighed by the configuration, and located."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from k8s_stateful_lint.checks.finding import Finding
from k8s_stateful_lint.config import Confidence, Config, Severity
from k8s_stateful_lint.engine.cards import Head
from k8s_stateful_lint.engine.report import Location, ObjectReference, RelatedLocation, ReportedFinding
from k8s_stateful_lint.graph import Node
from k8s_stateful_lint.graph.environments import Environment
from k8s_stateful_lint.model.resource import Place, Resource
from k8s_stateful_lint.schema.secrets import is_secret

_CONFIDENCES: tuple[Confidence, ...] = ("low", "medium", "high")
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "error")


@dataclass
class Draft:
    """A finding on its way to the report."""

    head: Head
    severity: Severity
    confidence: Confidence
    message: str
    location: Location
    resource: Resource | None
    path: str
    environment: Environment
    related: tuple[RelatedLocation, ...]
    help: str
    value: object = None
    steps: tuple[str, ...] = ()
    secret: bool = False


def make_draft(head: Head, finding: Finding, owner: Node, config: Config, weak: int = 0) -> Draft | None:
    """A finding as the configuration wants it, ``weak`` steps less sure; None where it wants none."""
    settings = config.rule(head.name)
    path = finding.place.resource.path
    if settings.severity == "off" or any(fnmatchcase(path, glob) for glob in settings.exclude):
        return None
    environment = owner.environment
    severity: Severity = finding.severity or head.severity
    if finding.severity is None:
        if environment.name == "production" and head.production is not None:
            severity = head.production
        elif environment.name == "development" and head.development is not None:
            severity = head.development
    confidence = finding.confidence or head.confidence
    if finding.unverified:
        confidence = "low"
        severity = "warning" if severity == "error" else severity
    lowered = max(0, _CONFIDENCES.index(confidence) - finding.weak - weak)
    resource, route = finding.place.resource, finding.place.route
    return Draft(
        head,
        settings.severity or severity,
        _CONFIDENCES[lowered],
        finding.message,
        locate(finding.place),
        finding.place.resource,
        finding.place.field_path,
        environment,
        tuple(
            RelatedLocation(location=locate(place), label=label, object=reference_to(place.resource))
            for place, label in finding.related
        ),
        finding.help or head.fix,
        # A digest of a weak password is as good as the password.
        None if finding.secret or is_secret(resource, route) else resource.get(*route),
        finding.steps,
        finding.secret,
    )


def locate(place: Place) -> Location:
    """Where in its file a place is."""
    resource = place.resource
    span = resource.document.span((*resource.route, *place.route), part=place.part)
    if not _exists(place):
        span = resource.document.span((*resource.route, *_nearest_written(place)), part="key")
    return Location(
        file=resource.document.file.shown,
        line=span.line,
        column=span.column,
        end_line=span.end_line,
        end_column=span.end_column,
        revision=resource.document.file.revision,
    )


def _exists(place: Place) -> bool:
    return place.resource.get(*place.route) is not None


def _nearest_written(place: Place) -> tuple[str | int, ...]:
    """The nearest ancestor that is written; a null key counts, and an object without it is shown by its name."""
    route = place.route
    for length in range(len(route), 0, -1):
        parent = place.resource.get(*route[: length - 1]) if length > 1 else place.resource.raw
        step = route[length - 1]
        if (isinstance(parent, dict) and step in parent) or (
            isinstance(parent, list) and isinstance(step, int) and step < len(parent)
        ):
            return route[:length]
    return ("metadata", "name") if place.resource.get("metadata", "name") is not None else ()


def reference_to(resource: Resource) -> ObjectReference:
    """How reports name an object."""
    return ObjectReference(
        api_version=resource.api_version,
        kind=resource.kind,
        namespace=resource.metadata.namespace,
        name=resource.name,
    )


def order(draft: Draft) -> tuple[Any, ...]:
    """The order of findings in a report."""
    place = draft.location
    return (place.file, place.line, place.column, draft.head.name, draft.path, draft.message)


def reported(draft: Draft, seen: defaultdict[str, int]) -> ReportedFinding:
    """A finding for the report; ``seen`` counts fingerprints, so that no two are equal."""
    return ReportedFinding(
        rule=draft.head.name,
        severity=draft.severity,
        confidence=draft.confidence,
        message=draft.message,
        location=draft.location,
        object=reference_to(draft.resource) if draft.resource is not None else None,
        path=draft.path,
        environment=draft.environment.name,
        environment_reason=draft.environment.reason,
        fingerprint=_fingerprint(draft, seen),
        related=draft.related,
        help=draft.help,
        steps=draft.steps,
        secret=draft.secret,
        url=draft.head.url,
    )


def _fingerprint(draft: Draft, seen: defaultdict[str, int]) -> str:
    """What a finding is about, without line numbers: it survives moving and reformatting the file."""
    resource = draft.resource
    parts = [draft.head.name, draft.location.file, draft.path]
    if resource is not None:
        parts += [resource.group, resource.kind, resource.metadata.namespace or "", resource.name]
        value = draft.value
        parts.append(value if isinstance(value, str) else repr(value) if isinstance(value, int | float) else "")
    else:
        parts.append(draft.message)
    digest = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]
    seen[digest] += 1
    return digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
