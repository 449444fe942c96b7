"""Workloads and what is inside them: containers, volumes, mounts; and the objects that select or scale them."""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Literal

from k8s_stateful_lint._patterns import regex
from k8s_stateful_lint.graph.node import NOWHERE, Node, Resolution
from k8s_stateful_lint.graph.once import once
from k8s_stateful_lint.graph.pods import PodCount, Rollout, autoscaler_bounds, count_pods, rollout_of
from k8s_stateful_lint.graph.remembered import Many, remembered
from k8s_stateful_lint.graph.storage import ROX, RWX, Attachment, Claim, PersistentVolume
from k8s_stateful_lint.model.base import LabelSelector
from k8s_stateful_lint.model.placeholders import is_placeholder
from k8s_stateful_lint.model.pods import ContainerSpec, PodSpec, PodTemplate, VolumeMount, VolumeSpec
from k8s_stateful_lint.model.raw import entries
from k8s_stateful_lint.model.resource import Place
from k8s_stateful_lint.model.workloads import (
    ControllerBody,
    ControllerSpec,
    CronJobBody,
    DisruptionBudgetBody,
    HorizontalPodAutoscalerBody,
    JobBody,
    JobSpec,
    PodBody,
    ScaledObjectBody,
    ServiceBody,
    WorkloadBody,
    WorkloadSpec,
)

if TYPE_CHECKING:
    from k8s_stateful_lint.graph.databases import Database, Server
    from k8s_stateful_lint.graph.graph import Graph
    from k8s_stateful_lint.graph.settings import ConfigFiles, Environment
    from k8s_stateful_lint.knowledge import VolumePlugin
    from k8s_stateful_lint.knowledge.image_reference import ImageReference
    from k8s_stateful_lint.knowledge.images import Match
    from k8s_stateful_lint.reading import Route

# Labels that controllers put on pods: a selector may use them although no template writes them.
# Source: kubernetes pkg/controller/statefulset/stateful_set_utils.go, apps/v1 and batch/v1 well-known labels.
CONTROLLER_LABELS = frozenset(
    {
        "statefulset.kubernetes.io/pod-name",
        "apps.kubernetes.io/pod-index",
        "controller-revision-hash",
        "pod-template-hash",
        "pod-template-generation",
        "job-name",
        "controller-uid",
        "batch.kubernetes.io/job-name",
        "batch.kubernetes.io/controller-uid",
        "batch.kubernetes.io/job-completion-index",
    }
)
# fieldRef paths that differ from pod to pod.
_PER_POD_FIELDS = frozenset(
    {
        "metadata.name",
        "metadata.uid",
        "metadata.labels['apps.kubernetes.io/pod-index']",
        "metadata.labels['statefulset.kubernetes.io/pod-name']",
    }
)
_VARIABLE = regex(r"\$\(([A-Za-z_][\w.-]*)\)")
HOSTNAME = "kubernetes.io/hostname"
_LONGEST_NAME = 253
# A Pod has labels of its own, and jobs get a selector and labels from the server.
_NEEDS_NO_LABELS = frozenset({"Pod", "Job", "CronJob"})
# So few volumes of a pod are gone through; indexes are only made of more.
_FEW_VOLUMES = 8


