"""StorageClasses: which one a name leads to, which one admission fills in, and which claims have it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from k8s_stateful_lint.graph.grouping import grouped
from k8s_stateful_lint.graph.node import Node, Resolution, nearness
from k8s_stateful_lint.graph.once import once
from k8s_stateful_lint.graph.storage import Claim, ClassName, StorageClass
from k8s_stateful_lint.knowledge import UNKNOWN

if TYPE_CHECKING:
    from k8s_stateful_lint.graph.graph import Graph


class Classes:
    """The StorageClasses of a graph."""

    def __init__(self, graph: Graph) -> None:
        """Nothing is looked up until somebody asks."""
        self._graph = graph
        self._found: dict[tuple[str, str], Resolution[StorageClass]] = {}

    @cached_property
    def marked(self) -> tuple[StorageClass, ...]:
        """StorageClasses that are marked as the default."""
        return tuple(storage_class for storage_class in self._graph.storage_classes if storage_class.is_default)

    def named(self, name: str, origin: Node) -> Resolution[StorageClass]:
        """The StorageClass of a name."""
        # All that is nearest to an object is so to the others of its file.
        key = (name, origin.resource.path)
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = self._nearest(name, origin)
        return found

    def _nearest(self, name: str, origin: Node) -> Resolution[StorageClass]:
        pool = [node for node in self._graph.named("StorageClass", name) if isinstance(node, StorageClass)]
        if not pool:
            return Resolution(self._graph.in_cluster(StorageClass, "StorageClass", name, origin))
        scores = [(nearness(node, origin), node) for node in pool]
        best = max(score for score, _ in scores)
        found = [node for score, node in scores if score == best]
        if any(node.body != found[0].body for node in found[1:]):
            return Resolution(None, 0, ambiguous=True)
        return Resolution(found[0], int(best[0] == 0))

    def default_for(self, claim: Claim) -> ClassName:
        """The class that admission fills in; its name is None where nothing tells."""
        own = self.marked_near(claim)
        if len(own) == 1:
            return ClassName(own[0].name, written=False)
        cluster = self._graph.config.cluster
        if cluster.default_class is not None:
            return ClassName("" if cluster.default_class == "none" else cluster.default_class, written=False)
        marked = self.marked
        if len(marked) == 1 and not own:
            return ClassName(marked[0].name, written=False, weak=1)
        if cluster.platform is not None and not marked:
            shipped = self._graph.knowledge.default_class(cluster.platform, self._graph.target)
            if shipped is not UNKNOWN:
                return ClassName(shipped or "", written=False, weak=1)
        return ClassName(None, written=False)

    def marked_near(self, node: Node) -> tuple[StorageClass, ...]:
        """StorageClasses that are marked as the default and deployed together with ``node``."""
        return _marked_in(self._graph, node.units)

    @cached_property
    def _claims(self) -> dict[StorageClass, tuple[Claim, ...]]:
        return grouped(self._graph.claims, lambda claim: claim.storage_class)

    def claims_of(self, storage_class: StorageClass) -> tuple[Claim, ...]:
        """Every claim that resolves to a class."""
        return self._claims.get(storage_class, ())


@once
def _marked_in(graph: Graph, units: frozenset[str]) -> tuple[StorageClass, ...]:
    return tuple(found for found in graph.in_units(units, StorageClass) if found.is_default)
