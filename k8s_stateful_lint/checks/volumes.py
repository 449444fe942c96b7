"""Family volumes: what a pod mounts, and whether its programs can use it."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from k8s_stateful_lint._patterns import regex
from k8s_stateful_lint.checks.finding import Finding, Related
from k8s_stateful_lint.checks.near_miss import is_near_miss
from k8s_stateful_lint.config import Severity
from k8s_stateful_lint.graph import (
    RWO,
    RWOP,
    Claim,
    Container,
    Database,
    Kustomization,
    Mount,
    PersistentVolume,
    PodVolume,
    StorageClass,
    Workload,
)
from k8s_stateful_lint.graph.paths import is_below, normalise
from k8s_stateful_lint.knowledge import image_process, images
from k8s_stateful_lint.model.kustomization import KustomizationBody
from k8s_stateful_lint.model.placeholders import is_placeholder
from k8s_stateful_lint.model.quantities import quantity_or_none
from k8s_stateful_lint.model.raw import entries
from k8s_stateful_lint.model.resource import Place

# Directories that belong to the node itself: mounted to look after the node, not to keep data.
_NODE_PATHS = ("/dev", "/sys", "/proc", "/boot", "/lib/modules", "/etc", "/var/log", "/var/lib/kubelet")
_LOST_AT_BOOT = ("/tmp", "/var/tmp", "/run", "/dev/shm")
_NO_DIRECTORY = frozenset({"Socket", "CharDevice", "BlockDevice"})
_ONE_NODE_PLATFORMS = frozenset({"minikube", "kind", "docker-desktop"})
_CHANGES_OWNER = regex(r"\b(chown|chgrp|chmod|setfacl|install)\b")
_NAMED_FOR_OWNER = regex(r"chown|chmod|perm|owner")
_MOST_COMPARED = 500  # names of undefined volumes that are compared with one that is not mounted
_RWOP_COUNTS_SINCE = (1, 32)
_CALLS_CHOWN = regex(r"(?:^|[\s;&|(/])chown(?:\s|$)")
_TOLERATED = regex(r"chown[^;&\n]*\|\|")
_HOST_KEY = regex(r"ssh_host_\w+_key")
_HASHED = regex(r"-[a-z0-9]{10}$")
_INJECTORS = ("sidecar.istio.io/", "vault.hashicorp.com/")
_MOUNT_OPTIONS = "volume.beta.kubernetes.io/mount-options"


# hostPath -------------------------------------------------------------------------------------------------------------


def host_path_in_production(subject: PodVolume | PersistentVolume | StorageClass) -> Iterator[Finding]:
    """Data is on the disk of whatever node the pod happens to run on."""
    if isinstance(subject, PodVolume):
        yield from _host_path_in_pod(subject)
    elif isinstance(subject, PersistentVolume):
        yield from _host_path_volume(subject)
    else:
        yield from _test_provisioner(subject)


def _host_path_in_pod(volume: PodVolume) -> Iterator[Finding]:
    source, workload = volume.spec.host_path, volume.workload
    if source is None or volume.source_key != "hostPath" or source.type in _NO_DIRECTORY or not volume.mounts:
        return
    databases = workload.databases_on(volume)
    if workload.is_development:
        return
    if not databases and (workload.kind == "DaemonSet" or workload.namespace == "kube-system"):
        return
    writable = volume.writable_mounts
    if not workload.is_production and (
        workload.is_pinned or not writable or (not databases and _belongs_to_node(source.path))
    ):
        return
    severity: Severity | None = "error" if workload.is_production else None
    if databases and not workload.is_pinned and workload.kind != "DaemonSet":
        severity = "error"
    if not writable:
        severity = "info"
    if databases:
        what = f"{workload.label} keeps its data in {source.path} of the node it runs on"
    elif writable:
        what = f"{workload.label} writes to {source.path} of the node it runs on"
    else:
        what = f"{workload.label} reads {source.path} of the node it runs on"
    yield Finding(
        place=volume.at("hostPath", part="key"),
        message=f"{what}: on another node it finds {_elsewhere(source.path, empty=bool(writable))}",
        related=tuple(Related(mount.at("mountPath"), "mounted here") for mount in (writable or volume.mounts)[:3]),
        severity=severity,
        confidence="high",
        weak=min((database.weak for database in databases), default=0),
        unverified=bool(databases)
        and not workload.is_production
        and all(database.is_unverified for database in databases),
    )


def _host_path_volume(volume: PersistentVolume) -> Iterator[Finding]:
    if (
        volume.source is None
        or volume.source[0] != "hostPath"
        or volume.is_pinned
        or not isinstance(volume.source[1], dict)
    ):
        return
    path, kind = volume.source[1].get("path"), volume.source[1].get("type")
    if not isinstance(path, str) or (isinstance(kind, str) and kind in _NO_DIRECTORY):
        return
    users = [user for claim in volume.claims for user in claim.users]
    production = volume.is_production or any(user.workload.is_production for user in users)
    if volume.is_development or (users and all(user.workload.is_development for user in users)):
        return
    databases = volume.databases
    mounts = [mount for user in users for mount in user.mounts]
    read_only = bool(mounts) and not any(mount.is_writable for mount in mounts)
    pinned = volume.graph.config.cluster.nodes == "one" or (bool(users) and all(u.workload.is_pinned for u in users))
    if not production and (pinned or read_only or (not databases and _belongs_to_node(path))):
        return
    severity: Severity | None = "error" if production or (databases and not pinned and not volume.hostnames) else None
    if read_only:
        severity = "info"
    without = " and the volume has no nodeAffinity" if volume.spec.node_affinity is None else ""
    harm = "a pod on another node sees an empty directory instead of the data"
    yield Finding(
        place=volume.at("spec", "hostPath", part="key"),
        message=f"the data of {volume.label} is in {path} of one node{without}: {harm}{_boot(path)}",
        related=tuple(Related(claim.name_place, "the claim") for claim in volume.claims if claim.shape == "object"),
        severity=severity,
        weak=min((database.weak for database in databases), default=0) if severity == "error" and not production else 0,
    )


def _test_provisioner(storage_class: StorageClass) -> Iterator[Finding]:
    driver, graph = storage_class.driver, storage_class.graph
    if driver is None or not driver.test_only or storage_class.is_development:
        return
    cluster = graph.config.cluster
    platform = graph.knowledge.platform(cluster.platform) if cluster.platform else None
    if (platform.name if platform else cluster.platform) in _ONE_NODE_PLATFORMS:
        return
    if cluster.nodes == "one" and not storage_class.is_production:
        return
    yield Finding(
        place=storage_class.at("provisioner"),
        message=f"{storage_class.provisioner} is a provisioner for tests on a single node: its volumes are directories "
        "of one node, and a pod on another node sees an empty one",
        severity="error" if storage_class.is_production else None,
    )


def _belongs_to_node(path: str) -> bool:
    path = normalise(path)
    return is_placeholder(path) or path.endswith(".sock") or any(is_below(path, own) for own in _NODE_PATHS)


def _boot(path: str) -> str:
    path = normalise(path)
    gone = any(is_below(path, place) and path != "/" for place in _LOST_AT_BOOT)
    return "; what is there is gone after a reboot of the node" if gone else ""


def _elsewhere(path: str, *, empty: bool) -> str:
    is_own = normalise(path) == "/" or _belongs_to_node(path)
    found = "an empty directory instead of the data" if empty and not is_own else "other files, or none"
    return found + _boot(path)


def host_path_without_type(volume: PodVolume) -> Iterator[Finding]:
    """Nothing checks that the directory exists."""
    source = volume.spec.host_path
    if source is None or volume.source_key != "hostPath" or source.type or volume.workload.is_development:
        return
    path = normalise(source.path)
    if not path.strip("/").strip() or not path.startswith("/") or _belongs_to_node(path) or _is_file(path):
        return
    if not volume.writable_mounts:
        return
    yield Finding(
        place=volume.at("hostPath", "type"),
        message=f"without type nobody checks {source.path}: where it is missing or misspelt, the container runtime "
        "makes an empty directory that belongs to root",
        related=(Related(volume.writable_mounts[0].at("mountPath"), "mounted here"),),
    )


# Mounts -------------------------------------------------------------------------------------------------------------


def claim_never_mounted(volume: PodVolume) -> Iterator[Finding]:
    """The pod waits for a claim that none of its containers sees."""
    workload = volume.workload
    if not (volume.template is not None or volume.is_claim_reference) or not volume.name or volume.is_used:
        return
    undefined = workload.undefined_volumes
    if workload.has_unknown_mounts or len(undefined) > _MOST_COMPARED:
        return
    if any(is_near_miss(name, volume.name) for name in undefined):
        return
    if _may_be_injected(workload, volume.name):
        return
    if volume.template is not None:
        place = volume.template.at("metadata", "name")
        message = (
            f"no container mounts the claim template {volume.name}: every replica gets a claim that stays empty, "
            "and the program writes somewhere else"
        )
    else:
        place = volume.at("name")
        effect = "and the program writes somewhere else"
        if len(undefined) == 1:
            effect = f"and the volume {undefined[0]}, which is mounted, is not defined: one name may be wrong"
        message = f"no container mounts the volume {volume.name}: nothing uses {volume.description}, {effect}"
    yield Finding(place=place, message=message)


def volume_mode_mismatch(container: Container) -> Iterator[Finding]:
    """A raw device is mounted as a file system, or a file system is used as a device."""
    for mount in container.mounts:
        claim = mount.volume.claim if mount.volume is not None else None
        if (
            claim is not None
            and mount.volume is not None
            and claim.is_block
            and not claim.is_unknown("spec", "volumeMode")
        ):
            yield Finding(
                place=mount.at("name"),
                message=f"volume {mount.name} has volumeMode Block, but is specified in volumeMounts",
                related=(Related(claim.at("spec", "volumeMode"), "the claim is a raw device"),),
                help="Use volumeDevices with a devicePath, or a claim with volumeMode Filesystem.",
                weak=mount.volume.weak,
            )
    for index, device in enumerate(container.spec.volume_devices):
        volume = container.workload.volume(device.name)
        claim = volume.claim if volume is not None else None
        if volume is None or claim is None or claim.is_unknown("spec", "volumeMode"):
            continue
        if claim.spec.volume_mode in (None, "", "Filesystem"):
            yield Finding(
                place=container.at("volumeDevices", index, "name"),
                message=f"volume {device.name} has volumeMode Filesystem, but is specified in volumeDevices",
                related=(Related(claim.at("spec", "volumeMode"), "the claim is a file system"),),
                help="Use volumeMounts with a mountPath, or a claim with volumeMode Block.",
                weak=volume.weak,
            )


def claim_in_two_volumes(workload: Workload) -> Iterator[Finding]:
    """Before 1.35 kubelet waits for ever for the second volume of one claim."""
    first: dict[str, PodVolume] = {}
    for volume in workload.volumes:
        if not volume.claim_name or not volume.is_used:
            continue
        other = first.setdefault(volume.claim_name, volume)
        if other is not volume:
            yield Finding(
                place=volume.at("persistentVolumeClaim", "claimName"),
                message=f"the volumes {other.name} and {volume.name} are the same claim {volume.claim_name}: before "
                "Kubernetes 1.35 the pod hangs in ContainerCreating",
                related=(Related(other.at("persistentVolumeClaim", "claimName"), "the first volume"),),
            )


def config_subpath_never_updates(mount: Mount) -> Iterator[Finding]:
    """What is mounted with subPath is a copy that kubelet never updates."""
    volume, workload = mount.volume, mount.workload
    if volume is None or not mount.has_sub_path or volume.plugin is None or not volume.plugin.config:
        return
    if mount.container.is_init or workload.kind in ("Job", "CronJob") or _restarts_on_change(workload):
        return
    if volume.source_key in ("configMap", "secret") and _never_changes(volume):
        return
    yield Finding(
        place=_sub_path(mount),
        message=f"a file mounted with subPath is never updated: changes of the {volume.source_key} behind "
        f"{volume.name} reach container {mount.container.name} only when its pod is replaced",
    )


def memory_volume_without_limit(volume: PodVolume) -> Iterator[Finding]:
    """Files in memory count against the memory limit of the container that writes them."""
    source, workload = volume.spec.empty_dir, volume.workload
    if source is None or source.medium != "Memory" or not volume.mounts:
        return
    containers = list(dict.fromkeys(mount.container for mount in volume.writable_mounts))
    limits = [(c, quantity_or_none(c.spec.resources.limits.get("memory"))) for c in containers]
    size = quantity_or_none(source.size_limit)
    route = (*volume.route, "emptyDir", "sizeLimit")
    if source.size_limit is None and not workload.resource.is_unknown(*route):
        free = [c for c, limit in limits if "memory" not in c.spec.resources.limits and not c.is_unknown("resources")]
        pod_limits = workload.resource.get(*workload.template_route, "spec", "resources", "limits")
        if free and not (isinstance(pod_limits, dict) and "memory" in pod_limits):
            yield Finding(
                place=volume.at("emptyDir", "sizeLimit"),
                message=f"volume {volume.name} is in memory without a sizeLimit, and container {free[0].name} has no "
                "memory limit: its files can use up the memory of the node",
                related=(Related(free[0].at("resources"), "no memory limit"),),
                severity="info",
            )
        return
    bounded = [(limit, container) for container, limit in limits if limit is not None]
    if size is None or not bounded:
        return
    least, container = min(bounded, key=lambda pair: pair[0])
    if size > least:
        yield Finding(
            place=volume.at("emptyDir", "sizeLimit"),
            message=f"volume {volume.name} may hold {source.size_limit} of memory, but container {container.name} has "
            f"a limit of {container.spec.resources.limits['memory']}, and the files count: it is killed before the "
            "volume is full",
            related=(Related(container.at("resources", "limits", "memory"), "the memory limit"),),
        )


# Users and groups -----------------------------------------------------------------------------------------------------


def non_root_without_fs_group(workload: Workload) -> Iterator[Finding]:
    """A program without root's rights meets a volume that belongs to root."""
    if not any(map(_leads_to_claim, workload.volumes)):
        return
    security = workload.pod_spec.security_context
    route = (*workload.template_route, "spec", "securityContext")
    if security.fs_group is not None or security.supplemental_groups or workload.resource.is_unknown(*route, "fsGroup"):
        return
    if workload.resource.is_unknown(*route) or _platform_assigns_groups(workload):
        return
    for container in (*workload.containers, *workload.init_containers):
        user = _non_root_user(container)
        if user is None:
            continue
        for mount in container.mounts:
            if not _takes_data(mount) or _is_prepared(mount):
                continue
            assert mount.volume is not None
            if _is_without_group(mount.volume) or _is_group_writable(mount.volume):
                continue
            yield Finding(
                place=workload.template_at("spec", "securityContext", "fsGroup"),
                message=f"container {container.name} runs as user {user.uid} and writes to {mount.path} on "
                f"{mount.volume.description}, but a fresh volume belongs to root and the pod has no fsGroup: "
                "the program gets permission denied",
                related=(Related(mount.at("mountPath"), "the writable mount"), _user_place(container)),
                help=f"Set fsGroup: {user.group} and fsGroupChangePolicy: OnRootMismatch in the securityContext of the "
                "pod.",
                weak=mount.volume.weak + user.weak + int(mount.volume.claim is None),
                unverified=user.is_unverified,
            )
            return


