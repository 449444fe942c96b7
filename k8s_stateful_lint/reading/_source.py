"""A file's bytes, its text, and places in it."""

import codecs
from bisect import bisect_right
from functools import cached_property
from typing import NamedTuple

import msgspec

from k8s_stateful_lint._patterns import regex

Route = tuple[str | int, ...]
"""Keys and indexes that lead from the root of a document's value to a node."""

TEMPLATE = regex(rb"\{\{[-\s]*[.$\"(/`\w]|\{%")
"""What only a template says."""


class Span(NamedTuple):
    """A place in a file. Lines and columns count from 1, in characters; the end column is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


class Comment(NamedTuple):
    """A YAML comment.

    `line` and `column` are those of its `#`; `text` is what follows the `#`, stripped; `own_line` says that nothing
    but blanks stands before it.
    """

    line: int
    column: int
    text: str
    own_line: bool


class Fault(NamedTuple):
    """Something that makes a document unreadable or ambiguous.

    `message` says what is wrong, `expected` what to do about it; both are written for people. A fault that has a
    document nevertheless (a duplicate key) does not take it away.
    """

    line: int
    column: int
    message: str
    expected: str


class SourceFile(msgspec.Struct, frozen=True, dict=True):
    """The bytes of one file and the path that it is known by (posix separators).

    Where two revisions are compared, ``path`` is the same for a file in both. ``label`` is what people are shown where
    that is another text, and ``revision`` names the older revision that a file belongs to.
    """

    path: str
    data: bytes
    label: str = ""
    revision: str = ""

    @property
    def shown(self) -> str:
        """How people see the path."""
        return self.label or self.path

    @cached_property
    def text(self) -> str:
        """The decoded text, without the byte order mark.

        Bytes that are no valid text are shown as U+FFFD: `read` reports them as a fault, frames can still be drawn.
        """
        encoding, mark = encoding_of(self.data)
        return self.data[len(mark) :].decode(encoding, "replace")

    @cached_property
    def digest(self) -> bytes:
        """Sixteen bytes that no file with other bytes has."""
        from hashlib import blake2b

        return blake2b(self.data, digest_size=16).digest()

    @cached_property
    def lines(self) -> list[str]:
        r"""The lines of `text` without their ends, split on `\n` and `\r\n` only."""
        return [line.removesuffix("\r") for line in self.text.split("\n")]


def encoding_of(data: bytes) -> tuple[str, bytes]:
    """The encoding and the byte order mark that `data` begins with.

    UTF-8 is meant without a mark; UTF-16 needs one (go-yaml, `yaml_parser_determine_encoding`).
    """
    for encoding, mark in (
        ("utf-8", codecs.BOM_UTF8),
        ("utf-16-le", codecs.BOM_UTF16_LE),
        ("utf-16-be", codecs.BOM_UTF16_BE),
    ):
        if data.startswith(mark):
            return encoding, mark
    return "utf-8", b""


class LineTable:
    r"""Turns offsets in a text into lines and columns. Only `\n` ends a line (so `\r\n` does, too)."""

    __slots__ = ("_first", "_starts")

    def __init__(self, text: str, first_line: int = 1) -> None:
        """A table for `text`, whose first line has the number `first_line`."""
        starts = [0]
        found = text.find("\n")
        while found >= 0:
            starts.append(found + 1)
            found = text.find("\n", found + 1)
        self._starts = starts
        self._first = first_line

    def place(self, offset: int) -> tuple[int, int]:
        """The 1-based line and column of the character at `offset`."""
        row = bisect_right(self._starts, offset) - 1
        return row + self._first, offset - self._starts[row] + 1
