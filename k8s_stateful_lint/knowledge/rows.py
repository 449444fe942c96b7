"""The rows of the knowledge tables.

Every row says how sure it is (``status``) and where it comes from (``source``). A column that is ``None`` or empty is
unknown, and no rule may rest on it.
"""

import datetime
from collections.abc import Collection, Mapping
from enum import Enum
from typing import Any, Final, Literal, TypeAlias

from msgspec import Struct

from k8s_stateful_lint.knowledge.versions import Version
from k8s_stateful_lint.model.quantities import whole_number

Status: TypeAlias = Literal["verified", "partial", "unverified"]
Answer: TypeAlias = Literal["yes", "no", "conditional"]
Kind: TypeAlias = Literal["block", "file", "object", "local", "test", "none"]
Attachment: TypeAlias = Literal["exclusive", "attach-free", "node-bound"]
Topology: TypeAlias = Literal["none", "region", "zone", "node", "optional"]
NetworkFileSystem: TypeAlias = Literal["none", "nfs", "smb", "fuse", "cephfs", "lustre", "gluster"]
FsGroupPolicy: TypeAlias = Literal["ReadWriteOnceWithFSType", "File", "None"]
BindingMode: TypeAlias = Literal["Immediate", "WaitForFirstConsumer"]
Nodes: TypeAlias = Literal["one", "many"]


class Unknown(Enum):
    """The type of ``UNKNOWN``."""

    UNKNOWN = "unknown"


UNKNOWN: Final = Unknown.UNKNOWN
"""The tables do not know, where ``None`` already means "known to be none"."""


