"""Claims, volumes and classes, resolved: who is bound to what, on which driver, and what that driver can do."""

from __future__ import annotations

from decimal import Decimal
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from k8s_stateful_lint.graph.environments import Environment, environment_of
from k8s_stateful_lint.graph.node import NOWHERE, Node, Resolution
from k8s_stateful_lint.graph.remembered import remembered
from k8s_stateful_lint.model.placeholders import is_placeholder
from k8s_stateful_lint.model.quantities import quantity_or_none, whole_number
from k8s_stateful_lint.model.resource import Place
from k8s_stateful_lint.model.storage import (
    ClaimBody,
    ClaimSpec,
    PersistentVolumeBody,
    PersistentVolumeSpec,
    StorageClassBody,
    VolumeSnapshotBody,
    VolumeSnapshotClassBody,
)

if TYPE_CHECKING:
    from k8s_stateful_lint.graph.databases import Database
    from k8s_stateful_lint.graph.graph import Graph
    from k8s_stateful_lint.graph.pod_volumes import PodVolume
    from k8s_stateful_lint.graph.workloads import Workload
    from k8s_stateful_lint.knowledge import Driver, VolumePlugin
    from k8s_stateful_lint.model.base import Metadata
    from k8s_stateful_lint.model.resource import Resource
    from k8s_stateful_lint.reading import Route

RWO, ROX, RWX, RWOP = "ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"
MODES = frozenset({RWO, ROX, RWX, RWOP})
CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class"
DEFAULT_CLASS_ANNOTATIONS = (
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
)
Attachment = Literal["exclusive", "node-bound", "attach-free"]


class ClassName(msgspec.Struct, frozen=True, gc=False):
    """The class of a claim or volume.

    ``name`` is ``""`` for no class and None where it is unknown (a default class that nothing names, a placeholder).
    ``written`` tells a name in the manifest from a default filled in by the cluster.
    """

    name: str | None
    written: bool
    weak: int = 0


class DriverFact(msgspec.Struct, frozen=True, gc=False):
    """The driver behind a claim or volume, and how we know.

    ``driver`` is None when the provisioner is not in the table. ``origin`` "class-name" means that only a well-known
    class name tells: a finding is then at most a warning of medium confidence.
    """

    provisioner: str | None
    driver: Driver | None
    origin: Literal["volume", "class", "configuration", "class-name", "unknown"]
    weak: int = 0


class Reclaim(msgspec.Struct, frozen=True):
    """What becomes of the volume when its claim is deleted: ``policy`` is None where the input does not tell.

    ``reason`` names the object that says so, at ``place``.
    """

    policy: str | None
    reason: str = ""
    place: Place | None = None
    weak: int = 0


UNKNOWN_DRIVER = DriverFact(None, None, "unknown")


class StorageClass(Node):
    """A StorageClass of the input."""

    body: StorageClassBody

    def __init__(self, graph: Graph, resource: Resource) -> None:
        """Wrap a StorageClass."""
        super().__init__(graph, resource)
        assert isinstance(resource.body, StorageClassBody)
        self.body = resource.body

    @property
    def provisioner(self) -> str:
        """The provisioner as written."""
        return self.body.provisioner

    @remembered
    def driver(self) -> Driver | None:
        """The driver's row, after in-tree names were redirected; None for an unknown one."""
        return self.graph.knowledge.driver(self.provisioner)

    @remembered
    def driver_of_claims(self) -> DriverFact:
        """What is known about the driver of its claims."""
        return DriverFact(self.provisioner, self.driver, "class")

    @property
    def is_static(self) -> bool:
        """Whether the class provisions nothing (kubernetes.io/no-provisioner)."""
        return self.provisioner == "kubernetes.io/no-provisioner"

    @property
    def waits_for_consumer(self) -> bool:
        """Whether binding waits for the first pod."""
        return self.body.volume_binding_mode == "WaitForFirstConsumer"

    @property
    def reclaim_policy(self) -> str:
        """The effective policy: absent is Delete."""
        return self.body.reclaim_policy or "Delete"

    @property
    def is_default(self) -> bool:
        """Whether an annotation marks it as the default class."""
        return any(self.annotations.get(key) == "true" for key in DEFAULT_CLASS_ANNOTATIONS)

    @remembered
    def claims(self) -> tuple[Claim, ...]:
        """Every claim of the input that resolves to this class."""
        return self.graph.classes.claims_of(self)

    @remembered
    def databases(self) -> tuple[Database, ...]:
        """Databases whose data is on a claim of this class."""
        return _unique(database for claim in self.claims for database in claim.databases)

    @remembered
    def volumes(self) -> tuple[PersistentVolume, ...]:
        """PersistentVolumes of the input that carry this class name."""
        return self.graph.volumes.of_class(self.name)


