"""Facts of a cluster: resolved against, never linted, and refused where they are none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from k8s_stateful_lint.config import ClusterFacts as ClusterSettings
from k8s_stateful_lint.config import Config, ConfigError
from k8s_stateful_lint.engine.report import Report
from k8s_stateful_lint.engine.run import run
from k8s_stateful_lint.graph.facts import read_facts
from k8s_stateful_lint.reading import SourceFile

FACTS = """\
apiVersion: v1
kind: List
items:
  - apiVersion: storage.k8s.io/v1
    kind: StorageClass
    metadata:
      name: gp3
      creationTimestamp: "2024-01-01T00:00:00Z"
      annotations: {storageclass.kubernetes.io/is-default-class: "true"}
    provisioner: ebs.csi.aws.com
    parameters: {password: hunter2}
  - apiVersion: storage.k8s.io/v1
    kind: StorageClass
    metadata: {name: prepared}
    provisioner: kubernetes.io/no-provisioner
  - apiVersion: v1
    kind: PersistentVolume
    metadata: {name: bound}
    spec:
      capacity: {storage: 1Gi}
      accessModes: [ReadWriteOnce]
      storageClassName: gone
      csi: {driver: ebs.csi.aws.com, volumeHandle: a}
      claimRef: {name: bound, namespace: shop}
  - apiVersion: v1
    kind: PersistentVolume
    metadata: {name: free}
    spec:
      capacity: {storage: 10Gi}
      accessModes: [ReadWriteMany]
      nfs: {server: nfs.example.com, path: /}
    status: {phase: Available}
  - apiVersion: storage.k8s.io/v1
    kind: CSIDriver
    metadata: {name: ebs.csi.aws.com}
  - apiVersion: snapshot.storage.k8s.io/v1
    kind: VolumeSnapshotClass
    metadata: {name: snaps}
    driver: ebs.csi.aws.com
    deletionPolicy: Delete
  - apiVersion: v1
    kind: Secret
    metadata: {name: token}
    data: {token: aHVudGVyMg==}
---
apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: PersistentVolumeClaim
    metadata: {name: shared, namespace: shop}
    spec: {accessModes: [ReadWriteOnce], storageClassName: gp3, resources: {requests: {storage: 1Gi}}}
