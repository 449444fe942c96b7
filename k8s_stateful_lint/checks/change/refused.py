"""What the API server refuses of a change, with its own words: a release that holds it stops in the middle."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from k8s_stateful_lint.checks.change import _procedures as procedures
from k8s_stateful_lint.checks.change._procedures import apply, kubectl
from k8s_stateful_lint.checks.change._words import (
    SIZE,
    below,
    changed_fields,
    claim_form,
    form_of,
    from_to,
    names,
    pod_form,
    refusal,
    scalar_differs,
    spec_of,
    spot,
    title,
    value_of,
)
from k8s_stateful_lint.checks.finding import Finding, Related
from k8s_stateful_lint.config import Severity
from k8s_stateful_lint.graph import (
    Claim,
    Node,
    Pair,
    PersistentVolume,
    Service,
    StatefulSet,
    StorageClass,
    Workload,
)
from k8s_stateful_lint.graph.guards import argo_options
from k8s_stateful_lint.graph.normal import differ, differences, normal_form
from k8s_stateful_lint.graph.storage import CLASS_ANNOTATION
from k8s_stateful_lint.model.placeholders import is_placeholder
from k8s_stateful_lint.model.raw import entries, mapping
from k8s_stateful_lint.model.resource import field_path
from k8s_stateful_lint.reading import Route

# StatefulSets ---------------------------------------------------------------------------


def stateful_set_immutable_field_changed(pair: Pair[StatefulSet]) -> Iterator[Finding]:
    """Most of a StatefulSet cannot be changed (KK pkg/apis/apps/validation/validation.go:238-272)."""
    old, new = spec_of(pair.old), spec_of(pair.new)
    fields = ["serviceName", "selector", "podManagementPolicy"]
    target = pair.new.graph.target
    fields += ["revisionHistoryLimit"] if target <= (1, 32) else []
    fields += ["ordinals"] if target <= (1, 25) else []
    for field in fields:
        # A patch writes no selector, and no StatefulSet is without one.
        is_written = field != "selector" or (old.get(field) and new.get(field))
        if is_written and differ(old.get(field), new.get(field)):
            yield Finding(
                place=spot(pair.new, ("spec", field)),
                message=f"{pair.new.label} changes {field} {from_to(pair.old, pair.new, ('spec', field))}, "
                f"which the API server refuses: {refusal(pair.new, 'M-STS')}",
                related=(Related(spot(pair.old, ("spec", field)), "before"),),
                steps=procedures.recreate(pair.new),
            )


def claim_template_changed(pair: Pair[StatefulSet]) -> Iterator[Finding]:
    """Nothing of a claim template can be changed, and claims that exist do not follow it anyway."""
    renamed = {name for names in _renamed_templates(pair) for name in names}
    olds = {template.name: template for template in pair.old.claim_templates if template.name not in renamed}
    news = {template.name: template for template in pair.new.claim_templates if template.name not in renamed}
    answer = refusal(pair.new, "M-STS")
    for name, new in news.items():
        if name in olds:
            yield from _template_fields(olds[name], new, pair.new, answer)
    added, gone = [name for name in news if name not in olds], [name for name in olds if name not in news]
    common_before, common_after = [n for n in olds if n in news], [n for n in news if n in olds]
    what = None
    if added or gone:
        parts = [f"{names(added)} added" if added else "", f"{names(gone)} removed" if gone else ""]
        what = f"claim templates of {pair.new.label} change ({', '.join(part for part in parts if part)})"
        what = what.replace("claim templates", "claim template", 1) if len(added + gone) == 1 else what
    elif common_before != common_after:
        what = f"the claim templates of {pair.new.label} stand in another order"
    if what is not None and not any(is_placeholder(name) for name in (*added, *gone)):
        left = f"; claims of {names(gone)} stay behind with their data" if gone else ""
        yield Finding(
            place=pair.new.at("spec", "volumeClaimTemplates", part="key"),
            message=f"{what}, which the API server refuses: {answer}{left}",
            related=tuple(Related(olds[name].at("metadata", "name"), "before") for name in gone)
            or (Related(pair.old.at("spec", "volumeClaimTemplates", part="key"), "before"),),
            steps=procedures.recreate(pair.new),
        )


def _template_fields(old: Claim, new: Claim, owner: StatefulSet, answer: str) -> Iterator[Finding]:
    for route in changed_fields(claim_form(old), claim_form(new)):
        before, after = value_of(old, route), value_of(new, route)
        message = f"{new.label} of {owner.label} changes {title(route)} {from_to(old, new, route)}"
        steps = procedures.recreate(owner)
        advice = None
        if route == SIZE and old.request is not None and new.request is not None:
            grows = new.request > old.request
            message = f"{new.label} of {owner.label} {'grows' if grows else 'shrinks'} from {before} to {after}"
            after_it = (
                "claims that exist do not grow with it, each must be patched"
                if grows
                else "claims that exist keep their size, a claim never shrinks"
            )
            if grows:
                steps = procedures.resize(new, owner, after)
            else:
                advice = "Put the size back. A smaller volume needs a new claim and a copy of the data."
                steps = ()
            refused = f", which the API server refuses: {answer}; {after_it}"
        else:
            refused = f", which the API server refuses: {answer}"
        yield Finding(
            place=spot(new, route),
            message=message + refused,
            related=(Related(spot(old, route), "before"),),
            help=advice,
            steps=steps,
        )


def claim_template_renamed(pair: Pair[StatefulSet]) -> Iterator[Finding]:
    """The claims of a renamed template are new ones, and empty."""
    news = {template.name: template for template in pair.new.claim_templates}
    olds = {template.name: template for template in pair.old.claim_templates}
    for old_name, new_name in _renamed_templates(pair):
        new, old = news[new_name], olds[old_name]
        fresh = procedures.claim_names(new)
        prepared = {claim.name for claim in pair.new.graph.unit_mates(pair.new, Claim)}
        if set(fresh) <= prepared:
            continue
        before = procedures.claim_names(old)
        steps = [*procedures.grow_before(old, new)]
        steps.append(kubectl(pair.new, "scale", "statefulset", pair.new.name, "--replicas=0"))
        for left, right in zip(before, fresh, strict=False):
            steps += procedures.rebind(pair.old, left, pair.new.namespace, right)
        yield Finding(
            place=new.at("metadata", "name"),
            message=f"claim template {old_name} of {pair.new.label} becomes {new_name}, which the API server refuses: "
            f"{refusal(pair.new, 'M-STS')}; and once the StatefulSet is made anew, its pods start on new, empty "
            f"claims ({names(fresh)}), while the data stays in {names(before)}",
            related=(Related(old.at("metadata", "name"), "before"),),
            steps=(*steps, *procedures.recreate(pair.new)),
        )


def _renamed_templates(pair: Pair[StatefulSet]) -> list[tuple[str, str]]:
    """Old and new names of claim templates that are mounted at the same paths, or that are the only ones."""
    olds = [template.name for template in pair.old.claim_templates]
    news = [template.name for template in pair.new.claim_templates]
    gone, added = [name for name in olds if name not in news], [name for name in news if name not in olds]
    if any(is_placeholder(name) or not name for name in (*gone, *added)):
        return []
    if len(olds) == len(news) == 1 and gone:
        return [(gone[0], added[0])]
    found = []
    for new in added:
        paths = _mount_paths(pair.new, new)
        same = [old for old in gone if paths and _mount_paths(pair.old, old) & paths]
        if len(same) == 1:
            found.append((same[0], new))
    return found


def _mount_paths(stateful_set: StatefulSet, volume: str) -> frozenset[tuple[str, str]]:
    return frozenset((mount.container.name, mount.path) for mount in stateful_set.mounts if mount.name == volume)


# Claims ---------------------------------------------------------------------------------


def claim_shrunk(pair: Pair[Claim]) -> Iterator[Finding]:
    """A claim never shrinks (KK pkg/apis/core/validation/validation.go, ValidatePersistentVolumeClaimUpdate)."""
    old, new = pair.old.request, pair.new.request
    if old is None or new is None or new >= old:
        return
    before, after = value_of(pair.old, SIZE), value_of(pair.new, SIZE)
    yield Finding(
        place=pair.new.at(*SIZE),
        message=f"{pair.new.label} shrinks from {before} to {after}, which the API server refuses: "
        f"{refusal(pair.new, 'M-SHRINK')}",
        related=(Related(pair.old.at(*SIZE), "before"),),
    )


_CLAIM_FIELDS = (
    ("spec", "accessModes"),
    ("spec", "selector"),
    ("spec", "dataSource"),
    ("spec", "dataSourceRef"),
    ("spec", "resources", "limits"),
    ("spec", "volumeMode"),
)


def claim_spec_changed(pair: Pair[Claim]) -> Iterator[Finding]:
    """Almost nothing of a claim's spec can be changed once it is there."""
    old, new = pair.old, pair.new
    answer = refusal(new, "M-PVC")
    before, after = claim_form(old), claim_form(new)
    for route in _CLAIM_FIELDS:
        if differ(below(before, route), below(after, route)):
            reason = refusal(new, "M-PVC-MODE") if route[-1] == "volumeMode" else answer
            yield _claim_change(pair, route, reason)
    if old.spec.volume_name and new.spec.volume_name and scalar_differs(pair, "spec", "volumeName"):
        yield _claim_change(pair, ("spec", "volumeName"), answer)
    yield from _class_changed(pair, answer)
    yield from _attributes_changed(pair)


