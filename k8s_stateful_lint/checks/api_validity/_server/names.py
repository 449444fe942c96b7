"""Names, keys and values of labels, and keys of ConfigMaps that the server refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from k8s_stateful_lint._patterns import regex
from k8s_stateful_lint.checks.api_validity._server.remark import Remark
from k8s_stateful_lint.checks.api_validity._server.texts import (
    config_key,
    dns_label,
    dns_subdomain,
    driver_name,
    is_meant,
    label_value,
    longer_than,
    port_name,
    qualified_name,
)
from k8s_stateful_lint.graph import Node, Workload
from k8s_stateful_lint.model.placeholders import is_placeholder
from k8s_stateful_lint.model.raw import entries, mapping
from k8s_stateful_lint.reading import Route

# Names of the objects themselves; StatefulSets and Services have rules of their own.
_NAMED_BY_SUBDOMAIN = frozenset(
    {
        *("Pod", "Deployment", "ReplicaSet", "ReplicationController", "DaemonSet", "Job", "CronJob", "ConfigMap"),
        *("PersistentVolumeClaim", "PersistentVolume", "StorageClass", "PodDisruptionBudget"),
        *("HorizontalPodAutoscaler", "VolumeSnapshot", "VolumeSnapshotClass", "VolumeSnapshotContent"),
    }
)
_ENV_NAME = regex(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_RELAXED_ENV_NAME = regex(r"[ -<>-~]+")
# Feature gate RelaxedEnvironmentVariableValidation.
_ENV_NAMES_RELAXED = (1, 32)


def names(node: Node) -> Iterator[Remark]:
    """Names, label keys and values, and keys of ConfigMaps that the server refuses."""
    resource = node.resource
    metadata = mapping(resource.get("metadata"))
    if metadata and not node.is_partial:  # a patch with a target may be called anything
        yield from _object_name(node, metadata)
    yield from _labels(("metadata", "labels"), metadata.get("labels"))
    yield from _annotations(("metadata", "annotations"), metadata.get("annotations"))
    if isinstance(node, Workload):
        yield from _names_in_workload(node)
    spec = mapping(resource.get("spec"))
    match node.kind:
        case "PersistentVolumeClaim":
            yield from _names_of_claim(("spec",), spec)
        case "PersistentVolume":
            yield from _name(("spec",), spec, "storageClassName", dns_subdomain)
            yield from _name(
                ("spec", "csi"), mapping(spec.get("csi")), "driver", lambda text: driver_name(text.lower())
            )
        case "StorageClass":
            yield from _name((), resource.raw, "provisioner", lambda text: qualified_name(text.lower()))
        case "ConfigMap":
            for field in ("data", "binaryData"):
                for key in mapping(resource.get(field)):
                    if is_meant(key) and (words := config_key(key)):
                        yield Remark((field, key), words)
        case "Service":
            yield from _labels(("spec", "selector"), spec.get("selector"))
            for index, port in entries(spec.get("ports")):
                yield from _name(("spec", "ports", index), port, "name", dns_label)


def _object_name(node: Node, metadata: dict[str, Any]) -> Iterator[Remark]:
    name, namespace = metadata.get("name"), metadata.get("namespace")
    words: str | None = None
    if name and is_meant(name) and node.kind in _NAMED_BY_SUBDOMAIN:
        # Jobs put their name into a label of their pods, and those of a CronJob add eleven characters.
        limit = {"CronJob": 52, "Job": 63}.get(node.kind, 253)
        words = longer_than(name, limit) or dns_subdomain(name)
    elif name and is_meant(name) and node.kind == "Namespace":
        # The namespace of a kustomization takes the place of whatever is written.
        words = None if node.graph.units.may_set_namespace(node.resource.path) else dns_label(name)
    if words:
        yield Remark(("metadata", "name"), words, "Use lower case letters, digits and dashes.")
    # Of an object of the whole cluster, the server drops the namespace without a look.
    if node.is_namespaced and namespace and is_meant(namespace) and (words := dns_label(namespace)):
        yield Remark(("metadata", "namespace"), words)


def _labels(route: Route, labels: object) -> Iterator[Remark]:
    for key, value in mapping(labels).items():
        words = qualified_name(key)
        if words is not None and not is_meant(key):
            words = None
        if words is None and isinstance(value, str) and (wrong := label_value(value)) and not is_placeholder(value):
            words = wrong
        if words is not None:
            yield Remark((*route, key), words)


def _annotations(route: Route, annotations: object) -> Iterator[Remark]:
    for key in mapping(annotations):
        if (words := qualified_name(key.lower())) and is_meant(key):
            yield Remark((*route, key), words)


def _name(
    route: Route, content: Mapping[str, Any], field: str, wrong_with: Callable[[str], str | None]
) -> Iterator[Remark]:
    text = content.get(field)
    if text and isinstance(text, str) and (words := wrong_with(text)) and is_meant(text):
        yield Remark((*route, field), words)


def _names_of_claim(route: Route, spec: dict[str, Any]) -> Iterator[Remark]:
    for field in ("storageClassName", "volumeAttributesClassName"):  # any volumeName is accepted
        yield from _name(route, spec, field, dns_subdomain)


def _names_in_workload(workload: Workload) -> Iterator[Remark]:
    resource, template = workload.resource, workload.template_route
    if template:
        metadata = mapping(resource.get(*template, "metadata"))
        yield from _labels((*template, "metadata", "labels"), metadata.get("labels"))
        yield from _annotations((*template, "metadata", "annotations"), metadata.get("annotations"))
    yield from _labels(("spec", "selector", "matchLabels"), resource.get("spec", "selector", "matchLabels"))
    route: Route = (*template, "spec")
    pod = mapping(resource.get(*route))
    yield from _labels((*route, "nodeSelector"), pod.get("nodeSelector"))
    for index, volume in entries(pod.get("volumes")):
        yield from _name((*route, "volumes", index), volume, "name", dns_label)
        if "ephemeral" in volume:
            spec = (*route, "volumes", index, "ephemeral", "volumeClaimTemplate", "spec")
            yield from _names_of_claim(spec, mapping(resource.get(*spec)))
    for route, container in workload.written_containers:
        yield from _names_in_container(workload, route, container)
    for index, template_of_claim in entries(resource.get("spec", "volumeClaimTemplates")):
        claim: Route = ("spec", "volumeClaimTemplates", index)
        metadata = mapping(template_of_claim.get("metadata"))
        yield from _name((*claim, "metadata"), metadata, "name", dns_label)
        yield from _labels((*claim, "metadata", "labels"), metadata.get("labels"))
        yield from _names_of_claim((*claim, "spec"), mapping(template_of_claim.get("spec")))


def _names_in_container(workload: Workload, route: Route, container: dict[str, Any]) -> Iterator[Remark]:
    yield from _name(route, container, "name", dns_label)
    for index, port in entries(container.get("ports")):
        yield from _name((*route, "ports", index), port, "name", port_name)
    if workload.graph.target >= _ENV_NAMES_RELAXED:
        pattern = _RELAXED_ENV_NAME
        words = "a valid environment variable name must consist only of printable ASCII characters other than '='"
    else:
        pattern = _ENV_NAME
        words = (
            "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and "
            "must not start with a digit"
        )
    for index, variable in entries(container.get("env")):
        name = variable.get("name")
        if not isinstance(name, str) or not name or pattern.fullmatch(name):
            continue
        if not is_placeholder(name.replace("$(", "")):
            yield Remark((*route, "env", index, "name"), words)
