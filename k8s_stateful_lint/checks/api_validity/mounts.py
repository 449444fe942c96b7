"""Mounts and devices of containers."""

from __future__ import annotations

from collections.abc import Iterator

from k8s_stateful_lint.checks.api_validity._common import is_patch_like, outcome_for, refusal_of, without_backsteps
from k8s_stateful_lint.checks.finding import Finding, Related
from k8s_stateful_lint.checks.near_miss import is_near_miss
from k8s_stateful_lint.graph import Container, Mount, PodVolume, Workload
from k8s_stateful_lint.model.placeholders import is_placeholder

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
        if is_patch_like(workload):
            continue
        near = _meant_volume(workload, name)
        refusal = refusal_of(workload, f'Not found: "{name}"' if name else "name: Required value")
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
        message=f"{_refused_field(container, field, index)}: {message} ({outcome_for(container.workload)})",
        related=related,
        help=help,
    )


def _refused_field(container: Container, field: str, index: int) -> str:
    kind = "mount" if field == "volumeMounts" else "device"
    name = container.workload.resource.get(*container.route, field, index, "name")
    return f"{kind} of volume {name} in container {container.name}"


def _invalid_sub_path(mount: Mount) -> Iterator[Finding]:
    for field, path in (("subPath", mount.spec.sub_path), ("subPathExpr", mount.spec.sub_path_expr)):
        if field == "subPath" and is_placeholder(path):
            continue
        wrong = "must be a relative path" if path.startswith("/") else without_backsteps(path)
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
