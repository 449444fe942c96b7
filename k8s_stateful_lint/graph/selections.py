"""Which workloads a label selector reaches, and what selects a workload."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from k8s_stateful_lint.graph.node import Node, nearness
from k8s_stateful_lint.graph.once import once
from k8s_stateful_lint.graph.selectors import DisruptionBudget, Service
from k8s_stateful_lint.graph.workloads import CONTROLLER_LABELS, Workload

if TYPE_CHECKING:
    from k8s_stateful_lint.graph.graph import Graph
    from k8s_stateful_lint.model.base import LabelSelector

# So few workloads are gone through; an index is only made of more.
_FEW = 16
# How many selections are kept: each may list every workload of the input.
_MOST_SELECTIONS = 256


class Selections:
    """The selections of a graph."""

    def __init__(self, graph: Graph) -> None:
        """Nothing is looked up until somebody asks."""
        self._graph = graph
        self._selected: dict[tuple[Any, ...], tuple[Workload, ...]] = {}

    @cached_property
    def _by_unit(self) -> dict[str, list[Workload]]:
        index: dict[str, list[Workload]] = defaultdict(list)
        for workload in self._graph.workloads:
            for unit in workload.units:
                index[unit].append(workload)
        return index

    @cached_property
    def _by_namespace(self) -> dict[str, list[Workload]]:
        index: dict[str, list[Workload]] = defaultdict(list)
        for workload in self._graph.workloads:
            if workload.namespace is not None:
                index[workload.namespace].append(workload)
        return index

    @cached_property
    def by_label(self) -> dict[tuple[str, str], list[Workload]]:
        """Workloads by the labels of their pods."""
        index: dict[tuple[str, str], list[Workload]] = defaultdict(list)
        for workload in self._graph.workloads:
            for label in workload.template_labels.items():
                index[label].append(workload)
        return index

    def _labelled(self, node: Node, label: tuple[str, str]) -> dict[Workload, None]:
        """Workloads whose pods have a label, where a selector in ``node`` may reach them."""
        found: dict[Workload, None] = {}
        everywhere, namespace = self.by_label.get(label, []), node.namespace
        if len(everywhere) <= _FEW:
            for unit in sorted(node.units):
                found.update(
                    (workload, None)
                    for workload in everywhere
                    if unit in workload.units and (namespace is None or workload.namespace in (namespace, None))
                )
            if namespace is not None:
                found.update((workload, None) for workload in everywhere if workload.namespace == namespace)
            return found
        index = _labelled_by_place(self._graph, label)
        for unit in sorted(node.units):
            if namespace is None:
                found.update(dict.fromkeys(index.get((unit, "*"), ())))
                continue
            mates = index.get((unit, namespace), []) + index.get((unit, None), [])
            found.update(dict.fromkeys(sorted(mates, key=self._graph.position)))
        if namespace is not None:
            found.update(dict.fromkeys(index.get((None, namespace), ())))
        return found

    def workloads(
        self, node: Node, selector: LabelSelector, *, without: frozenset[str] = frozenset()
    ) -> tuple[Workload, ...]:
        """Whole workloads of the unit, or of the written namespace, whose pods a selector in ``node`` matches.

        Objects of one file and namespace with the same selector share the answer. Workloads of the kinds ``without``
        are left aside.
        """
        key = (
            node.resource.path,
            node.namespace,
            tuple(selector.match_labels.items()),
            selector.match_expressions,
            without,
        )
        selected = self._selected.get(key)
        if selected is None:
            if len(self._selected) >= _MOST_SELECTIONS:
                self._selected.clear()
            found = self._select(node, selector)
            selected = self._selected[key] = tuple(workload for workload in found if workload.kind not in without)
        return selected

    def _select(self, node: Node, selector: LabelSelector) -> list[Workload]:
        found = [
            self._labelled(node, label) for label in selector.match_labels.items() if label[0] not in CONTROLLER_LABELS
        ]
        # The label that the fewest have leaves the fewest to look at.
        candidates = (w for w in min(found, key=len) if w.sees(node)) if found else self._near(node)
        return _nearest([w for w in candidates if not w.is_partial and w.is_selected_by(selector)], node)

    def _near(self, node: Node) -> list[Workload]:
        """Workloads that label selectors in ``node`` can reach: of its units, or of its written namespace."""
        found: dict[Workload, None] = {}
        for unit in sorted(node.units):
            found.update(dict.fromkeys(self._by_unit.get(unit, ())))
        if node.namespace is not None:
            found.update(dict.fromkeys(self._by_namespace.get(node.namespace, ())))
        return [workload for workload in found if workload.sees(node)]

    @cached_property
    def _services(self) -> dict[Workload, tuple[Service, ...]]:
        return _by_selected(self._graph.services)

    def services_of(self, workload: Workload) -> tuple[Service, ...]:
        """Every Service that selects a workload's pods; workloads that the same select share the answer."""
        return self._services.get(workload, ())

    @cached_property
    def _budgets(self) -> dict[Workload, tuple[DisruptionBudget, ...]]:
        return _by_selected(self._graph.disruption_budgets)

    def budgets_of(self, workload: Workload) -> tuple[DisruptionBudget, ...]:
        """Every PodDisruptionBudget that selects a workload's pods; workloads that the same select share the answer."""
        return self._budgets.get(workload, ())


