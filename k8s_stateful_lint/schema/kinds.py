"""The schema of one kind: compiled when it is first needed, and asked what is wrong with an object."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec

from k8s_stateful_lint.knowledge.versions import Version
from k8s_stateful_lint.reading import Route
from k8s_stateful_lint.schema.store import Schema, load

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator, ValidationError

Violation: TypeAlias = Literal["unknown", "missing", "type", "value"]


_MOST_ERRORS = 200


class Type(msgspec.Struct, frozen=True):
    """What the schema says about a place in an object: the name of its type, and its fields."""

    name: str
    schema: Schema

    @property
    def fields(self) -> Mapping[str, Schema]:
        """The fields, where it is an object with fields of its own."""
        fields: Mapping[str, Schema] = self.schema.get("properties", {})
        return fields

    @property
    def required(self) -> tuple[str, ...]:
        """The fields that must be there."""
        return tuple(self.schema.get("required", ()))


class Error(msgspec.Struct, frozen=True):
    """One thing that is wrong.

    ``route`` leads to the field that is unknown or missing, or to the value. ``owner`` is the type that has (or has
    not) the field. ``expected`` are the JSON types or the values that are right.
    """

    violation: Violation
    route: Route
    owner: Type
    expected: tuple[str, ...] = ()


@cache
def schema_of(api_version: str, kind: str, version: Version) -> KindSchema | None:
    """The schema of a kind in a version of Kubernetes; None where that version does not serve it."""
    schema = load(api_version, kind, version)
    return KindSchema(kind, schema) if schema is not None else None


class KindSchema:
    """The schema of one kind in one version of Kubernetes."""

    def __init__(self, kind: str, schema: Schema) -> None:
        """``schema`` is one that :func:`~k8s_stateful_lint.schema.store.load` returns."""
        self._kind = kind
        self._schema = schema

    @cached_property
    def _validator(self) -> Draft202012Validator:
        # Here, so that a run without anything to validate does not load the engine.
        from jsonschema_rs import Draft202012Validator

        return Draft202012Validator(self._schema)

    def is_valid(self, value: object) -> bool:
        """Whether the schema accepts a value as it is written."""
        try:
            return self._validator.is_valid(value)
        except ValueError:  # nested more deeply than the engine follows
            return False

    def errors(self, value: object) -> list[Error]:
        """What is wrong with an object: everything, up to a number that nobody mends one by one.

        Null is absent, so a null is only wrong where a field is required.

        Of an object that nests more deeply than the engine follows, nothing is said.
        """
        if self.is_valid(value):
            return []
        try:
            found = list(self._validator.iter_errors(value))
        except ValueError:
            return []
        return list(islice((error for raw in found for error in self._errors(raw, value)), _MOST_ERRORS))

    def _errors(self, raw: ValidationError, value: object) -> Iterator[Error]:
        route: Route = tuple(raw.instance_path)
        kind: Any = raw.kind
        if kind.name == "additionalProperties":
            owner = self.types(route)[-1]
            yield from (Error("unknown", (*route, name), owner) for name in kind.unexpected)
        elif kind.name == "required":
            yield Error("missing", (*route, kind.property), self.types(route)[-1])
        elif kind.name in {"type", "enum", "not"} and route:
            owner = self.types(route[:-1])[-1]
            if value_at(value, route) is None:
                if route[-1] in owner.required:
                    yield Error("missing", route, owner)
            elif kind.name == "type":
                yield Error("type", route, owner, tuple(name for name in kind.types if name != "null"))
            else:
                options = (option for option in kind.options if option is not None)
                yield Error("value", route, owner, tuple(str(option) for option in options))

    def types(self, route: Route) -> list[Type]:
        """The type of the object itself, and of each step of a route; a step that leads nowhere has no fields."""
        found = [Type(self._kind, self._schema)]
        for step in route:
            parent = found[-1].schema
            if isinstance(step, int):
                inner = parent.get("items", {})
            else:
                inner = parent.get("properties", {}).get(step) or parent.get("additionalProperties", {})
            found.append(self.resolved(inner if isinstance(inner, dict) else {}, found[-1].name))
        return found

    def resolved(self, schema: Schema, name: str = "") -> Type:
        """The type that a field's schema refers to."""
        while isinstance(reference := schema.get("$ref"), str):
            definition = reference.rpartition("/")[2]
            name, schema = definition.rpartition(".")[2], self._schema["$defs"][definition]
        return Type(name, schema)

    def has_field(self, route: Route) -> bool:
        """Whether a route leads to a field that the type before it has."""
        return route[-1] in self.types(route[:-1])[-1].fields


def value_at(value: Any, route: Route) -> Any:
    """The value at a route; None where it leads nowhere."""
    for step in route:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value
