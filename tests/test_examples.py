"""The example projects, end to end: what is wrong is said, line by line, and the mended one is silent."""

from __future__ import annotations

from pathlib import Path

import pytest

from k8s_stateful_lint import Config, lint
from k8s_stateful_lint.engine.cards import heads
from k8s_stateful_lint.reports import Style, render

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch) -> None:
    monkeypatch.chdir(ROOT)


def test_the_shop(snapshot) -> None:
    assert render("concise", lint("examples/shop"), Style()) == snapshot


def test_the_mended_shop_is_silent() -> None:
    assert lint("examples/shop-mended").findings == ()


def test_the_mended_shop_is_silent_in_a_complete_input() -> None:
    from k8s_stateful_lint.config import InputFacts

    found = lint("examples/shop-mended", config=Config(input=InputFacts(complete=True))).findings
    assert [finding.rule for finding in found if finding.severity == "error"] == []


def test_the_order_of_paths_does_not_matter() -> None:
    paths = sorted(str(path) for path in Path("examples/shop").glob("*.yaml"))
    forward, backward = lint(paths), lint(list(reversed(paths)))
    assert forward.findings == backward.findings


def test_most_core_rules_show_in_the_shop() -> None:
    core = {head.name for head in heads().values() if head.wave == "core"}
    found = {finding.rule for finding in lint("examples").findings}
    assert len(core & found) > 0.6 * len(core)
