"""Documents become resources: which object is which kind, and what its fields say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from k8s_stateful_lint._patterns import regex
from k8s_stateful_lint.model import kustomization, storage, workloads
from k8s_stateful_lint.model.base import ApiStruct, Metadata
from k8s_stateful_lint.model.placeholders import is_placeholder
from k8s_stateful_lint.model.resource import FieldProblem, Resource

if TYPE_CHECKING:
    from k8s_stateful_lint.model.patches import Patch
    from k8s_stateful_lint.reading import Document, Route

# Kind -> API groups in which it is (or once was) that kind, and its type. Old groups are read too, so that they can be
# reported and everything else about the object still checked.
_MODELLED: dict[str, tuple[frozenset[str], type[ApiStruct]]] = {
    kind: (frozenset(groups), body)
    for kind, groups, body in (
        ("Pod", {""}, workloads.PodBody),
        ("Deployment", {"apps", "extensions"}, workloads.WorkloadBody),
        ("ReplicaSet", {"apps", "extensions"}, workloads.WorkloadBody),
        ("StatefulSet", {"apps"}, workloads.WorkloadBody),
        ("PetSet", {"apps"}, workloads.WorkloadBody),
        ("DaemonSet", {"apps", "extensions"}, workloads.WorkloadBody),
        ("ReplicationController", {""}, workloads.ControllerBody),
        ("Job", {"batch", "extensions"}, workloads.JobBody),
        ("CronJob", {"batch"}, workloads.CronJobBody),
        ("PersistentVolumeClaim", {""}, storage.ClaimBody),
        ("PersistentVolume", {""}, storage.PersistentVolumeBody),
        ("StorageClass", {"storage.k8s.io"}, storage.StorageClassBody),
        ("VolumeSnapshot", {"snapshot.storage.k8s.io"}, storage.VolumeSnapshotBody),
        ("VolumeSnapshotClass", {"snapshot.storage.k8s.io"}, storage.VolumeSnapshotClassBody),
        ("VolumeSnapshotContent", {"snapshot.storage.k8s.io"}, storage.VolumeSnapshotContentBody),
        ("Service", {""}, workloads.ServiceBody),
        ("ConfigMap", {""}, workloads.ConfigMapBody),
        ("Namespace", {""}, workloads.PlainBody),
        ("PodDisruptionBudget", {"policy"}, workloads.DisruptionBudgetBody),
        ("HorizontalPodAutoscaler", {"autoscaling", "extensions"}, workloads.HorizontalPodAutoscalerBody),
        ("ScaledObject", {"keda.sh"}, workloads.ScaledObjectBody),
        ("Kustomization", {"kustomize.config.k8s.io"}, kustomization.KustomizationBody),
        ("Component", {"kustomize.config.k8s.io"}, kustomization.KustomizationBody),
    )
}
Body = TypeVar("Body", bound=ApiStruct)

KUSTOMIZATION_FILES = frozenset({"kustomization.yaml", "kustomization.yml", "Kustomization"})
# Groups that never existed for a kind, as in `apiVersion: v1/apps`: people mean the kind, so it is read as the kind.
_MANGLED_GROUP = regex(r"v\d+\w*\Z")
_MAX_REPAIRS = 200
_MESSAGE = regex(r"Expected `(?P<expected>.+?)`(?:, got `(?P<found>\w+)`)?.*?(?: - at `(?P<path>[^`]*)`)?\Z")
_STEP = regex(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")
_TYPE_NAMES = {
    "int": "an integer",
    "str": "a string",
    "bool": "a boolean",
    "object": "a mapping",
    "array": "a list",
    "float": "a number",
}

_EMPTY: dict[str, object] = {"a string": "", "an integer": 0, "a list": []}


def decode(document: Document) -> Iterator[Resource]:
    """The API objects of a document: the items of a List one by one, nothing for YAML that is not Kubernetes."""
    yield from _decode_value(document, document.value, ())


def modelled_kinds() -> frozenset[str]:
    """Every kind that is read into typed fields."""
    return frozenset(_MODELLED)


def modelled_kinds_of(group: str) -> tuple[str, ...]:
    """The kinds that are read into typed fields and are, or once were, in an API group."""
    return tuple(kind for kind, (groups, _) in _MODELLED.items() if group in groups)


def _decode_value(document: Document, value: object, route: Route) -> Iterator[Resource]:
    # Lists may hold Lists; a stack keeps hostile nesting from becoming Python recursion.
    pending: list[tuple[object, Route]] = [(value, route)]
    while pending:
        value, route = pending.pop()
        if not isinstance(value, dict):
            continue
        api_version, kind = value.get("apiVersion"), value.get("kind")
        if not isinstance(kind, str) or not isinstance(api_version, str):
            name = document.file.path.rpartition("/")[2]
            if route or name not in KUSTOMIZATION_FILES or "kind" in value:
                continue
            api_version, kind = "kustomize.config.k8s.io/v1beta1", "Kustomization"
        items = value.get("items")
        if kind.endswith("List") and isinstance(items, list):
            pending.extend((item, (*route, "items", index)) for index, item in reversed(list(enumerate(items))))
            continue
        yield _resource(document, value, route, api_version, kind)


def _resource(document: Document, raw: dict[str, Any], route: Route, api_version: str, kind: str) -> Resource:
    groups_and_body = _MODELLED.get(kind)
    group = api_version.rpartition("/")[0]
    if groups_and_body and (group in groups_and_body[0] or _MANGLED_GROUP.match(group)):
        body, problems = convert(raw, groups_and_body[1])
        metadata = body.metadata if body is not None else Metadata()  # type: ignore[attr-defined]
        return Resource(document, route, api_version, kind, raw, body, metadata, problems)
    written = raw.get("metadata")
    head, _ = convert({"metadata": written} if isinstance(written, dict) else {}, workloads.PlainBody)
    return Resource(document, route, api_version, kind, raw, None, head.metadata if head else Metadata())


def patched(resource: Resource, raw: Mapping[str, Any], patches: tuple[Patch, ...]) -> Resource:
    """The resource that patches make of another one, which stays as ``as_written``."""
    made = _resource(resource.document, dict(raw), resource.route, resource.api_version, resource.kind)
    return msgspec.structs.replace(made, origin=resource.origin, unpatched=resource.as_written, patches=patches)


def convert(raw: dict[str, Any], body: type[Body]) -> tuple[Body | None, tuple[FieldProblem, ...]]:
    """Read a mapping as a type; a field that does not fit is reported and read as absent.

    Returns:
        The typed object (None only when even the repaired mapping does not fit) and one problem per field left out.

    """
    problems: list[FieldProblem] = []
    value: Any = raw
    for _ in range(_MAX_REPAIRS):
        try:
            return msgspec.convert(value, body, strict=True), tuple(problems)
        except msgspec.ValidationError as error:
            misfits = list(_misfits(str(error), value))
            if not misfits:
                return None, tuple(problems)
            problems += misfits
            value = _without(value, misfits)
    return None, tuple(problems)


def _misfits(message: str, value: object) -> Iterator[FieldProblem]:
    """The fields a conversion error speaks about."""
    found = _MESSAGE.match(message)
    if found is None:
        return
    expected = " or ".join(
        _TYPE_NAMES.get(part.strip(), part.strip())
        for part in found.group("expected").split("|")
        if part.strip() != "null"
    )
    steps = _STEP.findall((found.group("path") or "").removeprefix("$"))
    routes: list[Route] = [()]
    for key, index in steps:
        if key:
            routes = [(*route, key) for route in routes]
        elif index == "...":
            # msgspec does not say which entry of a map: look for every value of the wrong type.
            routes = [
                (*route, entry)
                for route in routes
                for entry, content in _entries(_at(value, route))
                if not _fits(content, found.group("expected"))
            ]
        else:
            routes = [(*route, int(index)) for route in routes]
    for route in routes:
        if not route:
            continue
        content = _at(value, route)
        kind = "null" if content is None else "placeholder" if is_placeholder(content) else "wrong-type"
        yield FieldProblem(route, kind, expected, _describe(content))  # type: ignore[arg-type]


def _entries(value: object) -> list[tuple[Any, object]]:
    return list(value.items()) if isinstance(value, Mapping) else []


def _fits(content: object, expected: str) -> bool:
    accepted = {"str": str, "int": int, "float": (int, float), "object": Mapping, "array": list, "bool": bool}
    if isinstance(content, bool):
        return "bool" in expected
    return any(
        isinstance(content, accepted[name.strip()])  # type: ignore[arg-type]
        for name in expected.split("|")
        if name.strip() in accepted
    )


def _describe(content: object) -> str:
    match content:
        case None:
            return "null"
        case bool():
            return f"the boolean {str(content).lower()}"
        case int() | float():
            return f"the number {content}"
        case str():
            return f'the string "{content}"' if len(content) <= 60 else "a string"
        case Mapping():
            return "a mapping"
        case list():
            return "a list"
        case _:
            return type(content).__name__


def _at(value: object, route: Route) -> object:
    for step in route:
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def _without(value: Any, misfits: list[FieldProblem], depth: int = 0) -> Any:
    """A copy without the fields; an item of a list becomes an empty one, so that the others keep their index."""
    copy: Any = dict(value) if isinstance(value, Mapping) else list(value)
    below: defaultdict[str | int, list[FieldProblem]] = defaultdict(list)
    for problem in misfits:
        step = problem.route[depth]
        if len(problem.route) > depth + 1:
            below[step].append(problem)
        elif isinstance(copy, dict):
            del copy[step]
        else:
            copy[step] = _EMPTY.get(problem.expected, {})
    for step, inner in below.items():
        copy[step] = _without(copy[step], inner, depth + 1)
    return copy
