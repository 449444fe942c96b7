"""A file's bytes, its text, and places in it."""

from __future__ import annotations

import codecs
from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple, overload

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

    @property
    def text(self) -> str:
        """The decoded text, without the byte order mark; it is decoded anew each time, and not kept.

        Bytes that are no valid text are shown as U+FFFD: `read` reports them as a fault, frames can still be drawn.
        """
        encoding, mark = encoding_of(self.data)
        return self.data[len(mark) :].decode(encoding, "replace")

    @cached_property
    def digest(self) -> bytes:
        """The digest of the bytes."""
        return digest(self.data)

    @cached_property
    def lines(self) -> Lines:
        r"""The lines of `text` without their ends, split on `\n` and `\r\n` only."""
        encoding, mark = encoding_of(self.data)
        return Lines(self.data[len(mark) :] if encoding == "utf-8" else self.text.encode())


def digest(data: bytes | memoryview) -> bytes:
    """Sixteen bytes that no other data has."""
    from hashlib import blake2b

    return blake2b(data, digest_size=16).digest()


class Lines(Sequence[str]):
    """The lines of a file, each decoded when it is asked for: all of them take several times as much as their bytes."""

    __slots__ = ("_data", "_ends")

    def __init__(self, data: bytes) -> None:
        """Find the lines of UTF-8, in which the byte of a line break is never part of another character."""
        from array import array

        self._data = data
        # How many bytes there are up to the end of each line, without the line breaks; all of it is done in C.
        self._ends = array("Q", accumulate(map(len, data.split(b"\n")), initial=0))

    def __len__(self) -> int:
        """How many lines there are: one at least."""
        return len(self._ends) - 1

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        """A line by its index, which is 0 for the first one, or several."""
        numbers = range(len(self))
        if isinstance(index, slice):
            return [self[number] for number in numbers[index]]
        number = numbers[index]
        line = self._data[self._ends[number] + number : self._ends[number + 1] + number]
        return line.decode("utf-8", "replace").removesuffix("\r")


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
