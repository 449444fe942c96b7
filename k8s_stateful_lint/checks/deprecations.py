"""Family deprecations: API versions, plugins, keys, images and registries that are gone or on their way out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec

from k8s_stateful_lint.checks._shared import missing_driver
from k8s_stateful_lint.checks.finding import Finding
from k8s_stateful_lint.config import Severity
from k8s_stateful_lint.graph import Container, Graph, Node, PersistentVolume, PodVolume, StorageClass, Workload
from k8s_stateful_lint.knowledge import ApiVersion, ObsoleteKey, VolumePlugin
from k8s_stateful_lint.knowledge.versions import format_version
from k8s_stateful_lint.model.placeholders import is_placeholder
from k8s_stateful_lint.model.raw import entries
from k8s_stateful_lint.model.resource import Place

_BUILT_IN_GROUPS = frozenset(
    {
        "",
        "apps",
        "autoscaling",
        "batch",
        "discovery.k8s.io",
        "extensions",
        "networking.k8s.io",
        "node.k8s.io",
        "policy",
        "scheduling.k8s.io",
        "snapshot.storage.k8s.io",
        "storage.k8s.io",
    }
)
# Before this version of Kubernetes the snapshot API had no v1 that one could move to.
_SNAPSHOTS_V1_SINCE = (1, 20)
_IN_TREE = "kubernetes.io/"
_STATIC = "kubernetes.io/no-provisioner"
# Their projects build these images and keep every tag on Docker Hub.
_KEPT_BITNAMI = frozenset({"minideb", "sealed-secrets-controller", "sealed-secrets-kubeseal"})
_OLD_GOOGLE_PATHS = ("google_containers/", "google-containers/")
# Written by a controller, so only exported objects carry it.
_CONTROLLER_KEYS = frozenset({"volume.beta.kubernetes.io/storage-provisioner"})
_CLASS_KEY = "volume.beta.kubernetes.io/storage-class"


# API versions ---------------------------------------------------------------------------------------------------------


def removed_api_version(node: Node) -> Iterator[Finding]:
    """The API server of the target does not serve this version of the kind, or will stop to."""
    resource, target = node.resource, node.graph.target
    rows = node.graph.knowledge.api_versions(resource.kind)
    if not rows or is_placeholder(resource.api_version):
        return
    row = next((row for row in rows if row.group_version == resource.api_version), None)
    current = next((r for r in reversed(rows) if r.served_at(target) and not r.deprecated_at(target)), None)
    if row is None:
        yield from _never_served(node, current)
        return
    if node.is_partial:
        return  # the object that it changes is judged
    if row.custom:
        if not row.served and (target >= _SNAPSHOTS_V1_SINCE or "snapshot" not in resource.group):
            yield Finding(
                place=node.at("apiVersion"),
                message=f'no matches for kind "{row.kind}" in version "{row.group_version}": the current definition of '
                "the kind does not serve it",
                help=_advice(row),
            )
    elif row.is_newer_than(target) and row.served_since is not None:
        yield Finding(
            place=node.at("apiVersion"),
            message=f'Kubernetes {format_version(target)} refuses {node.label}: no matches for kind "{row.kind}" in '
            f'version "{row.group_version}" (served since {format_version(row.served_since)})',
            help=f"Write apiVersion: {current.group_version}, or set target to the version that the cluster really has."
            if current is not None
            else "Set target to the version that the cluster really has.",
        )
    elif not row.served_at(target):
        removed = f" since {format_version(row.removed)}" if row.removed else ""
        yield Finding(
            place=node.at("apiVersion"),
            message=f'Kubernetes {format_version(target)} refuses {node.label}: no matches for kind "{row.kind}" in '
            f'version "{row.group_version}" (not served{removed})',
            help=_advice(row),
        )
    elif row.deprecated_at(target) and row.deprecated is not None:
        until = f" and gone in {format_version(row.removed)}" if row.removed else ""
        yield Finding(
            place=node.at("apiVersion"),
            message=f"{row.group_version} of {row.kind} is deprecated since {format_version(row.deprecated)}{until}",
            severity="warning",
            help=_advice(row),
        )


def _never_served(node: Node, current: ApiVersion | None) -> Iterator[Finding]:
    """A pair that no Kubernetes ever served; the same kind in a foreign group is somebody's own resource."""
    resource = node.resource
    mangled = resource.group.startswith("v") and resource.group[1:2].isdigit()
    # A group of somebody's own has a dot in its name; without one it is a slip for a group of Kubernetes.
    if not (mangled or "." not in resource.group or resource.group in _BUILT_IN_GROUPS) or not resource.api_version:
        return
    yield Finding(
        place=node.at("apiVersion"),
        message=f'the API server refuses {node.label}: no matches for kind "{resource.kind}" in version '
        f'"{resource.api_version}"',
        help=f"Write apiVersion: {current.group_version}." if current is not None else None,
    )


