"""What a finding is about, in a form that outlives moving, renaming and reformatting a file."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from msgspec.structs import force_setattr

from k8s_stateful_lint._nothing import NOTHING
from k8s_stateful_lint.model.resource import field_path

if TYPE_CHECKING:
    from k8s_stateful_lint.model.resource import Resource
    from k8s_stateful_lint.reading import Route

# What tells the items of a list apart: the first of these that an item has. Mounts of one volume share its name, so
# their path goes first. Source: x-kubernetes-patch-merge-key and x-kubernetes-list-map-keys in the API's schemas.
_KEYS = ("mountPath", "devicePath", "name", "containerPort", "port", "key", "topologyKey", "ip", "uid", "type")
# Lists that are sets of words.
_SETS = frozenset({"accessModes", "finalizers", "mountOptions"})
# The names in a list of so few items are found again for every finding; those in longer ones are kept.
_FEW = 8


def named_path(resource: Resource, route: Route) -> str:
    """A field path in which items of lists go by their name (``containers[db]``), wherever they stand in the list."""
    text, last = "", ""
    value: Any = resource.raw
    for depth, step in enumerate(route):
        name = None
        if isinstance(step, int) and isinstance(value, list):
            names = _names_in_list(resource, route[:depth], value, last)
            name = names[step] if step < len(names) else None
        part = field_path((step,)) if name is None else f"[{name}]"
        text += part if not text or part.startswith("[") else f".{part}"
        last = str(step)
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            value = None
    return text


def _names_in_list(resource: Resource, route: Route, items: list[Any], of: str) -> list[str | None]:
    known = resource.names_in_lists.get(route)
    if known is None:
        known = _names_of_items(items, of)
        if len(items) > _FEW:
            if resource.names_in_lists is NOTHING:
                force_setattr(resource, "names_in_lists", {})
            resource.names_in_lists[route] = known
    return known


def _names_of_items(items: list[Any], of: str) -> list[str | None]:
    """How each item of a list is told from the others; None where only its index does."""
    counts: Counter[str] = Counter()
    names: list[str | None] = []
    for name in (_identity(item, of) for item in items):
        if name is not None:
            counts[name] += 1
        names.append(name if name is None or counts[name] == 1 else f"{name}#{counts[name]}")
    return names


def _identity(item: Any, of: str) -> str | None:
    if isinstance(item, str):
        return item if of in _SETS else None
    if not isinstance(item, dict):
        return None
    written = next((item[key] for key in _KEYS if isinstance(item.get(key), str | int)), None)
    if written is None and isinstance(item.get("metadata"), dict):
        written = item["metadata"].get("name")
    return str(written) if isinstance(written, str | int) else None


def fingerprint(rule: str, resource: Resource | None, path: str, value: object, message: str) -> str:
    """A digest of rule, object, path and value; of the message where there is no object.

    There is no line and no file in it. Quotes and the layout of a text make no difference to a value, and neither do
    the lines that a message counts. An object is known by group, kind, namespace and name, as written.
    """
    import hashlib

    if resource is None:
        parts = [rule, re.sub(r"\d+", "", message)]
    else:
        name = resource.name or resource.metadata.generate_name
        parts = [rule, resource.group, resource.kind, resource.metadata.namespace or "", name, path, _plain(value)]
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return " ".join(str(value).split()) if isinstance(value, str | int | float) else ""
