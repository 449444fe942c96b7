"""Any object: maps of strings, namespaces, what was exported from a cluster."""

from __future__ import annotations

from collections.abc import Iterator

from k8s_stateful_lint.checks.api_validity._common import shown_at
from k8s_stateful_lint.checks.finding import Finding
from k8s_stateful_lint.graph import Node, PersistentVolume, Workload
from k8s_stateful_lint.model.raw import entries
from k8s_stateful_lint.model.resource import Resource
from k8s_stateful_lint.reading import Route

_STRING_MAPS = frozenset({"labels", "annotations", "matchLabels", "nodeSelector", "parameters"})
_JSON_TYPES = (("the boolean", "bool"), ("the number", "number"), ("a mapping", "object"), ("a list", "array"))


def non_string_map_value(node: Node) -> Iterator[Finding]:
    """A number, a boolean or more where only strings are allowed."""
    resource = node.resource
    for problem in resource.problems:
        parent = problem.route[-2] if len(problem.route) > 1 else ""
        is_selector = parent == "selector" and resource.kind in ("Service", "ReplicationController")
        if problem.kind == "wrong-type" and problem.expected == "a string" and (parent in _STRING_MAPS or is_selector):
            yield _not_a_string(node, problem.route, problem.found)
    for route in _raw_maps(node):
        values = resource.get(*route)
        for key, value in values.items() if isinstance(values, dict) else ():
            if value is not None and not isinstance(value, str):
                yield _not_a_string(node, (*route, key), _described(value))


def _not_a_string(node: Node, route: Route, found: str) -> Finding:
    kind = next((name for prefix, name in _JSON_TYPES if found.startswith(prefix)), "value")
    booleans = "; YAML 1.1 reads yes, no, on, off, y and n as booleans" if kind == "bool" else ""
    return Finding(
        place=shown_at(node.resource, route),
        message=f"{route[-1]} in {route[-2]} of {node.label} is {found}, not a string{booleans}: the API server cannot "
        f"decode the object (cannot unmarshal {kind} into a field of type string)",
        help="Quote the value." if kind in ("bool", "number") else "Write one string for each key.",
    )


def _described(value: object) -> str:
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}"
    if isinstance(value, int | float):
        return f"the number {value}"
    return "a mapping" if isinstance(value, dict) else "a list"


def _raw_maps(node: Node) -> Iterator[Route]:
    """Maps of strings that the typed objects leave raw."""
    if node.resource.body is None:
        if _is_of_kubernetes(node.resource):
            yield from (("metadata", "labels"), ("metadata", "annotations"))
        if node.kind == "VolumeAttributesClass":
            yield ("parameters",)
    elif isinstance(node, PersistentVolume):
        yield from (("spec", "csi", "volumeAttributes"), ("spec", "flexVolume", "options"))
    elif isinstance(node, Workload):
        route = (*node.template_route, "spec", "volumes")
        for index, volume in entries(node.resource.get(*route)):
            if "csi" in volume or "flexVolume" in volume:
                yield from ((*route, index, "csi", "volumeAttributes"), (*route, index, "flexVolume", "options"))


def _is_of_kubernetes(resource: Resource) -> bool:
    return "." not in resource.group or resource.group.endswith(".k8s.io")


_CLUSTER_STORAGE = {
    "PersistentVolume": "",
    "StorageClass": "storage.k8s.io",
    "VolumeAttributesClass": "storage.k8s.io",
    "CSIDriver": "storage.k8s.io",
    "VolumeSnapshotClass": "snapshot.storage.k8s.io",
    "VolumeSnapshotContent": "snapshot.storage.k8s.io",
}


def namespace_on_cluster_object(node: Node) -> Iterator[Finding]:
    """The server drops the namespace of an object that is cluster-wide."""
    if _CLUSTER_STORAGE.get(node.kind) != node.resource.group:
        return
    namespace = node.resource.get("metadata", "namespace")
    if namespace:
        yield Finding(
            place=node.at("metadata", "namespace"),
            message=f"{node.label} is cluster-wide: the namespace {namespace} is dropped, and the name must be unique "
            "in the whole cluster",
        )


_EXPORTED = ("uid", "resourceVersion", "managedFields", "selfLink", "generation", "creationTimestamp")
_EXPORTED_KINDS = frozenset(
    {
        "CSIDriver",
        "PersistentVolume",
        "PersistentVolumeClaim",
        "StorageClass",
        "VolumeAttributesClass",
        "VolumeSnapshot",
        "VolumeSnapshotClass",
        "VolumeSnapshotContent",
    }
)


def exported_object_fields(node: Node) -> Iterator[Finding]:
    """What the server writes into an object, kept in a manifest."""
    if node.kind not in _EXPORTED_KINDS and not isinstance(node, Workload):
        return
    metadata = node.resource.get("metadata")
    for field in _EXPORTED if isinstance(metadata, dict) else ():
        if _is_empty(metadata.get(field)):
            continue
        stale = field in ("uid", "resourceVersion")
        yield Finding(
            place=shown_at(node.resource, ("metadata", field)),
            message=f"metadata.{field} of {node.label} is the API server's, exported from a cluster: "
            + ("the next apply fails once the object has another one" if stale else "it is noise in a manifest"),
            severity="warning" if stale else None,
        )
    if not _is_empty(node.resource.get("status")):
        yield Finding(
            place=node.at("status", part="key"),
            message=f"status of {node.label} was exported from a cluster: the API server ignores it in a manifest",
        )


def _is_empty(value: object) -> bool:
    """Whether a value says nothing, as tools write it (``{}``, zero replicas)."""
    if isinstance(value, dict):
        return all(_is_empty(item) for item in value.values())
    return not value
