"""Objects are judged as the kustomizations build them."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from k8s_stateful_lint.config import Config
from k8s_stateful_lint.engine.report import ReportedFinding
from k8s_stateful_lint.engine.run import run
from k8s_stateful_lint.reading import SourceFile
from tests.manifests import RECYCLE

from .helpers import USES_DATA, claim, deployment, graph

BASE = {
    "base/kustomization.yaml": "resources: [db.yaml, claim.yaml]\n",
    "base/db.yaml": deployment("replicas: 1", USES_DATA),
    "base/claim.yaml": claim("data", spec="storageClassName: fast"),
}


def overlay(text: str, name: str = "prod") -> dict[str, str]:
    return {f"overlays/{name}/kustomization.yaml": "resources: [../../base]\n" + text}


def findings(files: dict[str, str], rule: str) -> list[ReportedFinding]:
    report = run([SourceFile(path, text.encode()) for path, text in files.items()], Config())
    assert not report.crashes
    return [finding for finding in report.findings if finding.rule == rule]


INLINE_STRATEGY = """\
patches:
  - patch: |
      apiVersion: apps/v1
      kind: Deployment
      metadata: {name: db}
      spec: {strategy: {type: Recreate}}
"""
JSON_STRATEGY = """\
patches:
  - target: {kind: Deployment, name: d.}
    patch: |-
      - op: add
        path: /spec/strategy
        value: {type: Recreate}
"""
OLD_JSON_STRATEGY = """\
patchesJson6902:
  - target: {group: apps, version: v1, kind: Deployment, name: db}
    path: strategy.json
"""
MERGED_STRATEGY = """\
patchesStrategicMerge:
  - |-
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: db}
    spec: {strategy: {type: Recreate}}
