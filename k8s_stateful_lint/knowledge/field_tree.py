"""Fields of the table in the shape of the objects that may write them, so that one walk finds all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from k8s_stateful_lint.knowledge.rows import Field

Route = tuple[str | int, ...]
# What a step of the table stands for.
_STEPS: Mapping[str, tuple[str, ...]] = {"containers[]": ("initContainers[]", "containers[]")}


class FieldTree:
    """A place in an object: the rows about the field here, and what is below it."""

    def __init__(self, rows: Iterable[Field] = ()) -> None:
        """Sort rows in by their paths, the first step of which names the object and is left out."""
        self._rows: list[tuple[Field, str]] = []
        self._fields: dict[str, FieldTree] = {}
        self._items: FieldTree | None = None
        for row in rows:
            path, _, value = row.path.partition("=")
            self._add(row, value, path.split(".")[1:])

    def __bool__(self) -> bool:
        """Whether there is any row."""
        return bool(self._rows or self._fields or self._items)

    def _add(self, row: Field, value: str, steps: list[str]) -> None:
        if not steps:
            self._rows.append((row, value))
            return
        for step in _STEPS.get(steps[0], (steps[0],)):
            branch = self._fields.setdefault(step.removesuffix("[]"), FieldTree())
            if step.endswith("[]"):
                branch._items = branch = branch._items or FieldTree()
            branch._add(row, value, steps[1:])

    def written_in(self, value: Any, route: Route = ()) -> Iterator[tuple[Field, Route]]:
        """Every row whose field, or value of a field, is written in an object, with the route to it."""
        for row, wanted in self._rows:
            if not wanted or wanted in map(str, value if isinstance(value, list) else [value]):
                yield row, route
        if self._items is not None and isinstance(value, list):
            for index, item in enumerate(value):
                yield from self._items.written_in(item, (*route, index))
        elif self._fields and isinstance(value, dict):
            for step, branch in self._fields.items():
                inner = value.get(step)
                if inner is not None:
                    yield from branch.written_in(inner, (*route, step))
