"""The storage graph: every object of the input, found by kind and by name, with the edges between them."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar

from k8s_stateful_lint.config import Config, ConfigError, Problem
from k8s_stateful_lint.graph.backups import backup_objects
from k8s_stateful_lint.graph.builds import Builds
from k8s_stateful_lint.graph.classes import Classes
from k8s_stateful_lint.graph.facts import ClusterFacts
from k8s_stateful_lint.graph.grouping import grouped
from k8s_stateful_lint.graph.node import (
    CLUSTER_KINDS,
    NOWHERE,
    Kustomization,
    Namespace,
    Node,
    Resolution,
    known,
    nearness,
)
from k8s_stateful_lint.graph.once import once
from k8s_stateful_lint.graph.selections import Selections
from k8s_stateful_lint.graph.selectors import Autoscaler, DisruptionBudget, Service
from k8s_stateful_lint.graph.storage import (
    Claim,
    PersistentVolume,
    StorageClass,
    VolumeSnapshot,
    VolumeSnapshotClass,
    claim_of,
)
from k8s_stateful_lint.graph.units import Units
from k8s_stateful_lint.graph.volumes import Volumes
from k8s_stateful_lint.graph.workloads import StatefulSet, Workload
from k8s_stateful_lint.knowledge import NEWEST, BackupKind, Knowledge, TableError, Version, builtin, parse_version
from k8s_stateful_lint.knowledge.images import ImageTable, builtin_images
from k8s_stateful_lint.model.kustomization import KustomizationBody
from k8s_stateful_lint.model.placeholders import is_placeholder
from k8s_stateful_lint.model.quantities import whole_number

if TYPE_CHECKING:
    from k8s_stateful_lint.graph.containers import Container
    from k8s_stateful_lint.graph.databases import Database, Server
    from k8s_stateful_lint.graph.pod_volumes import PodVolume
    from k8s_stateful_lint.model.resource import Resource
    from k8s_stateful_lint.reading import Document

WORKLOAD_KINDS = frozenset(
    {
        "Pod",
        "Deployment",
        "ReplicaSet",
        "ReplicationController",
        "StatefulSet",
        "PetSet",
        "DaemonSet",
        "Job",
        "CronJob",
    }
)
# So few objects are gone through; indexes are only made of more.
_FEW = 16
_NODE_TYPES: dict[str, type[Node]] = {
    "StorageClass": StorageClass,
    "PersistentVolume": PersistentVolume,
    "VolumeSnapshot": VolumeSnapshot,
    "VolumeSnapshotClass": VolumeSnapshotClass,
    "Service": Service,
    "PodDisruptionBudget": DisruptionBudget,
    "HorizontalPodAutoscaler": Autoscaler,
    "ScaledObject": Autoscaler,
    "Namespace": Namespace,
    "Kustomization": Kustomization,
    "Component": Kustomization,
    "StatefulSet": StatefulSet,
    "PetSet": StatefulSet,
}
NodeType = TypeVar("NodeType", bound=Node)


@once
def _named_by_namespace(graph: Graph, kind: str, name: str) -> dict[str | None, list[Node]]:
    index: dict[str | None, list[Node]] = defaultdict(list)
    for node in graph.named(kind, name):
        index[node.namespace].append(node)
    return index


@once
def _units_with_group(graph: Graph, group: str) -> frozenset[str]:
    return frozenset(
        unit
        for node in graph.nodes
        if node.resource.group == group or node.resource.group.endswith("." + group)
        for unit in node.units
    )


class Graph:
    """The input as a graph. It is frozen: edges are computed once, when they are first asked for."""

    def __init__(
        self,
        resources: Iterable[Resource],
        config: Config | None = None,
        unread: Iterable[str] = (),
        alternatives: Mapping[str, frozenset[str]] | None = None,
        facts: ClusterFacts | None = None,
        json_patches: Mapping[str, list[Any]] | None = None,
    ) -> None:
        """Index the objects of the input. The order in which the files are given does not matter.

        Args:
            resources: The objects.
            config: Facts and choices of the user.
            unread: Files that hold objects nobody could read.
            alternatives: For rendered texts, those that have files in common with them: overlays of one base are never
                deployed together, so the objects of one do not see those of another.
            facts: Objects of the cluster: references that lead nowhere in the input may lead to them.
            json_patches: The operations of files that hold a JSON patch and no object.

        Raises:
            ConfigError: ``target`` of the configuration is no version, or its ``knowledge`` makes no sense.

        """
        self.facts = facts
        written = config or Config()
        self._written = written.cluster
        self.config = facts.applied_to(written) if facts is not None else written
        self.knowledge, self._images = tables_of(self.config)
        self.target: Version = _target(self.config)
        self.resources = tuple(sorted(resources, key=lambda resource: resource.path))
        self.units = Units(r for r in self.resources if isinstance(r.body, KustomizationBody))
        # What functions with @once answered.
        self.answers: dict[Any, Any] = {}
        self._mates: dict[tuple[frozenset[str], type[Node]], list[Any]] = {}
        self._of_units: dict[type[Node], dict[str, list[Any]]] = {}
        self._words: dict[tuple[Document, tuple[bytes, ...]], bool] = {}
        self._found: dict[tuple[str, str, str, str | None], Resolution[Any]] = {}
        self.volumes = Volumes(self)
        self.classes = Classes(self)
        self.selections = Selections(self)
        self._alternatives = alternatives or {}
        self._unread = frozenset(unread)
        self._unread_units = frozenset(unit for path in self._unread for unit in self.units.of(path))
        nodes = [self._node(resource) for resource in self.resources]
        self.nodes: tuple[Node, ...] = tuple(self._as_built(nodes, json_patches or {}))

    @property
    def images(self) -> ImageTable:
        """What is known about images, with the rows of the configuration."""
        return self._images()

    def _as_built(self, nodes: list[Node], json_patches: Mapping[str, list[Any]]) -> Iterator[Node]:
        builds = Builds(self.units, nodes, json_patches)
        for node in nodes:
            if not builds or node.is_partial:
                yield node
            elif (resource := builds.of(node)) is not None:
                yield node if resource is node.resource else self._node(resource)

    def _node(self, resource: Resource) -> Node:
        if resource.body is None:
            return Node(self, resource)
        if resource.kind == "PersistentVolumeClaim":
            return claim_of(self, resource)
        node_type = _NODE_TYPES.get(resource.kind)
        if node_type is None:
            node_type = Workload if resource.kind in WORKLOAD_KINDS else Node
        return node_type(self, resource)

    # What there is --------------------------------------------------------------------------------------------------

    def of_type(self, node_type: type[NodeType]) -> tuple[NodeType, ...]:
        """Every object of the input with this type of node."""
        exact = [found for found in self._by_class if issubclass(found, node_type)]
        if len(exact) < 2:
            return tuple(node for found in exact for node in self._by_class[found])
        return tuple(node for node in self.nodes if isinstance(node, node_type))

    @cached_property
    def _by_class(self) -> dict[type[Any], tuple[Any, ...]]:
        return grouped(self.nodes, type)

    @cached_property
    def workloads(self) -> tuple[Workload, ...]:
        """Everything that makes pods."""
        return self.of_type(Workload)

    @cached_property
    def stateful_sets(self) -> tuple[StatefulSet, ...]:
        """StatefulSets (and PetSets)."""
        return self.of_type(StatefulSet)

    @cached_property
    def claim_objects(self) -> tuple[Claim, ...]:
        """PersistentVolumeClaims that are objects of their own."""
        return self.of_type(Claim)

    @cached_property
    def claims(self) -> tuple[Claim, ...]:
        """Claims of every shape: objects, claim templates, templates of ephemeral volumes."""
        inner = [
            volume.claim
            for workload in self.workloads
            for volume in workload.volumes
            if volume.claim is not None and volume.claim.shape != "object" and volume.claim.workload is workload
        ]
        # An ephemeral or claim template is reached through its own workload only; a generated claim through others too.
        return self.claim_objects + tuple(dict.fromkeys(inner))

    @cached_property
    def persistent_volumes(self) -> tuple[PersistentVolume, ...]:
        """PersistentVolumes."""
        return self.of_type(PersistentVolume)

    @cached_property
    def storage_classes(self) -> tuple[StorageClass, ...]:
        """StorageClasses."""
        return self.of_type(StorageClass)

    @cached_property
    def services(self) -> tuple[Service, ...]:
        """Services."""
        return self.of_type(Service)

    @cached_property
    def disruption_budgets(self) -> tuple[DisruptionBudget, ...]:
        """PodDisruptionBudgets."""
        return self.of_type(DisruptionBudget)

    @cached_property
    def autoscalers(self) -> tuple[Autoscaler, ...]:
        """HorizontalPodAutoscalers and KEDA ScaledObjects."""
        return self.of_type(Autoscaler)

    @cached_property
    def pod_volumes(self) -> tuple[PodVolume, ...]:
        """Every live volume of every workload."""
        return tuple(volume for workload in self.workloads for volume in workload.volumes)

    @cached_property
    def containers(self) -> tuple[Container, ...]:
        """Every container and init container."""
        return tuple(container for workload in self.workloads for container in workload.all_containers)

    @cached_property
    def servers(self) -> tuple[Server, ...]:
        """Every container that runs a known stateful server."""
        return tuple(server for workload in self.workloads for server in workload.servers)

    @cached_property
    def databases(self) -> tuple[Database, ...]:
        """Every server whose data is one instance's own."""
        return tuple(database for workload in self.workloads for database in workload.databases)

    @cached_property
    def _by_kind(self) -> dict[str, tuple[Node, ...]]:
        groups: dict[str, list[Node]] = defaultdict(list)
        for node in self.nodes:
            groups[node.kind].append(node)
        return {kind: tuple(nodes) for kind, nodes in groups.items()}

    def objects(self, kind: str) -> tuple[Node, ...]:
        """Every object of a kind, also of kinds that are not modelled."""
        return self._by_kind.get(kind, ())

    @cached_property
    def _by_file(self) -> dict[str, tuple[Node, ...]]:
        return grouped(self.nodes, lambda node: node.resource.path)

    def nodes_in_file(self, path: str) -> tuple[Node, ...]:
        """Every object of a file, in its order."""
        return self._by_file.get(path, ())

    def is_closed(self, kind: str) -> bool:
        """Whether the input holds every object of the kind that there is."""
        complete = self.config.input.complete
        is_complete = complete if isinstance(complete, bool) else kind in complete
        return is_complete or (self.facts is not None and self.facts.lists(kind))

    # The cluster ----------------------------------------------------------------------------------------------------

    def is_fact(self, resource: Resource) -> bool:
        """Whether an object is one of the cluster's, not of the input."""
        return self.facts is not None and resource in self.facts

    @cached_property
    def _cluster_nodes(self) -> dict[tuple[str, str], list[Node]]:
        """The objects of the cluster by kind and name."""
        index: dict[tuple[str, str], list[Node]] = defaultdict(list)
        for resource in self.facts.resources if self.facts is not None else ():
            index[resource.kind, resource.name].append(self._node(resource))
        return index

    def in_cluster(self, node_type: type[NodeType], kind: str, name: str, origin: Node) -> NodeType | None:
        """An object of the cluster that a reference leads to: a namespace must be written on both sides."""
        if self.facts is None:
            return None
        for node in self._cluster_nodes.get((kind, name), ()):
            is_there = kind in CLUSTER_KINDS or (node.namespace is not None and node.namespace == origin.namespace)
            if is_there and isinstance(node, node_type):
                return node
        return None

    @property
    def cluster_nodes(self) -> Iterator[Node]:
        """The objects of the cluster."""
        return chain.from_iterable(self._cluster_nodes.values())

    @property
    def nowhere(self) -> str:
        """Where an object is not that nobody defines, for messages."""
        return "not in the input" if self.facts is None else f"neither in the input nor in {self.facts.file.path}"

    @property
    def says_classes(self) -> str:
        """What says which classes there are, for messages."""
        if self.facts is None or self._written.storage_classes is not None:
            return "cluster.storage-classes of the configuration"
        return self.facts.file.path

    @property
    def says_default_class(self) -> str:
        """What says which class is the default, for messages."""
        if self.facts is None or self._written.default_class is not None:
            return f"cluster.default-class: {self.config.cluster.default_class}"
        return self.facts.file.path

    def is_alternative(self, node: Node, other: Node) -> bool:
        """Whether the two are in different overlays of the same files, so that only one of them is ever deployed."""
        return self.are_alternatives(node.resource.path, other.resource.path)

    def are_alternatives(self, path: str, other: str) -> bool:
        """Whether two texts are different overlays of the same files."""
        return other in self._alternatives.get(path, ())

    def has_word(self, resource: Resource, words: tuple[bytes, ...]) -> bool:
        """Whether one of the words is somewhere in an object's document; a List of objects is searched only once."""
        document = resource.document
        if not resource.route:
            return any(map(document.has_word, words))
        found = self._words.get((document, words))
        if found is None:
            found = self._words[document, words] = any(map(document.has_word, words))
        return found

    # Identity and nearness ------------------------------------------------------------------------------------------

    def namespace_of(self, resource: Resource) -> str | None:
        """The namespace in effect: the kustomizations', the written one, the command line's; None = unwritten."""
        if resource.kind in CLUSTER_KINDS:
            return None
        namespace = self.units.namespace(resource.path) or resource.metadata.namespace or self.config.namespace
        return None if is_placeholder(namespace) else namespace or None

    @cached_property
    def _by_name(self) -> dict[tuple[str, str], list[Node]]:
        index: dict[tuple[str, str], list[Node]] = defaultdict(list)
        for node in self.nodes:
            if node.name and not node.is_partial:
                for name in {node.name, node.deployed_name}:
                    index[node.kind, name].append(node)
        return index

    def named(self, kind: str, name: str) -> list[Node]:
        """Every whole object of this kind that is written or deployed with this name, in any namespace."""
        return self._by_name.get((kind, name), [])

    @cached_property
    def _documents(self) -> dict[tuple[str, str], list[Node]]:
        index: dict[tuple[str, str], list[Node]] = defaultdict(list)
        for node in self.nodes:
            index[node.kind, node.name].append(node)
        return index

    def documents(self, kind: str, name: str) -> list[Node]:
        """Every object of this kind that is written with this name, patches too."""
        return self._documents.get((kind, name), [])

    def find(self, node_type: type[NodeType], kind: str, name: str, origin: Node) -> Resolution[NodeType]:
        """The nearest object of a name to a reference in ``origin``."""
        # All that is nearest to an object is so to the others of its file and namespace.
        key = (kind, name, origin.resource.path, origin.namespace)
        found = self._found.get(key)
        if found is None:
            # Of thousands of namespaces with an object of one name, only the own and the unwritten one count.
            named = self.named(kind, name)
            if kind not in CLUSTER_KINDS and origin.namespace is not None:
                if len(named) > _FEW:
                    by_namespace = _named_by_namespace(self, kind, name)
                    named = [*by_namespace.get(origin.namespace, ()), *by_namespace.get(None, ())]
                else:
                    own = [node for node in named if node.namespace == origin.namespace]
                    named = own + [node for node in named if node.namespace is None]
            # kustomize puts a prefix to references, too, but only in what it builds together with the object.
            candidates = [
                node
                for node in named
                if isinstance(node, node_type) and (node.deployed_name == name or node.shares_unit(origin))
            ]
            found = self._found[key] = self.nearest(candidates, origin, namespaced=kind not in CLUSTER_KINDS)
        return found

    def nearest(self, candidates: Iterable[NodeType], origin: Node, *, namespaced: bool = True) -> Resolution[NodeType]:
        """The definition that is nearest to a reference: same file, then same unit, then longest common path.

        Several equally near definitions that say the same are one; if they disagree the answer is ambiguous. A
        definition that shares neither a written namespace nor a folder below the root of the input belongs to another
        project, and is none; an input that is complete for the kind holds one project.
        """
        pool = [node for node in candidates if not self.is_alternative(origin, node)]
        weak = 0
        if namespaced and pool:
            space = origin.namespace
            same = [node for node in pool if node.namespace == space]
            half = [node for node in pool if (node.namespace is None) != (space is None)]
            pool, weak = (same, 0) if same else (half, 1)
        scores = [
            (score, node)
            for node in pool
            if (score := nearness(node, origin))[0] > 0
            or score[1] > self._root_depth
            or (namespaced and _share_namespace(node, origin))
            or self.is_closed(node.kind)
        ]
        if not scores:
            return NOWHERE
        best = max(score for score, _ in scores)
        found = [node for score, node in scores if score == best]
        first = found[0]
        if any(node.resource.raw.get("spec") != first.resource.raw.get("spec") for node in found[1:]):
            return Resolution(None, weak, ambiguous=True)
        elsewhere = best[0] == 0
        if elsewhere and (not namespaced or (origin.namespace is None and first.namespace is None)):
            weak += 1
        return Resolution(first, weak)

    @cached_property
    def _root_depth(self) -> int:
        """How many folders the paths of all objects have in common."""
        folders = {posixpath.dirname(resource.path) for resource in self.resources}
        parts = [folder.split("/") for folder in folders if folder] if all(folders) else []
        return next((i for i, steps in enumerate(zip(*parts, strict=False)) if len(set(steps)) > 1), 0)

    def _by_unit(self, node_type: type[NodeType]) -> dict[str, list[NodeType]]:
        """The whole objects of a type by the units in which they are."""
        index = self._of_units.get(node_type)
        if index is None:
            index = self._of_units[node_type] = defaultdict(list)
            for node in self.of_type(node_type):
                if not node.is_partial:
                    for unit in node.units:
                        index[unit].append(node)
        return index

    def unit_mates(self, node: Node, node_type: type[NodeType]) -> list[NodeType]:
        """Other whole objects of a type that are deployed together with ``node``, in file order.

        Nobody may change the list: the objects of a unit share it.
        """
        mates = self.in_units(node.units, node_type)
        if not isinstance(node, node_type):
            return mates
        others = mates.copy()
        if node in others:
            others.remove(node)
        return others

    def in_units(self, units: frozenset[str], node_type: type[NodeType]) -> list[NodeType]:
        """Whole objects of a type that are deployed in one of some units, in file order; nobody may change the list."""
        mates = self._mates.get((units, node_type))
        if mates is None:
            index = self._by_unit(node_type)
            found = (mate for unit in sorted(units) for mate in index.get(unit, ()))
            mates = self._mates[units, node_type] = list(dict.fromkeys(found))
        return mates

    @cached_property
    def _custom_kinds_by_unit(self) -> dict[str, set[tuple[str, str]]]:
        kinds: dict[str, set[tuple[str, str]]] = defaultdict(set)
        for node in self.nodes:
            resource = node.resource
            if resource.body is None and "." in resource.group and not node.is_partial:
                for unit in node.units:
                    kinds[unit].add((resource.api_version, resource.kind))
        return kinds

    def custom_kinds_in(self, units: frozenset[str]) -> set[tuple[str, str]]:
        """API version and kind of the whole objects without a model that are deployed in some units."""
        return set().union(*(self._custom_kinds_by_unit.get(unit, ()) for unit in units))

    def has_group_in_unit(self, group: str, origin: Node) -> bool:
        """Whether an object of an API group, or of one below it, is deployed together with ``origin``."""
        return not origin.units.isdisjoint(_units_with_group(self, group))

    @cached_property
    def _positions(self) -> dict[Node, int]:
        return {node: index for index, node in enumerate(self.nodes)}

    def position(self, node: Node) -> int:
        """Where an object is in the order of the input."""
        return self._positions[node]

    def comes_before(self, node: Node, other: Node) -> bool:
        """Whether an object is read before another one: of two that clash, the later one is the finding's subject."""
        return self.position(node) < self.position(other)

    def is_fully_read(self, node: Node) -> bool:
        """Whether every file of its units could be read: an unrendered template may hold what seems missing."""
        return node.units.isdisjoint(self._unread_units)

    def is_readable(self, path: str) -> bool:
        """Whether nothing in a file kept its objects from being read; also of a file that is not there."""
        return path not in self._unread

    def possible_creator(self, name: str, origin: Node) -> Node | None:
        """A custom resource of the unit with this name, whose operator may create what seems to be missing."""
        for node in self._custom_resources_by_name.get(name, ()):
            fits = node.namespace == origin.namespace or None in (node.namespace, origin.namespace)
            if fits and node is not origin and node.shares_unit(origin) and not node.is_partial:
                return node
        return None

    @cached_property
    def _custom_resources_by_name(self) -> dict[str, list[Node]]:
        index: dict[str, list[Node]] = defaultdict(list)
        for node in self.nodes:
            group = node.resource.group
            if node.resource.body is None and "." in group and not group.endswith(".k8s.io"):
                index[node.name].append(node)
        return index

    # References -----------------------------------------------------------------------------------------------------

    def claim(self, name: str, origin: Workload) -> Resolution[Claim]:
        """The claim a workload refers to: an object, or the claim that a StatefulSet of the unit makes for a pod."""
        found = self.find(Claim, "PersistentVolumeClaim", name, origin)
        if found.target is not None or found.ambiguous:
            return found
        templates = [template for template in self._templates_of_generated(name) if template.shares_unit(origin)]
        generated = self.nearest(templates, origin)
        if generated.target is not None or generated.ambiguous:
            return generated
        return known(self.in_cluster(Claim, "PersistentVolumeClaim", name, origin))

    @cached_property
    def _generated_prefixes(self) -> dict[str, list[Claim]]:
        prefixes: dict[str, list[Claim]] = defaultdict(list)
        for stateful_set in self.stateful_sets:
            if not stateful_set.is_partial:
                for template in stateful_set.claim_templates:
                    prefixes[f"{template.name}-{stateful_set.name}"].append(template)
        return prefixes

    def _templates_of_generated(self, name: str) -> list[Claim]:
        prefix, _, digits = name.rpartition("-")
        ordinal = whole_number(digits)
        if ordinal is None:
            return []
        return [
            template
            for template in self._generated_prefixes.get(prefix, ())
            if isinstance(template.workload, StatefulSet)
            and (template.workload.ordinals is None or ordinal in template.workload.ordinals)
        ]

    def template_of_generated(self, name: str, origin: Node) -> Claim | None:
        """The claim template that makes a claim of this name (``data-db-0``), in a unit of ``origin``."""
        return next((t for t in self._templates_of_generated(name) if t.shares_unit(origin)), None)

    def service(self, name: str, origin: Node) -> Resolution[Service]:
        """The Service of a name."""
        return self.find(Service, "Service", name, origin)

    def config_map(self, name: str, origin: Node) -> Node | None:
        """The ConfigMap of a name, in a unit of the object that uses it."""
        key = ("ConfigMap", name, origin.resource.path, origin.namespace)
        found = self._found.get(key)
        if found is None:
            candidates = [node for node in self.named("ConfigMap", name) if node.shares_unit(origin)]
            found = self._found[key] = self.nearest(candidates, origin)
        node: Node | None = found.target
        return node

    def namespace_object(self, node: Node) -> Namespace | None:
        """The Namespace object of an object's namespace."""
        if node.namespace is None:
            return None
        return next((n for n in self.named("Namespace", node.namespace) if isinstance(n, Namespace)), None)

    @cached_property
    def _autoscalers_by_target(self) -> dict[tuple[str, str], list[Autoscaler]]:
        index: dict[tuple[str, str], list[Autoscaler]] = defaultdict(list)
        for scaler in self.autoscalers:
            if not scaler.is_partial:
                index[scaler.target].append(scaler)
        return index

    def autoscaler_of(self, workload: Workload) -> Autoscaler | None:
        """The autoscaler that scales a workload."""
        if (workload.kind, workload.name) not in self._autoscalers_by_target:
            return None
        key = (f"autoscaler of {workload.kind}", workload.name, workload.resource.path, workload.namespace)
        found = self._found.get(key)
        if found is None:
            candidates = self._autoscalers_by_target[workload.kind, workload.name]
            found = self.nearest([scaler for scaler in candidates if workload.sees(scaler)], workload)
            self._found[key] = found
        scaler: Autoscaler | None = found.target
        return scaler

    @cached_property
    def _scaled(self) -> dict[Autoscaler, tuple[Workload, ...]]:
        return grouped(self.workloads, lambda workload: workload.autoscaler)

    def scaled_by(self, scaler: Autoscaler) -> tuple[Workload, ...]:
        """The workloads that an autoscaler scales."""
        return self._scaled.get(scaler, ())

    # Claims and their users -----------------------------------------------------------------------------------------

    @cached_property
    def _users_of_claims(self) -> dict[Claim, tuple[PodVolume, ...]]:
        return grouped(self.pod_volumes, lambda volume: volume.claim)

    def users_of(self, claim: Claim) -> tuple[PodVolume, ...]:
        """Every pod volume that leads to a claim."""
        return self._users_of_claims.get(claim, ())

    @cached_property
    def _workloads_by_claim_name(self) -> dict[str, list[Workload]]:
        index: dict[str, dict[Workload, None]] = defaultdict(dict)
        for volume in self.pod_volumes:
            if volume.claim_name:
                index[volume.claim_name][volume.workload] = None
        return {name: list(workloads) for name, workloads in index.items()}

    def workloads_with_claims(self, names: Iterable[str]) -> list[Workload]:
        """Every workload with a volume on a claim of one of these names, in the order of the input."""
        found = [self._workloads_by_claim_name[name] for name in names if name in self._workloads_by_claim_name]
        if len(found) == 1:
            return found[0]
        return sorted(set().union(*found), key=self.position)

    @cached_property
    def _governed(self) -> dict[Service, tuple[StatefulSet, ...]]:
        whole = [stateful_set for stateful_set in self.stateful_sets if not stateful_set.is_partial]
        return grouped(whole, lambda stateful_set: stateful_set.governing_service.target)

    def governed_by(self, service: Service) -> tuple[StatefulSet, ...]:
        """Every whole StatefulSet whose ``serviceName`` leads to this Service."""
        return self._governed.get(service, ())

    @cached_property
    def backup_objects(self) -> tuple[tuple[Node, BackupKind], ...]:
        """Every object of a kind that backs up claims or namespaces."""
        return backup_objects(self)

    @cached_property
    def databases_by_driver(self) -> dict[str, tuple[Database, ...]]:
        """Databases by the driver that their data is on."""
        index: dict[str, dict[Database, None]] = defaultdict(dict)
        for claim in self.claims:
            if claim.driver.driver is not None:
                index[claim.driver.driver.name].update(dict.fromkeys(claim.databases))
        return {name: tuple(found) for name, found in index.items()}


def tables_of(config: Config) -> tuple[Knowledge, Callable[[], ImageTable]]:
    """The built-in tables, with the rows of the configuration; images are read when they are asked for.

    Raises:
        ConfigError: ``knowledge`` of the configuration makes no sense.

    """
    if not config.knowledge:
        return builtin(), builtin_images
    added = dict(config.knowledge)
    images, mirrors = added.pop("images", ()), added.pop("mirrors", None)
    try:
        table = builtin_images().extended(images, mirrors) if images or mirrors else builtin_images()
        return (builtin().extended(added) if added else builtin()), lambda: table
    except (TableError, ValueError, TypeError, AttributeError) as error:
        raise ConfigError.of([Problem(("knowledge",), f"knowledge: {error}")]) from error


def _target(config: Config) -> Version:
    if config.target is None:
        return NEWEST
    try:
        return parse_version(config.target)
    except ValueError as error:
        raise ConfigError.of([Problem(("target",), f"target: {error}")]) from error


def _share_namespace(node: Node, origin: Node) -> bool:
    """Whether both write one namespace; `default` is what every tutorial writes, and no evidence."""
    return node.namespace is not None and node.namespace == origin.namespace != "default"
