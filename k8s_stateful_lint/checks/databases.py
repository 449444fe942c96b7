"""Family databases: where servers keep their data, and what becomes of it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import msgspec

from k8s_stateful_lint._patterns import regex
from k8s_stateful_lint.checks.finding import Finding, Related
from k8s_stateful_lint.graph import (
    ROX,
    RWOP,
    RWX,
    Autoscaler,
    Claim,
    Database,
    Graph,
    PersistentVolume,
    Server,
    Workload,
)
from k8s_stateful_lint.graph.once import once
from k8s_stateful_lint.graph.paths import is_below, normalise
from k8s_stateful_lint.knowledge import image_process, images
from k8s_stateful_lint.knowledge.image_reference import parse_version

if TYPE_CHECKING:
    from k8s_stateful_lint.config import Confidence, Severity
    from k8s_stateful_lint.graph import Container, Mount, PodVolume
    from k8s_stateful_lint.graph.databases import DataPlacement
    from k8s_stateful_lint.model.resource import Place

# Mounts that no database keeps its data in, whatever the image: parts of the node, files, logs, copies.
_NODE_PATHS = ("/dev", "/proc", "/sys", "/run", "/var/run", "/var/log", "/etc", "/lib", "/usr/share/zoneinfo")
_ASIDE_NAMES = frozenset({"backup", "backups", "dump", "dumps", "log", "logs", "certs", "ssl", "tls", "secrets"})
_FILE_NAME = regex(r"\.(?:conf|cnf|cfg|ini|sql|js|sh|ya?ml|json|xml|properties|toml|pem|crt|key|sock)$")
_OLD_POSTGRES_PATH = "/var/lib/postgresql/data"


# Where the data is ----------------------------------------------------------------------------------------------------


def data_directory_not_mounted(subject: Server) -> Iterator[Finding]:
    """The claim is mounted where the server does not look, and the data stays in the container."""
    if subject.class_ not in {"single", "quorum", "ring", "shared"} or not subject.data:
        return
    if _old_postgres_mount(subject) is not None:
        return
    mounts = _data_candidates(subject)
    missing = [place for place in subject.data if place.directory.required and _is_missing(subject, place, mounts)]
    if not mounts or not missing or (subject.class_ == "shared" and _is_partly_mounted(subject, mounts)):
        return
    first = missing[0]
    paths = " and ".join(place.directory.path for place in missing)
    partly = any(place.directory.required and place not in missing for place in subject.data)
    parent = first.parent if first.parent in mounts else None
    mount = parent or mounts[0]
    in_root = not partly and not mount.has_sub_path and _lost_found_doubt(subject, mount.volume) is not None
    where = mount.at("mountPath")
    what = f"{_described(mount)} at {mount.path}"
    if parent is not None:
        message = (
            f"{subject.product} keeps its data in {paths}, and its image declares the VOLUME {first.hidden_by}: the "
            f"container runtime puts an empty directory there, over {what}, so the data is lost with the container"
        )
    elif (misspelt := _misspelt_variable(subject, mounts)) is not None:
        index, wrong, right = misspelt
        where = subject.container.at("env", index, "name")
        message = (
            f"{subject.product} does not read {wrong} (it reads {right}), so its data stays in {paths}, which no "
            f"volume covers, and {what} stays empty"
        )
    elif partly:
        message = (
            f"{subject.product} also keeps data in {paths}, which no volume covers, so that part is lost with the "
            f"container while {what} stays"
        )
    else:
        message = (
            f"{subject.product} keeps its data in {paths}, which no volume covers, so the data is lost with the "
            f"container and {what} stays without it"
        )
    yield Finding(
        place=where,
        message=message,
        related=_volume_related(mount),
        severity="warning" if partly or subject.class_ == "shared" else None,
        help=f"Mount the volume at {first.hidden_by if parent is not None else paths}"
        + (", with `subPath: data` (its own root may hold lost+found)." if in_root else "."),
        weak=subject.weak,
        unverified=subject.is_unverified,
    )


def database_without_persistent_storage(subject: Database) -> Iterator[Finding]:
    """The data directory is on storage that goes away with the pod, or on none."""
    if not subject.data or subject.entry.runs_without_storage or subject.container.spec.volume_devices:
        return
    if image_process.in_development_mode(subject.match, subject.settings) or subject.workload.has_dangling_storage:
        return
    if _is_agent(subject) or _is_arbiter(subject):
        return
    if subject.entry.class_ == "cache" and not _is_told_to_persist(subject):
        return
    bare: list[DataPlacement] = []
    for place in subject.data:
        if not place.directory.required:
            continue
        mount = _nearest_mount(subject, place)
        if mount is None:
            bare.append(place)
        elif mount.volume is not None and (ending := _ending(mount.volume)):
            yield Finding(
                place=mount.volume.at(),
                message=f"the data of {subject.product} in {place.directory.path} is on {ending}",
                related=(Related(mount.at("mountPath"), "the data directory is here"),),
                weak=subject.weak,
                unverified=subject.is_unverified,
            )
    required = [place for place in subject.data if place.directory.required]
    if not required or len(bare) < len(required) or _data_candidates(subject):
        return
    paths = " and ".join(place.directory.path for place in bare)
    yield Finding(
        place=subject.container.at("name"),
        message=f"{subject.product} keeps its data in {paths}, and no volume is mounted there: every restart of the "
        "container begins without it",
        weak=subject.weak,
        unverified=subject.is_unverified,
    )


def database_on_network_share(subject: Database, options: Mapping[str, Any]) -> Iterator[Finding]:
    """The data directory is on a network file system, whose locks and flushes databases must not rely on."""
    if subject.entry.nfs == "supported":
        return
    for mount in subject.data_mounts:
        share = _share(mount, tuple(options["allow-drivers"]))
        if share is None:
            continue
        severity, confidence = _share_severity(subject, share)
        if share.kind is None:
            message = (
                f"{share.label} asks for ReadWriteMany, which most drivers serve from a network file system, and "
                f"{subject.product} keeps its data on it"
            )
        else:
            message = f"{subject.product} keeps its data on {share.label}, {share.words}: {_share_harm(subject, share)}"
        yield Finding(
            place=share.place,
            message=message,
            related=(Related(mount.at("mountPath"), "the data directory is here"),),
            severity=severity,
            confidence=confidence,
            weak=subject.weak + share.weak,
            unverified=subject.is_unverified,
        )


def postgres_18_old_mount_path(subject: Server) -> Iterator[Finding]:
    """The volume is where PostgreSQL 17 kept its data; 18 keeps it elsewhere."""
    mount = _old_postgres_mount(subject)
    if mount is None:
        return
    version = subject.match.version
    tag = f"{subject.product} is PostgreSQL {version[0]}" if version else f"{subject.product} is PostgreSQL 18 or newer"
    major = version[0] if version else 18
    yield Finding(
        place=mount.at("mountPath"),
        message=f"{tag}, which keeps its data in /var/lib/postgresql/{major}/docker: with a volume at {mount.path} it "
        "refuses to start, or the data is lost with the container",
        related=(Related(subject.container.at("image"), "the image"),),
        confidence=None if version else "medium",
        weak=subject.weak,
        unverified=subject.is_unverified,
    )


def lost_found_in_data_directory(subject: Database) -> Iterator[Finding]:
    """The root of an ext file system is never empty, and the server wants an empty directory."""
    for place in subject.data or ():
        mount = place.mount
        if mount is None or mount.has_sub_path or mount.path != normalise(place.directory.path):
            continue
        volume = mount.volume
        doubt = _lost_found_doubt(subject, volume)
        if volume is None or doubt is None:
            continue
        claim = volume.claim
        related = [] if claim is None else [Related(claim.at("metadata", "name"), "the claim")]
        if claim is not None and claim.storage_class is not None:
            related.append(Related(claim.storage_class.name_place, "its class"))
        yield Finding(
            place=mount.at("mountPath"),
            message=f"{volume.description} is mounted exactly at the data directory of {subject.product}: a fresh ext4 "
            "volume holds lost+found there, and the server refuses a directory that is not empty",
            related=tuple(related),
            weak=subject.weak + doubt,
            unverified=subject.is_unverified,
        )


# The image and its settings -------------------------------------------------------------------------------------------


def unpinned_database_image(subject: Database) -> Iterator[Finding]:
    """The next pull may bring a version that cannot read the data."""
    image, match = subject.container.image, subject.match
    if image is None or image.digest is not None:
        return
    parts = subject.entry.format_parts
    if match.floating:
        tag = f"the floating tag {image.tag}" if image.tag else "no tag"
        harm = " on the data of this one, which it refuses or converts without a way back"
        harm = harm if subject.has_persistent_data else " of the database than the one you tested"
        yield Finding(
            place=subject.container.at("image"),
            message=f"{subject.product} has {tag}, so a restart on another node may start another version{harm}",
            weak=subject.weak,
            unverified=subject.is_unverified,
        )
    elif match.version is not None and parts is not None and len(match.version) < parts:
        yield Finding(
            place=subject.container.at("image"),
            message=f"the tag of {subject.product} names {len(match.version)} of the {parts} parts of a version that "
            "decide about its data format, so the format may change under a running database",
            severity="info",
            weak=subject.weak,
            unverified=subject.is_unverified,
        )


def development_mode_server(subject: Server) -> Iterator[Finding]:
    """The server runs as a toy: its data is in memory or in a file of its image."""
    reason = image_process.in_development_mode(subject.match, subject.settings)
    if reason is None or subject.workload.is_development:
        return
    container = subject.container
    is_embedded = subject.class_ == "none" and not subject.data
    if is_embedded and subject.entry.key == "keycloak":
        if not any(mount.is_persistent and not _is_aside(subject, mount) for mount in container.mounts):
            return
        message = f"{subject.product} runs in development mode ({reason}), although it has a persistent volume"
        confidence: Confidence | None = "low"
    else:
        message = f"{subject.product} runs in development mode ({reason}), so all its data is gone after a restart"
        confidence = None
    yield Finding(
        place=_settings_place(container),
        message=message,
        confidence=confidence,
        weak=subject.weak,
        unverified=subject.is_unverified,
    )


def removed_database_option(subject: Server) -> Iterator[Finding]:
    """The server does not know the option any more and does not start."""
    version = subject.match.layout_version
    if version is None:
        return
    passed = image_process.server_arguments(subject.match, subject.settings) or ()
    for option in subject.entry.removed_options:
        since = parse_version(option.since)
        # A tag that names only the major version means its newest minor one.
        if (
            since is None
            or (*version, 9999) < since
            or not any(re.split("=", word)[0] == option.option for word in passed)
        ):
            continue
        place = _word_place(subject.container, option.option)
        if place is None:
            continue
        is_newest = subject.match.version is None
        yield Finding(
            place=place,
            message=f"{subject.product} {'is now a version that' if is_newest else ''} does not know {option.option} "
            f"(removed in {option.since}), so the server does not start".replace("  ", " "),
            related=(Related(subject.container.at("image"), "the image"),),
            weak=subject.weak,
            unverified=subject.is_unverified,
        )


def redis_persistence_off(subject: Server) -> Iterator[Finding]:
    """The claim is there, but nothing is ever written to it."""
    if subject.entry.key not in _REDIS_KEYS or not subject.has_persistent_data:
        return
    if _redis_writes_nothing(subject) is not True:
        return
    mount = next(mount for mount in subject.data_mounts if mount.is_persistent)
    yield Finding(
        place=_settings_place(subject.container),
        message=f'{subject.product} has {_described(mount)} for its data, but `save ""` without `appendonly yes` '
        "writes nothing to it, so the data is gone after a restart",
        related=(Related(mount.at("mountPath"), "the volume that stays empty"),),
        weak=subject.weak,
        unverified=subject.is_unverified,
    )


def small_shared_memory(subject: Database) -> Iterator[Finding]:
    """64 MB of shared memory are not enough for parallel queries."""
    if not subject.entry.shared_memory or subject.workload.is_development:
        return
    if any(mount.path == "/dev/shm" for mount in subject.container.mounts):
        return
    texts = (*subject.container.words, *subject.container.config_texts.values())
    if any(re.search(r"dynamic_shared_memory_type\s*=\s*'?mmap", text) for text in texts):
        return
    yield Finding(
        place=subject.container.at("volumeMounts", part="key"),
        message=f"{subject.product} has the 64 MB of shared memory that a container gets, too little for parallel "
        "queries on much data (could not resize shared memory segment)",
        weak=subject.weak,
        unverified=subject.is_unverified,
    )


def map_count_not_raised(subject: Server) -> Iterator[Finding]:
    """The server wants more memory maps than a node allows by default."""
    if not subject.entry.map_count or image_process.standalone(subject.match, subject.settings):
        return
    version = subject.match.version
    if "elasticsearch" in subject.entry.key and version is not None and version < (5,):
        return  # bootstrap checks came with 5.0
    workload = subject.workload
    platform = workload.graph.config.cluster.platform or ""
    if "autopilot" in platform or "fargate" in platform or _raises_map_count(workload):
        return
    config = subject.entry.other_paths.config
    unseen = any(is_below(path, place) for path in subject.container.unknown_config_paths for place in config)
    if unseen or subject.settings.env_from_unknown or _disables_mmap(subject):
        return
    if any(mate is not workload for mate in _daemons_that_mention_map_count(workload.graph, workload.units)):
        return
    yield Finding(
        place=subject.container.at("image"),
        message=f"{subject.product} needs vm.max_map_count of at least 262144 on its node, and nothing here raises it: "
        "with the default of many nodes (65530) its bootstrap check stops it",
        weak=subject.weak,
        unverified=subject.is_unverified,
    )


@once
def _daemons_that_mention_map_count(graph: Graph, units: frozenset[str]) -> list[Workload]:
    mates = graph.in_units(units, Workload)
    return [mate for mate in mates if mate.kind == "DaemonSet" and _mentions_map_count(mate)]


# Several servers ------------------------------------------------------------------------------------------------------


def single_writer_rollout_overlap(subject: Database) -> Iterator[Finding]:
    """At every rollout two servers have the same data directory open."""
    workload = subject.workload
    rollout = workload.rollout
    if rollout is None or not rollout.is_overlapping or workload.max_pods == 0:
        return
    for mount in subject.data_mounts:
        volume = mount.volume
        if volume is None or not mount.is_writable or not _lets_two_run(workload, volume, rollout.unavailable):
            continue
        yield Finding(
            place=workload.at("spec", "strategy", part="key"),
            message=f"a rolling update starts the new {subject.product} while the old one still runs, and both open "
            f"{volume.description}: the new one stops at the lock file, or both write and corrupt the data",
            related=(Related(mount.at("mountPath"), "the data directory of both"),),
            severity=None if subject.class_ == "single" else "warning",
            weak=subject.weak + volume.weak + (volume.claim.paired.weak if volume.claim is not None else 0),
            unverified=subject.is_unverified,
        )
        return


def unstable_identity_in_deployment(subject: Database) -> Iterator[Finding]:
    """A Deployment's pods have a new name at every start, and the server's data or peers know the old one."""
    workload = subject.workload
    if workload.kind != "Deployment" or workload.pods is None or workload.max_pods == 0:
        return
    if image_process.standalone(subject.match, subject.settings) is not None:
        return
    mount = next((mount for mount in _node_data_mounts(subject) if mount.is_persistent), None)
    if subject.entry.node_name_in_path and mount is not None and not workload.pod_spec.hostname:
        unstable, place = _unstable_node_name(subject)
        if unstable:
            related = [Related(mount.at("mountPath"), "the data of the old name stays here, unused")]
            if place is not None:
                related.append(Related(place, "the node name"))
            yield Finding(
                place=workload.at("kind"),
                message=f"{subject.product} keeps its data in a directory named after its node, and every new pod of a "
                "Deployment is a new node: after a restart it begins empty",
                related=tuple(related),
                weak=subject.weak,
                unverified=subject.is_unverified,
            )
            return
    if subject.class_ not in {"quorum", "ring"} or (workload.max_pods or 0) < 2:
        return
    yield Finding(
        place=workload.at("kind"),
        message=f"{workload.max_pods} members of {subject.product} are pods of a Deployment: one that restarts comes "
        "back under another name and with no storage that is its own, so the cluster loses a member and gets a new one",
        related=(Related(workload.pods.place, workload.pods.reason),),
        weak=subject.weak,
        unverified=subject.is_unverified,
    )


def standalone_server_replicated(subject: Database) -> Iterator[Finding]:
    """Several servers that know nothing of each other behind one name."""
    workload = subject.workload
    pods = workload.pods
    if pods is None or pods.maximum < 2 or workload.kind == "DaemonSet" or subject.data is None:
        return
    volumes = subject.data_volumes
    if not all(volume.template is not None or not volume.is_persistent for volume in volumes):
        return
    reason = image_process.standalone(subject.match, subject.settings)
    severity: Severity | None = None
    if reason is None:
        if subject.class_ != "single" or subject.entry.duplicates_allowed or _may_replicate(subject):
            return
        severity, reason = "warning", "nothing here sets up replication"
    yield Finding(
        place=pods.place,
        message=f"{pods.maximum} pods of {subject.product} are unrelated databases behind one name, each with its own "
        f"data ({reason}): what a client reads depends on the pod it reaches",
        related=(Related(_settings_place(subject.container), "the server"),),
        severity=severity,
        weak=subject.weak,
        unverified=subject.is_unverified,
    )


def autoscaled_database(subject: Autoscaler) -> Iterator[Finding]:
    """Members of a database come and go without being told to hand over their data."""
    bounds = subject.bounds
    if bounds is None or bounds[1] <= bounds[0]:
        return
    for workload in subject.workloads:
        databases = [] if workload.is_partial else workload.databases
        for database in databases:
            yield Finding(
                place=subject.at("spec", "scaleTargetRef", part="key"),
                message=f"{workload.label} runs the database {database.product}, and scaling from {bounds[0]} to "
                f"{bounds[1]} adds and removes members that nobody joins or decommissions",
                related=(Related(workload.name_place, "the database"),),
                severity="info" if database.class_ == "ring" else None,
                weak=database.weak,
                unverified=database.is_unverified,
            )
            break


# Helpers: mounts ------------------------------------------------------------------------------------------------------


def _described(mount: Mount) -> str:
    return mount.volume.description if mount.volume is not None else f"volume {mount.name}"


def _volume_related(mount: Mount) -> tuple[Related, ...]:
    return () if mount.volume is None else (Related(mount.volume.at(), "the volume"),)


def _is_aside(server: Server, mount: Mount) -> bool:
    """Whether a mount is for configuration, scripts, copies or parts of the node, not for data."""
    if mount in server.data_mounts:
        return False
    if not mount.is_writable or mount.volume is None:
        return True
    host = mount.volume.spec.host_path
    if host is not None and host.type in {"File", "FileOrCreate", "Socket", "CharDevice", "BlockDevice"}:
        return True
    other = server.entry.other_paths
    places = (*other.config, *other.init_scripts, *other.backup, *_NODE_PATHS)
    return (
        posixpath.basename(mount.path) in _ASIDE_NAMES
        or _FILE_NAME.search(mount.path) is not None
        or any(is_below(mount.path, normalise(place)) for place in places)
    )


def _data_candidates(server: Server) -> list[Mount]:
    """Persistent mounts that can be meant for data."""
    mounts = [
        mount
        for mount in server.container.mounts
        if mount.path and mount.is_persistent and not _is_aside(server, mount)
    ]
    return sorted(mounts, key=lambda mount: mount in server.data_mounts)


def _is_missing(server: Server, place: DataPlacement, mounts: list[Mount]) -> bool:
    if place.mount is not None:
        return False
    parts = [normalise(part) for part in place.directory.parts]
    return not any(is_below(mount.path, part) for mount in mounts for part in parts)


def _is_partly_mounted(server: Server, mounts: list[Mount]) -> bool:
    return any(
        place.mount in mounts or any(is_below(mount.path, normalise(place.directory.path)) for mount in mounts)
        for place in server.data or ()
    )


def _misspelt_variable(server: Server, mounts: list[Mount]) -> tuple[int, str, str] | None:
    """A variable that was meant to move the data to one of the mounts."""
    environment = server.container.environment
    for index, variable in enumerate(server.container.spec.env):
        right = server.entry.misspelt_env.get(variable.name)
        value = environment.get(variable.name)
        if right is None or right in environment or not value:
            continue
        if any(is_below(normalise(value), mount.path) for mount in mounts):
            return index, variable.name, right
    return None


def _old_postgres_mount(server: Server) -> Mount | None:
    """The mount at the old data directory of a PostgreSQL that has a new one."""
    version = server.match.layout_version
    if version is None or version < (18,) or server.data is None:
        return None
    if not any(path.path == _OLD_POSTGRES_PATH and path.before == "18" for path in server.entry.data):
        return None
    if any(not place.directory.default for place in server.data):
        return None
    return next((mount for mount in server.container.mounts if mount.path == _OLD_POSTGRES_PATH), None)


def _nearest_mount(server: Server, place: DataPlacement) -> Mount | None:
    """The mount that data goes to: the one that covers it, the parent an image VOLUME hides, or that of a part."""
    if place.mount is not None:
        return place.mount
    if place.parent is not None and not place.parent.is_persistent:
        return place.parent
    parts = [normalise(part) for part in place.directory.parts]
    for mount in server.container.mounts:
        if mount.path and any(is_below(mount.path, part) for part in parts):
            return mount
    return None


def _is_agent(database: Database) -> bool:
    """Whether it runs on every node beside the members of a cluster (Consul's agents)."""
    return database.class_ == "quorum" and database.workload.kind == "DaemonSet"


def _is_arbiter(database: Database) -> bool:
    """Whether it only votes: its name, or a label, says so, and it has no data of its own."""
    pattern = database.entry.arbiter
    if pattern is None:
        return False
    workload = database.workload
    return any(re.search(pattern, name) for name in (workload.name, *workload.template_labels.values()))


def _is_told_to_persist(database: Database) -> bool:
    """Whether a server that may be a cache is told to write its data; replication alone does not say so."""
    container = database.container
    texts = [" ".join(container.words), *container.config_texts.values()]
    if any(_PERSISTS.search(text) for text in texts):
        return True
    return any(name.endswith("_AOF_ENABLED") and value == "yes" for name, value in container.environment.items())


def _ending(volume: PodVolume) -> str | None:
    """Where the data ends, for a volume that goes away with the pod."""
    empty = volume.spec.empty_dir
    if volume.template is None and empty is not None:
        if empty.medium == "Memory":
            return f"the emptyDir {volume.name} in memory, which goes away with the pod"
        return f"the emptyDir {volume.name}, which is deleted with the pod"
    if volume.template is None and volume.spec.ephemeral is not None:
        return f"the generic ephemeral volume {volume.name}, whose claim is deleted with the pod"
    return None


def _lost_found_doubt(subject: Server, volume: PodVolume | None) -> int | None:
    """Whether a fresh volume holds lost+found, which the server refuses: steps of confidence to lose, or None."""
    if images.lost_found(subject.match) != "fatal":
        return None
    if any(word.startswith(("--ignore-db-dir", "--ignore_db_dir")) for word in subject.container.words):
        return None
    if volume is None or not (volume.is_claim_reference or volume.claim is not None):
        return None
    return _ext_doubt(volume)


def _ext_doubt(volume: PodVolume) -> int | None:
    """Whether the volume may be an ext file system: steps of confidence to lose, or None if it is none."""
    claim = volume.claim
    if claim is None:
        return 1 if volume.claim_name and not volume.resolution.ambiguous else None
    if claim.is_block:
        return None
    if claim.volume is not None:
        return claim.paired.weak if _is_ext(claim.volume) else None
    fact = claim.driver
    if fact.driver is None:
        static = _static_volumes(claim)
        if fact.provisioner is None and (static or (claim.modes is not None and RWX in claim.modes)):
            return 1 if static and _are_ext(claim.graph, static) else None
        return 0
    kind = fact.driver.network_file_system_with(_parameters(claim), shared=_shared(claim))
    if fact.driver.kind != "block" or kind not in (None, "none"):
        return None
    written = _file_system(_parameters(claim)) or fact.driver.default_fstype or "ext4"
    return fact.weak if written.lower().startswith("ext") else None


@once
def _are_ext(graph: Graph, volumes: tuple[PersistentVolume, ...]) -> bool:
    return all(map(_is_ext, volumes))


def _is_ext(volume: PersistentVolume) -> bool:
    """Whether a volume is a disk with an ext file system."""
    key, value = volume.source or ("", None)
    plugin, driver = volume.plugin, volume.driver.driver
    is_disk = driver.kind == "block" if driver is not None else plugin is not None and plugin.disk
    if not is_disk and not (key == "csi" and driver is None):
        return False
    written = value.get("fsType") if isinstance(value, dict) else None
    written = written or (driver.default_fstype if driver is not None else None) or "ext4"
    return str(written).lower().startswith("ext")


def _file_system(parameters: Mapping[str, str]) -> str | None:
    for name, value in parameters.items():
        if name.lower() in {"fstype", "csi.storage.k8s.io/fstype"}:
            return value
    return None


def _parameters(claim: Claim) -> Mapping[str, str]:
    return claim.storage_class.body.parameters if claim.storage_class is not None else {}


def _shared(claim: Claim) -> bool | None:
    return None if claim.modes is None else bool(claim.modes & {RWX, ROX})


def _static_volumes(claim: Claim) -> tuple[PersistentVolume, ...]:
    """PersistentVolumes of the unit that the binder may give to an unpaired claim."""
    return _unreserved(claim.graph, claim.fitting_volumes(claim.class_name.name or ""))


@once
def _unreserved(graph: Graph, volumes: tuple[PersistentVolume, ...]) -> tuple[PersistentVolume, ...]:
    return tuple(volume for volume in volumes if not volume.is_reserved)


# Helpers: network shares ----------------------------------------------------------------------------------------------


class _Share(msgspec.Struct, frozen=True):
    """A volume on a network file system; ``kind`` None means that only the access mode speaks for one."""

    kind: str | None
    label: str
    place: Place
    weak: int = 0
    by_class_name: bool = False

    @property
    def words(self) -> str:
        return {
            "nfs": "a network file system (NFS)",
            "smb": "an SMB share",
            "fuse": "a file system in user space over an object store",
            "gluster": "a network file system (GlusterFS)",
            "cephfs": "a shared file system (CephFS)",
            "lustre": "a shared file system (Lustre)",
        }.get(self.kind or "", "a network file system")


def _share(mount: Mount, allowed: tuple[str, ...]) -> _Share | None:
    volume = mount.volume
    if volume is None or not volume.is_persistent:
        return None
    claim = volume.claim
    if claim is not None:
        return _claim_share(claim, allowed)
    if volume.is_claim_reference or volume.source is None:
        return None
    key, value = volume.source
    kind = volume.plugin.network_file_system if volume.plugin is not None else None
    name = key
    if key == "csi" and isinstance(value, dict):
        name = str(value.get("driver", ""))
        driver = volume.workload.graph.knowledge.driver(name)
        attributes = value.get("volumeAttributes")
        parameters = attributes if isinstance(attributes, dict) else {}
        kind = driver.network_file_system_with(parameters, shared=None) if driver is not None else None
    if kind in (None, "none") or _is_allowed(allowed, key, name):
        return None
    return _Share(kind, volume.description, volume.at(key, part="key"))


def _claim_share(claim: Claim, allowed: tuple[str, ...]) -> _Share | None:
    if claim.volume is not None:
        return _volume_share(claim.volume, claim, allowed, claim.paired.weak)
    fact = claim.driver
    place = claim.class_place
    if fact.driver is not None:
        kind = fact.driver.network_file_system_with(_parameters(claim), shared=_shared(claim))
        if kind in (None, "none") or _is_allowed(allowed, fact.provisioner or "", fact.driver.name):
            return None
        return _Share(kind, f"{claim.label} of {fact.provisioner}", place, fact.weak, fact.origin == "class-name")
    static = _static_volumes(claim)
    if static:
        is_share = claim.written_class is not None and _are_shares(claim.graph, static, allowed)
        return _volume_share(static[0], claim, allowed, 1) if is_share else None
    if _is_allowed(allowed, fact.provisioner or ""):
        return None
    is_open = fact.provisioner is None and not claim.graph.volumes.has_class(claim.class_name.name or "\0")
    if is_open and claim.modes is not None and RWX in claim.modes and not claim.is_block:
        return _Share(None, claim.label, place)
    return None


def _volume_share(volume: PersistentVolume, claim: Claim, allowed: tuple[str, ...], weak: int) -> _Share | None:
    kind = _kind_of_share(volume, allowed)
    if kind is None or volume.source is None:
        return None
    place = volume.at("spec", volume.source[0], part="key")
    return _Share(kind, f"{claim.label} on PersistentVolume {volume.name}", place, weak)


@once
def _are_shares(graph: Graph, volumes: tuple[PersistentVolume, ...], allowed: tuple[str, ...]) -> bool:
    return all(_kind_of_share(volume, allowed) is not None for volume in volumes)


def _kind_of_share(volume: PersistentVolume, allowed: tuple[str, ...]) -> str | None:
    """The kind of network file system that a volume is on; None where it is none, or one that is allowed."""
    if volume.source is None:
        return None
    key, value = volume.source
    kind = volume.plugin.network_file_system if volume.plugin is not None else None
    driver = volume.driver.driver
    if driver is not None:
        attributes = value.get("volumeAttributes") if isinstance(value, dict) else None
        parameters = attributes if isinstance(attributes, dict) else {}
        shared = bool(volume.modes & {RWX, ROX}) if volume.modes is not None else None
        kind = driver.network_file_system_with(parameters, shared=shared)
    is_none = kind in (None, "none") or _is_allowed(allowed, key, volume.driver.provisioner or "")
    return None if is_none else kind


def _is_allowed(allowed: tuple[str, ...], *names: str) -> bool:
    return any(fnmatchcase(name, glob) for name in names if name for glob in allowed)


def _share_severity(database: Database, share: _Share) -> tuple[Severity, Confidence | None]:
    if share.kind is None:
        return "info", "low"
    if share.kind in {"cephfs", "lustre"}:
        return "info", None
    severity: Severity
    if share.kind in {"smb", "fuse"} and database.entry.smb_fatal:
        severity = "error"
    else:
        severity = {"no": "error", "caution": "warning"}.get(database.entry.nfs or "", "info")  # type: ignore[assignment]
    if share.by_class_name and severity == "error":
        severity = "warning"
    return severity, None


def _share_harm(database: Database, share: _Share) -> str:
    if share.kind in {"smb", "fuse"} and database.entry.smb_fatal:
        return "chown, links and locks fail there, so it does not start or its files break"
    if share.kind in {"cephfs", "lustre"}:
        return "check that its locks and flushes are as strict as those of a local disk"
    if database.entry.nfs == "no":
        return "its makers do not support that, and lost locks or flushes corrupt the data"
    if database.entry.nfs == "caution":
        return "that works only with hard mounts, working locks and no root squashing; a hiccup corrupts the data"
    return "whether its locks and flushes are reliable there is not known"


# Helpers: settings ----------------------------------------------------------------------------------------------------

_REDIS_KEYS = frozenset({"redis", "valkey", "bitnami-redis", "bitnami-valkey"})
_PERSISTS = regex(r"\b(?:appendonly|cluster-enabled)[\s=]+[\"']?yes|(?:^|--)save[\s=]+[\"']?\d", re.MULTILINE)
_SHELLS = frozenset({"sh", "bash", "ash", "dash"})


def _settings_place(container: Container) -> Place:
    """Where a container says what it runs."""
    if container.spec.args:
        return container.at("args", part="key")
    return container.at("command", part="key") if container.spec.command else container.at("name")


def _word_place(container: Container, option: str) -> Place | None:
    pattern = re.compile(rf"(?:^|[\s\"']){re.escape(option)}(?:=|\s|[\"']|$)")
    for field, words in (("args", container.spec.args), ("command", container.spec.command)):
        for index, word in enumerate(words or ()):
            if pattern.search(word):
                return container.at(field, index)
    return None


def _redis_writes_nothing(server: Server) -> bool | None:
    """Whether both snapshots and the log are off; None = cannot tell."""
    if server.entry.key.startswith("bitnami") and server.container.environment.get("REDIS_AOF_ENABLED") != "no":
        return None  # these images switch the log on
    args = image_process.server_arguments(server.match, server.settings)
    if args is None or server.settings.unknown_config_paths or server.settings.env_from_unknown:
        return None
    texts = server.container.config_texts
    lines: list[str] = []
    for word in args:
        if word.endswith(".conf") and not word.startswith("-"):
            if word not in texts:
                return None
            lines += texts[word].splitlines()
    lines += _as_directives(args)
    saves, log = None, False
    for line in lines:
        name, _, value = line.strip().partition(" ")
        value = value.strip().strip("\"'").strip()
        match name.lower():
            case "save":
                saves = bool(value)
            case "appendonly":
                log = value.lower() == "yes"
            case "include" | "replicaof" | "slaveof":
                return None
    return saves is False and not log


def _as_directives(args: tuple[str, ...]) -> list[str]:
    """Arguments as lines of a configuration file: ``--save "" --appendonly no``."""
    lines: list[str] = []
    for word in args:
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            lines.append(f"{name} {value}" if equals else f"{name} ")
        elif lines:
            lines[-1] += f" {word}"
    return lines


def _mentions_map_count(workload: Workload) -> bool:
    return any("max_map_count" in word for container in workload.all_containers for word in container.words)


def _raises_map_count(workload: Workload) -> bool:
    if any(
        "max_map_count" in word
        for container in workload.all_containers
        if container.spec.security_context.privileged
        for word in container.words
    ):
        return True
    sysctls = workload.resource.get(*workload.template_route, "spec", "securityContext", "sysctls")
    return isinstance(sysctls, list) and any(
        isinstance(item, dict) and item.get("name") == "vm.max_map_count" for item in sysctls
    )


def _disables_mmap(server: Server) -> bool:
    container = server.container
    for name, value in container.environment.items():
        if "allow_mmap" in name.lower() and value is not None and value.lower().strip("\"'") == "false":
            return True
    texts = [*container.words, *container.config_texts.values()]
    texts += [value for value in container.environment.values() if value]
    return any(re.search(r"allow_mmap\s*[:=]\s*[\"']?false", text) for text in texts)


# Helpers: several servers ---------------------------------------------------------------------------------------------


def _lets_two_run(workload: Workload, volume: PodVolume, unavailable: int) -> bool:
    """Whether old and new pod can have the volume at the same time."""
    if not volume.is_persistent:
        return False
    if volume.is_claim_reference:
        modes = volume.modes
        if modes is None or RWOP in modes:
            return False
        if modes & {RWX, ROX} or volume.attachment in {"attach-free", "node-bound"}:
            return True
        return workload.is_pinned or unavailable >= 1
    if volume.attachment in {"attach-free", "node-bound"}:
        return True
    return volume.is_single_node and (workload.is_pinned or unavailable >= 1)


def _node_data_mounts(database: Database) -> list[Mount]:
    """The mounts of the data, also of a part of it."""
    mounts = list(database.data_mounts)
    parts = [normalise(part) for place in database.data or () for part in place.directory.parts]
    mounts += [m for m in database.container.mounts if m.path and any(is_below(m.path, part) for part in parts)]
    return mounts


def _unstable_node_name(database: Database) -> tuple[bool, Place | None]:
    """Whether every pod has another node name, and the variable that makes it."""
    container = database.container
    if container.has_unknown_environment:
        return False, None
    for index, variable in enumerate(container.spec.env):
        if variable.name not in database.entry.node_name_variables:
            continue
        if _comes_from_pod(container, variable.name):
            return True, container.at("env", index)
        return False, None
    named = any(name in container.environment for name in database.entry.node_name_variables)
    texts = (*container.config_texts.values(), *container.words)
    if named or any(re.search(r"NODENAME\s*=|-s?name\b|node\.name\s*=", text) for text in texts):
        return False, None
    return True, None


def _comes_from_pod(container: Container, name: str) -> bool:
    """Whether a variable has the pod's name or address in it, directly or through other variables."""
    pending, seen = [name], set()
    variables = {variable.name: variable for variable in container.spec.env}
    while pending:
        variable = variables.get(pending.pop())
        if variable is None or variable.name in seen:
            continue
        seen.add(variable.name)
        reference = (variable.value_from or {}).get("fieldRef")
        if isinstance(reference, dict) and reference.get("fieldPath") in ("status.podIP", "metadata.name"):
            return True
        if variable.value:
            if variable.value.endswith("@localhost"):
                return False
            pending += re.findall(r"\$\(([A-Za-z_][\w.-]*)\)", variable.value)
    return False


def _may_replicate(database: Database) -> bool:
    """Whether something could tie the servers together: a marker, a script, or settings that cannot be seen."""
    container = database.container
    if image_process.replication_marker(database.match, database.settings) or container.has_unknown_environment:
        return True
    words = container.words
    if words and (posixpath.basename(words[0]) in _SHELLS or words[0].endswith((".sh", ".py")) or "\n" in words[-1]):
        return True
    if container.spec.lifecycle is not None and container.spec.lifecycle.post_start is not None:
        return True
    settings = {"configMap", "secret", "projected"}
    if any(mount.volume is not None and mount.volume.source_key in settings for mount in container.mounts):
        return True
    return bool(container.workload.init_containers) or any(
        other is not container and other.image_match is not None and other.image_match.entry is database.entry
        for other in container.workload.containers
    )
