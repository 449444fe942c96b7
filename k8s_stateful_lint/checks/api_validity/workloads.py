"""Workloads: selectors, StatefulSets, fields that exclude each other."""

from __future__ import annotations

from collections.abc import Iterator

from k8s_stateful_lint._patterns import regex
from k8s_stateful_lint.checks.api_validity._common import WITH_SELECTOR, is_patch_like, outcome_for, shown_at
from k8s_stateful_lint.checks.finding import Finding, Related
from k8s_stateful_lint.graph import DisruptionBudget, Mount, Node, PersistentVolume, Service, StatefulSet, Workload
from k8s_stateful_lint.model.placeholders import is_placeholder
from k8s_stateful_lint.model.quantities import scaled
from k8s_stateful_lint.model.resource import Place, Resource
from k8s_stateful_lint.reading import Route

_DNS_LABEL = regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\Z")
_DNS_1035_LABEL = regex(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?\Z")
_NAME_VALIDATED = (1, 27)
_SERVICE_NAME_VALIDATED = (1, 33)
_RECREATE_KNOWN = (1, 37)
_SERVICE_NAMES_RELAXED = (1, 36)
_DEFAULTED_SELECTOR = frozenset({"apps/v1beta1", "extensions/v1beta1"})


def selector_template_mismatch(workload: Workload) -> Iterator[Finding]:
    """The selector does not match the labels of the workload's own pods."""
    spec, resource = workload.spec, workload.resource
    if workload.kind not in WITH_SELECTOR or spec is None or _has_problem(resource, ("spec", "selector")):
        return
    added = _labels_of_kustomizations(workload)
    labels_route = (*workload.template_route, "metadata", "labels")
    if spec.selector is None or spec.selector.is_empty:
        unlikely = added or is_patch_like(workload) or resource.api_version in _DEFAULTED_SELECTOR
        if not unlikely and not resource.is_unknown("spec"):
            kind = workload.kind.lower()
            words = "Required value" if spec.selector is None else f"empty selector is invalid for {kind}"
            yield Finding(
                place=workload.at("spec", "selector", part="key"),
                message=f"{workload.label} has no selector for its pods: the API server refuses it "
                f"(spec.selector: {words})",
                related=(Related(workload.at(*labels_route), "the labels of the pods"),),
                help="Add selector.matchLabels with labels of the pod template.",
            )
        return
    if spec.selector.matches(workload.template_labels) or _has_problem(resource, labels_route):
        return
    written = (*spec.selector.match_labels.items(), *workload.template_labels.items())
    values = [value for requirement in spec.selector.match_expressions for value in requirement.values]
    if any(is_placeholder(text) for pair in written for text in pair) or any(map(is_placeholder, values)):
        return
    labels = workload.template_labels
    # A kustomization writes its labels over both.
    if any(key in added for key in spec.selector.keys if labels.get(key) != spec.selector.match_labels.get(key)):
        return
    missing = [
        f"{key}: {value}"
        for key, value in spec.selector.match_labels.items()
        if workload.template_labels.get(key) != value
    ]
    wanted = f" (the pods do not have {', '.join(missing)})" if missing else ""
    yield Finding(
        place=workload.at("spec", "selector", part="key"),
        message=f"the selector of {workload.label} does not match its own pods{wanted}, so the API server refuses it: "
        "`selector` does not match template `labels`",
        related=(Related(workload.at(*labels_route), "the labels of the pods"),),
    )


def _labels_of_kustomizations(workload: Workload) -> frozenset[str]:
    """The keys of labels that kustomizations add to selectors and templates alike."""
    return frozenset(
        key
        for build in workload.graph.units.builds_of(workload.resource.path)
        for pairs in (
            build.body.common_labels,
            *(transformer.pairs for transformer in build.body.labels if transformer.include_selectors),
        )
        for key in pairs
    )


def _has_problem(resource: Resource, route: Route) -> bool:
    """Whether something at, above or below a route could not be read."""
    return any(
        problem.kind != "null"
        and (problem.route[: len(route)] == route or route[: len(problem.route)] == problem.route)
        for problem in resource.problems
    )


def invalid_stateful_set_field(subject: StatefulSet | Service) -> Iterator[Finding]:
    """Values of a StatefulSet, or names of Services, that the API server refuses."""
    if isinstance(subject, Service):
        yield from _service_name(subject)
    elif subject.kind == "StatefulSet":
        yield from _listed_values(subject)
        yield from _template_of_stateful_set(subject)
        yield from _numbers_of_stateful_set(subject)
        yield from _names_of_stateful_set(subject)


def _refused_value(node: Node, route: Route, message: str, help: str | None = None) -> Finding:
    value = node.resource.get(*route)
    shown = f" {value}" if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return Finding(
        place=shown_at(node.resource, route),
        message=f"{'.'.join(map(str, route))}{shown} of {node.label}: the API server refuses it ({message})",
        help=help,
    )


def _listed_values(stateful_set: StatefulSet) -> Iterator[Finding]:
    strategies = ["RollingUpdate", "OnDelete"]
    if stateful_set.graph.target >= _RECREATE_KNOWN:
        strategies.append("Recreate")
    retention = ("spec", "persistentVolumeClaimRetentionPolicy")
    for route, values, words in (
        (("spec", "podManagementPolicy"), ["OrderedReady", "Parallel"], "must be 'OrderedReady' or 'Parallel'"),
        (("spec", "updateStrategy", "type"), strategies, "must be 'RollingUpdate' or 'OnDelete'"),
        ((*retention, "whenDeleted"), ["Retain", "Delete"], 'supported values: "Delete", "Retain"'),
        ((*retention, "whenScaled"), ["Retain", "Delete"], 'supported values: "Delete", "Retain"'),
    ):
        value = stateful_set.resource.get(*route)
        if isinstance(value, str) and value and value not in values and not is_placeholder(value):
            yield _refused_value(stateful_set, route, words, f"Write {' or '.join(values)}.")
    kind = stateful_set.resource.get("spec", "updateStrategy", "type")
    if kind == "OnDelete" and stateful_set.resource.get("spec", "updateStrategy", "rollingUpdate") is not None:
        route = ("spec", "updateStrategy", "rollingUpdate")
        words = "only allowed for updateStrategy 'RollingUpdate'"
        yield _refused_value(stateful_set, route, words, "Remove rollingUpdate, or write type: RollingUpdate.")


def _template_of_stateful_set(stateful_set: StatefulSet) -> Iterator[Finding]:
    route = (*stateful_set.template_route, "spec")
    policy = stateful_set.pod_spec.restart_policy
    if policy and policy != "Always" and not is_placeholder(policy):
        words = f'Unsupported value: "{policy}": supported values: "Always"'
        yield _refused_value(stateful_set, (*route, "restartPolicy"), words, "Remove restartPolicy, or write Always.")
    if stateful_set.pod_spec.active_deadline_seconds is not None:
        words = "activeDeadlineSeconds in StatefulSet is not Supported"
        yield _refused_value(stateful_set, (*route, "activeDeadlineSeconds"), words, "Remove activeDeadlineSeconds.")


def _numbers_of_stateful_set(stateful_set: StatefulSet) -> Iterator[Finding]:
    rolling = ("spec", "updateStrategy", "rollingUpdate")
    for route in (
        ("spec", "replicas"),
        ("spec", "minReadySeconds"),
        ("spec", "ordinals", "start"),
        (*rolling, "partition"),
    ):
        number = stateful_set.resource.get(*route)
        if isinstance(number, int) and number < 0:
            words = "must be greater than or equal to 0"
            yield _refused_value(stateful_set, route, words, "Write a number that is not negative.")
    if _is_zero(stateful_set.resource.get(*rolling, "maxUnavailable")):
        words = "cannot be 0"
        yield _refused_value(stateful_set, (*rolling, "maxUnavailable"), words, "Remove it: the default is 1.")


def _is_zero(value: object) -> bool:
    return isinstance(value, int | str) and not isinstance(value, bool) and scaled(value, 100, round_up=True) == 0


def _names_of_stateful_set(stateful_set: StatefulSet) -> Iterator[Finding]:
    name, target = stateful_set.name, stateful_set.graph.target
    # The length has a rule of its own (stateful-set-name-too-long).
    if name and not is_placeholder(name) and not _DNS_LABEL.match(name[:60].rstrip("-.")):
        if target >= _NAME_VALIDATED:
            words = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-'"
            yield _refused_value(
                stateful_set, ("metadata", "name"), words, "Use lower case letters, digits and dashes."
            )
        else:
            yield Finding(
                place=stateful_set.name_place,
                message=f"the name of {stateful_set.label} is no DNS label: it is the host name of the pods, and a dot "
                "breaks it",
                severity="warning",
                help="Use lower case letters, digits and dashes.",
            )
    service = stateful_set.service_name
    if service and not is_placeholder(service) and not _DNS_LABEL.match(service) and target >= _SERVICE_NAME_VALIDATED:
        words = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-'"
        short = service.partition(".")[0]
        help = f"Write only the name of the Service: {short}." if "." in service else None
        yield _refused_value(stateful_set, ("spec", "serviceName"), words, help)


def _service_name(service: Service) -> Iterator[Finding]:
    name = service.name
    relaxed = service.graph.target >= _SERVICE_NAMES_RELAXED
    if not name or is_placeholder(name) or (_DNS_LABEL if relaxed else _DNS_1035_LABEL).match(name):
        return
    kind = "a lowercase RFC 1123 label" if relaxed else "a DNS-1035 label"
    start = "" if relaxed else ", start with a letter"
    words = f"{kind} must consist of lower case alphanumeric characters or '-'{start}, and have at most 63 of them"
    yield _refused_value(service, ("metadata", "name"), words, "Use lower case letters, digits and dashes.")


def mutually_exclusive_fields(
    subject: Workload | DisruptionBudget | Service | Mount | PersistentVolume,
) -> Iterator[Finding]:
    """Two fields of which the API server takes only one."""
    if isinstance(subject, Mount):
        if subject.spec.sub_path and subject.spec.sub_path_expr:
            words = "subPathExpr and subPath are mutually exclusive"
            yield _exclusive(subject.at("subPath"), subject.at("subPathExpr"), words, subject.workload)
    elif isinstance(subject, Workload):
        yield from _exclusive_in_strategy(subject)
    elif isinstance(subject, DisruptionBudget):
        spec = subject.body.spec
        if spec.min_available is not None and spec.max_unavailable is not None:
            places = subject.at("spec", "minAvailable"), subject.at("spec", "maxUnavailable")
            yield _exclusive(*places, "minAvailable and maxUnavailable cannot be both set", subject)
    elif isinstance(subject, Service):
        if subject.is_headless and subject.body.spec.type in ("NodePort", "LoadBalancer"):
            words = f"may not be set to 'None' for {subject.body.spec.type} services"
            yield _exclusive(subject.at("spec", "clusterIP"), subject.at("spec", "type"), words, subject)
    elif subject.spec.volume_attributes_class_name and subject.source is not None and subject.source[0] != "csi":
        places = subject.at("spec", subject.source[0], part="key"), subject.at("spec", "volumeAttributesClassName")
        yield _exclusive(*places, "csi has to be specified when using volumeAttributesClassName", subject)


def _exclusive(first: Place, second: Place, words: str, node: Node) -> Finding:
    names = [str(place.route[-1]) for place in (first, second)]
    refused = outcome_for(node) if isinstance(node, Workload) else "the API server refuses the object"
    return Finding(
        place=shown_at(second.resource, second.route),
        message=f"{names[0]} and {names[1]} of {node.label} exclude each other: {refused} ({words})",
        related=(Related(first, f"{names[0]} is written here"),),
    )


def _exclusive_in_strategy(workload: Workload) -> Iterator[Finding]:
    route: Route = ("spec", "strategy" if workload.kind == "Deployment" else "updateStrategy")
    if workload.kind not in ("Deployment", "DaemonSet") or not isinstance(workload.resource.get(*route), dict):
        return
    rolling = workload.resource.get(*route, "rollingUpdate")
    if workload.kind == "Deployment" and workload.resource.get(*route, "type") == "Recreate":
        if rolling is not None:
            places = workload.at(*route, "type"), workload.at(*route, "rollingUpdate")
            yield _exclusive(*places, "may not be specified when strategy `type` is 'Recreate'", workload)
        return
    if not isinstance(rolling, dict):
        return
    surge, unavailable = rolling.get("maxSurge"), rolling.get("maxUnavailable")
    places = workload.at(*route, "rollingUpdate", "maxSurge"), workload.at(*route, "rollingUpdate", "maxUnavailable")
    if _is_zero(surge) and _is_zero(unavailable):
        yield _exclusive(*places, "may not be 0 when `maxSurge` is 0", workload)
    elif workload.kind == "DaemonSet" and _is_above_zero(surge) and _is_above_zero(unavailable):
        yield _exclusive(*places, "may not be set when maxUnavailable is non-zero", workload)
    elif workload.kind == "DaemonSet" and _is_above_zero(surge) and unavailable is None and not workload.is_partial:
        yield Finding(
            place=places[0],
            message=f"maxSurge of {workload.label} excludes maxUnavailable, which is 1 where nothing is written: the "
            "API server refuses the object (may not be set when maxUnavailable is non-zero)",
            help="Add maxUnavailable: 0.",
        )


def _is_above_zero(value: object) -> bool:
    number = scaled(value, 100, round_up=True) if isinstance(value, int | str) else None
    return number is not None and number > 0
