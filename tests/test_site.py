"""The documentation site: it builds without a warning, has a page for every rule, and loads nothing from elsewhere."""

from __future__ import annotations

import html
import html.parser
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from k8s_stateful_lint.engine.cards import card, heads

ROOT = Path(__file__).resolve().parent.parent
needs_mkdocs = pytest.mark.skipif(importlib.util.find_spec("mkdocs") is None, reason="the group docs is not installed")
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("site"), needs_mkdocs]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if built := os.environ.get("SITE_BUILT"):
        return ROOT / built
    place = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(place)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return place


class Loaded(html.parser.HTMLParser):
    """What a browser fetches to show a page."""

    def __init__(self) -> None:
        super().__init__()
        self.places: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        wanted = given.get("href") if tag == "link" and given.get("rel") != "canonical" else given.get("src")
        if wanted:
            self.places.append(wanted)


def test_every_rule_has_a_page_with_its_examples(site: Path) -> None:
    for head in heads().values():
        page = html.unescape((site / "rules" / head.name / "index.html").read_text(encoding="utf-8"))
        whole = card(head.name)
        titles = [example.title for example in (*whole.examples.bad, *whole.examples.good)]
        # Of a title, what stands before its first mark-up: `code` becomes an element.
        assert all(re.split(r"[`*_<]", title)[0] in page for title in titles), head.name
        assert "<- here" not in page


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    for path in sorted(site.rglob("*.html")):
        parser = Loaded()
        parser.feed(path.read_text(encoding="utf-8"))
        assert not [place for place in parser.places if re.match(r"(?:https?:)?//", place)], path


def test_rules_are_linked_where_they_are_named(site: Path) -> None:
    page = (site / "coming-from" / "index.html").read_text(encoding="utf-8")
    assert '<a href="../rules/rwo-claim-rolling-update/"><code>rwo-claim-rolling-update</code></a>' in page
    assert "<svg" in (site / "graph" / "index.html").read_text(encoding="utf-8")


def test_what_a_rule_says_is_what_the_program_says(site: Path) -> None:
    page = (site / "rules" / "recycle-reclaim-policy" / "index.html").read_text(encoding="utf-8")
    assert "What it says" in page
