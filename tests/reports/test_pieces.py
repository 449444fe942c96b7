"""Reports are made and written piece by piece: however many findings there are, none is ever held whole."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from k8s_stateful_lint.cli.files import write_file
from k8s_stateful_lint.engine.report import Comparison, DataFate, Notice, Report
from k8s_stateful_lint.reports import FORMATS, Style, pieces, render
from tests.reports.made import CLEAN, NOTHING, SEVERAL, many, place

# Markdown is for a comment and never large.
STREAMED = sorted(FORMATS.keys() - {"markdown"})
LARGEST_PIECE = 60_000


@pytest.fixture(scope="module")
def large() -> Report:
    return many(4_000)


@pytest.mark.parametrize("name", STREAMED)
def test_no_piece_is_large(name: str, large: Report) -> None:
    lengths = [len(piece) for piece in pieces(name, large, Style())]
    assert max(lengths) < LARGEST_PIECE
    assert sum(lengths) == len(render(name, large, Style())) > 4 * LARGEST_PIECE
    # Nor is it a write for every line.
    assert len(lengths) < 2 + sum(lengths) / 16_000


@pytest.mark.parametrize("name", ["json", "sarif"])
def test_notices_are_made_in_pieces_too(name: str) -> None:
    notices = tuple(Notice(kind="unresolved", message=f"Service {n} is not in the input") for n in range(10_000))
    lengths = [len(piece) for piece in pieces(name, SEVERAL.narrowed(SEVERAL.findings, notices=notices), Style())]
    assert max(lengths) < LARGEST_PIECE < sum(lengths) / 4


@pytest.mark.parametrize("name", ["json", "text", "html"])
def test_what_happens_to_the_data_is_made_in_pieces_too(name: str) -> None:
    fate = DataFate(
        fate="deleted",
        kind="claim",
        namespace="shop",
        name="orders",
        claims=("orders",),
        size="20Gi",
        size_before=None,
        why="nothing keeps it",
        location=place(),
    )
    compared = Comparison(old="a", new="b", changed=0, unchanged=0, added=0, removed=9_000, data=(fate,) * 9_000)
    lengths = [len(piece) for piece in pieces(name, SEVERAL.narrowed((), comparison=compared), Style())]
    assert max(lengths) < LARGEST_PIECE < sum(lengths) / 4


@pytest.mark.parametrize("name", STREAMED)
def test_writing_takes_a_fraction_of_what_is_written(name: str, large: Report, tmp_path: Path) -> None:
    file = tmp_path / "report"
    # What is imported and read once is not counted. Nor is what the interpreter does now and then, such as making room
    # for more interned strings (2 MB at once): a report that is held whole is held every time.
    write_file(file, pieces(name, SEVERAL, Style()))
    peak = min(_peak(lambda: write_file(file, pieces(name, large, Style()))) for _ in range(3))
    assert peak < file.stat().st_size / 3, f"{peak} bytes for {file.stat().st_size}"


def _peak(run: Callable[[], None]) -> int:
    gc.collect()
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("what", [CLEAN, NOTHING, SEVERAL], ids=["clean", "nothing", "several"])
def test_the_pieces_are_the_report(name: str, what: Report, tmp_path: Path) -> None:
    file = tmp_path / "report"
    write_file(file, pieces(name, what, Style(quiet=True)))
    assert file.read_text(encoding="utf-8") == render(name, what, Style(quiet=True))
