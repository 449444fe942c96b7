"""What kustomize's patches make of an object: strategic merge patches and JSON patches (RFC 6902).

Source: kubernetes api/core/v1/types.go (``patchMergeKey``), kustomize kyaml/yaml/merge2, RFC 6902.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeGuard

import msgspec

from k8s_stateful_lint.model.base import ApiStruct
from k8s_stateful_lint.model.quantities import whole_number
from k8s_stateful_lint.reading import MAX_DEPTH

if TYPE_CHECKING:
    from k8s_stateful_lint.model.resource import Place
    from k8s_stateful_lint.reading import Route

# Lists that a strategic merge patch merges entry by entry, with the fields that tell entries apart; it replaces others.
_MERGE_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "volumes": ("name",),
    "env": ("name",),
    "imagePullSecrets": ("name",),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "ports": ("containerPort", "port"),
    "hostAliases": ("ip",),
    "topologySpreadConstraints": ("topologyKey",),
}
_DIRECTIVE = "$patch"
_MOST_PARTS = 100_000
UNDECIDED: Final = "${kustomize}"
"""Stands for a value that builds set differently: a placeholder, so that nobody judges it."""


class PatchTarget(ApiStruct, frozen=True):
    """``target`` of a patch: what is written must fit; names and namespaces are regular expressions."""

    group: str = ""
    version: str = ""
    kind: str = ""
    name: str = ""
    namespace: str = ""
    label_selector: str = ""
    annotation_selector: str = ""

    def fits(self, api_version: str, kind: str, metadata: Mapping[str, Any]) -> bool:
        """Whether an object is meant. A selector that is more than a list of equalities counts as fitting."""
        group, _, version = api_version.rpartition("/")
        return (
            self.kind in ("", kind)
            and self.group in ("", group)
            and self.version in ("", version)
            and _fits_pattern(self.name, metadata.get("name"))
            and (not metadata.get("namespace") or _fits_pattern(self.namespace, metadata.get("namespace")))
            and _fits_selector(self.label_selector, metadata.get("labels"))
            and _fits_selector(self.annotation_selector, metadata.get("annotations"))
        )


def _fits_pattern(pattern: str, text: object) -> bool:
    if not pattern:
        return True
    try:
        return isinstance(text, str) and re.fullmatch(pattern, text) is not None
    except re.error:
        return False


def _fits_selector(selector: str, labels: object) -> bool:
    pairs = [part.strip().replace("==", "=").partition("=") for part in selector.split(",") if part.strip()]
    if any(not equals or key.endswith("!") or "(" in value for key, equals, value in pairs):
        return True
    written = labels if isinstance(labels, dict) else {}
    return all(written.get(key.strip()) == value.strip() for key, _, value in pairs)


class Patch(msgspec.Struct, frozen=True, eq=False):
    """One patch: a mapping to merge, or the operations of a JSON patch; and where it is written.

    ``target`` is None where the patch itself names the object it is for. ``is_file`` tells that ``place`` is the patch
    itself, so that a route inside it can be shown.
    """

    content: Mapping[str, Any] | list[Any]
    target: PatchTarget | None
    place: Place
    is_file: bool = False

    @property
    def names(self) -> tuple[str, str] | None:
        """Kind and name of the only object that the patch may fit; None where it may be for several."""
        if self.target is not None or isinstance(self.content, list):
            return None
        return str(self.content.get("kind")), str(_mapping(self.content.get("metadata")).get("name"))

    def fits(self, raw: Mapping[str, Any]) -> bool:
        """Whether the patch is for an object."""
        metadata = _mapping(raw.get("metadata"))
        api_version, kind = str(raw.get("apiVersion")), str(raw.get("kind"))
        if self.target is not None:
            return self.target.fits(api_version, kind, metadata)
        if isinstance(self.content, list):
            return False
        named = _mapping(self.content.get("metadata"))
        spaces = named.get("namespace"), metadata.get("namespace")
        return (
            self.content.get("kind") == kind
            and bool(named.get("name"))
            and named.get("name") == metadata.get("name")
            and (None in spaces or spaces[0] == spaces[1])
        )

    def apply(self, raw: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The object with the patch applied, None where the patch deletes it; what does not apply is left out."""
        if not isinstance(self.content, list):
            merged = _merge(raw, self.content)
            if not isinstance(merged, dict):
                return None
            # Kind and identity stay those of the object, whatever a patch with a target calls itself.
            metadata = {**_mapping(merged.get("metadata")), **_identity(raw)}
            return {**merged, "apiVersion": raw["apiVersion"], "kind": raw["kind"], "metadata": metadata}
        value: Any = raw
        for operation in self.content:
            if isinstance(operation, dict):
                value = _operate(value, operation)
        if not isinstance(value, dict):
            return None
        return raw if _is_boundless(value) else value

    def written_at(self, raw: Mapping[str, Any], route: Route) -> Place | None:
        """Where the patch writes a field of the patched object ``raw``; None where it does not."""
        if not self.is_file:
            return self.place
        found = route_in(self.content, raw, route)
        return type(self.place)(self.place.resource, found) if found is not None else None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _identity(raw: Mapping[str, Any]) -> dict[str, Any]:
    metadata = _mapping(raw.get("metadata"))
    return {key: metadata[key] for key in ("name", "namespace") if key in metadata}


