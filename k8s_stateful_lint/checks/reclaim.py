"""Family reclaim: what happens to the data when a claim goes away."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from k8s_stateful_lint.checks.finding import Finding, Related
from k8s_stateful_lint.config import Severity
from k8s_stateful_lint.graph import (
    Claim,
    Container,
    Database,
    Graph,
    Node,
    PersistentVolume,
    StatefulSet,
    StorageClass,
    VolumeSnapshotClass,
    Workload,
)
from k8s_stateful_lint.graph.once import once

_PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
_DEFAULT_SNAPSHOT_CLASS = "snapshot.storage.kubernetes.io/is-default-class"
# Where there are more CronJobs, one of them may be the backup.
_MOST_JOBS = 100
_VELERO_VOLUMES = "backup.velero.io/backup-volumes"


def recycle_reclaim_policy(subject: PersistentVolume | StorageClass) -> Iterator[Finding]:
    """Recycle wipes the volume (nfs, hostPath), makes it Failed (any other source), or is refused (classes)."""
    if isinstance(subject, StorageClass):
        if subject.body.reclaim_policy == "Recycle":
            yield Finding(
                place=subject.at("reclaimPolicy"),
                message="a StorageClass cannot recycle: the API server refuses it, only Delete and Retain exist",
            )
        return
    if subject.spec.persistent_volume_reclaim_policy != "Recycle":
        return
    key, value = subject.source or ("a volume without source", None)
    if key == "hostPath" and isinstance(value, dict) and value.get("path") == "/":
        message = "the API server refuses the volume: may not be 'recycle' for a hostPath mount of '/'"
    elif subject.plugin is not None and subject.plugin.recycler:
        message = f"everything on this {key} volume is removed (rm -rf) as soon as its claim is deleted"
    else:
        message = f"{key} cannot be recycled: the volume becomes Failed (No recycler plugin found for the volume!)"
    claims = tuple(Related(claim.name_place, "the claim") for claim in subject.claims)
    yield Finding(place=subject.at("spec", "persistentVolumeReclaimPolicy"), message=message, related=claims)


def delete_policy_under_database(subject: StorageClass | PersistentVolume) -> Iterator[Finding]:
    """Deleting the claim deletes the disk, and a database keeps its data there."""
    if isinstance(subject, StorageClass):
        if subject.is_static or subject.reclaim_policy != "Delete" or subject.resource.is_unknown("reclaimPolicy"):
            return
        claims = [c for c in subject.claims if not c.spec.volume_name and c.volume is None and c.shape != "ephemeral"]
        place, what = subject.at("reclaimPolicy"), "of this class"
    else:
        if subject.spec.persistent_volume_reclaim_policy != "Delete":
            return
        claims = list(subject.claims)
        place, what = subject.at("spec", "persistentVolumeReclaimPolicy"), "bound to this volume"
    used = [(c, d) for c in claims for d in c.databases if not d.workload.is_development]
    if not used:
        return
    claim, database = min(used, key=lambda pair: _weak(*pair))
    others = len({d.workload for _, d in used}) - 1
    whose = database.workload.label + (f" and {others} more" if others else "")
    yield Finding(
        place=place,
        message=f"the reclaim policy is Delete: when a claim {what} or its namespace is deleted, "
        f"the disk with the data of {whose} goes with it",
        related=(
            Related(claim.name_place if claim.shape == "object" else claim.at("metadata", "name"), "the claim"),
            Related(database.container.at("image"), "the database"),
        ),
        severity=_severity_of_loss(subject, [d for _, d in used]),
        weak=_weak(claim, database),
        unverified=database.is_unverified,
    )


def retention_policy_deletes_claims(stateful_set: StatefulSet) -> Iterator[Finding]:
    """The StatefulSet controller deletes claims that people expect to stay."""
    policy, templates = stateful_set.spec.persistent_volume_claim_retention_policy, stateful_set.claim_templates
    if policy is None or not templates or stateful_set.is_development:
        return
    databases, servers = stateful_set.databases, stateful_set.servers
    if servers and all(server.class_ in {"cache", "none"} for server in servers):
        return
    severity: Severity | None = None if servers else "info"
    if databases and stateful_set.is_production:
        severity = "error"
    names = ", ".join(template.name for template in templates)
    scaler = stateful_set.autoscaler
    by_scaler = f" ({scaler.label} does so by itself)" if scaler is not None else ""
    reasons = (
        ("whenDeleted", policy.when_deleted, f"deleting {stateful_set.label} deletes the claims of {names}"),
        (
            "whenScaled",
            policy.when_scaled,
            f"every scale-down of {stateful_set.label}{by_scaler} deletes the {names} claims of the pods that go",
        ),
    )
    related = tuple(Related(template.at("metadata", "name"), "the claim template") for template in templates)
    if scaler is not None:
        related += (Related(scaler.maximum_place, "the autoscaler"),)
    for field, value, message in reasons:
        if value == "Delete":
            yield Finding(
                place=stateful_set.at("spec", "persistentVolumeClaimRetentionPolicy", field),
                message=f"{message}, and with them their data",
                related=related,
                severity=severity,
                weak=min((database.weak for database in databases), default=0),
                unverified=bool(databases) and all(database.is_unverified for database in databases),
            )


def delete_policy_without_deleter(volume: PersistentVolume) -> Iterator[Finding]:
    """Nothing can carry out Delete on a volume that was made by hand."""
    if volume.spec.persistent_volume_reclaim_policy != "Delete" or _PROVISIONED_BY in volume.annotations:
        return
    plugin, (key, value) = volume.plugin, volume.source or ("", None)
    if plugin is None or plugin.deleter is None:
        return
    if plugin.deleter:
        path = value.get("path") if isinstance(value, dict) else None
        if plugin.deleter_pattern is None or not isinstance(path, str) or re.search(plugin.deleter_pattern, path):
            return
        words = f"{_words(key)} deleter only supports {plugin.deleter_pattern}"
    else:
        words = "no deletable volume plugin matched"
    yield Finding(
        place=volume.at("spec", "persistentVolumeReclaimPolicy"),
        message=f"nothing can delete this {key} volume: when its claim is deleted, it becomes Failed ({words})",
        related=tuple(Related(claim.name_place, "the claim") for claim in volume.claims),
    )


def snapshot_deleted_with_object(snapshot_class: VolumeSnapshotClass) -> Iterator[Finding]:
    """Deleting the VolumeSnapshot object, or its namespace, deletes the backup."""
    if snapshot_class.body.deletion_policy != "Delete" or snapshot_class.is_development:
        return
    graph, driver = snapshot_class.graph, snapshot_class.body.driver
    by_class = _users_of_snapshot_class(graph, snapshot_class.name)
    users = [*by_class.get(snapshot_class, ()), *by_class.get(None, ())]
    related = tuple(Related(node.name_place, f"the {node.kind} that uses it") for node in users[:3])
    production = snapshot_class.is_production or any(node.is_production for node in users)
    if not users:
        if snapshot_class.annotations.get(_DEFAULT_SNAPSHOT_CLASS) != "true":
            return
        databases = graph.databases_by_driver.get(driver, ())
        live = [database for database in databases if not database.workload.is_development]
        if not live:
            return
        related = (Related(live[0].container.at("image"), f"a database on {driver}"),)
        production = production or any(database.workload.is_production for database in live)
    yield Finding(
        place=snapshot_class.at("deletionPolicy"),
        message="deletionPolicy is Delete: whoever deletes a VolumeSnapshot of this class, or its namespace, deletes "
        "the backup as well",
        related=related,
        severity="warning" if production else "info",
    )


@once
def _users_of_snapshot_class(graph: Graph, name: str) -> dict[Node | None, list[Node]]:
    """The backup objects that name a class, by the class of that name that is meant; None where it cannot be told."""
    namesakes = graph.named("VolumeSnapshotClass", name)
    users: dict[Node | None, list[Node]] = defaultdict(list)
    meant: dict[str, Node | None] = {}
    for node in _backups_by_snapshot_class(graph).get(name, ()):
        path = node.resource.path
        if path not in meant:
            meant[path] = graph.nearest(namesakes, node, namespaced=False).target
        users[meant[path]].append(node)
    return users


@once
def _backups_by_snapshot_class(graph: Graph) -> dict[object, list[Node]]:
    index: dict[object, list[Node]] = defaultdict(list)
    for node, kind in graph.backup_objects:
        name = node.resource.get(*kind.snapshot_class.split(".")) if kind.snapshot_class is not None else None
        if isinstance(name, str) and not node.is_development:
            index[name].append(node)
    return index


def database_without_backup(workload: Workload) -> Iterator[Finding]:
    """Nothing of the input backs up the database."""
    if not workload.is_production and workload.graph.config.input.complete is not True:
        return
    databases = [d for d in workload.databases if any(volume.claim or volume.claim_name for volume in d.data_volumes)]
    if not databases or workload.backup is not None or _VELERO_VOLUMES in workload.template_annotations:
        return
    jobs = [job for job in _cron_jobs(workload.graph) if job.sees(workload)]
    if len(jobs) > _MOST_JOBS or _is_dumped(workload, jobs):
        return
    places = [volume.at("name") for d in databases for volume in d.data_volumes if volume.template is None]
    places += [v.at("metadata", "name") for d in databases for v in d.data_volumes if v.template is not None]
    yield Finding(
        place=workload.name_place,
        message=f"nothing of the input backs up the data of {workload.label}: no snapshot or backup object for its "
        "namespace, and no CronJob that dumps it",
        related=tuple(Related(place, "its data") for place in places),
    )


@once
def _cron_jobs(graph: Graph) -> list[Workload]:
    return [workload for workload in graph.workloads if workload.kind == "CronJob"]


def _is_dumped(workload: Workload, jobs: list[Workload]) -> bool:
    """Whether a CronJob mounts a claim of the workload, or names one of its Services."""
    claims = {volume.claim_name for volume in workload.volumes if volume.claim_name}
    prefixes = tuple(f"{template.name}-{workload.name}-" for template in workload.claim_templates)
    mounted = (volume.claim_name for job in jobs for volume in job.volumes if volume.claim_name)
    if any(name in claims or name.startswith(prefixes) for name in mounted):
        return True
    names = {service.name for service in workload.services[:_MOST_JOBS]} | {workload.name}
    if isinstance(workload, StatefulSet) and workload.service_name:
        names.add(workload.service_name)
    pattern = re.compile("|".join(rf"(?<![\w-]){re.escape(name)}(?![\w])" for name in names if name) or "(?!)")
    texts = (text for job in jobs for container in job.all_containers for text in _texts(container))
    return any(pattern.search(text) for text in texts)


def _texts(container: Container) -> Iterator[str]:
    yield from container.words
    yield from (value for value in container.environment.values() if value)
    yield from container.config_texts.values()


def _words(key: str) -> str:
    """A plugin as kubelet's messages call it: hostPath is host_path."""
    return re.sub(r"([A-Z])", lambda found: "_" + found[1].lower(), key)


def _weak(claim: Claim, database: Database) -> int:
    volumes = [volume for volume in database.data_volumes if volume.claim is claim]
    found = claim.paired.weak if claim.volume is not None else claim.class_resolution.weak
    return database.weak + found + min((volume.weak for volume in volumes), default=0)


def _severity_of_loss(subject: StorageClass | PersistentVolume, databases: list[Database]) -> Severity:
    """A warning where a database of production has no backup that the input shows."""
    exposed = [
        database
        for database in databases
        if (database.workload.is_production or subject.is_production) and database.workload.backup is None
    ]
    return "warning" if exposed else "info"