class Workload(Node):
    """Anything that makes pods. A StatefulSet is the subclass :class:`StatefulSet`."""

    @remembered
    def template_route(self) -> Route:
        """The way to the pod template."""
        match self.kind:
            case "Pod":
                return ()
            case "CronJob":
                return ("spec", "jobTemplate", "spec", "template")
            case _:
                return ("spec", "template")

    @remembered
    def template(self) -> PodTemplate:
        """The pod template; for a Pod the object itself."""
        match self.resource.body:
            case PodBody() as pod:
                return PodTemplate(metadata=pod.metadata, spec=pod.spec)
            case CronJobBody() as cron_job:
                return cron_job.spec.job_template.spec.template
            case WorkloadBody() | ControllerBody() | JobBody() as body:
                return body.spec.template
            case _:
                return PodTemplate()

    @property
    def pod_spec(self) -> PodSpec:
        """``spec`` of the pod template."""
        return self.template.spec

    @property
    def template_labels(self) -> dict[str, str]:
        """The labels its pods get from the template."""
        return self.template.metadata.labels

    @property
    def template_annotations(self) -> dict[str, str]:
        """The annotations its pods get from the template."""
        return self.template.metadata.annotations

    @property
    def spec(self) -> WorkloadSpec | None:
        """``spec`` of a Deployment, ReplicaSet, StatefulSet or DaemonSet; None for other kinds."""
        return self.resource.body.spec if isinstance(self.resource.body, WorkloadBody) else None

    @property
    def scale_spec(self) -> WorkloadSpec | ControllerSpec | None:
        """The ``spec`` that has ``replicas``."""
        body = self.resource.body
        return body.spec if isinstance(body, WorkloadBody | ControllerBody) else None

    @property
    def job_spec(self) -> JobSpec:
        """``spec`` of a Job, or of the Jobs a CronJob makes."""
        body = self.resource.body
        if isinstance(body, CronJobBody):
            return body.spec.job_template.spec
        return body.spec if isinstance(body, JobBody) else JobSpec()

    def template_at(self, *route: str | int, part: Literal["value", "key", "entry"] = "value") -> Place:
        """A field below the pod template (``T.`` of the catalogue)."""
        return self.at(*self.template_route, *route, part=part)

    @remembered
    def is_partial(self) -> bool:
        """Also a workload none of whose containers has an image is a patch."""
        return not any(container.image for container in self.pod_spec.containers) or super().is_partial

    # Pods -----------------------------------------------------------------------------------------------------------

    @property
    def autoscaler(self) -> Autoscaler | None:
        """The autoscaler whose target this is."""
        return self.graph.autoscaler_of(self)

    @remembered
    def pods(self) -> PodCount | None:
        """How many pods there may be at once; None where that cannot be known."""
        return count_pods(self)

    @property
    def has_conflicting_replicas(self) -> bool:
        """Whether kustomizations set different counts."""
        return len(self.graph.units.replicas(self.resource.path, self.name)) > 1

    @property
    def max_pods(self) -> int | None:
        """The most pods at once; None = unknown."""
        return self.pods.maximum if self.pods else None

    @property
    def min_pods(self) -> int | None:
        """The fewest pods in normal operation; None = unknown."""
        return self.pods.minimum if self.pods else None

    @remembered
    def rollout(self) -> Rollout | None:
        """How a Deployment replaces pods; None for other kinds and unreadable numbers."""
        return rollout_of(self)

    @property
    def pinned_to(self) -> str | None:
        """What keeps all pods on one and the same node, in words; None where nothing does.

        Two workloads with the same answer are on the same node, except for "its own pods".
        """
        if self.graph.config.cluster.nodes == "one":
            return "the only node"
        spec = self.pod_spec
        if spec.node_name:
            return f"node {spec.node_name}"
        if HOSTNAME in spec.node_selector:
            return f"node {spec.node_selector[HOSTNAME]}"
        required = spec.affinity.node_affinity.required
        if required is not None and required.node_selector_terms:
            names = [_only_hostname(term.match_expressions) for term in required.node_selector_terms]
            if names[0] is not None and len(set(names)) == 1:
                return f"node {names[0]}"
        for term in spec.affinity.pod_affinity.required:
            if (
                term.topology_key == HOSTNAME
                and term.label_selector is not None
                and term.label_selector.matches(self.template_labels)
            ):
                return "its own pods"
        return None

    @property
    def is_pinned(self) -> bool:
        """Whether every pod must be on one and the same node."""
        return self.pinned_to is not None

    # Inside ---------------------------------------------------------------------------------------------------------

    @remembered
    def containers(self) -> tuple[Container, ...]:
        """The normal containers."""
        return tuple(Container(self, spec, index, is_init=False) for index, spec in enumerate(self.pod_spec.containers))

    @remembered
    def init_containers(self) -> tuple[Container, ...]:
        """The init containers, also those that stay as sidecars."""
        return tuple(
            Container(self, spec, index, is_init=True) for index, spec in enumerate(self.pod_spec.init_containers)
        )

    @property
    def all_containers(self) -> tuple[Container, ...]:
        """Init containers and containers."""
        return self.init_containers + self.containers

    @property
    def claim_templates(self) -> tuple[Claim, ...]:
        """``volumeClaimTemplates``: only a StatefulSet has any."""
        return ()

    @remembered
    def volumes(self) -> tuple[PodVolume, ...]:
        """What its pods can mount: claim templates, and the entries of ``volumes`` that no template replaces."""
        templates = {template.name: template for template in self.claim_templates}
        own = tuple(volume for volume in self._written_volumes if volume.name not in templates)
        return tuple(PodVolume(self, template=template) for template in self.claim_templates) + own

    @property
    def dead_volumes(self) -> tuple[PodVolume, ...]:
        """Entries of ``volumes`` that a claim template of the same name silently replaces."""
        names = {template.name for template in self.claim_templates}
        return () if not names else tuple(volume for volume in self._written_volumes if volume.name in names)

    @remembered
    def _written_volumes(self) -> tuple[PodVolume, ...]:
        return tuple(PodVolume(self, spec=spec, index=index) for index, spec in enumerate(self.pod_spec.volumes))

    def volume(self, name: str) -> PodVolume | None:
        """The volume that a mount of this name gets."""
        if len(self.volumes) <= _FEW_VOLUMES:
            return next((volume for volume in self.volumes if volume.name == name), None)
        return self._volumes_by_name.get(name)

    @remembered
    def _volumes_by_name(self) -> dict[str, PodVolume]:
        return {volume.name: volume for volume in reversed(self.volumes)}

    @remembered
    def has_dangling_storage(self) -> bool:
        """Whether storage was meant but is not connected: a mount without its volume, an unused claim."""
        if any(mount.volume is None for container in self.containers for mount in container.mounts):
            return True
        return any(
            volume.source is None or ((volume.is_claim_reference or volume.template is not None) and not volume.is_used)
            for volume in self.volumes
        )

    @remembered
    def has_unknown_volumes(self) -> bool:
        """Whether a name of a volume, or the list of them, is a placeholder or could not be understood."""
        lists = ((*self.template_route, "spec", "volumes"), ("spec", "volumeClaimTemplates"))
        return any(is_placeholder(volume.name) for volume in self.volumes) or any(
            self.resource.is_unknown(*route) for route in (*lists, *(volume.name_route for volume in self.volumes))
        )

    @property
    def is_without_labels(self) -> bool:
        """Whether neither a selector nor labels for the pods are written: only a patch can do without both."""
        return (
            self.kind not in _NEEDS_NO_LABELS
            and self.resource.get("spec", "selector") is None
            and self.resource.get(*self.template_route, "metadata", "labels") is None
        )

    @remembered
    def written_containers(self) -> tuple[tuple[Route, dict[str, Any]], ...]:
        """Init containers and containers as they are written, with their routes."""
        pod: Route = (*self.template_route, "spec")
        return tuple(
            ((*pod, field, index), container)
            for field in ("initContainers", "containers")
            for index, container in entries(self.resource.get(*pod, field))
        )

    @property
    def mounts(self) -> Iterator[Mount]:
        """Every mount of every container."""
        for container in self.all_containers:
            yield from container.mounts

    @remembered
    def _mounts_by_volume(self) -> dict[PodVolume, list[Mount]]:
        index: dict[PodVolume, list[Mount]] = defaultdict(list)
        for mount in self.mounts:
            if mount.volume is not None:
                index[mount.volume].append(mount)
        return index

    def mounts_of(self, volume: PodVolume) -> tuple[Mount, ...]:
        """Every mount of one of its volumes, in any container."""
        if len(self.volumes) <= _FEW_VOLUMES:
            return tuple(mount for mount in self.mounts if mount.volume is volume)
        return tuple(self._mounts_by_volume.get(volume, ()))

    @property
    def undefined_volumes(self) -> tuple[str, ...]:
        """The names under which something is mounted that the workload does not define."""
        return tuple(dict.fromkeys(mount.name for mount in self.mounts if mount.volume is None))

    @property
    def has_unknown_mounts(self) -> bool:
        """Whether the mounts of a container could not be read."""
        fields = ("volumeMounts", "volumeDevices")
        return any(container.is_unknown(field) for container in self.all_containers for field in fields)

    @property
    def devices(self) -> frozenset[str]:
        """The names of the volumes that a container has as a device."""
        return frozenset(device.name for container in self.all_containers for device in container.spec.volume_devices)

    @remembered
    def has_persistent_mount(self) -> bool:
        """Whether some container mounts storage that outlives the pod."""
        return any(mount.is_persistent for mount in self.mounts)

    @remembered
    def keeps_data(self) -> bool:
        """Whether its pods keep data: a DaemonSet mounts directories of the node to manage it."""
        return any(
            mount.is_persistent
            and not (self.kind == "DaemonSet" and mount.volume is not None and mount.volume.source_key == "hostPath")
            for mount in self.mounts
        )

    @remembered
    def servers(self) -> tuple[Server, ...]:
        """Containers that run the server of a known stateful image."""
        return tuple(container.server for container in self.containers if container.server is not None)

    @property
    def runs_only_caches(self) -> bool:
        """Whether every known server in it may lose its data; False where no server is known."""
        return bool(self.servers) and all(server.class_ == "cache" for server in self.servers)

    @remembered
    def databases(self) -> tuple[Database, ...]:
        """Servers whose data is one instance's own (class single, quorum or ring)."""
        return tuple(container.database for container in self.containers if container.database is not None)

    @remembered
    def data_volumes(self) -> frozenset[PodVolume]:
        """The volumes in which a known server keeps its data."""
        return frozenset(volume for server in self.servers for volume in server.data_volumes)

    def databases_on(self, volume: PodVolume) -> list[Database]:
        """The databases whose data is on one of its volumes."""
        return [database for database in self.databases if volume in database.data_volumes]

    # Neighbours -----------------------------------------------------------------------------------------------------

    def is_selected_by(self, selector: LabelSelector) -> bool:
        """Whether a selector matches the pods: template labels, and labels that controllers add."""
        labels = dict(self.template_labels)
        for key in selector.keys & CONTROLLER_LABELS:
            wanted = selector.match_labels.get(key)
            if wanted is not None and self._may_have(key, wanted):
                labels[key] = wanted
        return selector.matches(labels)

    def _may_have(self, key: str, value: str) -> bool:
        if key in self.template_labels:
            return self.template_labels[key] == value
        if key == "statefulset.kubernetes.io/pod-name":
            name, _, ordinal = value.rpartition("-")
            return name == self.name and self._may_be_numbered(ordinal)
        if key == "apps.kubernetes.io/pod-index":
            return self._may_be_numbered(value)
        if key in {"job-name", "batch.kubernetes.io/job-name"}:
            return self.kind == "Job" and value == self.name
        return True

    def _may_be_numbered(self, ordinal: str) -> bool:
        ordinals = self.ordinals if isinstance(self, StatefulSet) else None
        return ordinal.isdecimal() and (ordinals is None or int(ordinal) in ordinals)

    def sees(self, other: Node) -> bool:
        """Whether a label selector of ``other`` reaches the pods: same written namespace, else same unit."""
        if self.graph.is_alternative(self, other):
            return False
        if self.namespace is None or other.namespace is None:
            return self.shares_unit(other)
        # Unrelated projects all write `default`: it joins nothing that is not deployed together.
        return self.namespace == other.namespace and (self.namespace != "default" or self.shares_unit(other))

    @property
    def services(self) -> tuple[Service, ...]:
        """Services that select its pods."""
        return self.graph.services_of(self)

    @remembered
    def backup(self) -> Node | None:
        """An object of the input that backs up its namespace or one of its claims."""
        from k8s_stateful_lint.graph.backups import backup_of  # backups.py builds on storage.py

        return backup_of(self)

    @property
    def budgets(self) -> tuple[DisruptionBudget, ...]:
        """PodDisruptionBudgets that select its pods."""
        return self.graph.budgets_of(self)