class Offer(msgspec.Struct, frozen=True, gc=False):
    """What the binder compares of a PersistentVolume with what a claim demands; None where it is unknown."""

    size: Decimal | None
    attributes_class: str
    mode: str | None
    modes: frozenset[str] | None

    def meets(self, demand: Offer) -> bool:
        """Whether a volume of this kind satisfies a claim (class and reservation left aside).

        Source: kubernetes pkg/controller/volume/persistentvolume/pv_controller.go, checkVolumeSatisfyClaim.
        """
        return (
            not self.is_too_small_for(demand)
            and self.attributes_class == demand.attributes_class
            and not self.has_other_mode_than(demand)
            and not self.lacks_mode_of(demand)
        )

    def is_too_small_for(self, demand: Offer) -> bool:
        """Whether the capacity is below the request."""
        return self.size is not None and demand.size is not None and self.size < demand.size

    def has_other_mode_than(self, demand: Offer) -> bool:
        """Whether one is a file system and the other a device."""
        return self.mode is not None and demand.mode is not None and self.mode != demand.mode

    def lacks_mode_of(self, demand: Offer) -> bool:
        """Whether an access mode that is asked for is not offered."""
        return self.modes is not None and demand.modes is not None and not demand.modes <= self.modes


# Thousands of claims ask for the same.
_offer = lru_cache(maxsize=1024)(Offer)


@lru_cache(maxsize=256)
def modes_of(written: tuple[str, ...]) -> frozenset[str]:
    """Access modes as a set."""
    return frozenset(written)


