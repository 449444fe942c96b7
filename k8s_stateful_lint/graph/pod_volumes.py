"""Volumes of a workload's pods, and the claims behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from k8s_stateful_lint.graph.node import NOWHERE, Resolution
from k8s_stateful_lint.graph.remembered import Many, remembered
from k8s_stateful_lint.graph.storage import ROX, RWX, Attachment, Claim, PersistentVolume
from k8s_stateful_lint.model.placeholders import is_placeholder
from k8s_stateful_lint.model.pods import VolumeSpec
from k8s_stateful_lint.model.resource import Place

if TYPE_CHECKING:
    from k8s_stateful_lint.graph.containers import Mount
    from k8s_stateful_lint.graph.workloads import Workload
    from k8s_stateful_lint.knowledge import VolumePlugin
    from k8s_stateful_lint.reading import Route


class PodVolume(Many):
    """One volume of one workload: an entry of ``volumes``, or a claim template."""

    def __init__(
        self, workload: Workload, *, spec: VolumeSpec | None = None, index: int = 0, template: Claim | None = None
    ) -> None:
        """Wrap an entry of ``volumes`` (``spec`` and ``index``) or a claim template."""
        self.workload = workload
        self.spec = spec or VolumeSpec(name=template.name if template else "")
        self.index = index
        self.template = template

    def __repr__(self) -> str:
        """Workload and name, for people who debug a rule."""
        return f"<PodVolume {self.workload.label}/{self.name}>"

    @property
    def name(self) -> str:
        """The name that mounts use."""
        return self.spec.name

    @property
    def route(self) -> Route:
        """The way to the entry from its resource."""
        if self.template is not None:
            return self.template.route
        return (*self.workload.template_route, "spec", "volumes", self.index)

    @property
    def name_route(self) -> Route:
        """The way to its name from its resource."""
        return (*self.route, *(("metadata", "name") if self.template is not None else ("name",)))

    def at(self, *route: str | int, part: Literal["value", "key", "entry"] = "value") -> Place:
        """A field of the entry."""
        return self.workload.at(*self.route, *route, part=part)

    @remembered
    def source(self) -> tuple[str, Any] | None:
        """Key and value of the source; a claim template is ``("volumeClaimTemplate", None)``; None without a known one.

        A source key with a null value counts as absent.
        """
        if self.template is not None:
            return "volumeClaimTemplate", None
        entry = self.workload.resource.get(*self.route)
        if isinstance(entry, dict):
            for key, value in entry.items():
                if value is not None and self.workload.graph.knowledge.plugin(key) is not None:
                    return key, value
        return None

    @property
    def source_key(self) -> str | None:
        """The key of the source."""
        return self.source[0] if self.source else None

    @property
    def plugin(self) -> VolumePlugin | None:
        """The table row of the source."""
        return self.workload.graph.knowledge.plugin(self.source[0]) if self.source else None

    # The claim ------------------------------------------------------------------------------------------------------

    @property
    def is_claim_reference(self) -> bool:
        """Whether it names a claim."""
        return self.template is None and self.spec.persistent_volume_claim is not None

    @property
    def claim_name(self) -> str:
        """The name of the claim it refers to; empty for other volumes and for placeholders."""
        if self.template is not None or self.spec.persistent_volume_claim is None:
            return ""
        name = self.spec.persistent_volume_claim.claim_name
        return "" if is_placeholder(name) else name

    @remembered
    def resolution(self) -> Resolution[Claim]:
        """The claim behind a claim reference."""
        return self.workload.graph.claim(self.claim_name, self.workload) if self.claim_name else NOWHERE

    @remembered
    def claim(self) -> Claim | None:
        """The claim: referred to and in the input, or the template's, or the ephemeral volume's."""
        if self.template is not None:
            return self.template
        ephemeral = self.spec.ephemeral
        if ephemeral is not None:
            template = ephemeral.volume_claim_template
            return Claim(
                self.workload.graph,
                self.workload.resource,
                shape="ephemeral",
                route=(*self.route, "ephemeral", "volumeClaimTemplate"),
                metadata=_named(template.metadata, self.name),
                spec=template.spec,
                workload=self.workload,
            )
        return self.resolution.target

    @property
    def weak(self) -> int:
        """Steps of confidence a finding about the claim behind it loses."""
        return self.resolution.weak

    # What it is -----------------------------------------------------------------------------------------------------

    @remembered
    def mounts(self) -> tuple[Mount, ...]:
        """Every mount of it, in any container."""
        return self.workload.mounts_of(self)

    @property
    def is_used(self) -> bool:
        """Whether some container mounts it, as a file system or as a device."""
        return bool(self.mounts) or self.name in self.workload.devices

    @property
    def is_read_only(self) -> bool:
        """Whether the source itself forbids writing."""
        if self.spec.persistent_volume_claim is not None and self.template is None:
            return self.spec.persistent_volume_claim.read_only
        value = self.source[1] if self.source else None
        return isinstance(value, dict) and value.get("readOnly") is True

    @property
    def writable_mounts(self) -> tuple[Mount, ...]:
        """Mounts that may write."""
        return tuple(mount for mount in self.mounts if mount.is_writable)

    @property
    def is_persistent(self) -> bool:
        """Whether what is written outlives the pod."""
        if self.template is not None:
            return True
        return self.plugin is not None and self.plugin.persistent

    @property
    def modes(self) -> frozenset[str] | None:
        """The access modes of the claim behind a reference; None where unknown or where there is no claim reference."""
        return self.claim.modes if self.claim is not None else None

    @property
    def is_single_node(self) -> bool:
        """Whether only one node may use it at a time: a claim reference with such modes, or an inline disk.

        A claim template is one claim a pod, so it never counts here; nor do unknown modes.
        """
        if self.template is not None or self.spec.ephemeral is not None:
            return False
        if self.is_claim_reference:
            return self.modes is not None and not (self.modes & {RWX, ROX})
        plugin = self.plugin
        if plugin is None or not plugin.disk:
            return False
        return not (plugin.read_only_shares and self.is_read_only)

    @property
    def attachment(self) -> Attachment:
        """How it is attached to nodes; exclusive where nothing is known."""
        if self.claim is not None:
            return self.claim.attachment
        if self.is_claim_reference:
            return "exclusive"
        return (self.plugin.attachment if self.plugin else None) or "exclusive"

    @property
    def persistent_volume(self) -> PersistentVolume | None:
        """The paired PersistentVolume, when it is in the input."""
        return self.claim.volume if self.claim is not None else None

    @property
    def description(self) -> str:
        """How messages call it: ``claim data``, ``hostPath volume data``."""
        if self.is_claim_reference:
            return f"claim {self.claim_name}"
        if self.template is not None:
            return f"claim template {self.name}"
        return f"{self.source_key} volume {self.name}" if self.source_key else f"volume {self.name}"


def _named(metadata: Any, name: str) -> Any:
    return type(metadata)(
        name=name, namespace=metadata.namespace, labels=metadata.labels, annotations=metadata.annotations
    )
