"""Two revisions of the input: which objects are the same, which are gone, and which have a successor.

Objects are paired by identity (kind, namespace, name; the version does not matter), and where one identity is defined
several times, by nearness: the same file, then the same unit, then what is most alike. Where it is not clear which
definition became which, neither is said to be changed or gone.
"""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import takewhile
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from k8s_stateful_lint.graph.containers import Container
from k8s_stateful_lint.graph.node import Kustomization, Node
from k8s_stateful_lint.graph.pairs import Pair, Removed, Renamed
from k8s_stateful_lint.graph.workloads import StatefulSet, Workload
from k8s_stateful_lint.model.placeholders import is_placeholder

if TYPE_CHECKING:
    from k8s_stateful_lint.graph.graph import Graph

NodeType = TypeVar("NodeType", bound=Node)
# How much of two objects must be equal for a definition elsewhere to be the same one: half as for git, more where the
# file is in another folder of another name.
_ALIKE, _VERY_ALIKE = 0.5, 0.8
_TOO_MANY = 900  # pairs of definitions of one name in different files
# What a StatefulSet may become: workloads that are there to stay.
_KEEPS_RUNNING = frozenset({"Deployment", "StatefulSet", "ReplicaSet", "DaemonSet"})


class Changes:
    """Two graphs, and what became of each object."""

    def __init__(self, old: Graph, new: Graph) -> None:
        """Pair the objects of two revisions."""
        self.old = old
        self.new = new
        self._pairs: list[Pair[Node]] = []
        self._removed: list[Removed[Node]] = []
        self._added: list[Node] = []
        self._pair()
        self._by_old = {pair.old: pair for pair in self._pairs}
        self._gone = frozenset(removed.old for removed in self._removed)

    # What there is --------------------------------------------------------------------------------------------------

    @property
    def pairs(self) -> tuple[Pair[Node], ...]:
        """Every object that is in both revisions, changed or not."""
        return tuple(self._pairs)

    @property
    def removed(self) -> tuple[Removed[Node], ...]:
        """Every object that is only in the old revision, renamed ones included."""
        return tuple(self._removed)

    @property
    def added(self) -> tuple[Node, ...]:
        """Every object that is only in the new revision, renamed ones included."""
        return tuple(self._added)

    def new_of(self, old: NodeType) -> NodeType | None:
        """What became of an object of the old revision; None where it is gone, or that cannot be told."""
        pair = self._by_old.get(old)
        return pair.new if pair is not None and isinstance(pair.new, type(old)) else None

    def is_removed(self, old: Node) -> bool:
        """Whether an object of the old revision is gone."""
        return old in self._gone

    def touched(self, node_type: type[NodeType]) -> Iterator[Pair[NodeType]]:
        """Pairs of a type about which the two revisions can say something different.

        An object whose own text is the same still counts where some file of its units changed: a kustomization,
        ConfigMap or autoscaler there may have given it another meaning.
        """
        for pair in self._pairs:
            if not isinstance(pair.new, node_type) or not isinstance(pair.old, node_type):
                continue
            if pair.old.resource is not pair.new.resource or not pair.new.units.isdisjoint(self._touched_units):
                yield Pair(pair.old, pair.new, self, pair.weak)

    def gone(self, node_type: type[NodeType]) -> Iterator[Removed[NodeType]]:
        """Removed objects of a type that have no successor."""
        for removed in self._removed:
            if isinstance(removed.old, node_type) and removed.old not in self._successors:
                yield Removed(removed.old, self, removed.weak)

    @property
    def renamed(self) -> Iterator[Renamed[StatefulSet]]:
        """StatefulSets with claim templates that go on under another identity."""
        for old, new in self._successors.items():
            yield Renamed(old, new, self)

    @property
    def containers(self) -> Iterator[Pair[Container]]:
        """Containers of touched workloads that have the same name, or that are the only ones."""
        for pair in self.touched(Workload):
            yield from self.containers_of(pair)

    def containers_of(self, pair: Pair[Workload]) -> Iterator[Pair[Container]]:
        """Containers of a workload that are in both revisions."""
        for olds, news in (
            (pair.old.containers, pair.new.containers),
            (pair.old.init_containers, pair.new.init_containers),
        ):
            by_name = {container.name: container for container in olds}
            for new in news:
                old = by_name.get(new.name)
                if old is None and len(olds) == len(news) == 1:
                    old = olds[0]
                if old is not None:
                    yield Pair(old, new, self, pair.weak)

    @cached_property
    def _touched_units(self) -> frozenset[str]:
        """The units in which some file is not the same in both revisions."""
        before = {id(resource): resource for resource in self.old.resources}
        after = {id(resource): resource for resource in self.new.resources}
        return frozenset(
            unit
            for graph, own, other in ((self.old, before, after), (self.new, after, before))
            for resource in own.values()
            if id(resource) not in other
            for unit in graph.units.of(resource.path)
        )

    # Pairing --------------------------------------------------------------------------------------------------------

    def _pair(self) -> None:
        # What a build makes is one thing, a file that no build takes is another: it is there, and not deployed.
        are_built = all(any(_is_built(node) for node in graph.nodes) for graph in (self.old, self.new))
        olds, news = (_by_identity(graph.nodes, are_built) for graph in (self.old, self.new))
        for key in (*olds, *(key for key in news if key not in olds)):
            self._pair_identity(list(olds.get(key, ())), list(news.get(key, ())))

    def _pair_identity(self, olds: list[Node], news: list[Node]) -> None:
        """Pair the definitions of one kind and name, the surest first."""
        every = list(news)
        for same_file, same_space in ((True, True), (True, False), (False, True), (False, False)):
            self._pair_some(olds, news, same_file=same_file, same_space=same_space)
        for old in olds:
            if not self._may_be_elsewhere(old, news, every):
                weak = int(any(node.namespace == old.namespace for node in every))
                self._removed.append(Removed(old, self, weak))
        self._added += [new for new in news if not any(_may_be(old, new) for old in olds)]

    def _pair_some(self, olds: list[Node], news: list[Node], *, same_file: bool, same_space: bool) -> None:
        if not same_file and len(olds) * len(news) > _TOO_MANY:
            return  # examples and copies: nobody can tell which became which, and trying would take long
        scored = [
            (_nearness(old, new), left, right)
            for left, old in enumerate(olds)
            for right, new in enumerate(news)
            if (old.resource.path == new.resource.path) == same_file
            and (old.namespace == new.namespace if same_space else None in (old.namespace, new.namespace))
        ]
        taken: set[tuple[str, int]] = set()
        for score, left, right in sorted(scored, key=lambda entry: (entry[0], -entry[1], -entry[2]), reverse=True):
            if ("old", left) in taken or ("new", right) in taken:
                continue
            if not same_file:
                rivals = any(
                    entry[0] == score
                    and (entry[1] == left) != (entry[2] == right)
                    and ("old", entry[1]) not in taken
                    and ("new", entry[2]) not in taken
                    for entry in scored
                )
                if rivals or not _is_move(olds[left], news[right], scored):
                    continue  # nobody can tell which definition became which
            taken |= {("old", left), ("new", right)}
            weak = 0 if same_space else 1
            self._pairs.append(Pair(olds[left], news[right], self, weak))
        olds[:] = [old for index, old in enumerate(olds) if ("old", index) not in taken]
        news[:] = [new for index, new in enumerate(news) if ("new", index) not in taken]

    def _may_be_elsewhere(self, old: Node, left_over: Iterable[Node], every: Iterable[Node]) -> bool:
        """Whether an object of the old revision may still be somewhere in the new one."""
        if any(_may_be(old, new) for new in left_over):
            return True
        if not self.new.is_readable(old.resource.path):
            return True
        for new in every:
            if old.namespace is not None and new.namespace == old.namespace:
                return True  # one object of the cluster, which another file still defines
            if _may_be(old, new) and new.shares_unit(old):
                return True
        if not _is_built(old) and any(_is_taken_in(old, new) for new in self.new.named(old.kind, old.name)):
            return True
        # A patch of the same object where the whole object was.
        return any(node.is_partial for node in self.new.nodes_in_file(old.resource.path) if node.name == old.name)

    # Successors -----------------------------------------------------------------------------------------------------

    @cached_property
    def _successors(self) -> dict[StatefulSet, Workload]:
        """Removed StatefulSets with claim templates, and the one workload that took over each."""
        candidates = [n for n in self._added if isinstance(n, Workload) and n.kind in _KEEPS_RUNNING]
        found: dict[StatefulSet, Workload] = {}
        for removed in self._removed:
            old = removed.old
            if not isinstance(old, StatefulSet) or not old.claim_templates or not _programs(old):
                continue
            fitting = [new for new in candidates if new.shares_unit(old) and _programs(new) == _programs(old)]
            if len(fitting) == 1:
                found[old] = fitting[0]
        heirs = list(found.values())
        return {old: new for old, new in found.items() if heirs.count(new) == 1}


