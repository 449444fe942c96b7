"""From a table file, or from rows the user wrote, to rows.

A table is a list of mappings in a YAML file, for people; a run reads what ``make generate`` makes of it, in
``compiled/``. Versions are written in quotes (``"1.30"``: without them YAML reads the number 1.3).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from k8s_stateful_lint.knowledge.rows import Row
from k8s_stateful_lint.knowledge.versions import parse_version

RowType = TypeVar("RowType", bound=Row)

_VERSION_COLUMNS: Final = frozenset(
    {
        "alpha",
        "beta",
        "code_removed",
        "deprecated",
        "disabled_by_default",
        "ga",
        "on_by_default",
        "redirect_since",
        "removed",
        "served_since",
        "since",
        "switched_off",
        "on_again",
        "until",
    }
)


class TableError(ValueError):
    """A row that cannot be read; the text names the table, the row and the field."""


def load(table: str, row_type: type[RowType]) -> tuple[RowType, ...]:
    """Read a table that ships with the package."""
    rows: tuple[RowType, ...] = msgspec.json.decode(compiled(table), type=tuple.__class_getitem__((row_type, ...)))
    return rows


def compiled(table: str) -> bytes:
    """What ``make generate`` made of a table."""
    return Path(__file__).with_name("compiled").joinpath(f"{table}.json").read_bytes()


def convert(table: str, values: Any, row_type: type[RowType]) -> RowType:
    """Turn one mapping into a row.

    Raises:
        TableError: if a field is unknown, missing or of the wrong type.
    """
    read = _read(table, values)
    try:
        return msgspec.convert(read, row_type, strict=True)
    except ValueError as fault:
        raise TableError(f"{table}, row {row_label(values)}: {fault}") from None


def extend(
    table: str,
    rows: Iterable[RowType],
    user: Any,
    row_type: type[RowType],
    key: Callable[[RowType], tuple[object, ...]],
    key_fields: tuple[str, ...],
    replaces: str | None = None,
) -> tuple[RowType, ...]:
    """Add the user's rows, or let them override the fields they write of the row with the same key.

    With ``replaces``, a row of the user takes the place of every row with the same value in that column. A row of the
    user needs no ``source`` and no ``status``: it comes from the configuration, and the user vouches for it.
    """
    if not isinstance(user, list | tuple):
        raise TableError(f"{table}: expected a list of rows, got {type(user).__name__}")
    by_key = {key(row): row for row in rows}
    shipped = dict(by_key)
    for values in user:
        if not isinstance(values, Mapping):
            raise TableError(f"{table}: expected a row with fields, got {values!r}")
        written = _read(table, {"source": "configuration", "status": "verified", **values})
        written_key = tuple(written.get(field) for field in key_fields)
        old = next((row for known, row in by_key.items() if known == written_key), None)
        if old is not None:
            written = {**msgspec.to_builtins(old), **written}
        row = convert(table, written, row_type)
        if replaces is not None:
            for other, shipped_row in shipped.items():
                if getattr(shipped_row, replaces) == getattr(row, replaces):
                    by_key.pop(other, None)
        by_key[key(row)] = row
    return tuple(by_key.values())


def row_label(values: Any) -> str:
    """A row's name for messages."""
    if isinstance(values, Mapping):
        for column in ("name", "key", "path", "kind"):
            if column in values:
                return repr(values[column])
    return repr(values)


def _read(table: str, values: Any) -> Any:
    """The values with versions read, or an error that names the row."""
    try:
        return with_versions(values)
    except ValueError as fault:
        raise TableError(f"{table}, row {row_label(values)}: {fault}") from None


def with_versions(values: Any) -> Any:
    """The same values with versions as pairs."""
    if isinstance(values, Mapping):
        return {k: _version(k, v) if k in _VERSION_COLUMNS else with_versions(v) for k, v in values.items()}
    if isinstance(values, list | tuple):
        return [with_versions(value) for value in values]
    return values


def _version(column: str, value: Any) -> Any:
    if isinstance(value, float | int):
        raise ValueError(f'write the version of `{column}` in quotes: "{value}"')
    return parse_version(value) if isinstance(value, str) else value
