"""Family binding: which claim gets which volume, and what keeps them apart."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations, product

from k8s_stateful_lint.checks._shared import meant_for_prepared_volume, misses_prepared_volume
from k8s_stateful_lint.checks.finding import Finding, Related
from k8s_stateful_lint.checks.near_miss import is_near_miss
from k8s_stateful_lint.config import Confidence, Severity
from k8s_stateful_lint.graph import (
    Claim,
    Graph,
    Node,
    PersistentVolume,
    PodVolume,
    VolumeSnapshot,
    Workload,
)
from k8s_stateful_lint.graph.once import once
from k8s_stateful_lint.graph.storage import matches_any
from k8s_stateful_lint.graph.workloads import HOSTNAME
from k8s_stateful_lint.model.base import SelectorRequirement
from k8s_stateful_lint.model.placeholders import is_placeholder
from k8s_stateful_lint.model.quantities import whole_number
from k8s_stateful_lint.model.resource import Place
from k8s_stateful_lint.model.storage import ObjectReference
from k8s_stateful_lint.reading import Route

_LONGEST_NAME = 253
_MOST_COMPARED = 500  # objects among which a misspelt name is looked for
_CLAIM, _VOLUME = "PersistentVolumeClaim", "PersistentVolume"


# References to claims ------------------------------------------------------------------------------------------------


def claim_not_found(volume: PodVolume) -> Iterator[Finding]:
    """A workload refers to a claim that does not exist, as far as the input can tell."""
    name, workload = volume.claim_name, volume.workload
    graph = workload.graph
    if (
        not name
        or volume.claim is not None
        or volume.resolution.ambiguous
        or matches_any(name, graph.config.external.claims)
    ):
        return
    found = _evidence_of_missing_claim(volume, name)
    if found is None or _is_generated(name, workload) or graph.possible_creator(name, workload) is not None:
        return
    yield found


def _evidence_of_missing_claim(volume: PodVolume, name: str) -> Finding | None:
    workload = volume.workload
    closed = workload.graph.is_closed(_CLAIM)
    place = volume.at("persistentVolumeClaim", "claimName")
    elsewhere = _in_other_namespace(name, workload)
    if elsewhere is not None:
        return Finding(
            place=place,
            message=f"{workload.label} in namespace {workload.namespace} cannot use the claim {name} of namespace "
            f"{elsewhere.namespace}: a pod uses claims of its own namespace only",
            related=(Related(elsewhere.name_place, "the claim, in another namespace"),),
            help="Define the claim in the namespace of the pod.",
        )
    named_volume = _volume_of_that_name(name, workload)
    if named_volume is not None:
        bound = named_volume.spec.claim_ref
        unused = _unused_claims(workload.graph, workload.units)
        if bound is not None and bound.name:
            right = f"the claim {bound.name}"
        else:
            right = f"a claim, such as {unused[0].name}" if len(unused) == 1 else "the claim that is bound to it"
        return Finding(
            place=place,
            message=f"{name} is the name of a PersistentVolume, and no claim of that name is in the input: the pod "
            f"stays Pending, because it must name {right}",
            related=(Related(named_volume.name_place, "the volume of that name"),),
            confidence=None if closed else "medium",
        )
    near = _unused_near_claim(name, workload)
    related = (Related(near.name_place, "a claim that nothing uses"),) if near is not None else ()
    if closed:
        hint = f"; did you mean {near.name}?" if near is not None else ""
        return Finding(
            place=place,
            message=f'no claim {name} is in the input: the pod stays Pending (persistentvolumeclaim "{name}" not '
            f"found){hint}",
            related=related,
        )
    if near is None:
        return None
    return Finding(
        place=place,
        message=f"no claim {name} is in the input, but nothing uses the claim {near.name}: if they should be one, "
        f'the pod stays Pending (persistentvolumeclaim "{name}" not found)',
        related=related,
        severity="warning",
        confidence="medium",
    )


def _is_generated(name: str, workload: Workload) -> bool:
    """Whether a StatefulSet or an ephemeral volume of the input makes a claim of this name."""
    prefixes, ephemeral = _generated_names(workload.graph)
    prefix, _, ordinal = name.rpartition("-")
    if whole_number(ordinal) is not None and prefix in prefixes:
        return True
    pods = [name[: hyphen.start()] for hyphen in re.finditer("-", name) if name[hyphen.end() :] in ephemeral]
    owners = {owner for pod in pods for owner in ephemeral[name[len(pod) + 1 :]]}
    return any(name[:length] in owners for length in range(min(len(name), _LONGEST_NAME) + 1))


@once
def _generated_names(graph: Graph) -> tuple[set[str], dict[str, set[str]]]:
    """What the claims that StatefulSets make begin with, and the names of workloads by those of ephemeral volumes."""
    prefixes = {f"{template.name}-{owner.name}" for owner in graph.stateful_sets for template in owner.claim_templates}
    ephemeral: dict[str, set[str]] = defaultdict(set)
    for volume in graph.pod_volumes:
        if volume.spec.ephemeral is not None:
            ephemeral[volume.name].add(volume.workload.name)
    return prefixes, dict(ephemeral)


def _in_other_namespace(name: str, workload: Workload) -> Claim | None:
    """The claim of that name in a namespace that is written and differs from the workload's."""
    if workload.namespace is None:
        return None
    named = workload.graph.named(_CLAIM, name)
    found = [c for c in named if isinstance(c, Claim) and not workload.graph.is_alternative(workload, c)]
    if not found or any(claim.namespace in (None, workload.namespace) for claim in found):
        return None
    near = [claim for claim in found if claim.shares_unit(workload)] or [claim for claim in found if not claim.users]
    return near[0] if near else None


