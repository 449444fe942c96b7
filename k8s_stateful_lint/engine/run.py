"""One run: files become a graph, rules look at it, and what they say is located, suppressed and sorted."""

from __future__ import annotations

import hashlib
import re
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import msgspec

from k8s_stateful_lint.checks.finding import Finding
from k8s_stateful_lint.config import Confidence, Config, Severity
from k8s_stateful_lint.engine.cards import Head, heads
from k8s_stateful_lint.engine.catalogue import Rule, options_of, rules, selected
from k8s_stateful_lint.engine.report import (
    Location,
    Notice,
    ObjectReference,
    RelatedLocation,
    Report,
    ReportedFinding,
    Summary,
)
from k8s_stateful_lint.engine.suppressions import MARKER, Suppressions, suppressions_of
from k8s_stateful_lint.graph import (
    Graph,
    Kustomization,
    Namespace,
    Node,
    VolumeSnapshot,
    VolumeSnapshotClass,
)
from k8s_stateful_lint.graph.environments import UNSPECIFIED, Environment
from k8s_stateful_lint.knowledge.versions import Version, format_version
from k8s_stateful_lint.model.decode import KUSTOMIZATION_FILES, decode
from k8s_stateful_lint.model.placeholders import is_placeholder
from k8s_stateful_lint.model.resource import FieldProblem, Place, Resource, field_path
from k8s_stateful_lint.reading import Reading, SourceFile, read
from k8s_stateful_lint.schema import NOTHING as WITHOUT_SCHEMAS
from k8s_stateful_lint.schema import Outcome, check_schemas, targets_of
from k8s_stateful_lint.schema.secrets import is_secret

_CONFIDENCES: tuple[Confidence, ...] = ("low", "medium", "high")
_SEVERITIES: tuple[Severity, ...] = ("info", "warning", "error")
_SCHEMA_CHECKS = frozenset({"schema-violation", "unknown-field"})
_STEP = re.compile(r"(?!^)[.\[]")

# How to reach the subjects of each type; the name is the annotation of a rule's first parameter.
_SUBJECTS: dict[str, Callable[[Graph], Iterable[Any]]] = {
    "Node": lambda graph: graph.nodes,
    "Workload": lambda graph: graph.workloads,
    "StatefulSet": lambda graph: graph.stateful_sets,
    "Container": lambda graph: graph.containers,
    "PodVolume": lambda graph: graph.pod_volumes,
    "Mount": lambda graph: (mount for workload in graph.workloads for mount in workload.mounts),
    "Claim": lambda graph: graph.claims,
    "PersistentVolume": lambda graph: graph.persistent_volumes,
    "StorageClass": lambda graph: graph.storage_classes,
    "VolumeSnapshot": lambda graph: graph.of_type(VolumeSnapshot),
    "VolumeSnapshotClass": lambda graph: graph.of_type(VolumeSnapshotClass),
    "Service": lambda graph: graph.services,
    "DisruptionBudget": lambda graph: graph.disruption_budgets,
    "Autoscaler": lambda graph: graph.autoscalers,
    "Kustomization": lambda graph: graph.of_type(Kustomization),
    "Namespace": lambda graph: graph.of_type(Namespace),
    "Server": lambda graph: graph.servers,
    "Database": lambda graph: graph.databases,
}


@dataclass
class _FileFacts:
    """What a file holds, kept for locating findings."""

    file: SourceFile
    reading: Reading
    resources: list[Resource] = field(default_factory=list)


@dataclass
class _Draft:
    """A finding on its way to the report."""

    head: Head
    severity: Severity
    confidence: Confidence
    message: str
    location: Location
    resource: Resource | None
    path: str
    environment: Environment
    related: tuple[RelatedLocation, ...]
    help: str
    value: object = None


def run(files: Iterable[SourceFile], config: Config, notices: Iterable[Notice] = ()) -> Report:
    """Lint files; raises what :func:`inspect` raises."""
    return inspect(files, config, notices).report


class Inspection(NamedTuple):
    """What a run found, and the graph it looked at."""

    report: Report
    graph: Graph


