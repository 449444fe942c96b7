"""Facts about a cluster, as kubectl printed them: what references are resolved against, and what nobody lints."""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from pathlib import Path

import msgspec

from k8s_stateful_lint.config import Config, ConfigError
from k8s_stateful_lint.model.decode import decode
from k8s_stateful_lint.model.resource import Resource
from k8s_stateful_lint.model.storage import StorageClassBody
from k8s_stateful_lint.reading import SourceFile, read

KINDS = ("StorageClass", "PersistentVolume", "PersistentVolumeClaim", "CSIDriver", "VolumeSnapshotClass")
"""What is taken from a file of facts; everything else in it is dropped at once."""

COMMAND = """\
{
  kubectl get storageclass,persistentvolume,csidriver -o yaml
  echo ---
  kubectl get persistentvolumeclaim --all-namespaces -o yaml
  echo ---
  # Fails harmlessly in a cluster without snapshots.
  kubectl get volumesnapshotclass -o yaml
} > cluster-facts.yaml
"""
_DEFAULT_CLASS = (
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
)


class ClusterFacts(msgspec.Struct, frozen=True, eq=False, dict=True):
    """The objects of a cluster that say something about storage.

    A kind of which there is no object says nothing: it may not have been asked for.
    """

    file: SourceFile
    resources: tuple[Resource, ...]
    others: int = 0

    def __contains__(self, resource: Resource) -> bool:
        """Whether an object is one of the cluster's."""
        return resource in self._members

    @cached_property
    def _members(self) -> frozenset[Resource]:
        return frozenset(self.resources)

    @cached_property
    def count(self) -> Counter[str]:
        """How many objects of each kind there are."""
        return Counter(resource.kind for resource in self.resources)

    def lists(self, kind: str) -> bool:
        """Whether the file says all there is of a kind that no manifest of the input makes by itself."""
        return kind in ("StorageClass", "VolumeSnapshotClass") and self.count[kind] > 0

    @cached_property
    def default_class(self) -> str | None:
        """The default class, or ``none``; None where the file has no class at all.

        Of several marked ones the newest is taken. Source: kubernetes pkg/volume/util/storageclass.go,
        GetDefaultClass, since 1.26.
        """
        marked = [
            (str(resource.get("metadata", "creationTimestamp") or ""), resource.name)
            for resource in self.resources
            if resource.kind == "StorageClass"
            and any(resource.metadata.annotations.get(key) == "true" for key in _DEFAULT_CLASS)
        ]
        if marked:
            # Of two that are equally old, the first by name.
            newest = max(created for created, _ in marked)
            return min(name for created, name in marked if created == newest)
        return "none" if self.count["StorageClass"] else None

    def applied_to(self, config: Config) -> Config:
        """The configuration with what the cluster says; what the configuration says itself stays."""
        cluster = config.cluster
        classes = {
            resource.name: resource.body.provisioner
            for resource in self.resources
            if isinstance(resource.body, StorageClassBody)
        }
        drivers = tuple(resource.name for resource in self.resources if resource.kind == "CSIDriver")
        told = msgspec.structs.replace(
            cluster,
            default_class=cluster.default_class or self.default_class,
            storage_classes=classes if cluster.storage_classes is None and classes else cluster.storage_classes,
            drivers=drivers if cluster.drivers is None and drivers else cluster.drivers,
        )
        return msgspec.structs.replace(config, cluster=told)


def read_facts(path: str) -> ClusterFacts:
    """Read what kubectl printed into a file.

    Raises:
        ConfigError: it cannot be read, or holds no such objects. No message tells what stands in the file.

    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read the cluster facts {path}: {(error.strerror or '').lower()}") from error
    file = SourceFile(path, data)
    reading = read(file)
    if data.lstrip()[:5] in (b"NAME ", b"NAMES"):
        raise ConfigError(f"{path}:1: this is a table for people: add -o yaml to the kubectl command")
    for fault in reading.faults:
        raise ConfigError(f"{path}:{fault.line}:{fault.column}: these cluster facts are no valid YAML or JSON; {_HINT}")
    found = [resource for document in reading.documents for resource in decode(document)]
    wanted = tuple(resource for resource in found if resource.kind in KINDS and resource.name)
    if not wanted:
        raise ConfigError(f"{path}: there is none of {', '.join(KINDS)} in this file; {_HINT}")
    return ClusterFacts(file, wanted, len(found) - len(wanted))


_HINT = "`k8s-stateful-lint facts` prints the command that makes one"