def _volume_of_that_name(name: str, workload: Workload) -> PersistentVolume | None:
    for volume in workload.graph.named(_VOLUME, name):
        if not isinstance(volume, PersistentVolume) or volume.name != name or not volume.shares_unit(workload):
            continue
        if volume.spec.claim_ref is None or volume.spec.claim_ref.name != name:
            return volume
    return None


@once
def _unused_claims(graph: Graph, units: frozenset[str]) -> list[Claim]:
    return [
        claim for claim in graph.in_units(units, Claim) if claim.shape == "object" and claim.name and not claim.users
    ]


def _unused_near_claim(name: str, workload: Workload) -> Claim | None:
    unused = _unused_claims(workload.graph, workload.units)
    if len(unused) != 1 or not workload.graph.is_fully_read(workload) or not is_near_miss(name, unused[0].name):
        return None
    claim = unused[0]
    return claim if None in (claim.namespace, workload.namespace) or claim.namespace == workload.namespace else None


# Claims and prepared volumes -----------------------------------------------------------------------------------------


def static_claim_without_class(claim: Claim) -> Iterator[Finding]:
    """A claim for a prepared volume leaves its class to the cluster's default."""
    prepared = meant_for_prepared_volume(claim)
    if prepared is None:
        return
    volume = prepared.volumes[0] if prepared.volumes else None
    classes = {found.class_name for found in prepared.volumes}
    if prepared.case == "volume-name":
        meant = f"volumeName {claim.spec.volume_name}"
    elif prepared.case == "selector":
        meant = "its selector"
    else:
        assert volume is not None
        meant = f"the PersistentVolume {volume.name} fits"
    foreign = prepared.default is not None and bool(classes) and prepared.default not in classes
    default = f"the default class {prepared.default}" if prepared.default else "the cluster's default class"
    if prepared.case == "volume-name":
        effect = "and the volume is refused (storageClassName does not match)"
    elif prepared.case == "selector":
        effect = "and no prepared volume is taken (claim Selector is not supported)"
    else:
        effect = "and a new, empty volume is made instead"
    own = f" of class {volume.class_name}" if volume is not None and volume.class_name else ""
    related = [Related(found.class_place, "a prepared volume") for found in prepared.volumes[:3]]
    if prepared.default:
        resolution = claim.graph.classes.named(prepared.default, claim)
        if resolution.target is not None:
            related.append(Related(resolution.target.name_place, "the default class"))
    yield Finding(
        place=claim.at("spec", "storageClassName"),
        message=f"{claim.label} is meant for a prepared volume{own} ({meant}) but names no class: "
        f"admission fills in {default}, {effect}",
        related=tuple(related),
        severity="error" if foreign else None,
        help=f"Write storageClassName: {volume.class_name} on the claim, as on the volume."
        if volume is not None and volume.class_name
        else None,
        weak=prepared.weak,
    )


