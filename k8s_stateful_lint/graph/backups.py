"""What of the input backs up whose data: Velero, K8up, VolumeSnapshots and the like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from k8s_stateful_lint.graph.graph import Graph
    from k8s_stateful_lint.graph.node import Node
    from k8s_stateful_lint.graph.workloads import Workload
    from k8s_stateful_lint.knowledge import BackupKind


def backup_objects(graph: Graph) -> tuple[tuple[Node, BackupKind], ...]:
    """Every whole object of the input that is of a kind that backs up."""
    found: list[tuple[Node, BackupKind]] = []
    for kind in graph.knowledge.backup_kinds:
        found += [
            (node, kind)
            for node in graph.objects(kind.kind)
            if node.resource.group == kind.group and not node.is_partial
        ]
    return tuple(found)


def backup_of(workload: Workload) -> Node | None:
    """An object of the input that backs up the workload's namespace or one of its claims; None where there is none."""
    graph = workload.graph
    for node, kind in graph.backup_objects:
        if _covers(node, kind, workload):
            return node
    return None


def _covers(node: Node, kind: BackupKind, workload: Workload) -> bool:
    if kind.own_namespace:
        if not _same_namespace(node, workload):
            return False
    elif kind.namespaces is not None:
        wanted = _texts(node, kind.namespaces)
        excluded = _texts(node, kind.excluded_namespaces) if kind.excluded_namespaces else []
        if workload.namespace is not None and workload.namespace in excluded:
            return False
        if wanted and "*" not in wanted and workload.namespace is not None and workload.namespace not in wanted:
            return False
    if kind.claim is not None:
        named = _texts(node, kind.claim)
        names = _claim_names(workload)
        if named and not any(_is_claim_of(name, workload, names) for name in named):
            return False
    if kind.claim_selector is not None:
        wanted_labels = node.resource.get(*kind.claim_selector.split("."), "matchLabels")
        claims = [volume.claim for volume in workload.volumes if volume.claim is not None]
        if isinstance(wanted_labels, dict) and claims:
            return any(wanted_labels.items() <= claim.labels.items() for claim in claims)
    return True


def _same_namespace(node: Node, workload: Workload) -> bool:
    if node.namespace is None or workload.namespace is None:
        return node.shares_unit(workload)
    return node.namespace == workload.namespace


def _claim_names(workload: Workload) -> frozenset[str]:
    return frozenset(volume.claim_name for volume in workload.volumes if volume.claim_name)


def _is_claim_of(name: str, workload: Workload, names: frozenset[str]) -> bool:
    if name in names:
        return True
    prefix = name.rpartition("-")[0]
    return any(prefix == f"{template.name}-{workload.name}" for template in workload.claim_templates)


def _texts(node: Node, path: str) -> list[str]:
    value: Any = node.resource.get(*path.split("."))
    if isinstance(value, str):
        return [value]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