def inspect(files: Iterable[SourceFile], config: Config, notices: Iterable[Notice] = ()) -> Inspection:
    """Lint files, and keep the graph.

    Raises:
        ConfigError: the configuration names a rule, an option or a version that does not exist.

    """
    chosen = selected(config)
    facts = [_read(file) for file in files]
    unread = [item.file.path for item in facts if item.reading.faults or item.reading.notices]
    targets = targets_of(config)
    resources = [resource for item in facts for resource in item.resources]
    graphs = {version: Graph(resources, _for_version(config, version), unread) for version in targets}
    # Of a range, the newest version is the one that the report shows.
    graph = graphs[targets[-1]]
    drafts = [draft for item in facts for draft in _faults(item, chosen)]
    schemas = check_schemas(graph, config, targets) if chosen & _SCHEMA_CHECKS else WITHOUT_SCHEMAS
    drafts += _schema_drafts(schemas, chosen, config)
    drafts += [draft for item in facts for draft in _field_problems(item, graph, chosen, config, schemas)]
    crashes: list[str] = []
    for name, rule in rules().items():
        if name in chosen:
            found = {version: list(_run_rule(rule, graphs[version], config, crashes)) for version in targets}
            drafts += _merged(found)
    kept, suppressed = _suppress(_without_echoes(drafts), facts, chosen, config)
    kept.sort(key=_order)
    told = [*notices, *_notices(facts)]
    if schemas.without_schema is not None:
        told.append(Notice(kind="no-schema", message=schemas.without_schema))
    report = _report(kept, facts, graph, suppressed, tuple(dict.fromkeys(crashes)), told)
    return Inspection(report, graph)


def _for_version(config: Config, version: Version) -> Config:
    return msgspec.structs.replace(config, target=format_version(version))


def _read(file: SourceFile) -> _FileFacts:
    reading = read(file)
    resources = [resource for document in reading.documents for resource in decode(document)]
    return _FileFacts(file, reading, resources)


# Findings of the engine itself ------------------------------------------------------------------------------


def _faults(item: _FileFacts, chosen: frozenset[str]) -> Iterable[_Draft]:
    if "unreadable-manifest" not in chosen or not _looks_like_manifest(item.file):
        return
    head = heads()["unreadable-manifest"]
    for fault in item.reading.faults:
        place = Location(
            file=item.file.path, line=fault.line, column=fault.column, end_line=fault.line, end_column=fault.column + 1
        )
        yield _Draft(
            head, head.severity, head.confidence, fault.message, place, None, "", UNSPECIFIED, (), fault.expected
        )


def _looks_like_manifest(file: SourceFile) -> bool:
    """Whether a file that cannot be read was meant for Kubernetes: broken YAML of other tools is not our business."""
    name = file.path.rpartition("/")[2]
    return name in KUSTOMIZATION_FILES or (b"apiVersion" in file.data and b"kind" in file.data)


def _schema_drafts(schemas: Outcome, chosen: frozenset[str], config: Config) -> Iterable[_Draft]:
    for rule, finding, node in schemas.findings:
        if rule in chosen:
            draft = _draft(heads()[rule], finding, node, config)
            if draft is not None:
                yield draft


def _field_problems(
    item: _FileFacts, graph: Graph, chosen: frozenset[str], config: Config, schemas: Outcome
) -> Iterable[_Draft]:
    """What does not fit the model; only of objects that have no schema, which knows every field."""
    if "schema-violation" not in chosen:
        return
    head = heads()["schema-violation"]
    for resource in item.resources:
        if resource in schemas.covered:
            continue
        for problem in resource.problems:
            if problem.kind != "wrong-type" or is_placeholder(resource.get(*problem.route)):
                continue
            place = Place(resource, problem.route)
            message = f"{field_path(problem.route)} must be {problem.expected}, not {problem.found}"
            finding = Finding(place=place, message=message, help=_advice(problem))
            draft = _draft(head, finding, Node(graph, resource), config)
            if draft is not None:
                yield draft


def _without_echoes(drafts: list[_Draft]) -> list[_Draft]:
    """Leave out what the schema check says about a field that a rule speaks about.

    The rules of family api-validity know what is above and below their fields too: one that calls a volume's source
    unknown says all there is to say about the fields in it.
    """
    if not any(draft.head.name in _SCHEMA_CHECKS for draft in drafts):
        return drafts
    spoken = {(draft.resource, draft.path) for draft in drafts if draft.head.name not in _SCHEMA_CHECKS}
    known = {(draft.resource, draft.path) for draft in drafts if draft.head.family == "api-validity"}
    spoken |= {(resource, path) for resource, below in known for path in _paths_above(below)}
    return [
        draft
        for draft in drafts
        if draft.head.name not in _SCHEMA_CHECKS
        or not (
            (draft.resource, draft.path) in spoken
            or any((draft.resource, path) in known for path in _paths_above(draft.path))
        )
    ]


def _paths_above(path: str) -> Iterable[str]:
    return (path[: step.start()] for step in _STEP.finditer(path))


def _advice(problem: FieldProblem) -> str | None:
    if problem.expected == "a string" and problem.found.startswith(("the boolean", "the number")):
        return "quote the value"
    if problem.expected == "an integer" and problem.found.startswith("the string"):
        return "remove the quotes"
    return None


# Rules ---------------------------------------------------------------------------------------------


