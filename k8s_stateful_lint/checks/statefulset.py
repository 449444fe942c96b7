"""Family statefulset: what a StatefulSet cannot change, and what it does not do by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from k8s_stateful_lint._patterns import regex
from k8s_stateful_lint.checks._probes import probe_level
from k8s_stateful_lint.checks.finding import Finding, Related
from k8s_stateful_lint.graph import Claim, Graph, Kustomization, StatefulSet, Workload
from k8s_stateful_lint.graph.once import once
from k8s_stateful_lint.graph.units import directory_of
from k8s_stateful_lint.model.base import LabelSelector
from k8s_stateful_lint.model.kustomization import KustomizationBody
from k8s_stateful_lint.model.placeholders import is_placeholder

_LONGEST_NAME = 52
_MOST_COMPARED = 500  # workloads that one selector selects
_ORDINAL_LABEL = regex(r"apps\.kubernetes\.io/pod-index|statefulset\.kubernetes\.io/pod-name")


def ordered_start_quorum_deadlock(subject: StatefulSet) -> Iterator[Finding]:
    """After a full stop pod 0 waits for a majority, and the other pods wait for pod 0."""
    if subject.spec.pod_management_policy not in (None, "OrderedReady") or (subject.max_pods or 0) < 2:
        return
    if subject.resource.is_unknown("spec", "podManagementPolicy"):
        return
    for database in subject.databases:
        probe = database.container.spec.readiness_probe
        if database.entry.start != "parallel" or database.votes is not True or probe is None:
            continue
        level = probe_level(probe, database)
        unknown = level is None and probe.exec is not None and not _IS_LOCAL.search(" ".join(probe.exec.command))
        if level != "cluster" and not unknown:
            continue
        asks = "may ask the cluster" if unknown else "asks the cluster"
        yield Finding(
            place=subject.at("spec", "podManagementPolicy"),
            message=f"OrderedReady creates {subject.name}-1 only when {subject.name}-0 is Ready, and the "
            f"readiness probe of {database.container.name} {asks}: after a full stop neither comes up",
            related=(Related(database.container.at("readinessProbe", part="key"), "the readiness probe"),),
            confidence="low" if unknown else None,
            weak=database.weak,
            unverified=database.is_unverified,
        )
        return


def version_label_in_immutable_field(
    subject: Workload | Kustomization, options: Mapping[str, Any]
) -> Iterator[Finding]:
    """A label that changes with every release, where nothing may change."""
    keys = frozenset(options["keys"])
    if isinstance(subject, Kustomization):
        yield from _kustomization_labels(subject, keys)
    elif isinstance(subject, Workload):
        yield from _claim_template_labels(subject, keys)
        yield from _selector_labels(subject, keys)


def claim_template_shadows_volume(subject: StatefulSet) -> Iterator[Finding]:
    """A claim template silently replaces a volume of the same name."""
    for volume in subject.dead_volumes:
        template = next(template for template in subject.claim_templates if template.name == volume.name)
        is_idiom = volume.claim_name == volume.name
        what = f"the {volume.source_key} volume" if volume.source_key else "the volume"
        if volume.claim_name:
            what = f"claim {volume.claim_name}"
        yield Finding(
            place=volume.at("name"),
            message=f"{what} is never mounted: the claim template {volume.name} of {subject.label} takes its place",
            related=(Related(template.at("metadata", "name"), "the claim template"),),
            severity="info" if is_idiom else None,
        )


def stateful_set_name_too_long(subject: StatefulSet) -> Iterator[Finding]:
    """The name and a hash of up to 10 characters must fit into a label of 63."""
    length = len(subject.name)
    if length > _LONGEST_NAME and not is_placeholder(subject.name):
        yield Finding(
            place=subject.name_place,
            message=f"no pod can be created: the name has {length} characters, and with its hash the label "
            f"controller-revision-hash gets longer than 63 ({_LONGEST_NAME} are safe)",
        )


def template_change_not_rolled_out(subject: StatefulSet) -> Iterator[Finding]:
    """An update strategy that keeps old pods."""
    strategy, count = subject.spec.update_strategy, subject.max_pods
    if strategy is None or any(server.entry.on_delete for server in subject.servers):
        return
    if strategy.type == "OnDelete":
        yield Finding(
            place=subject.at("spec", "updateStrategy", "type"),
            message=f"OnDelete: a change of the pod template reaches a pod of {subject.label} only when "
            "somebody deletes it",
            severity="info",
            help="Use RollingUpdate, unless somebody deletes the pods in turn at every change.",
        )
        return
    partition = strategy.rolling_update.partition if strategy.rolling_update else None
    if partition is None or not count:
        return
    place = subject.at("spec", "updateStrategy", "rollingUpdate", "partition")
    start = subject.spec.ordinals.start
    if partition >= start + count:
        if subject.autoscaler is None and partition > 0:
            yield Finding(
                place=place,
                message=f"no pod is ever updated: partition {partition} is above the highest ordinal "
                f"{start + count - 1} of {subject.label}",
            )
    elif partition > start:
        old = "pod" if partition - start == 1 else f"{partition - start} pods"
        yield Finding(
            place=place,
            message=f"partition {partition} keeps the first {old} of {subject.label} on the old pod template",
            severity="info",
        )


def stateful_set_without_storage(subject: StatefulSet) -> Iterator[Finding]:
    """A StatefulSet that uses neither storage nor the names of its pods."""
    if subject.claim_templates or subject.has_persistent_mount or subject.uses_peer_names:
        return
    if subject.spec.selector is None or subject.resource.is_unknown("spec", "volumeClaimTemplates"):
        return  # without a selector it is a patch
    if any(volume.is_claim_reference or volume.is_persistent for volume in subject.volumes):
        return
    if subject.databases or any(server.class_ in {"cache", "none"} for server in subject.servers):
        return
    if _reads_ordinal(subject):
        return
    yield Finding(
        place=subject.name_place,
        message=f"{subject.label} has no storage and its configuration names no single pod: a Deployment may do the "
        "same without the slow, ordered updates, if no storage was forgotten",
    )


def _reads_ordinal(subject: StatefulSet) -> bool:
    """Whether a container takes its number or its name from the labels that only a StatefulSet writes."""
    return any(
        _ORDINAL_LABEL.search(str((variable.value_from or {}).get("fieldRef") or ""))
        for container in subject.all_containers
        for variable in container.spec.env
    )


def adopted_claim_differs_from_template(subject: Claim) -> Iterator[Finding]:
    """A StatefulSet takes an existing claim of the right name without comparing it."""
    if subject.shape != "object":
        return
    template = subject.graph.template_of_generated(subject.name, subject)
    stateful_set = template.workload if template is not None else None
    if template is None or not isinstance(stateful_set, StatefulSet) or stateful_set.ordinals is None:
        return
    spaces = {subject.namespace, stateful_set.namespace}
    if len(spaces - {None}) > 1:
        return
    differences = list(_differences(subject, template))
    if differences:
        yield Finding(
            place=subject.at("spec", part="key"),
            message=f"{stateful_set.label} uses this claim for its pod "
            f"{subject.name.removeprefix(template.name + '-')} as it "
            f"is, although its template says otherwise: {', '.join(differences)}",
            related=(Related(template.at("spec", part="key"), "the claim template"),),
            weak=int(None in spaces and len(spaces) > 1),
        )


def overlapping_workload_selectors(subject: Workload) -> Iterator[Finding]:
    """Two controllers that select each other's pods."""
    selector = _controller_selector(subject)
    if selector is None:
        return
    others = subject.graph.selections.workloads(subject, selector)
    if not subject.keeps_data:
        others = _that_keep_data(subject.graph, others)
    for other in others[:_MOST_COMPARED]:
        theirs = _controller_selector(other)
        if theirs is None or other.name == subject.name or other.namespace != subject.namespace:
            continue
        if not other.shares_unit(subject):
            continue
        if _are_alternatives(subject, other):
            continue
        mutual = subject.is_selected_by(theirs)
        if mutual and subject.graph.comes_before(subject, other):
            continue  # the later of the two speaks
        yield Finding(
            place=subject.at("spec", "selector", part="key"),
            message=f"the selector of {subject.label} also matches the pods of {other.label}"
            + (", and the other way round" if mutual else "")
            + ": each may count or take over pods that are not its own",
            related=(Related(other.template_at("metadata", "labels", part="key"), f"the pods of {other.label}"),),
        )
        return