def fs_group_ignored_by_volume(workload: Workload) -> Iterator[Finding]:
    """The volume never gets the pod's group: a program that is not root may not write there."""
    group = workload.pod_spec.security_context.fs_group
    route = (*workload.template_route, "spec", "securityContext")
    if workload.resource.is_unknown(*route) or workload.resource.is_unknown(*route, "fsGroup"):
        return
    closed: list[tuple[Mount, _User]] = []
    for container in workload.all_containers:
        user = _non_root_user(container)
        if user is None:
            continue
        closed += [
            (mount, user)
            for mount in container.mounts
            if mount.volume is not None
            and mount.is_writable
            and mount.is_persistent
            and _gets_group(mount.volume) is False
            and not _is_for_the_node(mount.volume)
            and not _is_group_writable(mount.volume)
            and not _is_opened_by_options(mount.volume, {user.uid, group})
            and not _is_prepared(mount)
        ]
    if group is None:
        for mount, user in closed:
            if mount.spec.sub_path or mount.spec.sub_path_expr:
                assert mount.volume is not None
                yield Finding(
                    place=_sub_path(mount),
                    message=f"kubelet creates the directory of {mount.volume.description} for this subPath as root, "
                    f"and fsGroup does not reach such volumes: container {mount.container.name} runs as user "
                    f"{user.uid} and cannot write there unless somebody made it beforehand",
                    weak=user.weak + mount.volume.weak,
                    unverified=user.is_unverified,
                )
        return
    if not closed:
        return
    data = {mount for database in workload.databases for mount in database.data_mounts}
    mount, user = next((pair for pair in closed if pair[0] in data), closed[0])
    assert mount.volume is not None
    related = [Related(mount.at("mountPath"), "the mount that fsGroup does not reach")]
    related += [Related(_sub_path(m), "created by kubelet as root") for m, _ in closed if m.has_sub_path]
    if mount.volume.claim is not None:
        related.append(Related(mount.volume.claim.name_place, "the claim"))
    yield Finding(
        place=workload.template_at("spec", "securityContext", "fsGroup"),
        message=f"fsGroup {group} has no effect on {mount.volume.description}{_why_no_group(mount.volume)}: container "
        f"{mount.container.name} runs as user {user.uid} and may write to {mount.path} only if the "
        "volume itself allows it",
        related=tuple(related),
        severity=None if mount in data else "info",
        weak=user.weak + mount.volume.weak,
        unverified=user.is_unverified,
    )


