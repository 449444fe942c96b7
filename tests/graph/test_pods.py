"""Counting pods, and what a rollout does to them."""

from __future__ import annotations

import pytest

from tests.graph.helpers import deployment, documents, graph, workload

HPA = """\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: db}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: db}
"""


@pytest.mark.parametrize(
    ("spec", "minimum", "maximum"),
    [("", 1, 1), ("replicas: 3", 3, 3), ("replicas: 0", 0, 0), ("replicas: null", 1, 1), ("replicas:", 1, 1)],
)
def test_replicas(spec: str, minimum: int, maximum: int) -> None:
    pods = workload(deployment(spec)).pods
    assert pods is not None
    assert (pods.minimum, pods.maximum) == (minimum, maximum)


@pytest.mark.parametrize("value", ["${REPLICAS}", "<count>", "'@N@'", '"3"'])
def test_replicas_that_cannot_be_read_are_unknown(value: str) -> None:
    assert workload(deployment(f"replicas: {value}")).pods is None


@pytest.mark.parametrize(
    ("replicas", "bounds", "minimum", "maximum"),
    [
        ("", "maxReplicas: 5", 1, 5),
        ("", "minReplicas: 2\n  maxReplicas: 5", 2, 5),
        ("replicas: 7", "minReplicas: 2\n  maxReplicas: 5", 2, 7),
        ("replicas: 1", "minReplicas: 3\n  maxReplicas: 3", 3, 3),
    ],
)
def test_autoscaler_wins_over_replicas(replicas: str, bounds: str, minimum: int, maximum: int) -> None:
    found = graph(documents(deployment(replicas), HPA + f"  {bounds}\n")).workloads[0]
    assert found.pods is not None
    assert (found.pods.minimum, found.pods.maximum) == (minimum, maximum)


def test_autoscaler_of_another_kind_does_not_count() -> None:
    hpa = HPA.replace("kind: Deployment, name", "kind: StatefulSet, name") + "  maxReplicas: 9\n"
    found = graph(documents(deployment("replicas: 2"), hpa)).workloads[0]
    assert found.max_pods == 2


def test_scaled_object_has_defaults_of_its_own() -> None:
    keda = """\
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: db}
spec: {scaleTargetRef: {name: db}}
"""
    found = graph(documents(deployment(), keda)).workloads[0]
    assert (found.min_pods, found.max_pods) == (0, 100)


@pytest.mark.parametrize(
    ("spec", "count"),
    [
        ("", 1),
        ("parallelism: 4", 4),
        ("parallelism: 4\n  completions: 2", 2),
        ("completions: 5", 1),
        ("parallelism: 0", 0),
    ],
)
def test_jobs_count_pods_at_once(spec: str, count: int) -> None:
    job = f"""\
apiVersion: batch/v1
kind: Job
metadata: {{name: job}}
spec:
  {spec}
  template: {{spec: {{containers: [{{name: a, image: busybox:1.36}}]}}}}
"""
    assert workload(job).max_pods == count


def test_kustomization_overrides_replicas() -> None:
    found = graph(
        {
            "base/db.yaml": deployment("replicas: 1"),
            "base/kustomization.yaml": "resources: [db.yaml]\n",
            "overlay/kustomization.yaml": "resources: [../base]\nreplicas: [{name: db, count: 4}]\n",
        }
    ).workloads[0]
    assert found.max_pods == 4


def test_kustomizations_that_disagree_leave_the_count_unknown() -> None:
    found = graph(
        {
            "base/db.yaml": deployment("replicas: 1"),
            "base/kustomization.yaml": "resources: [db.yaml]\n",
            "one/kustomization.yaml": "resources: [../base]\nreplicas: [{name: db, count: 4}]\n",
            "two/kustomization.yaml": "resources: [../base]\nreplicas: [{name: db, count: 2}]\n",
        }
    ).workloads[0]
    assert found.pods is None


@pytest.mark.parametrize(
    ("spec", "surge", "unavailable", "overlaps", "blocks"),
    [
        ("", 1, 0, True, True),
        ("replicas: 4", 1, 1, True, False),
        ("replicas: 3", 1, 0, True, True),
        ("strategy: {type: Recreate}", 0, 1, False, False),
        ("strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 0, maxUnavailable: 1}}", 0, 1, False, False),
        ("strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 0}}", 0, 1, False, False),
        ("strategy: {rollingUpdate: {maxSurge: 10%, maxUnavailable: 10%}}", 1, 0, True, True),
        ("strategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 1}}", 1, 1, True, False),
    ],
)
def test_rollout_rounds_as_the_api_does(spec: str, surge: int, unavailable: int, overlaps: bool, blocks: bool) -> None:
    rollout = workload(deployment(spec)).rollout
    assert rollout is not None
    assert (rollout.surge, rollout.unavailable) == (surge, unavailable)
    assert (rollout.is_overlapping, rollout.is_blocking) == (overlaps, blocks)


def test_stateful_sets_have_no_rollout_of_this_kind() -> None:
    assert workload(deployment(kind="StatefulSet")).rollout is None


@pytest.mark.parametrize(
    ("pod", "pinned"),
    [
        ("", None),
        ("nodeName: one", "node one"),
        ("nodeSelector: {kubernetes.io/hostname: one}", "node one"),
        ("nodeSelector: {disk: ssd}", None),
        (
            "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: "
            "[{matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [one]}]}]}}}",
            "node one",
        ),
        (
            "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: "
            "[{matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [one, two]}]}]}}}",
            None,
        ),
        (
            "affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: "
            "kubernetes.io/hostname, labelSelector: {matchLabels: {app: db}}}]}}",
            "its own pods",
        ),
        (
            "affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: "
            "topology.kubernetes.io/zone, labelSelector: {matchLabels: {app: db}}}]}}",
            None,
        ),
    ],
)
def test_pinned_to_one_node(pod: str, pinned: str | None) -> None:
    assert workload(deployment(pod=pod)).pinned_to == pinned


def test_one_node_pins_everything() -> None:
    assert workload(deployment(), cluster={"nodes": "one"}).is_pinned
