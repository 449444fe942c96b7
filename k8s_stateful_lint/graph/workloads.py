"""Workloads and what is inside them: containers, volumes, mounts; and the objects that select or scale them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Literal

from k8s_stateful_lint.graph.containers import Container, Mount
from k8s_stateful_lint.graph.node import NOWHERE, Node, Resolution
from k8s_stateful_lint.graph.once import once
from k8s_stateful_lint.graph.pod_volumes import PodVolume
from k8s_stateful_lint.graph.pods import PodCount, Rollout, count_pods, rollout_of
from k8s_stateful_lint.graph.remembered import remembered
from k8s_stateful_lint.graph.storage import Claim
from k8s_stateful_lint.model.base import LabelSelector
from k8s_stateful_lint.model.placeholders import is_placeholder
from k8s_stateful_lint.model.pods import PodSpec, PodTemplate
from k8s_stateful_lint.model.quantities import whole_number
from k8s_stateful_lint.model.raw import entries
from k8s_stateful_lint.model.resource import Place
from k8s_stateful_lint.model.workloads import (
    ControllerBody,
    ControllerSpec,
    CronJobBody,
    JobBody,
    JobSpec,
    PodBody,
    WorkloadBody,
    WorkloadSpec,
)

if TYPE_CHECKING:
    from k8s_stateful_lint.graph.databases import Database, Server
    from k8s_stateful_lint.graph.graph import Graph
    from k8s_stateful_lint.graph.selectors import Autoscaler, DisruptionBudget, Service
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
        ordinals, number = self.ordinals if isinstance(self, StatefulSet) else None, whole_number(ordinal)
        return number is not None and (ordinals is None or number in ordinals)

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
        return self.graph.selections.services_of(self)

    @remembered
    def backup(self) -> Node | None:
        """An object of the input that backs up its namespace or one of its claims."""
        from k8s_stateful_lint.graph.backups import backup_of  # backups.py builds on storage.py

        return backup_of(self)

    @property
    def budgets(self) -> tuple[DisruptionBudget, ...]:
        """PodDisruptionBudgets that select its pods."""
        return self.graph.selections.budgets_of(self)


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


@once
def _service_names(graph: Graph, units: frozenset[str]) -> frozenset[str]:
    return frozenset(service.name for service in graph.services if service.name and not units.isdisjoint(service.units))


def _starts(name: str) -> Iterator[str]:
    """A name, and what of it stands before each hyphen: ``db`` and ``db-headless``."""
    yield from (name[: hyphen.start()] for hyphen in re.finditer("-", name))
    yield name


def _only_hostname(expressions: tuple[Any, ...]) -> str | None:
    for requirement in expressions:
        if requirement.key == HOSTNAME and requirement.operator == "In" and len(requirement.values) == 1:
            return str(requirement.values[0])
    return None