def claim_volume_mismatch(claim: Claim) -> Iterator[Finding]:
    """The volume that a claim is meant for does not satisfy it."""
    if claim.shape == "ephemeral" or claim.paired.ambiguous:
        return
    volume = claim.volume
    if volume is not None:
        # Where both name each other, or the cluster has bound them, they are bound whatever they say now.
        is_bound = claim.spec.volume_name or claim.graph.is_fact(volume.resource)
        if not is_bound or not volume.is_reserved_for(claim):
            yield from _misfits_of_pair(claim, volume)
    elif not claim.spec.volume_name:
        yield from _misfits_of_class(claim)


def _misfits_of_pair(claim: Claim, volume: PersistentVolume) -> Iterator[Finding]:
    weak = claim.paired.weak
    for reason, ours, theirs in volume.misfits(claim):
        yield Finding(
            place=claim.at(*ours),
            message=f"{claim.label} cannot bind to the volume {volume.name}: {reason} "
            f"({_shown(claim, ours)} against {_shown(volume, theirs)})",
            related=(Related(volume.at(*theirs), f"the volume {volume.name}"),),
            weak=weak,
        )
    written, offered = claim.written_class, volume.class_name
    if (
        claim.spec.volume_name
        and written is not None
        and not is_placeholder(written)
        and offered is not None
        and written != offered
    ):
        yield Finding(
            place=claim.class_place,
            message=f"{claim.label} cannot bind to the volume {volume.name}: storageClassName does not match "
            f'("{written}" against "{offered}")',
            related=(Related(volume.class_place, f"the volume {volume.name}"),),
            weak=weak,
        )


def _misfits_of_class(claim: Claim) -> Iterator[Finding]:
    name = claim.written_class
    if name is None or is_placeholder(name) or claim.class_resolution.ambiguous:
        return
    graph, storage_class = claim.graph, claim.storage_class
    confidence: Confidence | None = None
    if storage_class is not None:
        if not storage_class.is_static:
            return
    elif name != "":
        if claim.driver.origin != "unknown" and claim.driver.provisioner != "kubernetes.io/no-provisioner":
            return
        if graph.knowledge.class_name(name, graph.config.cluster.platform) is not None:
            return
        confidence = "medium"
    volumes = _volumes_of_class(graph, claim.units, name)
    if not volumes:
        return
    if storage_class is None and name != "" and any(volume.is_reserved_for_other(claim) for volume in volumes):
        return
    fitting = claim.fitting_volumes(name)
    severity: Severity | None = None if graph.is_closed(_VOLUME) else "warning"
    if not fitting:
        free = [volume for volume in volumes if not volume.is_reserved_for_other(claim)]
        yield _nothing_fits(claim, name, volumes, free, severity, confidence)
        return
    pods = claim.workload.max_pods if claim.workload is not None else None
    if claim.shape == "template" and storage_class is not None and pods is not None and len(fitting) < pods:
        yield Finding(
            place=claim.class_place,
            message=f"{claim.label} needs {pods} volumes of class {name}, which has no provisioner, but only "
            f"{len(fitting)} of those here fit: the other pods stay Pending",
            related=tuple(Related(volume.name_place, "a volume that fits") for volume in fitting[:5]),
            severity="warning",
            help="Prepare one PersistentVolume for every replica, or use a class with a provisioner.",
        )


