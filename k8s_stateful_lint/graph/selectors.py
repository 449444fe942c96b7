"""Objects that select the pods of workloads, or scale them: Services, disruption budgets, autoscalers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8s_stateful_lint.graph.node import Node
from k8s_stateful_lint.graph.pods import autoscaler_bounds
from k8s_stateful_lint.graph.remembered import remembered
from k8s_stateful_lint.model.base import LabelSelector
from k8s_stateful_lint.model.resource import Place
from k8s_stateful_lint.model.workloads import (
    DisruptionBudgetBody,
    HorizontalPodAutoscalerBody,
    ScaledObjectBody,
    ServiceBody,
)

if TYPE_CHECKING:
    from k8s_stateful_lint.graph.workloads import StatefulSet, Workload


class Service(Node):
    """A Service of the input."""

    @property
    def body(self) -> ServiceBody:
        """The typed object."""
        assert isinstance(self.resource.body, ServiceBody)
        return self.resource.body

    @property
    def is_headless(self) -> bool:
        """Whether it has no virtual IP (``clusterIP: None``)."""
        return self.body.spec.cluster_ip == "None"

    @property
    def is_external(self) -> bool:
        """Whether it is a name for something outside the cluster."""
        return self.body.spec.type == "ExternalName"

    @property
    def selector(self) -> dict[str, str]:
        """The labels it selects; empty where it has no selector."""
        return self.body.spec.selector

    def selects(self, workload: Workload) -> bool:
        """Whether its selector matches the workload's pods (namespaces left aside)."""
        return bool(self.selector) and workload.is_selected_by(LabelSelector(match_labels=self.selector))

    @remembered
    def workloads(self) -> tuple[Workload, ...]:
        """Workloads whose pods it selects: of its unit, or of its written namespace."""
        if not self.selector:
            return ()
        return self.graph.selections.workloads(self, LabelSelector(match_labels=self.selector))

    @remembered
    def stateful_sets(self) -> tuple[StatefulSet, ...]:
        """StatefulSets that name it as their governing Service."""
        return self.graph.governed_by(self)


class DisruptionBudget(Node):
    """A PodDisruptionBudget of the input."""

    @property
    def body(self) -> DisruptionBudgetBody:
        """The typed object."""
        assert isinstance(self.resource.body, DisruptionBudgetBody)
        return self.resource.body

    @property
    def selector(self) -> LabelSelector | None:
        """The selector; None selects nothing in policy/v1, and so does an empty one in policy/v1beta1."""
        selector = self.body.spec.selector
        if selector is not None and selector.is_empty and self.resource.api_version == "policy/v1beta1":
            return None
        return selector

    @remembered
    def workloads(self) -> tuple[Workload, ...]:
        """Workloads whose pods it selects (Jobs and CronJobs left aside)."""
        selector = self.selector
        if selector is None:
            return ()
        return self.graph.selections.workloads(self, selector, without=frozenset({"Job", "CronJob"}))


class Autoscaler(Node):
    """A HorizontalPodAutoscaler or a KEDA ScaledObject of the input."""

    @property
    def target(self) -> tuple[str, str]:
        """Kind and name of what it scales."""
        body = self.resource.body
        if isinstance(body, HorizontalPodAutoscalerBody):
            reference = body.spec.scale_target_ref
            return reference.kind, reference.name
        assert isinstance(body, ScaledObjectBody)
        reference = body.spec.scale_target_ref
        return reference.kind or "Deployment", reference.name

    @remembered
    def bounds(self) -> tuple[int, int] | None:
        """Minimum and maximum of replicas; None where one cannot be read."""
        return autoscaler_bounds(self)

    @property
    def maximum_place(self) -> Place:
        """Where the maximum is written."""
        keda = isinstance(self.resource.body, ScaledObjectBody)
        return self.at("spec", "maxReplicaCount" if keda else "maxReplicas")

    @remembered
    def workloads(self) -> tuple[Workload, ...]:
        """The workloads it scales (one, unless the input defines it several times)."""
        return self.graph.scaled_by(self)
