"""Documents of which nobody needs more than the first fields: reading stops in front of the rest.

Nine tenths of the bytes in a repository may be CustomResourceDefinitions, and nine tenths of those their schemas. A cut
is made only where it is certain that the fields in front of it are read as they would be with the rest behind them.
"""

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from k8s_stateful_lint._patterns import regex

from ._rocks import has_odd_breaks
from ._search import occurs
from ._source import TEMPLATE


class Unread(msgspec.Struct, frozen=True):
    """Fields that nobody asks for, in mappings whose `key` is `value`.

    `fields` are those fields; `unless` is what makes somebody ask for them after all: the byte with which it begins,
    and the pattern.
    """

    key: str
    value: str
    fields: frozenset[str]
    unless: tuple[tuple[bytes, re.Pattern[bytes]], ...] = ()


# A mapping in block style: blank lines, comments, one marker in front, and keys in the first column. What is indented
# belongs to the key above it, as long as the parser finds exactly these keys (and no quotes that go over them).
_BLOCK_MAPPING = regex(
    rb"(?:---[ \t]*+\r?\n)?(?:[ \t]*+(?:#[^\n]*+)?\r?\n|[A-Za-z]+:(?=[ \t\r\n])[^\n]*+\n| [^\n]*+\n)*+"
)
_KEY = regex(rb"^([A-Za-z]+):", re.MULTILINE)
_WORD = regex(rb"\S++")


def head_end(data: bytes, tops: Sequence[int], unread: Unread) -> int | None:
    """Where the fields that nobody asks for may begin in a document; None where it must be read as a whole.

    `tops` are the offsets of the lines that begin in the first column, but for the first line and comments. The fields
    have to be the last ones, so that nothing in them (a quote that is never closed) can change what is asked for.
    Whether the bytes in front are a whole mapping is for `is_head` to say.
    """
    kind = f"{unread.key}: {unread.value}".encode()
    if not any(data.startswith(kind, top) for top in tops):
        return None
    names = {f"{name}:".encode() for name in unread.fields}
    words = [_word(data, top) for top in tops]
    first = next((index for index, word in enumerate(words) if word in names), None)
    if first is None or len(set(words[first:])) < len(words[first:]) or not names.issuperset(words[first:]):
        return None
    end = tops[first]
    if not _BLOCK_MAPPING.fullmatch(data, 0, end) or _is_special(data, end, unread.unless):
        return None
    return end


def _word(data: bytes, start: int) -> bytes:
    found = _WORD.match(data, start)
    return found[0] if found is not None else b""


def is_head(value: Any, head: bytes, unread: Unread) -> bool:
    """Whether `value`, read from the bytes in front of a cut, is what the whole document says as well."""
    return (
        isinstance(value, dict)
        and value.get(unread.key) == unread.value
        and [key.decode() for key in _KEY.findall(head)] == list(value)
    )


def _is_special(data: bytes, start: int, unless: tuple[tuple[bytes, re.Pattern[bytes]], ...]) -> bool:
    """Whether something behind `start` matters to the whole file, or to somebody who asks for it."""
    if data.find(b"\r", start) >= 0 and data.count(b"\r", start) != data.count(b"\r\n", start):
        return True
    if not data.isascii():
        try:
            data.decode()
        except UnicodeDecodeError:
            return True
        if has_odd_breaks(data):
            return True
    return any(occurs(first, pattern, data, start) for first, pattern in ((b"{", TEMPLATE), *unless))