@once
def _volumes_of_class(graph: Graph, units: frozenset[str], name: str) -> list[PersistentVolume]:
    return [volume for volume in graph.in_units(units, PersistentVolume) if volume.class_name == name]


def _nothing_fits(
    claim: Claim,
    name: str,
    volumes: Sequence[PersistentVolume],
    free: Sequence[PersistentVolume],
    severity: Severity | None,
    confidence: Confidence | None,
) -> Finding:
    of_class = f"of class {name}" if name else "without a class"
    if not free:
        return Finding(
            place=claim.class_place,
            message=f"{claim.label} finds no volume: every PersistentVolume {of_class} here is reserved for another "
            "claim (claimRef)",
            related=tuple(Related(volume.at("spec", "claimRef"), "reserved") for volume in volumes[:5]),
            severity=severity,
            confidence=confidence,
        )
    best = min(free, key=lambda volume: len(volume.misfits(claim)))
    reason, ours, theirs = best.misfits(claim)[0]
    which = f"the volume {best.name}" if len(free) == 1 else f"none of the {len(free)} volumes"
    return Finding(
        place=claim.at(*ours),
        message=f"{claim.label} cannot bind to {which} {of_class}: {reason} "
        f"({_shown(claim, ours)} against {_shown(best, theirs)})",
        related=tuple(Related(volume.at(*theirs), f"the volume {volume.name}") for volume in free[:5]),
        severity=severity,
        confidence=confidence,
    )


def _shown(owner: Claim | PersistentVolume, route: Route) -> str:
    value = owner.get(*route) if isinstance(owner, Claim) else owner.resource.get(*route)
    if value is None:
        return "Filesystem" if route[-1] == "volumeMode" else "nothing"
    return ", ".join(str(item) for item in value) if isinstance(value, list) else str(value)


def volume_taken_by_other_claim(subject: Claim | PersistentVolume) -> Iterator[Finding]:
    """One volume is meant for two claims, or one claim for two volumes."""
    if isinstance(subject, Claim):
        yield from _taken_volume(subject)
    else:
        yield from _taken_claim(subject)


def _taken_volume(claim: Claim) -> Iterator[Finding]:
    name = claim.spec.volume_name
    if not name or is_placeholder(name) or claim.shape == "ephemeral":
        return
    place, volume = claim.at("spec", "volumeName"), claim.volume
    reference = volume.spec.claim_ref if volume is not None else None
    if volume is not None and reference is not None and volume.is_reserved_for_other(claim):
        yield Finding(
            place=place,
            message=f"{claim.label} asks for the volume {name}, which is reserved for "
            f'{_full_name(reference.namespace, reference.name)}: volume "{name}" already bound to a different claim.',
            related=(Related(volume.at("spec", "claimRef"), "reserved here"),),
            weak=claim.paired.weak,
        )
        return
    if claim.shape != "object":
        return
    for other in _claims_by_volume(claim.graph, claim.units).get(name, ()):
        if not _is_same(claim, other) and claim.graph.comes_before(other, claim):
            yield Finding(
                place=place,
                message=f"{_told_apart(claim, other)} both ask for the volume {name}: the second one stays Pending",
                related=(Related(other.at("spec", "volumeName"), "the other claim"),),
            )
            return