def recursive_fs_group_change(workload: Workload, options: Mapping[str, Any]) -> Iterator[Finding]:
    """Owner and mode of every file are rewritten each time the pod starts."""
    security = workload.pod_spec.security_context
    if security.fs_group is None or security.fs_group_change_policy not in (None, "", "Always"):
        return
    found: list[tuple[bool, int, PodVolume, str]] = []
    large = quantity_or_none(options["large"])
    strict = {v for d in workload.databases if d.entry.mode_check for v in d.data_volumes}
    for volume in workload.volumes:
        claim = volume.claim
        if claim is None or claim.shape == "ephemeral" or claim.is_block or not volume.writable_mounts:
            continue
        gets = _gets_group(volume)
        if gets is False or (gets is None and not (claim.modes or frozenset()) & _modes_with_group(claim)):
            continue
        weak = volume.weak + (0 if gets else 1)
        if volume in strict:
            reason = "the database may then refuse its data directory, because the group can read it"
            found.append((True, weak, volume, reason))
        elif claim.request is not None and large is not None and claim.request >= large:
            size = claim.spec.resources.requests["storage"]
            found.append((True, weak, volume, f"with {size} that can take many minutes"))
        else:
            found.append((False, weak, volume, "the more files there are, the longer the start takes"))
    if not found:
        return
    serious, weak, volume, reason = min(found, key=lambda item: (not item[0], item[1]))
    yield Finding(
        place=workload.template_at("spec", "securityContext", "fsGroupChangePolicy"),
        message=f"at every start of a pod kubelet changes group and mode of all files on {volume.description}: "
        f"{reason}",
        related=tuple(Related(mount.at("mountPath"), "the volume") for mount in volume.writable_mounts[:1]),
        severity="warning" if serious else None,
        weak=weak,
    )