def _class_changed(pair: Pair[Claim], answer: str) -> Iterator[Finding]:
    old, new = pair.old, pair.new
    annotated, annotation = old.annotations.get(CLASS_ANNOTATION), new.annotations.get(CLASS_ANNOTATION)
    if annotated is not None:
        if (annotation or "") == annotated or (annotation is None and new.spec.storage_class_name == annotated):
            return
        if is_placeholder(annotation) or is_placeholder(annotated):
            return
        route: Route = ("metadata", "annotations", CLASS_ANNOTATION)
        yield _claim_change(pair, route, "metadata.annotations: Invalid value: ...: field is immutable")
        return
    route = ("spec", "storageClassName")
    if not scalar_differs(pair, *route):
        return
    if old.spec.storage_class_name is not None:
        yield _claim_change(pair, route, answer)
        return
    name = new.spec.storage_class_name
    yield Finding(
        place=spot(new, route),
        message=f"{new.label} now names {f'the class {name}' if name else 'no class'}: the API server takes it only "
        f"where the claim has no class or the same one, but the default class of the cluster was filled in when it was "
        f"made; otherwise: {answer}",
        related=(Related(spot(old, route), "before"),),
        severity="warning",
        help=f"Write the class that the claim has: `{kubectl(new, 'get', 'pvc', new.name)}` shows it.",
    )


