"""What happens to the data, as a table for people."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from k8s_stateful_lint.engine.report import DataFate
from k8s_stateful_lint.reports import Style
from k8s_stateful_lint.reports.lettering import columns, line_of_text
from k8s_stateful_lint.reports.text import paint

TITLE = "What happens to the data"
_COLOURS = {
    "deleted": "error",
    "empty": "error",
    "orphaned": "warning",
    "released": "warning",
    "unknown": "warning",
    "refused": "info",
    "expanded": "clean",
    "new": "clean",
    "kept": "clean",
}
_NARROWEST_REASON = 36


def what(row: DataFate) -> str:
    """The thing a row is about: ``claim shop/orders``, ``claims data-db-0 to data-db-2 of shop``."""
    space = f"{row.namespace}/" if row.namespace else ""
    if row.kind != "claim template":
        return line_of_text(f"{row.kind} {space}{row.name}")
    if len(row.claims) == 1:
        return line_of_text(f"claim {space}{row.claims[0]}")
    return line_of_text(f"claims {space}{row.claims[0]} to {row.claims[-1].rpartition('-')[2]}")


def size(row: DataFate) -> str:
    """The size, and the one before where it changed."""
    if row.size is None:
        return ""
    return line_of_text(f"{row.size_before} to {row.size}" if row.size_before else row.size)


def table(rows: tuple[DataFate, ...], style: Style) -> Iterator[str]:
    """The lines of the table: one for a row where there is room for the reason, else the reason below."""
    yield paint(TITLE, "bold", style)
    names, sizes = [what(row) for row in rows], [size(row) for row in rows]
    fate_width = max(len(row.fate) for row in rows)
    name_width, size_width = max(map(columns, names)), max(map(columns, sizes))
    used = 2 + fate_width + 2 + name_width + 2 + (size_width + 2 if size_width else 0)
    beside = style.width - used >= _NARROWEST_REASON
    for row, name, extent in zip(rows, names, sizes, strict=True):
        fate = paint(f"{row.fate:<{fate_width}}", _COLOURS[row.fate], style)
        line = f"  {fate}  {name}"
        if extent or beside:
            line += " " * (name_width - columns(name) + 2) + extent
        if beside:
            line += " " * (size_width - columns(extent) + (2 if size_width else 0))
        reasons = list(_reasons(row, style.width - used if beside else style.width - fate_width - 4))
        if beside:
            yield line + paint(reasons.pop(0), "dim", style)
        else:
            yield line.rstrip()
        indent = " " * (used if beside else fate_width + 4)
        for reason in reasons:
            yield indent + paint(reason, "dim", style)


def _reasons(row: DataFate, width: int) -> Iterator[str]:
    yield from textwrap.wrap(line_of_text(row.why), max(width, 20), break_long_words=False, break_on_hyphens=False)
