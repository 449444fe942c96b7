"""The engine: places, severities, crashes, environments, selection."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from k8s_stateful_lint import Config, lint_text
from k8s_stateful_lint.config import ConfigError, EnvironmentSettings, RuleSettings, config_from
from k8s_stateful_lint.engine.cards import heads
from k8s_stateful_lint.engine.catalogue import rules
from k8s_stateful_lint.engine.policy import Policy
from k8s_stateful_lint.engine.run import run
from k8s_stateful_lint.reading import SourceFile
from tests.manifests import RECYCLE


def test_a_crash_is_contained_and_the_other_rules_run(monkeypatch) -> None:
    rule = rules()["recycle-reclaim-policy"]

    def broken(subject):  # type: ignore[no-untyped-def]
        raise ZeroDivisionError
        yield

    monkeypatch.setattr(rule, "check", broken)
    text = RECYCLE.replace("nfs: {server: nfs.example.com, path: /archive}", "hostPath: {path: /archive}")
    report = run([SourceFile("pv.yaml", text.encode())], Config())
    (crash,) = report.crashes
    assert "host-path-in-production" in {finding.rule for finding in report.findings}
    assert "recycle-reclaim-policy failed on PersistentVolume archive in pv.yaml" in crash
    assert "ZeroDivisionError" in crash


@pytest.mark.parametrize(
    ("where", "text", "environment"),
    [
        ("pv.yaml", "", "unspecified"),
        ("deploy/prod/pv.yaml", "", "production"),
        ("live/dev/pv.yaml", "", "unspecified"),
        ("products/pv.yaml", "", "unspecified"),
        ("pv.yaml", "labels: {environment: production}", "production"),
        ("pv.yaml", "labels: {env: dev}", "development"),
        ("prod/pv.yaml", "labels: {env: test}", "development"),
    ],
)
def test_environment_is_guessed_from_signs(where: str, text: str, environment: str) -> None:
    manifest = RECYCLE.replace("{name: archive}", f"{{name: archive, {text}}}" if text else "{name: archive}")
    (finding,) = run([SourceFile(where, manifest.encode())], Config()).findings
    assert finding.environment == environment
    assert finding.environment_reason


def test_environment_of_the_command_line_wins() -> None:
    (finding,) = run([SourceFile("prod/pv.yaml", RECYCLE.encode())], Config(environment="development")).findings
    assert finding.environment == "development"


@pytest.mark.parametrize(
    ("written", "meant"), [("prod", "production"), ("Live", "production"), ("dev", "development"), ("stage", "stage")]
)
def test_environment_of_the_command_line_is_what_people_mean(written: str, meant: str) -> None:
    (finding,) = run([SourceFile("pv.yaml", RECYCLE.encode())], Config(environment=written)).findings
    assert finding.environment == meant
    own = Config(environment=written, environments=(EnvironmentSettings(name=written, paths=("x/*",)),))
    (finding,) = run([SourceFile("pv.yaml", RECYCLE.encode())], own).findings
    assert finding.environment == written


def test_environment_of_the_configuration() -> None:
    config = Config(environments=(EnvironmentSettings(name="staging", paths=("stage/*",)),))
    (finding,) = run([SourceFile("stage/pv.yaml", RECYCLE.encode())], config).findings
    assert finding.environment == "staging"


def test_guessing_can_be_switched_off() -> None:
    (finding,) = run([SourceFile("prod/pv.yaml", RECYCLE.encode())], Config(guess_environments=False)).findings
    assert finding.environment == "unspecified"


def test_configured_severity_exclusion_and_off() -> None:
    rule = "recycle-reclaim-policy"
    assert [f.severity for f in lint_text(RECYCLE, config=Config(rules={rule: "info"})).findings] == ["info"]
    assert lint_text(RECYCLE, config=Config(rules={rule: "off"})).findings == ()
    excluded = Config(rules={rule: RuleSettings(exclude=("old/*",))})
    assert run([SourceFile("old/pv.yaml", RECYCLE.encode())], excluded).findings == ()
    assert run([SourceFile("new/pv.yaml", RECYCLE.encode())], excluded).findings


def test_waves_and_selection() -> None:
    strict = {name for name, head in heads().items() if head.wave == "strict"}
    assert Policy(Config()).everywhere.isdisjoint(strict)
    assert strict <= Policy(Config(strict=True)).everywhere
    one = next(iter(strict), None)
    if one is not None:
        assert one in Policy(Config(extend_select=(one,))).everywhere
        assert one in Policy(Config(rules={one: "warning"})).everywhere
    assert Policy(Config(select=("reclaim",), ignore=("recycle-reclaim-policy",))).everywhere == {
        head.name for head in heads().values() if head.family == "reclaim"
    } - {"recycle-reclaim-policy"}


@pytest.mark.parametrize(
    "values",
    [
        {"select": ["nope"]},
        {"rules": {"nope": "off"}},
        {"rules": {"recycle-reclaim-policy": {"options": {"x": 1}}}},
        {"target": "latest"},
        {"nonsense": True},
        {"fail-on": "sometimes"},
    ],
)
def test_mistakes_in_the_configuration_are_errors(values: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        lint_text(RECYCLE, config=config_from(values))


def test_null_is_absent_and_the_finding_points_at_the_null_key() -> None:
    claim = """\
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec:
  storageClassName: null
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 8Gi}}
"""
    (finding,) = [f for f in lint_text(claim).findings if f.rule == "claim-without-storage-class"]
    assert finding.location.line == 5


def test_an_absent_field_is_shown_at_its_nearest_ancestor() -> None:
    claim = """\
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 8Gi}}
"""
    (finding,) = [f for f in lint_text(claim).findings if f.rule == "claim-without-storage-class"]
    assert (finding.location.line, finding.location.column) == (4, 1)


def test_owned_objects_are_left_alone() -> None:
    owned = RECYCLE.replace("{name: archive}", "{name: archive, ownerReferences: [{kind: X, name: x}]}")
    assert lint_text(owned).findings == ()


def test_fingerprints_survive_moving_and_reformatting() -> None:
    moved = "# a comment\n\n" + RECYCLE.replace("{name: archive}", "\n  name: archive")
    before, after = (lint_text(text).findings[0] for text in (RECYCLE, moved))
    assert before.location != after.location
    assert before.fingerprint == after.fingerprint


def test_one_finding_per_field() -> None:
    report = lint_text(RECYCLE)
    places = [(f.rule, f.location) for f in report.findings]
    assert len(places) == len(set(places))


def test_same_output_for_every_hash_seed(tmp_path) -> None:
    for number in range(5):
        (tmp_path / f"{number}.yaml").write_text(RECYCLE.replace("archive", f"pv-{number % 2}"))
    outputs = {
        subprocess.run(
            [sys.executable, "-m", "k8s_stateful_lint", "check", ".", "--format", "json"],
            cwd=tmp_path,
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            capture_output=True,
            check=False,
        ).stdout
        for seed in ("0", "1", "42")
    }
    assert len(outputs) == 1
    assert b"recycle-reclaim-policy" in outputs.pop()


@settings(max_examples=150)
@given(st.text(max_size=400))
def test_lint_text_never_raises(text: str) -> None:
    assert lint_text(text).crashes == ()


_SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 5), st.sampled_from(["", "x", "data", "8Gi", "<Size>", "${X}", "None"])
)
_KEY_NAMES = (
    "metadata name spec template volumes volumeMounts containers image claimName persistentVolumeClaim "
    "accessModes replicas selector labels matchLabels volumeClaimTemplates serviceName storageClassName resources "
    "requests storage strategy rollingUpdate maxSurge env value args securityContext runAsUser affinity emptyDir "
    "hostPath path"
)
_KEYS = st.sampled_from(_KEY_NAMES.split())
_TREES = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4), max_leaves=25
)
_KIND_NAMES = (
    "Pod Deployment StatefulSet DaemonSet Job CronJob ReplicationController PersistentVolumeClaim "
    "PersistentVolume StorageClass Service PodDisruptionBudget HorizontalPodAutoscaler Kustomization "
    "VolumeSnapshot ConfigMap"
)
_KINDS = st.sampled_from(_KIND_NAMES.split())


@settings(max_examples=200)
@given(st.lists(st.tuples(_KINDS, st.dictionaries(_KEYS, _TREES, max_size=4)), min_size=1, max_size=3))
def test_objects_of_any_shape_crash_no_rule(objects: list[tuple[str, dict[str, object]]]) -> None:
    import json

    groups = {"Deployment": "apps/v1", "StatefulSet": "apps/v1", "DaemonSet": "apps/v1", "Job": "batch/v1"}
    text = "\n---\n".join(
        json.dumps({"apiVersion": groups.get(kind, "v1"), "kind": kind, **body}) for kind, body in objects
    )
    assert lint_text(text, config=Config(strict=True)).crashes == ()


DEFINITION = """\
apiVersion: apiextensions.k8s.io/v1beta1
kind: CustomResourceDefinition
metadata:
  name: databases.example.com
