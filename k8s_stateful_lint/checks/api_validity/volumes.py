"""Volumes and their sources, as the server validates them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from k8s_stateful_lint.checks.api_validity._common import ANCIENT, TEMPLATE_VALIDATED, without_backsteps
from k8s_stateful_lint.checks.finding import Finding, Related
from k8s_stateful_lint.checks.near_miss import edit_distance
from k8s_stateful_lint.graph import Node, PersistentVolume, PodVolume, StatefulSet
from k8s_stateful_lint.knowledge import VolumePlugin
from k8s_stateful_lint.model.placeholders import is_placeholder
from k8s_stateful_lint.model.resource import Place
from k8s_stateful_lint.reading import Route


def volume_without_source(volume: PodVolume) -> Iterator[Finding]:
    """The server takes a volume without a source that it knows for ``emptyDir: {}``."""
    entry = volume.workload.resource.get(*volume.route)
    if volume.template is not None or not isinstance(entry, dict) or volume.workload.resource.is_unknown(*volume.route):
        return
    if "emptyDir" in entry or _pod_sources(volume):
        return
    others = {key: value for key, value in entry.items() if key != "name"}
    if any(is_placeholder(key) or is_placeholder(value) for key, value in others.items()):
        return
    harm = "the API server makes it emptyDir: {}, and what is written there is gone with the pod"
    what = f"volume {volume.name} of {volume.workload.label}"
    if not others:
        yield Finding(
            place=volume.at(),
            message=f"{what} has only a name: {harm}",
            severity="warning",
            help="Write the source of the volume; emptyDir: {} if scratch space is meant.",
        )
        return
    empty = next((key for key, value in others.items() if value is None and _is_pod_source(volume, key)), None)
    if empty is not None:
        rest = next((key for key in others if key != empty), None)
        inside = f" ({rest} must be indented below it)" if rest is not None else ""
        yield Finding(
            place=volume.at(),
            message=f"the source {empty} of {what} has no value{inside}: {harm}",
            help=f"Write the fields of {empty} below it, indented.",
        )
        return
    for key, value in others.items():
        meant = _meant_source(volume, key, value)
        if meant is not None or not isinstance(value, dict):
            did_you_mean = f" (did you mean {meant}?)" if meant else ""
            yield Finding(
                place=volume.at(),
                message=f"{what} has no source that pods know: {key} is none{did_you_mean}; the field is refused or "
                f"dropped, and when it is dropped {harm}",
                help=f"Write {meant} instead of {key}." if meant else None,
            )
            return


def _is_pod_source(volume: PodVolume, key: str) -> bool:
    plugin = volume.workload.graph.knowledge.plugin(key)
    return plugin is not None and plugin.in_pods


def _pod_sources(volume: PodVolume) -> list[str]:
    """The keys of all sources with a value."""
    entry = volume.workload.resource.get(*volume.route)
    if volume.template is not None or not isinstance(entry, dict):
        return []
    return [key for key, value in entry.items() if value is not None and _is_pod_source(volume, key)]


def _meant_source(volume: PodVolume, key: str, value: object) -> str | None:
    """The source that was probably meant by a key the API does not have."""
    known = [plugin.key for plugin in volume.workload.graph.knowledge.plugins if plugin.in_pods]
    if isinstance(value, dict) and "claimName" in value:
        return "persistentVolumeClaim"
    if key == "claimName":
        return "persistentVolumeClaim with claimName below it"
    if key in ("volumeClaimTemplate", "volumeClaimTemplates"):
        return "ephemeral with volumeClaimTemplate below it"
    if key == "local":
        return "hostPath"
    return _nearest(key, known)


def _nearest(key: str, known: list[str]) -> str | None:
    limit = max(1, min(3, len(key) // 4))
    ranked = sorted((edit_distance(key.lower(), name.lower(), limit), name) for name in known)
    return ranked[0][1] if ranked and ranked[0][0] <= limit else None


def invalid_volume_source(subject: PodVolume | PersistentVolume) -> Iterator[Finding]:
    """Two sources, none, or one with a field that is missing or impossible."""
    if isinstance(subject, PersistentVolume):
        spec = subject.resource.get("spec")
        if subject.resource.api_version in ANCIENT:
            return
        if not isinstance(spec, dict) and (spec is not None or subject.is_partial):
            return
        keys = [key for key, value in (spec or {}).items() if value is not None and _is_volume_source(subject, key)]
        source = _Source(subject, ("spec",), subject.label, in_pod=False)
        if not keys and not subject.is_partial and not any(map(is_placeholder, spec or {})):
            yield _missing_source(subject, spec or {})
        # The server has no such check where it looks at flexVolume.
        yield from _two_sources(source, [key for key in keys if key != "flexVolume"])
    else:
        keys = _pod_sources(subject)
        what = f"volume {subject.name} of {subject.workload.label}"
        source = _Source(subject.workload, subject.route, what, in_pod=True)
        yield from _two_sources(source, keys)
        yield from _claim_of_ephemeral_volume(subject)
    for key in keys:
        yield from _source_problems(source, key)


class _Source(msgspec.Struct, frozen=True):
    """Where a volume source is written."""

    owner: Node
    route: Route
    what: str
    in_pod: bool

    def at(self, *route: str | int) -> Place:
        return self.owner.at(*self.route, *route)

    def get(self, *route: str | int) -> Any:
        return self.owner.resource.get(*self.route, *route)

    def refuses(self, field: str, message: str) -> str:
        """A message about a field that the API server refuses."""
        text = f"{field} of {self.what}: {message}"
        if self.in_pod and isinstance(self.owner, StatefulSet) and self.owner.graph.target < TEMPLATE_VALIDATED:
            return f"{text} (the StatefulSet is accepted, but its pods are never created)"
        return f"{text} (the API server refuses the object)"


def _is_volume_source(volume: PersistentVolume, key: str) -> bool:
    plugin = volume.graph.knowledge.plugin(key)
    return plugin is not None and plugin.in_volumes


def _missing_source(volume: PersistentVolume, spec: Mapping[str, Any]) -> Finding:
    known = [plugin.key for plugin in volume.graph.knowledge.plugins if plugin.in_volumes]
    empty = next((key for key in spec if key in known), None)
    near = next(((key, name) for key in spec if key not in _VOLUME_FIELDS and (name := _nearest(key, known))), None)
    hint = f", its {empty} has no value" if empty else f", {near[0]} is none (did you mean {near[1]}?)" if near else ""
    return Finding(
        place=volume.at("spec", empty) if empty else volume.at("spec", part="key"),
        message=f"{volume.label} has no volume source{hint}: the API server refuses it (must specify a volume type)",
        help="Write where the data is: csi, nfs, local ...",
    )


_VOLUME_FIELDS = frozenset(
    {
        "accessModes",
        "capacity",
        "claimRef",
        "mountOptions",
        "nodeAffinity",
        "persistentVolumeReclaimPolicy",
        "storageClassName",
        "volumeAttributesClassName",
        "volumeMode",
    }
)


def _two_sources(source: _Source, keys: list[str]) -> Iterator[Finding]:
    for key in keys[1:]:
        yield Finding(
            place=source.owner.at(*source.route, key, part="key"),
            message=source.refuses(key, f"may not specify more than 1 volume type, there is {keys[0]} already"),
            related=(Related(source.owner.at(*source.route, keys[0], part="key"), "the other source"),),
            help=f"Remove {keys[0]} or {key}.",
        )


def _claim_of_ephemeral_volume(volume: PodVolume) -> Iterator[Finding]:
    pod = volume.workload
    prefix = f"{pod.name}-"
    if pod.kind != "Pod" or not pod.name or not volume.claim_name.startswith(prefix):
        return
    other = pod.volume(volume.claim_name.removeprefix(prefix))
    if other is not None and other.spec.ephemeral is not None:
        yield Finding(
            place=volume.at("persistentVolumeClaim", "claimName"),
            message=f"volume {volume.name} of {pod.label} refers to the claim {volume.claim_name}, which is made "
            f"for its ephemeral volume {other.name}: must not reference a PVC that gets created for an ephemeral "
            "volume",
            related=(Related(other.at("name"), "the ephemeral volume"),),
            help=f"Mount the volume {other.name}.",
        )


def _source_problems(source: _Source, key: str) -> Iterator[Finding]:
    value = source.get(key)
    plugin = source.owner.graph.knowledge.plugin(key)
    if plugin is None or not isinstance(value, dict) or source.owner.resource.is_unknown(*source.route, key):
        return
    if not source.owner.is_partial:
        yield from _missing_fields(source, plugin, value)
    for field, check in _FORMATS.get(key, ()):
        written = value.get(field)
        if written is None or written == "" or is_placeholder(written):
            continue
        message = check(written)
        if message is not None:
            yield Finding(place=source.at(key, field), message=source.refuses(f"{key}.{field} {written}", message))
    if key == "ephemeral":
        yield from _ephemeral_metadata(source)
    elif key == "emptyDir":
        yield from _medium(source, value.get("medium"))


def _missing_fields(source: _Source, plugin: VolumePlugin, value: Mapping[str, Any]) -> Iterator[Finding]:
    for field in plugin.required:
        if field.only_in is not None and (field.only_in == "pods") != source.in_pod:
            continue
        # An empty mapping is there: Go has a pointer to it.
        conditions = [value.get(key) for key in (field.when or "").split(" or ")]
        if field.when == "present" or (field.when and all(found in (None, False, "", []) for found in conditions)):
            continue
        routes = [tuple(name.split(".")) for name in field.names]
        written = [route for route in routes if _below(value, route) not in (None, "", [])]
        unknown = any(source.owner.resource.is_unknown(*source.route, plugin.key, *route) for route in routes)
        if unknown or len(written) == 1:
            continue
        if written:
            message = f"{' and '.join(field.names)} can not both be specified"
            yield Finding(place=source.at(plugin.key, *written[1]), message=source.refuses(plugin.key, message))
            continue
        message = f"{' or '.join(field.names)} must be set (Required value)"
        is_misnamed = plugin.key == "secret" and isinstance(value.get("name"), str)
        yield Finding(
            place=source.at(plugin.key, *routes[0]),
            message=source.refuses(plugin.key, message),
            help="Write secretName instead of name." if is_misnamed else None,
        )


def _below(value: Any, route: tuple[str, ...]) -> Any:
    for step in route:
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _ephemeral_metadata(source: _Source) -> Iterator[Finding]:
    metadata = source.get("ephemeral", "volumeClaimTemplate", "metadata")
    for field, value in metadata.items() if isinstance(metadata, dict) else ():
        if field not in {"labels", "annotations"} and value not in (None, "", {}, []):
            yield Finding(
                place=source.at("ephemeral", "volumeClaimTemplate", "metadata", field),
                message=source.refuses(f"the ephemeral claim's metadata.{field}", "cannot be set"),
                help="Remove it: the claim is named after pod and volume; only labels and annotations are taken over.",
            )


def _medium(source: _Source, medium: object) -> Iterator[Finding]:
    """The API server takes every medium, kubelet does not (pkg/volume/emptydir/empty_dir.go)."""
    if not isinstance(medium, str) or not medium or is_placeholder(medium):
        return
    if medium not in {"Memory", "HugePages"} and not medium.startswith("HugePages-"):
        yield Finding(
            place=source.at("emptyDir", "medium"),
            message=f"emptyDir.medium {medium} of {source.what}: the object is accepted, but its pods never start "
            f'(unknown storage medium "{medium}")',
        )


def _absolute(path: object) -> str | None:
    return "must be an absolute path" if isinstance(path, str) and not path.startswith("/") else None


def _byte(number: object) -> str | None:
    if isinstance(number, bool) or not isinstance(number, int):
        return None
    return None if 0 <= number <= 255 else "must be between 0 and 255, inclusive"


def _iqn(name: object) -> str | None:
    return "must be valid format" if isinstance(name, str) and not name.startswith(("iqn.", "eui.", "naa.")) else None


def _one_of(*values: str) -> Callable[[object], str | None]:
    listed = ", ".join(f'"{value}"' for value in values)
    return lambda value: f"Unsupported value, supported values: {listed}" if value not in values else None


_HOST_PATH_TYPES = ("DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket", "CharDevice", "BlockDevice")
# Source: kubernetes pkg/apis/core/validation/validation.go.
_FORMATS: dict[str, tuple[tuple[str, Callable[[object], str | None]], ...]] = {
    "hostPath": (("path", without_backsteps), ("type", _one_of(*_HOST_PATH_TYPES))),
    "local": (("path", without_backsteps),),
    "nfs": (("path", _absolute),),
    "iscsi": (("iqn", _iqn), ("lun", _byte)),
    "fc": (("lun", _byte),),
    "awsElasticBlockStore": (("partition", _byte),),
    "gcePersistentDisk": (("partition", _byte),),
    "azureDisk": (
        ("cachingMode", _one_of("None", "ReadOnly", "ReadWrite")),
        ("kind", _one_of("Shared", "Dedicated", "Managed")),
    ),
    "image": (("pullPolicy", _one_of("Always", "Never", "IfNotPresent")),),
    "gitRepo": (("directory", without_backsteps),),
}