def _attributes_changed(pair: Pair[Claim]) -> Iterator[Finding]:
    route = ("spec", "volumeAttributesClassName")
    old, new = pair.old.spec.volume_attributes_class_name, pair.new.spec.volume_attributes_class_name
    if old == new or not scalar_differs(pair, *route):
        return
    if old and not new:
        word = "nil" if new is None else "empty string"
        reason = f"update to {word} is forbidden when status.currentVolumeAttributesClassName is not nil"
        yield _claim_change(pair, route, f"spec.volumeAttributesClassName: Forbidden: {reason}")
    elif pair.new.graph.target < (1, 34):
        reason = "update is forbidden when the VolumeAttributesClass feature gate is disabled"
        yield _claim_change(pair, route, f"spec.volumeAttributesClassName: Forbidden: {reason}")


def _claim_change(pair: Pair[Claim], route: Route, reason: str) -> Finding:
    return Finding(
        place=spot(pair.new, route),
        message=f"{pair.new.label} changes {title(route)} {from_to(pair.old, pair.new, route)}, "
        f"which the API server refuses: {reason}",
        related=(Related(spot(pair.old, route), "before"),),
    )


def claim_grown_without_expansion(pair: Pair[Claim]) -> Iterator[Finding]:
    """Growth is refused unless the class allows it (KK plugin/pkg/admission/storage/persistentvolume/resize)."""
    old, new = pair.old.request, pair.new.request
    claim = pair.new
    if old is None or new is None or new <= old:
        return
    found, fact, name = claim.storage_class, claim.driver, claim.class_name.name
    cannot = fact.driver is not None and fact.driver.expansion is False
    related: tuple[Related, ...] = (Related(pair.old.at(*SIZE), "before"),)
    severity: Severity | None = None
    steps: tuple[str, ...] = ()
    weak = 0
    if cannot and fact.driver is not None:
        reason = f"the driver {fact.driver.name} cannot expand volumes"
        severity = "warning" if fact.origin == "class-name" else None
        weak = fact.weak
        advice = "A larger volume needs a new claim, and a copy of the data."
    elif name == "":
        reason, advice = "it has no class", "A larger volume needs a new claim, and a copy of the data."
    elif found is not None and not found.body.allow_volume_expansion:
        if found.resource.is_unknown("allowVolumeExpansion"):
            return
        reason = f"{found.label} does not allow expansion"
        weak = claim.class_resolution.weak
        related += (Related(found.at("allowVolumeExpansion"), "the class"),)
        patch = '{"allowVolumeExpansion":true}'
        steps = (kubectl(found, "patch", "storageclass", found.name, "-p", patch), apply(claim))
        advice = None
    else:
        return
    yield Finding(
        place=claim.at(*SIZE),
        message=f"{claim.label} grows {from_to(pair.old, claim, SIZE)}, but {reason}, so the API server refuses it: "
        f"{refusal(claim, 'M-GROW')} (while it is not bound: {refusal(claim, 'M-GROW-UNBOUND')})",
        related=related,
        severity=severity,
        confidence="medium" if severity == "warning" else None,
        weak=weak,
        help=advice,
        steps=steps,
    )


