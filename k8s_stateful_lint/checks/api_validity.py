"""Family api-validity: what the API server, the controllers or kubelet refuse or silently change."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

import msgspec

from k8s_stateful_lint._patterns import regex
from k8s_stateful_lint.checks import server
from k8s_stateful_lint.checks.finding import Finding, Related
from k8s_stateful_lint.checks.near_miss import edit_distance, is_near_miss
from k8s_stateful_lint.config import Severity
from k8s_stateful_lint.graph import (
    MODES,
    RWOP,
    Autoscaler,
    Claim,
    Container,
    DisruptionBudget,
    Graph,
    Kustomization,
    Mount,
    Node,
    PersistentVolume,
    PodVolume,
    Service,
    StatefulSet,
    StorageClass,
    VolumeSnapshot,
    VolumeSnapshotClass,
    Workload,
)
from k8s_stateful_lint.graph.once import once
from k8s_stateful_lint.knowledge import Field, VolumePlugin
from k8s_stateful_lint.knowledge.versions import format_version
from k8s_stateful_lint.model.placeholders import find_placeholder, is_placeholder, is_quantity_placeholder
from k8s_stateful_lint.model.quantities import QuantityError, parse_quantity, scaled
from k8s_stateful_lint.model.resource import Place, Resource, field_path
from k8s_stateful_lint.reading import Route

_DNS_LABEL = regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\Z")
_DNS_1035_LABEL = regex(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?\Z")
_SHORT_MODES = {"RWO": "ReadWriteOnce", "ROX": "ReadOnlyMany", "RWX": "ReadWriteMany", "RWOP": "ReadWriteOncePod"}
_MEBIBYTE = 2**20
# Kubernetes before 1.0, whose objects had other fields.
_ANCIENT = frozenset({"v1beta1", "v1beta2", "v1beta3"})
_WITH_SELECTOR = frozenset({"StatefulSet", "Deployment", "ReplicaSet", "DaemonSet"})

# StatefulSets: pkg/apis/apps/validation/validation.go; templates are validated on creation since 1.34.
_TEMPLATE_VALIDATED = (1, 34)
_NAME_VALIDATED = (1, 27)
_SERVICE_NAME_VALIDATED = (1, 33)
_RECREATE_KNOWN = (1, 37)
_SERVICE_NAMES_RELAXED = (1, 36)


def _shown(resource: Resource, route: Route) -> Place:
    """The place of a field: its value, or its key where the value goes over several lines."""
    return Place(resource, route, "key" if isinstance(resource.get(*route), dict | list) else "value")


# Mounts and volumes ---------------------------------------------------------------------------------------------------


# How many volumes a message lists, and among how many the one that was meant is sought.
_MOST_VOLUMES = 100


def mount_of_undefined_volume(container: Container) -> Iterator[Finding]:
    """A container mounts a volume that the pod does not have."""
    workload = container.workload
    if workload.has_unknown_volumes:
        return
    used = [(("volumeMounts", index), mount.name) for index, mount in enumerate(container.spec.volume_mounts)]
    used += [(("volumeDevices", index), device.name) for index, device in enumerate(container.spec.volume_devices)]
    for entry, name in used:
        route = (*entry, "name")
        if workload.volume(name) is not None or is_placeholder(name) or container.is_unknown(*route):
            continue
        if _is_patch_like(workload):
            continue
        near = _meant_volume(workload, name)
        refusal = _refusal(workload, f'Not found: "{name}"' if name else "name: Required value")
        names = [volume.name for volume in workload.volumes if volume.name]
        own = ", ".join(names[:_MOST_VOLUMES]) or "none"
        if len(names) > _MOST_VOLUMES:
            own += f" and {len(names) - _MOST_VOLUMES} more"
        yield Finding(
            place=container.at(*route),
            message=f"container {container.name} uses the volume {name or 'without a name'}, which {workload.label} "
            f"does not define: {refusal}",
            related=(Related(workload.at(*near.name_route), "probably this volume"),) if near else (),
            help=f"Write {near.name}, the name of the volume."
            if near
            else f"Add the volume, or write the name of another one; the pod has: {own}.",
        )


def _is_patch_like(workload: Workload) -> bool:
    """Whether neither a selector nor labels for the pods are written: only a patch can do without both."""
    return (
        workload.kind in _WITH_SELECTOR
        and workload.resource.get("spec", "selector") is None
        and workload.resource.get(*workload.template_route, "metadata", "labels") is None
        and not workload.graph.units.has_label_transformer(workload.resource.path)
    )


def _meant_volume(workload: Workload, name: str) -> PodVolume | None:
    """The volume whose claim has this name, whose own name is nearly this one, or the only one nobody mounts."""
    volumes = [volume for volume in workload.volumes if volume.name]
    if len(volumes) > _MOST_VOLUMES:
        return None
    unused = [volume for volume in volumes if not volume.is_used]
    return (
        next((volume for volume in volumes if name and volume.claim_name == name), None)
        or next((volume for volume in volumes if is_near_miss(name, volume.name)), None)
        or (unused[0] if len(unused) == 1 else None)
    )


def _refusal(workload: Workload, message: str) -> str:
    """What happens to a wrong pod template: the API server's words, or pods that never come."""
    if isinstance(workload, StatefulSet) and workload.graph.target < _TEMPLATE_VALIDATED:
        return f"the StatefulSet is accepted, but its pods are never created ({message})"
    return f"the API server refuses the object ({message})"


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


# Sources --------------------------------------------------------------------------------------------------------------


def invalid_volume_source(subject: PodVolume | PersistentVolume) -> Iterator[Finding]:
    """Two sources, none, or one with a field that is missing or impossible."""
    if isinstance(subject, PersistentVolume):
        spec = subject.resource.get("spec")
        if subject.resource.api_version in _ANCIENT:
            return
        if not isinstance(spec, dict) and (spec is not None or subject.is_partial):
            return
        keys = [key for key, value in (spec or {}).items() if value is not None and _is_volume_source(subject, key)]
        source = _Source(subject, ("spec",), subject.label, in_pod=False)
        if not keys and not subject.is_partial:
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
        if self.in_pod and isinstance(self.owner, StatefulSet) and self.owner.graph.target < _TEMPLATE_VALIDATED:
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
    if pod.kind != "Pod" or not pod.name or not volume.claim_name:
        return
    for other in pod.volumes:
        if other.spec.ephemeral is not None and volume.claim_name == f"{pod.name}-{other.name}":
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


