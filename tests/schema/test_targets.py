"""``target``: a version or a range, and what is said about others."""

from __future__ import annotations

import pytest

from k8s_stateful_lint import lint_text
from k8s_stateful_lint.config import ConfigError, config_from
from k8s_stateful_lint.knowledge import NEWEST
from k8s_stateful_lint.schema import targets_of
from tests.manifests import RECYCLE


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (None, (NEWEST,)),
        ("1.30", ((1, 30),)),
        ("v1.30.2-gke.100", ((1, 30),)),
        ("1.29-1.34", ((1, 29), (1, 34))),
        (" v1.29.3 - v1.34.0 ", ((1, 29), (1, 34))),
        ("1.29..1.34", ((1, 29), (1, 34))),
        ("1.30-1.30.7", ((1, 30),)),
    ],
)
def test_versions_and_ranges(written: str | None, expected: tuple[tuple[int, int], ...]) -> None:
    assert targets_of(config_from({} if written is None else {"target": written})) == expected


@pytest.mark.parametrize("written", ["1.16", "1.24", "1.99", "1.20-1.30"])
def test_a_version_without_schemas_is_checked_by_the_rules(written: str) -> None:
    report = lint_text(RECYCLE, config=config_from({"target": written}))
    assert {finding.rule for finding in report.findings} == {"recycle-reclaim-policy"}


@pytest.mark.parametrize("written", ["newest", "1", "1.34-1.29", "1.29-", "-1.29", "1.29-1.34-1.35"])
def test_nonsense_is_an_error(written: str) -> None:
    with pytest.raises(ConfigError, match="target: "):
        targets_of(config_from({"target": written}))


@pytest.mark.parametrize(
    ("written", "scope"), [("all", "all"), ("modelled", "modelled"), ("off", "off"), (False, "off"), (True, "modelled")]
)
def test_scopes(written: object, scope: str) -> None:
    assert config_from({"schema": written}).schema == scope


def test_unknown_scope() -> None:
    with pytest.raises(ConfigError, match="schema must be all, modelled or off"):
        config_from({"schema": "some"})
