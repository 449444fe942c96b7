"""Values of the wrong type anywhere in a manifest: rules may stay silent about them, but none of them breaks."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from k8s_stateful_lint.checks import network
from k8s_stateful_lint.config import Config
from k8s_stateful_lint.engine.cards import Example, read_card, rules_directory
from k8s_stateful_lint.engine.compare import Side, compare
from k8s_stateful_lint.engine.run import run
from k8s_stateful_lint.reading import SourceFile, read
from tests.graph.helpers import graph

Path = tuple[str | int, ...]

WRONG = [
    None,
    "",
    "x",
    "%",
    "${X}",
    "1Gi",
    0,
    -1,
    1.5,
    10**20,
    True,
    [],
    [None],
    [1],
    ["x"],
    [[]],
    [{}],
    {},
    {"a": None},
]


def _examples() -> Iterator[Example]:
    for path in sorted(rules_directory().glob("*/*.yaml")):
        card = read_card(path)
        yield from (*card.examples.bad, *card.examples.good)


def _objects(texts: Mapping[str, str]) -> list[dict[str, Any]]:
    documents = [doc for name, text in texts.items() for doc in read(SourceFile(name, text.encode())).documents]
    return [doc.value for doc in documents if isinstance(doc.value, dict) and "kind" in doc.value]


OBJECTS = [objects for example in _examples() if not example.sides and (objects := _objects(example.texts))]
SIDES = [
    (old, new)
    for example in _examples()
    if example.sides and (old := _objects(example.sides["before"])) and (new := _objects(example.sides["after"]))
]


def _paths(value: object, path: Path = ()) -> list[Path]:
    steps: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        steps = [(key, part) for key, part in value.items() if path or key not in ("apiVersion", "kind")]
    elif isinstance(value, list):
        steps = list(enumerate(value))
    return [found for step, part in steps for found in ((*path, step), *_paths(part, (*path, step)))]


def _spoilt(data: st.DataObject, objects: list[dict[str, Any]]) -> SourceFile:
    """Objects of which some fields have other values."""
    objects = copy.deepcopy(objects)
    for _ in range(data.draw(st.integers(1, 3))):
        target: Any = data.draw(st.sampled_from(objects))
        paths = _paths(target)
        if paths:
            *parents, last = data.draw(st.sampled_from(paths))
            for step in parents:
                target = target[step]
            target[last] = copy.deepcopy(data.draw(st.sampled_from(WRONG)))
    return _file(objects)


def _file(objects: list[dict[str, Any]]) -> SourceFile:
    return SourceFile("list.json", json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}).encode())


@settings(max_examples=400)
@given(st.data())
def test_no_rule_breaks_on_a_wrong_type(data: st.DataObject) -> None:
    file = _spoilt(data, data.draw(st.sampled_from(OBJECTS)))
    report = run([file], Config(strict=True, schema="off"))
    assert not report.crashes, report.crashes[0]


@settings(max_examples=200)
@given(st.data())
def test_no_comparison_breaks_on_a_wrong_type(data: st.DataObject) -> None:
    pair = data.draw(st.sampled_from(SIDES))
    sides = [_file(objects) for objects in pair]
    spoilt = data.draw(st.sampled_from([0, 1]))
    sides[spoilt] = _spoilt(data, pair[spoilt])
    report = compare(Side("old", sides[:1]), Side("new", sides[1:]), Config(strict=True))
    assert not report.crashes, report.crashes[0]


@pytest.mark.parametrize("wrong", ["[1]", "text", "{a: [b]}", "7"])
def test_a_reserved_volume_whose_reference_becomes_something_else(wrong: str) -> None:
    old, new = (
        SourceFile("disk.yaml", DISK.format(kind="Directory", more=f"\n  claimRef: {reference}").encode())
        for reference in ("{name: data, namespace: shop}", wrong)
    )
    report = compare(Side("old", [old]), Side("new", [new]), Config())
    assert not report.crashes, report.crashes[0]
    assert "bound-volume-edited" in {finding.rule for finding in report.findings}


@pytest.mark.parametrize("ports", ["80", "yes", "text", "{a: b}", "[1, [2], null]"])
@pytest.mark.parametrize("whose", ["service", "container"])
def test_ports_of_a_wrong_type(ports: str, whose: str) -> None:
    of = {"service": "[{port: 5432}]", "container": "[{containerPort: 5432}]", whose: ports}
    text = f"""\