def _missing_fields(source: _Source, plugin: VolumePlugin, value: Mapping[str, Any]) -> Iterator[Finding]:
    for field in plugin.required:
        if field.only_in is not None and (field.only_in == "pods") != source.in_pod:
            continue
        if field.when == "present" or (field.when and not any(value.get(key) for key in field.when.split(" or "))):
            continue
        routes = [tuple(name.split(".")) for name in field.names]
        written = [route for route in routes if _below(value, route) not in (None, "", [], {})]
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


def _without_backsteps(path: object) -> str | None:
    return "must not contain '..'" if isinstance(path, str) and ".." in path.split("/") else None


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


def _medium(medium: object) -> str | None:
    known = isinstance(medium, str) and (medium in {"Memory", "HugePages"} or medium.startswith("HugePages-"))
    return None if known else f'kubelet knows no such medium: unknown storage medium "{medium}"'


_HOST_PATH_TYPES = ("DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket", "CharDevice", "BlockDevice")
# Source: kubernetes pkg/apis/core/validation/validation.go; pkg/volume/emptydir/empty_dir.go for the medium.
_FORMATS: dict[str, tuple[tuple[str, Callable[[object], str | None]], ...]] = {
    "hostPath": (("path", _without_backsteps), ("type", _one_of(*_HOST_PATH_TYPES))),
    "local": (("path", _without_backsteps),),
    "nfs": (("path", _absolute),),
    "emptyDir": (("medium", _medium),),
    "iscsi": (("iqn", _iqn), ("lun", _byte)),
    "fc": (("lun", _byte),),
    "awsElasticBlockStore": (("partition", _byte),),
    "gcePersistentDisk": (("partition", _byte),),
    "azureDisk": (
        ("cachingMode", _one_of("None", "ReadOnly", "ReadWrite")),
        ("kind", _one_of("Shared", "Dedicated", "Managed")),
    ),
    "image": (("pullPolicy", _one_of("Always", "Never", "IfNotPresent")),),
    "gitRepo": (("directory", _without_backsteps),),
}


# Mounts ---------------------------------------------------------------------------------------------------------------


def invalid_volume_mount(container: Container) -> Iterator[Finding]:
    """Mounts and devices that the API server refuses, or that hide each other."""
    for mount in container.mounts:
        yield from _invalid_sub_path(mount)
    if container.workload.is_partial:
        return
    yield from _invalid_mount_paths(container)
    yield from _invalid_devices(container)
    for mount in container.mounts:
        yield from _invalid_mount_options(mount)


def _mount_finding(container: Container, field: str, index: int, message: str, *related: Related, help: str) -> Finding:
    return Finding(
        place=container.at(field, index),
        message=f"{_refused_field(container, field, index)}: {message} ({_refused(container.workload)})",
        related=related,
        help=help,
    )


def _refused_field(container: Container, field: str, index: int) -> str:
    kind = "mount" if field == "volumeMounts" else "device"
    name = container.workload.resource.get(*container.route, field, index, "name")
    return f"{kind} of volume {name} in container {container.name}"


def _refused(workload: Workload) -> str:
    if isinstance(workload, StatefulSet) and workload.graph.target < _TEMPLATE_VALIDATED:
        return "the StatefulSet is accepted, but its pods are never created"
    return "the API server refuses the object"


def _invalid_sub_path(mount: Mount) -> Iterator[Finding]:
    for field, path in (("subPath", mount.spec.sub_path), ("subPathExpr", mount.spec.sub_path_expr)):
        if field == "subPath" and is_placeholder(path):
            continue
        wrong = "must be a relative path" if path.startswith("/") else _without_backsteps(path)
        if wrong is not None:
            yield _mount_finding(
                mount.container,
                "volumeMounts",
                mount.index,
                f"{field} {path} {wrong}",
                help="Write the path below the root of the volume, without a leading slash and without `..`.",
            )


def _invalid_mount_paths(container: Container) -> Iterator[Finding]:
    raw: dict[str, Mount] = {}
    paths: dict[str, Mount] = {}
    for mount in container.mounts:
        path = mount.spec.mount_path
        if container.is_unknown("volumeMounts", mount.index, "mountPath") or is_placeholder(path):
            continue
        if not path:
            yield _mount_finding(
                container, "volumeMounts", mount.index, "mountPath: Required value", help="Write the mountPath."
            )
            continue
        same, equal = raw.setdefault(path, mount), paths.setdefault(mount.path, mount)
        if same is not mount:
            yield _mount_finding(
                container,
                "volumeMounts",
                mount.index,
                f'mountPath "{path}" must be unique',
                Related(same.at("mountPath"), "the first mount at this path"),
                help="Give every mount a path of its own.",
            )
        elif equal is not mount:
            yield Finding(
                place=mount.at(),
                message=f"container {container.name} mounts {mount.name} at {path} and {equal.name} at "
                f"{equal.spec.mount_path}, which are one directory: the API server compares only the text, and one "
                "mount hides the other",
                related=(Related(equal.at("mountPath"), "the other mount"),),
                severity="warning",
                help="Give every mount a path of its own.",
            )


def _invalid_devices(container: Container) -> Iterator[Finding]:
    mounts = {mount.name: mount for mount in container.mounts}
    paths: set[str] = {mount.spec.mount_path for mount in container.mounts if mount.spec.mount_path}
    names: set[str] = set()
    for index, device in enumerate(container.spec.volume_devices):
        if container.is_unknown("volumeDevices", index, "devicePath") or is_placeholder(device.device_path):
            continue
        volume = container.workload.volume(device.name)
        related: tuple[Related, ...] = ()
        if device.name in mounts:
            message = "a volume is either mounted or a device (must not already exist in volumeMounts)"
            related = (Related(mounts[device.name].at(), "the mount"),)
        elif device.name in names:
            message = "a container can use a volume as one device only (must be unique)"
        elif not device.device_path:
            message = "devicePath: Required value"
        elif device.device_path in paths:
            message = f'devicePath "{device.device_path}" must be unique'
        elif ".." in device.device_path.split("/"):
            message = "can not contain backsteps ('..')"
        elif volume is not None and not _may_be_device(volume):
            message = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode"
            related = (Related(volume.at("name"), "the volume"),)
        else:
            names.add(device.name)
            paths.add(device.device_path)
            continue
        yield _mount_finding(
            container,
            "volumeDevices",
            index,
            message,
            *related,
            help="Use a claim with volumeMode: Block in volumeDevices only, each with a devicePath of its own.",
        )


