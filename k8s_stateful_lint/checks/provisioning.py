"""Family provisioning: whether a claim gets a volume at all, and where the class puts it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice

from k8s_stateful_lint.checks.finding import Finding, Related
from k8s_stateful_lint.checks.near_miss import is_misspelling, is_near_miss
from k8s_stateful_lint.config import Severity
from k8s_stateful_lint.graph import Claim, Graph, PersistentVolume, StorageClass, VolumeSnapshotClass, Workload
from k8s_stateful_lint.graph.once import once
from k8s_stateful_lint.graph.storage import DEFAULT_CLASS_ANNOTATIONS, matches_any
from k8s_stateful_lint.knowledge import Driver, format_version
from k8s_stateful_lint.model.placeholders import is_placeholder
from k8s_stateful_lint.model.resource import Place
from k8s_stateful_lint.model.storage import ObjectReference
from k8s_stateful_lint.reading import Route

# Last parts of topology keys that name a zone, as in topology.kubernetes.io/zone and csi.hetzner.cloud/location.
_ZONE_KEYS = frozenset({"zone", "location", "availability_domain"})
_ZONE_PARAMETERS = frozenset({"zone", "zones", "availability"})
# Ends of parameters that make the disk of a zonal driver span zones (Azure *_ZRS, regional disks of Google), or that
# put it in no zone at all (Azure's disks in storage accounts).
_NOT_ZONAL = {
    "skuname": ("_zrs",),
    "storageaccounttype": ("_zrs",),
    "replication-type": ("regional-pd",),
    "kind": ("dedicated", "shared"),
}
# Values of ``type`` that the in-tree plugin of EBS refused, until its CSI driver took over.
_NEWER_EBS_TYPES = frozenset({"gp3", "io2"})
_GOOGLE_DISK_TYPES = ("pd-", "hyperdisk-")
_GOOGLE_DRIVER = "pd.csi.storage.gke.io"
_FS_TYPE = "fstype"
_DEFAULT_SNAPSHOT_CLASS = "snapshot.storage.kubernetes.io/is-default-class"
_MOUNT_OPTIONS = "volume.beta.kubernetes.io/mount-options"
_SNAPSHOT = ("snapshot.storage.k8s.io", "VolumeSnapshot")
_CLAIM = ("", "PersistentVolumeClaim")
# How many other default classes a finding shows, and among how many unused classes a misspelt name is looked for.
_MOST_DEFAULTS = 5
_MOST_UNUSED_CLASSES = 100
_NEWEST_DEFAULT_WINS_SINCE = (1, 26)
# Drivers that have zones only where an administrator set them up.
_OPTIONAL_ZONES = frozenset({"csi.vsphere.vmware.com"})


def claim_without_storage_class(claim: Claim) -> Iterator[Finding]:
    """The claim depends on a default class that nothing shows to exist."""
    name, spec, graph = claim.class_name, claim.spec, claim.graph
    if name.written or name.name or spec.volume_name or spec.selector is not None or claim.reserved_volumes:
        return
    if claim.classless_volumes(in_unit=True):
        return  # static-claim-without-class speaks about it
    place = claim.at("spec", "storageClassName")
    if name.name == "":
        yield Finding(
            place=place,
            message=f"{claim.label} names no storage class, and {_why_no_default(claim)}: it stays Pending for ever",
            severity="error",
            weak=name.weak,
        )
    elif graph.classes.marked_near(claim):
        return  # several defaults of the unit: the newest is taken
    elif graph.is_closed("StorageClass"):
        if graph.classes.marked:
            return
        yield Finding(
            place=place,
            message=f"{claim.label} names no storage class, and no StorageClass of the input is marked as the default: "
            "it stays Pending for ever",
            severity="error",
        )
    else:
        yield Finding(
            place=place,
            message=f"{claim.label} names no storage class: it gets whatever class is the default of the cluster, and "
            "stays Pending where there is none",
        )


def empty_storage_class_name(claim: Claim) -> Iterator[Finding]:
    """No class and no provisioning, and nobody prepared a volume."""
    spec, graph = claim.spec, claim.graph
    if claim.written_class != "" or spec.volume_name or spec.selector is not None or graph.config.external.volumes:
        return
    if claim.is_unknown("spec", "storageClassName") or claim.is_unknown("spec", "volumeName"):
        return
    if claim.reserved_volumes or claim.classless_volumes(in_unit=False):
        return
    many = claim.shape != "object"
    closed = graph.is_closed("PersistentVolume")
    who = "each of its pods needs a prepared volume" if many else "the claim waits for a prepared volume"
    yield Finding(
        place=claim.class_place,
        message=f'"" switches off the default class and provisioning for {claim.label}: {who}, '
        "and no PersistentVolume of the input without class fits it",
        severity="error" if closed else None if many else "info",
    )


def immediate_binding_zonal_storage(storage_class: StorageClass) -> Iterator[Finding]:
    """The volume is bound to a zone or node before anybody knows where the pod can run."""
    driver, resource = storage_class.driver, storage_class.resource
    if driver is None or driver.kind == "test" or driver.test_only or driver.name in _OPTIONAL_ZONES:
        return
    mode = storage_class.body.volume_binding_mode
    if resource.is_unknown("volumeBindingMode") or mode not in (None, "", "Immediate"):
        return
    cluster = storage_class.graph.config.cluster
    if driver.topology == "zone":
        if "one" in (cluster.zones, cluster.nodes) or _is_in_one_zone(storage_class) or _is_not_zonal(storage_class):
            return
        bound = "creates the disk in a zone of its own choice"
        harm = "a pod that cannot run in that zone, or has a second volume in another one, stays Pending"
    elif driver.topology == "node":
        volumes = storage_class.volumes
        if cluster.nodes == "one":
            return
        if storage_class.is_static and volumes and not any(volume.spec.node_affinity for volume in volumes):
            return
        bound = "binds claims to volumes of any node" if storage_class.is_static else "creates the volume on any node"
        harm = "a pod that cannot run on that node stays Pending"
    else:
        return
    written = "Immediate" if mode else "absent, so Immediate"
    yield Finding(
        place=storage_class.at("volumeBindingMode"),
        message=f"volumeBindingMode is {written}: {storage_class.provisioner} {bound} before the pod is placed, "
        f"and {harm}",
        unverified=driver.status == "unverified",
    )


def storage_class_not_found(claim: Claim) -> Iterator[Finding]:
    """The claim names a class that the input, the configuration or the platform says is not there."""
    name, graph = claim.class_name, claim.graph
    cluster = graph.config.cluster
    if not name.name or not name.written or is_placeholder(name.name) or graph.named("StorageClass", name.name):
        return
    if claim.spec.volume_name or claim.reserved_volumes or graph.volumes.has_class(name.name):
        return
    if matches_any(name.name, graph.config.external.classes) or name.name == cluster.default_class:
        return
    place, known = claim.class_place, cluster.storage_classes
    if known is not None and name.name in known:
        return
    misspelt = _misspelt_class(claim, name.name)
    related = (Related(misspelt.name_place, "a class with nearly the same name"),) if misspelt is not None else ()
    waits = f'{claim.label} stays Pending (storageclass.storage.k8s.io "{name.name}" not found)'
    if known is not None or graph.is_closed("StorageClass"):
        where = graph.says_classes if known is not None else "the input"
        yield Finding(
            place=place,
            message=f"{where} has no StorageClass {name.name}: {waits}",
            related=related,
            severity="error",
        )
    elif misspelt is not None:
        yield Finding(
            place=place,
            message=f"there is no StorageClass {name.name} here, but an unused one called {misspelt.name}: {waits}",
            related=related,
        )
    elif cluster.platform and graph.knowledge.is_class_of_other_platform(name.name, cluster.platform):
        yield Finding(
            place=place,
            message=f"{name.name} is a class of other platforms, not of {cluster.platform}: {waits}",
        )


def node_name_with_delayed_binding(workload: Workload) -> Iterator[Finding]:
    """The scheduler is bypassed, and only the scheduler can choose the node that the claim waits for."""
    node, graph = workload.pod_spec.node_name, workload.graph
    if not node or is_placeholder(node):
        return
    for volume in workload.volumes:
        claim = volume.claim
        if claim is None or claim.spec.volume_name or claim.volume is not None or claim.reserved_volumes:
            continue
        if any(not user.workload.pod_spec.node_name for user in claim.users):
            continue  # a pod that is scheduled may come first
        found = claim.class_resolution
        known = graph.knowledge.class_name(claim.class_name.name or "", graph.config.cluster.platform)
        if found.target is not None:
            if not found.target.waits_for_consumer:
                continue
            mode = Related(found.target.at("volumeBindingMode"), "the class waits for the first consumer")
        elif known is None or found.ambiguous or known.binding_mode != "WaitForFirstConsumer":
            continue
        else:
            mode = Related(claim.class_place, "the class waits for the first consumer")
        yield Finding(
            place=workload.template_at("spec", "nodeName"),
            message=f"nodeName {node} bypasses the scheduler, but {claim.label} of class {claim.class_name.name} waits "
            "until the scheduler has chosen a node: the pod never starts",
            related=(Related(volume.at("name"), "the volume") if volume.template is None else
                     Related(claim.at("metadata", "name"), "the claim template"), mode),
            severity="warning" if found.target is None else None,
            confidence="medium" if found.target is None else None,
            weak=volume.weak + found.weak,
        )  # fmt: skip
        return


def ambiguous_default_class(subject: StorageClass | VolumeSnapshotClass) -> Iterator[Finding]:
    """Several classes are the default, or the annotation has a value that nobody reads as true."""
    snapshots = isinstance(subject, VolumeSnapshotClass)
    keys = (_DEFAULT_SNAPSHOT_CLASS,) if snapshots else DEFAULT_CLASS_ANNOTATIONS
    for key in keys:
        value = subject.annotations.get(key)
        if value is not None and value not in ("true", "false") and not is_placeholder(value):
            yield Finding(
                place=subject.at("metadata", "annotations", key),
                message=f'{key} is "{value}": only "true" makes {subject.name} the default class, so it is none',
                help='Write "true" or "false".',
            )
    written = next((key for key in keys if subject.annotations.get(key) == "true"), None)
    if written is None:
        return
    if isinstance(subject, VolumeSnapshotClass):
        driver = subject.body.driver
        harm = f"a VolumeSnapshot of {driver} without class fails"
    elif subject.graph.target >= _NEWEST_DEFAULT_WINS_SINCE:
        harm = "a claim without class gets the one that was created last"
    else:
        harm = "claims without class are rejected"
    others = list(islice(_other_defaults(subject, keys), _MOST_DEFAULTS))
    if not others:
        return
    yield Finding(
        place=subject.at("metadata", "annotations", written),
        message=f"{subject.label} and {others[0].label} are both the default class: {harm}",
        related=tuple(
            Related(other.at("metadata", "annotations", key), "the other default")
            for other in others
            for key in keys
            if other.annotations.get(key) == "true"
        ),
        severity="error" if not snapshots and subject.graph.target < _NEWEST_DEFAULT_WINS_SINCE else None,
    )


def _other_defaults(
    subject: StorageClass | VolumeSnapshotClass, keys: tuple[str, ...]
) -> Iterator[StorageClass | VolumeSnapshotClass]:
    """What else is the default where ``subject`` is: of snapshot classes, those of the same driver."""
    graph = subject.graph
    if isinstance(subject, StorageClass):
        defaults: Sequence[StorageClass | VolumeSnapshotClass] = graph.classes.marked_near(subject)
    else:
        defaults = _default_snapshot_classes(graph, subject.units).get(subject.body.driver, ())
    return (other for other in defaults if other.name != subject.name)


@once
def _default_snapshot_classes(graph: Graph, units: frozenset[str]) -> dict[str, list[VolumeSnapshotClass]]:
    """The default classes of some units by driver."""
    found: dict[str, list[VolumeSnapshotClass]] = defaultdict(list)
    for snapshot_class in graph.in_units(units, VolumeSnapshotClass):
        if snapshot_class.body.driver and snapshot_class.annotations.get(_DEFAULT_SNAPSHOT_CLASS) == "true":
            found[snapshot_class.body.driver].append(snapshot_class)
    return found


def driver_missing_on_platform(subject: StorageClass | Claim) -> Iterator[Finding]:
    """A new cluster of this platform does not have the driver."""
    cluster, knowledge = subject.graph.config.cluster, subject.graph.knowledge
    if cluster.platform is None:
        return
    if isinstance(subject, StorageClass):
        driver, place = subject.driver, subject.at("provisioner")
    else:
        fact = subject.driver
        driver, place = (fact.driver if fact.origin == "class-name" else None), subject.class_place
    if driver is None or any(name in (cluster.drivers or ()) for name in (driver.name, *driver.aliases)):
        return
    missing = knowledge.missing_add_on(cluster.platform, driver.name, subject.graph.target)
    if missing is None or subject.graph.named("CSIDriver", driver.name):
        return
    add_on = f" (add-on {missing.add_on})" if missing.add_on else ""
    yield Finding(
        place=place,
        message=f"a new {cluster.platform} cluster has no driver {driver.name}{add_on}: claims stay Pending (Waiting "
        f"for a volume to be created either by the external provisioner '{driver.name}' ...)",
        unverified=driver.status == "unverified",
    )


def parameters_for_other_driver(storage_class: StorageClass) -> Iterator[Finding]:
    """A parameter that this driver does not have, and another one does."""
    driver, graph = storage_class.driver, storage_class.graph
    plugin = graph.knowledge.plugin_of_provisioner(storage_class.provisioner)
    parameters = {k: v for k, v in storage_class.body.parameters.items() if not is_placeholder(v)}
    if plugin is not None and plugin.redirect_since is not None and not plugin.redirected(graph.target):
        for key, value in parameters.items():
            if plugin.key == "awsElasticBlockStore" and key == "type" and value in _NEWER_EBS_TYPES:
                yield Finding(
                    place=storage_class.at("parameters", key),
                    message=f"{storage_class.provisioner} knows no type {value} before Kubernetes "
                    f"{format_version(plugin.redirect_since)}: no volume is created (use ebs.csi.aws.com)",
                )
        return
    if driver is None or driver.parameters is None or driver.status == "unverified":
        return
    for key, value in parameters.items():
        if key.startswith("csi.storage.k8s.io/"):
            continue
        place = storage_class.at("parameters", key)
        if driver.knows_parameter(key):
            other = _driver_with_value(storage_class, driver, key, value)
            if other is not None:
                yield Finding(
                    place=place,
                    message=f"{key}: {value} is a value of {other}, and {storage_class.provisioner} does not have it: "
                    "it creates no volume",
                )
        elif key.lower() == _FS_TYPE:
            if plugin is None and driver.kind != "none" and "csi" in driver.name:
                yield Finding(
                    place=place,
                    message=f"{key} without prefix is deprecated for CSI drivers",
                    severity="info",
                    help=f"Write csi.storage.k8s.io/fstype: {value}.",
                )
        else:
            others = [d.name for d in graph.knowledge.drivers if d is not driver and d.knows_parameter(key)]
            if others:
                other = _GOOGLE_DRIVER if _is_google_disk_type(key, value) else others[0]
                reader = storage_class.provisioner
                if plugin is not None:
                    reader = f"{driver.name}, which serves {reader},"
                yield Finding(
                    place=place,
                    message=f"{reader} has no parameter {key} (it is one of {other}): drivers ignore such a "
                    "parameter or create no volume",
                )


def class_without_expansion(storage_class: StorageClass) -> Iterator[Finding]:
    """The driver could enlarge the disks of a database, and the class forbids it."""
    driver = storage_class.driver
    if driver is None or not driver.expansion or storage_class.resource.is_unknown("allowVolumeExpansion"):
        return
    if storage_class.body.allow_volume_expansion or storage_class.is_static:
        return
    used = [(c, d) for c in storage_class.claims if c.volume is None and c.shape != "ephemeral" for d in c.databases]
    if not used:
        return
    claim, database = used[0]
    yield Finding(
        place=storage_class.at("allowVolumeExpansion"),
        message=f"{storage_class.provisioner} can enlarge volumes, but allowVolumeExpansion is not true: when the "
        f"claim of {database.workload.label} is full, the API server refuses to grow it",
        related=(Related(claim.at("spec", "resources", "requests", "storage"), "the claim of the database"),),
        weak=claim.class_resolution.weak + database.weak,
        unverified=database.is_unverified or driver.status == "unverified",
    )


def feature_unsupported_by_driver(
    subject: StorageClass | VolumeSnapshotClass | Claim | PersistentVolume,
) -> Iterator[Finding]:
    """Expansion, snapshots, raw block devices or mount options that the driver does not have."""
    match subject:
        case StorageClass():
            driver = subject.driver
            if subject.body.allow_volume_expansion and driver is not None and driver.expansion is False:
                yield Finding(
                    place=subject.at("allowVolumeExpansion"),
                    message=f"{subject.provisioner} cannot enlarge volumes: allowVolumeExpansion has no effect",
                    severity="info",
                )
        case VolumeSnapshotClass():
            driver = subject.graph.knowledge.driver(subject.body.driver)
            if driver is not None and driver.snapshot is False:
                yield Finding(
                    place=subject.at("driver"),
                    message=f"{subject.body.driver} cannot make snapshots: every VolumeSnapshot of this class fails",
                )
        case Claim():
            yield from _unsupported_claim(subject)
        case PersistentVolume():
            yield from _unsupported_volume(subject)


def data_source_not_restored(claim: Claim) -> Iterator[Finding]:
    """The claim asks for a copy of something, and will be empty or refused."""
    source, reference = claim.spec.data_source, claim.spec.data_source_ref
    if claim.is_unknown("spec", "dataSource") or claim.is_unknown("spec", "dataSourceRef"):
        return
    at_source, at_reference = (claim.at("spec", name, part="key") for name in ("dataSource", "dataSourceRef"))
    if source is not None and reference is None and source.kind and _kind_of(source) not in (_SNAPSHOT, _CLAIM):
        group = source.api_group or "the core group"
        yield Finding(
            place=at_source,
            message=f"the API server silently drops a dataSource of kind {source.kind} in {group}: {claim.label} is "
            "created empty",
            help="Set apiGroup: snapshot.storage.k8s.io." if source.kind == _SNAPSHOT[1] else "Use dataSourceRef.",
        )
        return
    if reference is not None and reference.kind and not reference.api_group and reference.kind != _CLAIM[1]:
        yield Finding(
            place=at_reference,
            message=f"the API server refuses a dataSourceRef of kind {reference.kind} without apiGroup: must be "
            "'PersistentVolumeClaim' when referencing the default apiGroup",
        )
    elif reference is not None and reference.namespace:
        yield from _other_namespace(claim, source is not None)
    elif source is not None and reference is not None and _differ(source, reference):
        yield Finding(
            place=at_source,
            message=f"the API server refuses {claim.label}: dataSource ({source.kind} {source.name}) must match "
            f"dataSourceRef ({reference.kind} {reference.name})",
            related=(Related(at_reference, "the other source"),),
            help="Write only dataSourceRef, or the same in both.",
        )
    else:
        used = reference or source
        if used is not None and _kind_of(used) == _CLAIM:
            yield from _unlike_source(claim, used.name, at_reference if reference is not None else at_source)


def _misspelt_class(claim: Claim, name: str) -> StorageClass | None:
    """An unused class of the unit whose name was probably meant; no other name than a well-known one is one."""
    if any(row.name == name for row in claim.graph.knowledge.class_names):
        return None
    unused = _unused_classes(claim.graph, claim.units)
    if len(unused) > _MOST_UNUSED_CLASSES:
        return None
    near = [mate for mate in unused if is_misspelling(name, mate.name) and is_near_miss(name, mate.name)]
    return near[0] if len(near) == 1 else None


@once
def _unused_classes(graph: Graph, units: frozenset[str]) -> list[StorageClass]:
    return [found for found in graph.in_units(units, StorageClass) if not found.claims]


def _driver_with_value(storage_class: StorageClass, driver: Driver, key: str, value: str) -> str | None:
    """Another driver that has this value of the parameter, where this one certainly has not."""
    if driver.knows_value(key, value) is not False:
        return None
    if _is_google_disk_type(key, value):
        return _GOOGLE_DRIVER
    others = storage_class.graph.knowledge.drivers
    return next((d.name for d in others if d is not driver and d.knows_value(key, value)), None)


def _is_google_disk_type(key: str, value: str) -> bool:
    return key.lower() == "type" and value.startswith(_GOOGLE_DISK_TYPES)


def _unsupported_claim(claim: Claim) -> Iterator[Finding]:
    fact = claim.driver
    driver = fact.driver
    if driver is None:
        return
    severity: Severity | None = "warning" if fact.origin == "class-name" else None
    related = (Related(claim.storage_class.at("provisioner"), "the driver"),) if claim.storage_class is not None else ()
    if claim.is_block and driver.raw_block is False:
        yield Finding(
            place=claim.at("spec", "volumeMode"),
            message=f"{fact.provisioner} has no raw block devices: {claim.label} gets no volume",
            related=related,
            severity=severity,
            weak=fact.weak,
        )
    for field, source in (("dataSourceRef", claim.spec.data_source_ref), ("dataSource", claim.spec.data_source)):
        if source is not None and _kind_of(source) == _SNAPSHOT and driver.snapshot is False:
            yield Finding(
                place=claim.at("spec", field, part="key"),
                message=f"{fact.provisioner} has no snapshots: {claim.label} cannot be restored from {source.name}",
                related=related,
                severity=severity,
                weak=fact.weak,
            )
            return


def _unsupported_volume(volume: PersistentVolume) -> Iterator[Finding]:
    plugin = volume.plugin
    if plugin is None or volume.source is None:
        return
    key = volume.source[0]
    raw_block = plugin.raw_block
    if key == "csi":
        raw_block = volume.driver.driver.raw_block if volume.driver.driver is not None else None
    if volume.spec.volume_mode == "Block" and raw_block is False:
        yield Finding(
            place=volume.at("spec", "volumeMode"),
            message=f"{volume.driver.provisioner or key} has no raw block devices: "
            "a pod with this volume does not start",
        )
    if volume.spec.mount_options and plugin.mount_options is False:
        yield Finding(
            place=volume.at("spec", "mountOptions", part="key"),
            message=f"mounting fails: Mount options are not supported for {key}",
        )
    if volume.annotations.get(_MOUNT_OPTIONS) and plugin.mount_options_annotation is False:
        yield Finding(
            place=volume.at("metadata", "annotations", _MOUNT_OPTIONS),
            message=f"the API server refuses the volume ({key}): may not specify mount options for this volume type",
        )


def _kind_of(reference: ObjectReference) -> tuple[str, str]:
    return reference.api_group or "", reference.kind


def _differ(source: ObjectReference, reference: ObjectReference) -> bool:
    return _kind_of(source) in (_SNAPSHOT, _CLAIM) and (*_kind_of(source), source.name) != (
        *_kind_of(reference),
        reference.name,
    )


def _other_namespace(claim: Claim, is_source_set: bool) -> Iterator[Finding]:
    place = claim.at("spec", "dataSourceRef", "namespace")
    field = claim.graph.knowledge.field("PersistentVolumeClaim.spec.dataSourceRef.namespace")
    if is_source_set:
        yield Finding(
            place=place,
            message=f"the API server refuses {claim.label}: dataSource may not be specified when "
            "dataSourceRef.namespace is specified",
            help="Remove dataSource.",
        )
    elif field is not None and not field.on_at(claim.graph.target):
        yield Finding(
            place=place,
            message="a source in another namespace needs the gate CrossNamespaceVolumeDataSource, which is off by "
            f"default: dataSourceRef is then dropped, and {claim.label} is created empty",
            confidence="medium",
            help="Copy within the namespace, or switch the gate on in the API server and the provisioner.",
        )


def _unlike_source(claim: Claim, name: str, place: Place) -> Iterator[Finding]:
    """The claim is a clone of a claim of the input that it cannot be a clone of."""
    candidates = [node for node in claim.graph.named("PersistentVolumeClaim", name) if isinstance(node, Claim)]
    found = claim.graph.nearest(candidates, claim)
    source = found.target
    if source is None or source is claim:
        return
    ours, theirs = claim.driver, source.driver
    if claim.request is not None and source.request is not None and claim.request < source.request:
        spot: Route = ("spec", "resources", "requests", "storage")
        text = f"is smaller than its source {name}"
    elif claim.is_block != source.is_block:
        text = f"has another volumeMode than its source {name}"
        spot = ("spec", "volumeMode")
    elif (
        ours.driver is not None
        and theirs.driver is not None
        and ours.driver is not theirs.driver
        and "class-name" not in (ours.origin, theirs.origin)
    ):
        text = f"is on {ours.driver.name}, its source {name} on {theirs.driver.name}"
        spot = ("spec", "storageClassName")
    else:
        return
    yield Finding(
        place=place,
        message=f"{claim.label} {text}: a clone needs the driver, the volumeMode and at least the size of its source",
        related=(Related(source.at(*spot), "the source"),),
        weak=found.weak,
    )


def _why_no_default(claim: Claim) -> str:
    cluster = claim.graph.config.cluster
    if cluster.default_class is not None:
        return f"the cluster has no default class ({claim.graph.says_default_class})"
    return f"a cluster on {cluster.platform} {format_version(claim.graph.target)} has no default class"


def _is_in_one_zone(storage_class: StorageClass) -> bool:
    zones = {
        value
        for term in storage_class.body.allowed_topologies
        for requirement in term.match_label_expressions
        if requirement.key.rpartition("/")[2].lower() in _ZONE_KEYS
        for value in requirement.values
    }
    if zones:
        return len(zones) == 1
    written = [v for k, v in storage_class.body.parameters.items() if k.lower() in _ZONE_PARAMETERS]
    return len(written) == 1 and "," not in written[0]


def _is_not_zonal(storage_class: StorageClass) -> bool:
    return any(
        value.lower().endswith(_NOT_ZONAL.get(name.lower(), ()))
        for name, value in storage_class.body.parameters.items()
    )
