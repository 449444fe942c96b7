"""Servers of known images, where their data is, and what covers it."""

from __future__ import annotations

import pytest

from k8s_stateful_lint.graph import Workload
from tests.graph.helpers import graph, workload


def pod(image: str, mounts: str, extra: str = "", *, kind: str = "Deployment") -> Workload:
    return workload(
        f"""\
apiVersion: apps/v1
kind: {kind}
metadata: {{name: db}}
spec:
  template:
    spec:
      containers:
        - name: db
          image: {image}
          volumeMounts: [{mounts}]
          {extra}
      volumes:
        - {{name: data, persistentVolumeClaim: {{claimName: data}}}}
        - {{name: scratch, emptyDir: {{}}}}
"""
    )


def test_data_on_the_claim() -> None:
    (database,) = pod("postgres:16.3", "{name: data, mountPath: /var/lib/postgresql/data/}").databases
    assert [volume.name for volume in database.data_volumes] == ["data"]
    assert database.has_persistent_data


def test_parent_mount_is_hidden_by_the_images_volume() -> None:
    (database,) = pod("postgres:16.3", "{name: data, mountPath: /var/lib/postgresql}").databases
    assert database.data is not None
    (place,) = database.data
    assert place.mount is None
    assert place.hidden_by == "/var/lib/postgresql/data"


def test_parent_mount_covers_under_cri_o() -> None:
    text = """\
apiVersion: v1
kind: Pod
metadata: {name: db}
spec:
  containers:
    - {name: db, image: "postgres:16.3", volumeMounts: [{name: data, mountPath: /var/lib/postgresql}]}
  volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
"""
    (found,) = graph(text, cluster={"runtime": "cri-o"}).workloads
    assert found.databases[0].has_persistent_data


def test_the_deepest_mount_counts() -> None:
    mounts = "{name: data, mountPath: /var/lib}, {name: scratch, mountPath: /var/lib/mysql}"
    (database,) = pod("mysql:8.4.2", mounts).databases
    assert [volume.name for volume in database.data_volumes] == ["scratch"]
    assert not database.has_persistent_data


def test_pgdata_moves_the_directory() -> None:
    moved = pod("postgres:16.3", "{name: data, mountPath: /pg}", "env: [{name: PGDATA, value: /pg/data}]").databases[0]
    assert [volume.name for volume in moved.data_volumes] == ["data"]


def test_a_value_from_elsewhere_cannot_be_told() -> None:
    unknown = "env: [{name: PGDATA, valueFrom: {secretKeyRef: {name: s, key: k}}}]"
    assert pod("postgres:16.3", "{name: data, mountPath: /pg}", unknown).databases[0].data is None


def test_config_map_of_the_unit_is_read() -> None:
    text = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {where: /pg/data}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  template:
    spec:
      containers:
        - name: db
          image: postgres:16.3
          env: [{name: PGDATA, valueFrom: {configMapKeyRef: {name: settings, key: where}}}]
          volumeMounts: [{name: data, mountPath: /pg}]
  volumeClaimTemplates: [{metadata: {name: data}}]
"""
    (found,) = graph(text).workloads
    assert found.databases[0].has_persistent_data


@pytest.mark.parametrize(
    ("image", "extra"),
    [
        ("postgres:16.3", 'command: [psql, -c, "select 1"]'),
        ("postgres:16.3", 'command: [sh, -c, "pg_dump > /backup/x"]'),
        ("mongo:7.0.5", "command: [mongos, --configdb, x]"),
        ("redis:7.2.4", "command: [sleep, infinity]"),
        ("registry.example.com/mysql:8.4", ""),
        ("nginx:1.27", ""),
    ],
)
def test_clients_routers_and_strangers_are_no_servers(image: str, extra: str) -> None:
    assert pod(image, "{name: data, mountPath: /data}", extra).servers == ()


def test_jobs_and_init_containers_are_no_servers() -> None:
    job = """\
apiVersion: batch/v1
kind: Job
metadata: {name: load}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: "postgres:16.3"}]}}}
"""
    assert workload(job).servers == ()


def test_mirror_is_known_with_less_confidence() -> None:
    (database,) = pod("registry.example.com/hub/library/postgres:16.3", "").databases
    assert database.weak == 1


def test_kustomize_images_set_the_tag() -> None:
    files = {
        "a/db.yaml": "{apiVersion: v1, kind: Pod, metadata: {name: db}, spec: {containers: [{image: postgres}]}}",
        "a/kustomization.yaml": "resources: [db.yaml]\nimages: [{name: postgres, newTag: '17.2'}]\n",
    }
    image = graph(files).workloads[0].containers[0].image
    assert image is not None
    assert image.tag == "17.2"