def user_id_wrong_for_image(database: Database) -> Iterator[Finding]:
    """runAsUser or fsGroup is that of another variant of the image, or of no user the image knows."""
    user, container, workload = database.user, database.container, database.workload
    if user is None or user.uid is None or _platform_assigns_groups(workload):
        return
    others = [other for other in images.other_users(database.match) if other.uid is not None]
    uid, group = container.run_as_user, workload.pod_spec.security_context.fs_group
    variant = database.match.variant or "default"
    image = Related(container.at("image"), "the image")
    at_other = next((other for other in others if other.uid == uid and uid != user.uid), None)
    if uid is not None and uid != 0 and uid != user.uid and (at_other is not None or user.arbitrary_users is False):
        own = container.spec.security_context.run_as_user is not None
        place = container.at("securityContext", "runAsUser")
        whose = f", the user of the variant {_variant(at_other)}" if at_other is not None else ""
        yield Finding(
            place=place if own else workload.template_at("spec", "securityContext", "runAsUser"),
            message=f"container {container.name} runs as user {uid}{whose}, but {database.product} has its files for "
            f"user {user.uid}" + ("" if user.arbitrary_users else ": it may not read or write its own data directory"),
            related=(image,),
            severity="info" if user.arbitrary_users else None,
            help=f"Set runAsUser: {user.uid}" + (f" and fsGroup: {user.gid}." if user.gid else "."),
            weak=int(not database.match.exact),
            unverified=database.is_unverified,
        )
    elif uid in (None, user.uid) and user.gid is not None and group not in (None, user.gid):
        if not any(other.gid == group for other in others):
            return
        yield Finding(
            place=workload.template_at("spec", "securityContext", "fsGroup"),
            message=f"fsGroup {group} is the group of another variant of the image: in {database.product} "
            f"(variant {variant}) the server's group is {user.gid}",
            related=(image,),
            severity="info",
            help=f"Set fsGroup: {user.gid}.",
            weak=int(not database.match.exact),
            unverified=database.is_unverified,
        )


