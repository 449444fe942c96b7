"""The lines of a file are cut out of its bytes; they are those of its text, whatever the bytes are."""

from __future__ import annotations

import codecs
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from k8s_stateful_lint.reading import SourceFile

# Whole characters, parts of some, bytes that no character has, and everything that some program takes for a line end.
PIECES = [b"a", b"key: x", b"\n", b"\r\n", b"\r", b"\x85", b"\x0b", b"\x0c", b"\x1c", b"\x00", b"\xff", b"\xc0\x80"]
PIECES += [
    "é☃😀\u2028\ufeff".encode(),
    b"\xe2",
    b"\x82",
    b"\xe2\x82",
    b"\xf0\x9f",
    b"\xf0\x80\x80",
    b"\xed\xa0\x80",
    b"\xf4\x90",
]
MARKS = [b"", codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE]
soup = st.tuples(st.sampled_from(MARKS), st.lists(st.sampled_from(PIECES) | st.binary(max_size=4), max_size=20))


@settings(max_examples=500)
@given(soup.map(lambda parts: parts[0] + b"".join(parts[1])))
def test_lines_are_those_of_the_text(data: bytes) -> None:
    file = SourceFile("a.yaml", data)
    expected = [line.removesuffix("\r") for line in file.text.split("\n")]
    assert list(file.lines) == expected
    assert [file.lines[number] for number in range(-len(expected), len(expected))] == expected * 2
    assert file.lines[1:-1] == expected[1:-1]
    for beyond in (len(expected), -len(expected) - 1):
        with pytest.raises(IndexError):
            file.lines[beyond]


def test_lines_take_less_than_the_bytes_they_are_in() -> None:
    file = SourceFile("a.yaml", b"  storageClassName: fast\n" * 50_000)
    tracemalloc.start()
    try:
        assert file.lines[40_000] == "  storageClassName: fast"
        kept = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert kept < len(file.data)
