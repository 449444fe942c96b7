"""The base of everything in the graph: an object of the input, with what the graph knows about it."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

import msgspec

from k8s_stateful_lint._patterns import regex
from k8s_stateful_lint.graph.environments import Environment, environment_of
from k8s_stateful_lint.graph.remembered import Many, remembered
from k8s_stateful_lint.model.resource import Place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from k8s_stateful_lint.graph.graph import Graph
    from k8s_stateful_lint.model.base import Metadata
    from k8s_stateful_lint.model.resource import Resource

_PATCH_NAME = regex(r"(?:^|[^a-z])patch(?:es)?(?:[^a-z]|$)", re.IGNORECASE)
_PATCH_DIRECTIVES = (b"$patch", b"$retainKeys")
CLUSTER_KINDS = frozenset(
    {
        "CSIDriver",
        "CSINode",
        "ClusterRole",
        "ClusterRoleBinding",
        "CustomResourceDefinition",
        "Namespace",
        "Node",
        "PersistentVolume",
        "PriorityClass",
        "StorageClass",
        "VolumeAttachment",
        "VolumeAttributesClass",
        "VolumeSnapshotClass",
        "VolumeSnapshotContent",
    }
)
"""Kinds whose objects are in no namespace."""
Target = TypeVar("Target", covariant=True)


class Resolution(msgspec.Struct, Generic[Target], frozen=True):
    """What a reference leads to.

    ``weak`` counts the steps of confidence that a finding built on it loses: a namespace written on one side only,
    or a definition in another unit with no namespace written at all.
    """

    target: Target | None
    weak: int = 0
    ambiguous: bool = False


NOWHERE: Resolution[Any] = Resolution(None)


def known(target: Target | None) -> Resolution[Target]:
    """Certainly this one, or nothing."""
    return Resolution(target) if target is not None else NOWHERE


class Node(Many):
    """An object of the input. Rules with this subject see every object, also those of kinds that are not modelled."""

    def __init__(self, graph: Graph, resource: Resource) -> None:
        """Wrap a resource; edges are resolved when they are asked for."""
        self.graph = graph
        self.resource = resource

    def __repr__(self) -> str:
        """Kind and name, for people who debug a rule."""
        return f"<{type(self).__name__} {self.label}>"

    @property
    def kind(self) -> str:
        """The kind as written."""
        return self.resource.kind

    @property
    def name(self) -> str:
        """``metadata.name``."""
        return self.resource.metadata.name

    @property
    def deployed_name(self) -> str:
        """The name after ``namePrefix`` and ``nameSuffix`` of the kustomizations that build it.

        A Namespace gets neither, but the name that ``namespace`` sets (kustomize api/internal/builtins/
        PrefixTransformer.go; api/internal/konfig/builtinpluginconsts/namespace.go).
        """
        if self.kind == "Namespace":
            return self.graph.units.namespace(self.resource.path) or self.name
        prefix, suffix = self.graph.units.affixes(self.resource.path)
        return f"{prefix}{self.name}{suffix}" if prefix or suffix else self.name

    @property
    def label(self) -> str:
        """How messages call the object: ``Deployment shop``."""
        return f"{self.kind} {self.name or self.metadata.generate_name or '(unnamed)'}"

    @property
    def metadata(self) -> Metadata:
        """``metadata``."""
        return self.resource.metadata

    @property
    def annotations(self) -> Mapping[str, str]:
        """``metadata.annotations``."""
        return self.resource.metadata.annotations

    @property
    def labels(self) -> Mapping[str, str]:
        """``metadata.labels``."""
        return self.resource.metadata.labels

    @remembered
    def namespace(self) -> str | None:
        """The namespace after a kustomization's and the command line's; None where nothing says."""
        return self.graph.namespace_of(self.resource)

    @remembered
    def units(self) -> frozenset[str]:
        """The units the object is deployed with; an object of the cluster is in none."""
        return frozenset() if self.graph.is_fact(self.resource) else self.graph.units.of(self.resource.path)

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders on the way to its file."""
        return tuple(self.resource.path.split("/")[:-1]) or ("",)

    def shares_unit(self, other: Node) -> bool:
        """Whether both are deployed together."""
        return not self.units.isdisjoint(other.units)

    def is_with_group(self, group: str) -> bool:
        """Whether objects of an API group, or of one below it (``route.openshift.io``), are deployed with it."""
        return self.graph.has_group_in_unit(group, self)

    @remembered
    def is_partial(self) -> bool:
        """Whether the object is a patch of another one: nothing can be said about what it does not write."""
        path = posixpath.normpath(self.resource.path)
        if path in self.graph.units.patch_files:
            return True
        *folders, file = path.split("/")
        return (
            "patches" in folders
            or _PATCH_NAME.search(file.rpartition(".")[0]) is not None
            # Walking every object for the words would cost more than all rules.
            or (self.graph.has_word(self.resource, _PATCH_DIRECTIVES) and _holds_patch_directive(self.resource.raw))
        )

    @property
    def is_owned(self) -> bool:
        """Whether a controller made the object, so that nobody edits it."""
        return bool(self.metadata.owner_references)

    @remembered
    def environment(self) -> Environment:
        """The environment that applies, and why."""
        return environment_of(self)

    @property
    def is_production(self) -> bool:
        """Whether the object is for production."""
        return self.environment.name == "production"

    @property
    def is_development(self) -> bool:
        """Whether the object is for development."""
        return self.environment.name == "development"

    @property
    def is_namespaced(self) -> bool:
        """Whether the object is in a namespace, and none of the whole cluster."""
        return self.kind not in CLUSTER_KINDS

    def at(self, *route: str | int, part: Literal["value", "key", "entry"] = "value") -> Place:
        """A field of the object; where it is absent, the finding points at its nearest existing ancestor."""
        return Place(self.resource, route, part)

    @property
    def name_place(self) -> Place:
        """Where the object is named."""
        return self.at("metadata", "name")


class Kustomization(Node):
    """A kustomization of the input."""


class Namespace(Node):
    """A Namespace of the input."""


def nearness(node: Node, origin: Node) -> tuple[int, int]:
    """How near a definition is to a reference, to be compared: same file, same unit, then longest common path."""
    if node.resource.path == origin.resource.path:
        return 2, 0
    if node.shares_unit(origin):
        return 1, 0
    common = 0
    for left, right in zip(origin.folders, node.folders, strict=False):
        if left != right:
            break
        common += 1
    return 0, common


def _holds_patch_directive(raw: object) -> bool:
    pending = [raw]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            if "$patch" in value or "$retainKeys" in value:
                return True
            pending.extend(item for item in value.values() if isinstance(item, dict | list))
        elif isinstance(value, list):
            pending.extend(item for item in value if isinstance(item, dict | list))
    return False
