"""The schema check of a run: which objects are validated, and which of the errors are worth telling."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING

import msgspec

from k8s_stateful_lint._patterns import regex
from k8s_stateful_lint.checks.finding import Finding
from k8s_stateful_lint.checks.near_miss import edit_distance
from k8s_stateful_lint.config import Config
from k8s_stateful_lint.graph import Graph, Node, Workload
from k8s_stateful_lint.graph.once import once
from k8s_stateful_lint.knowledge.versions import Version, format_version
from k8s_stateful_lint.model.decode import modelled_kinds, modelled_kinds_of
from k8s_stateful_lint.model.kustomization import KustomizationBody
from k8s_stateful_lint.model.placeholders import is_placeholder
from k8s_stateful_lint.model.resource import Place, Resource
from k8s_stateful_lint.reading import Route
from k8s_stateful_lint.schema.kinds import Error, KindSchema, schema_of
from k8s_stateful_lint.schema.secrets import is_secret
from k8s_stateful_lint.schema.store import known_versions

if TYPE_CHECKING:
    from k8s_stateful_lint.schema.wording import Words

BUILT_IN_GROUPS = frozenset(
    {
        "admission.k8s.io",
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "flowcontrol.apiserver.k8s.io",
        "imagepolicy.k8s.io",
        "internal.apiserver.k8s.io",
        "lifecycle.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "rbac.authorization.k8s.io",
        "resource.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
        "storagemigration.k8s.io",
    }
)
"""The API groups of Kubernetes itself that have a dot; every other group with a dot belongs to custom resources."""

# Required by the schema only: Go cannot tell an absent field from an empty one, and the API server accepts or defaults
# the empty value (pkg/apis/*/validation and pkg/apis/*/*/defaults.go).
_ACCEPTED_WITHOUT = frozenset(
    {
        ("HTTPHeader", "value"),
        ("ISCSIPersistentVolumeSource", "lun"),
        ("ISCSIVolumeSource", "lun"),
        ("NetworkPolicySpec", "podSelector"),
        ("PodFailurePolicyRule", "onPodConditions"),
        ("PreferredSchedulingTerm", "preference"),
        ("PriorityClass", "value"),
        ("RoleRef", "apiGroup"),
        ("ScaleIOPersistentVolumeSource", "secretRef"),
        ("ScaleIOVolumeSource", "secretRef"),
        ("SleepAction", "seconds"),
        ("StatefulSetSpec", "serviceName"),
        ("Sysctl", "value"),
    }
)
# Written by old API servers, in exported objects; people do not write them.
_SERVER_METADATA = frozenset({"clusterName", "initializers"})
_LONG_KIND = 8  # letters from which on two of them may be wrong
_CAPITALS = regex(r"_*[A-Z][A-Z0-9_]*\Z")


class Outcome(msgspec.Struct, frozen=True):
    """What the check says: findings with their rules, which objects it looked at, and a text about kinds it cannot."""

    findings: tuple[tuple[str, Finding, Node], ...]
    covered: frozenset[Resource]
    without_schema: str | None


NOTHING = Outcome((), frozenset(), None)


def check_schemas(graph: Graph, config: Config, targets: Sequence[Version]) -> Outcome:
    """Validate the objects of the input against the schemas of every target version."""
    if config.schema == "off":
        return NOTHING
    findings: list[tuple[str, Finding, Node]] = []
    covered: set[Resource] = set()
    versions = tuple(targets)
    for node in graph.nodes:
        resource = node.resource.as_written
        if resource.body is None:
            meant = _meant(resource.api_version, resource.kind, versions)
            if meant is not None and not node.is_owned:
                findings.append(("schema-violation", _misspelt(node, meant), node))
            if config.schema != "all":
                continue
        schemas = {version: schema_of(resource.api_version, resource.kind, version) for version in targets}
        served = {version: schema for version, schema in schemas.items() if schema is not None}
        if served:
            covered.add(resource)
            if not node.is_owned:
                findings.extend((rule, finding, node) for rule, finding in _findings(node, served))
    return Outcome(tuple(findings), frozenset(covered), _without_schema(graph))


def _findings(node: Node, schemas: dict[Version, KindSchema]) -> Iterator[tuple[str, Finding]]:
    """The findings of one object in all versions; one that not every version shares names its version."""
    resource = node.resource.as_written
    told: dict[tuple[str, Route], dict[Version, Error]] = {}
    for version, schema in schemas.items():
        for error in schema.errors(resource.raw):
            if silence(error, node) is None:
                told.setdefault((error.violation, error.route), {})[version] = error
    for (violation, route), errors in told.items():
        version = max(errors)
        words = _words(errors[version], resource, schemas[version], version)
        message = words.message
        if len(errors) < len(schemas) and format_version(version) not in message:
            message += f" (Kubernetes {format_version(version)})"
        place = Place(resource, route, "key" if violation == "unknown" or _is_long(resource, route) else "value")
        rule = "unknown-field" if violation == "unknown" else "schema-violation"
        yield rule, Finding(place=place, message=message, help=words.help)


@cache
def _meant(api_version: str, kind: str, targets: tuple[Version, ...]) -> str | None:
    """The kind that was meant where no version of Kubernetes serves the one that is written."""
    group = api_version.rpartition("/")[0]
    if kind in modelled_kinds() or is_placeholder(kind) or ("." in group and group not in BUILT_IN_GROUPS):
        return None
    if set(targets).isdisjoint(known_versions()) or any(schema_of(api_version, kind, each) for each in targets):
        return None
    limit = 1 if len(kind) < _LONG_KIND else 2
    near = (known for known in modelled_kinds_of(group) if edit_distance(kind.lower(), known.lower(), limit) <= limit)
    return next(near, None)


def _misspelt(node: Node, meant: str) -> Finding:
    resource = node.resource
    return Finding(
        place=Place(resource, ("kind",)),
        message=f'the API server refuses {node.label}: no matches for kind "{resource.kind}" in version '
        f'"{resource.api_version}"',
        help=f"Write kind: {meant}.",
    )


def _is_long(resource: Resource, route: Route) -> bool:
    """Whether the value goes over several lines, so that its key shows it better."""
    return isinstance(resource.get(*route), dict | list) and isinstance(route[-1], str)


def _words(error: Error, resource: Resource, schema: KindSchema, version: Version) -> Words:
    from k8s_stateful_lint.schema.wording import newer, wording

    if error.violation == "unknown":
        for later in known_versions():
            if later > version:
                other = schema_of(resource.api_version, resource.kind, later)
                if other is not None and other.has_field(error.route):
                    return newer(error, format_version(version), format_version(later))
    return wording(error, schema, resource.raw, secret=is_secret(resource, error.route))


# What is not told -----------------------------------------------------------------------------------------------------


def silence(error: Error, node: Node) -> str | None:
    """Why an error of the schema is nothing that a person should hear about; None where it is."""
    match error.violation:
        case "unknown":
            return _silence_of_unknown(error, node.resource.as_written)
        case "missing":
            return _silence_of_missing(error, node)
        case _:
            return _silence_of_value(error, node.resource.as_written.get(*error.route))


def _silence_of_unknown(error: Error, resource: Resource) -> str | None:
    name = str(error.route[-1])
    if resource.get(*error.route) is None:
        return "null is absent"
    if error.route[0] == "status" or (error.owner.name == "ObjectMeta" and name in _SERVER_METADATA):
        return "written by the server"
    if name.startswith("$"):  # also `$setElementOrder/...`
        return "directive of a patch"
    return "placeholder" if is_placeholder(name) else None


def _silence_of_missing(error: Error, node: Node) -> str | None:
    *parents, name = error.route
    parent = node.resource.as_written.get(*parents)
    if error.route[0] == "status":
        return "written by the server"
    if (error.owner.name, name) in _ACCEPTED_WITHOUT:
        return "the server does without it"
    if any(is_placeholder(key) for key in parent or ()):
        return "placeholder"
    if node.is_partial or (isinstance(node, Workload) and node.is_without_labels):
        return "patch"
    return "comes from elsewhere" if _is_completed(error.route, node) else None


def _silence_of_value(error: Error, value: object) -> str | None:
    if is_placeholder(value):
        return "placeholder"
    if not isinstance(value, str):
        return None
    if error.violation == "value" and not value:
        return "empty is the default"
    # A name in capitals where a number is due is one that some script replaces.
    wants_text = error.violation == "type" and "string" in error.expected
    return "placeholder" if not wants_text and _CAPITALS.match(value) else None


def _is_completed(route: Route, node: Node) -> bool:
    """Whether the field comes from elsewhere: a kustomization, a patch, or another document of the unit."""
    units, path = node.graph.units, node.resource.path
    if route[-1] == "selector" and units.has_label_transformer(path):
        return True
    if route[-1] == "namespace" and units.namespace(path):
        return True
    if not node.name:
        return False
    if node.resource.get(*route) is not None:
        return True  # a patch writes it
    return _is_written_by_another(node.graph, node.kind, node.name, node.units, route)


@once
def _is_written_by_another(graph: Graph, kind: str, name: str, units: frozenset[str], route: Route) -> bool:
    """Whether a document of an object has a field that the one in question has not."""
    return any(
        other.resource.get(*route) is not None for other in graph.named(kind, name) if not units.isdisjoint(other.units)
    )


# Custom resources -----------------------------------------------------------------------------------------------------


def _without_schema(graph: Graph) -> str | None:
    """A sentence about the kinds of the input that only a cluster knows; None where there are none."""
    kinds = {
        (resource.group, resource.kind)
        for resource in graph.resources
        if "." in resource.group
        and resource.group not in BUILT_IN_GROUPS
        and not isinstance(resource.body, KustomizationBody)
    }
    if not kinds:
        return None
    names = ", ".join(sorted({kind for _, kind in kinds}))
    if len(kinds) == 1:
        return f"1 kind has no schema and was not checked against one: {names}"
    return f"{len(kinds)} kinds have no schema and were not checked against one: {names}"
