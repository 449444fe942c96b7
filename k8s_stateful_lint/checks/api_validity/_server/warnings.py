"""What the server accepts with a ``Warning:``, as far as no other rule speaks about it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from k8s_stateful_lint.checks.api_validity._server.remark import Remark
from k8s_stateful_lint.checks.api_validity._server.texts import dns_subdomain
from k8s_stateful_lint.graph import Node, Workload
from k8s_stateful_lint.model.placeholders import is_placeholder
from k8s_stateful_lint.model.quantities import QuantityError, parse_quantity
from k8s_stateful_lint.model.raw import entries, mapping
from k8s_stateful_lint.model.resource import field_path
from k8s_stateful_lint.reading import Route

_NULL_SELECTOR = "a null labelSelector results in matching no pod"
_DNS_NAME = (
    "this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended"
)


def warnings(node: Node) -> Iterator[Remark]:
    """What the server accepts with a ``Warning:``, as far as no other rule speaks about it."""
    if isinstance(node, Workload):
        yield from _warnings_about_pod(node)
    kind, name = node.kind, node.name
    if kind in ("Deployment", "Job", "CronJob") and "." in name and dns_subdomain(name) is None:
        yield Remark(("metadata", "name"), _DNS_NAME)
    if kind == "Service":
        yield from _warnings_about_service(node)
    elif kind == "StatefulSet" and node.graph.target >= (1, 33):
        limit = node.resource.get("spec", "revisionHistoryLimit")
        if isinstance(limit, int) and limit < 0:
            words = "a negative value retains all historical revisions; a value >= 0 is recommended"
            yield Remark(("spec", "revisionHistoryLimit"), words)
    elif kind == "CronJob":
        schedule = node.resource.get("spec", "schedule")
        if isinstance(schedule, str) and schedule.startswith(("TZ=", "CRON_TZ=")):
            yield Remark(("spec", "schedule"), "cannot use TZ or CRON_TZ in schedule, use timeZone instead")


def _warnings_about_service(node: Node) -> Iterator[Remark]:
    spec = mapping(node.resource.get("spec"))
    if spec.get("clusterIP") == "None":
        for field in ("loadBalancerIP", "externalIPs"):
            if spec.get(field):
                yield Remark(("spec", field), f"spec.{field} is ignored for headless services")
        if spec.get("sessionAffinity") not in (None, "", "None"):
            yield Remark(("spec", "sessionAffinity"), "spec.SessionAffinity is ignored for headless services")
    elif spec.get("externalIPs") and node.graph.target >= (1, 36):
        words = "spec.externalIPs is deprecated and may no longer be implemented in some clusters"
        yield Remark(("spec", "externalIPs"), words)


def _warnings_about_pod(workload: Workload) -> Iterator[Remark]:
    route: Route = (*workload.template_route, "spec")
    pod = mapping(workload.resource.get(*route))
    grace = pod.get("terminationGracePeriodSeconds")
    if isinstance(grace, int) and grace < 0:
        words = "must be >= 0; negative values are invalid and will be treated as 1"
        yield Remark((*route, "terminationGracePeriodSeconds"), words)
    if not workload.is_partial:
        for index, item in entries(pod.get("topologySpreadConstraints")):
            if item.get("labelSelector") is None:
                yield Remark((*route, "topologySpreadConstraints", index, "labelSelector"), _NULL_SELECTOR)
        if affinity := mapping(pod.get("affinity")):
            for kind in ("podAffinity", "podAntiAffinity"):
                yield from _null_selectors((*route, "affinity", kind), mapping(affinity.get(kind)))
    if workload.graph.target >= (1, 32):
        for index, volume in entries(pod.get("volumes")):
            yield from _warnings_about_files((*route, "volumes", index), volume)
    for container_route, container in workload.written_containers:
        yield from _warnings_about_container(container_route, container)
    yield from _repeated((*route, "hostAliases"), pod.get("hostAliases"), "ip", 'duplicate ip "{}"')
    secrets = pod.get("imagePullSecrets")
    yield from _repeated((*route, "imagePullSecrets"), secrets, "name", 'duplicate name "{}"')
    for index, item in entries(secrets):
        if item.get("name") == "":
            yield Remark((*route, "imagePullSecrets", index, "name"), 'invalid empty name ""')


def _null_selectors(route: Route, affinity: dict[str, Any]) -> Iterator[Remark]:
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    for index, item in entries(affinity.get(required)):
        if item.get("labelSelector") is None:
            yield Remark((*route, required, index, "labelSelector"), _NULL_SELECTOR)
    preferred = "preferredDuringSchedulingIgnoredDuringExecution"
    for index, item in entries(affinity.get(preferred)):
        term = item.get("podAffinityTerm")
        if isinstance(term, dict) and term.get("labelSelector") is None:
            yield Remark((*route, preferred, index, "podAffinityTerm", "labelSelector"), _NULL_SELECTOR)


def _repeated(route: Route, value: object, field: str, words: str) -> Iterator[Remark]:
    seen: set[str] = set()
    for index, item in entries(value):
        text = item.get(field)
        if isinstance(text, str) and text:
            if text in seen and not is_placeholder(text):
                yield Remark((*route, index, field), words.format(text))
            seen.add(text)


def _warnings_about_container(route: Route, container: dict[str, Any]) -> Iterator[Remark]:
    words = 'hides previous definition of "{}", which may be dropped when using apply'
    yield from _repeated((*route, "env"), container.get("env"), "name", words)
    seen: dict[tuple[int, str], int] = {}
    for index, port in entries(container.get("ports")):
        number, address = port.get("containerPort"), port.get("hostIP")
        if isinstance(number, int):
            first = seen.setdefault((number, str(port.get("protocol") or "TCP")), index)
            if first != index and not (address or port.get("hostPort")):
                words = f"duplicate port definition with {field_path((*route, 'ports', first))}"
                yield Remark((*route, "ports", index), words)
        if address and not port.get("hostPort"):
            yield Remark((*route, "ports", index, "hostIP"), f"hostIP set without hostPort: {address}")
    resources = mapping(container.get("resources"))
    for field in ("requests", "limits") if resources else ():
        amounts = mapping(resources.get(field))
        for name in ("memory", "ephemeral-storage"):
            written = amounts.get(name)
            if isinstance(written, str) and _is_fraction(written):
                words = f'fractional byte value "{written}" is invalid, must be an integer'
                yield Remark((*route, "resources", field, name), words)


def _is_fraction(text: str) -> bool:
    try:
        amount = parse_quantity(text.strip())
    except QuantityError:
        return False
    return amount > 0 and amount != amount.to_integral_value()


def _warnings_about_files(route: Route, volume: dict[str, Any]) -> Iterator[Remark]:
    name = volume.get("name")
    for key, label in (("configMap", "ConfigMap"), ("secret", "Secret"), ("downwardAPI", "DownwardAPI")):
        source = volume.get(key)
        if isinstance(source, dict):
            owner = source.get("name") or source.get("secretName")
            what = f'{label} "{owner}"' if owner else label
            paths = [(path, what) for path in _paths(source)]
            yield from _overlap(f'volume "{name}" ({what})', (*route, key), paths)
    projected = volume.get("projected")
    if isinstance(projected, dict):
        sources = projected.get("sources")
        if sources is None or sources == []:
            yield Remark((*route, "projected"), f'volume "{name}" (Projected) has no sources provided')
        all_paths = []
        for source in sources if isinstance(sources, list) else ():
            for key, content in source.items() if isinstance(source, dict) else ():
                if isinstance(content, dict):
                    what = f'{key[0].upper()}{key[1:]} "{content["name"]}"' if content.get("name") else key
                    all_paths += [(path, what) for path in _paths(content)]
        yield from _overlap(f'volume "{name}" (Projected)', (*route, "projected"), all_paths)


def _paths(source: dict[str, Any]) -> list[str]:
    items = source.get("items")
    found = [item.get("path") for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    found.append(source.get("path") if "items" not in source else None)
    return [path for path in found if isinstance(path, str) and path and not is_placeholder(path)]


def _overlap(what: str, route: Route, paths: list[tuple[str, str]]) -> Iterator[Remark]:
    for index, (path, owner) in enumerate(paths):
        for other, first_owner in paths[:index]:
            if path == other or path.startswith(other + "/") or other.startswith(path + "/"):
                yield Remark(route, f'{what}: overlapping paths: "{path}" ({owner}) with "{other}" ({first_owner})')
                return