# PersistentVolumes ----------------------------------------------------------------------------------------------------


# Labels of nodes and volumes whose beta names became others (KK staging/src/k8s.io/api/core/v1/well_known_labels.go).
_GA_LABELS = {
    "failure-domain.beta.kubernetes.io/zone": "topology.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region": "topology.kubernetes.io/region",
    "beta.kubernetes.io/instance-type": "node.kubernetes.io/instance-type",
    "beta.kubernetes.io/os": "kubernetes.io/os",
    "beta.kubernetes.io/arch": "kubernetes.io/arch",
}


def persistent_volume_source_changed(pair: Pair[PersistentVolume]) -> Iterator[Finding]:
    """Where a volume is cannot be changed (KK pkg/apis/core/validation/validation.go:2264-2299)."""
    old, new = pair.old, pair.new
    before, after = spec_of(old), spec_of(new)
    if old.source is not None and new.source is not None:
        key_before, key_after = old.source[0], new.source[0]
        if key_before != key_after:
            message = f"the source of {new.label} changes from {key_before} to {key_after}"
            yield _volume_change(pair, ("spec", key_after), message, "M-PV", old_route=("spec", key_before))
        else:
            changed = list(differences(before.get(key_before), after.get(key_before)))
            changed = [route for route in changed if not _is_added_secret(before.get(key_before), route)]
            if changed:
                route = ("spec", key_before, *(changed[0] if len(changed) == 1 else ()))
                fields = names([field_path(route) for route in changed if route])
                message = f"the {key_before} source of {new.label} changes{f' ({fields})' if fields else ''}"
                if len(changed) == 1 and changed[0]:
                    message += f" {from_to(old, new, route)}"
                yield _volume_change(pair, route, message, "M-PV")
    if differ(before.get("volumeMode"), after.get("volumeMode")):
        route = ("spec", "volumeMode")
        words = [node.volume_mode for node in (old, new)]
        yield _volume_change(
            pair, route, f"volumeMode of {new.label} changes from {words[0]} to {words[1]}", "M-PV-MODE"
        )
    affinity = before.get("nodeAffinity")
    renamed_labels = new.graph.target >= (1, 27) and not differ(_with_ga(affinity), _with_ga(after.get("nodeAffinity")))
    if affinity is not None and differ(affinity, after.get("nodeAffinity")) and not renamed_labels:
        yield _volume_change(pair, ("spec", "nodeAffinity"), f"nodeAffinity of {new.label} changes", "M-PV-NODE")
    if old.spec.volume_attributes_class_name and new.spec.volume_attributes_class_name is None:
        route = ("spec", "volumeAttributesClassName")
        yield _volume_change(pair, route, f"volumeAttributesClassName of {new.label} is taken away", "M-PV-CLASS")


