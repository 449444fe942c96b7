"""Places inside the text of one document: where the nodes of a route are, and what is a comment.

The engines answer in offsets. What they must agree on to the character (where a value begins behind its anchor or tag,
where a block scalar ends) is defined here, on the text, once for both.
"""

from collections.abc import Iterable
from typing import Protocol

import msgspec

from k8s_stateful_lint._patterns import regex

from ._source import Route

Extent = tuple[int, int]


class Spot(msgspec.Struct, frozen=True):
    """Where a node is: the key it stands behind (None for list items and the root) and its value.

    `first_key` is the first key of a mapping; `block` says that the value is a collection in block style.
    """

    key: Extent | None
    value: Extent
    first_key: Extent | None
    block: bool


class Places(Protocol):
    """The located tree of one document."""

    def find(self, route: Route) -> Spot | None:
        """The node at `route`, None when there is none.

        Raises:
            LookupError: this engine cannot tell; another one might.
        """
        ...

    def opaque(self) -> Iterable[Extent]:
        """The extents of all quoted and block scalars: a `#` in them is no comment."""
        ...


_BLANK = regex(r"(?:[ \t\r\n]++|(?<![^\s])#[^\r\n]*+)*+")
_PROPERTY = regex(r"[&!][^\s]*")
_COLON = regex(r"[ \t]*:")


def skip_properties(text: str, offset: int) -> int:
    """From the start of a node to its content: over anchors, tags, blanks and comments."""
    while match := _PROPERTY.match(text, offset):
        offset = match.end()
        if blank := _BLANK.match(text, offset):
            offset = blank.end()
    return offset


def behind_colon(text: str, key_end: int) -> int:
    """Where the value of a key would begin that has none: right behind the colon."""
    match = _COLON.match(text, key_end)
    return match.end() if match else key_end


_BLOCK_HEADER = regex(r"[|>]([0-9]?)[-+]?([0-9]?)[^\r\n]*(?:\r?\n|\r|\Z)")
_LINE_LEAD = regex(r" *(?:[-?:][ \t]+)*")


def block_scalar_end(text: str, start: int) -> int:
    """The end of a block scalar that begins at `start` with its `|` or `>`: behind the last line that is not blank."""
    header = _BLOCK_HEADER.match(text, start)
    if header is None:
        return start + 1
    line_start = text.rfind("\n", 0, start) + 1
    if text.startswith("---", line_start):
        parent = -1
    else:
        lead = _LINE_LEAD.match(text, line_start)
        parent = lead.end() - line_start if lead else 0
        if lead and lead.end() == start:
            # A list item: its parent is the column of the last dash.
            parent = len(lead[0].rstrip(" \t")) - 1
    digit = header[1] or header[2]
    indent = max(parent, 0) + int(digit) if digit else None
    end = start + len(header[0].rstrip())
    offset = header.end()
    while offset < len(text):
        line_end = text.find("\n", offset)
        if line_end < 0:
            line_end = len(text)
        line = text[offset:line_end]
        content = line.lstrip(" ")
        if content.strip():
            width = len(line) - len(content)
            if indent is None:
                if width <= parent:
                    break
                indent = width
            if width < indent:
                break
            end = offset + len(line.rstrip("\r"))
        offset = line_end + 1
    return end


_HASH = regex(r"(?:(?<=[ \t\r\n])|\A)#([^\r\n]*)")


def comments_in(text: str, places: Places) -> list[tuple[int, str]]:
    """The offset and the text of every comment."""
    found = [(match.start(), match[1].strip()) for match in _HASH.finditer(text)]
    if not found:
        return found
    remaining = iter(sorted(places.opaque()))
    comments = []
    extent = next(remaining, None)
    for offset, comment in found:
        while extent is not None and extent[1] <= offset:
            extent = next(remaining, None)
        # The line on which a block scalar begins may end with a comment.
        in_header = extent is not None and text[extent[0]] in "|>" and "\n" not in text[extent[0] : offset]
        if extent is None or offset < extent[0] or in_header:
            comments.append((offset, comment))
    return comments