def _taken_claim(volume: PersistentVolume) -> Iterator[Finding]:
    reference = volume.spec.claim_ref
    if reference is None or not reference.name or is_placeholder(reference.name):
        return
    place = volume.at("spec", "claimRef")
    if not reference.namespace:
        if not volume.resource.is_unknown("spec", "claimRef", "namespace"):
            yield Finding(
                place=place,
                message=f"claimRef of {volume.label} names the claim {reference.name} without a namespace: it never "
                "matches, and the volume is bound to nobody",
            )
        return
    for other in _volumes_by_claim(volume.graph, volume.units).get((reference.namespace, reference.name), ()):
        if other.name != volume.name and volume.graph.comes_before(other, volume):
            yield Finding(
                place=place,
                message=f"{volume.label} and {other.label} are both reserved for the claim "
                f"{_full_name(reference.namespace, reference.name)}: one of them stays unused",
                related=(Related(other.at("spec", "claimRef"), "the other volume"),),
                severity="warning",
            )
            return


@once
def _claims_by_volume(graph: Graph, units: frozenset[str]) -> dict[str, list[Claim]]:
    """Claims by the volume that they ask for, in the order in which they are read; of those of one name the first."""
    index: dict[str, dict[tuple[str, str | None], Claim]] = defaultdict(dict)
    for claim in graph.in_units(units, Claim):
        if claim.shape == "object":
            index[claim.spec.volume_name].setdefault((claim.name, claim.namespace), claim)
    return {name: list(claims.values()) for name, claims in index.items()}


@once
def _volumes_by_claim(graph: Graph, units: frozenset[str]) -> dict[tuple[str, str], list[PersistentVolume]]:
    """Volumes by the claim that they are reserved for, in the order in which they are read; of one name the first."""
    index: dict[tuple[str, str], dict[str, PersistentVolume]] = defaultdict(dict)
    for volume in graph.in_units(units, PersistentVolume):
        reference = volume.spec.claim_ref
        if reference is not None and reference.namespace:
            index[reference.namespace, reference.name].setdefault(volume.name, volume)
    return {key: list(volumes.values()) for key, volumes in index.items()}


def _full_name(namespace: str | None, name: str) -> str:
    return f"{namespace}/{name}" if namespace else name


def _told_apart(claim: Claim, other: Claim) -> str:
    """Both claims, with their namespaces where these are all that tells them apart."""
    if claim.name != other.name:
        return f"{claim.label} and {other.label}"
    return " and ".join(f"{one.kind} {_full_name(one.namespace, one.name)}" for one in (claim, other))


def _is_same(claim: Claim, other: Claim) -> bool:
    return claim.name == other.name and (
        claim.namespace == other.namespace or None in (claim.namespace, other.namespace)
    )


_LEFT_BEHIND = {
    "pv.kubernetes.io/bound-by-controller": "the controller sets it when it binds a claim itself",
    "volume.kubernetes.io/selected-node": "the scheduler sets it; it ties the new claim to a node of the old cluster",
    "volume.kubernetes.io/storage-provisioner": "the controller sets it for the provisioner",
    "volume.beta.kubernetes.io/storage-provisioner": "the controller sets it for the provisioner",
}
_BIND_COMPLETED = "pv.kubernetes.io/bind-completed"


def exported_binding_state(subject: Claim | PersistentVolume) -> Iterator[Finding]:
    """The state of a binding was exported from a cluster with the object."""
    if isinstance(subject, PersistentVolume):
        yield from _exported_reference(subject)
        return
    annotations = subject.annotations
    if annotations.get(_BIND_COMPLETED):
        yield Finding(
            place=subject.at("metadata", "annotations", _BIND_COMPLETED),
            message=f"{subject.label} says that it is bound already: where its volume is missing it becomes Lost "
            "(Bound claim has lost reference to PersistentVolume. Data on the volume is lost!)",
        )
    for key, meaning in _LEFT_BEHIND.items():
        if annotations.get(key):
            yield Finding(
                place=subject.at("metadata", "annotations", key),
                message=f"{key} does not belong into a manifest: {meaning}",
                severity="warning",
            )