@once
def _labelled_by_place(graph: Graph, label: tuple[str, str]) -> dict[tuple[str | None, str | None], list[Workload]]:
    """Workloads whose pods have a label, by unit (None: any) and namespace (``*``: any)."""
    index: dict[tuple[str | None, str | None], list[Workload]] = defaultdict(list)
    for workload in graph.selections.by_label[label]:
        places: list[tuple[str | None, str | None]] = [(unit, "*") for unit in workload.units]
        places += [(unit, workload.namespace) for unit in workload.units]
        if workload.namespace is not None:
            places.append((None, workload.namespace))
        for place in places:
            index[place].append(workload)
    return index


Selecting = TypeVar("Selecting", Service, DisruptionBudget)


def _by_selected(nodes: tuple[Selecting, ...]) -> dict[Workload, tuple[Selecting, ...]]:
    """Objects with a selector by the workloads that they select, in their order.

    Objects that share one selection are put together first: all Services may select all workloads.
    """
    sharing: dict[int, list[Selecting]] = defaultdict(list)
    for node in nodes:
        sharing[id(node.workloads)].append(node)
    groups: dict[Workload, list[int]] = defaultdict(list)
    for key, members in sharing.items():
        for workload in members[0].workloads:
            groups[workload].append(key)
    positions = {node: position for position, node in enumerate(nodes)}
    united: dict[tuple[int, ...], tuple[Selecting, ...]] = {}
    for keys in map(tuple, groups.values()):
        if keys not in united:
            found = [node for key in keys for node in sharing[key]]
            united[keys] = tuple(found if len(keys) == 1 else sorted(found, key=positions.__getitem__))
    return {workload: united[tuple(keys)] for workload, keys in groups.items()}


def _nearest(workloads: list[Workload], node: Node) -> list[Workload]:
    """The workloads without farther definitions of one and the same: each environment may define it again."""
    definitions: dict[tuple[str, str | None, str], list[Workload]] = defaultdict(list)
    for workload in workloads:
        definitions[workload.kind, workload.namespace, workload.deployed_name].append(workload)
    if len(definitions) == len(workloads):
        return workloads
    kept: set[Workload] = set()
    for same in definitions.values():
        scores = [nearness(workload, node) for workload in same]
        best = max(scores)
        kept.update(workload for workload, score in zip(same, scores, strict=True) if score == best)
    return [workload for workload in workloads if workload in kept]