class StatefulSet(Workload):
    """A StatefulSet, or its ancestor PetSet."""

    @property
    def spec(self) -> WorkloadSpec:
        """``spec``."""
        assert isinstance(self.resource.body, WorkloadBody)
        return self.resource.body.spec

    @remembered
    def claim_templates(self) -> tuple[Claim, ...]:
        """``volumeClaimTemplates``: each makes one claim a pod."""
        return tuple(
            Claim(
                self.graph,
                self.resource,
                shape="template",
                route=("spec", "volumeClaimTemplates", index),
                metadata=template.metadata,
                spec=template.spec,
                workload=self,
            )
            for index, template in enumerate(self.spec.volume_claim_templates)
        )

    @property
    def service_name(self) -> str:
        """``serviceName``; empty where absent."""
        return self.spec.service_name or ""

    @remembered
    def governing_service(self) -> Resolution[Service]:
        """The Service that ``serviceName`` names, when it is in the input."""
        return self.graph.service(self.service_name, self) if self.service_name else NOWHERE

    def deletes_claims(self, when: Literal["whenDeleted", "whenScaled"]) -> bool:
        """Whether the retention policy deletes claims then; clusters heed it since 1.27 (StatefulSetAutoDeletePVC)."""
        policy = self.spec.persistent_volume_claim_retention_policy
        if policy is None or self.graph.target < (1, 27):
            return False
        return (policy.when_deleted if when == "whenDeleted" else policy.when_scaled) == "Delete"

    def claims_of(self, template: Claim, ordinals: Iterable[int] | None = None) -> tuple[str, ...]:
        """The names of the claims that a template makes; one where the number of pods is unknown."""
        numbers = ordinals if ordinals is not None else self.ordinals or range(1)
        return tuple(f"{template.name}-{self.deployed_name}-{number}" for number in numbers)

    @property
    def ordinals(self) -> range | None:
        """The ordinals its pods may have; None where the number of pods is unknown."""
        if self.pods is None:
            return None
        start = self.spec.ordinals.start
        return range(start, start + self.pods.maximum)

    @property
    def uses_peer_names(self) -> bool:
        """Whether its configuration addresses single pods by name (``db-0.db``)."""
        if not self.name:
            return False
        names = {self.service_name} if self.service_name else _service_names(self.graph, self.units)
        pattern = re.compile(
            rf"(?:{re.escape(self.name)}-\d+|\$\(POD_NAME\)|\$[({{]HOSTNAME[)}}])\.(?:(\$[({{])|([\w-]{{1,{_LONGEST_NAME}}}))"
        )
        found = (match for text in self.configuration_texts for match in pattern.finditer(text))
        return any(match[1] or not names.isdisjoint(_starts(match[2])) for match in found)

    @property
    def configuration_texts(self) -> tuple[str, ...]:
        """Environment values, commands, arguments, and ConfigMaps the containers use."""
        texts: list[str] = []
        for container in self.all_containers:
            texts.extend(variable.value for variable in container.spec.env if variable.value)
            texts.extend(container.spec.command or ())
            texts.extend(container.spec.args or ())
            texts.extend(container.config_texts.values())
        return tuple(texts)


