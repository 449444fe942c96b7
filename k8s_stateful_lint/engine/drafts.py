"""Findings on their way to the report: weighed by the configuration, and located."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import msgspec

from k8s_stateful_lint.checks.finding import Finding
from k8s_stateful_lint.config import Confidence, Severity
from k8s_stateful_lint.engine.cards import Head
from k8s_stateful_lint.engine.fingerprints import fingerprint, named_path
from k8s_stateful_lint.engine.policy import Policy
from k8s_stateful_lint.engine.report import Location, ObjectReference, RelatedLocation, ReportedFinding
from k8s_stateful_lint.graph import Node
from k8s_stateful_lint.graph.environments import Environment
from k8s_stateful_lint.model.resource import Part, Place, Resource, Spot
from k8s_stateful_lint.schema.secrets import is_secret

if TYPE_CHECKING:
    from k8s_stateful_lint.reading import Route

_CONFIDENCES: tuple[Confidence, ...] = ("low", "medium", "high")
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "error")


class Draft(msgspec.Struct):
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
    # Where it is in the text that a build made, if one did.
    made_at: Location | None = None
    named_path: str = ""


def make_draft(head: Head, finding: Finding, owner: Node, policy: Policy, weak: int = 0) -> Draft | None:
    """A finding as the configuration wants it, ``weak`` steps less sure; None where it wants none."""
    if owner.graph.is_fact(finding.place.resource):
        return None  # the cluster is not linted
    location, made_at = locate(finding.place), _place_in_build(finding.place)
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
    wanted = policy.severity(head, severity, (location.file, finding.place.resource.path), environment.name)
    if wanted is None:
        return None
    lowered = max(0, _CONFIDENCES.index(confidence) - finding.weak - weak)
    resource, route = finding.place.resource, finding.place.route
    return Draft(
        head,
        wanted,
        _CONFIDENCES[lowered],
        finding.message,
        location,
        resource.as_written,
        finding.place.field_path,
        environment,
        tuple(
            RelatedLocation(location=locate(place), label=label, object=reference_to(place.resource.as_written))
            for place, label in finding.related
        ),
        finding.help or head.fix,
        # A digest of a weak password is as good as the password.
        None if finding.secret or is_secret(resource, route) else _value(finding.place),
        finding.steps,
        finding.secret,
        made_at,
        named_path(resource, route),
    )


def _value(place: Place) -> object:
    """The value at a place; of an object that a build made, as its file writes it: a prefix makes no other value."""
    origin = place.resource.origin
    source = origin.source if origin is not None else None
    spot = origin.find(place.route, place.part) if origin is not None and source is not None else None
    if source is not None and spot is not None and spot.document is source.document:
        return source.get(*spot.route[len(source.route) :])
    return place.resource.get(*place.route)


def locate(place: Place) -> Location:
    """Where in its file a place is; of an object that a build made, in the file that the build has it from.

    What a patch sets is in the file of the patch.
    """
    place = place.written
    origin, (route, part) = place.resource.origin, _written(place)
    source = origin.find(route, part) if origin is not None else None
    return _location(source or _spot(place))


def _place_in_build(place: Place) -> Location | None:
    """Where a place is in the text that a build made; None where the object was read from a file."""
    return _location(_spot(place)) if place.resource.origin is not None else None


def _spot(place: Place) -> Spot:
    route, part = _written(place)
    return Spot(place.resource.document, (*place.resource.route, *route), part)


def _written(place: Place) -> tuple[Route, Part]:
    """The route of a place, or of its nearest ancestor that is written."""
    return (place.route, place.part) if _exists(place) else (_nearest_written(place), "key")


def _location(spot: Spot) -> Location:
    span = spot.document.span(spot.route, part=spot.part)
    return Location(
        file=spot.document.file.shown,
        line=span.line,
        column=span.column,
        end_line=span.end_line,
        end_column=span.end_column,
        revision=spot.document.file.revision,
    )


def _exists(place: Place) -> bool:
    return place.resource.get(*place.route) is not None


def _nearest_written(place: Place) -> Route:
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
        fingerprint=_numbered(draft, seen),
        named_path=draft.named_path,
        related=draft.related,
        help=draft.help,
        steps=draft.steps,
        secret=draft.secret,
        url=draft.head.url,
    )


def _numbered(draft: Draft, seen: defaultdict[str, int]) -> str:
    """The fingerprint; of several findings with the same one, all but the first get a number."""
    resource = draft.resource
    # Overlays that give an object another name or namespace do not make another finding of it.
    if resource is not None and resource.origin is not None:
        resource = resource.origin.source or resource
    digest = fingerprint(draft.head.name, resource, draft.named_path, draft.value, draft.message)
    seen[digest] += 1
    return digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