def _is_taken_in(old: Node, new: Node) -> bool:
    """Whether a build now makes what was a file that no build took."""
    return old.deployed_name == new.deployed_name and _may_be(old, new) and new.shares_unit(old)


def _is_built(node: Node) -> bool:
    return node.resource.origin is not None


def _by_identity(nodes: Iterable[Node], are_built: bool) -> dict[tuple[str, str, str, bool], list[Node]]:
    index: dict[tuple[str, str, str, bool], list[Node]] = defaultdict(list)
    for node in nodes:
        if not node.name or is_placeholder(node.name) or isinstance(node, Kustomization):
            continue
        if node.is_partial or node.is_owned:
            continue
        # A kind that we model is the same object in each of the groups that it has lived in.
        group = "" if node.resource.body is not None else node.resource.group
        index[group, node.kind, node.deployed_name, are_built and _is_built(node)].append(node)
    return index


def _may_be(old: Node, new: Node) -> bool:
    """Whether two definitions of one kind and name may mean one object: no two different namespaces are written."""
    return old.namespace == new.namespace or None in (old.namespace, new.namespace)


class _Nearness(msgspec.Struct, frozen=True, order=True):
    """How near a definition of one revision is to one of the other: the larger, the nearer."""

    same: bool
    same_unit: bool
    alike: float
    same_file_name: bool
    common_folders: int