class Container(Many):
    """A container of a workload."""

    def __init__(self, workload: Workload, spec: ContainerSpec, index: int, *, is_init: bool) -> None:
        """Wrap a container; ``index`` is its place in its list."""
        self.workload = workload
        self.spec = spec
        self.index = index
        self.is_init = is_init

    @property
    def name(self) -> str:
        """The container's name."""
        return self.spec.name

    @property
    def route(self) -> Route:
        """The way to the container from its resource."""
        field = "initContainers" if self.is_init else "containers"
        return (*self.workload.template_route, "spec", field, self.index)

    def at(self, *route: str | int, part: Literal["value", "key", "entry"] = "value") -> Place:
        """A field of the container."""
        return self.workload.at(*self.route, *route, part=part)

    def is_unknown(self, *route: str | int) -> bool:
        """Whether a field is written but cannot be understood."""
        return self.workload.resource.is_unknown(*self.route, *route)

    @remembered
    def mounts(self) -> tuple[Mount, ...]:
        """Its volume mounts."""
        return tuple(Mount(self, spec, index) for index, spec in enumerate(self.spec.volume_mounts))

    @remembered
    def image(self) -> ImageReference | None:
        """The image, after ``images:`` of the kustomizations that build it; None for a placeholder or several."""
        return self.workload.graph.image_of(self)

    @remembered
    def image_match(self) -> Match | None:
        """The row of the image table, with variant and version."""
        return self.workload.graph.match_image(self.image) if self.image is not None else None

    @remembered
    def server(self) -> Server | None:
        """The stateful server it runs, if it runs one that we know."""
        return self.workload.graph.server_in(self)

    @remembered
    def database(self) -> Database | None:
        """The server, if its data is one instance's own."""
        from k8s_stateful_lint.graph.databases import Database  # databases.py builds on this module

        return self.server if isinstance(self.server, Database) else None

    @remembered
    def _environment(self) -> Environment:
        return self.workload.graph.environment_of_container(self)

    @property
    def environment(self) -> dict[str, str | None]:
        """Literal environment variables; None for a value that comes from elsewhere."""
        return self._environment.values

    @property
    def has_unknown_environment(self) -> bool:
        """Whether ``envFrom`` brings variables that are not in the input."""
        return self._environment.has_unknown

    @remembered
    def _config_files(self) -> ConfigFiles:
        return self.workload.graph.config_files(self)

    @property
    def config_texts(self) -> dict[str, str]:
        """Files that ConfigMaps of the input put into the container: path to text."""
        return self._config_files.texts

    @property
    def unknown_config_paths(self) -> tuple[str, ...]:
        """Where ConfigMaps, Secrets or prepared directories are mounted whose content is not in the input."""
        return self._config_files.unknown

    @property
    def run_as_user(self) -> int | None:
        """The user id that the manifest sets: the container's wins over the pod's."""
        own = self.spec.security_context.run_as_user
        return own if own is not None else self.workload.pod_spec.security_context.run_as_user

    @property
    def run_as_non_root(self) -> bool | None:
        """``runAsNonRoot`` in effect."""
        own = self.spec.security_context.run_as_non_root
        return own if own is not None else self.workload.pod_spec.security_context.run_as_non_root

    @property
    def words(self) -> tuple[str, ...]:
        """Command and arguments, one after the other."""
        return (*(self.spec.command or ()), *(self.spec.args or ()))


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


