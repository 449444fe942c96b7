"""Conditions that rules of several families share, so that no rule has to ask another one."""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec

from k8s_stateful_lint._patterns import regex
from k8s_stateful_lint.graph import RWOP, Claim, Graph, Node, PersistentVolume, PodCount, PodVolume, Workload
from k8s_stateful_lint.graph.once import once
from k8s_stateful_lint.graph.pods import written_replicas
from k8s_stateful_lint.graph.workloads import CONTROLLER_LABELS
from k8s_stateful_lint.model.base import LabelSelector
from k8s_stateful_lint.model.placeholders import is_placeholder

_REPLICATED = frozenset({"Deployment", "ReplicaSet", "ReplicationController", "StatefulSet", "PetSet"})


# rwo-claim-multi-node -----------------------------------------------------------------------------------------------


class SeveralNodes(NamedTuple):
    """Why pods of one workload that share a single-node volume can be on several nodes."""

    case: Literal["replicas", "daemon", "autoscaler", "job", "cron-job"]
    pods: PodCount


def is_replicated(workload: Workload) -> bool:
    """Whether the kind has ``replicas``."""
    return workload.kind in _REPLICATED


def needs_several_nodes(volume: PodVolume) -> SeveralNodes | None:
    """Whether ``rwo-claim-multi-node`` fires for the volume, and in which of its cases."""
    if not volume.is_single_node or not volume.is_used:
        return None
    case = _several_pods(volume.workload)
    if case is None or is_reserved_for_one_pod(volume):
        return case
    if volume.workload.is_pinned or volume.attachment == "attach-free":
        return None
    if volume.attachment == "node-bound" and case.case not in ("replicas", "daemon"):
        return None
    return case


def is_reserved_for_one_pod(volume: PodVolume) -> bool:
    """Whether the claim behind the volume is ReadWriteOncePod: not even a pod on the same node may share it."""
    return volume.modes is not None and RWOP in volume.modes


def _several_pods(workload: Workload) -> SeveralNodes | None:
    pods = workload.pods
    if pods is None:
        return None
    if workload.kind == "DaemonSet":
        return SeveralNodes("daemon", pods)
    if workload.kind in ("Job", "CronJob"):
        if pods.maximum >= 2:
            return SeveralNodes("job", pods)
        if workload.kind == "CronJob" and pods.maximum >= 1 and _may_overlap(workload):
            return SeveralNodes("cron-job", pods)
        return None
    if not is_replicated(workload) or pods.maximum < 2:
        return None
    replicas = written_replicas(workload)
    if pods.minimum >= 2 or (replicas is not None and replicas >= 2):
        return SeveralNodes("replicas", pods)
    return SeveralNodes("autoscaler", pods)


def _may_overlap(workload: Workload) -> bool:
    policy = workload.resource.get("spec", "concurrencyPolicy")
    return policy in (None, "", "Allow") and workload.job_spec.active_deadline_seconds is None


# rwo-claim-rolling-update -------------------------------------------------------------------------------------------


def volumes_that_block_rollout(workload: Workload) -> tuple[PodVolume, ...]:
    """The volumes for which ``rwo-claim-rolling-update`` fires: the new pod waits for them, the old one for it."""
    rollout = workload.rollout
    if workload.max_pods != 1 or rollout is None or not rollout.is_blocking:
        return ()
    return tuple(
        volume
        for volume in workload.volumes
        if volume.is_single_node
        and volume.is_used
        and (is_reserved_for_one_pod(volume) or (volume.attachment == "exclusive" and not workload.is_pinned))
    )


# static-claim-without-class -----------------------------------------------------------------------------------------


class PreparedVolume(msgspec.Struct, frozen=True):
    """Why a claim without a class is meant for a prepared volume.

    ``volumes`` are the volumes in question, as far as they are in the input. ``default`` is the name of the default
    class that admission fills in, None where it is unknown.
    """

    case: Literal["volume-name", "selector", "fits"]
    volumes: tuple[PersistentVolume, ...]
    default: str | None
    weak: int


def is_without_class(claim: Claim) -> bool:
    """Whether neither ``storageClassName`` nor the beta annotation is written."""
    return claim.written_class is None and not claim.is_unknown("spec", "storageClassName")


def meant_for_prepared_volume(claim: Claim) -> PreparedVolume | None:
    """Whether ``static-claim-without-class`` fires for the claim, and why."""
    if claim.shape == "ephemeral" or not is_without_class(claim):
        return None
    default = claim.graph.classes.default_for(claim)
    if default.name == "" or claim.paired.ambiguous:
        return None
    found = _prepared(claim)
    if found is None:
        return None
    case, volumes, weak = found
    if any(volume.is_reserved and not volume.is_reserved_for_other(claim) for volume in volumes):
        return None
    if default.name is not None and volumes and all(volume.class_name == default.name for volume in volumes):
        return None
    return PreparedVolume(case, volumes, default.name, weak + default.weak)