def key_file_too_open(volume: PodVolume) -> Iterator[Finding]:
    """A program refuses a key that others may read."""
    source = volume.spec.secret
    if source is None or volume.source_key != "secret":
        return
    if any(mount.container.is_init for mount in volume.mounts):
        return  # it may copy the file and close it
    for mount in volume.mounts:
        for key in _keys_used(mount):
            place, mode = _mode_of(volume, mount, key.path)
            if mode is None:
                continue
            allowed = key.root_owned_mode or 0
            group = mount.workload.pod_spec.security_context.fs_group
            effective = mode | 0o040 if group is not None else mode
            if not effective & 0o077 & ~allowed:
                continue
            if mode & 0o077 & ~allowed:
                text = f"has mode {mode:04o}"
            else:
                text = f"has mode {mode:04o}, but fsGroup {group} adds read permission for the group"
            yield Finding(
                place=place,
                message=f"{key.path} {text}: {key.program} refuses a key that others than its owner may read",
                related=(Related(key.place, "used here"), Related(mount.at("mountPath"), "mounted here")),
            )
            return


def read_only_root_without_scratch(database: Database) -> Iterator[Finding]:
    """The server writes to a directory of its image, which is read-only."""
    container = database.container
    if not container.spec.security_context.read_only_root_filesystem:
        return
    over = [_without_var(mount.path) for mount in container.mounts if mount.is_writable and mount.path]
    bare = [path for path in database.entry.writes if not any(is_below(_without_var(path), other) for other in over)]
    if not bare:
        return
    yield Finding(
        place=container.at("securityContext", "readOnlyRootFilesystem"),
        message=f"the root file system of container {container.name} is read-only, but {database.product} also writes "
        f"to {', '.join(bare)}, and no writable volume is mounted there",
        related=(Related(container.at("image"), "the image"),),
        weak=int(not database.match.exact),
        unverified=database.is_unverified,
    )