class Mount(Many):
    """One container's mount of one volume."""

    def __init__(self, container: Container, spec: VolumeMount, index: int) -> None:
        """Wrap a volume mount; ``index`` is its place in ``volumeMounts``."""
        self.container = container
        self.spec = spec
        self.index = index

    @property
    def workload(self) -> Workload:
        """The workload it is in."""
        return self.container.workload

    @property
    def name(self) -> str:
        """The name of the volume."""
        return self.spec.name

    @property
    def route(self) -> Route:
        """The way to the mount from its resource."""
        return (*self.container.route, "volumeMounts", self.index)

    def at(self, *route: str | int, part: Literal["value", "key", "entry"] = "value") -> Place:
        """A field of the mount."""
        return self.workload.at(*self.route, *route, part=part)

    @remembered
    def volume(self) -> PodVolume | None:
        """The volume, if the workload defines it."""
        return self.workload.volume(self.spec.name)

    @property
    def path(self) -> str:
        """The mount path, normalised (no trailing slash, no doubled one)."""
        return normalise(self.spec.mount_path)

    @property
    def is_writable(self) -> bool:
        """Whether neither the mount nor the source is read-only."""
        return not self.spec.read_only and not (self.volume is not None and self.volume.is_read_only)

    @property
    def is_persistent(self) -> bool:
        """Whether what is written there outlives the pod."""
        return self.volume is not None and self.volume.is_persistent

    @property
    def has_sub_path(self) -> bool:
        """Whether only a part of the volume is mounted."""
        return bool(self.spec.sub_path or self.spec.sub_path_expr)

    @remembered
    def is_per_pod(self) -> bool:
        """Whether ``subPathExpr`` gives every pod a directory of its own."""
        names = set(_VARIABLE.findall(self.spec.sub_path_expr))
        return any(
            variable.name in names
            and isinstance(variable.value_from, dict)
            and isinstance(reference := variable.value_from.get("fieldRef"), dict)
            and str(reference.get("fieldPath")) in _PER_POD_FIELDS
            for variable in self.container.spec.env
        )


