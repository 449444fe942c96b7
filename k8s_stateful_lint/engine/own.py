"""Findings of the engine itself: files that cannot be read, and what does not fit the API's schemas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from k8s_stateful_lint._patterns import regex
from k8s_stateful_lint.checks.finding import Finding
from k8s_stateful_lint.engine.cards import heads
from k8s_stateful_lint.engine.drafts import Draft, locate, make_draft
from k8s_stateful_lint.engine.policy import Policy
from k8s_stateful_lint.engine.report import Location
from k8s_stateful_lint.engine.suppressions import ANNOTATION, Problem, Suppressions
from k8s_stateful_lint.graph import Graph, Node
from k8s_stateful_lint.graph.environments import UNSPECIFIED
from k8s_stateful_lint.model.decode import KUSTOMIZATION_FILES
from k8s_stateful_lint.model.placeholders import is_placeholder
from k8s_stateful_lint.model.resource import FieldProblem, Place, Resource, field_path
from k8s_stateful_lint.reading import Reading, SourceFile
from k8s_stateful_lint.schema import Outcome

SCHEMA_CHECKS = frozenset({"schema-violation", "unknown-field"})
_STEP = regex(r"(?!^)[.\[]")


class FileFacts(msgspec.Struct):
    """What a file holds, kept for locating findings."""

    file: SourceFile
    reading: Reading
    resources: list[Resource] = []


def faults(item: FileFacts, policy: Policy) -> Iterable[Draft]:
    """What makes a file unreadable."""
    head = heads()["unreadable-manifest"]
    severity = policy.severity(head, head.severity, (item.file.path,), UNSPECIFIED.name)
    if severity is None or not _looks_like_manifest(item.file):
        return
    for fault in item.reading.faults:
        place = Location(
            file=item.file.shown, line=fault.line, column=fault.column, end_line=fault.line, end_column=fault.column + 1
        )
        advice = f"{fault.expected[:1].upper()}{fault.expected[1:]}."
        yield Draft(head, severity, head.confidence, fault.message, place, None, "", UNSPECIFIED, (), advice)


def _looks_like_manifest(file: SourceFile) -> bool:
    """Whether a file that cannot be read was meant for Kubernetes: broken YAML of other tools is not our business."""
    name = file.path.rpartition("/")[2]
    return name in KUSTOMIZATION_FILES or (b"apiVersion" in file.data and b"kind" in file.data)


def schema_drafts(schemas: Outcome, policy: Policy) -> Iterable[Draft]:
    """What the schema check found."""
    for rule, finding, node in schemas.findings:
        if rule in policy.chosen:
            draft = make_draft(heads()[rule], finding, node, policy)
            if draft is not None:
                yield draft


def field_problems(item: FileFacts, graph: Graph, policy: Policy, schemas: Outcome) -> Iterable[Draft]:
    """What does not fit the model; only of objects that have no schema, which knows every field."""
    if "schema-violation" not in policy.chosen:
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
            draft = make_draft(head, finding, Node(graph, resource), policy)
            if draft is not None:
                yield draft


def without_echoes(drafts: list[Draft]) -> list[Draft]:
    """Leave out what the schema check says about a field that a rule speaks about.

    The rules of family api-validity know what is above and below their fields too: one that calls a volume's source
    unknown says all there is to say about the fields in it.
    """
    if not any(draft.head.name in SCHEMA_CHECKS for draft in drafts):
        return drafts
    spoken = {(draft.resource, draft.path) for draft in drafts if draft.head.name not in SCHEMA_CHECKS}
    known = {(draft.resource, draft.path) for draft in drafts if draft.head.family == "api-validity"}
    spoken |= {(resource, path) for resource, below in known for path in _paths_above(below)}
    return [
        draft
        for draft in drafts
        if draft.head.name not in SCHEMA_CHECKS
        or not (
            (draft.resource, draft.path) in spoken
            or any((draft.resource, path) in known for path in _paths_above(draft.path))
        )
    ]


def _paths_above(path: str) -> Iterable[str]:
    return (path[: step.start()] for step in _STEP.finditer(path))


def _advice(problem: FieldProblem) -> str | None:
    if problem.expected == "a string" and problem.found.startswith(("the boolean", "the number")):
        return "Quote the value."
    if problem.expected == "an integer" and problem.found.startswith("the string"):
        return "Remove the quotes."
    return None


def useless_suppressions(
    by_file: Mapping[str, Suppressions], policy: Policy, alternatives: Mapping[str, frozenset[str]]
) -> Iterable[Draft]:
    """Directives that are wrong or suppressed nothing; one that several overlays share must be of use to one only."""
    head = heads()["useless-suppression"]
    useless = {path: list(found.useless(policy.everywhere)) for path, found in by_file.items()}
    told = set()
    for path, problems in useless.items():
        others = [other for other in alternatives.get(path, ()) if other in by_file]
        for problem in problems:
            sharing = [o for o in others if any(problem.text == each.text for each in by_file[o].directives)]
            if not all(any(problem.text == each.text for each in useless[o]) for o in sharing):
                continue
            place = _place_of(problem, path)
            severity = policy.severity(head, head.severity, (place.file,), UNSPECIFIED.name)
            if severity is None or (place, problem.message) in told:
                continue
            told.add((place, problem.message))
            yield Draft(
                head,
                severity,
                head.confidence,
                problem.message,
                place,
                problem.resource,
                "",
                UNSPECIFIED,
                (),
                head.fix,
            )


def _place_of(problem: Problem, path: str) -> Location:
    if problem.resource is not None and problem.resource.origin is not None:
        return locate(Place(problem.resource, ("metadata", "annotations", ANNOTATION)))
    line, column = problem.line, problem.column
    return Location(file=path, line=line, column=column, end_line=line, end_column=column + 1)
