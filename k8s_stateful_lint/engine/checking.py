"""Rules meet their subjects: each rule every one of its types, once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from k8s_stateful_lint.checks.finding import Finding
from k8s_stateful_lint.engine.catalogue import Rule
from k8s_stateful_lint.engine.policy import Policy
from k8s_stateful_lint.graph import (
    Graph,
    Kustomization,
    Namespace,
    Node,
    Pair,
    Removed,
    Renamed,
    VolumeSnapshot,
    VolumeSnapshotClass,
)
from k8s_stateful_lint.model.resource import Resource

# How many things a rule may say about one object: a thousand containers with one fault are one problem.
_MOST_FINDINGS = 200
# How to reach the subjects of each type; the name is the annotation of a rule's first parameter.
OF_GRAPH: dict[str, Callable[[Graph], Iterable[Any]]] = {
    "Node": lambda graph: graph.nodes,
    "Workload": lambda graph: graph.workloads,
    "StatefulSet": lambda graph: graph.stateful_sets,
    "Container": lambda graph: graph.containers,
    "PodVolume": lambda graph: graph.pod_volumes,
    "Mount": lambda graph: (mount for workload in graph.workloads for mount in workload.mounts),
    "Claim": lambda graph: graph.claims,
    "PersistentVolume": lambda graph: graph.persistent_volumes,
    "StorageClass": lambda graph: graph.storage_classes,
    "VolumeSnapshot": lambda graph: graph.of_type(VolumeSnapshot),
    "VolumeSnapshotClass": lambda graph: graph.of_type(VolumeSnapshotClass),
    "Service": lambda graph: graph.services,
    "DisruptionBudget": lambda graph: graph.disruption_budgets,
    "Autoscaler": lambda graph: graph.autoscalers,
    "Kustomization": lambda graph: graph.of_type(Kustomization),
    "Namespace": lambda graph: graph.of_type(Namespace),
    "Server": lambda graph: graph.servers,
    "Database": lambda graph: graph.databases,
}


class Found(NamedTuple):
    """What a rule said about a subject, with the object that the subject belongs to.

    ``weak`` are steps of confidence that every finding about the subject loses.
    """

    finding: Finding
    owner: Node
    weak: int = 0


class Subjects:
    """The subjects of a graph, or of the changes between two, by type; sorted out once for all rules."""

    def __init__(self, of: Any, reach: Mapping[str, Callable[[Any], Iterable[Any]]] = OF_GRAPH) -> None:
        """``reach`` says how to come to the subjects of a type; nothing is looked up before a rule asks for it."""
        self._of = of
        self._reach = reach
        self._by_type: dict[str, tuple[list[Any], list[Any]]] = {}

    def of(self, subject_type: str, *, partial: bool) -> list[Any]:
        """Every subject of a type that people edit; the ones in patches only on demand."""
        known = self._by_type.get(subject_type)
        if known is None:
            edited = [subject for subject in self._reach[subject_type](self._of) if not owner_of(subject).is_owned]
            whole = [subject for subject in edited if not owner_of(subject).is_partial]
            known = self._by_type[subject_type] = edited, whole
        return known[0] if partial else known[1]

    def prepare(self, subject_types: Iterable[str]) -> None:
        """Sort out the subjects of types now."""
        for subject_type in subject_types:
            self.of(subject_type, partial=True)


def check(rule: Rule, subjects: Subjects, policy: Policy, crashes: list[str]) -> list[Found]:
    """What a rule says about everything it looks at. Where it fails, that is noted, and it goes on."""
    head, takes_options = rule.head, rule.takes_options
    found: list[Found] = []
    told: dict[Resource, int] = {}
    full = False
    for subject_type in rule.subjects:
        looked_at = subjects.of(subject_type, partial=head.partial)
        if not looked_at:
            continue
        say = rule.check
        for subject in looked_at:
            # Most rules say nothing about most subjects: what only a finding needs waits until there is one.
            if full and told.get(owner_of(subject).resource, 0) == _MOST_FINDINGS:
                continue
            said: list[Finding] = []
            try:
                for finding in say(subject, policy.options(head, owner_of(subject))) if takes_options else say(subject):
                    said.append(finding)
                    if len(said) == _MOST_FINDINGS:
                        break
            except Exception as error:
                crashes.append(_crash(rule, owner_of(subject), error))
                continue
            if said:
                owner = owner_of(subject)
                before = told.get(owner.resource, 0)
                told[owner.resource] = min(before + len(said), _MOST_FINDINGS)
                full = full or told[owner.resource] == _MOST_FINDINGS
                found.extend(Found(finding, owner, _weak(subject)) for finding in said[: _MOST_FINDINGS - before])
    return found


def _crash(rule: Rule, owner: Node, error: Exception) -> str:
    import traceback

    where = f"rule {rule.head.name} failed on {owner.label} in {owner.resource.path}:\n"
    if owner.kind == "Secret":
        # The message of an exception may quote what it could not work with.
        return where + "".join(traceback.format_tb(error.__traceback__, limit=-4)) + f"{type(error).__name__}\n"
    return where + "".join(traceback.format_exception(error, limit=-4))


def owner_of(subject: Any) -> Node:
    """The object a subject belongs to."""
    if isinstance(subject, Node):
        return subject
    if isinstance(subject, Pair | Renamed):
        return owner_of(subject.new)
    if isinstance(subject, Removed):
        return owner_of(subject.old)
    owner: Node = subject.workload
    return owner


def _weak(subject: Any) -> int:
    return subject.weak if isinstance(subject, Pair | Removed) else 0