def root_init_under_non_root(container: Container) -> Iterator[Finding]:
    """A container that must not be root is root, or does root's work without being root."""
    security, workload = container.spec.security_context, container.workload
    own = security.run_as_user is not None
    if container.run_as_non_root and container.run_as_user == 0:
        by_pod = security.run_as_non_root is None
        yield Finding(
            place=container.at("securityContext", "runAsUser")
            if own
            else workload.template_at("spec", "securityContext", "runAsUser"),
            message=f"container {container.name} runs as user 0 under runAsNonRoot: true: kubelet refuses to start it",
            related=(
                Related(
                    workload.template_at("spec", "securityContext", "runAsNonRoot")
                    if by_pod
                    else container.at("securityContext", "runAsNonRoot"),
                    "root is forbidden here",
                ),
            ),
        )
        return
    if not container.is_init or not container.run_as_user:
        return
    if security.capabilities is not None and {"CHOWN", "CAP_CHOWN", "ALL"} & set(security.capabilities.add):
        return
    claims = [mount for mount in container.mounts if _takes_data(mount)]
    called = [text for text in container.words if _CALLS_CHOWN.search(text) and not _TOLERATED.search(text)]
    if claims and called:
        assert claims[0].volume is not None
        yield Finding(
            place=container.at("securityContext", "runAsUser"),
            message=f"init container {container.name} calls chown on {claims[0].volume.description} as user "
            f"{container.run_as_user}: only root may give files away, so it fails and the pod does not start",
            related=(Related(claims[0].at("mountPath"), "the claim"),),
            severity="warning",
            help="Set runAsUser: 0 and runAsNonRoot: false on this init container, or use fsGroup instead.",
        )


class _User:
    """The user a container runs as, when it is certainly not root."""

    def __init__(self, uid: int, group: int, *, weak: int = 0, is_unverified: bool = False) -> None:
        self.uid, self.group, self.weak, self.is_unverified = uid, group, weak, is_unverified


def _non_root_user(container: Container) -> _User | None:
    match = container.image_match
    known = images.user_of(match) if match is not None else None
    if container.is_unknown("securityContext", "runAsUser"):
        return None
    if container.run_as_user is not None:
        uid = container.run_as_user
        group = known.gid if known is not None and known.uid == uid and known.gid else uid
        return _User(uid, group) if uid != 0 else None
    template = container.workload.template_route
    if container.workload.resource.is_unknown(*template, "spec", "securityContext", "runAsUser"):
        return None
    if match is None or known is None or not known.uid or known.starts_as_root is not False:
        return None
    unverified = match.entry.status == "unverified"
    return _User(known.uid, known.gid or known.uid, weak=int(not match.exact), is_unverified=unverified)


def _user_place(container: Container) -> Related:
    if container.spec.security_context.run_as_user is not None:
        return Related(container.at("securityContext", "runAsUser"), "the user")
    if container.run_as_user is not None:
        return Related(container.workload.template_at("spec", "securityContext", "runAsUser"), "the user")
    return Related(container.at("image"), "the image, whose program is not root")


def _leads_to_claim(volume: PodVolume) -> bool:
    return volume.is_claim_reference or volume.claim is not None


def _takes_data(mount: Mount) -> bool:
    """Whether data is written there: a writable mount of a claim that is not a single configuration file."""
    volume = mount.volume
    if volume is None or not mount.is_writable:
        return False
    if not _leads_to_claim(volume):
        return False
    server = mount.container.server
    if server is not None and server.data and mount not in server.data_mounts:
        return False  # the program writes somewhere else
    if not mount.has_sub_path:
        return True
    match = mount.container.image_match
    configuration = match.entry.other_paths.config if match is not None else ()
    is_file = "." in posixpath.basename(mount.path).lstrip(".")
    return not is_file and not any(is_below(mount.path, normalise(path)) for path in configuration)


