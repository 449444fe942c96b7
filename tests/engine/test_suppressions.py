"""Comments and annotations that suppress findings."""

from __future__ import annotations

import pytest

from k8s_stateful_lint import Config, lint_text

VOLUME = """\
apiVersion: v1
kind: PersistentVolume
metadata:
  name: archive{annotations}
spec:{spec}
  capacity: {{storage: 5Gi}}
  accessModes: [ReadWriteOnce]{above}
  persistentVolumeReclaimPolicy: Recycle{behind}
  nfs: {{server: nfs.example.com, path: /archive}}
"""
RULE = "recycle-reclaim-policy"


def findings(*, annotations: str = "", spec: str = "", above: str = "", behind: str = "", config: Config | None = None):  # type: ignore[no-untyped-def]
    text = VOLUME.format(annotations=annotations, spec=spec, above=above, behind=behind)
    report = lint_text(text, config=config)
    return [finding.rule for finding in report.findings], report


@pytest.mark.parametrize(
    "directive",
    [
        "# k8s-stateful-lint: ignore[recycle-reclaim-policy] scratch space",
        "#k8s-stateful-lint:ignore[recycle-reclaim-policy]",
        "# K8s-Stateful-Lint: Ignore [ recycle-reclaim-policy , claim-not-found ]",
        "# k8s-stateful-lint: ignore(recycle-reclaim-policy)",
        "# k8s-stateful-lint: ignore=[recycle_reclaim_policy]",
        "# k8s-stateful-lint: ignore recycle-reclaim-policy",
        "# k8s-stateful-lint: ignore[reclaim] the whole family",
        "# scratch; k8s-stateful-lint: ignore[recycle-reclaim-policy]",
    ],
)
@pytest.mark.parametrize("where", ["behind", "above", "spec"])
def test_generous_parsing_in_every_place(directive: str, where: str) -> None:
    text = f" {directive}" if where == "behind" else f"\n  {directive}"
    if where == "spec":
        # Above the key `spec`, so that the whole mapping is covered.
        volume = VOLUME.format(annotations=f"\n{directive}", spec="", above="", behind="")
        report = lint_text(volume)
        rules = [finding.rule for finding in report.findings]
    else:
        rules, report = findings(**{where: text})
    assert rules == []
    assert report.summary.suppressed == 1


def test_annotation_covers_the_object() -> None:
    annotation = f'\n  annotations:\n    k8s-stateful-lint/ignore: "{RULE}: scratch space; claim-not-found: elsewhere"'
    rules, report = findings(annotations=annotation)
    assert rules == []
    assert report.summary.suppressed == 1


def test_a_comment_far_away_covers_nothing() -> None:
    rules, _ = findings(spec=f" # k8s-stateful-lint: ignore[{RULE}]")
    assert sorted(rules) == [RULE, "useless-suppression"]


@pytest.mark.parametrize(
    ("directive", "message"),
    [
        ("# k8s-stateful-lint: ignore[]", "names no rule"),
        ("# k8s-stateful-lint: ignore", "names no rule"),
        ("# k8s-stateful-lint: ignore[recycle-reclaim-polcy]", "did you mean recycle-reclaim-policy?"),
        ("# k8s-stateful-lint: ignore[removed-api-version]", "suppresses nothing here"),
    ],
)
def test_directives_that_do_nothing_are_told(directive: str, message: str) -> None:
    _, report = findings(behind=f" {directive}")
    (useless,) = [finding for finding in report.findings if finding.rule == "useless-suppression"]
    assert message in useless.message
    assert useless.location.line == 8


def test_a_rule_that_did_not_run_is_not_useless() -> None:
    config = Config(select=("claim-not-found", "useless-suppression"))
    rules, _ = findings(behind=f" # k8s-stateful-lint: ignore[{RULE}]", config=config)
    assert rules == []


def test_text_in_strings_and_block_scalars_is_no_directive() -> None:
    text = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: docs}
data:
  help: "write # k8s-stateful-lint: ignore[nothing] there"
  more: |
    # k8s-stateful-lint: ignore[nothing-either]
"""
    assert lint_text(text).findings == ()


def test_no_ignores_reports_everything() -> None:
    rules, _ = findings(behind=f" # k8s-stateful-lint: ignore[{RULE}]", config=Config(ignore_comments=False))
    assert rules == [RULE]


def test_item_of_a_list_is_covered_whole() -> None:
    text = """\
apiVersion: v1
kind: List
items:
  # k8s-stateful-lint: ignore[recycle-reclaim-policy] the first only
  - apiVersion: v1
    kind: PersistentVolume
    metadata: {name: one}
    spec:
      capacity: {storage: 5Gi}
      accessModes: [ReadWriteOnce]
      persistentVolumeReclaimPolicy: Recycle
      nfs: {server: nfs.example.com, path: /one}
  - apiVersion: v1
    kind: PersistentVolume
    metadata: {name: two}
    spec:
      capacity: {storage: 5Gi}
      accessModes: [ReadWriteOnce]
      persistentVolumeReclaimPolicy: Recycle
      nfs: {server: nfs.example.com, path: /two}
"""
    (finding,) = [f for f in lint_text(text).findings if f.rule == RULE]
    assert finding.object is not None
    assert finding.object.name == "two"