spec:
  group: example.com
  group: example.org
"""


def test_the_inside_of_a_definition_is_read_only_where_schemas_look_at_it() -> None:
    files = [SourceFile("definition.yaml", DEFINITION.encode())]
    assert run(files, Config()).findings == ()
    assert run(files, Config()).summary.objects == 1
    everything = [finding.rule for finding in run(files, config_from({"schema": "all"})).findings]
    assert "unreadable-manifest" in everything


def test_a_suppression_inside_of_a_definition_counts() -> None:
    text = DEFINITION.replace("  group: example.org\n", "  # K8s-stateful-lint: ignore[recycle-reclaim-policy]\n")
    report = run([SourceFile("definition.yaml", text.encode())], Config())
    assert [(finding.rule, finding.location.line) for finding in report.findings] == [("useless-suppression", 7)]


@pytest.mark.parametrize(
    ("target", "skipped"),
    [
        ("1.36", ["claim-in-two-volumes"]),
        ("1.30", []),
        ("1.26", ["retention-policy-deletes-claims"]),
        ("1.26-1.36", []),
        ("1.35-1.36", ["claim-in-two-volumes"]),
    ],
)
def test_rules_that_are_not_about_the_target_say_so(target: str, skipped: list[str]) -> None:
    notices = [notice.message for notice in lint_text(RECYCLE, config=Config(target=target)).notices]
    said = [message.partition(" was skipped")[0] for message in notices if "was skipped" in message]
    assert said == skipped