def _exported_reference(volume: PersistentVolume) -> Iterator[Finding]:
    reference = volume.resource.get("spec", "claimRef")
    if not isinstance(reference, dict):
        return
    if reference.get("uid"):
        policy = volume.spec.persistent_volume_reclaim_policy or "Retain"
        effect = "and its data is deleted" if policy == "Delete" else f"and its reclaim policy ({policy}) runs"
        yield Finding(
            place=volume.at("spec", "claimRef", "uid"),
            message=f"claimRef of {volume.label} names one claim of one cluster by uid: where no claim has that uid "
            f"the volume becomes Released {effect}",
            related=(Related(volume.at("spec", "persistentVolumeReclaimPolicy"), f"the policy is {policy}"),),
        )
    elif reference.get("resourceVersion"):
        yield Finding(
            place=volume.at("spec", "claimRef", "resourceVersion"),
            message=f"claimRef.resourceVersion of {volume.label} is left over from an export: nothing compares it",
            severity="warning",
        )


def claim_selector_never_matches(claim: Claim) -> Iterator[Finding]:
    """A claim selects volumes by label, but no volume with these labels can be taken."""
    selector = claim.spec.selector
    if selector is None or claim.spec.volume_name or claim.volume is not None or claim.paired.ambiguous:
        return
    if misses_prepared_volume(claim):
        return  # the class that is not written is at fault, and static-claim-without-class says so
    name = claim.class_name
    if name.name is None or claim.class_resolution.ambiguous:
        return
    graph = claim.graph
    place = claim.at("spec", "selector")
    selected = graph.volumes.selected_by(selector)
    if any(volume.class_name == name.name and not volume.is_partial for volume in selected):
        return
    fact, storage_class = claim.driver, claim.storage_class
    static = name.name == "" or fact.provisioner == "kubernetes.io/no-provisioner"
    if not static and fact.provisioner is not None:
        yield Finding(
            place=place,
            message=f"{claim.label} has a selector, but its class {name.name} provisions new volumes with "
            f"{fact.provisioner}: claim Selector is not supported, and the claim stays Pending",
            related=(Related(storage_class.at("provisioner"), "the provisioner"),) if storage_class else (),
            severity="warning" if fact.origin == "class-name" else None,
            weak=int(fact.driver is None) + (0 if fact.origin == "class-name" else fact.weak),
        )
        return
    sure = static and graph.is_closed(_VOLUME)
    near = _volumes_of_class(graph, claim.units, name.name)
    if near or sure:
        of_class = f"of class {name.name}" if name.name else "without a class"
        yield Finding(
            place=place,
            message=f"the selector of {claim.label} matches the labels of no PersistentVolume {of_class} here: "
            "the claim stays Pending",
            related=tuple(
                Related(volume.at("metadata", "labels"), f"the labels of {volume.name}") for volume in near[:5]
            ),
            severity=None if sure else "warning",
        )


# Nodes ---------------------------------------------------------------------------------------------------------------

_GA_KEYS = {
    "failure-domain.beta.kubernetes.io/zone": "topology.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region": "topology.kubernetes.io/region",
    "beta.kubernetes.io/os": "kubernetes.io/os",
    "beta.kubernetes.io/arch": "kubernetes.io/arch",
    "beta.kubernetes.io/instance-type": "node.kubernetes.io/instance-type",
}
_Alternative = dict[str, frozenset[str]]


