"""Nothing that can stand in a file makes the program fail, and nothing that it prints tells a Secret."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from k8s_stateful_lint import lint, lint_text
from k8s_stateful_lint.engine.catalogue import rules
from k8s_stateful_lint.reports import FORMATS, Style, render
from k8s_stateful_lint.reports import graph as picture
from tools.fuzz import mutated, outputs

PROJECTS = Path(__file__).parent / "fixtures" / "projects"
MANIFESTS = [path.read_bytes() for path in sorted(PROJECTS.rglob("*.y*ml"))]
HOSTILE = sorted((Path(__file__).parent / "fixtures" / "hostile").iterdir())
some = settings(max_examples=40, suppress_health_check=list(HealthCheck))

WORDS = st.sampled_from(
    [
        *("apiVersion", "kind", "metadata", "name", "namespace", "labels", "annotations", "spec", "status", "items"),
        *("template", "containers", "initContainers", "image", "args", "command", "env", "volumes", "volumeMounts"),
        *("volumeClaimTemplates", "persistentVolumeClaim", "claimName", "accessModes", "resources", "requests"),
        *(
            "storage",
            "storageClassName",
            "replicas",
            "selector",
            "matchLabels",
            "ports",
            "data",
            "stringData",
            "$patch",
        ),
        *("provisioner", "parameters", "capacity", "csi", "nodeAffinity", "minAvailable", "maxUnavailable", "patches"),
    ]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(
        ["1Gi", "ReadWriteOnce", "postgres:16", "${X}", "1e999999999", "9" * 400, "\ud800", "a/b", "mysql", "0"]
    )
)
TREES = st.recursive(
    SCALARS, lambda below: st.lists(below, max_size=3) | st.dictionaries(WORDS, below, max_size=5), max_leaves=25
)
KINDS = st.sampled_from(
    [
        ("v1", "Pod"),
        ("v1", "Service"),
        ("v1", "Secret"),
        ("v1", "List"),
        ("v1", "PersistentVolume"),
        ("v1", "PersistentVolumeClaim"),
        ("apps/v1", "StatefulSet"),
        ("apps/v1", "Deployment"),
        ("batch/v1", "CronJob"),
        ("storage.k8s.io/v1", "StorageClass"),
        ("policy/v1", "PodDisruptionBudget"),
        ("autoscaling/v2", "HorizontalPodAutoscaler"),
        ("kustomize.config.k8s.io/v1beta1", "Kustomization"),
    ]
)


@some
@given(st.binary(max_size=300) | st.text(max_size=300))
def test_any_bytes_and_any_text(data: bytes | str) -> None:
    outputs(data)


@some
@given(KINDS, st.dictionaries(WORDS, TREES, max_size=6))
def test_any_object_of_any_kind(head: tuple[str, str], fields: dict[str, object]) -> None:
    outputs(json.dumps({**fields, "apiVersion": head[0], "kind": head[1]}))


@some
@given(st.integers(0, 2**32))
def test_real_manifests_with_something_wrong(seed: int) -> None:
    chance = random.Random(seed)
    outputs(mutated(chance.choice(MANIFESTS), chance.choice(MANIFESTS), chance))


@pytest.mark.parametrize("path", HOSTILE, ids=lambda path: path.name)
def test_what_once_made_it_fail(path: Path) -> None:
    outputs(path.read_bytes())


# Secrets ------------------------------------------------------------------------------------------------------------

VALUE = "hunter2hunter2"
SHAPES = [
    "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n%s:\n  password: %s\n",
    "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n%s: {password: %s}\n",
    "{apiVersion: v1, kind: Secret, metadata: {name: a}, %s: {password: %s}}\n",
    '{"apiVersion": "v1", "kind": "Secret", "%s": {"password": "%s"}}\n',
    "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n  %s:\n    password: %s\n",
    'apiVersion: v1\nitems: [{kind: "Secret", apiVersion: v1, metadata: {name: a}, %s: {password: %s}}]\nkind: List\n',
    "%s:\n  password: %s\nkind: 'Secret'\napiVersion: v1\n",
    "apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\n  annotations:\n"
    '    kubectl.kubernetes.io/last-applied-configuration: |\n      {"%s": {"password": "%s"}}\ntype: [Opaque]\n',
    "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n%s:\n  config: |\n    password: %s\n    x: kind\n---\n",
]
SPELT = [
    "%s",
    "'%s'",
    '"%s"',
    "[%s]",
    "{a: %s}",
    "*%s",
    "!!int %s",
    "@%s",
    "!%s",
    "&%s",
    "%s: x",
    "'%s",
    "[%s",
    "|\n  %s",
    "%%%s",
]


@pytest.mark.parametrize("shape", SHAPES)
def test_values_of_secrets_are_never_shown(shape: str) -> None:
    for field in ("data", "stringdata"):
        for spelt in SPELT:
            manifest = shape % (field, spelt % VALUE) + "---\napiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: 3\n"
            assert not [text for text in outputs(manifest) if VALUE in text], manifest


@some
@given(st.integers(0, 2**32), st.sampled_from(SHAPES), st.sampled_from(["data", "stringData"]))
def test_values_of_damaged_secrets_are_never_shown(seed: int, shape: str, field: str) -> None:
    chance = random.Random(seed)
    manifest = (shape % (field, VALUE)).encode()
    damaged = mutated(manifest, manifest, chance)
    # What the damage took out of the Secret, or moved to where names stand, is no value of a Secret.
    if not re.search(rb"\bkind[\"']?: [\"']?Secret\b", damaged) or not re.search(rb"password[\"']?:", damaged):
        return
    for text in outputs(damaged):
        assert VALUE not in text


def test_a_rule_that_crashes_on_a_secret_does_not_tell_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(node: object, *_: object) -> Iterator[object]:
        raise ValueError(VALUE)

    name = next(name for name, rule in rules().items() if "Node" in rule.subjects)
    monkeypatch.setattr(rules()[name], "check", crash)
    for kind, told in (("Secret", False), ("ConfigMap", True)):
        (message,) = lint_text(f"{{apiVersion: v1, kind: {kind}, metadata: {{name: a}}}}").crashes
        assert "ValueError" in message
        assert (VALUE in message) is told


# Files and streams --------------------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name != "posix", reason="names are bytes on POSIX only")
def test_a_report_in_any_format_can_name_any_file(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9.yaml")).write_text("{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: 3}")
    report = lint(tmp_path)
    shown = [render(name, report, Style()) for name in FORMATS]
    shown += [picture.render(report.graph, report, name, Style()) for name in picture.FORMATS]
    for text in shown:
        assert text.encode()
    assert "xe9.yaml" in shown[0]


def test_closed_streams_and_poor_encodings(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("{apiVersion: v1, kind: Pod, metadata: {name: é}, spec: 3}", encoding="utf-8")
    program = f"{sys.executable} -m k8s_stateful_lint"
    for command, code in (
        (f"{program} check - <&-", 2),
        (f"{program} check {path} >&-", 1),
        (f"{program} check {path} >&- 2>&-", 1),
        (f"PYTHONIOENCODING=ascii {program} check {path}", 1),
        (f"PYTHONIOENCODING=ascii {program} graph {path}", 0),
    ):
        done = subprocess.run(command, shell=True, capture_output=True, check=False)
        assert done.returncode == code, (command, done.stderr)
        assert b"Traceback" not in done.stderr


def test_very_long_paths_and_loops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in range(12):
        Path("d" * 200).mkdir()
        Path("d" * 200, "loop").symlink_to("..")
        os.chdir("d" * 200)
    Path("a.yaml").write_text("{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: 3}")
    os.chdir(tmp_path)
    report = lint(".")
    assert report.summary.files == 1
    assert lint("x" * 5000).notices