class Row(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every row has."""

    status: Status
    source: str
    date: datetime.date | None = None
    note: str | None = None


class Condition(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A class parameter that decides a conditional cell: it has this value, or at least this number."""

    parameter: str
    value: str | None = None
    minimum: int | None = None

    def holds(self, parameters: Mapping[str, str]) -> bool:
        """Whether the parameters of a class meet the condition. Drivers read names in any case."""
        wanted = self.parameter.lower()
        written = next((v for k, v in parameters.items() if k.lower() == wanted), None)
        if written is None:
            return False
        if self.minimum is not None:
            number = whole_number(written.strip())
            return number is not None and number >= self.minimum
        return self.value is None or written.lower() == self.value.lower()


class NetworkFileSystemCase(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A class parameter that changes the protocol: Azure Files with ``protocol: nfs``."""

    parameter: str
    value: str
    network_file_system: NetworkFileSystem


class Parameter(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a known class parameter accepts, where the values can be listed."""

    values: tuple[str, ...] = ()


class Driver(Row, frozen=True, kw_only=True):
    """A provisioner or CSI driver."""

    name: str
    aliases: tuple[str, ...] = ()
    kind: Kind | None = None
    rwx_filesystem: Answer | None = None
    rwx_filesystem_condition: Condition | None = None
    rwx_block: Answer | None = None
    rwx_block_condition: Condition | None = None
    rox: Answer | None = None
    attachment: Attachment | None = None
    per_node_handles: str | None = None
    topology: Topology | None = None
    network_file_system: NetworkFileSystem | None = None
    network_file_system_cases: tuple[NetworkFileSystemCase, ...] = ()
    network_file_system_only_shared: bool = False
    expansion: bool | None = None
    snapshot: bool | None = None
    raw_block: bool | None = None
    fs_group_policy: FsGroupPolicy | None = None
    mounts_with_fs_group: bool | None = None
    default_fstype: str | None = None
    group_writable: bool | None = None
    parameters: dict[str, Parameter] | None = None
    parameter_prefixes: tuple[str, ...] = ()
    test_only: bool = False
    retired: bool = False
    successor: str | None = None
    free_name: bool = False

    def network_file_system_with(
        self, parameters: Mapping[str, str], *, shared: bool | None = None
    ) -> NetworkFileSystem | None:
        """The network file system behind a volume of a class with these parameters.

        ``shared`` says whether the claim asks for ReadWriteMany or ReadOnlyMany: some drivers give a block device to a
        claim of one node and a network share to the others.
        """
        if self.network_file_system_only_shared and not shared:
            return "none" if shared is False else None
        for case in self.network_file_system_cases:
            if Condition(parameter=case.parameter, value=case.value).holds(parameters):
                return case.network_file_system
        return self.network_file_system

    def applies_fs_group(self, access_modes: Collection[str], *, has_fstype: bool, target: Version) -> bool | None:
        """Whether a volume of these modes is given to the fsGroup of the pod; ``None`` where nobody knows.

        ``has_fstype`` says whether the class or volume writes a file system type. A read-only volume never changes.
        """
        if self.mounts_with_fs_group or self.fs_group_policy == "File":
            return True
        if self.fs_group_policy != "ReadWriteOnceWithFSType":
            return None if self.fs_group_policy is None else False
        of_one_node = "ReadWriteOnce" in access_modes or ("ReadWriteOncePod" in access_modes and target >= (1, 32))
        if not of_one_node:
            return False
        return True if has_fstype or self.default_fstype is not None else None

    def knows_parameter(self, name: str) -> bool | None:
        """Whether the driver has this class parameter, in any case; ``None`` where its list is unknown."""
        if self.parameters is None:
            return None
        wanted = name.lower()
        return any(known.lower() == wanted for known in self.parameters) or any(
            wanted.startswith(prefix.lower()) for prefix in self.parameter_prefixes
        )

    def knows_value(self, name: str, value: str) -> bool | None:
        """Whether the parameter accepts the value; ``None`` where its values cannot be listed or are unknown."""
        for known, parameter in (self.parameters or {}).items():
            if known.lower() == name.lower() and parameter.values:
                return value.lower() in {accepted.lower() for accepted in parameter.values}
        return None


class ApiWarning(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The text of a warning the API server sends, and the first version that sends it."""

    text: str
    since: Version | None = None


class RequiredField(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A field a volume source must have.

    ``name`` is the path below the source; alternatives of which exactly one must be present are written ``a|b``.
    ``only_in`` limits it to pods or to volumes. ``format`` is prose for the message.
    """

    name: str
    format: str | None = None
    only_in: Literal["pods", "volumes"] | None = None
    when: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The alternatives."""
        return tuple(self.name.split("|"))


class VolumePlugin(Row, frozen=True, kw_only=True):
    """A volume source of pods or of PersistentVolumes, and its in-tree plugin."""

    key: str
    in_pods: bool
    in_volumes: bool
    persistent: bool
    disk: bool = False
    rwo: bool | None = None
    rox: bool | None = None
    rwx: bool | None = None
    raw_block: bool | None = None
    redirect: str | None = None
    redirect_since: Version | None = None
    code_removed: Version | None = None
    deprecated: Version | None = None
    removed: Version | None = None
    disabled_by_default: Version | None = None
    successor: str | None = None
    provisioner: str | None = None
    pod_warnings: tuple[ApiWarning, ...] = ()
    volume_warnings: tuple[ApiWarning, ...] = ()
    required: tuple[RequiredField, ...] = ()
    mount_options: bool | None = None
    mount_options_annotation: bool | None = None
    fs_group_managed: bool | None = None
    recycler: bool = False
    deleter: bool | None = None
    deleter_pattern: str | None = None
    attachment: Attachment | None = None
    network_file_system: NetworkFileSystem | None = None
    read_only_shares: bool = False
    config: bool = False

    def does_nothing(self, target: Version) -> bool:
        """Whether the plugin is gone at the target and nothing stands in for it."""
        return self.removed is not None and target >= self.removed and self.redirect is None

    def redirected(self, target: Version) -> bool:
        """Whether the source works at the target only through the CSI driver it is redirected to."""
        return self.redirect is not None and self.redirect_since is not None and target >= self.redirect_since

    def warning(self, target: Version, *, volume: bool) -> str | None:
        """What the API server says at the target about the source in a pod, or in a PersistentVolume."""
        texts = self.volume_warnings if volume else self.pod_warnings
        due = [text for text in texts if text.since is None or target >= text.since]
        return max(due, key=lambda text: text.since or (0, 0)).text if due else None


class ApiVersion(Row, frozen=True, kw_only=True):
    """One version of a kind: when it was served, and what replaces it.

    ``custom`` marks a kind of a custom resource definition: ``served_since`` and ``removed`` are then no versions of
    Kubernetes, and ``served`` says whether the current definition serves it.
    """

    kind: str
    group_version: str
    served_since: Version | None = None
    deprecated: Version | None = None
    removed: Version | None = None
    replacement: str | None = None
    meaning: str | None = None
    custom: bool = False
    served: bool = True

    def served_at(self, target: Version) -> bool:
        """Whether a server of the target version accepts it."""
        return self.served and not self.is_newer_than(target) and (self.removed is None or target < self.removed)

    def is_newer_than(self, target: Version) -> bool:
        """Whether a server of the target version does not know it yet."""
        return self.served_since is not None and target < self.served_since

    def deprecated_at(self, target: Version) -> bool:
        """Whether a server of the target version warns about it."""
        return self.deprecated is not None and target >= self.deprecated


class Field(Row, frozen=True, kw_only=True):
    """A field, or a value of one (``accessModes=ReadWriteOncePod``), that came with a feature gate."""

    path: str
    kinds: tuple[str, ...] = ()
    gate: str | None = None
    alpha: Version | None = None
    beta: Version | None = None
    ga: Version | None = None
    on_by_default: Version | None = None
    switched_off: Version | None = None
    on_again: Version | None = None
    effect: Literal["dropped", "refused"] | None = None

    def on_at(self, target: Version) -> bool:
        """Whether a cluster of the target version honours the field without changing gates."""
        if self.on_by_default is None or target < self.on_by_default:
            return False
        was_switched_off = self.switched_off is not None and target >= self.switched_off
        return not was_switched_off or (self.on_again is not None and target >= self.on_again)


class UpdateMessage(Row, frozen=True, kw_only=True):
    """What the API server answers to a forbidden change, in a range of versions (both ends belong to it)."""

    key: str
    text: str
    since: Version | None = None
    until: Version | None = None
    allowed: tuple[str, ...] = ()


class Default(Row, frozen=True, kw_only=True):
    """What the API server fills in for a field of a kind, or of a part that several kinds hold, where it is absent."""

    object: str
    path: str
    value: Any


class ObsoleteKey(Row, frozen=True, kw_only=True):
    """An annotation or label key that has been replaced."""

    key: str
    where: tuple[Literal["annotation", "node-label", "label"], ...]
    kinds: tuple[str, ...] = ()
    deprecated: Version | None = None
    removed: Version | None = None
    replacement: str | None = None
    replacement_is: Literal["field", "annotation", "label"] | None = None
    still_effective: bool | None = None
    wins_over_field: bool = False
    nodes_still_carry: bool | None = None
    only_nodes: str | None = None
    warning: str | None = None


class ClassName(Row, frozen=True, kw_only=True):
    """A StorageClass name that a platform or a project ships.

    A name has one row for each driver it stands for. ``ambiguous`` rows count only when the platform is known.
    """

    name: str
    platforms: tuple[str, ...] = ()
    driver: str | None = None
    binding_mode: BindingMode | None = None
    parameters: dict[str, str] = {}
    ambiguous: bool = False


class DefaultClass(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The default class of a platform in a range of versions (both ends belong to it)."""

    name: str | None
    since: Version | None = None
    until: Version | None = None


class PlatformDriver(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A driver of a platform, in a range of versions (both ends belong to it)."""

    name: str
    since: Version | None = None
    until: Version | None = None
    add_on: str | None = None


class Platform(Row, frozen=True, kw_only=True):
    """A Kubernetes distribution or a provider's service."""

    name: str
    aliases: tuple[str, ...] = ()
    default_class: tuple[DefaultClass, ...] = ()
    drivers_installed: tuple[PlatformDriver, ...] = ()
    drivers_add_on: tuple[PlatformDriver, ...] = ()
    assigns_fs_group: bool | None = None
    nodes: Nodes | None = None


class BackupKind(Row, frozen=True, kw_only=True):
    """A kind that backs up claims, and where it names what it saves.

    The fields are paths of the object. ``namespaces`` is a list of namespaces (absent or ``*`` = all);
    ``own_namespace`` means that it saves the namespace it is in.
    """

    kind: str
    group: str
    tool: str
    schedule: str | None = None
    namespaces: str | None = None
    excluded_namespaces: str | None = None
    own_namespace: bool = False
    claim: str | None = None
    claim_selector: str | None = None
    snapshot_class: str | None = None
