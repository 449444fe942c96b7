"""Containers that run a known stateful server, and where their data really is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from k8s_stateful_lint.graph.paths import is_below, normalise
from k8s_stateful_lint.graph.remembered import Many, remembered
from k8s_stateful_lint.knowledge import image_process, images

if TYPE_CHECKING:
    from k8s_stateful_lint.graph.containers import Container, Mount
    from k8s_stateful_lint.graph.pod_volumes import PodVolume
    from k8s_stateful_lint.graph.workloads import Workload

_SERVER_KINDS = frozenset(
    {"Deployment", "ReplicaSet", "ReplicationController", "StatefulSet", "PetSet", "DaemonSet", "Pod"}
)
_DATABASE_CLASSES = frozenset({"single", "quorum", "ring"})


class DataPlacement(msgspec.Struct, frozen=True):
    """A data directory and the mount that covers it.

    ``hidden_by`` is the image VOLUME that lies between a parent mount and the directory: containerd puts an anonymous
    directory there, so the mount does not cover the data (``mount`` is None then, ``parent`` the mount that does not).
    """

    directory: image_process.DataDirectory
    mount: Mount | None
    parent: Mount | None = None
    hidden_by: str | None = None

    @property
    def volume(self) -> PodVolume | None:
        """The volume the data is on."""
        return self.mount.volume if self.mount is not None else None


class Server(Many):
    """A normal container that runs the server of an image in the table. Clients, routers and Jobs are none."""

    def __init__(self, container: Container, match: images.Match, settings: image_process.ProcessSettings) -> None:
        """Join a container with its image's row."""
        self.container = container
        self.match = match
        self.settings = settings

    def __repr__(self) -> str:
        """Workload and image, for people who debug a rule."""
        return f"<{type(self).__name__} {self.entry.key} in {self.workload.label}>"

    @property
    def workload(self) -> Workload:
        """The workload it is in."""
        return self.container.workload

    @property
    def entry(self) -> images.ImageEntry:
        """The row of the image table."""
        return self.match.entry

    @property
    def product(self) -> str:
        """How messages call it: the image as written."""
        return self.container.spec.image or self.entry.key

    @remembered
    def class_(self) -> images.ImageClass:
        """The class after the switches that can be seen (see the image table)."""
        return image_process.effective_class(
            self.match, self.settings, any(m.is_persistent for m in self.container.mounts)
        )

    @property
    def is_database(self) -> bool:
        """Whether its data is one instance's own: class single, quorum or ring."""
        return self.class_ in _DATABASE_CLASSES

    @property
    def weak(self) -> int:
        """Steps of confidence a finding about it loses: an image known only through a mirror, settings out of sight."""
        return int(not self.match.exact) + int(self.settings.env_from_unknown)

    @property
    def is_unverified(self) -> bool:
        """Whether the row is general knowledge only: findings are of low confidence and at most warnings."""
        return self.entry.status == "unverified"

    @remembered
    def data(self) -> tuple[DataPlacement, ...] | None:
        """Every data directory with the mount that covers it; None = cannot tell."""
        directories = image_process.data_directories(self.match, self.settings)
        return None if directories is None else tuple(self._place(directory) for directory in directories)

    def _place(self, directory: image_process.DataDirectory) -> DataPlacement:
        path = normalise(directory.path)
        over = [mount for mount in self.container.mounts if mount.path and is_below(path, mount.path)]
        if not over:
            return DataPlacement(directory, None)
        nearest = max(over, key=lambda mount: len(mount.path))
        if self.workload.graph.config.cluster.runtime == "containerd":
            mounted = {mount.path for mount in self.container.mounts}
            for declared in images.declared_volumes(self.match):
                volume = normalise(declared)
                between = is_below(volume, nearest.path) and volume != nearest.path and is_below(path, volume)
                if between and volume not in mounted:
                    return DataPlacement(directory, None, nearest, volume)
        return DataPlacement(directory, nearest)

    @remembered
    def data_mounts(self) -> tuple[Mount, ...]:
        """The mounts its data directories are on; empty where none is, or where that cannot be told."""
        return tuple(dict.fromkeys(place.mount for place in self.data or () if place.mount is not None))

    @remembered
    def data_volumes(self) -> tuple[PodVolume, ...]:
        """The volumes its data directories are on."""
        return tuple(dict.fromkeys(mount.volume for mount in self.data_mounts if mount.volume is not None))

    @property
    def has_persistent_data(self) -> bool:
        """Whether some data directory is on storage that outlives the pod."""
        return any(mount.is_persistent for mount in self.data_mounts)

    @remembered
    def votes(self) -> bool | None:
        """Whether it is a voting member of a quorum; None = cannot tell."""
        return image_process.votes(self.match, self.settings) if self.class_ == "quorum" else False

    @remembered
    def user(self) -> images.User | None:
        """Which user the image runs as; None = unknown."""
        return images.user_of(self.match)


class Database(Server):
    """A server of class single, quorum or ring: the subject of rules about databases."""


def server_in(container: Container) -> Server | None:
    """The stateful server that a container runs, if it runs one that is known."""
    workload = container.workload
    if container.is_init or workload.kind not in _SERVER_KINDS:
        return None
    if workload.kind == "Pod" and workload.pod_spec.restart_policy not in ("", "Always"):
        return None
    match = container.image_match
    if match is None:
        return None
    settings = image_process.ProcessSettings(
        command=container.spec.command,
        args=container.spec.args,
        env=container.environment,
        env_from_unknown=container.has_unknown_environment,
        config_texts=container.config_texts,
        unknown_config_paths=container.unknown_config_paths,
    )
    if not image_process.runs_server(match, settings):
        return None
    server = Server(container, match, settings)
    return Database(container, match, settings) if server.is_database else server