def _is_prepared(mount: Mount) -> bool:
    """Whether an init container that runs as root gives the volume to somebody else."""
    for init in mount.workload.init_containers:
        if init is mount.container or not any(other.name == mount.name and other.is_writable for other in init.mounts):
            continue
        if _runs_as_root(init) is False:
            continue
        texts = (*init.words, *init.config_texts.values())
        if any(_CHANGES_OWNER.search(text) for text in texts) or _NAMED_FOR_OWNER.search(init.name):
            return True
    return False


def _runs_as_root(container: Container) -> bool | None:
    """Whether the container runs as root; None where only its image could tell."""
    if container.run_as_user is not None:
        return container.run_as_user == 0
    if container.run_as_non_root:
        return False
    known = images.user_of(container.image_match) if container.image_match is not None else None
    if known is None or known.uid is None:
        return None
    return known.uid == 0 or known.starts_as_root


def _gets_group(volume: PodVolume) -> bool | None:
    """Whether kubelet (or the driver) gives the volume to the pod's fsGroup; None = cannot tell."""
    claim = volume.claim
    pv = claim.volume if claim is not None else None
    if pv is not None and pv.source is not None and pv.source[0] != "csi" and pv.driver.provisioner is None:
        return pv.plugin.fs_group_managed if pv.plugin is not None else None
    if claim is None:
        return volume.plugin.fs_group_managed if volume.plugin is not None and not volume.is_claim_reference else None
    driver = claim.driver.driver
    policy = driver.fs_group_policy if driver is not None else None
    if driver is not None and driver.mounts_with_fs_group:
        return True
    if policy == "File":
        return True
    if policy == "None":
        return False
    if policy is None or claim.modes is None:
        return None
    return bool(claim.modes & _modes_with_group(claim))


def _modes_with_group(claim: Claim) -> frozenset[str]:
    """The modes with which a driver of the default policy gives the volume to the group."""
    return frozenset({RWO, RWOP} if claim.graph.target >= _RWOP_COUNTS_SINCE else {RWO})


def _is_without_group(volume: PodVolume) -> bool:
    """Whether fsGroup would not help: it is not applied, or the driver is unknown and nothing but shared modes."""
    gets, claim = _gets_group(volume), volume.claim
    if gets is None and claim is not None and claim.modes is not None:
        return not claim.modes & _modes_with_group(claim)
    return gets is False


def _is_group_writable(volume: PodVolume) -> bool:
    driver = volume.claim.driver.driver if volume.claim is not None else None
    return driver is not None and driver.group_writable is True


def _platform_assigns_groups(workload: Workload) -> bool:
    """Whether the platform (OpenShift) gives every pod a group of its own."""
    cluster = workload.graph.config.cluster
    platform = workload.graph.knowledge.platform(cluster.platform) if cluster.platform else None
    if platform is not None and platform.assigns_fs_group:
        return True
    return "openshift" in workload.resource.path.lower().split("/")[:-1] or workload.is_with_group("openshift.io")


def _is_for_the_node(volume: PodVolume) -> bool:
    """Whether a hostPath volume is a device, a socket or the node's own files, not data."""
    source = volume.spec.host_path
    return source is not None and (source.type in _NO_DIRECTORY or _belongs_to_node(source.path))


def _is_opened_by_options(volume: PodVolume, ids: set[int | None]) -> bool:
    """Whether mount options or class parameters give the files to one of these ids, or to everybody."""
    claim = volume.claim
    if claim is None:
        return False
    options: list[str] = []
    if claim.volume is not None:
        options += claim.volume.spec.mount_options
        options += claim.volume.annotations.get(_MOUNT_OPTIONS, "").split(",")
    if claim.storage_class is not None:
        body = claim.storage_class.body
        options += body.mount_options
        options += [f"{key.lower()}={value}" for key, value in body.parameters.items()]
    wanted = {f"{key}={number}" for key in ("uid", "gid") for number in ids if number is not None}
    opened = {"dir_mode=0777", "dir_mode=777", "mountpermissions=0777", "mountpermissions=777"}
    return any(part.strip() in wanted | opened for option in options for part in option.split(","))


def _why_no_group(volume: PodVolume) -> str:
    claim = volume.claim
    if claim is None:
        return ""
    driver = claim.driver
    if driver.driver is None or driver.driver.fs_group_policy is None:
        return f" ({claim.volume.source[0]})" if claim.volume is not None and claim.volume.source else ""
    if driver.driver.fs_group_policy == "None":
        return f" ({driver.provisioner})"
    return f" ({driver.provisioner}, {', '.join(sorted(claim.modes or ()))})"


def _variant(user: images.User) -> str:
    return ", ".join(user.variants) or "default"


class _Key(msgspec.Struct, frozen=True):
    """A key file that a program of the container reads, and where that is written."""

    path: str
    program: str
    place: Place
    root_owned_mode: int | None