def _advice(row: ApiVersion) -> str | None:
    if row.replacement is None:
        return f"{row.meaning[0].upper()}{row.meaning[1:]}." if row.meaning else None
    group_version, _, kind = row.replacement.partition(" ")
    text = f"Write apiVersion: {group_version}" + (f" and kind: {kind}" if kind else "")
    return f"{text}; mind that {row.meaning}." if row.meaning else f"{text}."


# Volume plugins -------------------------------------------------------------------------------------------------------


class _PluginUse(msgspec.Struct, frozen=True):
    """Where a plugin is named, and what is said of it there."""

    place: Place
    plugin: VolumePlugin
    written: str
    consequence: str
    is_class: bool = False


def removed_volume_plugin(subject: PodVolume | PersistentVolume | StorageClass) -> Iterator[Finding]:
    """Nothing stands behind this plugin any more, yet the API still accepts the object."""
    graph = _graph_of(subject)
    target = graph.target
    use = _plugin_use(subject)
    if use is None:
        if isinstance(subject, StorageClass) and _is_unknown_in_tree(subject):
            yield Finding(
                place=subject.at("provisioner"),
                message=f"there never was a provisioner {subject.provisioner}: its claims stay Pending (no volume "
                f'plugin matched name: {subject.provisioner}), because "kubernetes.io/" is reserved for built-in ones',
                help="Write the name of the CSI driver that is installed in the cluster.",
            )
        return
    plugin = use.plugin
    if plugin.does_nothing(target) and plugin.removed is not None:
        yield Finding(
            place=use.place,
            message=f"{use.written} does nothing since Kubernetes {format_version(plugin.removed)}: the API server "
            f"accepts it, but {use.consequence}",
            help=_plugin_advice(plugin),
        )
    elif plugin.disabled_by_default is not None and target >= plugin.disabled_by_default:
        yield Finding(
            place=use.place,
            message=f"{use.written} is off by default since Kubernetes {format_version(plugin.disabled_by_default)}: "
            f"unless a feature gate is set, {use.consequence}",
            severity="warning",
            help=_plugin_advice(plugin),
        )


def deprecated_volume_plugin(subject: PodVolume | PersistentVolume | StorageClass) -> Iterator[Finding]:
    """The plugin works, but only because a CSI driver stands in for it, or not for much longer."""
    graph, use = _graph_of(subject), _plugin_use(subject)
    if use is None:
        return
    plugin, target = use.plugin, graph.target
    if plugin.does_nothing(target) or (plugin.disabled_by_default is not None and target >= plugin.disabled_by_default):
        return
    if plugin.redirected(target) and plugin.redirect is not None:
        missing = missing_driver(graph, plugin.redirect)
        if missing is not None and use.is_class and graph.config.cluster.platform is not None:
            return  # driver-missing-on-platform speaks
        yield Finding(
            place=use.place,
            message=f"{use.written} works only through a redirect to the CSI driver {plugin.redirect}, "
            + (f"which {missing}: {use.consequence}" if missing else "which must be installed in the cluster"),
            severity="warning" if missing else None,
            help=f"Name the CSI driver {plugin.redirect} in the {_owner_of(subject)}"
            + (", and install it." if missing else "."),
        )
    elif plugin.deprecated is not None and target >= plugin.deprecated:
        gone = plugin.removed or plugin.disabled_by_default
        yield Finding(
            place=use.place,
            message=f"{use.written} is deprecated since Kubernetes {format_version(plugin.deprecated)}"
            + (f" and does nothing from {format_version(gone)} on" if gone and not plugin.redirect else ""),
            help=_plugin_advice(plugin),
        )