def _may_be_device(volume: PodVolume) -> bool:
    return volume.source_key in (None, "volumeClaimTemplate", "persistentVolumeClaim", "ephemeral")


def _invalid_mount_options(mount: Mount) -> Iterator[Finding]:
    container = mount.container
    route = ("volumeMounts", mount.index)
    privileged = container.spec.security_context.privileged
    if mount.spec.mount_propagation == "Bidirectional" and not privileged:
        if not container.is_unknown("securityContext", "privileged") and not container.is_unknown("securityContext"):
            yield _mount_finding(
                container,
                *route,
                "Bidirectional mount propagation is available only to privileged containers",
                help="Use HostToContainer, or run the container privileged.",
            )
        return
    if mount.spec.recursive_read_only in ("Enabled", "IfPossible") and not container.is_unknown(*route, "readOnly"):
        what = f"recursiveReadOnly: {mount.spec.recursive_read_only}"
        if not mount.spec.read_only:
            message = f"{what} may only be specified when readOnly is true"
            yield _mount_finding(container, *route, message, help="Add readOnly: true to the mount.")
        elif mount.spec.mount_propagation not in ("", "None"):
            message = f"{what} may only be specified when mountPropagation is None or not specified"
            yield _mount_finding(container, *route, message, help="Remove mountPropagation from the mount.")


# Claims and PersistentVolumes -----------------------------------------------------------------------------------------


def invalid_storage_quantity(subject: Claim | PersistentVolume | PodVolume) -> Iterator[Finding]:
    """Sizes that are no quantities, are zero, or hardly mean what they say."""
    if isinstance(subject, Claim):
        for field in ("requests", "limits"):
            route = (*subject.route, "spec", "resources", field, "storage")
            yield from _size_problems(subject, route, subject.label, positive=field == "requests")
    elif isinstance(subject, PersistentVolume):
        yield from _size_problems(subject, ("spec", "capacity", "storage"), subject.label, positive=True)
    elif subject.template is None and subject.source_key == "emptyDir":
        route = (*subject.route, "emptyDir", "sizeLimit")
        what = f"emptyDir volume {subject.name}"
        yield from _size_problems(subject.workload, route, what, positive=False, is_limit=True)


def _size_problems(node: Node, route: Route, what: str, *, positive: bool, is_limit: bool = False) -> Iterator[Finding]:
    written = node.resource.get(*route)
    if isinstance(written, bool) or not isinstance(written, str | int | float) or is_quantity_placeholder(written):
        return
    place, field = Place(node.resource, route), str(route[-1])
    likely = _likely_size(str(written))
    help = f"Write {likely}." if likely else None
    try:
        size = parse_quantity(written.strip() if isinstance(written, str) else written)
    except QuantityError as error:
        message = f'the size "{written}" of {what} is no quantity, so the API server refuses the object: {error}'
        yield Finding(place=place, message=message, help=help)
        return
    if size < 0 or (size == 0 and not is_limit):
        if positive:
            words = "must be greater than zero"
        elif is_limit:
            words = "SizeLimit field must be a valid resource quantity"
        else:
            words = "no claim can be that small"
        yield Finding(
            place=place,
            message=f'the {"limit" if not positive else "size"} "{written}" of {what} is refused: {words}',
            help="Write how much storage is needed, for example 8Gi.",
        )
    elif size != size.to_integral_value():
        yield Finding(
            place=place,
            message=f'{field} of {what}: fractional byte value "{written}" is invalid, must be an integer',
            severity="warning",
            help="Write a whole number of Mi or Gi; m means thousandths of a byte.",
        )
    elif 0 < size < _MEBIBYTE and (not is_limit or str(written).isdigit()):
        yield Finding(
            place=place,
            message=f'the size "{written}" of {what} is {int(size)} bytes: a unit such as Gi is probably missing',
            severity="warning",
            help=f"Write {written}Gi if gibibytes are meant." if str(written).isdigit() else None,
        )


def _likely_size(text: str) -> str | None:
    """What a text that is no quantity was probably meant to be."""
    found = re.match(r"\s*(\d+(?:\.\d+)?)\s*([kmgtpe])i?b?(?:ytes?)?\s*\Z", text, re.IGNORECASE)
    return f"{found[1]}{found[2].upper()}i" if found else None


def missing_required_storage_field(
    subject: Claim | PersistentVolume | StorageClass | VolumeSnapshot | VolumeSnapshotClass,
) -> Iterator[Finding]:
    """A field without which the API server refuses a storage object."""
    if subject.resource.api_version in _ANCIENT:
        return
    if isinstance(subject, Claim):
        yield from _missing_of_claim(subject)
        return
    required: tuple[tuple[Route, str], ...]
    match subject.kind:
        case "PersistentVolume":
            required = (
                (("spec", "capacity", "storage"), "spec.capacity: Required value"),
                (("spec", "accessModes"), "spec.accessModes: Required value"),
            )
        case "StorageClass":
            required = ((("provisioner",), "provisioner: Required value"),)
        case "VolumeSnapshotClass":
            required = (
                (("driver",), "driver: Required value"),
                (("deletionPolicy",), "deletionPolicy: Required value"),
            )
        case _:
            yield from _snapshot_source(subject)
            return
    for route, message in required:
        if _is_absent(subject, route):
            yield Finding(
                place=subject.at(*route),
                message=f"{subject.label} has no {_name_of(route)}: the API server refuses it ({message})",
                help=f"Add {_name_of(route)}.",
            )


def _missing_of_claim(claim: Claim) -> Iterator[Finding]:
    if claim.get() is None:  # invalid-volume-source says that the whole template is missing
        return
    effect = "the API server refuses it"
    if claim.shape == "template" and claim.graph.target < _TEMPLATE_VALIDATED:
        effect = "the StatefulSet is accepted, but its claims and so its pods are never created"
    for route, message in (
        (("spec", "accessModes"), "spec.accessModes: Required value: at least 1 access mode is required"),
        (("spec", "resources", "requests", "storage"), "spec.resources[storage]: Required value"),
    ):
        if _is_absent(claim, (*claim.route, *route)):
            of = f" of {claim.workload.label}" if claim.workload is not None else ""
            yield Finding(
                place=claim.at(*route),
                message=f"{claim.label}{of} has no {_name_of(route)}: {effect} ({message})",
                help="Add accessModes: [ReadWriteOnce], or the modes that are needed."
                if route[-1] == "accessModes"
                else "Add the size under resources.requests.storage.",
            )


