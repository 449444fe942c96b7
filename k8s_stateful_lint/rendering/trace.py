"""From a place in a rendered overlay to the line that says it: in the object's own file, a patch or a kustomization.

A place counts as found only where its source says the same value, so that a frame never shows another one than the
message. Names that a prefix, a suffix or a hash was added to are the exception.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from k8s_stateful_lint._patterns import regex
from k8s_stateful_lint.model.decode import decode
from k8s_stateful_lint.model.quantities import whole_number
from k8s_stateful_lint.model.resource import Part, Resource, Spot
from k8s_stateful_lint.reading import Document, Route, read

from .rendered import Files

if TYPE_CHECKING:
    from .overlays import Layer

# What tells the items of a list apart: the merge keys of the API's lists.
_MERGE_KEYS = ("mountPath", "name", "containerPort", "port", "devicePath", "topologyKey", "key", "ip")
_HASH = regex(r"-[a-z0-9]{10}\Z")


class Told(msgspec.Struct, frozen=True):
    """What kustomize says of an object: the file that defines it, or the kustomization that generates it."""

    path: str | None
    generator: str | None


class _Patch(msgspec.Struct, frozen=True):
    """One document of a patch, with the object that the kustomization says it is for."""

    document: Document
    target: Mapping[str, Any]


class OverlayTrace:
    """The sources of the objects of one overlay."""

    def __init__(self, build: str, layers: list[Layer], files: Files) -> None:
        """``layers`` are the kustomizations of the overlay, the outermost first."""
        self.build = build
        self.layers = layers
        self.files = files

    def origin(self, resource: Resource, origin: Told | None) -> ObjectTrace:
        """The source of one object."""
        return ObjectTrace(self, resource, origin)

    @cached_property
    def patches(self) -> list[_Patch]:
        """Every patch of the overlay, the last to be applied first."""
        return [patch for layer in self.layers for patch in reversed(list(self._patches_of(layer)))]

    def _patches_of(self, layer: Layer) -> Iterator[_Patch]:
        for key in ("patchesStrategicMerge", "patches", "patchesJson6902"):
            for index, entry in enumerate(layer.resource.get(key) or ()):
                written = entry if isinstance(entry, dict) else {}
                text = entry if isinstance(entry, str) else written.get("path") or written.get("patch")
                if not isinstance(text, str):
                    continue
                target = written.get("target") or {}
                for document in self._documents(layer, text, (key, index, *(("patch",) if written else ()))):
                    yield _Patch(document, target if isinstance(target, dict) else {})

    def _documents(self, layer: Layer, text: str, route: Route) -> tuple[Document, ...]:
        if "\n" in text:
            return _inline(layer.resource, route)
        reading = self.files.reading(layer.join(text))
        return reading.documents if reading is not None else ()


def _inline(resource: Resource, route: Route) -> tuple[Document, ...]:
    """The documents of a patch that is written into a kustomization, at their own lines of its file."""
    file = resource.document.file
    header = resource.document.span((*resource.route, *route))
    first = file.lines[header.line - 1][header.column - 1 :]
    if not first.startswith("|"):
        return ()
    block: list[str] = []
    indent = None
    for line in file.lines[header.line :]:
        depth = len(line) - len(line.lstrip(" "))
        if line.strip():
            indent = depth if indent is None else indent
            if depth < indent:
                break
        block.append(line)
    return read(msgspec.structs.replace(file, data="\n".join([""] * header.line + block).encode())).documents


class ObjectTrace(msgspec.Struct, eq=False, dict=True):
    """The sources of one object of an overlay: the `Origin` of a resource."""

    overlay: OverlayTrace
    made: Resource
    origin: Told | None

    @property
    def build(self) -> str:
        """The overlay."""
        return self.overlay.build

    @cached_property
    def source(self) -> Resource | None:
        """The object in its own file."""
        if self.origin is None or self.origin.path is None:
            return None
        reading = self.overlay.files.reading(self.origin.path)
        resources = [r for document in reading.documents for r in decode(document)] if reading is not None else []
        alike = [r for r in resources if r.kind == self.made.kind and r.name and r.name in self.made.name]
        longest = max((len(r.name) for r in alike), default=0)
        best = [r for r in alike if len(r.name) == longest]
        return best[0] if len(best) == 1 else None

    def find(self, route: Route, part: Part) -> Spot | None:
        """Where the value at a route was written."""
        if self.source is not None:
            spot = self._same(self.source.document, self.source.raw, self.source.route, route, part)
            if spot is not None:
                return spot
        value = _at(self.made.raw, route)
        spots = (
            *(self._in_patch(patch, route, part) for patch in self.overlay.patches if self._concerns(patch)),
            *(self._in_kustomization(layer, route, value) for layer in self.overlay.layers),
        )
        return next((spot for spot in spots if spot is not None), None)

    def _same(self, document: Document, source: Any, base: Route, route: Route, part: Part) -> Spot | None:
        """The place in another object that has the same value in the same field."""
        there = aligned(self.made.raw, source, route)
        if there is None or not self._agrees(_at(self.made.raw, route), _at(source, there)):
            return None
        return Spot(document, (*base, *there), part)

    def _agrees(self, made: Any, written: Any) -> bool:
        if isinstance(made, dict | list):
            # A map is the same one whatever a patch changed in it; a list of plain values is what it lists.
            plain = isinstance(made, list) and not any(isinstance(item, dict | list) for item in made)
            return bool(made == written) if plain else type(made) is type(written)
        if not isinstance(made, str) or not isinstance(written, str):
            return type(made) is type(written) and bool(made == written)
        before, after = self._affixes
        renamed = f"{before}{written}{after}"
        return made in (written, renamed) or (made.startswith(renamed) and bool(_HASH.fullmatch(made[len(renamed) :])))

    @cached_property
    def _affixes(self) -> tuple[str, str]:
        """What the overlay adds to names, before and after."""
        if self.source is not None:
            before, _, after = self.made.name.partition(self.source.name)
            return before, after
        layers = self.overlay.layers
        return "".join(x.body.name_prefix for x in layers), "".join(x.body.name_suffix for x in reversed(layers))

    # Patches ------------------------------------------------------------------------------------------------------

    def _concerns(self, patch: _Patch) -> bool:
        """Whether a patch may be one for this object; that it says the same value makes it sure."""
        value = patch.document.value
        if patch.target:
            kind, name = patch.target.get("kind"), patch.target.get("name")
        elif isinstance(value, dict):
            metadata = value.get("metadata")
            kind, name = value.get("kind"), metadata.get("name") if isinstance(metadata, dict) else None
        else:
            return False
        if kind is not None and kind != self.made.kind:
            return False
        names = {self.made.name, self.source.name if self.source is not None else ""}
        return not isinstance(name, str) or any(_is_name(name, other) for other in names)

    def _in_patch(self, patch: _Patch, route: Route, part: Part) -> Spot | None:
        value = patch.document.value
        if isinstance(value, dict):
            return self._same(patch.document, value, (), route, part)
        for index, operation in reversed(list(enumerate(value if isinstance(value, list) else ()))):
            path = operation.get("path") if isinstance(operation, dict) else None
            if not isinstance(path, str) or "value" not in operation:
                continue
            steps = [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:]]
            if not all(map(_is_step, steps, route)):
                continue
            if len(steps) > len(route):
                # It changes a part of what stands there.
                if self._agrees(_in(self.made.raw, steps), operation["value"]):
                    return Spot(patch.document, (index, "value"), "value")
                continue
            made = _at(self.made.raw, route[: len(steps)])
            there = aligned(made, operation["value"], route[len(steps) :])
            if there is not None and self._agrees(_at(self.made.raw, route), _at(operation["value"], there)):
                return Spot(patch.document, (index, "value", *there), part)
        return None

    # What kustomizations say themselves ---------------------------------------------------------------------------

    def _in_kustomization(self, layer: Layer, route: Route, value: Any) -> Spot | None:
        there = next(self._fields(layer, route, value), None)
        return Spot(layer.resource.document, (*layer.resource.route, *there), "value") if there is not None else None

    def _fields(self, layer: Layer, route: Route, value: Any) -> Iterator[Route]:
        body = layer.body
        if self.origin is not None and self.origin.generator == layer.path:
            for key in ("configMapGenerator", "secretGenerator"):
                for index, entry in enumerate(layer.resource.get(key) or ()):
                    name = entry.get("name") if isinstance(entry, dict) else None
                    if (
                        isinstance(name, str)
                        and name in self.made.name
                        and key.lower().startswith(self.made.kind.lower())
                    ):
                        yield key, index, "name"
        if not route:
            return
        if route[-1] == "namespace" and value is not None and value == body.namespace:
            yield ("namespace",)
        name = self.source.name if self.source is not None else self.made.name
        if route == ("spec", "replicas"):
            for index, replicas in enumerate(body.replicas):
                if replicas.name in (name, self.made.name) and replicas.count == value:
                    yield "replicas", index, "count"
        if route[-1] == "image" and isinstance(value, str):
            for index, image in enumerate(body.images):
                target = image.new_name or image.name
                if value == target or value.startswith((f"{target}:", f"{target}@")):
                    parts = (("digest", image.digest), ("newTag", image.new_tag), ("newName", image.new_name))
                    yield from (("images", index, key) for key, text in parts if text and str(text) in value)
        if len(route) > 1 and route[-2] in ("labels", "matchLabels", "selector") and isinstance(value, str):
            if body.common_labels.get(str(route[-1])) == value:
                yield "commonLabels", route[-1]
            for index, labels in enumerate(body.labels):
                if labels.pairs.get(str(route[-1])) == value:
                    yield "labels", index, "pairs", route[-1]


def _is_name(pattern: str, name: str) -> bool:
    """Whether a name, or the expression that a target may have, stands for an object that may have been renamed."""
    if not name:
        return False
    if pattern in name:
        return True
    try:
        return re.fullmatch(pattern, name) is not None
    except re.error:
        return False


def _is_step(written: str, step: str | int) -> bool:
    """Whether a step of a JSON pointer leads the same way; what is appended has the number it got."""
    return written == str(step) or (written == "-" and isinstance(step, int))


def _in(value: Any, steps: list[str]) -> Any:
    """The value that a JSON pointer leads to, or None where there is none."""
    for step in steps:
        if isinstance(value, list):
            index = whole_number(step)
            value = value[-1 if index is None or index >= len(value) else index] if value else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


# Routes -----------------------------------------------------------------------------------------------------------


def aligned(made: Any, written: Any, route: Route) -> Route | None:
    """The route in one value that leads where ``route`` leads in another one, whose lists have another order.

    None where there is no such place.
    """
    found: list[str | int] = []
    for step in route:
        if isinstance(step, int):
            if not isinstance(made, list) or not isinstance(written, list) or step >= len(made):
                return None
            index = _counterpart(made, step, written)
            if index is None:
                return None
            made, written = made[step], written[index]
            found.append(index)
        else:
            if not isinstance(made, dict) or not isinstance(written, dict) or step not in made or step not in written:
                return None
            made, written = made[step], written[step]
            found.append(step)
    return tuple(found)


def _counterpart(items: list[Any], index: int, others: list[Any]) -> int | None:
    """The number of the item of another list that stands for one of this list."""
    item = items[index]
    if isinstance(item, dict):
        for key in _MERGE_KEYS:
            value = _identity(item, key)
            if value is not None and [_identity(other, key) for other in items].count(value) == 1:
                same = [number for number, other in enumerate(others) if _identity(other, key) == value]
                return same[0] if len(same) == 1 else None
    equal = [number for number, other in enumerate(others) if other == item]
    if equal:
        return index if index in equal else equal[0]
    return index if len(items) == len(others) else None


def _identity(item: Any, key: str) -> Any:
    """What a merge key says of an item; claim templates carry their name in their metadata."""
    if not isinstance(item, dict):
        return None
    metadata = item.get("metadata")
    if key == "name" and "name" not in item and isinstance(metadata, dict):
        return metadata.get("name")
    return item.get(key)


def _at(value: Any, route: Route) -> Any:
    """The value at a route, or None where there is none."""
    for step in route:
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and step < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value