"""


def test_without_a_patch_the_rule_fires() -> None:
    assert findings(BASE, "rwo-claim-rolling-update")
    assert findings(BASE | overlay(""), "rwo-claim-rolling-update")


@pytest.mark.parametrize("text", [INLINE_STRATEGY, JSON_STRATEGY, OLD_JSON_STRATEGY, MERGED_STRATEGY])
def test_what_a_patch_sets_is_not_missing(text: str) -> None:
    files = BASE | overlay(text)
    files["overlays/prod/strategy.json"] = '[{"op": "add", "path": "/spec/strategy", "value": {"type": "Recreate"}}]'
    assert not findings(files, "rwo-claim-rolling-update")


def test_patch_of_a_component() -> None:
    component = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n" + INLINE_STRATEGY
    files = BASE | {"components/calm/kustomization.yaml": component}
    assert findings(files, "rwo-claim-rolling-update")
    files |= overlay("components: [../../components/calm]\n")
    assert not findings(files, "rwo-claim-rolling-update")


def test_patch_for_another_object_changes_nothing() -> None:
    other = INLINE_STRATEGY.replace("name: db", "name: web")
    assert findings(BASE | overlay(other), "rwo-claim-rolling-update")
    assert findings(BASE | overlay(JSON_STRATEGY.replace("d.", "d")), "rwo-claim-rolling-update")


@pytest.mark.parametrize(
    ("text", "file", "line"),
    [
        (
            "patches:\n  - path: patches/scale.yaml\n",
            "overlays/prod/patches/scale.yaml",
            4,
        ),
        (
            "patches:\n  - target: {kind: Deployment}\n    patch: '[{op: replace, path: /spec/replicas, value: 3}]'\n",
            "overlays/prod/kustomization.yaml",
            4,
        ),
    ],
)
def test_a_patched_value_is_judged_and_shown_where_it_is_written(text: str, file: str, line: int) -> None:
    files = BASE | overlay(text)
    files["overlays/prod/patches/scale.yaml"] = (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: db}\nspec: {replicas: 3}\n"
    )
    (found,) = findings(files, "rwo-claim-multi-node")
    assert found.location.file == "base/db.yaml"
    assert (file, line) in {(related.location.file, related.location.line) for related in found.related}


def test_fields_of_what_a_patch_adds_are_shown_in_the_patch() -> None:
    patch = deployment(pod="volumes: [{name: tmp}]").replace("image: postgres:16.3", "")
    files = BASE | overlay("patches: [{path: patch.yaml}]\n") | {"overlays/prod/patch.yaml": patch}
    (found,) = findings(files, "volume-without-source")
    assert found.location.file == "overlays/prod/patch.yaml"
    assert found.object is not None
    assert found.object.name == "db"


def test_builds_that_disagree_leave_the_value_open() -> None:
    scale = "patches:\n  - target: {kind: Deployment}\n    patch: '[{op: replace, path: /spec/replicas, value: %s}]'\n"
    assert findings(BASE | overlay(scale % 3), "rwo-claim-multi-node")
    assert not findings(BASE | overlay(scale % 3) | overlay(scale % 1, "dev"), "rwo-claim-multi-node")
    assert findings(BASE | overlay(scale % 3) | overlay(scale % 3, "dev"), "rwo-claim-multi-node")


def test_a_deleted_object_is_not_judged() -> None:
    delete = (
        "patches:\n  - patch: |-\n      {apiVersion: apps/v1, kind: Deployment, metadata: {name: db}, $patch: delete}\n"
    )
    assert not findings(BASE | overlay(delete), "rwo-claim-rolling-update")
    assert findings(BASE | overlay(delete) | overlay("", "dev"), "rwo-claim-rolling-update")


def test_a_patch_of_a_folder_that_a_kustomization_lists_reaches_the_budget() -> None:
    budget = (
        "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: db}\n"
        "spec:\n  %s\n  selector: {matchLabels: {app: db}}\n"
    )
    files = BASE | {"base/budget.yaml": budget % "maxUnavailable: 0"}
    files["base/kustomization.yaml"] = "resources: [db.yaml, claim.yaml, budget.yaml]\n"
    assert findings(files, "budget-never-allows-eviction")
    files["base/kustomization.yaml"] += "patches: [{path: patches/budget.yaml}]\n"
    files["base/patches/budget.yaml"] = budget % "maxUnavailable: 1"
    assert not findings(files, "budget-never-allows-eviction")


def test_a_patch_beside_the_object_leaves_what_it_writes_open() -> None:
    patch = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: db}\nspec: {strategy: {type: Recreate}}\n"
    files = {"db.yaml": deployment("", USES_DATA), "claim.yaml": claim("data")}
    assert findings(files, "rwo-claim-rolling-update")
    assert not findings(files | {"db-patch.yaml": patch}, "rwo-claim-rolling-update")


def test_kustomizations_in_a_circle_and_wrong_ones_do_no_harm() -> None:
    files = BASE | {
        "a/kustomization.yaml": "resources: [../b, ../base]\npatches: [{path: gone.yaml}, {target: 3}, 7]\n",
        "b/kustomization.yaml": "resources: [../a]\npatches:\n  - patch: '[{op: replace, path: x}, {op: 3}]'\n",
        "c/kustomization.yaml": "resources: [../base]\npatches:\n  - {target: {name: '('}, patch: '[{op: remove}]'}\n",
    }
    assert findings(files, "rwo-claim-rolling-update")


WHOLE = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: db}
spec:
  %s
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      containers:
        - name: main
          image: postgres:16.3
          env: [{name: PGDATA, value: /data/pg}, {name: PASSWORD, value: a}]
          livenessProbe: {exec: {command: [pg_isready]}}
          ports: [{name: sql, containerPort: 5432}]
          volumeMounts: [{name: data, mountPath: /data, subPath: a}]
      volumes: [{name: data, emptyDir: {}}]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: db}
spec: {selector: {matchLabels: {app: db}}, minAvailable: 1}
---
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {clusterIP: None, selector: {app: db}, ports: [{name: sql, port: 5432}, {name: metrics, port: 9187}]}
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: disk}
spec:
  capacity: {storage: 5Gi}
  accessModes: [ReadWriteOnce]
  storageClassName: manual
  persistentVolumeReclaimPolicy: Retain
  nfs: {server: nfs.example.com, path: /archive}
"""
OTHER = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: db}
spec:
  strategy: {type: Recreate}
  template:
    spec:
      containers:
        - name: main
          env: [{name: PASSWORD, value: null, valueFrom: {secretKeyRef: {name: db, key: password}}}]
          livenessProbe: {exec: null, tcpSocket: {port: 5432}}
          volumeMounts: [{mountPath: /data, subPath: null, subPathExpr: $(PGDATA)}]
      volumes: [{name: data, emptyDir: null, %s}]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: db}