def _nearness(old: Node, new: Node) -> _Nearness:
    if old.resource is new.resource:
        return _Nearness(True, True, 1, True, 0)
    common = sum(1 for _ in takewhile(lambda steps: steps[0] == steps[1], zip(old.folders, new.folders, strict=False)))
    return _Nearness(
        False,
        new.shares_unit(old),
        _likeness(old.resource.raw, new.resource.raw),
        posixpath.basename(old.resource.path) == posixpath.basename(new.resource.path),
        common,
    )


def _is_move(old: Node, new: Node, scored: list[tuple[_Nearness, int, int]]) -> bool:
    """Whether a definition in another file is the same object, and not one of its name in another project.

    It is where the namespace says so, or it is the only candidate and its file or its text is still known.
    """
    if old.namespace == new.namespace not in (None, "default"):
        return True
    score = _nearness(old, new)
    if score.alike == 1:
        return True
    is_near = score.same_unit or (score.same_file_name and old.folders[-1] == new.folders[-1])
    return len(scored) == 1 and score.alike >= (_ALIKE if is_near else _VERY_ALIKE)


def _likeness(old: Any, new: Any) -> float:
    """The share of leaves, by route and value, that two objects have in common."""
    before, after = set(_leaves(old, ())), set(_leaves(new, ()))
    return len(before & after) / max(len(before | after), 1)


def _leaves(value: Any, route: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, (*route, key))
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item, (*route, "[]"))
    else:
        yield (*route, type(value).__name__, value)


def _programs(workload: Workload) -> frozenset[str]:
    """The image repositories of a workload's containers."""
    images = [container.image for container in workload.containers]
    return frozenset(image.name for image in images if image is not None) if all(images) else frozenset()