apiVersion: v1
kind: Service
metadata: {{name: orders}}
spec: {{selector: {{app: orders}}, ports: {of["service"]}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: shop}}
spec:
  selector: {{matchLabels: {{app: other}}}}
  template:
    metadata: {{labels: {{app: other}}}}
    spec: {{containers: [{{name: shop, image: shop:1, ports: {of["container"]}}}]}}
"""
    found = graph(text)
    # It is asked only about a Service that selects nothing, next to workloads that it could mean.
    assert network._is_about(found.services[0], found.workloads[0]) is False


SET = """\
apiVersion: apps/v1
kind: {kind}
metadata: {{name: db}}
spec:
  replicas: 3
  selector: {{matchLabels: {{app: db}}}}
  template:
    metadata: {{labels: {{app: db}}}}
    spec:
      containers:
        - name: db
          image: rabbitmq:3.13
          env: [{{name: RABBITMQ_NODENAME, valueFrom: {{fieldRef: {{fieldPath: {field}}}}}}}]
          volumeMounts: [{{name: settings, mountPath: /etc/rabbitmq}}]
      volumes: [{{name: settings, configMap: {{name: {name}}}}}]
"""
DISK = """\
apiVersion: v1
kind: PersistentVolume
metadata: {{name: disk}}
spec:
  capacity: {{storage: 8Gi}}
  accessModes: [ReadWriteOnce]
  storageClassName: manual
  hostPath: {{path: /data, type: {kind}}}{more}
"""


@pytest.mark.parametrize("wrong", ["[]", "{}"])
def test_what_is_looked_up_in_a_table_and_is_no_text(wrong: str) -> None:
    texts = [
        SET.format(kind="StatefulSet", field="metadata.name", name=wrong),
        SET.format(kind="Deployment", field=wrong, name="settings"),
        DISK.format(kind=wrong, more=""),
    ]
    for text in texts:
        report = run([SourceFile("a.yaml", text.encode())], Config(strict=True, schema="off"))
        assert not report.crashes, report.crashes[0]


NUMBERS = """\
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, annotations: {argocd.argoproj.io/sync-wave: "9"}}
spec:
  replicas: 9
  serviceName: db
  updateStrategy: {rollingUpdate: {maxUnavailable: "9%", partition: 9}}
  selector: {matchLabels: {app: db, apps.kubernetes.io/pod-index: "9"}}
  template:
    metadata: {labels: {app: db}}
    spec:
      terminationGracePeriodSeconds: 9
      containers:
        - name: db
          image: minio/minio:9
          args: [server, "http://minio-{0...9}/data{1...9}", "--peer=db-9.db.svc:1"]
          lifecycle: {preStop: {exec: {command: [sleep, "9"]}}}
          resources: {limits: {memory: 9, cpu: "9m"}}
          ports: [{containerPort: 9}]
          volumeMounts: [{name: data, mountPath: /data}, {name: old, mountPath: /old}]
      volumes: [{name: old, persistentVolumeClaim: {claimName: data-db-9}}]
  volumeClaimTemplates:
    - metadata: {name: data}
      spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 9Gi}}}
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: disk-9}
spec:
  capacity: {storage: 9Gi}
  accessModes: [ReadWriteOnce]
  claimRef: {name: data-db-9, namespace: default}
  local: {path: /mnt/9}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: db}
spec: {minAvailable: "9%", selector: {matchLabels: {app: db, statefulset.kubernetes.io/pod-name: db-9}}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: db}
spec: {minReplicas: 9, maxReplicas: 9, scaleTargetRef: {apiVersion: apps/v1, kind: StatefulSet, name: db}}
---
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
patches: [{target: {kind: PersistentVolume}, patch: '[{op: remove, path: /spec/accessModes/9}]'}]
"""


@pytest.mark.parametrize("digits", ["9" * 5_000, "\N{SUPERSCRIPT TWO}", "\N{ARABIC-INDIC DIGIT THREE}"])
def test_digits_that_are_no_number(digits: str) -> None:
    files = [SourceFile("a.yaml", NUMBERS.replace("9", digits).encode())]
    report = run(files, Config(strict=True))
    assert not report.crashes, report.crashes[0]