spec: {minAvailable: null, maxUnavailable: 1}
---
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {ports: [{name: tcp-sql, port: 5432}]}
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: disk}
spec: {nfs: null, csi: {driver: ebs.csi.aws.com, volumeHandle: vol-1}}
"""
OTHER_PORT = "{target: {kind: Deployment}, patch: '[{op: replace, path: %s, value: 6432}]'}"
REFUSED = (
    "invalid-volume-source",
    "volume-without-source",
    "mutually-exclusive-fields",
    "invalid-value",
    "duplicate-entry",
)


@pytest.mark.parametrize("source", ["persistentVolumeClaim: {claimName: data}", "hostPath: {path: /srv/db}"])
def test_what_different_builds_choose_does_not_exclude_itself(source: str) -> None:
    files = {
        "base/kustomization.yaml": "resources: [all.yaml]\n",
        "base/all.yaml": WHOLE % "strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 1}}",
    }
    changed = {"overlays/prod/other.yaml": OTHER % source}
    port = OTHER_PORT % "/spec/template/spec/containers/0/ports/0/containerPort"
    both = files | changed | overlay(f"patches: [{{path: other.yaml}}, {port}]\n") | overlay("", "dev")
    for rule in (*REFUSED, "database-without-persistent-storage", "schema-violation", "unknown-field"):
        assert not findings(both, rule), rule


def test_a_patch_that_adds_a_second_choice_is_refused() -> None:
    files = {"base/kustomization.yaml": "resources: [all.yaml]\n", "base/all.yaml": WHOLE % "replicas: 1"}
    changed = {"overlays/prod/other.yaml": (OTHER % "nfs: {server: a, path: /b}").replace("emptyDir: null, ", "")}
    alone = files | changed | overlay("patches: [{path: other.yaml}]\n")
    assert findings(alone, "invalid-volume-source")
    dev = overlay("patches: [{path: ../prod/other.yaml}]\n", "dev")
    assert findings(alone | dev, "invalid-volume-source")


def test_entries_whose_names_are_no_texts() -> None:
    operation = "{op: add, path: /spec/more, value: [{metadata: {name: %s}}]}"
    add = f"patches:\n  - target: {{kind: Deployment}}\n    patch: '[{operation}]'\n"
    files = BASE | overlay(add % "[]") | overlay(add % "{a: b}", "dev")
    assert findings(files, "rwo-claim-rolling-update")


def test_a_json_patch_without_end_changes_nothing() -> None:
    operations = [{"op": "add", "path": "/spec" + "/a" * 5_000, "value": 1}]
    copies = [{"op": "copy", "from": "/spec", "path": f"/spec/template/spec/a{number}"} for number in range(60)]
    for patch in (operations, copies):
        text = json.dumps({"patches": [{"target": {"kind": "Deployment"}, "patch": json.dumps(patch)}]})
        files = BASE | {"overlays/prod/kustomization.yaml": text[:-1] + ', "resources": ["../../base"]}'}
        assert findings(files, "rwo-claim-rolling-update")


# As kustomize does it -------------------------------------------------------------------------------------------------

PROJECT = """\
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, labels: {tier: data}}
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      tolerations: [{key: a}]
      containers:
        - name: main
          image: postgres:16.3
          args: [a, b]
          env: [{name: A, value: "1"}, {name: B, value: "2"}]
          ports: [{containerPort: 5432, name: sql}]
          volumeMounts: [{name: data, mountPath: /data}, {name: tmp, mountPath: /tmp}]
        - {name: side, image: "busybox:1.36"}
      volumes: [{name: tmp, emptyDir: {}}]
  volumeClaimTemplates:
    - metadata: {name: data}
      spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
"""
HEAD = "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: db}\n"
PATCHES = {
    "scalars": HEAD + "spec: {replicas: 3, serviceName: db2, podManagementPolicy: Parallel}\n",
    "entries": HEAD
    + """\
spec:
  template:
    spec:
      containers:
        - name: main
          args: [c]
          env: [{name: B, value: "3"}, {name: C, value: "4"}]
          ports: [{containerPort: 5433}]
          volumeMounts: [{name: more, mountPath: /tmp}]
        - {name: third, image: "busybox:1.36"}
      tolerations: [{key: b}]
      volumes: [{name: more, emptyDir: {medium: Memory}}]
""",
    "directives": HEAD
    + """\