def volume_affinity_conflict(workload: Workload) -> Iterator[Finding]:
    """No node satisfies both the pod and the volumes it mounts."""
    bound: list[tuple[PodVolume, PersistentVolume, list[_Alternative]]] = []
    for used in workload.volumes:
        volume = used.persistent_volume
        if volume is None or not used.is_used or used.claim is None or used.claim.shape == "template":
            continue
        alternatives = _alternatives_of_volume(volume)
        if alternatives:
            bound.append((used, volume, alternatives))
    if not bound:
        return
    pod = _alternatives_of_pod(workload)
    if pod is not None:
        for used, volume, alternatives in bound:
            clash = _conflict(alternatives, pod)
            if clash is not None:
                key, volume_values, pod_values = clash
                yield Finding(
                    place=_constraint_place(workload, key),
                    message=f"the pods must be on a node with {key} {pod_values}, but the volume {volume.name} behind "
                    f"claim {used.claim_name} can be used with {key} {volume_values} only: no node fits (volume node "
                    "affinity conflict)",
                    related=(Related(volume.at("spec", "nodeAffinity"), "where the volume is"),),
                    weak=used.weak,
                )
                return
    for (used, volume, left), (other, second, right) in combinations(bound, 2):
        clash = _conflict(left, right)
        if clash is not None:
            key, ours, theirs = clash
            yield Finding(
                place=_constraint_place(workload, key),
                message=f"the volume {volume.name} can be used with {key} {ours} only, and the volume {second.name} "
                f"with {key} {theirs} only, but one pod mounts both: no node fits (volume node affinity conflict)",
                related=(
                    Related(volume.at("spec", "nodeAffinity"), "where the first volume is"),
                    Related(second.at("spec", "nodeAffinity"), "where the second volume is"),
                ),
                weak=max(used.weak, other.weak),
            )
            return


def _constraint_place(workload: Workload, key: str) -> Place:
    """The constraint of the pod that speaks about a node label."""
    spec = workload.pod_spec
    if any(_GA_KEYS.get(written, written) == key for written in spec.node_selector):
        return workload.template_at("spec", "nodeSelector")
    if spec.affinity.node_affinity.required is not None:
        return workload.template_at("spec", "affinity", "nodeAffinity")
    return workload.template_at("spec", "nodeName" if spec.node_name else "nodeSelector")


def _alternatives_of_volume(volume: PersistentVolume) -> list[_Alternative] | None:
    required = volume.spec.node_affinity.required if volume.spec.node_affinity else None
    return _alternatives([term.match_expressions for term in required.node_selector_terms]) if required else None


def _alternatives_of_pod(workload: Workload) -> list[_Alternative] | None:
    spec = workload.pod_spec
    always: _Alternative = {}
    for key, value in spec.node_selector.items():
        if is_placeholder(value):
            return None
        always[_GA_KEYS.get(key, key)] = frozenset({value})
    if spec.node_name and not is_placeholder(spec.node_name):
        always.setdefault(HOSTNAME, frozenset({spec.node_name}))
    required = spec.affinity.node_affinity.required
    if required is None or not required.node_selector_terms:
        return [always] if always else None
    if any(term.match_fields for term in required.node_selector_terms):
        return None
    terms = _alternatives([term.match_expressions for term in required.node_selector_terms])
    if terms is None:
        return None
    return [{**term, **{key: term.get(key, values) & values for key, values in always.items()}} for term in terms]


def _alternatives(terms: Sequence[Sequence[SelectorRequirement]]) -> list[_Alternative] | None:
    """The values that each alternative allows for each label; None where something else than In is demanded."""
    found: list[_Alternative] = []
    for term in terms:
        allowed: _Alternative = {}
        for requirement in term:
            if requirement.operator != "In" or any(is_placeholder(value) for value in requirement.values):
                return None
            key = _GA_KEYS.get(requirement.key, requirement.key)
            values = frozenset(requirement.values)
            allowed[key] = allowed.get(key, values) & values
        found.append(allowed)
    return found


def _conflict(left: Sequence[_Alternative], right: Sequence[_Alternative]) -> tuple[str, str, str] | None:
    """The label and the values of both sides, when every combination of alternatives is contradictory."""
    clash: tuple[str, str, str] | None = None
    for ours, theirs in product(left, right):
        keys = sorted(key for key in ours.keys() & theirs.keys() if ours[key].isdisjoint(theirs[key]))
        if not keys:
            return None
        clash = clash or (keys[0], _values(ours[keys[0]]), _values(theirs[keys[0]]))
    return clash


