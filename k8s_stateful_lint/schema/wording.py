"""What is wrong with a field, in words for people, and what to do about it."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable
from typing import Any

import msgspec

from k8s_stateful_lint._patterns import regex
from k8s_stateful_lint.model.resource import field_path
from k8s_stateful_lint.reading import Route
from k8s_stateful_lint.schema.kinds import Error, KindSchema, value_at

_TYPE_NAMES = {
    "array": "a list",
    "boolean": "a boolean",
    "integer": "an integer",
    "number": "a number",
    "object": "a mapping",
    "string": "a string",
}
_LONGEST_QUOTE = 60
_NUMBER = regex(r"-?\d+(?:\.\d+)?\Z")
_NEAR = 0.75


class Words(msgspec.Struct, frozen=True):
    """A message, and help where the rule's general help can be made more precise."""

    message: str
    help: str | None = None


def wording(error: Error, schema: KindSchema, raw: object, *, secret: bool) -> Words:
    """What is wrong. The value is not told where it is ``secret``."""
    value = value_at(raw, error.route)
    match error.violation:
        case "unknown":
            return _unknown(error, schema, raw)
        case "missing":
            name = error.route[-1]
            where = f"`{name}` of {error.owner.name}"
            missing = "is missing" if _is_absent(raw, error.route) else "has no value"
            return Words(f"{where} {missing}, and the API server requires it", f"Write `{name}`.")
        case "type":
            expected = _joined(_TYPE_NAMES.get(name, name) for name in _ordered(error.expected))
            message = f"{short_path(error.route)} must be {expected}, not {described(value, secret=secret)}"
            return Words(message, _type_help(error, value))
        case "value":
            near = difflib.get_close_matches(str(value), error.expected, n=1)
            found = "this value" if secret else described(value)
            message = f"{short_path(error.route)} must be {_joined(error.expected)}, not {found}"
            return Words(message, f"Write {near[0]}." if near else None)


def newer(error: Error, version: str, later: str) -> Words:
    """A field that the target does not have yet, but a later version."""
    return Words(
        f"`{error.route[-1]}` is not a field of {error.owner.name} in Kubernetes {version} yet (it is in {later}): "
        "the API server drops it silently",
        "Remove it, or target a version of Kubernetes that has it.",
    )


def short_path(route: Route) -> str:
    """The end of a route that tells a person which field it is: ``replicas``, ``args[2]``, ``labels[a.io/b]``."""
    start = len(route) - 1
    while start > 0 and field_path((route[start],)).startswith("["):
        start -= 1
    return field_path(route[start:])


def described(value: object, *, secret: bool = False) -> str:
    """A value as messages name it; only its type where it is ``secret``."""
    match value:
        case bool():
            return "a boolean" if secret else f"the boolean {str(value).lower()}"
        case int() | float():
            shown = value if math.isfinite(value) else f".{value}".replace(".-", "-.")
            return "a number" if secret else f"the number {shown}"
        case str():
            plain = not secret and len(value) <= _LONGEST_QUOTE and value.isprintable()
            return f'the string "{value}"' if plain else "a string"
        case list():
            return "a list"
        case dict():
            return "a mapping"
        case _:
            return "null"


def _is_absent(raw: Any, route: Route) -> bool:
    parent = value_at(raw, route[:-1])
    return not (isinstance(parent, dict) and route[-1] in parent)


def _ordered(types: Iterable[str]) -> list[str]:
    return sorted(set(types), key=list(_TYPE_NAMES).index)


def _joined(options: Iterable[str]) -> str:
    listed = list(options)
    return listed[0] if len(listed) == 1 else f"{', '.join(listed[:-1])} or {listed[-1]}"


def _type_help(error: Error, value: object) -> str | None:
    expected = set(error.expected)
    match value:
        case bool() | int() | float() if "string" in expected:
            return "Quote the value."
        case str() if expected == {"boolean"} and value.lower() in {"true", "false"}:
            return "Remove the quotes."
        case str() if expected & {"integer", "number"} and _NUMBER.match(value):
            return "Remove the quotes."
        case dict() if expected == {"array"}:
            return "Make it a list: begin every entry with a dash."
        case list() if expected == {"object"}:
            return "Make it a mapping: remove the dashes."
        case dict() if expected == {"string"} and len(value) == 1 and isinstance(error.route[-1], int):
            return "Quote the text: a colon with a blank behind it makes a mapping."
    return None


# Unknown fields -------------------------------------------------------------------------------------------------------


def _unknown(error: Error, schema: KindSchema, raw: object) -> Words:
    *parents, name = error.route
    message = f"`{name}` is not a field of {error.owner.name}: the API server drops it silently"
    siblings = value_at(raw, tuple(parents))
    free = [field for field in error.owner.fields if not (isinstance(siblings, dict) and siblings.get(field))]
    respelled = _respelled(str(name), free)
    if respelled is not None:
        return Words(f"{message}; did you mean `{respelled}`?", f"Write `{respelled}`.")
    home = _home_above(str(name), tuple(parents), schema)
    if home is not None:
        route, owner = home
        place = f"`{field_path(route)}`" if route else "the top level"
        return Words(f"{message}; it is a field of {owner}", f"Move it up to {place}.")
    near = _near(str(name), free)
    if near is not None:
        return Words(f"{message}; did you mean `{near}`?", f"Write `{near}`.")
    inner = _home_below(str(name), error, schema)
    if inner is not None:
        return Words(f"{message}; did you mean to write it in `{inner}`?", f"Move it into `{inner}`.")
    return Words(message)


def _folded(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _respelled(name: str, fields: list[str]) -> str | None:
    """The same word in other letters (``volume_mounts``), or its plural or singular."""
    folded = _folded(name)
    forms = {folded, f"{folded}s", folded.removesuffix("s")} if folded else set()
    return next((field for field in fields if _folded(field) in forms), None)


def _near(name: str, fields: list[str]) -> str | None:
    by_lower = {field.lower(): field for field in fields}
    found = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=_NEAR)
    return by_lower[found[0]] if found else None


def _home_above(name: str, parents: Route, schema: KindSchema) -> tuple[Route, str] | None:
    """The nearest object around it that has such a field: the indentation went too deep."""
    types = schema.types(parents)
    for length in range(len(parents) - 1, -1, -1):
        # At an item of a list the list around it has no fields; metadata has none that are meant elsewhere.
        if name in types[length].fields:
            return parents[:length], types[length].name
    return None


def _home_below(name: str, error: Error, schema: KindSchema) -> str | None:
    """The one field of the same object whose value has such a field: the indentation did not go deep enough."""
    found = []
    for field, inner in error.owner.fields.items():
        kind = schema.resolved(inner)
        kind = schema.resolved(kind.schema["items"]) if isinstance(kind.schema.get("items"), dict) else kind
        if name in kind.fields:
            found.append(field)
    return found[0] if len(found) == 1 else None