spec:
  updateStrategy: null
  template:
    spec:
      containers: [{name: side, $patch: delete}]
      volumes: [{$patch: replace}, {name: other, hostPath: {path: /tmp, type: null}}]
""",
    "templates": HEAD + "spec: {volumeClaimTemplates: [{metadata: {name: new}}]}\n",
    "json": json.dumps(
        [
            {"op": "test", "path": "/spec/serviceName", "value": "db"},
            {"op": "add", "path": "/spec/template/spec/containers/0/env/-", "value": {"name": "Z", "value": "9"}},
            {"op": "add", "path": "/spec/template/spec/containers/0/env/0", "value": {"name": "Y", "value": "8"}},
            {"op": "replace", "path": "/spec/volumeClaimTemplates/0/spec/resources/requests/storage", "value": "2Gi"},
            {"op": "remove", "path": "/spec/template/spec/containers/1"},
            {"op": "add", "path": "/spec/template/metadata/annotations", "value": {"a/b": "c"}},
            {"op": "replace", "path": "/spec/template/metadata/annotations/a~1b", "value": "d"},
            {"op": "copy", "from": "/spec/serviceName", "path": "/spec/template/spec/subdomain"},
        ]
    ),
}


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
@pytest.mark.parametrize("name", PATCHES)
@pytest.mark.parametrize("target", [{"kind": "StatefulSet", "name": "d.*"}, {"labelSelector": "tier=data"}])
def test_merges_as_kustomize_does(name: str, target: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "db.yaml").write_text(PROJECT)
    kustomization = {"resources": ["db.yaml"], "patches": [{"target": target, "patch": PATCHES[name]}]}
    (tmp_path / "kustomization.yaml").write_text(json.dumps(kustomization))
    built = subprocess.run(["kubectl", "kustomize", tmp_path], capture_output=True, text=True, check=True).stdout
    files = {path.name: path.read_text() for path in tmp_path.iterdir()}
    (theirs,) = graph_of({"built.yaml": built})
    (ours,) = graph_of(files)
    assert unordered(ours) == unordered(theirs)


def graph_of(files: dict[str, str]) -> list[Any]:
    return [workload.resource.raw for workload in graph(files).workloads]


def unordered(value: Any) -> Any:
    """Entries that kustomize merges by name may come in any order."""
    if isinstance(value, dict):
        return {key: unordered(item) for key, item in value.items()}
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):
        return sorted((unordered(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
    return value


def test_a_fault_of_a_patch_is_told_once() -> None:
    patch = "containers: [{name: main, resources: {limits: {memory: 8g}}}]"
    files = (
        BASE
        | overlay("patches: [{path: more.yaml}]\n")
        | {
            "overlays/prod/more.yaml": "{apiVersion: apps/v1, kind: Deployment, metadata: {name: db}, spec: "
            f"{{template: {{spec: {{{patch}}}}}}}}}"
        }
    )
    (finding,) = findings(files, "invalid-value")
    assert finding.location.file == "overlays/prod/more.yaml"


def test_a_thousand_kustomizations_in_each_other() -> None:
    files = [
        SourceFile(f"k{index}/kustomization.yaml", f"resources: [../k{index + 1}]\n".encode()) for index in range(1000)
    ]
    files.append(SourceFile("k1000/kustomization.yaml", b"resources: [pv.yaml]\nnamePrefix: deep-\n"))
    files.append(SourceFile("k1000/pv.yaml", RECYCLE.encode()))
    report = run(files, Config())
    assert [finding.rule for finding in report.findings] == ["recycle-reclaim-policy"]
    assert not report.crashes


def test_kustomizations_that_share_each_other_are_not_walked_once_for_every_way() -> None:
    # Two to the power of forty ways lead from the first to the last.
    files = [
        SourceFile(f"{name}{index}/kustomization.yaml", f"resources: [../a{index + 1}, ../b{index + 1}]\n".encode())
        for index in range(40)
        for name in "ab"
    ]
    files += [SourceFile(f"{name}40/kustomization.yaml", b"resources: [../base]\n") for name in "ab"]
    files.append(SourceFile("base/kustomization.yaml", b"resources: [pv.yaml]\n"))
    files.append(SourceFile("base/pv.yaml", RECYCLE.encode()))
    report = run(files, Config())
    assert [finding.rule for finding in report.findings] == ["recycle-reclaim-policy"]