class Claim(Node):
    """A claim in any of its shapes: an object, a claim template, or an ephemeral volume's template.

    A claim that is only referred to has no node: the reference's :class:`PodVolume` has no claim then.
    """

    def __init__(
        self,
        graph: Graph,
        resource: Resource,
        *,
        shape: Literal["object", "template", "ephemeral"],
        route: Route,
        metadata: Metadata,
        spec: ClaimSpec,
        workload: Workload | None = None,
    ) -> None:
        """Wrap a claim; ``route`` leads from the resource to it."""
        super().__init__(graph, resource)
        self.shape = shape
        self.route = route
        self.spec = spec
        self.workload = workload
        self._metadata = metadata

    @property
    def metadata(self) -> Metadata:
        """The claim's or template's own metadata."""
        return self._metadata

    @property
    def name(self) -> str:
        """The claim's name, the template's name, or the ephemeral volume's."""
        return self._metadata.name

    @property
    def annotations(self) -> dict[str, str]:
        """The claim's or template's own annotations."""
        return self._metadata.annotations

    @property
    def labels(self) -> dict[str, str]:
        """The claim's or template's own labels."""
        return self._metadata.labels

    @property
    def label(self) -> str:
        """How messages call it."""
        if self.shape == "object":
            return f"claim {self.name or self.metadata.generate_name or '(unnamed)'}"
        if self.shape == "template":
            return f"claim template {self.name}"
        return f"ephemeral claim of volume {self.name}"

    def at(self, *route: str | int, part: Literal["value", "key", "entry"] = "value") -> Place:
        """A field of the claim, relative to the claim itself."""
        return Place(self.resource, (*self.route, *route), part)

    def get(self, *route: str | int) -> Any:
        """The raw value of a field, relative to the claim itself."""
        return self.resource.get(*self.route, *route)

    def is_unknown(self, *route: str | int) -> bool:
        """Whether a field of the claim is written but cannot be understood (a placeholder, a wrong type)."""
        return self.resource.is_unknown(*self.route, *route) or _holds_placeholder(self.get(*route))

    @remembered
    def paired(self) -> Resolution[PersistentVolume]:
        """The PersistentVolume tied to the claim by ``volumeName`` or by its ``claimRef``."""
        return self.graph.volumes.paired_with(self)

    @property
    def volume(self) -> PersistentVolume | None:
        """The paired PersistentVolume, when it is in the input."""
        return self.paired.target

    @remembered
    def candidates(self) -> tuple[PersistentVolume, ...]:
        """Free PersistentVolumes of the unit that the binder can choose: the written class, and everything fits."""
        written = self.written_class
        if self.spec.volume_name or self.volume is not None or written is None or is_placeholder(written):
            return ()
        fitting, selector = self.fitting_volumes(written), self.spec.selector
        if selector is None:
            return fitting
        selected = self.graph.volumes.selected_by(selector)
        return tuple(volume for volume in fitting if volume in selected)

    @remembered
    def modes(self) -> frozenset[str] | None:
        """The access modes that count: the paired volume's, else the claim's own; None = unknown."""
        if self.volume is not None:
            return self.volume.modes
        if self.is_unknown("spec", "accessModes") or not self.spec.access_modes:
            return None
        return modes_of(self.spec.access_modes)

    @property
    def is_single_node(self) -> bool | None:
        """Whether only one node may use the claim (no mode says Many); None = unknown."""
        return None if self.modes is None else not (self.modes & {RWX, ROX})

    @property
    def is_block(self) -> bool:
        """Whether the claim is a raw device."""
        return self.spec.volume_mode == "Block"

    @property
    def request(self) -> Decimal | None:
        """The requested size in bytes; None where absent or unreadable."""
        return quantity_or_none(self.spec.resources.requests.get("storage"))

    @property
    def written_class(self) -> str | None:
        """The class as written (the beta annotation wins); None where none is."""
        annotation = self.annotations.get(CLASS_ANNOTATION)
        return annotation if annotation is not None else self.spec.storage_class_name

    @property
    def class_place(self) -> Place:
        """Where the class is written, or where it would be."""
        if CLASS_ANNOTATION in self.annotations:
            return self.at("metadata", "annotations", CLASS_ANNOTATION)
        return self.at("spec", "storageClassName")

    @remembered
    def class_name(self) -> ClassName:
        """The class that applies, with the default class filled in where it is known."""
        if self.is_unknown("spec", "storageClassName"):
            return ClassName(None, written=True)
        written = self.written_class
        if written is not None:
            return ClassName(written, written=True)
        return self.graph.classes.default_for(self)

    @remembered
    def class_resolution(self) -> Resolution[StorageClass]:
        """The class object, when it is in the input."""
        name = self.class_name
        if not name.name:
            return NOWHERE
        found = self.graph.classes.named(name.name, self)
        return Resolution(found.target, found.weak + name.weak, found.ambiguous) if name.weak else found

    @property
    def storage_class(self) -> StorageClass | None:
        """The class object, when it is in the input."""
        return self.class_resolution.target

    @remembered
    def driver(self) -> DriverFact:
        """The driver of the paired volume, else of the class object, the configuration, or a well-known class name."""
        if self.volume is not None:
            fact = self.volume.driver
            return msgspec.structs.replace(fact, weak=fact.weak + self.paired.weak)
        resolution = self.class_resolution
        if resolution.ambiguous:
            return UNKNOWN_DRIVER
        if resolution.target is not None:
            found = resolution.target
            fact = found.driver_of_claims
            return msgspec.structs.replace(fact, weak=resolution.weak) if resolution.weak else fact
        name = self.class_name.name
        if not name:
            return UNKNOWN_DRIVER
        cluster = self.graph.config.cluster
        if cluster.storage_classes is not None and name in cluster.storage_classes:
            provisioner = cluster.storage_classes[name]
            return DriverFact(provisioner, self.graph.knowledge.driver(provisioner), "configuration")
        known = self.graph.knowledge.class_name(name, cluster.platform)
        if known is None or known.driver is None or self.graph.volumes.has_class(name):
            return UNKNOWN_DRIVER
        return DriverFact(known.driver, self.graph.knowledge.driver(known.driver), "class-name", 1)

    @remembered
    def reclaim(self) -> Reclaim:
        """What becomes of the volume when the claim is deleted: the paired volume says so, else the class."""
        volume = self.volume
        if volume is not None:
            field = ("spec", "persistentVolumeReclaimPolicy")
            policy = volume.spec.persistent_volume_reclaim_policy or "Retain"
            if volume.resource.is_unknown(*field) or is_placeholder(policy):
                return Reclaim(None)
            return Reclaim(policy, f"{volume.label}: {policy}", volume.at(*field), self.paired.weak)
        found = self.storage_class
        # A volume that is prepared by hand has a policy of its own, and a class without provisioner makes none.
        if found is None or found.is_static or self.spec.volume_name or self.paired.ambiguous:
            return Reclaim(None)
        if found.resource.is_unknown("reclaimPolicy") or is_placeholder(found.reclaim_policy):
            return Reclaim(None)
        reason = f"{found.label}: {found.reclaim_policy}" + ("" if found.body.reclaim_policy else " by default")
        return Reclaim(found.reclaim_policy, reason, found.at("reclaimPolicy"), self.class_resolution.weak)

    @property
    def holds_only_caches(self) -> bool:
        """Whether every known server that uses it may lose its data; False where no server is known."""
        servers = [server for volume in self.users for server in volume.workload.servers]
        return bool(servers) and all(server.class_ == "cache" for server in servers)

    @property
    def attachment(self) -> Attachment:
        """How the volume is attached; exclusive where nothing is known.

        Prepared volumes that the binder would choose tell it too, when they all agree.
        """
        if self.volume is not None:
            return self.volume.attachment
        prepared = {volume.attachment for volume in self.candidates}
        if len(prepared) == 1:
            return prepared.pop()
        driver = self.driver.driver
        return (driver.attachment if driver is not None else None) or "exclusive"

    @remembered
    def users(self) -> tuple[PodVolume, ...]:
        """Every pod volume that leads to this claim."""
        return self.graph.users_of(self)

    @remembered
    def databases(self) -> tuple[Database, ...]:
        """Databases whose data directory is on this claim."""
        return _unique(database for volume in self.users for database in volume.workload.databases_on(volume))

    @property
    def is_owned(self) -> bool:
        """Whether a controller made the claim, or the workload that the template is in."""
        return bool(self.resource.metadata.owner_references)

    @remembered
    def is_partial(self) -> bool:
        """Also a template in a partial workload is partial."""
        return self.workload.is_partial if self.workload is not None else super().is_partial

    @remembered
    def environment(self) -> Environment:
        """The environment of the workload that a template is in."""
        return self.workload.environment if self.workload is not None else environment_of(self)

    @remembered
    def reserved_volumes(self) -> tuple[PersistentVolume, ...]:
        """PersistentVolumes whose ``claimRef`` names this claim, or one of the claims this template makes."""
        return self.graph.volumes.reserved_for(self)

    def classless_volumes(self, *, in_unit: bool) -> tuple[PersistentVolume, ...]:
        """PersistentVolumes without class, free or reserved for this claim, that satisfy it."""
        return self.graph.volumes.untaken(self.graph.volumes.fitting(self, "", in_unit=in_unit), self)

    def fitting_volumes(self, class_name: str) -> tuple[PersistentVolume, ...]:
        """PersistentVolumes of a class in its unit that satisfy it and are not reserved for another claim."""
        return self.graph.volumes.fitting(self, class_name)

    @remembered
    def demand(self) -> Offer:
        """What it asks of a volume."""
        spec = self.spec
        return _offer(
            self.request,
            spec.volume_attributes_class_name or "",
            None if self.is_unknown("spec", "volumeMode") else spec.volume_mode or "Filesystem",
            None if self.is_unknown("spec", "accessModes") else modes_of(spec.access_modes),
        )


