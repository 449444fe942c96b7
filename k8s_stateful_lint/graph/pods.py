"""How many pods a workload has, and what a rollout does to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from k8s_stateful_lint.model.quantities import scaled
from k8s_stateful_lint.model.workloads import (
    CronJobBody,
    HorizontalPodAutoscalerBody,
    JobSpec,
    ScaledObjectBody,
    WorkloadBody,
)

if TYPE_CHECKING:
    from k8s_stateful_lint.graph.selectors import Autoscaler
    from k8s_stateful_lint.graph.workloads import Workload
    from k8s_stateful_lint.model.resource import Place


class PodCount(msgspec.Struct, frozen=True, gc=False):
    """How many pods of a workload may exist at once, the surge of a rollout left aside.

    ``place`` is the field that says so. For a DaemonSet both counts are 2, meaning "several": the number of nodes is
    not in the manifests.
    """

    minimum: int
    maximum: int
    place: Place
    reason: str


class Rollout(msgspec.Struct, frozen=True):
    """What a Deployment's rolling update may add and take away; both 0 and 1 pods for ``Recreate``."""

    type: str
    surge: int
    unavailable: int

    @property
    def is_overlapping(self) -> bool:
        """Whether old and new pods run at the same time."""
        return self.type == "RollingUpdate" and self.surge >= 1

    @property
    def is_blocking(self) -> bool:
        """Whether no old pod may go before a new one is ready."""
        return self.is_overlapping and self.unavailable == 0


def count_pods(workload: Workload) -> PodCount | None:
    """Count the pods of a workload; None where the count is a placeholder or ambiguous."""
    body = workload.resource.body
    one_node = workload.graph.config.cluster.nodes == "one"
    match workload.kind:
        case "Pod":
            return PodCount(1, 1, workload.name_place, "a single pod")
        case "DaemonSet":
            count = 1 if one_node else 2
            return PodCount(count, count, workload.at("kind"), "one pod on every node")
        case "Job":
            return _count_job(workload, workload.job_spec, ("spec",))
        case "CronJob":
            assert isinstance(body, CronJobBody)
            return _count_job(workload, body.spec.job_template.spec, ("spec", "jobTemplate", "spec"))
    return _count_replicas(workload)


def _count_job(workload: Workload, spec: JobSpec, route: tuple[str, ...]) -> PodCount | None:
    place = workload.at(*route, "parallelism")
    if workload.resource.is_unknown(*route, "parallelism") or workload.resource.is_unknown(*route, "completions"):
        return None
    count = 1 if spec.parallelism is None else spec.parallelism
    if spec.completions is not None:
        count = min(count, spec.completions)
    return PodCount(count, count, place, f"parallelism {count}")


def _count_replicas(workload: Workload) -> PodCount | None:
    replicas = written_replicas(workload)
    resource = workload.resource
    if replicas is None and (resource.is_unknown("spec", "replicas") or workload.has_conflicting_replicas):
        return None
    place = workload.at("spec", "replicas")
    scaler = workload.autoscaler
    if scaler is None:
        count = 1 if replicas is None else replicas
        return PodCount(count, count, place, f"replicas {count}" if replicas is not None else "replicas absent, so 1")
    bounds = scaler.bounds
    if bounds is None:
        return None
    minimum, maximum = bounds
    if replicas is not None and replicas >= maximum:
        return PodCount(minimum, replicas, place, f"replicas {replicas}")
    return PodCount(minimum, maximum, scaler.maximum_place, f"{scaler.label} scales up to {maximum}")


def written_replicas(workload: Workload) -> int | None:
    """``spec.replicas``, overridden by the kustomizations that build the workload; None where nothing is written."""
    overrides = workload.graph.units.replicas(workload.resource.path, workload.name)
    if len(overrides) == 1:
        return next(iter(overrides))
    if len(overrides) > 1:
        return None
    spec = workload.scale_spec
    return spec.replicas if spec is not None else None


def autoscaler_bounds(scaler: Autoscaler) -> tuple[int, int] | None:
    """Minimum and maximum of an autoscaler, with the defaults of its API; None where one cannot be read."""
    body, resource = scaler.resource.body, scaler.resource
    if isinstance(body, HorizontalPodAutoscalerBody):
        if resource.is_unknown("spec", "minReplicas") or body.spec.max_replicas is None:
            return None
        return 1 if body.spec.min_replicas is None else body.spec.min_replicas, body.spec.max_replicas
    assert isinstance(body, ScaledObjectBody)
    if resource.is_unknown("spec", "minReplicaCount") or resource.is_unknown("spec", "maxReplicaCount"):
        return None
    minimum, maximum = body.spec.min_replica_count, body.spec.max_replica_count
    return 0 if minimum is None else minimum, 100 if maximum is None else maximum


def rollout_of(workload: Workload) -> Rollout | None:
    """How a Deployment replaces its pods; None for other kinds and where a number cannot be read.

    Source: kubernetes pkg/controller/deployment/util/deployment_util.go, ResolveFenceposts.
    """
    body = workload.resource.body
    if workload.kind != "Deployment" or not isinstance(body, WorkloadBody):
        return None
    strategy = body.spec.strategy
    kind = (strategy.type if strategy else None) or "RollingUpdate"
    if kind != "RollingUpdate":
        return Rollout(kind, 0, 1)
    if workload.resource.is_unknown("spec", "strategy"):
        return None
    rolling = strategy.rolling_update if strategy else None
    replicas = written_replicas(workload)
    if replicas is None:
        if workload.pods is None:
            return None
        replicas = max(workload.pods.minimum, 1) if workload.autoscaler else 1
    surge = scaled(_or_default(rolling.max_surge if rolling else None), replicas, round_up=True)
    unavailable = scaled(_or_default(rolling.max_unavailable if rolling else None), replicas, round_up=False)
    if surge is None or unavailable is None:
        return None
    if surge == 0 and unavailable == 0:
        unavailable = 1
    return Rollout(kind, surge, unavailable)


def _or_default(value: int | str | None) -> int | str:
    return "25%" if value is None else value