@once
def _that_keep_data(graph: Graph, workloads: tuple[Workload, ...]) -> tuple[Workload, ...]:
    return tuple(workload for workload in workloads if workload.keeps_data)


# Commands that only look at the container itself, whatever the program: an open port, a process, a file.
_IS_LOCAL = regex(r"\bnc\b|/dev/tcp/|\bpgrep\b|\bpidof\b|\bkill -0\b|^(?:cat|test|ls|true|\[)\s")


# Labels that change -------------------------------------------------------------------------------------------------


_STABLE = frozenset(
    {
        *(f"app.kubernetes.io/{part}" for part in ("name", "instance", "component", "part-of")),
        "controller-tools.k8s.io",  # always "1.0": kubebuilder writes it once
    }
)
_GENERATION = regex(r"v\d+")
_RELEASE = regex(
    r"""
    (?!\d+(?:\.\d+){3}$)    # an address
    (?:[a-z][a-z0-9-]*-)?v?\d+\.\d+(?:\.\d+)*(?:[-+._][\w.+-]*)?    # 1.2, v1.2.3-rc1, chart-1.2.3
    | \d{4}-\d{2}-\d{2}(?:[-T_].*)? | 20\d{2}[01]\d[0-3]\d(?:[-T_]?\d+)?    # 2026-01-31, 20260131
    | (?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{7,64}    # a commit
    """,
    re.VERBOSE,
)
_REFUSED = "the next release changes it, and the API server refuses to change"


