"""Which rules run and how severe they are: by rule and family, by path and environment."""

from __future__ import annotations

import pytest

from k8s_stateful_lint.config import Config, ConfigError, EnvironmentSettings, Override, RuleSettings
from k8s_stateful_lint.engine.cards import heads
from k8s_stateful_lint.engine.policy import Policy
from k8s_stateful_lint.engine.run import run
from k8s_stateful_lint.graph import Graph
from k8s_stateful_lint.model.decode import decode
from k8s_stateful_lint.reading import SourceFile, read
from tests.manifests import RECYCLE

RULE = "recycle-reclaim-policy"


def severities(config: Config, *paths: str) -> list[str]:
    report = run([SourceFile(path, RECYCLE.encode()) for path in paths], config)
    by_path = {f.location.file: f.severity for f in report.findings if f.rule == RULE}
    return [by_path.get(path, "-") for path in paths]


def test_an_override_applies_by_path() -> None:
    config = Config(overrides=(Override(paths=("legacy",), rules={RULE: "info"}),))
    assert severities(config, "legacy/a.yaml", "new/a.yaml", "new/legacy/a.yaml") == ["info", "error", "info"]


def test_an_override_applies_by_environment() -> None:
    config = Config(
        environments=(EnvironmentSettings(name="bed", paths=("kind/**",)),),
        overrides=(
            Override(environments=("production",), rules={RULE: "error"}),
            Override(environments=("bed",), rules={RULE: "info"}),
        ),
        rules={RULE: "warning"},
    )
    assert severities(config, "kind/a.yaml", "prod/a.yaml", "x/a.yaml") == ["info", "error", "warning"]


def test_a_rule_that_is_off_can_be_on_somewhere() -> None:
    config = Config(rules={RULE: "off"}, overrides=(Override(environments=("production",), rules={RULE: "error"}),))
    assert severities(config, "prod/a.yaml", "x/a.yaml") == ["error", "-"]
    config = Config(overrides=(Override(environments=("production",), rules={RULE: "off"}),))
    assert severities(config, "prod/a.yaml", "x/a.yaml") == ["-", "error"]


def test_the_last_override_that_matches_wins() -> None:
    config = Config(
        overrides=(
            Override(paths=("a",), rules={RULE: "info"}),
            Override(paths=("a/b",), rules={RULE: RuleSettings(severity="warning", exclude=("a/b/c",))}),
        )
    )
    assert severities(config, "a/x.yaml", "a/b/x.yaml", "a/b/c/x.yaml") == ["info", "warning", "-"]


def test_ignoring_and_selecting_go_before_overrides() -> None:
    override = Override(rules={RULE: "error"})
    assert severities(Config(overrides=(override,), ignore=(RULE,)), "a.yaml") == ["-"]
    assert severities(Config(overrides=(override,), select=("access",)), "a.yaml") == ["-"]


def test_a_rule_goes_before_its_family() -> None:
    config = Config(rules={RULE: "warning", "reclaim": RuleSettings(severity="off", exclude=("old",))})
    assert severities(config, "a.yaml", "old/a.yaml") == ["warning", "-"]
    assert "released-claim-ref" not in Policy(config).everywhere


def test_a_family_switches_no_strict_rule_on() -> None:
    strict = next(head for head in heads().values() if head.wave == "strict" and not head.engine)
    assert strict.name not in Policy(Config(rules={strict.family: "warning"})).chosen
    override = Override(rules={strict.family: "warning"})
    assert strict.name not in Policy(Config(overrides=(override,))).chosen
    assert strict.name in Policy(Config(rules={strict.name: "warning"})).chosen
    assert strict.name in Policy(Config(overrides=(Override(rules={strict.name: "warning"}),))).chosen
    # What was off is on again where an override of its family says so.
    config = Config(rules={"reclaim": "off"}, overrides=(Override(paths=("live",), rules={"reclaim": "info"}),))
    assert severities(config, "live/a.yaml", "a.yaml") == ["info", "-"]


def test_options_may_differ_by_place() -> None:
    rule = "liveness-kills-recovery"
    config = Config(
        rules={rule: RuleSettings(options={"recovery-seconds": 10})},
        overrides=(Override(paths=("slow",), rules={rule: RuleSettings(options={"recovery-seconds": 900})}),),
    )
    policy = Policy(config)
    for path, seconds in (("slow/db.yaml", 900), ("db.yaml", 10)):
        (document,) = read(SourceFile(path, RECYCLE.encode())).documents
        (node,) = Graph(decode(document), config).nodes
        assert policy.options(heads()[rule], node) == {"recovery-seconds": seconds}


def test_rules_of_the_engine_obey_too() -> None:
    broken = SourceFile("old/a.yaml", b"apiVersion: v1\nkind: [")
    name = "unreadable-manifest"
    assert [f.severity for f in run([broken], Config(rules={name: "info"})).findings] == ["info"]
    assert not run([broken], Config(rules={name: RuleSettings(exclude=("old",))})).findings


@pytest.mark.parametrize("name", ["bed", "Production"])
def test_an_unknown_environment_is_an_error(name: str) -> None:
    override = Override(environments=(name,), rules={RULE: "info"})
    with pytest.raises(ConfigError, match="there is no environment"):
        Policy(Config(overrides=(override,)))
    Policy(Config(overrides=(override,), environment=name))
