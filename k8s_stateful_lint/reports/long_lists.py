"""JSON documents with long lists, of which no more than one item is held as text at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

# Writes a value as JSON, indented by two blanks.
Write = Callable[[Any], str]


def document(frame: Any, lists: Mapping[str, Iterable[Any]], write: Write) -> Iterator[str]:
    """Make the text of a document, with its last line ended.

    Args:
        frame: The document, with an empty list under each key of ``lists``.
        lists: The items that belong there, in the order of the keys in the document.
        write: Writes the frame, and each item by itself.

    """
    rest = write(frame)
    for key, items in lists.items():
        # No text looks like it: its quotes would be escaped.
        before, _, rest = rest.partition(f'"{key}": []')
        yield f'{before}"{key}": '
        yield from array(items, write, margin=before[before.rindex("\n") :])
    yield f"{rest}\n"


def array(items: Iterable[Any], write: Write, margin: str = "\n") -> Iterator[str]:
    """Make the text of a list; ``margin`` begins the line on which it ends."""
    between = "["
    for item in items:
        # A line break in a text would be escaped, too.
        yield f"{between}{margin}  " + write(item).replace("\n", f"{margin}  ")
        between = ","
    yield "[]" if between == "[" else f"{margin}]"
