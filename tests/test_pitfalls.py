"""Every pitfall of docs/pitfalls.yaml, shown by a manifest: the rule speaks, and is silent about the mended one.

Each case is the pitfall's number, the rule, a manifest, and what to replace in it to mend it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from k8s_stateful_lint import lint_text
from k8s_stateful_lint.config import config_from

ROOT = Path(__file__).resolve().parent.parent
ROWS = YAML(typ="safe").load(ROOT / "docs" / "pitfalls.yaml")

CLAIM = {"accessModes": ["ReadWriteOnce"], "storageClassName": "fast", "resources": {"requests": {"storage": "8Gi"}}}


def obj(api_version: str, kind: str, name: str, **fields: Any) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, **fields}


def pod(image: str = "registry.example.com/app:1.4.2", mounts: Any = (), volumes: Any = (), **more: Any) -> Any:
    container = {"name": "main", "image": image, "volumeMounts": list(mounts), **more.pop("container", {})}
    return {"containers": [container], "volumes": list(volumes), **more}


def mount(name: str = "data", path: str = "/data", **more: Any) -> dict[str, Any]:
    return {"name": name, "mountPath": path, **more}


def uses(claim: str = "data", name: str = "data") -> dict[str, Any]:
    return {"name": name, "persistentVolumeClaim": {"claimName": claim}}


def controller(kind: str, name: str, spec: Any, **more: Any) -> dict[str, Any]:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": spec}
    return obj("apps/v1", kind, name, spec={"selector": {"matchLabels": labels}, "template": template, **more})


def stateful(name: str, spec: Any, **more: Any) -> dict[str, Any]:
    template = {"metadata": {"name": "data"}, "spec": CLAIM}
    return controller("StatefulSet", name, spec, **{"serviceName": name, "volumeClaimTemplates": [template], **more})


def claim(name: str = "data", **more: Any) -> dict[str, Any]:
    return obj("v1", "PersistentVolumeClaim", name, spec={**CLAIM, **more})


def volume(name: str = "data", **more: Any) -> dict[str, Any]:
    spec = {"capacity": {"storage": "8Gi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": "fast", **more}
    return obj("v1", "PersistentVolume", name, spec=spec)


def storage_class(provisioner: str, **more: Any) -> dict[str, Any]:
    fields = {"allowVolumeExpansion": True, "volumeBindingMode": "WaitForFirstConsumer", "reclaimPolicy": "Retain"}
    return obj("storage.k8s.io/v1", "StorageClass", "fast", provisioner=provisioner, **{**fields, **more})


def service(name: str, **more: Any) -> dict[str, Any]:
    return obj("v1", "Service", name, spec={"selector": {"app": name}, "ports": [{"port": 5432}], **more})


def budget(name: str, **more: Any) -> dict[str, Any]:
    return obj("policy/v1", "PodDisruptionBudget", name, spec={"selector": {"matchLabels": {"app": name}}, **more})


APP = pod(mounts=[mount()], volumes=[uses()])
POSTGRES = pod("postgres:16.3", [mount(path="/var/lib/postgresql/data", subPath="pg")])
ETCD = pod(
    "quay.io/coreos/etcd:v3.5.9",
    [mount(path="/var/lib/etcd")],
    container={"command": ["etcd", "--data-dir=/var/lib/etcd"]},
)
EBS, CSI = "ebs.csi.aws.com", {"driver": "disks.example.com", "volumeHandle": "a"}
JOB = {"restartPolicy": "Never", **APP}

Case = tuple[int, str, list[dict[str, Any]], dict[str, str]]
CASES: list[Case] = [
    (
        1,
        "rwo-claim-multi-node",
        [controller("Deployment", "a", APP, replicas=3, strategy={"type": "Recreate"}), claim()],
        {'"replicas": 3': '"replicas": 1'},
    ),
    (
        2,
        "rwo-claim-several-workloads",
        [controller("Deployment", "a", APP), controller("Deployment", "b", APP), claim()],
        {"ReadWriteOnce": "ReadWriteMany"},
    ),
    (
        3,
        "rwo-claim-rolling-update",
        [controller("Deployment", "a", APP, strategy={"type": "RollingUpdate"}), claim()],
        {"RollingUpdate": "Recreate"},
    ),
    (4, "rwo-claim-multi-node", [controller("DaemonSet", "a", APP), claim()], {"ReadWriteOnce": "ReadWriteMany"}),
    (
        5,
        "rwo-claim-multi-node",
        [
            obj(
                "batch/v1",
                "CronJob",
                "a",
                spec={
                    "schedule": "0 3 * * *",
                    "concurrencyPolicy": "Allow",
                    "jobTemplate": {"spec": {"template": {"spec": JOB}}},
                },
            ),
            claim(),
        ],
        {'"Allow"': '"Forbid"'},
    ),
    (6, "rwx-on-block-storage", [claim(accessModes=["ReadWriteMany"]), storage_class(EBS)], {EBS: "efs.csi.aws.com"}),
    (7, "invalid-access-modes", [claim(accessModes=["RWO"])], {'"RWO"': '"ReadWriteOnce"'}),
    (
        8,
        "claim-not-found",
        [obj("v1", "Pod", "a", spec=pod(mounts=[mount()], volumes=[uses("orders-database")])), claim("orders-databse")],
        {"databse": "database"},
    ),
    (
        9,
        "claim-volume-mismatch",
        [claim(volumeName="data"), volume(csi=CSI, capacity={"storage": "2Gi"})],
        {'"2Gi"': '"8Gi"'},
    ),
    (
        10,
        "claim-without-storage-class",
        [claim(storageClassName=None)],
        {'"storageClassName": null': '"storageClassName": "fast"'},
    ),
    (
        12,
        "missing-required-storage-field",
        [claim(resources={"requests": {"cpu": "1"}})],
        {'"cpu": "1"': '"storage": "1Gi"'},
    ),
    (13, "invalid-storage-quantity", [claim(resources={"requests": {"storage": "10GB"}})], {"10GB": "10Gi"}),
    (
        14,
        "claim-never-mounted",
        [obj("v1", "Pod", "a", spec=pod(volumes=[uses()])), claim()],
        {'"volumeMounts": []': '"volumeMounts": [{"name": "data", "mountPath": "/data"}]'},
    ),
    (
        16,
        "recycle-reclaim-policy",
        [volume(nfs={"server": "n", "path": "/p"}, persistentVolumeReclaimPolicy="Recycle")],
        {"Recycle": "Retain"},
    ),
    (
        17,
        "delete-policy-under-database",
        [stateful("a", POSTGRES), storage_class(EBS, reclaimPolicy="Delete")],
        {'"Delete"': '"Retain"'},
    ),
    (
        18,
        "immediate-binding-zonal-storage",
        [storage_class(EBS, volumeBindingMode="Immediate")],
        {"Immediate": "WaitForFirstConsumer"},
    ),
    (
        19,
        "class-without-expansion",
        [stateful("a", POSTGRES), storage_class(EBS, allowVolumeExpansion=False)],
        {'"allowVolumeExpansion": false': '"allowVolumeExpansion": true'},
    ),
    (21, "removed-volume-plugin", [storage_class("kubernetes.io/glusterfs")], {"kubernetes.io/glusterfs": EBS}),
    (
        22,
        "deprecated-volume-plugin",
        [
            obj(
                "v1",
                "Pod",
                "a",
                spec=pod(mounts=[mount()], volumes=[{"name": "data", "awsElasticBlockStore": {"volumeID": "vol-1"}}]),
            )
        ],
        {'"awsElasticBlockStore": {"volumeID": "vol-1"}': '"persistentVolumeClaim": {"claimName": "x"}'},
    ),
    (
        23,
        "removed-api-version",
        [obj("policy/v1beta1", "PodDisruptionBudget", "a", spec={"maxUnavailable": 1})],
        {"policy/v1beta1": "policy/v1"},
    ),
    (25, "host-path-in-production", [volume(hostPath={"path": "/data"})], {'"hostPath"': '"x"'}),
    (
        26,
        "local-volume-not-pinned",
        [volume(local={"path": "/data"})],
        {'"local": {"path": "/data"}': '"csi": {"driver": "a.example.com", "volumeHandle": "x"}'},
    ),
    (
        27,
        "host-path-in-production",
        [
            controller(
                "Deployment", "a", pod(mounts=[mount()], volumes=[{"name": "data", "hostPath": {"path": "/data"}}])
            )
        ],
        {'"hostPath": {"path": "/data"}': '"emptyDir": {}'},
    ),
    (
        28,
        "host-path-in-production",
        [
            controller(
                "Deployment",
                "a",
                pod(mounts=[mount(readOnly=False)], volumes=[{"name": "data", "hostPath": {"path": "/data"}}]),
            )
        ],
        {'"readOnly": false': '"readOnly": true'},
    ),
    (
        29,
        "host-path-without-type",
        [
            controller(
                "Deployment", "a", pod(mounts=[mount()], volumes=[{"name": "data", "hostPath": {"path": "/data"}}])
            )
        ],
        {'"path": "/data"}}': '"path": "/data", "type": "Directory"}}'},
    ),
    (
        30,
        "mount-of-undefined-volume",
        [obj("v1", "Pod", "a", spec=pod(mounts=[mount("dta")], volumes=[uses()]))],
        {'"dta"': '"data"'},
    ),
    (
        31,
        "invalid-volume-mount",
        [obj("v1", "Pod", "a", spec=pod(mounts=[mount(), mount(subPath="b")], volumes=[uses()]))],
        {', {"name": "data", "mountPath": "/data", "subPath": "b"}': ""},
    ),
    (
        32,
        "database-without-persistent-storage",
        [
            controller(
                "Deployment",
                "a",
                {**POSTGRES, "volumes": [{"name": "data", "emptyDir": {}}]},
                strategy={"type": "Recreate"},
            )
        ],
        {'"emptyDir": {}': '"persistentVolumeClaim": {"claimName": "x"}'},
    ),
    (
        33,
        "memory-volume-without-limit",
        [
            obj(
                "v1",
                "Pod",
                "a",
                spec=pod(mounts=[mount()], volumes=[{"name": "data", "emptyDir": {"medium": "Memory"}}]),
            )
        ],
        {'"Memory"': '"Memory", "sizeLimit": "64Mi"'},
    ),
    (
        34,
        "lost-found-in-data-directory",
        [stateful("a", pod("postgres:16.3", [mount(path="/var/lib/postgresql/data")])), storage_class(EBS)],
        {'"/var/lib/postgresql/data"': '"/var/lib/postgresql/data", "subPath": "pg"'},
    ),
    (
        35,
        "invalid-volume-mount",
        [obj("v1", "Pod", "a", spec=pod(mounts=[mount(mountPropagation="Bidirectional")], volumes=[uses()]))],
        {"Bidirectional": "HostToContainer"},
    ),
    (
        36,
        "non-root-without-fs-group",
        [
            stateful(
                "a", pod("grafana/grafana:11.1.0", [mount(path="/var/lib/grafana")], securityContext={"runAsUser": 472})
            )
        ],
        {'"runAsUser": 472': '"runAsUser": 472, "fsGroup": 472'},
    ),
    (
        37,
        "recursive-fs-group-change",
        [
            stateful("a", pod(mounts=[mount()], securityContext={"fsGroup": 100})),
            storage_class(EBS, parameters={"csi.storage.k8s.io/fstype": "ext4"}),
        ],
        {'"fsGroup": 100': '"fsGroup": 100, "fsGroupChangePolicy": "OnRootMismatch"'},
    ),
    (
        38,
        "missing-required-storage-field",
        [
            obj(
                "v1",
                "Pod",
                "a",
                spec=pod(
                    mounts=[mount()],
                    volumes=[
                        {
                            "name": "data",
                            "ephemeral": {
                                "volumeClaimTemplate": {
                                    "spec": {"storageClassName": "fast", "resources": CLAIM["resources"]}
                                }
                            },
                        }
                    ],
                ),
            )
        ],
        {'"storageClassName": "fast"': '"storageClassName": "fast", "accessModes": ["ReadWriteOnce"]'},
    ),
    (
        39,
        "governing-service-not-headless",
        [stateful("a", POSTGRES, replicas=2), service("a")],
        {'"ports": [{"port": 5432}]': '"ports": [{"port": 5432}], "clusterIP": "None"'},
    ),
    (
        40,
        "governing-service-selector-mismatch",
        [stateful("a", POSTGRES), service("a", clusterIP="None", selector={"app": "other"})],
        {'"other"': '"a"'},
    ),
    (
        42,
        "selector-template-mismatch",
        [stateful("a", POSTGRES, selector={"matchLabels": {"app": "b"}})],
        {'"b"': '"a"'},
    ),
    (
        43,
        "template-change-not-rolled-out",
        [stateful("a", POSTGRES, replicas=3, updateStrategy={"type": "OnDelete"})],
        {"OnDelete": "RollingUpdate"},
    ),
    (
        44,
        "retention-policy-deletes-claims",
        [stateful("a", POSTGRES, persistentVolumeClaimRetentionPolicy={"whenScaled": "Delete"})],
        {'"Delete"': '"Retain"'},
    ),
    (
        45,
        "zero-grace-period",
        [stateful("a", {**POSTGRES, "terminationGracePeriodSeconds": 0})],
        {'Seconds": 0': 'Seconds": 120'},
    ),
    (46, "even-quorum-members", [stateful("a", ETCD, replicas=4)], {'"replicas": 4': '"replicas": 3'}),
    (
        48,
        "version-label-in-immutable-field",
        [
            stateful(
                "a",
                POSTGRES,
                volumeClaimTemplates=[
                    {"metadata": {"name": "data", "labels": {"app.kubernetes.io/version": "1.4.2"}}, "spec": CLAIM}
                ],
            )
        ],
        {'"app.kubernetes.io/version": "1.4.2"': '"app": "a"'},
    ),
    (
        49,
        "quorum-members-share-node",
        [stateful("a", ETCD, replicas=3)],
        {
            '"containers"': '"topologySpreadConstraints": [{"topologyKey": "kubernetes.io/hostname", "maxSkew": 1, '
            '"whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": {"app": "a"}}}], "containers"'
        },
    ),
    (
        50,
        "node-name-with-delayed-binding",
        [obj("v1", "Pod", "a", spec={**APP, "nodeName": "node-1"}), claim(), storage_class(EBS)],
        {'"nodeName": "node-1"': '"nodeSelector": {"kubernetes.io/hostname": "node-1"}'},
    ),
    (
        51,
        "stateful-set-without-storage",
        [stateful("a", pod(), volumeClaimTemplates=[])],
        {'"StatefulSet"': '"Deployment"'},
    ),
    (
        52,
        "autoscaled-database",
        [
            stateful("a", ETCD),
            obj(
                "autoscaling/v2",
                "HorizontalPodAutoscaler",
                "a",
                spec={
                    "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "a"},
                    "maxReplicas": 5,
                },
            ),
        ],
        {'"name": "a"}, "maxReplicas"': '"name": "b"}, "maxReplicas"'},
    ),
    (
        54,
        "budget-never-allows-eviction",
        [stateful("a", POSTGRES), budget("a", maxUnavailable=0)],
        {'"maxUnavailable": 0': '"maxUnavailable": 1'},
    ),
    (
        55,
        "budget-never-allows-eviction",
        [stateful("a", POSTGRES, replicas=2), budget("a", minAvailable=2)],
        {'"minAvailable": 2': '"minAvailable": 1'},
    ),
    (
        56,
        "disruption-exceeds-quorum",
        [stateful("a", ETCD, replicas=3), budget("a", maxUnavailable=2)],
        {'"maxUnavailable": 2': '"maxUnavailable": 1'},
    ),
    (
        57,
        "overlapping-disruption-budgets",
        [
            stateful("a", POSTGRES, replicas=3),
            budget("a", maxUnavailable=1),
            {**budget("a", maxUnavailable=1), "metadata": {"name": "more"}},
        ],
        {"PodDisruptionBudget": "Sandwich"},
    ),
    (
        60,
        "data-source-not-restored",
        [claim(dataSource={"kind": "VolumeSnapshot", "name": "a"})],
        {'"kind": "VolumeSnapshot"': '"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot"'},
    ),
    (62, "schema-violation", [stateful("a", POSTGRES, replicas="three")], {'"three"': "3"}),
]
# What needs more than one text: other files, a complete input, facts about the cluster, two revisions.
ELSEWHERE = {
    11: "storage-class-not-found",
    20: "ambiguous-default-class",
    41: "unready-peers-not-published",
    47: "stateful-set-immutable-field-changed",
    53: "quorum-without-disruption-budget",
    59: "database-without-backup",
    61: "claim-deleted-with-release",
}


def fired(documents: str) -> set[str]:
    report = lint_text("\n---\n".join(documents.split("\0")), config=config_from({"strict": True}))
    assert not report.crashes
    return {finding.rule for finding in report.findings}


@pytest.mark.parametrize(("number", "rule", "objects", "mend"), CASES, ids=[f"{case[0]}-{case[1]}" for case in CASES])
def test_pitfall(number: int, rule: str, objects: list[dict[str, Any]], mend: dict[str, str]) -> None:
    assert rule in ROWS[number - 1]["rules"]
    text = "\0".join(map(json.dumps, objects))
    assert rule in fired(text)
    for wrong, right in mend.items():
        assert wrong in text
        text = text.replace(wrong, right)
    assert rule not in fired(text)


def test_every_row_has_a_case_or_a_reason() -> None:
    shown = {number for number, *_ in CASES} | ELSEWHERE.keys()
    silent = {number for number, row in enumerate(ROWS, 1) if not row["rules"]}
    assert shown | silent == set(range(1, len(ROWS) + 1))
    assert not shown & silent
    assert all(ROWS[number - 1]["note"] for number in silent)
    assert all(rule in ROWS[number - 1]["rules"] for number, rule in ELSEWHERE.items())