def _is_changing(key: str, value: str, keys: frozenset[str], *, by_value: bool) -> bool:
    """Whether a label changes with every release."""
    if key in _STABLE or is_placeholder(value) or (key == "version" and _GENERATION.fullmatch(value)):
        return False
    return key in keys or (by_value and _RELEASE.fullmatch(value) is not None)


def _claim_template_labels(workload: Workload, keys: frozenset[str]) -> Iterator[Finding]:
    for template in workload.claim_templates:
        for field, entries in (("labels", template.labels), ("annotations", template.annotations)):
            for key, value in entries.items():
                if _is_changing(key, value, keys, by_value=True):
                    yield Finding(
                        place=template.at("metadata", field, key),
                        message=f"{key}: {value} is part of the claim template {template.name}: {_REFUSED} "
                        "volumeClaimTemplates",
                    )


def _selector_labels(workload: Workload, keys: frozenset[str]) -> Iterator[Finding]:
    selector = workload.spec.selector if workload.spec is not None else None
    if selector is None or workload.kind not in _SELECTING:
        return
    for key, value in selector.match_labels.items():
        if key == "version" and workload.name.endswith(value):
            continue
        if _is_changing(key, value, keys, by_value=False):
            yield Finding(
                place=workload.at("spec", "selector", "matchLabels", key),
                message=f"{key}: {value} is part of the selector of {workload.label}: {_REFUSED} a selector",
                severity=_weight((workload,)),
            )


_SELECTING = frozenset({"StatefulSet", "PetSet", "Deployment", "DaemonSet"})


