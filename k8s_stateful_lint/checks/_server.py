"""What the API server's validation says about single values: names, listed values, numbers, entries that clash.

Rules of the family api-validity pass it on. Everything here looks at one object, field by field.

Source: kubernetes v1.36 pkg/apis/{core,apps,batch,policy,autoscaling,storage,discovery}/validation,
staging/src/k8s.io/apimachinery/pkg/util/validation/validation.go, pkg/api/{pod,service,persistentvolume}/warnings.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from k8s_stateful_lint._patterns import regex
from k8s_stateful_lint.graph import Node, Workload
from k8s_stateful_lint.knowledge.image_reference import parse_image
from k8s_stateful_lint.model.placeholders import is_placeholder, is_quantity_placeholder
from k8s_stateful_lint.model.quantities import QuantityError, parse_quantity
from k8s_stateful_lint.reading import Route


class Remark(NamedTuple):
    """What the server says about the value at a route; ``help`` is what to write instead, if that is clear."""

    route: Route
    words: str
    help: str | None = None


_LABEL = regex(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = regex(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_NAME_PART = regex(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_CONFIG_KEY = regex(r"[-._a-zA-Z0-9]+")
_ENV_NAME = regex(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_RELAXED_ENV_NAME = regex(r"[ -<>-~]+")
_PORT_NAME = regex(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_PERCENT = regex(r"[0-9]+%")
# A part of an image in capitals: no reference has any, so some script replaces it.
_SHOUTED = regex(r"(?<![A-Za-z])[A-Z][A-Z0-9_]+(?![a-z])")
# Feature gate RelaxedEnvironmentVariableValidation.
_ENV_NAMES_RELAXED = (1, 32)

_LABEL_WORDS = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character"
)
_SUBDOMAIN_WORDS = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character"
)
_LABEL_VALUE_WORDS = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character"
)
_NAME_PART_WORDS = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character"
)
_NOT_NEGATIVE = "must be greater than or equal to 0"
_TOO_LONG = "must be no more than {} characters"


# Texts ----------------------------------------------------------------------------------------------------------------


def _is_text(value: object) -> bool:
    """Whether a value is a text that is meant as it stands. Capitals and underscores are what scripts replace."""
    return isinstance(value, str) and not is_quantity_placeholder(value)


def _dns_label(text: str) -> str | None:
    return _longer(text, 63) or (None if _LABEL.fullmatch(text) else _LABEL_WORDS)


def _dns_subdomain(text: str) -> str | None:
    return _longer(text, 253) or (None if _SUBDOMAIN.fullmatch(text) else _SUBDOMAIN_WORDS)


def _label_value(text: str) -> str | None:
    if not text:
        return None
    return _longer(text, 63) or (None if _NAME_PART.fullmatch(text) else _LABEL_VALUE_WORDS)


def _qualified_name(text: str) -> str | None:
    prefix, slash, name = text.rpartition("/")
    if slash and (not prefix or _dns_subdomain(prefix)):
        return "prefix part " + (_dns_subdomain(prefix) or "must be non-empty" if prefix else "must be non-empty")
    if not name:
        return "name part must be non-empty"
    return _longer(name, 63) or (None if _NAME_PART.fullmatch(name) else _NAME_PART_WORDS)


def _config_key(text: str) -> str | None:
    wrong = not _CONFIG_KEY.fullmatch(text) or text in (".", "..")
    words = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
    return _longer(text, 253) or (words if wrong else None)


def _port_name(text: str) -> str | None:
    if len(text) > 15:
        return _TOO_LONG.format(15)
    if not _PORT_NAME.fullmatch(text) or "--" in text:
        return "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"
    return None if re.search("[a-z]", text) else "must contain at least one letter (a-z)"


def _longer(text: str, limit: int) -> str | None:
    return _TOO_LONG.format(limit) if len(text) > limit else None


# Names ----------------------------------------------------------------------------------------------------------------

# Names of the objects themselves; StatefulSets and Services have rules of their own.
_NAMED_BY_SUBDOMAIN = frozenset(
    {
        *("Pod", "Deployment", "ReplicaSet", "ReplicationController", "DaemonSet", "Job", "CronJob", "ConfigMap"),
        *("PersistentVolumeClaim", "PersistentVolume", "StorageClass", "PodDisruptionBudget"),
        *("HorizontalPodAutoscaler", "VolumeSnapshot", "VolumeSnapshotClass", "VolumeSnapshotContent"),
    }
)


def names(node: Node) -> Iterator[Remark]:
    """Names, label keys and values, and keys of ConfigMaps that the server refuses."""
    metadata = node.resource.get("metadata")
    if isinstance(metadata, Mapping):
        if not node.is_partial:  # a patch with a target may be called anything
            yield from _object_name(node, metadata)
        yield from _labels(("metadata", "labels"), metadata.get("labels"))
        yield from _annotations(("metadata", "annotations"), metadata.get("annotations"))
    if isinstance(node, Workload):
        yield from _names_in_workload(node)
    match node.kind:
        case "PersistentVolumeClaim":
            yield from _names_of_claim(node, ("spec",))
        case "PersistentVolume":
            yield from _text_at(node, ("spec", "storageClassName"), _dns_subdomain)
            yield from _text_at(node, ("spec", "csi", "driver"), lambda text: _driver_name(text.lower()))
        case "StorageClass":
            yield from _text_at(node, ("provisioner",), lambda text: _qualified_name(text.lower()))
        case "ConfigMap":
            for field in ("data", "binaryData"):
                keys = node.resource.get(field)
                for key in keys if isinstance(keys, Mapping) else ():
                    if _is_text(key) and (words := _config_key(key)):
                        yield Remark((field, key), words)
        case "Service":
            yield from _labels(("spec", "selector"), node.resource.get("spec", "selector"))
            yield from _each(node, ("spec", "ports"), "name", _dns_label)


def _object_name(node: Node, metadata: Mapping[str, Any]) -> Iterator[Remark]:
    name, namespace = metadata.get("name"), metadata.get("namespace")
    if name and _is_text(name) and node.kind in _NAMED_BY_SUBDOMAIN:
        # Jobs put their name into a label of their pods, and those of a CronJob add eleven characters.
        limit = {"CronJob": 52, "Job": 63}.get(node.kind, 253)
        words = _longer(name, limit) or _dns_subdomain(name)
        if words:
            yield Remark(("metadata", "name"), words, "Use lower case letters, digits and dashes.")
    elif name and _is_text(name) and node.kind == "Namespace" and (words := _dns_label(name)):
        yield Remark(("metadata", "name"), words, "Use lower case letters, digits and dashes.")
    if namespace and _is_text(namespace) and (words := _dns_label(namespace)):
        yield Remark(("metadata", "namespace"), words)


def _labels(route: Route, labels: object) -> Iterator[Remark]:
    for key, value in labels.items() if isinstance(labels, Mapping) else ():
        words = _qualified_name(key) if _is_text(key) else None
        if words is None and isinstance(value, str) and not is_placeholder(value):
            words = _label_value(value)
        if words is not None:
            yield Remark((*route, key), words)


def _annotations(route: Route, annotations: object) -> Iterator[Remark]:
    for key in annotations if isinstance(annotations, Mapping) else ():
        if _is_text(key) and (words := _qualified_name(key.lower())):
            yield Remark((*route, key), words)


def _driver_name(text: str) -> str | None:
    return _longer(text, 63) or _dns_subdomain(text)


def _text_at(node: Node, route: Route, check: Any) -> Iterator[Remark]:
    text = node.resource.get(*route)
    if text and _is_text(text) and (words := check(text)):
        yield Remark(route, words)


def _each(node: Node, route: Route, field: str, check: Any) -> Iterator[Remark]:
    for index, item in _items(node, route):
        text = item.get(field)
        if text and _is_text(text) and (words := check(text)):
            yield Remark((*route, index, field), words)


def _items(node: Node, route: Route) -> Iterator[tuple[int, Mapping[str, Any]]]:
    items = node.resource.get(*route)
    for index, item in enumerate(items) if isinstance(items, list) else ():
        if isinstance(item, Mapping):
            yield index, item


def _names_of_claim(node: Node, route: Route) -> Iterator[Remark]:
    for field in ("storageClassName", "volumeAttributesClassName", "volumeName"):
        yield from _text_at(node, (*route, field), _dns_subdomain)


def _names_in_workload(workload: Workload) -> Iterator[Remark]:
    template = workload.template_route
    if template:
        yield from _labels((*template, "metadata", "labels"), workload.resource.get(*template, "metadata", "labels"))
        annotations = workload.resource.get(*template, "metadata", "annotations")
        yield from _annotations((*template, "metadata", "annotations"), annotations)
    yield from _labels(("spec", "selector", "matchLabels"), workload.resource.get("spec", "selector", "matchLabels"))
    pod: Route = (*template, "spec")
    yield from _labels((*pod, "nodeSelector"), workload.resource.get(*pod, "nodeSelector"))
    yield from _each(workload, (*pod, "volumes"), "name", _dns_label)
    for index, item in _items(workload, (*pod, "volumes")):
        if "ephemeral" in item:
            yield from _names_of_claim(workload, (*pod, "volumes", index, "ephemeral", "volumeClaimTemplate", "spec"))
    for route in _containers(workload):
        yield from _text_at(workload, (*route, "name"), _dns_label)
        yield from _each(workload, (*route, "ports"), "name", _port_name)
        for index, item in _items(workload, (*route, "env")):
            name = item.get("name")
            if not isinstance(name, str) or not name or is_placeholder(name.replace("$(", "")):
                continue
            if workload.graph.target >= _ENV_NAMES_RELAXED:
                if not _RELAXED_ENV_NAME.fullmatch(name):
                    words = "a valid environment variable name must consist only of printable ASCII characters other "
                    yield Remark((*route, "env", index, "name"), words + "than '='")
            elif not _ENV_NAME.fullmatch(name):
                words = "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', "
                words += "or '.', and must not start with a digit"
                yield Remark((*route, "env", index, "name"), words)
    for index, _ in _items(workload, ("spec", "volumeClaimTemplates")):
        claim: Route = ("spec", "volumeClaimTemplates", index)
        yield from _text_at(workload, (*claim, "metadata", "name"), _dns_label)
        yield from _labels((*claim, "metadata", "labels"), workload.resource.get(*claim, "metadata", "labels"))
        yield from _names_of_claim(workload, (*claim, "spec"))


def _containers(workload: Workload) -> Iterator[Route]:
    for field in ("initContainers", "containers"):
        route: Route = (*workload.template_route, "spec", field)
        for index, _ in _items(workload, route):
            yield (*route, index)


# Values ---------------------------------------------------------------------------------------------------------------

_ALWAYS = ("Always",)
_POLICIES = ("Always", "OnFailure", "Never")
_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")
# Kind, route and values of fields that take only some texts. StatefulSets have a rule of their own.
_LISTED: Mapping[str, tuple[tuple[Route, tuple[str, ...]], ...]] = {
    "Deployment": (
        (("spec", "strategy", "type"), ("Recreate", "RollingUpdate")),
        (("spec", "template", "spec", "restartPolicy"), _ALWAYS),
    ),
    "ReplicaSet": ((("spec", "template", "spec", "restartPolicy"), _ALWAYS),),
    "ReplicationController": ((("spec", "template", "spec", "restartPolicy"), _ALWAYS),),
    "DaemonSet": (
        (("spec", "updateStrategy", "type"), ("RollingUpdate", "OnDelete")),
        (("spec", "template", "spec", "restartPolicy"), _ALWAYS),
    ),
    "Pod": ((("spec", "restartPolicy"), _POLICIES),),
    "CronJob": ((("spec", "concurrencyPolicy"), ("Allow", "Forbid", "Replace")),),
    "PersistentVolumeClaim": ((("spec", "volumeMode"), ("Block", "Filesystem")),),
    "PersistentVolume": (
        (("spec", "volumeMode"), ("Block", "Filesystem")),
        (("spec", "persistentVolumeReclaimPolicy"), ("Delete", "Recycle", "Retain")),
    ),
    "StorageClass": (
        (("volumeBindingMode",), ("Immediate", "WaitForFirstConsumer")),
        # Recycle has a rule of its own.
        (("reclaimPolicy",), ("Delete", "Retain", "Recycle")),
    ),
    "VolumeSnapshotClass": ((("deletionPolicy",), ("Delete", "Retain")),),
    "VolumeSnapshotContent": ((("spec", "deletionPolicy"), ("Delete", "Retain")),),
    "PodDisruptionBudget": ((("spec", "unhealthyPodEvictionPolicy"), ("AlwaysAllow", "IfHealthyBudget")),),
    "Service": (
        (("spec", "type"), ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")),
        (("spec", "sessionAffinity"), ("ClientIP", "None")),
    ),
}
# Whole numbers that must not be negative.
_NUMBERS: Mapping[str, tuple[Route, ...]] = {
    "Deployment": (
        ("spec", "replicas"),
        ("spec", "minReadySeconds"),
        ("spec", "revisionHistoryLimit"),
        ("spec", "progressDeadlineSeconds"),
    ),
    "ReplicaSet": (("spec", "replicas"), ("spec", "minReadySeconds")),
    "ReplicationController": (("spec", "replicas"), ("spec", "minReadySeconds")),
    "DaemonSet": (("spec", "minReadySeconds"), ("spec", "revisionHistoryLimit")),
    "Job": tuple(
        ("spec", field)
        for field in ("parallelism", "completions", "backoffLimit", "activeDeadlineSeconds", "ttlSecondsAfterFinished")
    ),
    "CronJob": (
        ("spec", "startingDeadlineSeconds"),
        ("spec", "successfulJobsHistoryLimit"),
        ("spec", "failedJobsHistoryLimit"),
    ),
}
# Numbers or percentages; the last is whether more than 100 % is refused.
_SHARES: Mapping[str, tuple[tuple[Route, bool], ...]] = {
    "Deployment": (
        (("spec", "strategy", "rollingUpdate", "maxSurge"), False),
        (("spec", "strategy", "rollingUpdate", "maxUnavailable"), True),
    ),
    "DaemonSet": (
        (("spec", "updateStrategy", "rollingUpdate", "maxSurge"), True),
        (("spec", "updateStrategy", "rollingUpdate", "maxUnavailable"), True),
    ),
    "StatefulSet": ((("spec", "updateStrategy", "rollingUpdate", "maxUnavailable"), True),),
    "PodDisruptionBudget": ((("spec", "minAvailable"), True), (("spec", "maxUnavailable"), True)),
}


def values(node: Node) -> Iterator[Remark]:
    """Values that the server refuses: texts that are not listed, numbers out of range, what is missing or too much."""
    for route, listed in _LISTED.get(node.kind, ()):
        yield from _listed(node, route, listed)
    for route in _NUMBERS.get(node.kind, ()):
        number = node.resource.get(*route)
        if isinstance(number, int) and number < 0:
            yield Remark(route, _NOT_NEGATIVE)
    for route, is_limited in _SHARES.get(node.kind, ()):
        yield from _share(node, route, is_limited)
    if isinstance(node, Workload):
        yield from _values_in_pod(node)
    match node.kind:
        case "CronJob":
            yield from _schedule(node)
            yield from _job_restart_policy(node)
        case "Job":
            yield from _job_restart_policy(node)
        case "Deployment" | "ReplicaSet" | "DaemonSet" | "StatefulSet":
            yield from _selector(node, ("spec", "selector"))
        case "PodDisruptionBudget" | "PersistentVolumeClaim":
            yield from _selector(node, ("spec", "selector"))
        case "PersistentVolume":
            yield from _values_of_volume(node)
        case "StorageClass":
            yield from _topologies(node)
        case "HorizontalPodAutoscaler":
            yield from _bounds(node)
        case "Service":
            yield from _values_of_service(node)
        case "VolumeSnapshot":
            if node.resource.get("spec", "volumeSnapshotClassName") == "":
                words = "volumeSnapshotClassName must not be the empty string when set"
                yield Remark(("spec", "volumeSnapshotClassName"), words, "Remove it: the default class is used.")
    if node.kind == "StatefulSet":
        for index, _ in _items(node, ("spec", "volumeClaimTemplates")):
            claim: Route = ("spec", "volumeClaimTemplates", index, "spec")
            yield from _listed(node, (*claim, "volumeMode"), ("Block", "Filesystem"))
            yield from _selector(node, (*claim, "selector"))


def _listed(node: Node, route: Route, listed: tuple[str, ...]) -> Iterator[Remark]:
    text = node.resource.get(*route)
    if text and isinstance(text, str) and text not in listed and not is_quantity_placeholder(text):
        supported = ", ".join(f'"{value}"' for value in listed)
        meant = next((value for value in listed if value.lower() == text.lower().replace("-", "")), None)
        yield Remark(
            route, f'Unsupported value: "{text}": supported values: {supported}', f"Write {meant}." if meant else None
        )


def _share(node: Node, route: Route, is_limited: bool) -> Iterator[Remark]:
    value = node.resource.get(*route)
    if isinstance(value, bool):
        return
    if isinstance(value, int) and value < 0:
        yield Remark(route, _NOT_NEGATIVE)
    elif isinstance(value, str) and value and not is_quantity_placeholder(value):
        if not _PERCENT.fullmatch(value):
            words = "a valid percent string must be a numeric string followed by an ending '%'"
            yield Remark(route, words, f"Write {value} without quotes." if value.isdigit() else None)
        elif is_limited and int(value[:-1]) > 100:
            yield Remark(route, "must not be greater than 100%")


def _schedule(node: Node) -> Iterator[Remark]:
    schedule = node.resource.get("spec", "schedule")
    if not isinstance(schedule, str) or is_quantity_placeholder(schedule) or schedule.startswith("@"):
        return
    fields = schedule.split()
    if fields and fields[0].startswith(("TZ=", "CRON_TZ=")):
        fields = fields[1:]
    if len(fields) != 5:
        words = f"expected exactly 5 fields, found {len(fields)}: [{' '.join(fields)}]"
        yield Remark(("spec", "schedule"), words, "Write minute, hour, day of month, month and day of week.")


def _job_restart_policy(node: Node) -> Iterator[Remark]:
    assert isinstance(node, Workload)
    route: Route = (*node.template_route, "spec", "restartPolicy")
    policy = node.resource.get(*route)
    if node.is_partial or not isinstance(node.resource.get(*route[:-1]), Mapping):
        return
    if policy is None or (policy not in ("OnFailure", "Never") and _is_text(policy)):
        yield Remark(route, 'Required value: valid values: "OnFailure", "Never"', "Write restartPolicy: OnFailure.")


def _selector(node: Node, route: Route, *, of_nodes: bool = False) -> Iterator[Remark]:
    """``matchExpressions`` of a selector."""
    operators = (*_OPERATORS, "Gt", "Lt") if of_nodes else _OPERATORS
    for index, item in _items(node, (*route, "matchExpressions")):
        operator, listed = item.get("operator"), item.get("values")
        here: Route = (*route, "matchExpressions", index)
        if not isinstance(operator, str) or is_placeholder(operator):
            continue
        if operator not in operators:
            words = "not a valid selector operator"
            meant = next((o for o in operators if o.lower() == operator.lower()), None)
            yield Remark((*here, "operator"), words, f"Write {meant}." if meant else None)
        elif operator in ("In", "NotIn") and not listed:
            yield Remark((*here, "values"), "must be specified when `operator` is 'In' or 'NotIn'")
        elif operator in ("Exists", "DoesNotExist") and listed:
            yield Remark((*here, "values"), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")


def _values_of_volume(node: Node) -> Iterator[Remark]:
    capacity = node.resource.get("spec", "capacity")
    for key in capacity if isinstance(capacity, Mapping) else ():
        if key != "storage":
            yield Remark(("spec", "capacity", key), f'Unsupported value: "{key}": supported values: "storage"')
    if node.resource.get("spec", "volumeAttributesClassName") == "":
        yield Remark(("spec", "volumeAttributesClassName"), "an empty string is disallowed")
    affinity = node.resource.get("spec", "nodeAffinity")
    if (
        isinstance(affinity, Mapping)
        and affinity.get("required") is None
        and node.resource.get("spec", "local") is None
    ):
        yield Remark(("spec", "nodeAffinity"), "Required value: must specify required node constraints")
    terms: Route = ("spec", "nodeAffinity", "required", "nodeSelectorTerms")
    for index, _ in _items(node, terms):
        yield from _selector(node, (*terms, index), of_nodes=True)
    uri, kind = node.resource.get("spec", "azureDisk", "diskURI"), node.resource.get("spec", "azureDisk", "kind")
    if isinstance(uri, str) and _is_text(uri) and kind == "Managed" and not uri.startswith("/subscriptions/"):
        yield Remark(("spec", "azureDisk", "diskURI"), "a managed disk must be named by /subscriptions/...")
    if node.resource.get("spec", "azureFile", "secretNamespace") == "":
        yield Remark(("spec", "azureFile", "secretNamespace"), "secretNamespace must not be empty")


def _topologies(node: Node) -> Iterator[Remark]:
    for index, _ in _items(node, ("allowedTopologies",)):
        route: Route = ("allowedTopologies", index, "matchLabelExpressions")
        keys: set[str] = set()
        for place, item in _items(node, route):
            key, listed = item.get("key"), item.get("values")
            if isinstance(key, str):
                if key in keys:
                    yield Remark((*route, place, "key"), f'Duplicate value: "{key}"', "Put all values into one entry.")
                keys.add(key)
            if isinstance(listed, list):
                if not listed:
                    yield Remark((*route, place, "values"), "Required value")
                twice = next((v for i, v in enumerate(listed) if v in listed[:i] and _is_text(v)), None)
                if twice is not None:
                    yield Remark((*route, place, "values"), f'Duplicate value: "{twice}"')


def _bounds(node: Node) -> Iterator[Remark]:
    least, most = node.resource.get("spec", "minReplicas"), node.resource.get("spec", "maxReplicas")
    if isinstance(most, int) and most < 1:
        yield Remark(("spec", "maxReplicas"), "must be greater than 0")
    elif isinstance(least, int) and isinstance(most, int) and most < least:
        yield Remark(("spec", "maxReplicas"), "must be greater than or equal to `minReplicas`")


def _values_of_service(node: Node) -> Iterator[Remark]:
    spec = node.resource.get("spec")
    if not isinstance(spec, Mapping) or node.is_partial:
        return
    kind, ports = spec.get("type"), spec.get("ports")
    if kind == "ExternalName":
        return
    if not ports and spec.get("clusterIP") != "None" and (ports is None or ports == []):
        yield Remark(("spec", "ports"), "Required value")
    for index, port in _items(node, ("spec", "ports")):
        route: Route = ("spec", "ports", index)
        if isinstance(ports, list) and len(ports) > 1 and not port.get("name"):
            yield Remark((*route, "name"), "Required value", "Name every port of a Service that has several.")
        yield from _port(node, (*route, "port"))
        if port.get("nodePort") and kind in (None, "", "ClusterIP"):
            yield Remark((*route, "nodePort"), "may not be used when `type` is 'ClusterIP'")


def _port(node: Node, route: Route) -> Iterator[Remark]:
    number = node.resource.get(*route)
    if isinstance(number, int) and not isinstance(number, bool) and not 1 <= number <= 65535:
        yield Remark(route, "must be between 1 and 65535, inclusive")


def _values_in_pod(workload: Workload) -> Iterator[Remark]:
    pod: Route = (*workload.template_route, "spec")
    policy = (*pod, "securityContext", "fsGroupChangePolicy")
    yield from _listed(workload, policy, ("OnRootMismatch", "Always"))
    yield from _listed(workload, (*pod, "dnsPolicy"), ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"))
    for index, item in _items(workload, (*pod, "volumes")):
        yield from _values_of_files(item, (*pod, "volumes", index))
    for route in _containers(workload):
        yield from _values_of_container(workload, route)
    yield from _spread(workload, (*pod, "topologySpreadConstraints"))
    for kind in ("podAffinity", "podAntiAffinity"):
        terms: Route = (*pod, "affinity", kind, "requiredDuringSchedulingIgnoredDuringExecution")
        for index, _ in _items(workload, terms):
            yield from _selector(workload, (*terms, index, "labelSelector"))
    terms = (*pod, "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")
    for index, _ in _items(workload, terms):
        yield from _selector(workload, (*terms, index), of_nodes=True)


def _values_of_files(volume: Mapping[str, Any], route: Route) -> Iterator[Remark]:
    for key in ("configMap", "secret", "downwardAPI", "projected"):
        source = volume.get(key)
        if not isinstance(source, Mapping):
            continue
        mode = source.get("defaultMode")
        if isinstance(mode, int) and not isinstance(mode, bool) and not 0 <= mode <= 0o777:
            words = "must be a number between 0 and 0777 (octal), both inclusive"
            yield Remark((*route, key, "defaultMode"), words, _octal(mode))
        items = source.get("items")
        for index, item in enumerate(items) if isinstance(items, list) else ():
            path = item.get("path") if isinstance(item, Mapping) else None
            if isinstance(path, str) and _is_text(path):
                if path.startswith("/"):
                    yield Remark((*route, key, "items", index, "path"), "must be a relative path")
                elif ".." in path.split("/"):
                    yield Remark((*route, key, "items", index, "path"), "must not contain '..'")


def _octal(mode: int) -> str | None:
    """What a decimal number that looks like permissions was meant to be."""
    return f"Write 0{mode}: permissions are octal." if re.fullmatch("[1-7]?[0-7]{3}", str(mode)) else None


_HANDLERS = ("exec", "grpc", "httpGet", "tcpSocket")
_PROBE_NUMBERS = ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold")


def _values_of_container(workload: Workload, route: Route) -> Iterator[Remark]:
    container = workload.resource.get(*route)
    image = container.get("image")
    if image is None and not workload.is_partial:
        yield Remark((*route, "image"), "Required value")
    elif isinstance(image, str) and image and not is_placeholder(image):
        if image != image.strip():
            yield Remark((*route, "image"), "must not have leading or trailing whitespace")
        elif parse_image(image) is None and not _SHOUTED.search(image):
            yield Remark((*route, "image"), f'kubelet says InvalidImageName: couldn\'t parse image name "{image}"')
    yield from _listed(workload, (*route, "imagePullPolicy"), ("Always", "IfNotPresent", "Never"))
    for index, _ in _items(workload, (*route, "ports")):
        yield from _port(workload, (*route, "ports", index, "containerPort"))
        yield from _listed(workload, (*route, "ports", index, "protocol"), ("SCTP", "TCP", "UDP"))
    for index, variable in _items(workload, (*route, "env")):
        if variable.get("value") and variable.get("valueFrom"):
            words = "may not be specified when `value` is not empty"
            yield Remark((*route, "env", index, "valueFrom"), words)
    for index, _ in _items(workload, (*route, "volumeMounts")):
        propagation = (*route, "volumeMounts", index, "mountPropagation")
        yield from _listed(workload, propagation, ("Bidirectional", "HostToContainer", "None"))
    for field in ("livenessProbe", "readinessProbe", "startupProbe"):
        yield from _values_of_probe(workload, (*route, field))
    yield from _resources(workload, (*route, "resources"))


def _values_of_probe(workload: Workload, route: Route) -> Iterator[Remark]:
    probe = workload.resource.get(*route)
    if not isinstance(probe, Mapping):
        return
    handlers = [key for key in _HANDLERS if probe.get(key) is not None]
    if not handlers and probe and not workload.is_partial:
        yield Remark(route, "must specify a handler type", "Write exec, httpGet, tcpSocket or grpc.")
    for extra in handlers[1:]:
        yield Remark((*route, extra), "may not specify more than 1 handler type", f"Keep {handlers[0]} or {extra}.")
    if route[-1] != "readinessProbe" and isinstance(n := probe.get("successThreshold"), int) and n > 1:
        yield Remark((*route, "successThreshold"), "must be 1")
    for field in _PROBE_NUMBERS:
        number = probe.get(field)
        if isinstance(number, int) and number < 0:
            yield Remark((*route, field), _NOT_NEGATIVE)


def _resources(workload: Workload, route: Route) -> Iterator[Remark]:
    read: dict[tuple[str, str], Decimal] = {}
    for field in ("requests", "limits"):
        amounts = workload.resource.get(*route, field)
        for name, written in amounts.items() if isinstance(amounts, Mapping) else ():
            if isinstance(written, bool) or not isinstance(written, str | int | float):
                continue
            if is_quantity_placeholder(written):
                continue
            try:
                read[field, name] = parse_quantity(written.strip() if isinstance(written, str) else written)
            except QuantityError as error:
                yield Remark((*route, field, name), str(error))
                continue
            if read[field, name] < 0:
                yield Remark((*route, field, name), _NOT_NEGATIVE)
    for (field, name), amount in read.items():
        if field == "requests" and amount > read.get(("limits", name), amount):
            limit = workload.resource.get(*route, "limits", name)
            yield Remark((*route, "requests", name), f"must be less than or equal to {name} limit of {limit}")


def _spread(workload: Workload, route: Route) -> Iterator[Remark]:
    for index, item in _items(workload, route):
        here: Route = (*route, index)
        skew, policy = item.get("maxSkew"), item.get("whenUnsatisfiable")
        if isinstance(skew, int) and skew <= 0:
            yield Remark((*here, "maxSkew"), "must be greater than zero")
        yield from _listed(workload, (*here, "whenUnsatisfiable"), ("DoNotSchedule", "ScheduleAnyway"))
        if item.get("minDomains") is not None and policy == "ScheduleAnyway":
            words = "can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ScheduleAnyway"
            yield Remark((*here, "minDomains"), words)


# Entries that clash ---------------------------------------------------------------------------------------------------


def duplicates(node: Node) -> Iterator[tuple[Remark, Route]]:
    """Entries of a list that the server refuses because another one has the same name, with that other one."""
    if isinstance(node, Workload):
        pod: Route = (*node.template_route, "spec")
        yield from _twice(node, (*pod, "volumes"), ("name",))
        yield from _containers_twice(node)
        for route in _containers(node):
            yield from _twice(node, (*route, "ports"), ("name",))
        yield from _twice(node, (*pod, "topologySpreadConstraints"), ("topologyKey", "whenUnsatisfiable"))
    elif node.kind == "Service":
        yield from _twice(node, ("spec", "ports"), ("name",))
        yield from _twice(node, ("spec", "ports"), ("port", "protocol"))


def _twice(node: Node, route: Route, fields: tuple[str, ...]) -> Iterator[tuple[Remark, Route]]:
    seen: dict[tuple[object, ...], int] = {}
    for index, item in _items(node, route):
        key = tuple(item.get(field) or ("TCP" if field == "protocol" else None) for field in fields)
        if None in key or not all(isinstance(part, int | str) and not is_placeholder(part) for part in key):
            continue
        first = seen.setdefault(key, index)
        if first != index:
            text = f'Duplicate value: "{key[0]}"'
            yield Remark((*route, index, fields[0]), text), (*route, first, fields[0])


def _containers_twice(workload: Workload) -> Iterator[tuple[Remark, Route]]:
    seen: dict[str, Route] = {}
    for route in _containers(workload):
        name = workload.resource.get(*route, "name")
        if not isinstance(name, str) or not name or is_placeholder(name):
            continue
        first = seen.setdefault(name, route)
        if first != route:
            yield Remark((*route, "name"), f'Duplicate value: "{name}"'), (*first, "name")


# Warnings -------------------------------------------------------------------------------------------------------------

_NULL_SELECTOR = "a null labelSelector results in matching no pod"
_DNS_NAME = (
    "this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended"
)


def warnings(node: Node) -> Iterator[Remark]:
    """What the server accepts with a ``Warning:``, as far as no other rule speaks about it."""
    if isinstance(node, Workload):
        yield from _warnings_about_pod(node)
    name = node.name
    if node.kind in ("Deployment", "Job", "CronJob") and "." in name and _dns_subdomain(name) is None:
        yield Remark(("metadata", "name"), _DNS_NAME)
    if node.kind == "Service" and node.resource.get("spec", "clusterIP") == "None":
        for field in ("loadBalancerIP", "externalIPs"):
            if node.resource.get("spec", field):
                yield Remark(("spec", field), f"spec.{field} is ignored for headless services")
        if node.resource.get("spec", "sessionAffinity") not in (None, "", "None"):
            yield Remark(("spec", "sessionAffinity"), "spec.SessionAffinity is ignored for headless services")
    elif node.kind == "Service" and node.resource.get("spec", "externalIPs") and node.graph.target >= (1, 36):
        words = "spec.externalIPs is deprecated and may no longer be implemented in some clusters"
        yield Remark(("spec", "externalIPs"), words)
    limit = node.resource.get("spec", "revisionHistoryLimit") if node.kind == "StatefulSet" else None
    if isinstance(limit, int) and limit < 0 and node.graph.target >= (1, 33):
        words = "a negative value retains all historical revisions; a value >= 0 is recommended"
        yield Remark(("spec", "revisionHistoryLimit"), words)
    if node.kind == "CronJob":
        schedule = node.resource.get("spec", "schedule")
        if isinstance(schedule, str) and schedule.startswith(("TZ=", "CRON_TZ=")):
            yield Remark(("spec", "schedule"), "cannot use TZ or CRON_TZ in schedule, use timeZone instead")


def _warnings_about_pod(workload: Workload) -> Iterator[Remark]:
    pod: Route = (*workload.template_route, "spec")
    resource = workload.resource
    grace = resource.get(*pod, "terminationGracePeriodSeconds")
    if isinstance(grace, int) and grace < 0:
        words = "must be >= 0; negative values are invalid and will be treated as 1"
        yield Remark((*pod, "terminationGracePeriodSeconds"), words)
    if not workload.is_partial:
        for index, item in _items(workload, (*pod, "topologySpreadConstraints")):
            if item.get("labelSelector") is None:
                yield Remark((*pod, "topologySpreadConstraints", index, "labelSelector"), _NULL_SELECTOR)
        for kind in ("podAffinity", "podAntiAffinity"):
            yield from _null_selectors(workload, (*pod, "affinity", kind))
    for index, item in _items(workload, (*pod, "volumes")):
        yield from _warnings_about_files(workload, item, (*pod, "volumes", index))
    for route in _containers(workload):
        yield from _warnings_about_container(workload, route)
    yield from _repeated(workload, (*pod, "hostAliases"), "ip", 'duplicate ip "{}"')
    yield from _repeated(workload, (*pod, "imagePullSecrets"), "name", 'duplicate name "{}"')
    for index, item in _items(workload, (*pod, "imagePullSecrets")):
        if item.get("name") == "":
            yield Remark((*pod, "imagePullSecrets", index, "name"), 'invalid empty name ""')


def _null_selectors(workload: Workload, route: Route) -> Iterator[Remark]:
    required = (*route, "requiredDuringSchedulingIgnoredDuringExecution")
    for index, item in _items(workload, required):
        if item.get("labelSelector") is None:
            yield Remark((*required, index, "labelSelector"), _NULL_SELECTOR)
    preferred = (*route, "preferredDuringSchedulingIgnoredDuringExecution")
    for index, item in _items(workload, preferred):
        term = item.get("podAffinityTerm")
        if isinstance(term, Mapping) and term.get("labelSelector") is None:
            yield Remark((*preferred, index, "podAffinityTerm", "labelSelector"), _NULL_SELECTOR)


def _repeated(workload: Workload, route: Route, field: str, words: str) -> Iterator[Remark]:
    seen: set[object] = set()
    for index, item in _items(workload, route):
        value = item.get(field)
        if isinstance(value, str) and value and not is_placeholder(value):
            if value in seen:
                yield Remark((*route, index, field), words.format(value))
            seen.add(value)


def _warnings_about_container(workload: Workload, route: Route) -> Iterator[Remark]:
    words = 'hides previous definition of "{}", which may be dropped when using apply'
    yield from _repeated(workload, (*route, "env"), "name", words)
    seen: dict[tuple[object, object], int] = {}
    for index, port in _items(workload, (*route, "ports")):
        number = port.get("containerPort")
        first = seen.setdefault((number, port.get("protocol") or "TCP"), index)
        if first != index and isinstance(number, int) and not (port.get("hostIP") or port.get("hostPort")):
            yield Remark((*route, "ports", index), f"duplicate port definition with {_path((*route, 'ports', first))}")
        if port.get("hostIP") and not port.get("hostPort"):
            yield Remark((*route, "ports", index, "hostIP"), f"hostIP set without hostPort: {port.get('hostIP')}")
    for field in ("requests", "limits"):
        for name in ("memory", "ephemeral-storage"):
            written = workload.resource.get(*route, "resources", field, name)
            if isinstance(written, str) and _is_fraction(written):
                words = f'fractional byte value "{written}" is invalid, must be an integer'
                yield Remark((*route, "resources", field, name), words)


def _path(route: Route) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in route).lstrip(".")


def _is_fraction(text: str) -> bool:
    try:
        amount = parse_quantity(text.strip())
    except QuantityError:
        return False
    return amount > 0 and amount != amount.to_integral_value()


def _warnings_about_files(workload: Workload, volume: Mapping[str, Any], route: Route) -> Iterator[Remark]:
    if workload.graph.target < (1, 32):
        return
    name = volume.get("name")
    for key, label in (("configMap", "ConfigMap"), ("secret", "Secret"), ("downwardAPI", "DownwardAPI")):
        source = volume.get(key)
        if isinstance(source, Mapping):
            owner = source.get("name") or source.get("secretName")
            what = f'{label} "{owner}"' if owner else label
            paths = [(path, what) for path in _paths(source)]
            yield from _overlap(f'volume "{name}" ({what})', (*route, key), paths)
    projected = volume.get("projected")
    if isinstance(projected, Mapping):
        sources = projected.get("sources")
        if sources is None or sources == []:
            yield Remark((*route, "projected"), f'volume "{name}" (Projected) has no sources provided')
        all_paths = []
        for source in sources if isinstance(sources, list) else ():
            for key, content in source.items() if isinstance(source, Mapping) else ():
                if isinstance(content, Mapping):
                    what = f'{key[0].upper()}{key[1:]} "{content["name"]}"' if content.get("name") else key
                    all_paths += [(path, what) for path in _paths(content)]
        yield from _overlap(f'volume "{name}" (Projected)', (*route, "projected"), all_paths)


def _paths(source: Mapping[str, Any]) -> list[str]:
    items = source.get("items")
    found = [item.get("path") for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []
    found.append(source.get("path") if "items" not in source else None)
    return [path for path in found if isinstance(path, str) and path and not is_placeholder(path)]


def _overlap(what: str, route: Route, paths: list[tuple[str, str]]) -> Iterator[Remark]:
    for index, (path, owner) in enumerate(paths):
        for other, first_owner in paths[:index]:
            if path == other or path.startswith(other + "/") or other.startswith(path + "/"):
                yield Remark(route, f'{what}: overlapping paths: "{path}" ({owner}) with "{other}" ({first_owner})')
                return
