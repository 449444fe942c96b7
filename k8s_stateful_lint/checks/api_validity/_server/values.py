"""Values that the server refuses although their type is right: not listed, out of range, missing, or too much."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from k8s_stateful_lint._patterns import regex
from k8s_stateful_lint.checks.api_validity._server.remark import NOT_NEGATIVE, Remark
from k8s_stateful_lint.checks.api_validity._server.texts import is_meant
from k8s_stateful_lint.graph import Node, Workload
from k8s_stateful_lint.knowledge.image_reference import parse_image
from k8s_stateful_lint.model.placeholders import is_placeholder, is_quantity_placeholder
from k8s_stateful_lint.model.quantities import QuantityError, likely_size, parse_quantity, percentage
from k8s_stateful_lint.model.raw import entries, mapping
from k8s_stateful_lint.reading import Route

_SIZES = frozenset({"memory", "ephemeral-storage", "storage"})  # resources that are numbers of bytes
_PERCENT = regex(r"[0-9]+%")
# A part of an image in capitals: no reference has any, so some script replaces it.
_SHOUTED = regex(r"(?<![A-Za-z])[A-Z][A-Z0-9_]+(?![a-z])")
_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")
_NODE_OPERATORS = (*_OPERATORS, "Gt", "Lt")
_VOLUME_MODES = ("Block", "Filesystem")
_ALWAYS = ("Always",)
_POLICIES = ("Always", "OnFailure", "Never")
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
    "PersistentVolumeClaim": ((("spec", "volumeMode"), _VOLUME_MODES),),
    "PersistentVolume": (
        (("spec", "volumeMode"), _VOLUME_MODES),
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
    resource = node.resource
    spec = mapping(resource.get("spec"))
    for route, listed in _LISTED.get(node.kind, ()):
        yield from _listed(route, resource.get(*route), listed)
    for route in _NUMBERS.get(node.kind, ()):
        number = resource.get(*route)
        if isinstance(number, int) and number < 0:
            yield Remark(route, NOT_NEGATIVE)
    for route, is_limited in _SHARES.get(node.kind, ()):
        yield from _share(route, resource.get(*route), is_limited)
    if isinstance(node, Workload):
        yield from _values_in_pod(node)
    match node.kind:
        case "CronJob":
            yield from _schedule(node)
            yield from _job_restart_policy(node)
        case "Job":
            yield from _job_restart_policy(node)
        case (
            "Deployment" | "ReplicaSet" | "DaemonSet" | "StatefulSet" | "PodDisruptionBudget" | "PersistentVolumeClaim"
        ):
            yield from _selector(("spec", "selector"), spec.get("selector"))
        case "PersistentVolume":
            yield from _values_of_volume(spec)
        case "StorageClass":
            yield from _topologies(resource.get("allowedTopologies"))
        case "HorizontalPodAutoscaler":
            yield from _bounds(spec)
        case "Service":
            yield from _values_of_service(node)
        case "VolumeSnapshot":
            if spec.get("volumeSnapshotClassName") == "":
                words = "volumeSnapshotClassName must not be the empty string when set"
                yield Remark(("spec", "volumeSnapshotClassName"), words, "Remove it: the default class is used.")
    if node.kind == "StatefulSet":
        for index, template in entries(spec.get("volumeClaimTemplates")):
            route = ("spec", "volumeClaimTemplates", index, "spec")
            claim = mapping(template.get("spec"))
            yield from _listed((*route, "volumeMode"), claim.get("volumeMode"), _VOLUME_MODES)
            yield from _selector((*route, "selector"), claim.get("selector"))


# Kinds of values ------------------------------------------------------------------------------------------------------


def _listed(route: Route, text: object, listed: tuple[str, ...]) -> Iterator[Remark]:
    if text and text not in listed and isinstance(text, str) and not is_quantity_placeholder(text):
        supported = ", ".join(f'"{value}"' for value in listed)
        meant = next((value for value in listed if value.lower() == text.lower().replace("-", "")), None)
        yield Remark(
            route, f'Unsupported value: "{text}": supported values: {supported}', f"Write {meant}." if meant else None
        )


def _share(route: Route, value: object, is_limited: bool) -> Iterator[Remark]:
    if isinstance(value, bool):
        return
    if isinstance(value, int) and value < 0:
        yield Remark(route, NOT_NEGATIVE)
    elif isinstance(value, str) and value and not is_quantity_placeholder(value):
        if not _PERCENT.fullmatch(value):
            words = "a valid percent string must be a numeric string followed by an ending '%'"
            yield Remark(route, words, f"Write {value} without quotes." if value.isdigit() else None)
        elif is_limited and percentage(value) not in range(101):
            yield Remark(route, "must not be greater than 100%")


def _port(route: Route, number: object) -> Iterator[Remark]:
    if isinstance(number, int) and not isinstance(number, bool) and not 1 <= number <= 65535:
        yield Remark(route, "must be between 1 and 65535, inclusive")


def _selector(route: Route, selector: object, operators: tuple[str, ...] = _OPERATORS) -> Iterator[Remark]:
    """``matchExpressions`` of a selector."""
    for index, item in entries(mapping(selector).get("matchExpressions")):
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


# Objects --------------------------------------------------------------------------------------------------------------


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
    if node.is_partial or not isinstance(node.resource.get(*route[:-1]), dict):
        return
    if policy is None or (policy not in ("OnFailure", "Never") and is_meant(policy)):
        yield Remark(route, 'Required value: valid values: "OnFailure", "Never"', "Write restartPolicy: OnFailure.")


def _values_of_volume(spec: dict[str, Any]) -> Iterator[Remark]:
    for key in mapping(spec.get("capacity")):
        if key != "storage":
            yield Remark(("spec", "capacity", key), f'Unsupported value: "{key}": supported values: "storage"')
    if spec.get("volumeAttributesClassName") == "":
        yield Remark(("spec", "volumeAttributesClassName"), "an empty string is disallowed")
    affinity = spec.get("nodeAffinity")
    if isinstance(affinity, dict) and affinity.get("required") is None and spec.get("local") is None:
        yield Remark(("spec", "nodeAffinity"), "Required value: must specify required node constraints")
    terms: Route = ("spec", "nodeAffinity", "required", "nodeSelectorTerms")
    for index, term in entries(mapping(mapping(affinity).get("required")).get("nodeSelectorTerms")):
        yield from _selector((*terms, index), term, _NODE_OPERATORS)
    disk = mapping(spec.get("azureDisk"))
    uri = disk.get("diskURI")
    if is_meant(uri) and disk.get("kind") == "Managed" and not uri.startswith("/subscriptions/"):
        yield Remark(("spec", "azureDisk", "diskURI"), "a managed disk must be named by /subscriptions/...")
    if mapping(spec.get("azureFile")).get("secretNamespace") == "":
        yield Remark(("spec", "azureFile", "secretNamespace"), "secretNamespace must not be empty")


def _topologies(allowed: object) -> Iterator[Remark]:
    for index, term in entries(allowed):
        route: Route = ("allowedTopologies", index, "matchLabelExpressions")
        keys: set[str] = set()
        for place, item in entries(term.get("matchLabelExpressions")):
            key, listed = item.get("key"), item.get("values")
            if isinstance(key, str):
                if key in keys:
                    yield Remark((*route, place, "key"), f'Duplicate value: "{key}"', "Put all values into one entry.")
                keys.add(key)
            if isinstance(listed, list):
                if not listed:
                    yield Remark((*route, place, "values"), "Required value")
                twice = _first_twice(listed)
                if twice is not None:
                    yield Remark((*route, place, "values"), f'Duplicate value: "{twice}"')


def _first_twice(texts: list[Any]) -> str | None:
    seen: set[str] = set()
    for text in filter(is_meant, texts):
        if text in seen:
            return str(text)
        seen.add(text)
    return None


def _bounds(spec: dict[str, Any]) -> Iterator[Remark]:
    least, most = spec.get("minReplicas"), spec.get("maxReplicas")
    if isinstance(most, int) and most < 1:
        yield Remark(("spec", "maxReplicas"), "must be greater than 0")
    elif isinstance(least, int) and isinstance(most, int) and most < least:
        yield Remark(("spec", "maxReplicas"), "must be greater than or equal to `minReplicas`")


def _values_of_service(node: Node) -> Iterator[Remark]:
    spec = node.resource.get("spec")
    if not isinstance(spec, dict) or node.is_partial:
        return
    kind, ports = spec.get("type"), spec.get("ports")
    if kind == "ExternalName":
        return
    if not ports and spec.get("clusterIP") != "None" and (ports is None or ports == []):
        yield Remark(("spec", "ports"), "Required value")
    for index, port in entries(ports):
        route: Route = ("spec", "ports", index)
        if isinstance(ports, list) and len(ports) > 1 and not port.get("name"):
            yield Remark((*route, "name"), "Required value", "Name every port of a Service that has several.")
        yield from _port((*route, "port"), port.get("port"))
        if port.get("nodePort") and kind in (None, "", "ClusterIP"):
            yield Remark((*route, "nodePort"), "may not be used when `type` is 'ClusterIP'")


# Pods -----------------------------------------------------------------------------------------------------------------


def _values_in_pod(workload: Workload) -> Iterator[Remark]:
    route: Route = (*workload.template_route, "spec")
    pod = mapping(workload.resource.get(*route))
    policy = mapping(pod.get("securityContext")).get("fsGroupChangePolicy")
    yield from _listed((*route, "securityContext", "fsGroupChangePolicy"), policy, ("OnRootMismatch", "Always"))
    dns_policies = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
    yield from _listed((*route, "dnsPolicy"), pod.get("dnsPolicy"), dns_policies)
    for index, volume in entries(pod.get("volumes")):
        yield from _values_of_files((*route, "volumes", index), volume)
    for here, container in workload.written_containers:
        yield from _values_of_container(here, container, workload.is_partial)
    yield from _spread((*route, "topologySpreadConstraints"), pod.get("topologySpreadConstraints"))
    affinity = mapping(pod.get("affinity"))
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    for kind in ("podAffinity", "podAntiAffinity") if affinity else ():
        for index, term in entries(mapping(affinity.get(kind)).get(required)):
            here = (*route, "affinity", kind, required, index, "labelSelector")
            yield from _selector(here, term.get("labelSelector"))
    terms = mapping(mapping(affinity.get("nodeAffinity")).get(required)).get("nodeSelectorTerms")
    for index, term in entries(terms):
        here = (*route, "affinity", "nodeAffinity", required, "nodeSelectorTerms", index)
        yield from _selector(here, term, _NODE_OPERATORS)


def _values_of_files(route: Route, volume: dict[str, Any]) -> Iterator[Remark]:
    for key in ("configMap", "secret", "downwardAPI", "projected"):
        source = volume.get(key)
        if not isinstance(source, dict):
            continue
        mode = source.get("defaultMode")
        if isinstance(mode, int) and not isinstance(mode, bool) and not 0 <= mode <= 0o777:
            words = "must be a number between 0 and 0777 (octal), both inclusive"
            yield Remark((*route, key, "defaultMode"), words, _octal(mode))
        for index, item in entries(source.get("items")):
            path = item.get("path")
            if isinstance(path, str) and (".." in path or path.startswith("/")) and is_meant(path):
                if path.startswith("/"):
                    yield Remark((*route, key, "items", index, "path"), "must be a relative path")
                elif ".." in path.split("/"):
                    yield Remark((*route, key, "items", index, "path"), "must not contain '..'")


def _octal(mode: int) -> str | None:
    """What a decimal number that looks like permissions was meant to be."""
    return f"Write 0{mode}: permissions are octal." if re.fullmatch("[1-7]?[0-7]{3}", str(mode)) else None


_HANDLERS = ("exec", "grpc", "httpGet", "tcpSocket")
_PROBE_NUMBERS = ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold")


def _values_of_container(route: Route, container: dict[str, Any], is_partial: bool) -> Iterator[Remark]:
    image = container.get("image")
    if image is None and not is_partial:
        yield Remark((*route, "image"), "Required value")
    elif isinstance(image, str) and image and not is_placeholder(image):
        if image != image.strip():
            yield Remark((*route, "image"), "must not have leading or trailing whitespace")
        elif is_meant(image) and parse_image(image) is None and not _SHOUTED.search(image):
            yield Remark((*route, "image"), f'kubelet says InvalidImageName: couldn\'t parse image name "{image}"')
    policies = ("Always", "IfNotPresent", "Never")
    yield from _listed((*route, "imagePullPolicy"), container.get("imagePullPolicy"), policies)
    for index, port in entries(container.get("ports")):
        yield from _port((*route, "ports", index, "containerPort"), port.get("containerPort"))
        yield from _listed((*route, "ports", index, "protocol"), port.get("protocol"), ("SCTP", "TCP", "UDP"))
    for index, variable in entries(container.get("env")):
        if variable.get("value") and variable.get("valueFrom"):
            words = "may not be specified when `value` is not empty"
            yield Remark((*route, "env", index, "valueFrom"), words)
    for index, mount in entries(container.get("volumeMounts")):
        if propagation := mount.get("mountPropagation"):
            here = (*route, "volumeMounts", index, "mountPropagation")
            yield from _listed(here, propagation, ("Bidirectional", "HostToContainer", "None"))
    for field in ("livenessProbe", "readinessProbe", "startupProbe"):
        if probe := mapping(container.get(field)):
            yield from _values_of_probe((*route, field), probe, is_partial)
    if resources := mapping(container.get("resources")):
        yield from _resources((*route, "resources"), resources)


def _values_of_probe(route: Route, probe: dict[str, Any], is_partial: bool) -> Iterator[Remark]:
    handlers = [key for key in _HANDLERS if probe.get(key) is not None]
    if not handlers and not is_partial:
        yield Remark(route, "must specify a handler type", "Write exec, httpGet, tcpSocket or grpc.")
    for extra in handlers[1:]:
        yield Remark((*route, extra), "may not specify more than 1 handler type", f"Keep {handlers[0]} or {extra}.")
    if route[-1] != "readinessProbe" and isinstance(n := probe.get("successThreshold"), int) and n > 1:
        yield Remark((*route, "successThreshold"), "must be 1")
    for field in _PROBE_NUMBERS:
        number = probe.get(field)
        if isinstance(number, int) and number < 0:
            yield Remark((*route, field), NOT_NEGATIVE)


def _resources(route: Route, resources: dict[str, Any]) -> Iterator[Remark]:
    read: dict[tuple[str, str], Decimal] = {}
    for field in ("requests", "limits"):
        for name, written in mapping(resources.get(field)).items():
            if isinstance(written, bool) or not isinstance(written, str | int | float):
                continue
            try:
                amount = parse_quantity(written.strip() if isinstance(written, str) else written)
            except QuantityError as error:
                if not is_quantity_placeholder(written):
                    likely = likely_size(str(written)) if name in _SIZES else None
                    yield Remark((*route, field, name), str(error), f"Write {likely}." if likely else None)
                continue
            read[field, name] = amount
            if amount < 0:
                yield Remark((*route, field, name), NOT_NEGATIVE)
    for (field, name), amount in read.items():
        if field == "requests" and amount > read.get(("limits", name), amount):
            limit = mapping(resources.get("limits")).get(name)
            yield Remark((*route, "requests", name), f"must be less than or equal to {name} limit of {limit}")


def _spread(route: Route, constraints: object) -> Iterator[Remark]:
    for index, item in entries(constraints):
        here: Route = (*route, index)
        skew, policy = item.get("maxSkew"), item.get("whenUnsatisfiable")
        if isinstance(skew, int) and skew <= 0:
            yield Remark((*here, "maxSkew"), "must be greater than zero")
        yield from _listed((*here, "whenUnsatisfiable"), policy, ("DoNotSchedule", "ScheduleAnyway"))
        if item.get("minDomains") is not None and policy == "ScheduleAnyway":
            words = "can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ScheduleAnyway"
            yield Remark((*here, "minDomains"), words)