def _values(values: frozenset[str]) -> str:
    return " or ".join(sorted(values)) or "nothing"


# Other references ----------------------------------------------------------------------------------------------------


def dangling_storage_reference(subject: Claim | VolumeSnapshot) -> Iterator[Finding]:
    """A claim or snapshot names a volume, claim, snapshot or class that is not there."""
    if isinstance(subject, VolumeSnapshot):
        spec = subject.body.spec
        if spec.source.persistent_volume_claim_name:
            place = subject.at("spec", "source", "persistentVolumeClaimName")
            yield from _dangling(subject, place, _CLAIM, spec.source.persistent_volume_claim_name)
        if spec.volume_snapshot_class_name:
            place = subject.at("spec", "volumeSnapshotClassName")
            yield from _dangling(subject, place, "VolumeSnapshotClass", spec.volume_snapshot_class_name)
        return
    if subject.spec.volume_name:
        yield from _dangling(subject, subject.at("spec", "volumeName"), _VOLUME, subject.spec.volume_name)
    references: tuple[tuple[str, ObjectReference | None], ...] = (
        ("dataSource", subject.spec.data_source),
        ("dataSourceRef", subject.spec.data_source_ref),
    )
    seen: set[tuple[str, str]] = set()
    for field, reference in references:
        # A reference into another namespace needs a ReferenceGrant, which is not modelled.
        if reference is None or reference.namespace or (reference.kind, reference.name) in seen:
            continue
        seen.add((reference.kind, reference.name))
        if reference.kind in (_CLAIM, "VolumeSnapshot"):
            yield from _dangling(subject, subject.at("spec", field), reference.kind, reference.name)


def _dangling(subject: Claim | VolumeSnapshot, place: Place, kind: str, name: str) -> Iterator[Finding]:
    graph, external = subject.graph, subject.graph.config.external
    globs = {_CLAIM: external.claims, _VOLUME: external.volumes}.get(kind, external.classes)
    if not name or is_placeholder(name) or matches_any(name, globs):
        return
    if kind == _CLAIM and graph.template_of_generated(name, subject) is not None:
        return
    if graph.possible_creator(name, subject) is not None:
        return
    if graph.in_cluster(Node, kind, name, subject) is not None:
        return
    found = _by_namespace(graph, kind, name, subject.resource.path)
    namespaced = kind in (_CLAIM, "VolumeSnapshot")
    if not namespaced and found:
        return
    if found and (subject.namespace is None or not {None, subject.namespace}.isdisjoint(found)):
        return
    if found:
        elsewhere = next(iter(found.values()))
        yield Finding(
            place=place,
            message=f"{subject.label} in namespace {subject.namespace} refers to the {kind} {name}, which exists in "
            f"namespace {elsewhere.namespace} only: both must be in one namespace",
            related=(Related(elsewhere.name_place, f"the {kind}, in another namespace"),),
        )
    elif graph.is_closed(kind):
        known = graph.objects(kind)
        known = known if len(known) <= _MOST_COMPARED else ()
        near = [node for node in known if node.name and is_near_miss(name, node.name)]
        hint = f"; did you mean {near[0].name}?" if len(near) == 1 else ""
        yield Finding(
            place=place,
            message=f"{subject.label} refers to the {kind} {name}, which is {graph.nowhere}: it waits for it "
            f"forever{hint}",
            related=(Related(near[0].name_place, "a similar name"),) if len(near) == 1 else (),
        )


@once
def _by_namespace(graph: Graph, kind: str, name: str, path: str) -> dict[str | None, Node]:
    """By namespace the first object of a name that can be deployed together with the objects of a file."""
    found: dict[str | None, Node] = {}
    for node in graph.named(kind, name):
        if not graph.are_alternatives(path, node.resource.path):
            found.setdefault(node.namespace, node)
    return found