def _graph_of(subject: PodVolume | PersistentVolume | StorageClass) -> Graph:
    return subject.workload.graph if isinstance(subject, PodVolume) else subject.graph


def _owner_of(subject: PodVolume | PersistentVolume | StorageClass) -> str:
    if isinstance(subject, StorageClass):
        return "class"
    return "PersistentVolume (spec.csi)" if isinstance(subject, PersistentVolume) else "claim's class or volume"


def _plugin_use(subject: PodVolume | PersistentVolume | StorageClass) -> _PluginUse | None:
    if isinstance(subject, StorageClass):
        plugin = subject.graph.knowledge.plugin_of_provisioner(subject.provisioner)
        if plugin is None:
            return None
        consequence = f"claims of class {subject.name} stay Pending"
        return _PluginUse(
            subject.at("provisioner"), plugin, f"the provisioner {subject.provisioner}", consequence, is_class=True
        )
    if subject.source is None or subject.plugin is None:
        return None
    key = subject.source[0]
    if isinstance(subject, PodVolume):
        if subject.template is not None:
            return None
        label = subject.workload.label
        verb = f"{label} hangs" if subject.workload.kind == "Pod" else f"the pods of {label} hang"
        consequence = f"{verb} in ContainerCreating"
        return _PluginUse(subject.at(key, part="key"), subject.plugin, f"the volume type {key}", consequence)
    consequence = "pods that use the volume hang in ContainerCreating"
    return _PluginUse(subject.at("spec", key, part="key"), subject.plugin, f"the volume type {key}", consequence)


def _is_unknown_in_tree(storage_class: StorageClass) -> bool:
    name = storage_class.provisioner
    if not name.startswith(_IN_TREE) or name == _STATIC or is_placeholder(name):
        return False
    return storage_class.graph.knowledge.driver(name) is None


def _plugin_advice(plugin: VolumePlugin) -> str | None:
    if plugin.key == "gitRepo":
        return "Clone the repository in an init container, into an emptyDir that both containers mount."
    if plugin.successor is not None:
        return f"Move to the CSI driver {plugin.successor}."
    return None


# Annotations and labels -----------------------------------------------------------------------------------------------


class _KeyUse(msgspec.Struct, frozen=True):
    """An obsolete key, where it stands, its value, and whether its replacement stands beside it with the same value."""

    place: Place
    row: ObsoleteKey
    value: object
    replaced: bool = False
    beside: bool = False
    differs: str | None = None


def obsolete_annotation_or_label(node: Node) -> Iterator[Finding]:
    """A key that has been replaced: it may be ignored, or silently win over the field that replaced it."""
    target = node.graph.target
    for use in (*_annotation_uses(node), *_node_label_uses(node)):
        row = use.row
        if row.key in _CONTROLLER_KEYS or (row.deprecated is not None and target < row.deprecated):
            continue
        dead = row.still_effective is False and (row.removed is None or target >= row.removed)
        mild = dead or use.replaced or (row.key.startswith("beta.kubernetes.io/") and row.nodes_still_carry is True)
        severity: Severity | None = "info" if mild else None
        yield Finding(
            place=use.place, message=_key_message(use, dead=dead), severity=severity, help=_key_advice(row, dead=dead)
        )


def _annotation_uses(node: Node) -> Iterator[_KeyUse]:
    yield from _annotations_at(node, node.kind, ())
    if not isinstance(node, Workload):
        return
    if node.template_route:
        yield from _annotations_at(node, "Pod", node.template_route)
    for template in node.claim_templates:
        yield from _annotations_at(node, "PersistentVolumeClaim", template.route)


def _annotations_at(node: Node, kind: str, route: tuple[str | int, ...]) -> Iterator[_KeyUse]:
    annotations = node.resource.get(*route, "metadata", "annotations")
    if not isinstance(annotations, dict):
        return
    for key, value in annotations.items():
        row = node.graph.knowledge.obsolete_key(key) if isinstance(key, str) else None
        if row is None or "annotation" not in row.where or value is None or (row.kinds and kind not in row.kinds):
            continue
        place = node.at(*route, "metadata", "annotations", key, part="key")
        other = _replacement_value(node, row, route, annotations)
        differs = other if row.wins_over_field and isinstance(other, str) and other != value else None
        same = other is not None and str(other).lower() == str(value).lower()
        yield _KeyUse(place, row, value, replaced=same, beside=other is not None, differs=differs)


