"""One API object of the input: what it says, and where it says it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Protocol

import msgspec

from k8s_stateful_lint._nothing import NOTHING
from k8s_stateful_lint.model.base import ApiStruct, Metadata
from k8s_stateful_lint.model.patches import route_in

if TYPE_CHECKING:
    from k8s_stateful_lint.model.patches import Patch
    from k8s_stateful_lint.reading import Document, Route, SourceFile, Span


Part = Literal["value", "key", "entry"]


class FieldProblem(msgspec.Struct, frozen=True):
    """A field whose value the typed object could not take; the object was read as if the field were absent."""

    route: Route
    kind: Literal["wrong-type", "null", "placeholder"]
    expected: str
    found: str


class Located(Protocol):
    """What has places in a file: a document, or a line of a template."""

    @property
    def file(self) -> SourceFile:
        """The file."""

    def span(self, route: Route, *, part: Part) -> Span:
        """The place of a node."""


class Spot(msgspec.Struct, frozen=True):
    """A node of something that was read from a file."""

    document: Located
    route: Route
    part: Part


class Origin(Protocol):
    """Where an object that a build made was written."""

    @property
    def build(self) -> str:
        """The build that made the object, as people call it: ``overlays/production``."""

    @property
    def source(self) -> Resource | None:
        """The object as a file of the input defines it; None where that cannot be told."""

    def find(self, route: Route, part: Part) -> Spot | None:
        """The source of a field that the made object has; None where that cannot be told."""


class Resource(msgspec.Struct, frozen=True, eq=False):
    """An API object, typed where its kind is modelled.

    ``route`` leads from the document to the object: ``()``, or ``("items", 0)`` inside a List. Routes of fields
    everywhere else are relative to the object.

    Where kustomizations patch the object, ``raw`` and ``body`` are what they make of it, ``as_written`` is the object
    as its file has it, and ``patches`` are what may have changed it, in the order in which they run.
    """

    document: Document
    route: Route
    api_version: str
    kind: str
    raw: Mapping[str, Any]
    body: ApiStruct | None
    metadata: Metadata
    problems: tuple[FieldProblem, ...] = ()
    # Set for an object that was not read from a file but made by a build.
    origin: Origin | None = None
    # Set for an object that kustomizations of the input patch.
    unpatched: Resource | None = None
    patches: tuple[Patch, ...] = ()
    # What the items of its long lists are called, by the route of the list; filled for findings.
    names_in_lists: dict[Route, list[str | None]] = NOTHING

    @property
    def as_written(self) -> Resource:
        """The object without the patches."""
        return self.unpatched or self

    @property
    def group(self) -> str:
        """The API group; the core group is ``""``."""
        return self.api_version.rpartition("/")[0]

    @property
    def name(self) -> str:
        """``metadata.name``; empty where it is absent or generated."""
        return self.metadata.name

    @property
    def path(self) -> str:
        """The file, as shown to people."""
        return self.document.file.path

    def get(self, *route: str | int) -> Any:
        """The raw value at a route, or None where there is none."""
        value: Any = self.raw
        for step in route:
            if isinstance(value, dict):
                value = value.get(step)
            elif isinstance(value, list) and isinstance(step, int) and step < len(value):
                value = value[step]
            else:
                return None
        return value

    def is_unknown(self, *route: str | int) -> bool:
        """Whether something written at (or above) the route could not be understood, so its value is unknown."""
        return bool(self.problems) and any(
            problem.kind != "null" and problem.route == route[: len(problem.route)] for problem in self.problems
        )


class Place(msgspec.Struct, frozen=True, gc=False):
    """A field of an object, by route. It is looked up in the file only when it is reported."""

    resource: Resource
    route: Route
    part: Part = "value"

    @property
    def written(self) -> Place:
        """Where the field is written: in the object's own file, or in the patch that sets it."""
        resource = self.resource
        if resource.unpatched is None:
            return self
        for length in range(len(self.route), 0, -1):
            route, rest = self.route[:length], self.route[length:]
            value = resource.get(*route)
            if value is None:
                continue
            own = route_in(resource.unpatched.raw, resource.raw, route)
            if own is not None and (rest or isinstance(value, dict | list) or resource.unpatched.get(*own) == value):
                return Place(resource.unpatched, (*own, *rest), self.part)
            for patch in reversed(resource.patches):
                place = patch.written_at(resource.raw, route)
                if place is not None:
                    return Place(place.resource, (*place.route, *rest) if patch.is_file else place.route, self.part)
        return Place(resource.unpatched, self.route, self.part)

    @property
    def field_path(self) -> str:
        """The route as people write it: ``spec.template.spec.volumes[0].name``."""
        return field_path(self.route)


def field_path(route: Route) -> str:
    """A route as people write it; keys with dots or slashes are put in brackets."""
    text = ""
    for step in route:
        if isinstance(step, int) or "." in step or "/" in step:
            text += f"[{step}]"
        else:
            text += f".{step}" if text else step
    return text