def _snapshot_source(snapshot: Node) -> Iterator[Finding]:
    fields = ("persistentVolumeClaimName", "volumeSnapshotContentName")
    source = snapshot.resource.get("spec", "source")
    if snapshot.resource.api_version.endswith("alpha1") or (source is not None and not isinstance(source, dict)):
        return
    written = [field for field in fields if (source or {}).get(field)]
    if len(written) == 1 or (not written and _is_completed(snapshot, ("spec", "source"))):
        return
    words = "exactly one of volumeSnapshotContentName and persistentVolumeClaimName must be set"
    count = "two sources" if written else "no source"
    yield Finding(
        place=snapshot.at("spec", "source", written[1]) if written else snapshot.at("spec", "source"),
        message=f"{snapshot.label} has {count}: the API server refuses it ({words})",
        help="Write persistentVolumeClaimName for a new snapshot, volumeSnapshotContentName for an existing one.",
    )


def _name_of(route: Route) -> str:
    return ".".join(str(step) for step in route if step != "spec")


def _is_absent(node: Node, route: Route) -> bool:
    """Whether nothing is written at a route, and no other document of the object writes it."""
    resource = node.resource
    # An empty size is a wrong one (invalid-storage-quantity).
    nothing: tuple[object, ...] = (None,) if route[-1] == "storage" else (None, "", [], {})
    if resource.is_unknown(*route) or resource.get(*route) not in nothing:
        return False
    return not _is_completed(node, route)


def _is_completed(node: Node, route: Route) -> bool:
    """Whether another document of the unit has the same identity and the field."""
    name = node.resource.name
    if not name:
        return False
    writers = _writers(node.graph, node.resource.kind, name, node.namespace, node.units, route)
    return any(resource is not node.resource for resource in writers)


@once
def _writers(
    graph: Graph, kind: str, name: str, namespace: str | None, units: frozenset[str], route: Route
) -> list[Resource]:
    """The first two documents of an object that write a field."""
    found = (
        other.resource
        for other in graph.documents(kind, name)
        if (other.is_partial or not units.isdisjoint(other.units))
        and other.namespace in (namespace, None)
        and other.resource.get(*route) is not None
    )
    return list(islice(found, 2))


def invalid_access_modes(subject: Claim | PersistentVolume) -> Iterator[Finding]:
    """Modes that do not exist, or ReadWriteOncePod with others."""
    route: Route = (*subject.route, "spec", "accessModes") if isinstance(subject, Claim) else ("spec", "accessModes")
    modes = [
        mode
        for index, mode in enumerate(subject.spec.access_modes)
        if not subject.resource.is_unknown(*route, index) and not is_placeholder(mode)
    ]
    unknown = [mode for mode in dict.fromkeys(modes) if mode not in MODES]
    place = Place(subject.resource, route)
    if unknown:
        meant = {mode: long for mode in unknown if (long := _long_mode(mode))}
        advice = "; ".join(f"{long} instead of {mode}" for mode, long in meant.items())
        supported = ", ".join(f'"{mode}"' for mode in sorted(MODES))
        yield Finding(
            place=place,
            message=f"{subject.label} has an access mode that does not exist, so the API server refuses it: "
            f'Unsupported value: "{unknown[0]}": supported values: {supported}',
            help=f"Write {advice}." if advice else None,
        )
    elif RWOP in modes and any(mode != RWOP for mode in modes):
        yield Finding(
            place=place,
            message=f"{subject.label} asks for ReadWriteOncePod together with "
            f"{', '.join(mode for mode in modes if mode != RWOP)}, so the API server refuses it: may not use "
            "ReadWriteOncePod with other access modes",
            help="Keep ReadWriteOncePod alone, or remove it.",
        )


def _long_mode(mode: str) -> str | None:
    if mode.upper() in _SHORT_MODES:
        return _SHORT_MODES[mode.upper()]
    folded = re.sub(r"[^a-z]", "", mode.lower())
    return next((known for known in sorted(MODES) if edit_distance(folded, known.lower(), 2) <= 2), None)


def local_volume_not_pinned(volume: PersistentVolume) -> Iterator[Finding]:
    """A disk of one node that any node, or several, may be asked for."""
    if volume.resource.get("spec", "local") is None or volume.resource.is_unknown("spec", "nodeAffinity"):
        return
    required = volume.spec.node_affinity.required if volume.spec.node_affinity is not None else None
    if required is None:
        if not volume.resource.is_unknown("spec", "nodeAffinity", "required"):
            yield Finding(
                place=volume.at("spec", "nodeAffinity", part="key"),
                message=f"{volume.label} is a disk of one node but does not say which: the API server refuses it "
                "(Local volume requires node affinity)",
                help="Add nodeAffinity.required with the kubernetes.io/hostname of the node that has the disk.",
            )
        return
    names = sorted(name for name in volume.hostnames if not is_placeholder(name))
    terms = required.node_selector_terms
    if volume.graph.config.cluster.nodes == "one" or len(names) < 2:
        return
    if any(all(r.key != "kubernetes.io/hostname" for r in term.match_expressions) for term in terms):
        return
    listed = ", ".join(names[:4]) + (" ..." if len(names) > 4 else "")
    yield Finding(
        place=volume.at("spec", "nodeAffinity", part="key"),
        message=f"{volume.label} may be used on {len(names)} nodes ({listed}), "
        "but each has a disk of its own: after a move the pod sees other data, or none",
        severity="warning",
    )


# Workloads ------------------------------------------------------------------------------------------------------------

_DEFAULTED_SELECTOR = frozenset({"apps/v1beta1", "extensions/v1beta1"})


