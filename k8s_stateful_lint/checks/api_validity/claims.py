"""Claims, PersistentVolumes and their sizes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from k8s_stateful_lint.checks.api_validity._common import ANCIENT, TEMPLATE_VALIDATED
from k8s_stateful_lint.checks.finding import Finding
from k8s_stateful_lint.checks.near_miss import edit_distance
from k8s_stateful_lint.graph import (
    MODES,
    RWOP,
    Claim,
    Graph,
    Node,
    PersistentVolume,
    PodVolume,
    StorageClass,
    VolumeSnapshot,
    VolumeSnapshotClass,
)
from k8s_stateful_lint.graph.once import once
from k8s_stateful_lint.model.placeholders import is_placeholder, is_quantity_placeholder
from k8s_stateful_lint.model.quantities import QuantityError, likely_size, parse_quantity
from k8s_stateful_lint.model.resource import Place, Resource
from k8s_stateful_lint.reading import Route

_SHORT_MODES = {"RWO": "ReadWriteOnce", "ROX": "ReadOnlyMany", "RWX": "ReadWriteMany", "RWOP": "ReadWriteOncePod"}
_MEBIBYTE = 2**20


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
    likely = likely_size(str(written))
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


def missing_required_storage_field(
    subject: Claim | PersistentVolume | StorageClass | VolumeSnapshot | VolumeSnapshotClass,
) -> Iterator[Finding]:
    """A field without which the API server refuses a storage object."""
    if subject.resource.api_version in ANCIENT or subject.resource.api_version.endswith("/v1alpha1"):
        return  # they had other fields
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
    if claim.shape == "template" and claim.graph.target < TEMPLATE_VALIDATED:
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