class PersistentVolume(Node):
    """A PersistentVolume of the input."""

    body: PersistentVolumeBody

    def __init__(self, graph: Graph, resource: Resource) -> None:
        """Wrap a PersistentVolume."""
        super().__init__(graph, resource)
        assert isinstance(resource.body, PersistentVolumeBody)
        self.body = resource.body

    @property
    def spec(self) -> PersistentVolumeSpec:
        """``spec``."""
        return self.body.spec

    @remembered
    def source(self) -> tuple[str, Any] | None:
        """The key and value of the volume source; None where there is none that we know."""
        spec = self.resource.get("spec")
        if not isinstance(spec, dict):
            return None
        for key, value in spec.items():
            if value is not None and self.graph.knowledge.plugin(key) is not None:
                return key, value
        return None

    @property
    def plugin(self) -> VolumePlugin | None:
        """The table row of the source."""
        return self.graph.knowledge.plugin(self.source[0]) if self.source else None

    @remembered
    def driver(self) -> DriverFact:
        """The CSI driver, or the one an in-tree source is redirected to."""
        if self.source is None:
            return UNKNOWN_DRIVER
        key, value = self.source
        if key == "csi":
            name = value.get("driver") if isinstance(value, dict) else None
            if not isinstance(name, str) or not name:
                return UNKNOWN_DRIVER
            return DriverFact(name, self.graph.knowledge.driver(name), "volume")
        redirect = self.plugin.redirect if self.plugin else None
        if redirect:
            return DriverFact(redirect, self.graph.knowledge.driver(redirect), "volume")
        return UNKNOWN_DRIVER

    @property
    def attachment(self) -> Attachment:
        """How the volume is attached; exclusive where nothing is known."""
        if self.driver.driver is not None:
            return self.driver.driver.attachment or "exclusive"
        if self.source is not None and self.source[0] == "csi":
            return "exclusive"
        return (self.plugin.attachment if self.plugin else None) or "exclusive"

    @remembered
    def modes(self) -> frozenset[str] | None:
        """The access modes; None where none can be read."""
        if self.resource.is_unknown("spec", "accessModes") or not self.spec.access_modes:
            return None
        return modes_of(self.spec.access_modes)

    @property
    def class_name(self) -> str | None:
        """The class: the beta annotation wins, absent is ``""``; None for a placeholder."""
        written = self.annotations.get(CLASS_ANNOTATION)
        name = written if written is not None else self.spec.storage_class_name
        return None if is_placeholder(name) else name or ""

    @property
    def class_place(self) -> Place:
        """Where the class is written, or where it would be."""
        if CLASS_ANNOTATION in self.annotations:
            return self.at("metadata", "annotations", CLASS_ANNOTATION)
        return self.at("spec", "storageClassName")

    @property
    def capacity(self) -> Decimal | None:
        """The capacity in bytes; None where absent or unreadable."""
        return quantity_or_none(self.spec.capacity.get("storage"))

    @property
    def volume_mode(self) -> str:
        """Filesystem or Block; absent is Filesystem."""
        return self.spec.volume_mode or "Filesystem"

    @remembered
    def claims(self) -> tuple[Claim, ...]:
        """Claims that are paired with this volume."""
        return self.graph.volumes.claims_of(self)

    @remembered
    def databases(self) -> tuple[Database, ...]:
        """Databases whose data is on a claim paired with this volume."""
        return _unique(database for claim in self.claims for database in claim.databases)

    @property
    def is_reserved(self) -> bool:
        """Whether ``claimRef`` names a claim."""
        return self.spec.claim_ref is not None and bool(self.spec.claim_ref.name)

    def is_reserved_for(self, claim: Claim) -> bool:
        """Whether ``claimRef`` names this claim (a namespace written on one side only is no contradiction)."""
        reference = self.spec.claim_ref
        if reference is None or reference.name != claim.name or claim.shape == "ephemeral":
            return False
        return reference.namespace is None or claim.namespace is None or reference.namespace == claim.namespace

    def is_reserved_for_other(self, claim: Claim) -> bool:
        """Whether ``claimRef`` names another claim than this one (or than those that this claim template makes)."""
        reference = self.spec.claim_ref
        if reference is None or not reference.name or is_placeholder(reference.name) or self.is_reserved_for(claim):
            return False
        if claim.shape == "template" and claim.workload is not None:
            prefix, _, ordinal = reference.name.rpartition("-")
            return not (prefix == f"{claim.name}-{claim.workload.name}" and whole_number(ordinal) is not None)
        return True

    @property
    def hostnames(self) -> frozenset[str]:
        """The host names that the required node affinity allows; empty where it does not speak of host names."""
        required = self.spec.node_affinity.required if self.spec.node_affinity else None
        return frozenset(
            value
            for term in (required.node_selector_terms if required else ())
            for requirement in term.match_expressions
            if requirement.key == "kubernetes.io/hostname" and requirement.operator == "In"
            for value in requirement.values
        )

    @property
    def is_pinned(self) -> bool:
        """Whether the scheduler takes every pod to the one node that has the data."""
        return len(self.hostnames) == 1

    @remembered
    def offer(self) -> Offer:
        """What it offers to claims."""
        is_unknown = self.resource.is_unknown("spec", "volumeMode")
        attributes_class = self.spec.volume_attributes_class_name or ""
        return _offer(self.capacity, attributes_class, None if is_unknown else self.volume_mode, self.modes)

    def misfits(self, claim: Claim) -> list[tuple[str, Route, Route]]:
        """What keeps the binder from binding this volume to a claim, class and reservation left aside.

        Returns:
            For each reason the controller's own words, the claim's route and the volume's route.

        Source: kubernetes pkg/controller/volume/persistentvolume/pv_controller.go, checkVolumeSatisfyClaim.

        """
        reasons: list[tuple[str, Route, Route]] = []
        offer, demand = self.offer, claim.demand
        if offer.is_too_small_for(demand):
            reasons.append(
                (
                    "requested PV is too small",
                    ("spec", "resources", "requests", "storage"),
                    ("spec", "capacity", "storage"),
                )
            )
        if offer.attributes_class != demand.attributes_class:
            route: Route = ("spec", "volumeAttributesClassName")
            reasons.append(("volumeAttributesClassName does not match", route, route))
        if offer.has_other_mode_than(demand):
            reasons.append(("incompatible volumeMode", ("spec", "volumeMode"), ("spec", "volumeMode")))
        if offer.lacks_mode_of(demand):
            reasons.append(("incompatible accessMode", ("spec", "accessModes"), ("spec", "accessModes")))
        return reasons


class VolumeSnapshotClass(Node):
    """A VolumeSnapshotClass of the input."""

    @property
    def body(self) -> VolumeSnapshotClassBody:
        """The typed object."""
        assert isinstance(self.resource.body, VolumeSnapshotClassBody)
        return self.resource.body


class VolumeSnapshot(Node):
    """A VolumeSnapshot of the input."""

    @property
    def body(self) -> VolumeSnapshotBody:
        """The typed object."""
        assert isinstance(self.resource.body, VolumeSnapshotBody)
        return self.resource.body


def claim_of(graph: Graph, resource: Resource) -> Claim:
    """The node of a PersistentVolumeClaim."""
    assert isinstance(resource.body, ClaimBody)
    return Claim(graph, resource, shape="object", route=(), metadata=resource.body.metadata, spec=resource.body.spec)


def matches_any(name: str, globs: tuple[str, ...]) -> bool:
    """Whether a name matches one of the globs."""
    return any(fnmatchcase(name, glob) for glob in globs)


def _holds_placeholder(value: object) -> bool:
    if isinstance(value, list):
        return any(is_placeholder(item) for item in value)
    return is_placeholder(value)


def _unique(items: Any) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(items))