"""


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("facts.yaml").write_text(FACTS)


def claim(name: str = "data", namespace: str = "shop", **spec: object) -> dict[str, object]:
    base = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": base | spec}


def deployment(claim_name: str, **spec: object) -> dict[str, object]:
    pod = {
        "containers": [{"name": "web", "image": "nginx:1.29.0", "volumeMounts": [{"name": "d", "mountPath": "/d"}]}],
        "volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": claim_name}}],
    }
    base = {
        "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": pod},
    }
    metadata = {"name": "web", "namespace": "shop"}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": base | spec}


def lint(*objects: dict[str, object], with_facts: bool = True, **config: object) -> Report:
    text = "\n---\n".join(json.dumps(item, indent=1) for item in objects)
    facts = read_facts("facts.yaml") if with_facts else None
    return run([SourceFile("app.yaml", text.encode())], Config(**config), cluster=facts)


def rules(report: Report) -> set[str]:
    return {finding.rule for finding in report.findings}


def test_the_default_class_is_certain() -> None:
    assert "claim-without-storage-class" in rules(lint(claim(), with_facts=False))
    assert "claim-without-storage-class" not in rules(lint(claim()))
    Path("facts.yaml").write_text(FACTS.replace('is-default-class: "true"', 'is-default-class: "false"'))
    (finding,) = [f for f in lint(claim()).findings if f.rule == "claim-without-storage-class"]
    assert (finding.severity, finding.confidence) == ("error", "high")
    assert "the cluster has no default class (facts.yaml)" in finding.message


def test_a_missing_class_is_certain() -> None:
    assert "storage-class-not-found" not in rules(lint(claim(storageClassName="gp4"), with_facts=False))
    (finding,) = [f for f in lint(claim(storageClassName="gp4")).findings if f.rule == "storage-class-not-found"]
    assert finding.severity == "error"
    assert finding.message.startswith("facts.yaml has no StorageClass gp4: claim data stays Pending")
    assert lint(claim(storageClassName="gp3")).findings == ()
    assert lint(claim(storageClassName="gp3")).summary.unresolved == 0


def test_the_driver_of_a_class_is_known() -> None:
    (finding,) = [
        finding
        for finding in lint(claim(storageClassName="gp3", accessModes=["ReadWriteMany"])).findings
        if finding.rule == "rwx-on-block-storage"
    ]
    assert finding.location.file == "app.yaml"
    assert [related.location.file for related in finding.related] == ["facts.yaml"]


def test_a_claim_of_the_cluster_has_known_modes() -> None:
    workload = deployment("shared", replicas=3)
    assert lint(workload, with_facts=False).summary.unresolved == 1
    report = lint(workload)
    assert report.summary.unresolved == 0
    assert "rwo-claim-multi-node" in rules(report)


def test_a_claim_of_another_namespace_is_another_claim() -> None:
    workload = deployment("shared", replicas=3)
    workload["metadata"] = {"name": "web", "namespace": "other"}
    assert "rwo-claim-multi-node" not in rules(lint(workload))
    workload["metadata"] = {"name": "web"}
    assert "rwo-claim-multi-node" not in rules(lint(workload))


def test_a_bound_claim_is_bound() -> None:
    # Its class was deleted, and it is asked to grow: neither keeps it from being used.
    grown = claim("bound", storageClassName="gone", resources={"requests": {"storage": "5Gi"}})
    assert lint(grown).findings == ()
    assert "storage-class-not-found" in rules(lint(claim("bound", "elsewhere", storageClassName="gone")))


def test_a_prepared_volume_of_the_cluster_counts() -> None:
    wanted = claim(storageClassName="", accessModes=["ReadWriteMany"])
    assert "empty-storage-class-name" in rules(lint(wanted, with_facts=False))
    assert "empty-storage-class-name" not in rules(lint(wanted))


def test_snapshot_classes_are_certain() -> None:
    def snapshot(of_class: str) -> dict[str, object]:
        spec = {"volumeSnapshotClassName": of_class, "source": {"persistentVolumeClaimName": "shared"}}
        metadata = {"name": "s", "namespace": "shop"}
        return {
            "apiVersion": "snapshot.storage.k8s.io/v1",
            "kind": "VolumeSnapshot",
            "metadata": metadata,
            "spec": spec,
        }

    assert lint(snapshot("snaps")).findings == ()
    assert [finding.message for finding in lint(snapshot("snap")).findings] == [
        "VolumeSnapshot s refers to the VolumeSnapshotClass snap, which is neither in the input nor in facts.yaml: it "
        "waits for it forever"
    ]


def test_the_cluster_is_not_linted_and_not_counted() -> None:
    report = lint(claim(storageClassName="gp3", accessModes=["ReadWriteMany"]))
    assert (report.summary.files, report.summary.objects) == (1, 1)
    assert {finding.location.file for finding in report.findings} == {"app.yaml"}
    # Of the file, a report holds the lines that it shows.
    shown = [line for line in report.sources["facts.yaml"].lines if line]
    assert shown == ["    provisioner: ebs.csi.aws.com"]


def test_manifests_go_before_the_cluster() -> None:
    own = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": "gp3"},
        "provisioner": "efs.csi.aws.com",
    }
    assert "rwx-on-block-storage" not in rules(lint(own, claim(storageClassName="gp3", accessModes=["ReadWriteMany"])))


def test_the_configuration_goes_before_the_cluster() -> None:
    config = {"cluster": ClusterSettings(default_class="none", storage_classes={"gp4": "ebs.csi.aws.com"})}
    found = lint(claim(), claim("b", storageClassName="gp3"), **config).findings
    messages = {finding.rule: finding.message for finding in found}
    assert "(cluster.default-class: none)" in messages["claim-without-storage-class"]
    assert messages["storage-class-not-found"].startswith("cluster.storage-classes of the configuration has no")


def test_of_several_default_classes_the_newest_counts() -> None:
    second = FACTS.replace("gp3", "newer").replace("2024-", "2025-").split("  - apiVersion")[1]
    Path("facts.yaml").write_text(FACTS.replace("items:\n", f"items:\n  - apiVersion{second}", 1))
    assert read_facts("facts.yaml").default_class == "newer"


def test_it_may_be_json() -> None:
    values = {"apiVersion": "v1", "kind": "List", "items": [claim("shared")]}
    Path("facts.json").write_text(json.dumps(values, indent=4))
    facts = read_facts("facts.json")
    assert dict(facts.count) == {"PersistentVolumeClaim": 1}
    assert (facts.default_class, facts.others) == (None, 0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("NAME   PROVISIONER\ngp3    ebs.csi.aws.com\n", "f:1: this is a table for people: add -o yaml"),
        ("", "f: there is none of StorageClass, PersistentVolume, "),
        (
            "hunter2: hunter2: hunter2",
            "f:1:17: these cluster facts are no valid YAML or JSON; `k8s",
        ),
        (
            "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {a: hunter2}\n",
            "f: there is none of StorageClass, ",
        ),
        ("apiVersion: v1\nkind: List\nitems: []\n", "f: there is none of StorageClass, "),
        ("error: You must be logged in to the server\n", "f: there is none of StorageClass, "),
    ],
)
def test_what_is_no_file_of_facts_is_refused(text: str, expected: str) -> None:
    Path("f").write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_facts("f")
    assert str(caught.value).startswith(expected)
    assert "hunter2" not in str(caught.value)


def test_a_missing_file_is_told() -> None:
    with pytest.raises(ConfigError, match="cannot read the cluster facts nowhere: no such file or directory"):
        read_facts("nowhere")