def _replacement_value(
    node: Node, row: ObsoleteKey, route: tuple[str | int, ...], annotations: Mapping[str, Any]
) -> object:
    if row.replacement is None:
        return None
    if row.replacement_is == "annotation":
        return annotations.get(row.replacement)
    if row.replacement_is == "field":
        return node.resource.get(*route, *row.replacement.split("."))
    return None


def _key_message(use: _KeyUse, *, dead: bool) -> str:
    row = use.row
    if dead:
        since = f" since Kubernetes {format_version(row.removed)}" if row.removed else ""
        counts = f"{row.replacement} counts alone" if use.beside else "whatever it was meant to do does not happen"
        return f"{row.key} has no effect{since}: {counts}"
    if "node-label" in row.where:
        if row.only_nodes is not None:
            return f"only nodes {row.only_nodes} still have the label {row.key}: in other clusters nothing matches it"
        since = f" since Kubernetes {format_version(row.deprecated)}" if row.deprecated else ""
        return f"the node label {row.key} is deprecated{since}"
    since = f" since Kubernetes {format_version(row.deprecated)}" if row.deprecated else ""
    text = f"the annotation {row.key} is deprecated{since}"
    if use.differs is not None:
        return f'{text} and still wins: the value "{use.value}" is used, not {row.replacement} "{use.differs}"'
    return f"{text} but still wins over {row.replacement}" if row.wins_over_field and not use.replaced else text


def _key_advice(row: ObsoleteKey, *, dead: bool) -> str | None:
    if row.replacement is None:
        return "Remove the key."
    where: dict[str | None, str] = {
        "field": f"Set the field {row.replacement}",
        "annotation": f"Write {row.replacement}",
        "label": f"Write {row.replacement}",
    }
    verb = where.get(row.replacement_is, f"Write {row.replacement}")
    return f"{verb} and remove the annotation." if row.replacement_is == "field" or dead else f"{verb} instead."


def _node_label_uses(node: Node) -> Iterator[_KeyUse]:
    if isinstance(node, Workload):
        base = (*node.template_route, "spec")
        selector = node.resource.get(*base, "nodeSelector")
        for key in selector if isinstance(selector, dict) else ():
            yield from _node_label(node, key, (*base, "nodeSelector", key), part="key", value=selector[key])
        affinity = (*base, "affinity")
        required = "requiredDuringSchedulingIgnoredDuringExecution"
        preferred = "preferredDuringSchedulingIgnoredDuringExecution"
        yield from _term_keys(node, (*affinity, "nodeAffinity", required, "nodeSelectorTerms"))
        yield from _preferred_keys(node, (*affinity, "nodeAffinity", preferred))
        for which in ("podAffinity", "podAntiAffinity"):
            yield from _topology_keys(node, (*affinity, which, required), ())
            yield from _topology_keys(node, (*affinity, which, preferred), ("podAffinityTerm",))
        yield from _topology_keys(node, (*base, "topologySpreadConstraints"), ())
    elif isinstance(node, PersistentVolume):
        yield from _term_keys(node, ("spec", "nodeAffinity", "required", "nodeSelectorTerms"))
    elif isinstance(node, StorageClass):
        for index, _ in entries(node.resource.get("allowedTopologies")):
            yield from _expression_keys(node, ("allowedTopologies", index, "matchLabelExpressions"), set())


# The label key, the operator and the values that a term asks for.
_Asked = tuple[str, str, str]


def _term_keys(node: Node, route: tuple[str | int, ...]) -> Iterator[_KeyUse]:
    """Terms are alternatives: an old key is harmless where another term asks the same of the new one."""
    terms = entries(node.resource.get(*route))
    alternatives: set[_Asked] = {
        (str(expression.get("key")), str(expression.get("operator")), str(expression.get("values")))
        for _, term in terms
        for _, expression in entries(term.get("matchExpressions"))
    }
    for index, _ in terms:
        yield from _expression_keys(node, (*route, index, "matchExpressions"), alternatives)


