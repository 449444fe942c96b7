"""Containers of a workload, and what they mount."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from k8s_stateful_lint._patterns import regex
from k8s_stateful_lint.graph.databases import Database, server_in
from k8s_stateful_lint.graph.images import image_of, row_of
from k8s_stateful_lint.graph.paths import normalise
from k8s_stateful_lint.graph.remembered import Many, remembered
from k8s_stateful_lint.graph.settings import config_files, environment_of
from k8s_stateful_lint.model.pods import ContainerSpec, VolumeMount
from k8s_stateful_lint.model.resource import Place

if TYPE_CHECKING:
    from k8s_stateful_lint.graph.databases import Server
    from k8s_stateful_lint.graph.pod_volumes import PodVolume
    from k8s_stateful_lint.graph.settings import ConfigFiles, Environment
    from k8s_stateful_lint.graph.workloads import Workload
    from k8s_stateful_lint.knowledge.image_reference import ImageReference
    from k8s_stateful_lint.knowledge.images import Match
    from k8s_stateful_lint.reading import Route

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
        return image_of(self)

    @remembered
    def image_match(self) -> Match | None:
        """The row of the image table, with variant and version."""
        return row_of(self.workload.graph, self.image) if self.image is not None else None

    @remembered
    def server(self) -> Server | None:
        """The stateful server it runs, if it runs one that we know."""
        return server_in(self)

    @remembered
    def database(self) -> Database | None:
        """The server, if its data is one instance's own."""
        return self.server if isinstance(self.server, Database) else None

    @remembered
    def _environment(self) -> Environment:
        return environment_of(self.workload.graph, self)

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
        return config_files(self.workload.graph, self)

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