def _keys_used(mount: Mount) -> Iterator[_Key]:
    """Key files below a mount that a program uses and wants closed."""
    container = mount.container
    server = container.server
    for row in server.entry.key_files if server is not None else ():
        mode = int(row.root_owned_mode, 8) if row.root_owned_mode else None
        assert server is not None
        arguments = image_process.server_arguments(server.match, server.settings) or ()
        named = [(path, _place_of_word(container, path)) for option in row.args for path in _values(arguments, option)]
        for name in row.env:
            value = container.environment.get(name)
            if value:
                named.append((value, container.at("env")))
        if row.path:
            named.append((row.path, mount.at("mountPath")))
        for path, place in named:
            if is_below(normalise(path), mount.path):
                yield _Key(normalise(path), server.entry.key, place, mode)
    for path in _files_below(mount):
        if _HOST_KEY.fullmatch(posixpath.basename(path)):
            yield _Key(path, "sshd", mount.at("mountPath"), None)


def _values(arguments: tuple[str, ...], option: str) -> Iterator[str]:
    """The values of ``--keyFile X``, ``--keyFile=X`` and ``-c key=X``."""
    name, _, key = option.partition(" ")
    for position, word in enumerate(arguments):
        following = arguments[position + 1] if position + 1 < len(arguments) else ""
        if key:
            pair = following if word == name else word.removeprefix(name) if word.startswith(name) else ""
            if pair.startswith(f"{key}="):
                yield pair[len(key) + 1 :]
        elif word == name:
            yield following
        elif word.startswith(f"{name}="):
            yield word[len(name) + 1 :]


def _place_of_word(container: Container, text: str) -> Place:
    for field, words in (("args", container.spec.args), ("command", container.spec.command)):
        for index, word in enumerate(words or ()):
            if text in word:
                return container.at(field, index)
    return container.at("image")


def _files_below(mount: Mount) -> Iterator[str]:
    """The files of a secret that the manifest names: by subPath or by items."""
    if mount.spec.sub_path:
        yield mount.path
        return
    source = mount.volume.spec.secret if mount.volume is not None else None
    for _, item in entries((source or {}).get("items")):
        if isinstance(item.get("path"), str):
            yield posixpath.join(mount.path, item["path"])


def _mode_of(volume: PodVolume, mount: Mount, path: str) -> tuple[Place, int | None]:
    """The mode of a file of a secret volume, and where it is written."""
    source = volume.spec.secret or {}
    name = mount.spec.sub_path or posixpath.relpath(path, mount.path)
    default = source.get("defaultMode", 0o644)
    for index, item in entries(source.get("items")):
        if item.get("path") == name and item.get("mode") is not None:
            mode = item["mode"]
            return volume.at("secret", "items", index, "mode"), mode if isinstance(mode, int) else None
    return volume.at("secret", "defaultMode"), default if isinstance(default, int) else None


def _without_var(path: str) -> str:
    """A path with /var/run as /run: one is a link to the other in nearly every image."""
    return normalise(path).replace("/var/run", "/run", 1) if is_below(normalise(path), "/var/run") else normalise(path)


def _is_file(path: str) -> bool:
    return "." in posixpath.basename(normalise(path)).lstrip(".")


def _sub_path(mount: Mount) -> Place:
    return mount.at("subPathExpr" if mount.spec.sub_path_expr else "subPath")


def _may_be_injected(workload: Workload, name: str) -> bool:
    """Whether a sidecar injector may add the mount."""
    return any(key.startswith(_INJECTORS) and name in value for key, value in workload.template_annotations.items())


def _restarts_on_change(workload: Workload) -> bool:
    keys = (*workload.template_annotations, *workload.annotations)
    return any("checksum" in key or "reloader" in key or key.endswith("hash") for key in keys)


def _never_changes(volume: PodVolume) -> bool:
    """Whether the ConfigMap or Secret is immutable, or has a new name for every content."""
    assert volume.source is not None
    key, source = volume.source
    name = source.get("name" if key == "configMap" else "secretName") if isinstance(source, dict) else None
    if not isinstance(name, str) or _HASHED.search(name):
        return True
    graph, kind = volume.workload.graph, "ConfigMap" if key == "configMap" else "Secret"
    if any(node.resource.get("immutable") is True for node in graph.named(kind, name)):
        return True
    bodies = (mate.resource.body for mate in graph.unit_mates(volume.workload, Kustomization))
    return any(
        entry.get("name") == name
        for body in bodies
        if isinstance(body, KustomizationBody)
        for entry in (body.config_map_generator if key == "configMap" else body.secret_generator)
    )
