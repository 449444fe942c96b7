"""Pods: containers, mounts, volumes, placement (API group core/v1)."""

from typing import Any

import msgspec

from k8s_stateful_lint._nothing import NOTHING
from k8s_stateful_lint.model.base import ApiStruct, LabelSelector, Metadata, SelectorRequirement
from k8s_stateful_lint.model.storage import ClaimSpec

IntOrString = int | str


class EnvVar(ApiStruct, frozen=True):
    """``env[i]``; ``value_from`` stays raw because only a few rules look into it."""

    name: str = ""
    value: str | None = None
    value_from: dict[str, Any] | None = None


class EnvFrom(ApiStruct, frozen=True):
    """``envFrom[i]``."""

    prefix: str = ""
    config_map_ref: dict[str, Any] | None = None
    secret_ref: dict[str, Any] | None = None


class VolumeMount(ApiStruct, frozen=True):
    """``volumeMounts[i]``."""

    name: str = ""
    mount_path: str = ""
    sub_path: str = ""
    sub_path_expr: str = ""
    read_only: bool = False
    mount_propagation: str = ""
    recursive_read_only: str = ""


class VolumeDevice(ApiStruct, frozen=True):
    """``volumeDevices[i]``: a block volume without a file system."""

    name: str = ""
    device_path: str = ""


class Resources(ApiStruct, frozen=True):
    """``resources``: quantities as written."""

    requests: dict[str, str | int | float] = NOTHING
    limits: dict[str, str | int | float] = NOTHING


class ExecAction(ApiStruct, frozen=True):
    """A command run in the container."""

    command: tuple[str, ...] = ()


class HttpGetAction(ApiStruct, frozen=True):
    """An HTTP request to the container."""

    path: str = ""
    port: IntOrString | None = None


class Probe(ApiStruct, frozen=True):
    """A liveness, readiness or startup probe; numbers are seconds or counts, None means the API's default."""

    exec: ExecAction | None = None
    http_get: HttpGetAction | None = None
    tcp_socket: dict[str, Any] | None = None
    grpc: dict[str, Any] | None = None
    initial_delay_seconds: int | None = None
    period_seconds: int | None = None
    timeout_seconds: int | None = None
    failure_threshold: int | None = None


class SleepAction(ApiStruct, frozen=True):
    """``preStop.sleep``."""

    seconds: int = 0


class LifecycleHandler(ApiStruct, frozen=True):
    """``lifecycle.preStop`` or ``.postStart``."""

    exec: ExecAction | None = None
    http_get: HttpGetAction | None = None
    sleep: SleepAction | None = None


class Lifecycle(ApiStruct, frozen=True):
    """``lifecycle``."""

    pre_stop: LifecycleHandler | None = None
    post_start: LifecycleHandler | None = None


class Capabilities(ApiStruct, frozen=True):
    """``securityContext.capabilities``."""

    add: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()


class ContainerSecurity(ApiStruct, frozen=True):
    """A container's ``securityContext``; it wins over the pod's."""

    run_as_user: int | None = None
    run_as_group: int | None = None
    run_as_non_root: bool | None = None
    read_only_root_filesystem: bool | None = None
    privileged: bool | None = None
    capabilities: Capabilities | None = None


class PodSecurity(ApiStruct, frozen=True):
    """A pod's ``securityContext``."""

    run_as_user: int | None = None
    run_as_group: int | None = None
    run_as_non_root: bool | None = None
    fs_group: int | None = None
    fs_group_change_policy: str | None = None
    supplemental_groups: tuple[int, ...] = ()


class ContainerSpec(ApiStruct, frozen=True):
    """One of ``containers`` or ``initContainers``."""

    name: str = ""
    image: str = ""
    command: tuple[str, ...] | None = None
    args: tuple[str, ...] | None = None
    working_dir: str = ""
    env: tuple[EnvVar, ...] = ()
    env_from: tuple[EnvFrom, ...] = ()
    volume_mounts: tuple[VolumeMount, ...] = ()
    volume_devices: tuple[VolumeDevice, ...] = ()
    resources: Resources = Resources()
    liveness_probe: Probe | None = None
    readiness_probe: Probe | None = None
    startup_probe: Probe | None = None
    lifecycle: Lifecycle | None = None
    security_context: ContainerSecurity = ContainerSecurity()
    restart_policy: str = ""


class HostPathSource(ApiStruct, frozen=True):
    """A directory or file of the node."""

    path: str = ""
    type: str = ""