def _is_added_secret(source: Any, route: Route) -> bool:
    return route[:1] == ("controllerExpandSecretRef",) and "controllerExpandSecretRef" not in (source or {})


def _with_ga(value: Any) -> Any:
    """A node affinity with the present names of labels."""
    if isinstance(value, Mapping):
        return {k: _GA_LABELS.get(v, v) if k == "key" and isinstance(v, str) else _with_ga(v) for k, v in value.items()}
    return [_with_ga(item) for item in value] if isinstance(value, list) else value


def _volume_change(
    pair: Pair[PersistentVolume], route: Route, message: str, key: str, *, old_route: Route | None = None
) -> Finding:
    return Finding(
        place=spot(pair.new, route),
        message=f"{message}, which the API server refuses: {refusal(pair.new, key)}",
        related=(Related(spot(pair.old, old_route or route), "before"),),
    )


# Classes, Services, workloads -----------------------------------------------------------------------------------------


def storage_class_immutable_field_changed(pair: Pair[StorageClass]) -> Iterator[Finding]:
    """A class cannot be changed in what volumes are made of (KK pkg/apis/storage/validation/validation.go:63-73)."""
    before, after = form_of(pair.old), form_of(pair.new)
    for field in ("provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"):
        if differ(before.get(field), after.get(field)):
            steps = (kubectl(pair.new, "delete", "storageclass", pair.new.name), apply(pair.new))
            yield Finding(
                place=spot(pair.new, (field,)),
                message=f"{pair.new.label} changes {field} {from_to(pair.old, pair.new, (field,))}, "
                f"which the API server refuses: {refusal(pair.new, f'M-SC-{field}')}",
                related=(Related(spot(pair.old, (field,)), "before"),),
                steps=steps,
            )


def service_headless_switched(pair: Pair[Service]) -> Iterator[Finding]:
    """The address of a Service cannot be changed, and None stays where it is left out."""
    old, new = pair.old, pair.new
    route = ("spec", "clusterIP")
    before, after = old.body.spec.cluster_ip or None, new.body.spec.cluster_ip or None
    if old.is_external or new.is_external or before == after:
        return
    if any(node.resource.is_unknown(*route) or is_placeholder(node.body.spec.cluster_ip) for node in (old, new)):
        return
    steps = (kubectl(new, "delete", "service", new.name), apply(new))
    related = (Related(spot(old, route), "before"),)
    if before == "None" and after is None:
        yield Finding(
            place=spot(new, route),
            message=f"{new.label} does not say `clusterIP: None` any more, but stays headless: the API server copies "
            "the old value where none is written",
            related=related,
            severity="warning",
            steps=steps,
        )
    elif after == "None" or (before is not None and after is not None):
        words = f"from {before or 'an address of its own'} to {after}"
        yield Finding(
            place=spot(new, route),
            message=f"clusterIP of {new.label} changes {words}, which the API server refuses: {refusal(new, 'M-SVC')}",
            related=related,
            steps=steps,
        )


