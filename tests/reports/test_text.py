"""Text as people see it: snapshots at two widths, with and without colour, and lines that are hard to show."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from k8s_stateful_lint import lint, lint_text
from k8s_stateful_lint.config import Config
from k8s_stateful_lint.engine.report import Report
from k8s_stateful_lint.reports import Style, render

ROOT = Path(__file__).resolve().parent.parent.parent
RULES = ("recycle-reclaim-policy", "rwo-claim-multi-node", "claim-not-found", "governing-service-not-headless")


@pytest.fixture
def shop(monkeypatch) -> Report:
    """A few findings of the example, some with related places in other files."""
    monkeypatch.chdir(ROOT)
    return lint("examples/shop", config=Config(select=RULES))


@pytest.mark.parametrize("width", [80, 200])
def test_frames(shop: Report, width: int, snapshot) -> None:
    text = render("text", shop, Style(width=width))
    assert text == snapshot
    # Links and places are not broken, so that they can be opened; the last lines stay lines.
    *frames, _, _ = text.splitlines()
    whole = re.compile(r" (-->|:::|= see:) ")
    assert [line for line in frames if len(line) > width and not whole.search(line)] == []


def test_colour_only_adds_colour(shop: Report, snapshot) -> None:
    plain, coloured = (render("text", shop, Style(colour=colour, width=100)) for colour in (False, True))
    assert coloured != plain
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == plain
    assert coloured == snapshot


def test_verbose_says_why(shop: Report, snapshot) -> None:
    assert render("text", shop, Style(width=100, verbose=True)) == snapshot


def test_concise(shop: Report, snapshot) -> None:
    assert render("concise", shop, Style()) == snapshot


@pytest.mark.parametrize("format_name", ["tree", "mermaid", "dot", "json"])
def test_graph(format_name: str, snapshot, monkeypatch) -> None:
    from k8s_stateful_lint.engine.run import inspect
    from k8s_stateful_lint.reports.graph import render as draw
    from k8s_stateful_lint.sources import find_sources

    monkeypatch.chdir(ROOT)
    report, graph = inspect(list(find_sources(["examples/talk"]).files), Config(select=RULES))
    assert draw(graph, report, format_name, Style(width=80)) == snapshot


RECYCLE = """\
apiVersion: v1
kind: PersistentVolume
metadata: {name: archive}
spec: {capacity: {storage: 5Gi}, %s persistentVolumeReclaimPolicy: Recycle, nfs: {server: a, path: /}}
"""


def frame(text: str, width: int = 80) -> list[str]:
    report = lint_text(text, config=Config(select=("recycle-reclaim-policy",)))
    lines = render("text", report, Style(width=width)).splitlines()
    return [line for line in lines if " | " in line]


def marked(text: str, width: int = 80) -> str:
    """What stands above the carets."""
    shown, carets = frame(text, width)
    start, end = carets.index("^"), carets.rindex("^") + 1
    return shown[start:end]


def test_carets_stand_under_the_value_of_a_long_line() -> None:
    for padding in range(0, 300, 37):
        text = RECYCLE % f"mountOptions: [{'x' * padding}],"
        assert marked(text) == "Recycle", padding
        assert all(len(line) <= 80 for line in frame(text))


def test_wide_and_combining_characters_keep_the_carets_in_place() -> None:
    text = RECYCLE % 'mountOptions: ["数据", "e\u0301"],'
    shown, carets = frame(text, 200)
    columns = 0
    for character in shown[: shown.index("Recycle")]:
        columns += 2 if character in "数据" else 0 if character == "\u0301" else 1
    assert carets.index("^") == columns


def test_tabs_are_shown_as_blanks() -> None:
    assert marked(RECYCLE.replace("spec: {", "spec:\t{") % "") == "Recycle"
