"""What the documents say is true: examples run, rules they name exist, generated parts are fresh."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from k8s_stateful_lint.config import ConfigError, config_from
from k8s_stateful_lint.engine.cards import heads
from k8s_stateful_lint.graph import Graph

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_the_configuration_shown_is_valid() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    block = re.search(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert block is not None
    config = config_from(YAML(typ="safe").load(block.group(1)))
    graph = Graph([], config)
    assert graph.knowledge.driver("block.example.com") is not None
    assert "our-postgres" in graph.images.entries


@pytest.mark.parametrize(
    "knowledge",
    [
        {"drivres": []},
        {"drivers": [{"name": "x", "kind": "cloud"}]},
        {"drivers": 3},
        {"images": [{"key": "x"}]},
        {"images": "x"},
    ],
)
def test_knowledge_that_makes_no_sense_is_a_configuration_error(knowledge: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="knowledge"):
        Graph([], config_from({"knowledge": knowledge}))


def test_every_pitfall_names_rules_that_exist() -> None:
    rows = YAML(typ="safe").load(ROOT / "docs" / "pitfalls.yaml")
    assert len(rows) == 62
    for row in rows:
        assert row["rules"] or row.get("note"), row["pitfall"]
        assert set(row["rules"]) <= heads().keys(), row["pitfall"]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target


def test_generated_files_are_fresh() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools.generate", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_scaffold_fails_until_it_is_filled_in(tmp_path) -> None:
    from k8s_stateful_lint.engine.cards import read_card
    from tools.new_rule import scaffold

    card, module = scaffold("volumes/some-new-rule", tmp_path)
    assert "def some_new_rule(" in module.read_text(encoding="utf-8")
    # tests/test_cards.py refuses a card with a TODO in it, and the function raises NotImplementedError.
    assert "TODO" in read_card(card).summary
    assert "raise NotImplementedError" in module.read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="there is a rule"):
        scaffold("volumes/some-new-rule", tmp_path)
    with pytest.raises(ValueError, match="family/rule-name"):
        scaffold("Nonsense", tmp_path)