class EmptyDirSource(ApiStruct, frozen=True):
    """A directory that lives as long as the pod."""

    medium: str = ""
    size_limit: str | int | float | None = None


class ClaimSource(ApiStruct, frozen=True):
    """``persistentVolumeClaim`` of a pod volume."""

    claim_name: str = ""
    read_only: bool = False


class EphemeralClaimTemplate(ApiStruct, frozen=True):
    """The claim template of a generic ephemeral volume."""

    metadata: Metadata = Metadata()
    spec: ClaimSpec = ClaimSpec()


class EphemeralSource(ApiStruct, frozen=True):
    """A generic ephemeral volume: its claim dies with the pod."""

    volume_claim_template: EphemeralClaimTemplate = EphemeralClaimTemplate()


class VolumeSpec(ApiStruct, frozen=True):
    """``volumes[i]``: the sources that rules look into are typed, the others are found through the raw manifest."""

    name: str = ""
    persistent_volume_claim: ClaimSource | None = None
    host_path: HostPathSource | None = None
    empty_dir: EmptyDirSource | None = None
    ephemeral: EphemeralSource | None = None
    config_map: dict[str, Any] | None = None
    secret: dict[str, Any] | None = None
    projected: dict[str, Any] | None = None
    nfs: dict[str, Any] | None = None
    csi: dict[str, Any] | None = None


class NodeSelectorTerm(ApiStruct, frozen=True):
    """One alternative of a node selector: all its requirements must hold."""

    match_expressions: tuple[SelectorRequirement, ...] = ()
    match_fields: tuple[SelectorRequirement, ...] = ()


class NodeSelector(ApiStruct, frozen=True):
    """Terms of which one must hold."""

    node_selector_terms: tuple[NodeSelectorTerm, ...] = ()


class NodeAffinity(ApiStruct, frozen=True):
    """``affinity.nodeAffinity``."""

    required: NodeSelector | None = msgspec.field(name="requiredDuringSchedulingIgnoredDuringExecution", default=None)


class PodAffinityTerm(ApiStruct, frozen=True):
    """Pods that this selector matches in one topology domain; a null selector matches none."""

    label_selector: LabelSelector | None = None
    topology_key: str = ""
    namespaces: tuple[str, ...] = ()


class WeightedPodAffinityTerm(ApiStruct, frozen=True):
    """A preferred term."""

    pod_affinity_term: PodAffinityTerm = PodAffinityTerm()


class PodAffinity(ApiStruct, frozen=True):
    """``affinity.podAffinity`` or ``.podAntiAffinity``."""

    required: tuple[PodAffinityTerm, ...] = msgspec.field(
        name="requiredDuringSchedulingIgnoredDuringExecution", default=()
    )
    preferred: tuple[WeightedPodAffinityTerm, ...] = msgspec.field(
        name="preferredDuringSchedulingIgnoredDuringExecution", default=()
    )


class Affinity(ApiStruct, frozen=True):
    """``affinity``."""

    node_affinity: NodeAffinity = NodeAffinity()
    pod_affinity: PodAffinity = PodAffinity()
    pod_anti_affinity: PodAffinity = PodAffinity()


class TopologySpreadConstraint(ApiStruct, frozen=True):
    """``topologySpreadConstraints[i]``."""

    label_selector: LabelSelector | None = None
    topology_key: str = ""
    max_skew: int = 1
    when_unsatisfiable: str = "DoNotSchedule"


class PodSpec(ApiStruct, frozen=True):
    """``spec`` of a pod or of a pod template."""

    containers: tuple[ContainerSpec, ...] = ()
    init_containers: tuple[ContainerSpec, ...] = ()
    volumes: tuple[VolumeSpec, ...] = ()
    node_name: str = ""
    node_selector: dict[str, str] = NOTHING
    affinity: Affinity = Affinity()
    topology_spread_constraints: tuple[TopologySpreadConstraint, ...] = ()
    security_context: PodSecurity = PodSecurity()
    termination_grace_period_seconds: int | None = None
    restart_policy: str = ""
    hostname: str = ""
    subdomain: str = ""
    service_account_name: str = ""
    enable_service_links: bool | None = None
    active_deadline_seconds: int | None = None


class PodTemplate(ApiStruct, frozen=True):
    """``template`` of a workload."""

    metadata: Metadata = Metadata()
    spec: PodSpec = PodSpec()