class Service(Node):
    """A Service of the input."""

    @property
    def body(self) -> ServiceBody:
        """The typed object."""
        assert isinstance(self.resource.body, ServiceBody)
        return self.resource.body

    @property
    def is_headless(self) -> bool:
        """Whether it has no virtual IP (``clusterIP: None``)."""
        return self.body.spec.cluster_ip == "None"

    @property
    def is_external(self) -> bool:
        """Whether it is a name for something outside the cluster."""
        return self.body.spec.type == "ExternalName"

    @property
    def selector(self) -> dict[str, str]:
        """The labels it selects; empty where it has no selector."""
        return self.body.spec.selector

    def selects(self, workload: Workload) -> bool:
        """Whether its selector matches the workload's pods (namespaces left aside)."""
        return bool(self.selector) and workload.is_selected_by(LabelSelector(match_labels=self.selector))

    @remembered
    def workloads(self) -> tuple[Workload, ...]:
        """Workloads whose pods it selects: of its unit, or of its written namespace."""
        if not self.selector:
            return ()
        return self.graph.workloads_selected_by(self, LabelSelector(match_labels=self.selector))

    @remembered
    def stateful_sets(self) -> tuple[StatefulSet, ...]:
        """StatefulSets that name it as their governing Service."""
        return self.graph.governed_by(self)


