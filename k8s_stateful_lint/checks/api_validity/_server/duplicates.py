"""Entries of lists that the server refuses because another one has the same name."""

from __future__ import annotations

from collections.abc import Iterator

from k8s_stateful_lint.checks.api_validity._server.remark import Remark
from k8s_stateful_lint.graph import Node, Workload
from k8s_stateful_lint.model.placeholders import is_placeholder
from k8s_stateful_lint.model.raw import entries, mapping
from k8s_stateful_lint.reading import Route


def duplicates(node: Node) -> Iterator[tuple[Remark, Route]]:
    """Each entry that repeats an earlier one, with the route to the field of that earlier one."""
    if isinstance(node, Workload):
        route: Route = (*node.template_route, "spec")
        pod = mapping(node.resource.get(*route))
        yield from _twice((*route, "volumes"), pod.get("volumes"), "name")
        yield from _containers_twice(node)
        for container_route, container in node.written_containers:
            yield from _twice((*container_route, "ports"), container.get("ports"), "name")
        constraints = pod.get("topologySpreadConstraints")
        yield from _twice((*route, "topologySpreadConstraints"), constraints, "topologyKey", "whenUnsatisfiable")
    elif node.kind == "Service":
        ports = node.resource.get("spec", "ports")
        yield from _twice(("spec", "ports"), ports, "name")
        yield from _twice(("spec", "ports"), ports, "port", "protocol")


def _twice(route: Route, value: object, *fields: str) -> Iterator[tuple[Remark, Route]]:
    if not isinstance(value, list) or len(value) < 2:
        return
    seen: dict[tuple[object, ...], int] = {}
    for index, item in entries(value):
        key = tuple(item.get(field) or ("TCP" if field == "protocol" else None) for field in fields)
        if None in key or not all(isinstance(part, int | str) for part in key):
            continue
        first = seen.setdefault(key, index)
        if first != index and not any(map(is_placeholder, key)):
            text = f'Duplicate value: "{key[0]}"'
            yield Remark((*route, index, fields[0]), text), (*route, first, fields[0])


def _containers_twice(workload: Workload) -> Iterator[tuple[Remark, Route]]:
    seen: dict[str, Route] = {}
    for route, container in workload.written_containers:
        name = container.get("name")
        if not isinstance(name, str) or not name:
            continue
        first = seen.setdefault(name, route)
        if first != route and not is_placeholder(name):
            yield Remark((*route, "name"), f'Duplicate value: "{name}"'), (*first, "name")
