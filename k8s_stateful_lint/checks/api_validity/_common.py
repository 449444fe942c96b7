"""What rules about different objects share: how refusals are worded, and where they are shown."""

from __future__ import annotations

from k8s_stateful_lint.graph import StatefulSet, Workload
from k8s_stateful_lint.model.resource import Place, Resource
from k8s_stateful_lint.reading import Route

# Kubernetes before 1.0, whose objects had other fields.
ANCIENT = frozenset({"v1beta1", "v1beta2", "v1beta3"})
WITH_SELECTOR = frozenset({"StatefulSet", "Deployment", "ReplicaSet", "DaemonSet"})
# StatefulSets: pkg/apis/apps/validation/validation.go; templates are validated on creation since 1.34.
TEMPLATE_VALIDATED = (1, 34)


def shown_at(resource: Resource, route: Route) -> Place:
    """The place of a field: its value, or its key where the value goes over several lines."""
    return Place(resource, route, "key" if isinstance(resource.get(*route), dict | list) else "value")


def is_patch_like(workload: Workload) -> bool:
    """Whether only a patch can be written like this: nothing writes a selector or labels for the pods."""
    return workload.is_without_labels and not workload.graph.units.has_label_transformer(workload.resource.path)


def outcome_for(workload: Workload) -> str:
    """What happens to a wrong pod template: it is refused, or the pods never come."""
    if isinstance(workload, StatefulSet) and workload.graph.target < TEMPLATE_VALIDATED:
        return "the StatefulSet is accepted, but its pods are never created"
    return "the API server refuses the object"


def refusal_of(workload: Workload, message: str) -> str:
    """What happens to a wrong pod template, with the API server's words."""
    return f"{outcome_for(workload)} ({message})"


def without_backsteps(path: object) -> str | None:
    """What is wrong with a path that may not lead upwards."""
    return "must not contain '..'" if isinstance(path, str) and ".." in path.split("/") else None