def selector_template_mismatch(workload: Workload) -> Iterator[Finding]:
    """The selector does not match the labels of the workload's own pods."""
    spec, resource = workload.spec, workload.resource
    if workload.kind not in _WITH_SELECTOR or spec is None or _has_problem(resource, ("spec", "selector")):
        return
    added = _labels_of_kustomizations(workload)
    labels_route = (*workload.template_route, "metadata", "labels")
    if spec.selector is None or spec.selector.is_empty:
        unlikely = added or _is_patch_like(workload) or resource.api_version in _DEFAULTED_SELECTOR
        if not unlikely and not resource.is_unknown("spec"):
            kind = workload.kind.lower()
            words = "Required value" if spec.selector is None else f"empty selector is invalid for {kind}"
            yield Finding(
                place=workload.at("spec", "selector", part="key"),
                message=f"{workload.label} has no selector for its pods: the API server refuses it "
                f"(spec.selector: {words})",
                related=(Related(workload.at(*labels_route), "the labels of the pods"),),
                help="Add selector.matchLabels with labels of the pod template.",
            )
        return
    if spec.selector.matches(workload.template_labels) or _has_problem(resource, labels_route):
        return
    written = (*spec.selector.match_labels.items(), *workload.template_labels.items())
    values = [value for requirement in spec.selector.match_expressions for value in requirement.values]
    if any(is_placeholder(text) for pair in written for text in pair) or any(map(is_placeholder, values)):
        return
    labels = workload.template_labels
    # A kustomization writes its labels over both.
    if any(key in added for key in spec.selector.keys if labels.get(key) != spec.selector.match_labels.get(key)):
        return
    missing = [
        f"{key}: {value}"
        for key, value in spec.selector.match_labels.items()
        if workload.template_labels.get(key) != value
    ]
    wanted = f" (the pods do not have {', '.join(missing)})" if missing else ""
    yield Finding(
        place=workload.at("spec", "selector", part="key"),
        message=f"the selector of {workload.label} does not match its own pods{wanted}, so the API server refuses it: "
        "`selector` does not match template `labels`",
        related=(Related(workload.at(*labels_route), "the labels of the pods"),),
    )


def _labels_of_kustomizations(workload: Workload) -> frozenset[str]:
    """The keys of labels that kustomizations add to selectors and templates alike."""
    return frozenset(
        key
        for build in workload.graph.units.builds_of(workload.resource.path)
        for pairs in (
            build.body.common_labels,
            *(transformer.pairs for transformer in build.body.labels if transformer.include_selectors),
        )
        for key in pairs
    )


def _has_problem(resource: Resource, route: Route) -> bool:
    """Whether something at, above or below a route could not be read."""
    return any(
        problem.kind != "null"
        and (problem.route[: len(route)] == route or route[: len(problem.route)] == problem.route)
        for problem in resource.problems
    )


def invalid_stateful_set_field(subject: StatefulSet | Service) -> Iterator[Finding]:
    """Values of a StatefulSet, or names of Services, that the API server refuses."""
    if isinstance(subject, Service):
        yield from _service_name(subject)
    elif subject.kind == "StatefulSet":
        yield from _listed_values(subject)
        yield from _template_of_stateful_set(subject)
        yield from _numbers_of_stateful_set(subject)
        yield from _names_of_stateful_set(subject)


def _refused_value(node: Node, route: Route, message: str, help: str | None = None) -> Finding:
    value = node.resource.get(*route)
    shown = f" {value}" if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return Finding(
        place=_shown(node.resource, route),
        message=f"{'.'.join(map(str, route))}{shown} of {node.label}: the API server refuses it ({message})",
        help=help,
    )


def _listed_values(stateful_set: StatefulSet) -> Iterator[Finding]:
    strategies = ["RollingUpdate", "OnDelete"]
    if stateful_set.graph.target >= _RECREATE_KNOWN:
        strategies.append("Recreate")
    retention = ("spec", "persistentVolumeClaimRetentionPolicy")
    for route, values, words in (
        (("spec", "podManagementPolicy"), ["OrderedReady", "Parallel"], "must be 'OrderedReady' or 'Parallel'"),
        (("spec", "updateStrategy", "type"), strategies, "must be 'RollingUpdate' or 'OnDelete'"),
        ((*retention, "whenDeleted"), ["Retain", "Delete"], 'supported values: "Delete", "Retain"'),
        ((*retention, "whenScaled"), ["Retain", "Delete"], 'supported values: "Delete", "Retain"'),
    ):
        value = stateful_set.resource.get(*route)
        if isinstance(value, str) and value and value not in values and not is_placeholder(value):
            yield _refused_value(stateful_set, route, words, f"Write {' or '.join(values)}.")
    kind = stateful_set.resource.get("spec", "updateStrategy", "type")
    if kind == "OnDelete" and stateful_set.resource.get("spec", "updateStrategy", "rollingUpdate") is not None:
        route = ("spec", "updateStrategy", "rollingUpdate")
        words = "only allowed for updateStrategy 'RollingUpdate'"
        yield _refused_value(stateful_set, route, words, "Remove rollingUpdate, or write type: RollingUpdate.")


def _template_of_stateful_set(stateful_set: StatefulSet) -> Iterator[Finding]:
    route = (*stateful_set.template_route, "spec")
    policy = stateful_set.pod_spec.restart_policy
    if policy and policy != "Always" and not is_placeholder(policy):
        words = f'Unsupported value: "{policy}": supported values: "Always"'
        yield _refused_value(stateful_set, (*route, "restartPolicy"), words, "Remove restartPolicy, or write Always.")
    if stateful_set.pod_spec.active_deadline_seconds is not None:
        words = "activeDeadlineSeconds in StatefulSet is not Supported"
        yield _refused_value(stateful_set, (*route, "activeDeadlineSeconds"), words, "Remove activeDeadlineSeconds.")


def _numbers_of_stateful_set(stateful_set: StatefulSet) -> Iterator[Finding]:
    rolling = ("spec", "updateStrategy", "rollingUpdate")
    for route in (
        ("spec", "replicas"),
        ("spec", "minReadySeconds"),
        ("spec", "ordinals", "start"),
        (*rolling, "partition"),
    ):
        number = stateful_set.resource.get(*route)
        if isinstance(number, int) and number < 0:
            words = "must be greater than or equal to 0"
            yield _refused_value(stateful_set, route, words, "Write a number that is not negative.")
    if _is_zero(stateful_set.resource.get(*rolling, "maxUnavailable")):
        words = "cannot be 0"
        yield _refused_value(stateful_set, (*rolling, "maxUnavailable"), words, "Remove it: the default is 1.")


def _is_zero(value: object) -> bool:
    return isinstance(value, int | str) and not isinstance(value, bool) and scaled(value, 100, round_up=True) == 0