def _run_rule(rule: Rule, graph: Graph, config: Config, crashes: list[str]) -> Iterable[_Draft]:
    options = options_of(rule, config)
    drafts: list[_Draft] = []
    for subject_type in rule.subjects:
        for subject in _SUBJECTS[subject_type](graph):
            owner = _owner(subject)
            if owner.is_owned or (owner.is_partial and not rule.head.partial):
                continue
            try:
                found = list(rule.check(subject, options) if rule.takes_options else rule.check(subject))
            except Exception:
                crashes.append(
                    f"rule {rule.head.name} failed on {owner.label} in {owner.resource.path}:\n"
                    + traceback.format_exc(limit=-4)
                )
                continue
            for finding in found:
                draft = _draft(rule.head, finding, owner, config)
                if draft is not None:
                    drafts.append(draft)
    return _once_per_place(drafts)


def _merged(found: dict[Version, list[_Draft]]) -> list[_Draft]:
    """The findings of a rule at each end of a range; one that is not the same at both names its version."""
    if len(found) == 1:
        return next(iter(found.values()))
    groups: dict[tuple[Any, ...], dict[Version, _Draft]] = {}
    for version, drafts in found.items():
        for draft in drafts:
            groups.setdefault((draft.resource, draft.path, draft.location), {})[version] = draft
    merged = []
    for group in groups.values():
        worst = max(group, key=lambda version: (_SEVERITIES.index(group[version].severity), version))
        draft, name = group[worst], format_version(worst)
        same = len(group) == len(found) and len({draft.severity for draft in group.values()}) == 1
        if not same and name not in draft.message:
            draft.message += f" (Kubernetes {name})"
        merged.append(draft)
    return merged


def _once_per_place(drafts: list[_Draft]) -> list[_Draft]:
    """One finding per subject path: of several at the same place the most severe stays."""
    best: dict[tuple[str, int, int, str], _Draft] = {}
    for draft in drafts:
        key = (draft.location.file, draft.location.line, draft.location.column, draft.path)
        other = best.get(key)
        if other is None or _SEVERITIES.index(draft.severity) > _SEVERITIES.index(other.severity):
            best[key] = draft
    return list(best.values())


def _owner(subject: Any) -> Node:
    """The object a subject belongs to."""
    if isinstance(subject, Node):
        return subject
    owner: Node = subject.workload
    return owner


def _draft(head: Head, finding: Finding, owner: Node, config: Config) -> _Draft | None:
    settings = config.rule(head.name)
    path = finding.place.resource.path
    if settings.severity == "off" or any(fnmatchcase(path, glob) for glob in settings.exclude):
        return None
    environment = owner.environment
    severity: Severity = finding.severity or head.severity
    if finding.severity is None:
        if environment.name == "production" and head.production is not None:
            severity = head.production
        elif environment.name == "development" and head.development is not None:
            severity = head.development
    confidence = finding.confidence or head.confidence
    if finding.unverified:
        confidence = "low"
        severity = "warning" if severity == "error" else severity
    lowered = max(0, _CONFIDENCES.index(confidence) - finding.weak)
    resource, route = finding.place.resource, finding.place.route
    return _Draft(
        head,
        settings.severity or severity,
        _CONFIDENCES[lowered],
        finding.message,
        _locate(finding.place),
        finding.place.resource,
        finding.place.field_path,
        environment,
        tuple(
            RelatedLocation(location=_locate(place), label=label, object=_reference(place.resource))
            for place, label in finding.related
        ),
        finding.help or head.fix,
        # A digest of a weak password is as good as the password.
        None if is_secret(resource, route) else resource.get(*route),
    )


def _locate(place: Place) -> Location:
    resource = place.resource
    span = resource.document.span((*resource.route, *place.route), part=place.part)
    if not _exists(place):
        span = resource.document.span((*resource.route, *_nearest_written(place)), part="key")
    return Location(
        file=resource.path,
        line=span.line,
        column=span.column,
        end_line=span.end_line,
        end_column=span.end_column,
    )


def _exists(place: Place) -> bool:
    return place.resource.get(*place.route) is not None


def _nearest_written(place: Place) -> tuple[str | int, ...]:
    """The nearest ancestor that is written; a null key counts, and an object without it is shown by its name."""
    route = place.route
    for length in range(len(route), 0, -1):
        parent = place.resource.get(*route[: length - 1]) if length > 1 else place.resource.raw
        step = route[length - 1]
        if (isinstance(parent, dict) and step in parent) or (
            isinstance(parent, list) and isinstance(step, int) and step < len(parent)
        ):
            return route[:length]
    return ("metadata", "name") if place.resource.get("metadata", "name") is not None else ()