class DisruptionBudget(Node):
    """A PodDisruptionBudget of the input."""

    @property
    def body(self) -> DisruptionBudgetBody:
        """The typed object."""
        assert isinstance(self.resource.body, DisruptionBudgetBody)
        return self.resource.body

    @property
    def selector(self) -> LabelSelector | None:
        """The selector; None selects nothing in policy/v1, and so does an empty one in policy/v1beta1."""
        selector = self.body.spec.selector
        if selector is not None and selector.is_empty and self.resource.api_version == "policy/v1beta1":
            return None
        return selector

    @remembered
    def workloads(self) -> tuple[Workload, ...]:
        """Workloads whose pods it selects (Jobs and CronJobs left aside)."""
        selector = self.selector
        if selector is None:
            return ()
        return self.graph.workloads_selected_by(self, selector, without=frozenset({"Job", "CronJob"}))


class Autoscaler(Node):
    """A HorizontalPodAutoscaler or a KEDA ScaledObject of the input."""

    @property
    def target(self) -> tuple[str, str]:
        """Kind and name of what it scales."""
        body = self.resource.body
        if isinstance(body, HorizontalPodAutoscalerBody):
            reference = body.spec.scale_target_ref
            return reference.kind, reference.name
        assert isinstance(body, ScaledObjectBody)
        reference = body.spec.scale_target_ref
        return reference.kind or "Deployment", reference.name

    @remembered
    def bounds(self) -> tuple[int, int] | None:
        """Minimum and maximum of replicas; None where one cannot be read."""
        return autoscaler_bounds(self)

    @property
    def maximum_place(self) -> Place:
        """Where the maximum is written."""
        keda = isinstance(self.resource.body, ScaledObjectBody)
        return self.at("spec", "maxReplicaCount" if keda else "maxReplicas")

    @remembered
    def workloads(self) -> tuple[Workload, ...]:
        """The workloads it scales (one, unless the input defines it several times)."""
        return self.graph.scaled_by(self)


class Kustomization(Node):
    """A kustomization of the input."""


class Namespace(Node):
    """A Namespace of the input."""


@once
def _service_names(graph: Graph, units: frozenset[str]) -> frozenset[str]:
    return frozenset(service.name for service in graph.services if service.name and not units.isdisjoint(service.units))


def _starts(name: str) -> Iterator[str]:
    """A name, and what of it stands before each hyphen: ``db`` and ``db-headless``."""
    yield from (name[: hyphen.start()] for hyphen in re.finditer("-", name))
    yield name


def normalise(path: str) -> str:
    """A container path without trailing or doubled slashes; empty stays empty."""
    return posixpath.normpath(re.sub(r"/+", "/", path)) if path else ""


def is_below(path: str, ancestor: str) -> bool:
    """Whether a normalised path equals another or lies below it."""
    return path == ancestor or path.startswith(ancestor.rstrip("/") + "/")


def _only_hostname(expressions: tuple[Any, ...]) -> str | None:
    for requirement in expressions:
        if requirement.key == HOSTNAME and requirement.operator == "In" and len(requirement.values) == 1:
            return str(requirement.values[0])
    return None


def _named(metadata: Any, name: str) -> Any:
    return type(metadata)(
        name=name, namespace=metadata.namespace, labels=metadata.labels, annotations=metadata.annotations
    )
