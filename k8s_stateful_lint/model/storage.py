"""Claims, volumes, classes and snapshots (core/v1, storage.k8s.io, snapshot.storage.k8s.io)."""

from typing import Any

from k8s_stateful_lint._nothing import NOTHING
from k8s_stateful_lint.model.base import ApiStruct, LabelSelector, Metadata, SelectorRequirement

QuantityText = str | int | float


class ObjectReference(ApiStruct, frozen=True):
    """A reference such as ``dataSource``; ``api_group`` None is the core group."""

    api_group: str | None = None
    kind: str = ""
    name: str = ""
    namespace: str | None = None


class VolumeResources(ApiStruct, frozen=True):
    """``resources`` of a claim: quantities as written."""

    requests: dict[str, QuantityText] = NOTHING
    limits: dict[str, QuantityText] = NOTHING


class ClaimSpec(ApiStruct, frozen=True):
    """``spec`` of a claim, a claim template or an ephemeral volume's template."""

    access_modes: tuple[str, ...] = ()
    resources: VolumeResources = VolumeResources()
    storage_class_name: str | None = None
    volume_name: str = ""
    volume_mode: str | None = None
    selector: LabelSelector | None = None
    data_source: ObjectReference | None = None
    data_source_ref: ObjectReference | None = None
    volume_attributes_class_name: str | None = None


class ClaimBody(ApiStruct, frozen=True):
    """A PersistentVolumeClaim, or an entry of ``volumeClaimTemplates``."""

    metadata: Metadata = Metadata()
    spec: ClaimSpec = ClaimSpec()


class ClaimReference(ApiStruct, frozen=True):
    """``claimRef`` of a PersistentVolume."""

    name: str = ""
    namespace: str | None = None
    uid: str = ""
    resource_version: str = ""


class VolumeNodeTerm(ApiStruct, frozen=True):
    """One alternative of a volume's node affinity."""

    match_expressions: tuple[SelectorRequirement, ...] = ()


class VolumeNodeSelector(ApiStruct, frozen=True):
    """Terms of which one must hold."""

    node_selector_terms: tuple[VolumeNodeTerm, ...] = ()


class VolumeNodeAffinity(ApiStruct, frozen=True):
    """``nodeAffinity`` of a PersistentVolume."""

    required: VolumeNodeSelector | None = None


class PersistentVolumeSpec(ApiStruct, frozen=True):
    """``spec`` of a PersistentVolume; its source is found through the raw manifest and the plugin table."""

    capacity: dict[str, QuantityText] = NOTHING
    access_modes: tuple[str, ...] = ()
    persistent_volume_reclaim_policy: str | None = None
    storage_class_name: str | None = None
    volume_mode: str | None = None
    claim_ref: ClaimReference | None = None
    node_affinity: VolumeNodeAffinity | None = None
    mount_options: tuple[str, ...] = ()
    volume_attributes_class_name: str | None = None


class PersistentVolumeBody(ApiStruct, frozen=True):
    """A PersistentVolume."""

    metadata: Metadata = Metadata()
    spec: PersistentVolumeSpec = PersistentVolumeSpec()


class TopologyRequirement(ApiStruct, frozen=True):
    """``matchLabelExpressions[i]`` of an allowed topology."""

    key: str = ""
    values: tuple[str, ...] = ()


class TopologyTerm(ApiStruct, frozen=True):
    """``allowedTopologies[i]``."""

    match_label_expressions: tuple[TopologyRequirement, ...] = ()


class StorageClassBody(ApiStruct, frozen=True):
    """A StorageClass: it has no ``spec``."""

    metadata: Metadata = Metadata()
    provisioner: str = ""
    parameters: dict[str, str] = NOTHING
    reclaim_policy: str | None = None
    volume_binding_mode: str | None = None
    allow_volume_expansion: bool | None = None
    allowed_topologies: tuple[TopologyTerm, ...] = ()
    mount_options: tuple[str, ...] = ()


class SnapshotSource(ApiStruct, frozen=True):
    """``spec.source`` of a VolumeSnapshot."""

    persistent_volume_claim_name: str | None = None
    volume_snapshot_content_name: str | None = None


class VolumeSnapshotSpec(ApiStruct, frozen=True):
    """``spec`` of a VolumeSnapshot."""

    source: SnapshotSource = SnapshotSource()
    volume_snapshot_class_name: str | None = None


class VolumeSnapshotBody(ApiStruct, frozen=True):
    """A VolumeSnapshot."""

    metadata: Metadata = Metadata()
    spec: VolumeSnapshotSpec = VolumeSnapshotSpec()


class VolumeSnapshotClassBody(ApiStruct, frozen=True):
    """A VolumeSnapshotClass: it has no ``spec``."""

    metadata: Metadata = Metadata()
    driver: str = ""
    deletion_policy: str | None = None
    parameters: dict[str, str] = NOTHING


class VolumeSnapshotContentSpec(ApiStruct, frozen=True):
    """``spec`` of a VolumeSnapshotContent."""

    driver: str = ""
    deletion_policy: str | None = None
    source: dict[str, Any] = NOTHING
    volume_snapshot_class_name: str | None = None
    volume_snapshot_ref: ObjectReference | None = None


class VolumeSnapshotContentBody(ApiStruct, frozen=True):
    """A VolumeSnapshotContent."""

    metadata: Metadata = Metadata()
    spec: VolumeSnapshotContentSpec = VolumeSnapshotContentSpec()