def _names_of_stateful_set(stateful_set: StatefulSet) -> Iterator[Finding]:
    name, target = stateful_set.name, stateful_set.graph.target
    # The length has a rule of its own (stateful-set-name-too-long).
    if name and not is_placeholder(name) and not _DNS_LABEL.match(name[:60].rstrip("-.")):
        if target >= _NAME_VALIDATED:
            words = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-'"
            yield _refused_value(
                stateful_set, ("metadata", "name"), words, "Use lower case letters, digits and dashes."
            )
        else:
            yield Finding(
                place=stateful_set.name_place,
                message=f"the name of {stateful_set.label} is no DNS label: it is the host name of the pods, and a dot "
                "breaks it",
                severity="warning",
                help="Use lower case letters, digits and dashes.",
            )
    service = stateful_set.service_name
    if service and not is_placeholder(service) and not _DNS_LABEL.match(service) and target >= _SERVICE_NAME_VALIDATED:
        words = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-'"
        short = service.partition(".")[0]
        help = f"Write only the name of the Service: {short}." if "." in service else None
        yield _refused_value(stateful_set, ("spec", "serviceName"), words, help)


def _service_name(service: Service) -> Iterator[Finding]:
    name = service.name
    relaxed = service.graph.target >= _SERVICE_NAMES_RELAXED
    if not name or is_placeholder(name) or (_DNS_LABEL if relaxed else _DNS_1035_LABEL).match(name):
        return
    kind = "a lowercase RFC 1123 label" if relaxed else "a DNS-1035 label"
    start = "" if relaxed else ", start with a letter"
    words = f"{kind} must consist of lower case alphanumeric characters or '-'{start}, and have at most 63 of them"
    yield _refused_value(service, ("metadata", "name"), words, "Use lower case letters, digits and dashes.")


def mutually_exclusive_fields(
    subject: Workload | DisruptionBudget | Service | Mount | PersistentVolume,
) -> Iterator[Finding]:
    """Two fields of which the API server takes only one."""
    if isinstance(subject, Mount):
        if subject.spec.sub_path and subject.spec.sub_path_expr:
            words = "subPathExpr and subPath are mutually exclusive"
            yield _exclusive(subject.at("subPath"), subject.at("subPathExpr"), words, subject.workload)
    elif isinstance(subject, Workload):
        yield from _exclusive_in_strategy(subject)
    elif isinstance(subject, DisruptionBudget):
        spec = subject.body.spec
        if spec.min_available is not None and spec.max_unavailable is not None:
            places = subject.at("spec", "minAvailable"), subject.at("spec", "maxUnavailable")
            yield _exclusive(*places, "minAvailable and maxUnavailable cannot be both set", subject)
    elif isinstance(subject, Service):
        if subject.is_headless and subject.body.spec.type in ("NodePort", "LoadBalancer"):
            words = f"may not be set to 'None' for {subject.body.spec.type} services"
            yield _exclusive(subject.at("spec", "clusterIP"), subject.at("spec", "type"), words, subject)
    elif subject.spec.volume_attributes_class_name and subject.source is not None and subject.source[0] != "csi":
        places = subject.at("spec", subject.source[0], part="key"), subject.at("spec", "volumeAttributesClassName")
        yield _exclusive(*places, "csi has to be specified when using volumeAttributesClassName", subject)


def _exclusive(first: Place, second: Place, words: str, node: Node) -> Finding:
    names = [str(place.route[-1]) for place in (first, second)]
    refused = _refused(node) if isinstance(node, Workload) else "the API server refuses the object"
    return Finding(
        place=_shown(second.resource, second.route),
        message=f"{names[0]} and {names[1]} of {node.label} exclude each other: {refused} ({words})",
        related=(Related(first, f"{names[0]} is written here"),),
    )


def _exclusive_in_strategy(workload: Workload) -> Iterator[Finding]:
    route: Route = ("spec", "strategy" if workload.kind == "Deployment" else "updateStrategy")
    if workload.kind not in ("Deployment", "DaemonSet") or not isinstance(workload.resource.get(*route), dict):
        return
    rolling = workload.resource.get(*route, "rollingUpdate")
    if workload.kind == "Deployment" and workload.resource.get(*route, "type") == "Recreate":
        if rolling is not None:
            places = workload.at(*route, "type"), workload.at(*route, "rollingUpdate")
            yield _exclusive(*places, "may not be specified when strategy `type` is 'Recreate'", workload)
        return
    if not isinstance(rolling, dict):
        return
    surge, unavailable = rolling.get("maxSurge"), rolling.get("maxUnavailable")
    places = workload.at(*route, "rollingUpdate", "maxSurge"), workload.at(*route, "rollingUpdate", "maxUnavailable")
    if _is_zero(surge) and _is_zero(unavailable):
        yield _exclusive(*places, "may not be 0 when `maxSurge` is 0", workload)
    elif workload.kind == "DaemonSet" and _is_above_zero(surge) and _is_above_zero(unavailable):
        yield _exclusive(*places, "may not be set when maxUnavailable is non-zero", workload)
    elif workload.kind == "DaemonSet" and _is_above_zero(surge) and unavailable is None and not workload.is_partial:
        yield Finding(
            place=places[0],
            message=f"maxSurge of {workload.label} excludes maxUnavailable, which is 1 where nothing is written: the "
            "API server refuses the object (may not be set when maxUnavailable is non-zero)",
            help="Add maxUnavailable: 0.",
        )


def _is_above_zero(value: object) -> bool:
    number = scaled(value, 100, round_up=True) if isinstance(value, int | str) else None
    return number is not None and number > 0


# Single values --------------------------------------------------------------------------------------------------------


def invalid_name(node: Node) -> Iterator[Finding]:
    """A name, label or key with characters or a length that the server refuses."""
    for remark in server.names(node) if _is_judged(node) else ():
        yield _refused_by_server(node, remark)


def invalid_value(node: Node) -> Iterator[Finding]:
    """A value that the server refuses although its type is right."""
    for remark in server.values(node) if _is_judged(node) else ():
        yield _refused_by_server(node, remark)


def duplicate_entry(node: Node) -> Iterator[Finding]:
    """Two entries of a list with one name."""
    for remark, first in server.duplicates(node) if _is_judged(node) else ():
        yield _refused_by_server(node, remark, Related(node.at(*first), "the first one"))


def api_server_warning(node: Node) -> Iterator[Finding]:
    """What the server accepts, and warns about."""
    for remark in server.warnings(node) if _is_judged(node) else ():
        yield Finding(
            place=_shown(node.resource, remark.route),
            message=f"the API server accepts {node.label} and warns: {field_path(remark.route)}: {remark.words}",
            help=remark.help,
        )