def _reference(resource: Resource) -> ObjectReference:
    return ObjectReference(
        api_version=resource.api_version,
        kind=resource.kind,
        namespace=resource.metadata.namespace,
        name=resource.name,
    )


# Suppression and report -------------------------------------------------------------------------------------


def _suppress(
    drafts: list[_Draft], facts: list[_FileFacts], chosen: frozenset[str], config: Config
) -> tuple[list[_Draft], int]:
    if not config.ignore_comments:
        return drafts, 0
    by_file: dict[str, Suppressions] = {}
    for item in facts:
        if MARKER.encode() in item.file.data.lower():
            by_file[item.file.path] = suppressions_of(item.file, item.reading.documents, item.resources)
    if not by_file:
        return drafts, 0
    kept: list[_Draft] = []
    for draft in drafts:
        suppressions = by_file.get(draft.location.file)
        if suppressions and suppressions.suppresses(draft.head.name, draft.location.line, draft.resource):
            continue
        kept.append(draft)
    suppressed = len(drafts) - len(kept)
    if "useless-suppression" in chosen:
        kept += [draft for path, found in by_file.items() for draft in _useless(path, found, chosen)]
    return kept, suppressed


def _useless(path: str, found: Suppressions, chosen: frozenset[str]) -> Iterable[_Draft]:
    head = heads()["useless-suppression"]
    for problem in found.useless(chosen):
        place = Location(
            file=path,
            line=problem.line,
            column=problem.column,
            end_line=problem.line,
            end_column=problem.column + 1,
        )
        yield _Draft(
            head,
            head.severity,
            head.confidence,
            problem.message,
            place,
            problem.resource,
            "",
            UNSPECIFIED,
            (),
            head.fix,
        )


def _order(draft: _Draft) -> tuple[Any, ...]:
    place = draft.location
    return (place.file, place.line, place.column, draft.head.name, draft.path, draft.message)


def _report(
    drafts: list[_Draft],
    facts: list[_FileFacts],
    graph: Graph,
    suppressed: int,
    crashes: tuple[str, ...],
    notices: list[Notice],
) -> Report:
    count = Counter(draft.severity for draft in drafts)
    seen: defaultdict[str, int] = defaultdict(int)
    findings = tuple(_reported(draft, seen) for draft in drafts)
    shown = {finding.location.file for finding in findings} | {
        related.location.file for finding in findings for related in finding.related
    }
    return Report(
        findings=findings,
        notices=tuple(sorted([*notices, *_unresolved(graph)], key=lambda n: (n.file or "", n.line or 0, n.message))),
        summary=Summary(
            files=len(facts),
            documents=sum(len(item.reading.documents) for item in facts),
            objects=len(graph.resources),
            errors=count["error"],
            warnings=count["warning"],
            infos=count["info"],
            suppressed=suppressed,
            unresolved=len(graph.unresolved),
        ),
        crashes=crashes,
        sources={item.file.path: item.file for item in facts if item.file.path in shown},
        graph=graph,
    )


def _reported(draft: _Draft, seen: defaultdict[str, int]) -> ReportedFinding:
    return ReportedFinding(
        rule=draft.head.name,
        severity=draft.severity,
        confidence=draft.confidence,
        message=draft.message,
        location=draft.location,
        object=_reference(draft.resource) if draft.resource is not None else None,
        path=draft.path,
        environment=draft.environment.name,
        environment_reason=draft.environment.reason,
        fingerprint=_fingerprint(draft, seen),
        related=draft.related,
        help=draft.help,
        url=draft.head.url,
    )


def _fingerprint(draft: _Draft, seen: defaultdict[str, int]) -> str:
    """What a finding is about, without line numbers: it survives moving and reformatting the file."""
    resource = draft.resource
    parts = [draft.head.name, draft.location.file, draft.path]
    if resource is not None:
        parts += [resource.group, resource.kind, resource.metadata.namespace or "", resource.name]
        value = draft.value
        parts.append(value if isinstance(value, str) else repr(value) if isinstance(value, int | float) else "")
    else:
        parts.append(draft.message)
    digest = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]
    seen[digest] += 1
    return digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"


def _unresolved(graph: Graph) -> Iterable[Notice]:
    for reference in graph.unresolved:
        location = _locate(reference.place)
        why = "is defined several times, differently" if reference.is_ambiguous else "is not in the input"
        yield Notice(
            kind="ambiguous" if reference.is_ambiguous else "unresolved",
            message=f"{reference.kind} {reference.name} {why}",
            file=location.file,
            line=location.line,
        )


def _notices(facts: list[_FileFacts]) -> Iterable[Notice]:
    for item in facts:
        for notice in item.reading.notices:
            yield Notice(kind=notice.kind, message=notice.message, file=item.file.path, line=notice.line)