def _preferred_keys(node: Node, route: tuple[str | int, ...]) -> Iterator[_KeyUse]:
    for index, _ in entries(node.resource.get(*route)):
        yield from _expression_keys(node, (*route, index, "preference", "matchExpressions"), set())


def _expression_keys(node: Node, route: tuple[str | int, ...], alternatives: set[_Asked]) -> Iterator[_KeyUse]:
    for index, expression in entries(node.resource.get(*route)):
        row = _label_row(node, expression.get("key"))
        if row is not None:
            same = (str(row.replacement), str(expression.get("operator")), str(expression.get("values")))
            yield _KeyUse(node.at(*route, index, "key"), row, None, replaced=same in alternatives)


def _topology_keys(node: Node, route: tuple[str | int, ...], below: tuple[str, ...]) -> Iterator[_KeyUse]:
    for index, _ in entries(node.resource.get(*route)):
        place = (*route, index, *below, "topologyKey")
        yield from _node_label(node, node.resource.get(*place), place)


def _node_label(
    node: Node,
    key: object,
    route: tuple[str | int, ...],
    *,
    part: Literal["value", "key", "entry"] = "value",
    value: object = None,
) -> Iterator[_KeyUse]:
    row = _label_row(node, key)
    if row is not None and (part != "key" or value is not None):
        yield _KeyUse(node.at(*route, part=part), row, value)


def _label_row(node: Node, key: object) -> ObsoleteKey | None:
    row = node.graph.knowledge.obsolete_key(key) if isinstance(key, str) else None
    return row if row is not None and "node-label" in row.where else None


# Images and provisioners ----------------------------------------------------------------------------------------------


def withdrawn_bitnami_image(container: Container) -> Iterator[Finding]:
    """Bitnami took its versioned images off Docker Hub; the copies under bitnamilegacy are frozen."""
    image = container.image
    if image is None or image.registry != "docker.io":
        return
    account, _, name = image.repository.partition("/")
    if not name or name in _KEPT_BITNAMI or image.digest is not None:
        return
    if account == "bitnamilegacy":
        yield Finding(
            place=container.at("image"),
            message=f"{image.text} is a frozen copy: images under bitnamilegacy get no security fixes any more",
            severity="warning",
        )
    elif account == "bitnami" and image.version is not None:
        yield Finding(
            place=container.at("image"),
            message=f"{image.text} cannot be pulled any more (manifest unknown): Bitnami took its versioned images off "
            f"Docker Hub in 2025, so the next pod of {container.workload.label} on a new node does not start",
        )


def retired_external_provisioner(storage_class: StorageClass) -> Iterator[Finding]:
    """A provisioner whose project is archived, or the old name of one that lives on."""
    driver = storage_class.driver
    if driver is None or not driver.retired or driver.free_name:
        return
    successor = f"Move to {driver.successor}; existing volumes keep the old name." if driver.successor else None
    yield Finding(
        place=storage_class.at("provisioner"),
        message=f"{storage_class.provisioner} is not maintained any more: without it, claims of class "
        f"{storage_class.name} stay Pending",
        help=successor,
    )


def retired_image_registry(container: Container) -> Iterator[Finding]:
    """The old registries of the Kubernetes project are frozen."""
    image, workload = container.image, container.workload
    if image is None or not (workload.has_persistent_mount or workload.kind in {"StatefulSet", "PetSet"}):
        return
    old = image.registry
    if old == "gcr.io" and image.repository.startswith(_OLD_GOOGLE_PATHS):
        old = f"gcr.io/{image.repository.partition('/')[0]}"
    elif old != "k8s.gcr.io":
        return
    if any(old == prefix or prefix.startswith(f"{old}/") for prefix in _mirrors(workload.graph)):
        return
    yield Finding(
        place=container.at("image"),
        message=f"{image.text} comes from {old}, which is frozen since 2023 and gets no new images",
    )


def _mirrors(graph: Graph) -> Mapping[str, Any]:
    mirrors = graph.config.knowledge.get("mirrors")
    return mirrors if isinstance(mirrors, dict) else {}