def workload_selector_changed(pair: Pair[Workload]) -> Iterator[Finding]:
    """The selector of a controller cannot be changed (KK pkg/apis/apps/validation/validation.go:403,712,767)."""
    old, new = pair.old, pair.new
    if new.kind not in {"Deployment", "ReplicaSet", "DaemonSet"}:
        return
    if not differ(_selector(old), _selector(new)):
        return
    route = ("spec", "selector")
    yield Finding(
        place=spot(new, route),
        message=f"the selector of {new.label} changes {from_to(old, new, route)}, which the "
        f"API server refuses: {refusal(new, 'M-SEL')}",
        related=(Related(spot(old, route), "before"),),
        steps=(kubectl(new, "delete", new.kind.lower(), new.name), apply(new)),
    )


def _selector(workload: Workload) -> Any:
    """The selector; API versions before apps/v1 took the template's labels where none is written."""
    return spec_of(workload).get("selector") or {"matchLabels": workload.template_labels}


_JOB_FIELDS = (
    "selector",
    "completionMode",
    "podFailurePolicy",
    "backoffLimitPerIndex",
    "managedBy",
    "successPolicy",
    "completions",
)
# What may change in the template of a Job that is suspended and has not started (KK pkg/apis/batch/validation).
_WHILE_SUSPENDED = frozenset({"nodeSelector", "tolerations", "schedulingGates", "affinity"})
_HOOKS = ("helm.sh/hook", "argocd.argoproj.io/hook")


def immutable_pod_template_changed(pair: Pair[Workload]) -> Iterator[Finding]:
    """A Job's template and almost all of a Pod are fixed once they are there."""
    old, new = pair.old, pair.new
    if new.kind not in {"Job", "Pod"} or any(hook in new.annotations for hook in _HOOKS):
        return
    if "Replace=true" in argo_options(new) or old.resource.get("spec", "ttlSecondsAfterFinished") is not None:
        return  # it is replaced, or it is gone before the new one comes
    if new.kind == "Job":
        yield from _job_fields(pair)
    else:
        yield from _pod_fields(pair)


def _job_fields(pair: Pair[Workload]) -> Iterator[Finding]:
    old, new = pair.old, pair.new
    before, after = spec_of(old), spec_of(new)
    routes: list[Route] = []
    if before.get("suspend") is True:
        shown = [route for route in _template_differences(pair) if route[:1] == ("spec",)]
        routes = [route for route in shown if route[1:2] and route[1] not in _WHILE_SUSPENDED]
    else:
        routes = list(_template_differences(pair))
    if routes:
        route = ("spec", "template", *(routes[0] if len(routes) == 1 else ()))
        yield _fixed(
            pair, route, f"the pod template of {new.label} changes ({names(map(field_path, routes))})", "M-JOB"
        )
    for field in _JOB_FIELDS:
        if field == "completions" and after.get("completionMode") == "Indexed":
            continue
        if differ(before.get(field), after.get(field)):
            text = f"spec.{field}: Invalid value: ...: field is immutable"
            message = f"{new.label} changes {field} from {value_of(old, ('spec', field))} to "
            yield _fixed(pair, ("spec", field), message + value_of(new, ("spec", field)), text=text)


def _template_differences(pair: Pair[Workload]) -> Iterator[Route]:
    """What differs between two pod templates, image overrides of kustomizations included."""
    forms = []
    for workload in (pair.old, pair.new):
        template = mapping(workload.resource.get(*workload.template_route))
        spec = pod_form(workload, template.get("spec"))
        metadata = normal_form(workload.graph.knowledge, "", mapping(template.get("metadata")))
        forms.append({"metadata": {k: metadata[k] for k in ("labels", "annotations") if k in metadata}, "spec": spec})
    yield from differences(*forms)