def _is_judged(node: Node) -> bool:
    """Whether the object is one of Kubernetes' own, in a version that these rules describe."""
    return node.resource.body is not None and node.resource.api_version not in _ANCIENT


def _refused_by_server(node: Node, remark: server.Remark, *related: Related) -> Finding:
    value = node.resource.get(*remark.route)
    shown = f' "{value}"' if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
    what = f"{field_path(remark.route)}{shown} of {node.label}"
    route = node.template_route if isinstance(node, StatefulSet) else ()
    in_template = bool(route) and remark.route[: len(route)] == route
    kubelet = remark.words.startswith("kubelet ")
    if kubelet:
        message = f"{what}: the pod never starts ({remark.words})"
    elif in_template and node.graph.target < _TEMPLATE_VALIDATED:
        message = f"{what}: the StatefulSet is accepted, but its pods are never created ({remark.words})"
    else:
        message = f"{what}: the API server refuses the object ({remark.words})"
    return Finding(place=_shown(node.resource, remark.route), message=message, related=related, help=remark.help)


# Any object -----------------------------------------------------------------------------------------------------------

_STRING_MAPS = frozenset({"labels", "annotations", "matchLabels", "nodeSelector", "parameters"})
_JSON_TYPES = (("the boolean", "bool"), ("the number", "number"), ("a mapping", "object"), ("a list", "array"))


def non_string_map_value(node: Node) -> Iterator[Finding]:
    """A number, a boolean or more where only strings are allowed."""
    resource = node.resource
    for problem in resource.problems:
        parent = problem.route[-2] if len(problem.route) > 1 else ""
        is_selector = parent == "selector" and resource.kind in ("Service", "ReplicationController")
        if problem.kind == "wrong-type" and problem.expected == "a string" and (parent in _STRING_MAPS or is_selector):
            yield _not_a_string(node, problem.route, problem.found)
    for route in _raw_maps(node):
        values = resource.get(*route)
        for key, value in values.items() if isinstance(values, dict) else ():
            if value is not None and not isinstance(value, str):
                yield _not_a_string(node, (*route, key), _described(value))


def _not_a_string(node: Node, route: Route, found: str) -> Finding:
    kind = next((name for prefix, name in _JSON_TYPES if found.startswith(prefix)), "value")
    booleans = "; YAML 1.1 reads yes, no, on, off, y and n as booleans" if kind == "bool" else ""
    return Finding(
        place=_shown(node.resource, route),
        message=f"{route[-1]} in {route[-2]} of {node.label} is {found}, not a string{booleans}: the API server cannot "
        f"decode the object (cannot unmarshal {kind} into a field of type string)",
        help="Quote the value." if kind in ("bool", "number") else "Write one string for each key.",
    )


def _described(value: object) -> str:
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}"
    if isinstance(value, int | float):
        return f"the number {value}"
    return "a mapping" if isinstance(value, dict) else "a list"


def _raw_maps(node: Node) -> Iterator[Route]:
    """Maps of strings that the typed objects leave raw."""
    if node.resource.body is None:
        if _is_of_kubernetes(node.resource):
            yield from (("metadata", "labels"), ("metadata", "annotations"))
        if node.kind == "VolumeAttributesClass":
            yield ("parameters",)
    elif isinstance(node, PersistentVolume):
        yield from (("spec", "csi", "volumeAttributes"), ("spec", "flexVolume", "options"))
    elif isinstance(node, Workload):
        route = (*node.template_route, "spec", "volumes")
        for index, volume in server.entries(node.resource.get(*route)):
            if "csi" in volume or "flexVolume" in volume:
                yield from ((*route, index, "csi", "volumeAttributes"), (*route, index, "flexVolume", "options"))


def _is_of_kubernetes(resource: Resource) -> bool:
    return "." not in resource.group or resource.group.endswith(".k8s.io")


_CLUSTER_STORAGE = {
    "PersistentVolume": "",
    "StorageClass": "storage.k8s.io",
    "VolumeAttributesClass": "storage.k8s.io",
    "CSIDriver": "storage.k8s.io",
    "VolumeSnapshotClass": "snapshot.storage.k8s.io",
    "VolumeSnapshotContent": "snapshot.storage.k8s.io",
}


def namespace_on_cluster_object(node: Node) -> Iterator[Finding]:
    """The server drops the namespace of an object that is cluster-wide."""
    if _CLUSTER_STORAGE.get(node.kind) != node.resource.group:
        return
    namespace = node.resource.get("metadata", "namespace")
    if namespace:
        yield Finding(
            place=node.at("metadata", "namespace"),
            message=f"{node.label} is cluster-wide: the namespace {namespace} is dropped, and the name must be unique "
            "in the whole cluster",
        )


_EXPORTED = ("uid", "resourceVersion", "managedFields", "selfLink", "generation", "creationTimestamp")
_EXPORTED_KINDS = frozenset(
    {
        "CSIDriver",
        "PersistentVolume",
        "PersistentVolumeClaim",
        "StorageClass",
        "VolumeAttributesClass",
        "VolumeSnapshot",
        "VolumeSnapshotClass",
        "VolumeSnapshotContent",
    }
)


def exported_object_fields(node: Node) -> Iterator[Finding]:
    """What the server writes into an object, kept in a manifest."""
    if node.kind not in _EXPORTED_KINDS and not isinstance(node, Workload):
        return
    metadata = node.resource.get("metadata")
    for field in _EXPORTED if isinstance(metadata, dict) else ():
        if _is_empty(metadata.get(field)):
            continue
        stale = field in ("uid", "resourceVersion")
        yield Finding(
            place=_shown(node.resource, ("metadata", field)),
            message=f"metadata.{field} of {node.label} is the API server's, exported from a cluster: "
            + ("the next apply fails once the object has another one" if stale else "it is noise in a manifest"),
            severity="warning" if stale else None,
        )
    if not _is_empty(node.resource.get("status")):
        yield Finding(
            place=node.at("status", part="key"),
            message=f"status of {node.label} was exported from a cluster: the API server ignores it in a manifest",
        )


def _is_empty(value: object) -> bool:
    """Whether a value says nothing, as tools write it (``{}``, zero replicas)."""
    if isinstance(value, dict):
        return all(_is_empty(item) for item in value.values())
    return not value