# Strategic merge ------------------------------------------------------------------------------------------------------


def _merge(value: Any, patch: Any, field: str = "") -> Any:
    """A value with a strategic merge patch over it; None where the patch takes it away."""
    if isinstance(patch, dict):
        if patch.get(_DIRECTIVE) == "delete":
            return None
        base = value if isinstance(value, dict) and patch.get(_DIRECTIVE) != "replace" else {}
        merged = {key: item for key, item in base.items() if key not in patch or patch[key] is not None}
        for key, item in patch.items():
            if item is None or key.startswith("$"):
                continue
            new = _merge(base.get(key), item, key)
            if new is None:
                merged.pop(key, None)
            else:
                merged[key] = new
        return merged
    if isinstance(patch, list) and isinstance(value, list) and field in _MERGE_KEYS:
        return _merge_list(value, patch, field)
    if isinstance(patch, list) and all(isinstance(item, dict) for item in patch):
        return [_merge(None, item) for item in patch if item.get(_DIRECTIVE) != "delete"]
    return patch


def _merge_list(items: list[Any], patch: list[Any], field: str) -> list[Any]:
    if any(isinstance(item, dict) and dict(item) == {_DIRECTIVE: "replace"} for item in patch):
        return [_merge(None, item) for item in patch if _key_of(item, field) is not None]
    merged: list[Any] = list(items)
    for item in patch:
        key = _key_of(item, field)
        index = next((i for i, other in enumerate(merged) if key is not None and _key_of(other, field) == key), None)
        new = _merge(merged[index] if index is not None else None, item)
        if index is None:
            # kustomize puts new entries first; behind the others they leave the places of those as they are.
            merged += [new] if new is not None else []
        elif new is None:
            del merged[index]
        else:
            merged[index] = new
    return merged


def _key_of(item: object, field: str) -> str | int | None:
    """What tells an entry of a list from the others; None where nothing does."""
    if not isinstance(item, dict):
        return None
    candidates = [item.get(key) for key in _MERGE_KEYS.get(field, ("name",))]
    candidates.append(_mapping(item.get("metadata")).get("name"))
    return next((found for found in candidates if isinstance(found, str | int)), None)


# JSON patches ---------------------------------------------------------------------------------------------------------


def is_json_patch(value: object) -> TypeGuard[list[Any]]:
    """Whether a document is a list of operations."""
    return isinstance(value, list) and bool(value) and all(isinstance(o, dict) and "op" in o for o in value)


def _operate(value: Any, operation: Mapping[str, Any]) -> Any:
    path = operation.get("path")
    if not isinstance(path, str) or not path.startswith("/"):
        return value
    steps = _pointer(path)
    if len(steps) > MAX_DEPTH:
        return value
    match operation.get("op"):
        case "add" | "replace" as kind:
            return _put(value, steps, operation.get("value"), insert=kind == "add")
        case "remove":
            return _remove(value, steps)
        case "move" | "copy" as kind if isinstance(operation.get("from"), str):
            source = _pointer(operation["from"])
            moved = _look(value, source)
            return _put(_remove(value, source) if kind == "move" else value, steps, moved, insert=True)
    return value


def _is_boundless(value: dict[str, Any]) -> bool:
    """Whether a value is nested deeper, or has more parts, than anything that is read: copies of copies double."""
    level: list[Any] = [value]
    parts = 0
    for _ in range(MAX_DEPTH):
        level = [
            item
            for part in level
            for item in (part.values() if isinstance(part, dict) else part)
            if isinstance(item, dict | list)
        ]
        parts += len(level)
        if not level or parts > _MOST_PARTS:
            break
    return bool(level)


def _pointer(path: str) -> list[str]:
    return [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:]]


def _look(value: Any, steps: Iterable[str]) -> Any:
    for step in steps:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and (index := whole_number(step)) is not None and index < len(value):
            value = value[index]
        else:
            return None
    return value


def _put(value: Any, steps: list[str], new: Any, *, insert: bool) -> Any:
    if not steps:
        return new
    step, rest = steps[0], steps[1:]
    if isinstance(value, list):
        items = list(value)
        if step == "-" and not rest:
            return [*items, new]
        index = whole_number(step)
        if index is None or index > len(items):
            return value
        if not rest and (insert or index == len(items)):
            items.insert(index, new)
        elif index < len(items):
            items[index] = _put(items[index], rest, new, insert=insert)
        return items
    base = value if isinstance(value, dict) else {}
    return {**base, step: _put(base.get(step), rest, new, insert=insert)}