def _pod_fields(pair: Pair[Workload]) -> Iterator[Finding]:
    before, after = (pod_form(pod, pod.resource.get("spec")) for pod in (pair.old, pair.new))
    for form in (before, after):
        form.pop("activeDeadlineSeconds", None)
        for field in ("containers", "initContainers"):
            for _, container in entries(form.get(field)):
                container.pop("image", None)
                _fill_requests(mapping(container.get("resources")))
    tolerated = after.get("tolerations")
    if all(isinstance(tolerated, list) and entry in tolerated for _, entry in entries(before.get("tolerations"))):
        before.pop("tolerations", None)
        after.pop("tolerations", None)
    routes = list(differences(before, after))
    if routes:
        route = ("spec", *(routes[0] if len(routes) == 1 else ()))
        message = f"the spec of {pair.new.label} changes ({names(map(field_path, routes))})"
        yield _fixed(pair, route, message, "M-POD")


def _fill_requests(resources: dict[str, Any]) -> None:
    """A Pod, unlike a template, requests what it only limits (KK pkg/apis/core/v1/defaults.go, SetDefaults_Pod)."""
    if limits := mapping(resources.get("limits")):
        resources["requests"] = {**limits, **mapping(resources.get("requests"))}


def _fixed(pair: Pair[Workload], route: Route, message: str, key: str = "", text: str = "") -> Finding:
    new = pair.new
    return Finding(
        place=spot(new, route),
        message=f"{message}, which the API server refuses: {text or refusal(new, key)}",
        related=(Related(spot(pair.old, route), "before"),),
        steps=(kubectl(new, "delete", new.kind.lower(), new.name), apply(new)),
    )


# Configuration and other storage objects ------------------------------------------------------------------------------


def immutable_config_changed(pair: Pair[Node]) -> Iterator[Finding]:
    """What is marked immutable stays so (KK pkg/apis/core/validation/validation.go:7849-7916)."""
    old, new = pair.old, pair.new
    if new.kind not in {"ConfigMap", "Secret"} or not _is_used(new):
        return
    for route, text in _fixed_config(pair):
        before = old.at(*route, part="key")
        yield Finding(
            place=new.at(*route, part="key"),
            message=f"{route[0]} of {new.label} changes, which the API server refuses: {text}",
            related=(Related(before, "before"),),
        )


def _fixed_config(pair: Pair[Node]) -> Iterator[tuple[Route, str]]:
    old, new = pair.old, pair.new
    if new.kind == "Secret" and differ(form_of(old).get("type"), form_of(new).get("type")):
        yield ("type",), refusal(new, "M-SECRET-TYPE")
    if old.resource.get("immutable") is not True:
        return
    if new.resource.get("immutable") is not True:
        yield ("immutable",), refusal(new, "M-CONFIG-IMMUTABLE")
    elif differ(_contents(old, "data"), _contents(new, "data")):
        field = "data" if new.resource.get("data") is not None or new.kind != "Secret" else "stringData"
        yield (field,), refusal(new, "M-CONFIG-DATA")
    elif differ(_contents(old, "binaryData"), _contents(new, "binaryData")):
        yield ("binaryData",), refusal(new, "M-CONFIG-BINARY")


def _contents(node: Node, field: str) -> dict[str, Any]:
    """``data``; of a Secret with ``stringData``, which the API server encodes and writes over it."""
    data = node.resource.get(field)
    found = dict(data) if isinstance(data, Mapping) else {}
    plain = node.resource.get("stringData") if node.kind == "Secret" and field == "data" else None
    for key, value in plain.items() if isinstance(plain, Mapping) else ():
        # A placeholder stays one: it is not known what it stands for.
        known = isinstance(value, str) and not is_placeholder(value)
        found[key] = base64.b64encode(value.encode("utf-8", "surrogatepass")).decode() if known else "${UNKNOWN}"
    return found


