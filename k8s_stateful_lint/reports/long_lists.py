"""JSON documents with long lists, of which no more than a few items are held as text at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

# Writes a value as JSON, indented by two blanks.
Write = Callable[[Any], str]
# So many items are written together: each call costs as much as half an item.
_TOGETHER = 10


def document(frame: Any, lists: Mapping[str, Iterable[Any]], write: Write) -> Iterator[str]:
    """Make the text of a document, with its last line ended.

    Args:
        frame: The document, with an empty list under each key of ``lists``.
        lists: The items that belong there, in the order of the keys in the document.
        write: Writes the frame, and a few items as a list.

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
    left = iter(items)
    between = "["
    while several := list(islice(left, _TOGETHER)):
        # A line break in a text would be escaped, too.
        yield between + write(several).replace("\n", margin)[1 : -len(margin) - 1]
        between = ","
    yield "[]" if between == "[" else f"{margin}]"