def _kustomization_labels(subject: Kustomization, keys: frozenset[str]) -> Iterator[Finding]:
    body = subject.resource.body
    if not isinstance(body, KustomizationBody):
        return
    selecting = [workload for workload in _built_by(subject) if workload.kind in _SELECTING]
    templated = [workload for workload in selecting if workload.claim_templates]
    entries: list[tuple[tuple[str | int, ...], dict[str, str], list[Workload]]] = [
        (("commonLabels",), body.common_labels, selecting)
    ]
    for index, entry in enumerate(body.labels):
        reached = selecting if entry.include_selectors else templated if entry.include_templates else []
        entries.append((("labels", index, "pairs"), entry.pairs, reached))
    for route, pairs, reached in entries:
        sets = [workload for workload in reached if isinstance(workload, StatefulSet)]
        for key, value in pairs.items():
            if reached and _is_changing(key, value, keys, by_value=True):
                first = (sets or reached)[0]
                yield Finding(
                    place=subject.at(*route, key),
                    message=f"{key}: {value} gets into {'claim templates' if sets else 'the selector'} of "
                    f"{first.label}: {_REFUSED} {'them' if sets else 'a selector'}",
                    related=(Related(first.name_place, "is built with this label"),),
                    severity=_weight(reached),
                )


def _built_by(kustomization: Kustomization) -> list[Workload]:
    units = kustomization.graph.units
    own = units.builds.get(directory_of(kustomization.resource.path))
    if own is None or own.resource is not kustomization.resource:
        return []  # the second one of its directory
    return [
        workload
        for workload in kustomization.graph.unit_mates(kustomization, Workload)
        if any(build.resource is kustomization.resource for build in units.builds_of(workload.resource.path))
    ]


def _weight(workloads: list[Workload] | tuple[Workload, ...]) -> Literal["info"] | None:
    """Info where only Deployments and DaemonSets without persistent mounts are reached."""
    matters = any(isinstance(workload, StatefulSet) or workload.has_persistent_mount for workload in workloads)
    return None if matters else "info"


# Claims and selectors -----------------------------------------------------------------------------------------------


def _differences(claim: Claim, template: Claim) -> Iterator[str]:
    own, wanted = claim.spec, template.spec
    if not _unknown("volumeMode", claim, template):
        ours, theirs = own.volume_mode or "Filesystem", wanted.volume_mode or "Filesystem"
        if ours != theirs:
            yield f"volumeMode {ours} instead of {theirs}"
    ours_class, theirs_class = claim.written_class, template.written_class
    written = ours_class is not None and theirs_class is not None and not _unknown("storageClassName", claim, template)
    if written and ours_class != theirs_class and not is_placeholder(ours_class) and not is_placeholder(theirs_class):
        yield f"class {ours_class or '(none)'} instead of {theirs_class or '(none)'}"
    modes, wanted_modes = set(own.access_modes), set(wanted.access_modes)
    if modes and wanted_modes and modes != wanted_modes and not _unknown("accessModes", claim, template):
        yield f"accessModes {', '.join(sorted(modes))} instead of {', '.join(sorted(wanted_modes))}"
    if claim.request is not None and template.request is not None and claim.request < template.request:
        yield f"{own.resources.requests['storage']} instead of {wanted.resources.requests['storage']}"


def _unknown(field: str, *claims: Claim) -> bool:
    return any(claim.is_unknown("spec", field) for claim in claims)


def _controller_selector(workload: Workload) -> LabelSelector | None:
    if workload.kind not in {"Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"} or workload.spec is None:
        return None
    selector = workload.spec.selector
    return selector if selector is not None and not selector.is_empty else None


def _are_alternatives(one: Workload, other: Workload) -> bool:
    """Whether two files of a directory define the same program in two ways, and nothing says that both are applied."""
    if one.resource.path == other.resource.path:
        return False
    units = one.graph.units
    builds = [{build.directory for build in units.builds_of(w.resource.path)} for w in (one, other)]
    if builds[0] & builds[1]:
        return False
    names = [{container.image.name for container in w.containers if container.image is not None} for w in (one, other)]
    return bool(names[0] & names[1])