def _remove(value: Any, steps: list[str]) -> Any:
    if not steps:
        return None
    step, rest = steps[0], steps[1:]
    if isinstance(value, dict) and step in value:
        if rest:
            return {**value, step: _remove(value[step], rest)}
        return {key: item for key, item in value.items() if key != step}
    if isinstance(value, list) and (index := whole_number(step)) is not None and index < len(value):
        return [*value[:index], *([_remove(value[index], rest)] if rest else []), *value[index + 1 :]]
    return value


# Several builds -------------------------------------------------------------------------------------------------------


# Fields of which an object has one: the server refuses two, and no build has more than the one it wants.
_ALTERNATIVES: Final = (
    ("value", "valueFrom"),
    ("exec", "httpGet", "tcpSocket", "grpc", "sleep"),
    ("minAvailable", "maxUnavailable"),
    ("subPath", "subPathExpr"),
)

# Fields of volumes and PersistentVolumes that are no source.
_BESIDE_SOURCES: Final = frozenset(
    {
        *("name", "accessModes", "capacity", "claimRef", "mountOptions", "nodeAffinity", "storageClassName"),
        *("persistentVolumeReclaimPolicy", "volumeAttributesClassName", "volumeMode"),
    }
)


def union(variants: list[Any], field: str = "") -> Any:
    """What several builds make of one value: everything that some build writes, and UNDECIDED where they disagree.

    A rule about something missing is so silent where one build has it; one about a value that only some builds have
    cannot see it. ``field`` is the field of the values; ``volumes[]`` that of an entry of ``volumes``.
    """
    first = variants[0]
    if all(variant == first for variant in variants[1:]):
        return first
    if all(isinstance(variant, dict) for variant in variants):
        if field == "volumes[]" or (field == "spec" and any("capacity" in variant for variant in variants)):
            variants = _with_one_source(variants)
        keys = dict.fromkeys(key for variant in variants for key in variant)
        merged = {
            key: union([variant[key] for variant in variants if variant.get(key) is not None] or [None], key)
            for key in keys
        }
        for alternatives in _ALTERNATIVES:
            chosen = [key for key in merged if key in alternatives]
            if len(chosen) > 1 and not any(_has(variant, chosen) > 1 for variant in variants):
                merged = {key: value for key, value in merged.items() if key not in chosen} | {chosen[0]: UNDECIDED}
        typed = [_has(variant, ("type",)) for variant in variants]
        if field == "strategy" and any(typed) and not all(typed) and "rollingUpdate" in merged:
            merged["type"] = UNDECIDED  # without a type it is RollingUpdate
        return merged
    if all(isinstance(variant, list) for variant in variants):
        entries: dict[str | int | None, list[Any]] = {}
        ports: dict[object, str | int | None] = {}
        for item in (item for variant in variants for item in variant):
            key = _key_of(item, field)
            if field == "ports" and isinstance(item, dict) and isinstance(name := item.get("name"), str):
                # Builds may disagree about the name of a port or about its number: either tells which one it is.
                key = ports.setdefault(name, ports.setdefault(key, key))
            entries.setdefault(key, []).append(item)
        if None not in entries:
            return [union(same, f"{field}[]") for same in entries.values()]
    return UNDECIDED


def _has(variant: Mapping[str, Any], keys: Iterable[str]) -> int:
    """How many of some fields a mapping has."""
    return sum(variant.get(key) is not None for key in keys)


def _with_one_source(volumes: list[Any]) -> list[Any]:
    """The variants of a volume whose builds have different sources: those with a claim, else a source nobody judges."""
    sources = [[key for key in volume if key not in _BESIDE_SOURCES and volume[key] is not None] for volume in volumes]
    if any(len(keys) > 1 for keys in sources) or len({keys[0] for keys in sources if keys}) < 2:
        return volumes
    claims = [volume for volume in volumes if volume.get("persistentVolumeClaim") is not None]
    return claims or [
        {key: volume[key] for key in volume if key in _BESIDE_SOURCES} | {UNDECIDED: UNDECIDED} for volume in volumes
    ]


# From a patched object back to what is written ------------------------------------------------------------------------


def route_in(written: object, patched: object, route: Route) -> Route | None:
    """The route in ``written`` of what is at ``route`` in ``patched``: entries of lists are found by their names."""
    found: list[str | int] = []
    field = ""
    for step in route:
        if isinstance(step, int):
            if not isinstance(written, list) or not isinstance(patched, list) or step >= len(patched):
                return None
            index = _index_in(written, patched[step], step, field)
            if index is None:
                return None
            found.append(index)
            written, patched = written[index], patched[step]
            continue
        if not isinstance(written, dict) or written.get(step) is None:
            return None
        found.append(step)
        field, written = step, written[step]
        patched = patched.get(step) if isinstance(patched, Mapping) else None
    return tuple(found)


def _index_in(written: list[Any], item: object, step: int, field: str) -> int | None:
    if step < len(written) and written[step] == item:
        return step
    key = _key_of(item, field)
    if key is None:
        return next((index for index, other in enumerate(written) if other == item), None)
    return next((index for index, other in enumerate(written) if _key_of(other, field) == key), None)
