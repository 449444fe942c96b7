"""Family access: how many nodes and pods may use a claim at once, and how many really do."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from k8s_stateful_lint.checks._shared import (
    are_alternatives,
    is_replicated,
    is_reserved_for_one_pod,
    misses_prepared_volume,
    needs_several_nodes,
    volumes_that_block_rollout,
)
from k8s_stateful_lint.checks.finding import Finding, Related
from k8s_stateful_lint.config import Severity
from k8s_stateful_lint.graph import (
    ROX,
    RWO,
    RWOP,
    RWX,
    Claim,
    Database,
    DriverFact,
    Graph,
    Mount,
    PersistentVolume,
    PodVolume,
    Workload,
)
from k8s_stateful_lint.graph.once import once
from k8s_stateful_lint.graph.pods import written_replicas
from k8s_stateful_lint.graph.workloads import HOSTNAME
from k8s_stateful_lint.knowledge import Driver
from k8s_stateful_lint.model.placeholders import is_placeholder
from k8s_stateful_lint.model.resource import Place

_LOCAL_PATH = "rancher.io/local-path"
_SHORT = {RWO: "RWO", ROX: "ROX", RWX: "RWX", RWOP: "RWOP"}
_HOOKS = frozenset({"helm.sh/hook", "argocd.argoproj.io/hook"})
# How many mounts of a directory, or workloads of a claim, are compared with one.
_MOST_COMPARED = 300
_MOST_MATES = 20  # workloads of a claim of which one may write into the directory of another


# One workload on one claim -------------------------------------------------------------------------------------------


def rwo_claim_multi_node(volume: PodVolume) -> Iterator[Finding]:
    """Pods of one workload can be on several nodes, but only one node may have the volume."""
    several = needs_several_nodes(volume)
    if several is None:
        return
    case, pods = several
    one_pod = is_reserved_for_one_pod(volume)
    severity: Severity | None = None
    help_text = None
    if one_pod:
        limit = f"{_the(volume)} may be used by one pod only ({RWOP})"
        effect = "the second pod never starts, not even on the same node"
    else:
        limit = f"{_the(volume)} can be attached to one node at a time"
        effect = "pods on any other node wait forever (Multi-Attach error)"
    match case:
        case "replicas":
            reason = pods.reason if pods.minimum >= 2 else f"replicas {written_replicas(volume.workload)}"
            if volume.attachment == "node-bound" and not one_pod:
                severity = "warning"
                limit = f"the data of {_the(volume)} is on one node"
                effect = "all replicas are forced onto it, and none of them survives it"
        case "daemon":
            reason = "a DaemonSet runs a pod on every node"
            help_text = "Use RWX storage, or node storage (a generic ephemeral or local volume) for every node."
        case "autoscaler":
            reason = pods.reason
            severity = None if one_pod else "warning"
            help_text = "Cap the autoscaler at one replica, or give every pod a claim of its own (StatefulSet)."
        case "job":
            reason = f"{pods.reason} runs {pods.maximum} pods at once"
            severity = None if one_pod else "warning"
            help_text = "Give every pod a generic ephemeral volume, use RWX storage, or set parallelism to 1."
        case "cron-job":
            reason = "the next run may start before the last one has ended (concurrencyPolicy Allow)"
            severity = "info"
            help_text = "Set concurrencyPolicy to Forbid and give the Job an activeDeadlineSeconds."
    yield Finding(
        place=volume.at("persistentVolumeClaim", "claimName")
        if volume.is_claim_reference
        else volume.at(volume.source_key or ""),
        message=f"{limit}, but {reason}: {effect}",
        related=(
            *_modes_of(volume),
            Related(pods.place if case != "cron-job" else volume.workload.at("spec", "concurrencyPolicy"), reason),
        ),
        severity=severity,
        help=help_text,
        weak=volume.weak,
    )


def shared_claim_across_replicas(volume: PodVolume) -> Iterator[Finding]:
    """All replicas write into the directories of one claim."""
    workload = volume.workload
    pods = workload.pods
    if not volume.is_claim_reference or not is_replicated(workload) or pods is None or pods.maximum < 2:
        return
    writing = tuple(mount for mount in volume.writable_mounts if not mount.is_per_pod)
    modes = volume.modes
    if not writing or modes == frozenset({ROX}):
        return
    place = volume.at("persistentVolumeClaim")
    related = (Related(pods.place, pods.reason), *(Related(mount.at(), "written here") for mount in writing))
    for database in workload.databases:
        if any(mount in database.data_mounts for mount in writing):
            yield Finding(
                place=place,
                message=f"up to {pods.maximum} {database.entry.key} servers write into one data directory on "
                f"{_the(volume)}: they lock each other out or destroy the data, whatever the access mode",
                related=related,
                weak=database.weak,
                unverified=database.is_unverified,
            )
            return
    if needs_several_nodes(volume) is not None or any(_is_made_for_sharing(mount) for mount in writing):
        return
    if modes is not None and ROX in modes and RWX not in modes:
        return
    yield Finding(
        place=place,
        message=f"up to {pods.maximum} replicas write into the same directories of {_the(volume)}: "
        "only a program made for it survives that",
        related=related,
        severity="info",
        help="Give every replica a claim of its own (StatefulSet volumeClaimTemplates), or suppress this where the "
        "program shares its files on purpose.",
        weak=volume.weak,
    )


def _is_made_for_sharing(mount: Mount) -> bool:
    server = mount.container.server
    return server is not None and server.class_ in ("shared", "cache")


def rwo_claim_rolling_update(workload: Workload) -> Iterator[Finding]:
    """The new pod waits for the volume, and the old pod waits for the new one."""
    volumes = volumes_that_block_rollout(workload)
    if not volumes:
        return
    one_pod = [volume for volume in volumes if is_reserved_for_one_pod(volume)]
    volume = (one_pod or volumes)[0]
    if one_pod:
        limit, when = f"may be used by one pod only ({RWOP})", "the new pod waits for it"
    else:
        limit, when = "can be attached to one node", "a new pod on another node waits for it"
    yield Finding(
        place=workload.at("spec", "strategy", part="key"),
        message=f"{_the(volume)} {limit}, and this rolling update starts the new pod before it stops the old one: "
        f"{when}, the old pod waits for the new one, and the rollout hangs",
        related=tuple(
            related for found in volumes for related in (Related(found.at(), "the volume"), *_modes_of(found))
        ),
        severity="error" if one_pod else None,
        weak=min(found.weak for found in volumes),
    )


# Several workloads on one claim --------------------------------------------------------------------------------------


def rwo_claim_several_workloads(claim: Claim) -> Iterator[Finding]:
    """Several workloads of a unit mount a claim that one node at a time may have."""
    if claim.shape == "ephemeral" or not claim.is_single_node:
        return
    one_pod = RWOP in (claim.modes or ())
    users = _users_together(claim)
    if len(users) < 2 or sum(not _is_hook(user.workload) for user in users) < 2:
        return
    if not one_pod and _are_on_one_node([user.workload for user in users]):
        return
    databases = [(user, database) for user in users for database in _databases_on(user)]
    if not one_pod and claim.attachment != "exclusive" and not databases:
        return
    names = _listed([user.workload.label for user in users])
    severity: Severity | None = None
    if one_pod:
        severity = "error"
        message = f"only one pod may use {claim.label} ({RWOP}), but {names} all mount it: the second never starts"
    elif (corrupted := _second_writer(databases, users)) is not None:
        severity = "error"
        database, writer = corrupted
        message = (
            f"{writer.label} can write into the data directory of {database.entry.key} in {database.workload.label} "
            f"on {claim.label}: {RWO} keeps other nodes out, not other pods, so both write on one node"
        )
    elif claim.attachment != "exclusive":
        message = (
            f"{names} use the files of a running {databases[0][1].entry.key} on {claim.label}: nothing keeps them apart"
        )
    else:
        message = (
            f"{names} mount {claim.label}, which can be attached to one node at a time: "
            "whichever pod is scheduled to another node waits (Multi-Attach error)"
        )
    yield Finding(
        place=claim.at("spec", "accessModes"),
        message=message,
        related=tuple(Related(_reference_of(user), f"used by {user.workload.label}") for user in users),
        severity=severity,
        weak=min(user.weak for user in users),
    )


def _users_together(claim: Claim) -> list[PodVolume]:
    """One use by each workload, for the unit in which most workloads use the claim."""
    users = [
        user
        for user in claim.users
        if user.is_used
        and (user.workload.max_pods or 0) >= 1
        and not user.workload.is_partial
        and not user.workload.is_owned
    ]
    if len(users) < 2:
        return []
    best: list[PodVolume] = []
    for unit in sorted({unit for user in users for unit in user.workload.units}):
        for name in dict.fromkeys(user.claim_name for user in users if user.template is None):
            together: list[PodVolume] = []
            namesakes: dict[str, list[Workload]] = defaultdict(list)
            for user in users:
                if unit in user.workload.units and (user.template is not None or user.claim_name == name):
                    known = namesakes[user.workload.name]
                    if not any(are_alternatives(user.workload, other) for other in known):
                        known.append(user.workload)
                        together.append(user)
            if len(together) > len(best):
                best = together
    return best


def _is_hook(workload: Workload) -> bool:
    annotations = {**workload.template_annotations, **workload.annotations}
    return workload.kind in ("Job", "Pod") and (
        "helm.sh/hook" in annotations or "argocd.argoproj.io/hook" in annotations
    )


def _are_on_one_node(workloads: Sequence[Workload]) -> bool:
    """Whether affinity or pinning takes the pods of all workloads to one node."""
    if not any(workload.pod_spec.affinity.pod_affinity.required for workload in workloads):
        pinned = {workload.pinned_to for workload in workloads}
        return len(pinned) == 1 and pinned.isdisjoint({None, "its own pods"})
    workloads = workloads[:_MOST_COMPARED]
    groups = [{index} for index in range(len(workloads))]
    for index, left in enumerate(workloads):
        for other, right in enumerate(workloads[:index]):
            if _is_with(left, right) or _is_with(right, left):
                joined = [group for group in groups if index in group or other in group]
                groups = [group for group in groups if group not in joined] + [set().union(*joined)]
    return len(groups) == 1


def _is_with(workload: Workload, other: Workload) -> bool:
    pinned = workload.pinned_to
    if pinned is not None and pinned == other.pinned_to and pinned != "its own pods":
        return True
    return any(
        term.topology_key == HOSTNAME
        and term.label_selector is not None
        and term.label_selector.matches(other.template_labels)
        for term in workload.pod_spec.affinity.pod_affinity.required
    )


def _databases_on(user: PodVolume) -> list[Database]:
    return user.workload.databases_on(user)


def _second_writer(
    databases: list[tuple[PodVolume, Database]], users: Sequence[PodVolume]
) -> tuple[Database, Workload] | None:
    """A database and another workload that can write into its data directory."""
    for home, database in databases[:_MOST_COMPARED]:
        data = [mount for mount in database.data_mounts if mount.volume is home]
        for user in users:
            if user is not home and any(_overlap(ours, theirs) for ours in data for theirs in user.writable_mounts):
                return database, user.workload
    return None


def _reference_of(user: PodVolume) -> Place:
    return user.at("metadata", "name") if user.template is not None else user.at("persistentVolumeClaim", "claimName")


def overlapping_paths_in_claim(workload: Workload, options: Mapping[str, Any]) -> Iterator[Finding]:
    """Two applications write into the same directory of one claim."""
    references = [volume for volume in workload.volumes if volume.claim_name and volume.writable_mounts]
    if not references:
        return
    for other in _earlier_mates(workload, {volume.claim_name for volume in references}):
        for volume in references:
            if any(fnmatchcase(volume.claim_name, glob) for glob in options["allow-claims"]):
                continue
            for theirs in other.volumes:
                if theirs.claim_name == volume.claim_name and theirs.claim is volume.claim:
                    yield from _overlapping_mounts(volume, theirs)


def _earlier_mates(workload: Workload, claim_names: set[str]) -> list[Workload]:
    """What is deployed together with a workload, uses claims of these names, and comes before it."""
    graph = workload.graph
    return [
        other
        for other in graph.workloads_with_claims(claim_names)[:_MOST_MATES]
        if graph.comes_before(other, workload)
        and not other.is_partial
        and other.shares_unit(workload)
        and other.namespace == workload.namespace
        and not other.is_owned
        and not are_alternatives(other, workload)
        and other.max_pods != 0
    ]


def _overlapping_mounts(volume: PodVolume, other: PodVolume) -> Iterator[Finding]:
    databases = [*_databases_on(volume), *_databases_on(other)]
    for mount in volume.writable_mounts:
        for theirs in other.writable_mounts:
            left, right = mount.container, theirs.container
            if left.is_init or right.is_init or left.image is None or right.image is None:
                continue
            if left.image.repository == right.image.repository or not _overlap(mount, theirs):
                continue
            yield Finding(
                place=mount.at("subPath") if mount.spec.sub_path else mount.at(),
                message=f"{volume.workload.label} may write into {_directory_in_claim(mount)} of {_the(volume)}, and "
                f"{other.workload.label} into {_directory_in_claim(theirs)}: one can overwrite or delete the files of "
                "the other",
                related=(
                    Related(
                        theirs.at("subPath") if theirs.spec.sub_path else theirs.at(),
                        f"also writable for {other.workload.label}",
                    ),
                ),
                severity="warning" if databases else None,
                weak=max(volume.weak, other.weak),
            )
            return


def _directory_in_claim(mount: Mount) -> str:
    return f"the directory {mount.spec.sub_path}" if mount.spec.sub_path else "the root"


def _overlap(left: Mount, right: Mount) -> bool:
    """Whether one mount's directory in the volume equals or contains the other's; an expression could be anything."""
    if left.spec.sub_path_expr or right.spec.sub_path_expr:
        return False
    return _contains(left.spec.sub_path, right.spec.sub_path) or _contains(right.spec.sub_path, left.spec.sub_path)


def _contains(directory: str, other: str) -> bool:
    if is_placeholder(directory) or is_placeholder(other):
        return False
    path, inner = (posixpath.normpath("/" + text.strip("/")) for text in (directory, other))
    return path in ("/", inner) or inner.startswith(path + "/")


class _Directory(msgspec.Struct, frozen=True):
    """A directory of a node (no server) or of an NFS server."""

    server: str
    path: str


def shared_directory_without_claim(database: Database) -> Iterator[Finding]:
    """Another pod writes into the node or NFS directory that a database keeps its data in."""
    for mount in database.data_mounts:
        volume = mount.volume
        if volume is None or not mount.is_writable or mount.is_per_pod:
            continue
        directory = _directory_of(mount)
        if directory is None:
            continue
        place, what = _source_place(volume), _described(directory)
        pods = database.workload.pods
        if (
            pods is not None
            and pods.maximum >= 2
            and is_replicated(database.workload)
            and not volume.is_claim_reference
            and volume.template is None
            and (directory.server or database.workload.is_pinned)
        ):
            yield Finding(
                place=place,
                message=f"up to {pods.maximum} {database.entry.key} servers of {database.workload.label} write into "
                f"one data directory, {what}: they lock each other out or destroy the data",
                related=(Related(pods.place, pods.reason),),
                weak=database.weak,
                unverified=database.is_unverified,
            )
            continue
        second = _second_user(database, volume, directory)
        if second is not None:
            yield Finding(
                place=place,
                message=f"{database.entry.key} in {database.workload.label} keeps its data in {what}, where "
                f"{second.workload.label} writes too: two programs in one data directory destroy the data",
                related=(Related(second.at(), f"mounted by {second.workload.label}"),),
                weak=database.weak,
                unverified=database.is_unverified,
            )


def _second_user(database: Database, volume: PodVolume, directory: _Directory) -> Mount | None:
    ours = database.workload
    for mount in _writers(ours.graph, ours.units).get(directory, ())[:_MOST_COMPARED]:
        other = mount.workload
        if other is ours or are_alternatives(ours, other):
            continue
        if not directory.server and None not in (pins := (ours.pinned_to, other.pinned_to)) and pins[0] != pins[1]:
            continue
        if volume.claim is None or mount.volume is None or mount.volume.claim is not volume.claim:
            return mount
    return None


@once
def _writers(graph: Graph, units: frozenset[str]) -> dict[_Directory, list[Mount]]:
    """The mounts of some units by the directory that their programs may write into."""
    found: dict[_Directory, list[Mount]] = defaultdict(list)
    for workload in graph.in_units(units, Workload):
        if workload.is_owned or workload.max_pods == 0:
            continue
        for mount in workload.mounts:
            is_private = mount.is_per_pod or mount.container.is_init or _is_made_for_sharing(mount)
            directory = _directory_of(mount) if mount.is_writable and not is_private else None
            if directory is not None:
                found[directory].append(mount)
    return found


def _directory_of(mount: Mount) -> _Directory | None:
    """The directory of a node or of an NFS server that a mount shows."""
    volume = mount.volume
    if volume is None or mount.spec.sub_path_expr:
        return None
    owner = volume.persistent_volume or volume
    key, value = owner.source or ("", None)
    if key not in ("hostPath", "nfs") or not isinstance(value, dict):
        return None
    path, server = value.get("path"), value.get("server") if key == "nfs" else ""
    if not isinstance(path, str) or not isinstance(server, str) or not path:
        return None
    if is_placeholder(path) or is_placeholder(server) or is_placeholder(mount.spec.sub_path):
        return None
    if key == "nfs" and not server:
        return None
    return _Directory(server, posixpath.normpath(posixpath.join("/", path, mount.spec.sub_path.lstrip("/"))))


def _source_place(volume: PodVolume) -> Place:
    owner: PodVolume | PersistentVolume = volume.persistent_volume or volume
    key = owner.source[0] if owner.source else ""
    steps = (key, "path") if key == "hostPath" else (key,)
    return owner.at("spec", *steps) if isinstance(owner, PersistentVolume) else owner.at(*steps)


def _described(directory: _Directory) -> str:
    if directory.server:
        return f"{directory.path} of the NFS server {directory.server}"
    return f"{directory.path} of the node"


# Modes and drivers ---------------------------------------------------------------------------------------------------


def rwx_on_block_storage(claim: Claim) -> Iterator[Finding]:
    """ReadWriteMany is asked of a driver that attaches its volumes to one node."""
    if RWX not in claim.spec.access_modes or not _is_dynamic(claim):
        return
    fact = claim.driver
    driver = fact.driver
    if driver is None:
        return
    if not claim.is_block:
        if driver.rwx_filesystem != "no" or (driver.name == _LOCAL_PATH and _is_set_up_shared(claim.graph)):
            return
        missing = ""
    elif driver.rwx_block == "no":
        missing = " even as a raw device"
    elif driver.rwx_block == "conditional" and driver.rwx_block_condition is not None and claim.storage_class:
        condition = driver.rwx_block_condition
        if condition.holds(claim.storage_class.body.parameters):
            return
        wanted = condition.value if condition.minimum is None else f"{condition.minimum} or more"
        missing = f" unless its class sets {condition.parameter}: {wanted}"
    else:
        return
    yield Finding(
        place=claim.at("spec", "accessModes"),
        message=f"{claim.label} asks for {RWX}, which {_provisioner(fact)} does not offer{missing}: "
        "the claim stays Pending and its pods with it",
        related=(*_class_of(claim), *_consumers_of(claim)),
        severity=_at_most_warning(fact),
        weak=_weak(fact),
        unverified=driver.status == "unverified",
    )


def _is_set_up_shared(graph: Graph) -> bool:
    """Whether some ConfigMap of the input gives local-path a directory that all nodes share."""
    maps = (node.resource.get("data") for node in graph.objects("ConfigMap"))
    # Go decodes the keys of JSON whatever their case.
    return any(
        "sharedfilesystempath" in str(text).lower() for data in maps if isinstance(data, dict) for text in data.values()
    )


def access_mode_unsupported_by_driver(subject: Claim | PersistentVolume) -> Iterator[Finding]:
    """A claim or volume lists an access mode that the storage behind it does not have."""
    found = _unsupported_of_claim(subject) if isinstance(subject, Claim) else _unsupported_of_volume(subject)
    if found is not None:
        yield found


def _unsupported_of_claim(claim: Claim) -> Finding | None:
    if ROX not in claim.spec.access_modes or not _is_dynamic(claim):
        return None
    fact = claim.driver
    if fact.driver is None or fact.driver.rox != "no" or (claim.is_block and _may_share_block(fact.driver)):
        return None
    if fact.driver.name == _LOCAL_PATH and _is_set_up_shared(claim.graph):
        return None
    return Finding(
        place=claim.at("spec", "accessModes"),
        message=f"{claim.label} asks for {ROX}, which {_provisioner(fact)} does not offer: the claim stays Pending "
        "and its pods with it",
        related=(*_class_of(claim), *_consumers_of(claim)),
        severity=_at_most_warning(fact),
        weak=_weak(fact),
        unverified=fact.driver.status == "unverified",
    )


def _unsupported_of_volume(volume: PersistentVolume) -> Finding | None:
    modes = volume.modes
    if modes is None or volume.source is None:
        return None
    place = volume.at("spec", "accessModes")
    key = volume.source[0]
    many = [mode for mode in (RWX, ROX) if mode in modes]
    paired = tuple(
        Related(claim.name_place, f"bound by {claim.label}") for claim in volume.claims if claim.shares_unit(volume)
    )
    if many and key in ("hostPath", "local"):
        if volume.graph.config.cluster.nodes == "one" or (volume.volume_mode == "Block" and key == "local"):
            return None
        effect = "pods on different nodes do not see each other's files"
        if key == "local" and volume.is_pinned:
            effect = f"every pod that uses it has to run on {next(iter(volume.hostnames))}"
        return Finding(
            place=place,
            message=f"{volume.label} lists {many[0]}, but it is a directory of a node ({key}): {effect}",
            related=paired,
            severity="warning",
        )
    lacking = [mode for mode in many if _lacks(volume, key, mode)]
    if lacking:
        driver = volume.driver.driver
        what = (volume.driver.provisioner or "its driver") if key == "csi" else f"a volume of type {key}"
        if driver is None or driver.kind == "block":
            effect = "with it the attach controller lets two nodes mount one file system, which destroys it"
        else:
            effect = "mounting it with this mode fails, or shares nothing"
        return Finding(
            place=place,
            message=f"{volume.label} lists {_listed(lacking)}, which {what} does not support: {effect}",
            related=paired,
            unverified=driver is not None and driver.status == "unverified",
        )
    if RWOP in modes and key != "csi" and not (volume.plugin and volume.plugin.redirect):
        return Finding(
            place=place,
            message=f"{volume.label} lists {RWOP}, which exists for CSI volumes only, not for {key}: nothing may "
            "enforce it",
            related=paired,
            severity="warning",
        )
    return None


def _may_share_block(driver: Driver) -> bool:
    """Whether some raw devices of the driver may be on several nodes; the column ROX speaks of file systems."""
    return driver.rwx_block in ("yes", "conditional")


def _lacks(volume: PersistentVolume, key: str, mode: str) -> bool:
    """Whether the tables say that the source does not have the mode."""
    driver = volume.driver.driver
    if driver is not None and driver.per_node_handles is not None:
        handle = volume.resource.get("spec", "csi", "volumeHandle")
        if isinstance(handle, str) and handle.startswith(driver.per_node_handles):
            return False
    if volume.volume_mode == "Block":
        if driver is None:
            return False
        return (driver.rwx_block if mode == RWX else driver.rox) == "no" and not _may_share_block(driver)
    if key == "csi":
        return driver is not None and (driver.rwx_filesystem if mode == RWX else driver.rox) == "no"
    plugin = volume.plugin
    return plugin is not None and (plugin.rwx if mode == RWX else plugin.rox) is False


def conflicting_access_modes(subject: PersistentVolume | Claim) -> Iterator[Finding]:
    """The list holds modes that CSI cannot serve together, or its first entry is not the one that is meant."""
    if isinstance(subject, Claim):
        if not _is_dynamic(subject):
            return
        modes, fact = list(subject.spec.access_modes), subject.driver
        is_csi = fact.driver is not None and "csi" in fact.driver.name
        related = _class_of(subject)
    else:
        modes, fact = list(subject.spec.access_modes), subject.driver
        # The translation of a gcePersistentDisk turns RWO with ROX, and RWX, into RWO, so that its CSI driver never
        # sees the list. Source: kubernetes csi-translation-lib plugins/gce_pd.go, backwardCompatibleAccessModes.
        is_csi = fact.origin == "volume" and subject.source is not None and subject.source[0] != "gcePersistentDisk"
        related = (Related(subject.at("spec", subject.source[0]), "the driver"),) if subject.source else ()
    if not is_csi or len(modes) < 2:
        return
    driver = fact.driver
    place = subject.at("spec", "accessModes")
    if {RWO, ROX} <= set(modes) and RWX not in modes and driver is not None and driver.attachment == "exclusive":
        yield Finding(
            place=place,
            message=f"{subject.label} lists {RWO} and {ROX} together, and {_provisioner(fact)} never attaches such a "
            "volume: CSI does not support ReadOnlyMany and ReadWriteOnce on the same PersistentVolume",
            related=related,
            severity=_at_most_warning(fact),
            weak=_weak(fact),
        )
    elif modes[0] == ROX and any(mode in (RWO, RWX) for mode in modes[1:]):
        if driver is not None and driver.attachment == "attach-free" and not isinstance(subject, PersistentVolume):
            return
        yield Finding(
            place=place,
            message=f"{subject.label} lists {ROX} first: kubelet uses only the first entry and mounts the volume as "
            "for a reader, whatever follows",
            related=related,
            severity="warning",
            weak=_weak(fact),
        )


def read_only_claim_without_data(claim: Claim) -> Iterator[Finding]:
    """A new volume that can only be read is empty, and stays so."""
    spec = claim.spec
    if claim.shape != "object" or list(spec.access_modes) != [ROX] or not _is_dynamic(claim):
        return
    if spec.data_source or spec.data_source_ref or claim.get("spec", "selector") is not None:
        return
    if any(key.startswith("cdi.kubevirt.io/") for key in claim.annotations):
        return
    storage_class = claim.storage_class
    if storage_class is None or storage_class.is_static or storage_class.driver is None:
        return
    if (storage_class.driver.attachment or "attach-free") == "attach-free":
        return
    yield Finding(
        place=claim.at("spec", "accessModes"),
        message=f"{claim.label} gets a new, empty volume of class {storage_class.name} that may only be read: "
        "nothing can ever fill it",
        related=(
            Related(storage_class.at("provisioner"), "provisions an empty volume"),
            *_consumers_of(claim),
        ),
        weak=claim.class_resolution.weak,
    )


# Words and places ----------------------------------------------------------------------------------------------------


def _is_dynamic(claim: Claim) -> bool:
    """Whether a provisioner makes the volume: nothing in the input ties the claim to a prepared one."""
    return (
        not claim.spec.volume_name
        and claim.volume is None
        and not claim.paired.ambiguous
        and not claim.candidates
        and not claim.is_unknown("spec", "accessModes")
        and not misses_prepared_volume(claim)
    )


def _provisioner(fact: DriverFact) -> str:
    return f"the driver {fact.provisioner}"


def _at_most_warning(fact: DriverFact) -> Severity | None:
    return "warning" if fact.origin == "class-name" else None


def _weak(fact: DriverFact) -> int:
    """Steps of confidence lost; that a class is known by its name only costs none below medium."""
    return 0 if fact.origin == "class-name" else fact.weak


def _the(volume: PodVolume) -> str:
    return volume.description


def _modes_of(volume: PodVolume) -> tuple[Related, ...]:
    """Where the access modes that count are written."""
    claim = volume.claim
    if claim is None:
        return ()
    owner = claim.volume or claim
    shown = ", ".join(_SHORT.get(mode, mode) for mode in sorted(claim.modes or ()))
    return (Related(owner.at("spec", "accessModes"), f"{owner.label} allows {shown}"),)


def _class_of(claim: Claim) -> tuple[Related, ...]:
    storage_class = claim.storage_class
    return () if storage_class is None else (Related(storage_class.at("provisioner"), "the driver"),)


def _consumers_of(claim: Claim) -> tuple[Related, ...]:
    if claim.shape != "object":
        return ()
    return tuple(
        Related(_reference_of(user), f"used by {user.workload.label}")
        for user in claim.users
        if user.workload.shares_unit(claim)
    )


def _listed(names: Sequence[str]) -> str:
    """``a, b and c``."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
