"""A card's examples are tests: bad ones fire at the marked lines and nowhere else, good ones are silent."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from k8s_stateful_lint.config import Config, config_from
from k8s_stateful_lint.engine import catalogue
from k8s_stateful_lint.engine.cards import Card, Example, encode_index, read_card, read_cards, rules_directory
from k8s_stateful_lint.engine.catalogue import CHANGE, CatalogueError, paired
from k8s_stateful_lint.engine.compare import Side, compare
from k8s_stateful_lint.engine.report import Report
from k8s_stateful_lint.engine.run import run
from k8s_stateful_lint.reading import SourceFile

MARKER = "# <- here"
CARDS: dict[str, tuple[Path, Card]] = {
    path.stem: (path, read_card(path)) for path in sorted(rules_directory().glob("*/*.yaml"))
}
# Rules that would fire in nearly every short example: each example would have to name them.
NOISE = frozenset({"claim-without-storage-class"})


def examples(which: str) -> list[object]:
    return [
        pytest.param(name, example, id=f"{name}: {example.title}")
        for name, (_, card) in CARDS.items()
        for example in getattr(card.examples, which)
    ]


def files_of(example: Example) -> list[SourceFile]:
    if not example.sides:
        return [SourceFile(name, text.encode()) for name, text in example.texts.items()]
    # The old side has a path of its own, so that a marker there is told from one on the new side.
    return [
        SourceFile(name, text.encode(), **({"label": f"old:{name}", "revision": "old"} if side == "before" else {}))
        for side, texts in example.sides.items()
        for name, text in texts.items()
    ]


def lint(name: str, example: Example) -> Report:
    given = {"extend-select": [name], **example.config} if CARDS[name][1].wave == "strict" else example.config
    # Rules know older versions than there are schemas for; such a target is only accepted without schemas.
    target = re.fullmatch(r"1\.(\d+)", str(example.config.get("target", "")))
    if target is not None and int(target[1]) < 25:
        given = {"schema": "off", **given}
    files, config = files_of(example), config_from(given)
    if example.sides:
        old, new = [f for f in files if f.revision], [f for f in files if not f.revision]
        report = compare(Side("old", old), Side("new", new), config)
    else:
        report = run(files, config)
    assert not report.crashes, report.crashes
    return report


def marked_lines(example: Example) -> set[tuple[str, int]]:
    """Where the marker is: one on the old side counts only where there is none on the new side."""
    marked = {
        (file.shown, number, file.revision)
        for file in files_of(example)
        for number, line in enumerate(file.text.splitlines(), start=1)
        if MARKER in line
    }
    ours = [place for place in marked if not place[2]] or marked
    return {(path, number) for path, number, _ in ours}


@pytest.mark.parametrize(("name", "example"), examples("bad"))
def test_bad_example_fires_at_the_marked_lines(name: str, example: Example) -> None:
    report = lint(name, example)
    own = [finding for finding in report.findings if finding.rule == name]
    found = {(finding.location.file, finding.location.line) for finding in own}
    if name == "unreadable-manifest":
        assert own
        return
    assert found == marked_lines(example), [(f.rule, f.location.line, f.message) for f in report.findings]
    if example.severity is not None:
        assert {finding.severity for finding in own} == {example.severity}
    if example.confidence is not None:
        assert {finding.confidence for finding in own} == {example.confidence}
    if example.message is not None:
        assert all(example.message in finding.message for finding in own), [finding.message for finding in own]


@pytest.mark.parametrize(("name", "example"), examples("bad"))
def test_bad_example_is_bad_for_one_reason(name: str, example: Example) -> None:
    allowed = {name, *example.also} | NOISE
    others = [f for f in lint(name, example).findings if f.rule not in allowed and f.severity != "info"]
    assert not others, [(finding.rule, finding.location.line, finding.message) for finding in others]


@pytest.mark.parametrize(("name", "example"), examples("good"))
def test_good_example_is_silent(name: str, example: Example) -> None:
    own = [finding for finding in lint(name, example).findings if finding.rule == name]
    assert not own, [(finding.location.line, finding.message) for finding in own]


@pytest.mark.parametrize("name", CARDS)
def test_card_is_complete(name: str) -> None:
    path, card = CARDS[name]
    assert "TODO" not in path.read_text(encoding="utf-8")
    assert card.summary
    assert not card.summary.endswith("."), "a summary is one line without a full stop"
    assert len(card.summary) <= 100
    assert card.why.strip()
    assert card.fix.strip()
    assert card.references
    assert all(reference.startswith("https://") for reference in card.references)
    assert card.examples.bad
    assert card.examples.good
    titles = [example.title for example in (*card.examples.bad, *card.examples.good)]
    assert len(titles) == len(set(titles)), "titles tell examples apart"
    for option in card.options.values():
        assert option.description
    assert path.parent.name.replace("-", "").isalpha()


@pytest.mark.parametrize("name", CARDS)
def test_examples_have_two_sides_where_the_rule_compares(name: str) -> None:
    path, card = CARDS[name]
    for example in (*card.examples.bad, *card.examples.good):
        assert bool(example.sides) == (path.parent.name == CHANGE), example.title
        assert bool(example.sides) != bool(example.texts), example.title


def test_also_names_rules() -> None:
    for name, (_, card) in CARDS.items():
        for example in (*card.examples.bad, *card.examples.good):
            unknown = set(example.also) - CARDS.keys()
            assert not unknown, (name, example.title, unknown)


def test_index_is_made_from_the_cards_and_their_functions() -> None:
    assert (rules_directory() / "index.json").read_bytes() == encode_index(paired())


def test_a_card_or_a_function_that_stands_alone_makes_no_index(monkeypatch: pytest.MonkeyPatch) -> None:
    cards = read_cards()
    name, head = next((name, head) for name, head in cards.items() if not head.engine)
    others = {other: each for other, each in cards.items() if other != name}
    strange = msgspec.structs.replace(head, name="strange")
    for wrong in (others, {**cards, "strange": strange}, {**others, name: msgspec.structs.replace(head, engine=True)}):
        monkeypatch.setattr(catalogue, "read_cards", wrong.copy)
        with pytest.raises(CatalogueError, match="strange" if "strange" in wrong else name):
            paired()


def test_a_card_has_options_where_its_function_takes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    cards = read_cards()
    name, head = next((name, head) for name, head in cards.items() if head.options)
    wrong = {**cards, name: msgspec.structs.replace(head, options={})}
    monkeypatch.setattr(catalogue, "read_cards", wrong.copy)
    with pytest.raises(CatalogueError, match=name):
        paired()


def test_default_configuration_is_valid() -> None:
    assert config_from({}) == Config()