def _is_used(node: Node) -> bool:
    """Whether a workload of the unit reads the ConfigMap or Secret."""
    return any(
        (node.kind, node.name) in set(_read_by(workload.resource.get(*workload.template_route)))
        for workload in node.graph.unit_mates(node, Workload)
    )


_REFERENCES = {
    "configMap": ("ConfigMap", "name"),
    "configMapRef": ("ConfigMap", "name"),
    "configMapKeyRef": ("ConfigMap", "name"),
    "secret": ("Secret", "secretName"),
    "secretRef": ("Secret", "name"),
    "secretKeyRef": ("Secret", "name"),
}


def _read_by(value: Any) -> Iterator[tuple[str, str]]:
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, Mapping):
            for key, inner in item.items():
                kind, field = _REFERENCES.get(key, ("", ""))
                if kind and isinstance(inner, Mapping):
                    # A projected source calls the Secret `name`, a volume `secretName`.
                    yield from ((kind, name) for name in (inner.get(field), inner.get("name")) if isinstance(name, str))
                pending.append(inner)
        elif isinstance(item, list):
            pending.extend(item)


class _FixedFields(msgspec.Struct, frozen=True):
    """The fields of a kind that cannot be changed once they are set, with the answer of the API server."""

    group: str
    fields: tuple[tuple[Route, str], ...]


_FIXED_FIELDS = {
    "VolumeAttributesClass": _FixedFields(
        "storage.k8s.io", ((("driverName",), "M-VAC-driverName"), (("parameters",), "M-VAC-parameters"))
    ),
    "CSIDriver": _FixedFields(
        "storage.k8s.io",
        (
            (("spec", "attachRequired"), "M-CSI-attachRequired"),
            (("spec", "volumeLifecycleModes"), "M-CSI-volumeLifecycleModes"),
        ),
    ),
    "VolumeSnapshot": _FixedFields(
        "snapshot.storage.k8s.io",
        (
            (("spec", "source", "persistentVolumeClaimName"), "M-SNAP-claim"),
            (("spec", "source", "volumeSnapshotContentName"), "M-SNAP-content"),
        ),
    ),
    "VolumeSnapshotContent": _FixedFields(
        "snapshot.storage.k8s.io",
        (
            (("spec", "source", "volumeHandle"), "M-CONTENT-volumeHandle"),
            (("spec", "source", "snapshotHandle"), "M-CONTENT-snapshotHandle"),
            (("spec", "sourceVolumeMode"), "M-CONTENT-mode"),
        ),
    ),
    "VolumeGroupSnapshotClass": _FixedFields(
        "groupsnapshot.storage.k8s.io",
        (
            (("driver",), "M-GROUP-driver"),
            (("parameters",), "M-GROUP-parameters"),
            (("deletionPolicy",), "M-GROUP-deletionPolicy"),
        ),
    ),
}


def immutable_storage_object_changed(pair: Pair[Node]) -> Iterator[Finding]:
    """Other objects of storage whose fields are fixed once they are set."""
    old, new = pair.old, pair.new
    fixed = _FIXED_FIELDS.get(new.kind)
    if fixed is None or new.resource.group != fixed.group:
        return
    before, after = form_of(old), form_of(new)
    is_builtin = fixed.group == "storage.k8s.io"
    for route, key in fixed.fields:
        # A custom resource is only checked once the field is set; the built-in ones have defaults.
        if below(before, route) is None and not is_builtin:
            continue
        if differ(below(before, route), below(after, route)):
            steps = (kubectl(new, "delete", new.kind.lower(), new.name), apply(new)) if is_builtin else ()
            yield Finding(
                place=spot(new, route),
                message=f"{new.label} changes {route[-1]} {from_to(old, new, route)}, which "
                f"the API server refuses: {refusal(new, key)}",
                related=(Related(spot(old, route), "before"),),
                steps=steps,
            )