def misses_prepared_volume(claim: Claim) -> bool:
    """Whether the claim is meant for volumes of the input that only the class it does not write keeps it from."""
    prepared = meant_for_prepared_volume(claim)
    return prepared is not None and bool(prepared.volumes)


def _prepared(
    claim: Claim,
) -> tuple[Literal["volume-name", "selector", "fits"], tuple[PersistentVolume, ...], int] | None:
    if claim.spec.volume_name:
        if claim.is_unknown("spec", "volumeName"):
            return None
        volume = claim.volume
        return "volume-name", (volume,) if volume else (), claim.paired.weak if volume else 1
    if claim.volume is not None:
        return None
    graph, selector = claim.graph, claim.spec.selector
    reserved = any(volume.shares_unit(claim) for volume in claim.reserved_volumes)
    if reserved or _has_unknown_reference(graph, claim.units):
        return None
    if selector is not None:
        mates, selected = graph.unit_mates(claim, PersistentVolume), graph.volumes.selected_by(selector)
        return "selector", tuple(volume for volume in mates if volume in selected), 0
    if not claim.spec.access_modes or claim.request is None:
        return None
    free = claim.classless_volumes(in_unit=True)
    return ("fits", free, 0) if free else None


@once
def _has_unknown_reference(graph: Graph, units: frozenset[str]) -> bool:
    """Whether a volume of some units is reserved for a claim whose name is a placeholder."""
    references = (volume.spec.claim_ref for volume in graph.in_units(units, PersistentVolume))
    return any(reference is not None and is_placeholder(reference.name) for reference in references)


# Several workloads of one unit --------------------------------------------------------------------------------------


def may_meet(left: Node, right: Node) -> bool:
    """Whether two objects may be in one namespace: both write the same one, or somebody writes none."""
    return left.namespace == right.namespace or None in (left.namespace, right.namespace)


def may_select_anywhere(node: Node, selector: LabelSelector) -> bool:
    """Whether a selector in an object matches some pods, wherever they are defined, and no namespace is in the way."""
    labels = [label for label in selector.match_labels.items() if label[0] not in CONTROLLER_LABELS]
    index = node.graph.selections.by_label
    candidates = min((index.get(label, []) for label in labels), key=len) if labels else node.graph.workloads
    return any(may_meet(node, workload) and workload.is_selected_by(selector) for workload in candidates)


def are_alternatives(left: Workload, right: Workload) -> bool:
    """Whether two workloads of a unit stand for each other, so that only one of them is deployed at a time.

    One name with one kind is one object written twice; one name with two kinds in two files is a choice.
    """
    return left.name == right.name and (left.kind == right.kind or left.resource.path != right.resource.path)


# Custom resources that make no pods, and those of such a group that do.
_PODLESS = regex(
    r"monitoring\.coreos\.com/|cert-manager\.io/|\.istio\.io/|traefik|gateway\.|external-secrets\.io/|bitnami\.com/|"
    r"cilium\.io/|crd\.projectcalico\.org/|kyverno\.io/|keda\.sh/|autoscaling\.|kustomize\.config|snapshot\.storage|"
    r"velero\.io/|policy|grafana\.integreatly"
)
_OF_PROMETHEUS_OPERATOR = frozenset({"Prometheus", "PrometheusAgent", "Alertmanager", "ThanosRuler"})


def unit_may_make_pods(node: Node) -> bool:
    """Whether a custom resource of the unit may make the pods that a selector is for."""
    return _units_may_make_pods(node.graph, node.units)


@once
def _units_may_make_pods(graph: Graph, units: frozenset[str]) -> bool:
    return any(
        not api_version.rpartition("/")[0].endswith(".k8s.io")
        and (kind in _OF_PROMETHEUS_OPERATOR or _PODLESS.search(api_version) is None)
        for api_version, kind in graph.custom_kinds_in(units)
    )


# driver-missing-on-platform -----------------------------------------------------------------------------------------


def missing_driver(graph: Graph, driver: str) -> str | None:
    """Why a CSI driver is not in the cluster, as the end of "the driver ..."; None where it is, or nobody knows."""
    cluster = graph.config.cluster
    if driver in (cluster.drivers or ()) or graph.documents("CSIDriver", driver):
        return None
    if cluster.drivers is not None:
        return "is not among the drivers of the cluster"
    platform = graph.knowledge.platform(cluster.platform) if cluster.platform else None
    if platform is None:
        return None
    add_on = graph.knowledge.missing_add_on(platform.name, driver, graph.target)
    if add_on is not None:
        return f"{platform.name} does not bring (add-on {add_on.add_on})"
    ours = {row.name for row in (*platform.drivers_installed, *platform.drivers_add_on)}
    theirs = {
        row.name
        for other in graph.knowledge.platforms
        for row in (*other.drivers_installed, *other.drivers_add_on)
        if other is not platform
    }
    return f"{platform.name} does not have" if ours and driver in theirs - ours else None