_READ_FIELDS = frozenset(
    {
        "accessModes",
        "claimName",
        "image",
        "mountPath",
        "name",
        "namespace",
        "path",
        "provisioner",
        "replicas",
        "server",
        "serviceName",
        "sizeLimit",
        "storage",
        "storageClassName",
        "subPath",
        "volumeBindingMode",
        "volumeHandle",
        "volumeMode",
        "volumeName",
    }
)
_QUANTITIES = frozenset({"storage", "sizeLimit"})
_NOT_READ = frozenset({"env", "envFrom", "command", "args", "data", "stringData", "annotations", "status"})
# What a document with a placeholder holds. One after the other, because a search for a literal is many times faster.
_MAY_HOLD_PLACEHOLDER = tuple(
    regex(pattern)
    for pattern in (
        *(rb"<[A-Za-z_]", rb"@[A-Za-z_][^@\n]*@", rb"%[A-Z][A-Z0-9_]*%", rb"\{\{", rb"\[\[", rb"\$[{(A-Z]"),
        rb"s(?:torage|izeLimit)['\"]?\s*:\s*(?:[&!]\S*\s+)*['\"]?[A-Z]",
        rb"\\[ux]",  # what is written with escapes may be any of them
    )
)
# How a placeholder begins, and how messages call the pattern.
_PATTERNS = (
    ("{{", "{{ }}"),
    ("${", "${ }"),
    ("$(", "$( )"),
    ("$", "$NAME"),
    ("[[", "[[ ]]"),
    ("<", "< >"),
    ("@", "@ @"),
    ("%", "% %"),
)


def placeholder_in_manifest(node: Node) -> Iterator[Finding]:
    """A value that another tool fills in: the first of each pattern in a file."""
    mates = node.graph.nodes_in_file(node.resource.path)
    if mates[0] is not node:
        return
    mates = [mate for mate in mates if mate.resource.body is not None and not isinstance(mate, Kustomization)]
    # The items of a List share one document, which is searched once.
    documents = dict.fromkeys(mate.resource.document for mate in mates)
    suspects = {document for document in documents if any(map(document.may_match, _MAY_HOLD_PLACEHOLDER))}
    seen: set[str] = set()
    for mate in mates:
        if mate.resource.document not in suspects:
            continue
        for route, field, text in _placeholders(mate.resource.as_written.raw):
            pattern, found = _pattern_of(text)
            if pattern not in seen and not _is_filled_in(mate, pattern, found):
                seen.add(pattern)
                yield Finding(
                    place=Place(mate.resource.as_written, route),
                    message=f"{found} in {field} of {mate.label} is filled in by another tool: what depends on this "
                    f"and on every other {pattern} of the file was not checked",
                )


def _placeholders(raw: Mapping[str, Any]) -> Iterator[tuple[Route, str, str]]:
    """Route, field and text of every placeholder in a field that rules read, in the order of the file."""
    pending: list[tuple[Route, str, object]] = [((), "", raw)]
    while pending:
        route, field, value = pending.pop()
        if isinstance(value, dict):
            inside = [((*route, key), key, item) for key, item in value.items() if key not in _NOT_READ]
            pending.extend(reversed(inside))
        elif isinstance(value, list):
            pending.extend(((*route, index), field, value[index]) for index in reversed(range(len(value))))
        elif field in _READ_FIELDS and (
            is_placeholder(value) or (field in _QUANTITIES and is_quantity_placeholder(value))
        ):
            yield route, field, str(value)


def _pattern_of(text: str) -> tuple[str, str]:
    found = find_placeholder(text)
    if found is None:
        return "NAME", text
    return next((pattern for start, pattern in _PATTERNS if found.startswith(start)), found), found


def _is_filled_in(node: Node, pattern: str, found: str) -> bool:
    """Whether the tool that fills it in is known: Helm, or a kustomization of the input."""
    if pattern == "{{ }}" and "templates" in node.resource.path.split("/")[:-1]:
        return True
    units = node.graph.units
    if any(build.body.replacements for build in units.builds_of(node.resource.path)):
        return True
    # A variable counts in every kustomization that builds the declaring one, and in their patches.
    return any(found == f"$({variable.get('name')})" for build in units.builds.values() for variable in build.body.vars)


# Versions -------------------------------------------------------------------------------------------------------------


def field_newer_than_target(
    subject: Workload | Claim | PersistentVolume | DisruptionBudget | Service | Autoscaler,
) -> Iterator[Finding]:
    """A field that a cluster of the target version drops or refuses."""
    graph, resource = subject.graph, subject.resource
    for holder, base in _holders(subject):
        tree = graph.knowledge.fields_off(holder, graph.target)
        for row, below in tree.written_in(resource.get(*base)) if tree else ():
            route = (*base, *below)
            value = resource.get(*route)
            if "=" in row.path or (value != "" and not is_placeholder(value)):
                yield _too_new(subject, row, route)


def _holders(node: Node | Claim) -> Iterator[tuple[str, Route]]:
    """What the table of fields calls the object, or a part of it, and where that is."""
    if isinstance(node, Claim):
        yield "PersistentVolumeClaim", node.route
        return
    yield node.kind, ("spec", "jobTemplate") if node.kind == "CronJob" else ()
    if isinstance(node, Workload):
        yield "PodTemplate", node.template_route


def _too_new(node: Node, row: Field, route: Route) -> Finding:
    target = format_version(node.graph.target)
    value = row.path.partition("=")[2]
    what = f"{route[-1]} {value}" if value.isdigit() else value or str(route[-1])
    if row.switched_off is not None and node.graph.target >= row.switched_off:
        until = f", and is on again from {format_version(row.on_again)} on" if row.on_again else ""
        since = f"was switched off again in {format_version(row.switched_off)}{until}"
    elif row.on_by_default is not None:
        since = f"works since {format_version(row.on_by_default)}"
    elif row.alpha is not None:
        since = f"is alpha since {format_version(row.alpha)} and off by default"
    else:
        since = "is off by default"
    effect = {"dropped": "drops it without a word", "refused": "refuses the object"}.get(row.effect or "", "ignores it")
    same = route[-1] == "maxUnavailable" and node.resource.get(*route) == 1
    severity: Severity | None = "info" if same else None
    default = ", and 1 is the default anyway" if same else ""
    gate = f" (feature gate {row.gate})" if row.gate else ""
    return Finding(
        place=_shown(node.resource, route),
        message=f"{what} of {node.label} {since}{gate}: the API server of {target} {effect}{default}",
        severity=severity,
    )
