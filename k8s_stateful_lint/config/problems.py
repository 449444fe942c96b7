"""What is wrong with the values of a configuration: every problem, with its route and the nearest right key."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import inspect

from k8s_stateful_lint.config.settings import Config, Problem, Route

_NAMES: dict[type[inspect.Type], str] = {
    inspect.StrType: "a string",
    inspect.BoolType: "true or false",
    inspect.IntType: "a whole number",
    inspect.DictType: "a mapping",
    inspect.StructType: "a mapping",
    inspect.VarTupleType: "a list",
}


def problems_of(values: object) -> list[Problem]:
    """Everything in plain values that does not fit the types of the configuration."""
    return list(_check(values, inspect.type_info(Config), ()))


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that was probably meant."""
    near = difflib.get_close_matches(name.replace("_", "-").lower(), list(known), n=1, cutoff=0.5)
    return near[0] if near else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown name."""
    names = list(known)
    near = nearest(name, names)
    return f"did you mean {near}?" if near else f"known are {', '.join(names)}"


def _check(value: object, wanted: inspect.Type, route: Route) -> Iterator[Problem]:
    match wanted:
        case inspect.Metadata(type=inner):
            yield from _check(value, inner, route)
        case inspect.AnyType():
            return
        case inspect.UnionType(types=types):
            yield from _check_union(value, [_bare(member) for member in types], route)
        case inspect.StructType() if isinstance(value, Mapping):
            yield from _check_struct(value, wanted, route)
        case inspect.DictType(value_type=inner) if isinstance(value, Mapping):
            for key, item in value.items():
                yield from _check(item, inner, (*route, key))
        case inspect.VarTupleType(item_type=inner) if isinstance(value, list | tuple):
            for index, item in enumerate(value):
                yield from _check(item, inner, (*route, index))
        case inspect.LiteralType(values=values):
            if value not in values:
                yield _wrong(value, [wanted], route)
        case _:
            if not _fits(value, wanted):
                yield _wrong(value, [wanted], route)


def _check_struct(value: Mapping[Any, Any], wanted: inspect.StructType, route: Route) -> Iterator[Problem]:
    fields = {field.encode_name: field for field in wanted.fields}
    for key, item in value.items():
        if key in fields:
            yield from _check(item, fields[key].type, (*route, key))
        else:
            where = f" in {'.'.join(map(str, route))}" if route else ""
            yield Problem((*route, key), f"there is no key {key}{where}: {did_you_mean(str(key), fields)}", True)
    for name, field in fields.items():
        if field.required and name not in value:
            yield Problem(route, f"{_name(route)} lacks the key {name}")


def _check_union(value: object, types: list[inspect.Type], route: Route) -> Iterator[Problem]:
    members = [member for member in types if _fits(value, member)]
    if not members:
        if value is not None or not any(isinstance(member, inspect.NoneType) for member in types):
            yield _wrong(value, types, route)
        return
    yield from _check(value, members[0], route)


def _bare(wanted: inspect.Type) -> inspect.Type:
    return wanted.type if isinstance(wanted, inspect.Metadata) else wanted


def _fits(value: object, wanted: inspect.Type) -> bool:
    """Whether a value has the outer shape of a type."""
    match wanted:
        case inspect.NoneType():
            return value is None
        case inspect.BoolType():
            return isinstance(value, bool)
        case inspect.IntType():
            return isinstance(value, int) and not isinstance(value, bool)
        case inspect.StrType():
            return isinstance(value, str)
        case inspect.LiteralType(values=values):
            return value in values
        case inspect.StructType() | inspect.DictType():
            return isinstance(value, Mapping)
        case inspect.VarTupleType():
            return isinstance(value, list | tuple)
        case _:
            return True


def _wrong(value: object, types: list[inspect.Type], route: Route) -> Problem:
    words = [str(word) for member in types if isinstance(member, inspect.LiteralType) for word in member.values]
    shapes = [_NAMES[type(member)] for member in types if type(member) in _NAMES]
    expected = " or ".join([_either(words), *dict.fromkeys(shapes)] if words else dict.fromkeys(shapes))
    message = f"{_name(route)} must be {expected}, not {describe(value)}"
    if isinstance(value, str) and words and (near := nearest(value, words)):
        message += f": did you mean {near}?"
    elif isinstance(value, bool | int | float) and "a string" in shapes:
        message += ": put it in quotes"
    return Problem(route, message)


def _either(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _name(route: Route) -> str:
    if not route:
        return "the configuration"
    text = ""
    for step in route:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


def describe(value: object) -> str:
    """A value in a message: short, and never the content of a collection."""
    match value:
        case None:
            return "empty"
        case bool():
            return str(value).lower()
        case int() | float():
            return f"the number {value}"
        case str():
            return value if len(value) <= 40 and value else "such a string"
        case list() | tuple():
            return "a list"
        case _:
            return "a mapping"
