"""Family network: the names and Services by which the pods of stateful workloads are reached."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

import msgspec

from k8s_stateful_lint._patterns import regex
from k8s_stateful_lint.checks._probes import probe_level
from k8s_stateful_lint.checks._shared import may_meet, may_select_anywhere, unit_may_make_pods
from k8s_stateful_lint.checks.finding import Finding, Related
from k8s_stateful_lint.checks.near_miss import is_near_miss
from k8s_stateful_lint.config import Severity
from k8s_stateful_lint.graph import Container, Database, Graph, Node, Server, Service, StatefulSet, Workload
from k8s_stateful_lint.graph.once import once
from k8s_stateful_lint.graph.storage import matches_any
from k8s_stateful_lint.knowledge import image_process, images
from k8s_stateful_lint.knowledge.images import ServiceLink
from k8s_stateful_lint.model.base import LabelSelector
from k8s_stateful_lint.model.placeholders import is_placeholder
from k8s_stateful_lint.model.raw import entries
from k8s_stateful_lint.model.resource import Place

_POD_KINDS = ("Deployment", "StatefulSet", "DaemonSet", "Pod")
_RUN_TO_END = frozenset({"Job", "CronJob"})
_ROLE_KEYS = frozenset(
    {"role", "primary", "master", "leader", "statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index"}
)
_READ_SERVICE = regex(r"(?:^|-)(?:ro|read|reads|reader|readonly|replica|replicas|standby|slave|slaves)(?:-|$)")
# How many workloads are looked at for one Service, and how many Services that may lead to the peers of a database.
_MOST_COMPARED = 300
_MOST_OTHERS = 20
_SCRIPT_ROLES = regex(r"process[._]roles|observer|node\.roles|role", re.IGNORECASE)


# The governing Service ------------------------------------------------------------------------------------------------


def stateful_set_without_service_name(stateful_set: StatefulSet) -> Iterator[Finding]:
    """Without a governing Service pods have no names in DNS."""
    if stateful_set.service_name or _is_unknown(stateful_set, "spec", "serviceName"):
        return
    if stateful_set.spec.selector is None and not stateful_set.template_labels:
        return  # neither could a whole StatefulSet do without: a patch that only looks whole
    uses_names = stateful_set.uses_peer_names
    severity: Severity | None = "error" if uses_names else None if _is_several(stateful_set) else "info"
    consequence = (
        "but its configuration addresses single pods by name: none of these names resolves"
        if uses_names
        else "so its pods have no DNS names of their own"
    )
    yield Finding(
        place=stateful_set.at("spec", "serviceName"),
        message=f"{stateful_set.label} names no governing Service, {consequence}",
        severity=severity,
    )


def governing_service_not_found(stateful_set: StatefulSet) -> Iterator[Finding]:
    """``serviceName`` leads nowhere: pods have no names in DNS."""
    name, found, graph = stateful_set.service_name, stateful_set.governing_service, stateful_set.graph
    if not name or is_placeholder(name) or found.target is not None or found.ambiguous:
        return
    if matches_any(name, graph.config.external.services) or graph.possible_creator(name, stateful_set) is not None:
        return
    if _is_patched(graph, name, stateful_set.units):
        return  # a patch of it is here, so it exists
    candidate, elsewhere = _candidate(stateful_set), _in_other_namespace(stateful_set)
    closed = graph.is_closed("Service")
    if elsewhere is not None:
        why = f"Service {name} is in namespace {elsewhere.namespace}, not in {stateful_set.namespace}"
    elif candidate is not None:
        why = f"there is no such Service here, and the one that selects these pods is called {candidate.name}"
    elif closed:
        why = "there is no such Service"
    else:
        return
    related = elsewhere or candidate
    yield Finding(
        place=stateful_set.at("spec", "serviceName"),
        message=f"serviceName of {stateful_set.label} is {name}, but {why}: its pods get no DNS names",
        related=(Related(related.name_place, "the Service that may be meant"),) if related is not None else (),
        severity="error" if stateful_set.uses_peer_names else None,
        confidence=None if elsewhere is not None or closed else "medium",
        help=_rename_advice(candidate) if candidate is not None and elsewhere is None else None,
    )


def _rename_advice(candidate: Service) -> str | None:
    if candidate.is_headless:
        return f"Write serviceName: {candidate.name} (immutable: re-create the StatefulSet with --cascade=orphan)."
    return None


@once
def _is_patched(graph: Graph, name: str, units: frozenset[str]) -> bool:
    """Whether a patch of the Service is deployed in some units."""
    documents = graph.documents("Service", name)
    return any(node.is_partial and not units.isdisjoint(node.units) for node in documents)


def _candidate(stateful_set: StatefulSet) -> Service | None:
    """The one Service of the unit that selects the pods, in their own file if it is there; the headless of several."""
    pool = _of_one_name(stateful_set.graph, stateful_set.services, stateful_set.units)
    return next((s for s in pool if s.resource.path == stateful_set.resource.path), next(iter(pool), None))


@once
def _of_one_name(graph: Graph, services: tuple[Service, ...], units: frozenset[str]) -> tuple[Service, ...]:
    near = [service for service in services if not service.is_partial and not units.isdisjoint(service.units)]
    pool = [service for service in near if service.is_headless] or near
    return tuple(pool) if len({service.name for service in pool}) == 1 else ()


def _in_other_namespace(stateful_set: StatefulSet) -> Service | None:
    if stateful_set.namespace is None:
        return None
    for node in stateful_set.graph.named("Service", stateful_set.service_name):
        other = node.namespace is not None and node.namespace != stateful_set.namespace
        if isinstance(node, Service) and other and (node.shares_unit(stateful_set) or node.selects(stateful_set)):
            return node
    return None


def governing_service_not_headless(service: Service) -> Iterator[Finding]:
    """A governing Service with a virtual IP gives its pods no address records of their own."""
    if service.is_headless or _is_unknown(service, "spec", "clusterIP"):
        return
    for stateful_set in _governed(service):
        several, uses_names = _is_several(stateful_set), stateful_set.uses_peer_names
        if service.is_external and not several:
            continue
        consequence = (
            "but its configuration addresses single pods by name, and these names do not resolve"
            if uses_names
            else "so its pods have no DNS records of their own"
        )
        yield Finding(
            place=service.at("spec", "clusterIP"),
            message=f"Service {service.name} governs {stateful_set.label} and is not headless (clusterIP: None), "
            f"{consequence}",
            related=(Related(stateful_set.at("spec", "serviceName"), "named here"),),
            severity="error" if uses_names else None if several else "info",
            weak=stateful_set.governing_service.weak,
        )


def governing_service_selector_mismatch(service: Service) -> Iterator[Finding]:
    """The governing Service does not select the pods, so none of them gets a record."""
    if service.is_external or _is_unknown(service, "spec", "selector") or _is_labelled_later(service):
        return
    if not service.selector and _has_endpoints(service):
        return
    for stateful_set in _governed(service):
        if _is_labelled_later(stateful_set) or service.selects(stateful_set) or _has_unknown_labels(stateful_set):
            continue
        what = f"selects {_labels(service.selector)}" if service.selector else "has no selector"
        yield Finding(
            place=service.at("spec", "selector"),
            message=f"Service {service.name} governs {stateful_set.label} but {what}, and its pods carry "
            f"{_labels(stateful_set.template_labels)}: no pod gets a DNS record",
            related=(Related(stateful_set.template_at("metadata", "labels"), "the labels of the pods"),),
            severity=None if _is_several(stateful_set) or stateful_set.uses_peer_names else "warning",
            weak=stateful_set.governing_service.weak,
        )


def _governed(service: Service) -> list[StatefulSet]:
    """The StatefulSets that are certainly deployed with this Service, and not with another one of its name."""
    near = [stateful_set for stateful_set in service.stateful_sets if stateful_set.shares_unit(service)]
    if near or len(service.graph.named(service.kind, service.name)) > 1:
        return near
    named = service.graph.named
    return [s for s in service.stateful_sets if len(named(s.kind, s.name)) == 1]


def _has_endpoints(service: Service) -> bool:
    graph = service.graph
    slices = (n for n in graph.objects("EndpointSlice") if n.labels.get("kubernetes.io/service-name") == service.name)
    endpoints = (n for n in graph.objects("Endpoints") if n.name == service.name)
    return any(True for _ in (*slices, *endpoints))


# Peers ----------------------------------------------------------------------------------------------------------------


def unready_peers_not_published(service: Service) -> Iterator[Finding]:
    """Peers that are ready only once they have found each other must be findable before."""
    spec = service.body.spec
    if (
        not service.is_headless
        or spec.publish_not_ready_addresses
        or _is_unknown(service, "spec", "publishNotReadyAddresses")
    ):
        return
    for stateful_set in service.workloads[:_MOST_COMPARED]:
        if not isinstance(stateful_set, StatefulSet) or not _is_several(stateful_set):
            continue
        for database in stateful_set.databases:
            if database.class_ not in ("quorum", "ring") or not database.entry.dns_peers:
                continue
            if "quorum" in (database.class_, database.entry.class_) and database.votes is not True:
                continue  # such a member looks for the voters, not for its like
            if not _waits_for_cluster(database) or not _finds_peers_by(service, stateful_set):
                continue
            yield Finding(
                place=service.at("spec", "publishNotReadyAddresses"),
                message=f"Service {service.name} hides pods of {stateful_set.label} until they are ready, but members "
                f"of {database.product} are ready only once they have found each other: after a full stop they may "
                "never do so",
                related=(
                    Related(stateful_set.name_place, "the members"),
                    Related(database.container.at("readinessProbe"), "ready when this succeeds"),
                ),
                weak=database.weak,
                unverified=database.is_unverified,
            )
            break


def _finds_peers_by(service: Service, stateful_set: StatefulSet) -> bool:
    """Whether peers look each other up through this Service, and not through another one that publishes all."""
    text = "\n".join(stateful_set.configuration_texts)
    named = re.search(rf"(?<![\w-]){re.escape(service.name)}(?![\w-])", text) is not None
    others = _publishing(stateful_set.graph, stateful_set.services)
    if len(others) > _MOST_OTHERS:
        return False
    for other in others:
        in_text = re.search(rf"(?<![\w-]){re.escape(other.name)}(?![\w-])", text) is not None
        if in_text or other.name == stateful_set.service_name:
            return False
    return named or service.name == stateful_set.service_name


@once
def _publishing(graph: Graph, services: tuple[Service, ...]) -> list[Service]:
    return [s for s in services if s.is_headless and s.body.spec.publish_not_ready_addresses]


def _waits_for_cluster(database: Database) -> bool:
    probe = database.container.spec.readiness_probe
    if probe is None or database.container.is_unknown("readinessProbe"):
        return False
    level = probe_level(probe, database)
    return level == "cluster" or (level is None and probe.exec is not None)


class _Text(msgspec.Struct, frozen=True):
    """A value of the pod's configuration: where it stands, and the variable or option it belongs to."""

    place: Place
    name: str
    text: str


class _Address(msgspec.Struct, frozen=True):
    """``<sts>-<n>.<svc>[.<ns>.svc...]`` in a text."""

    written: str
    ordinal: int
    service: str
    namespace: str | None


def peer_list_disagrees(stateful_set: StatefulSet) -> Iterator[Finding]:
    """Addresses of single pods that cannot resolve, or lists of all members that miss some."""
    name = stateful_set.service_name
    if not name or is_placeholder(name) or not stateful_set.name or is_placeholder(stateful_set.name):
        return
    for container in stateful_set.all_containers:
        for text in _texts(container):
            addresses = list(_addresses(text.text, stateful_set))
            problem = next((p for p in (_why_unresolved(a, stateful_set) for a in addresses) if p), None)
            if problem is not None:
                yield Finding(
                    place=text.place,
                    message=problem,
                    related=(Related(stateful_set.at("spec", "serviceName"), "the governing Service"),),
                    severity="error",
                )
            elif addresses:
                yield from _short_list(text, addresses, container, stateful_set)


def _texts(container: Container) -> Iterator[_Text]:
    spec, workload = container.spec, container.workload
    for index, variable in enumerate(spec.env):
        if variable.value:
            yield _Text(container.at("env", index, "value"), variable.name, variable.value)
    for field, words in (("command", spec.command), ("args", spec.args)):
        for index, word in enumerate(words or ()):
            option = word.partition("=")[0] if word.startswith("-") else (words or ())[index - 1] if index else ""
            yield _Text(container.at(field, index), option, word)
    for name in sorted(_config_map_names(container)):
        node = workload.graph.config_map(name, workload)
        data = node.resource.get("data") if node is not None else None
        if node is not None and isinstance(data, dict):
            for key, value in data.items():
                if isinstance(key, str) and isinstance(value, str):
                    yield _Text(node.at("data", key, part="key"), key, value)


def _config_map_names(container: Container) -> set[str]:
    names: list[object] = [(source.config_map_ref or {}).get("name") for source in container.spec.env_from]
    for mount in container.mounts:
        source = mount.volume.source if mount.volume is not None else None
        if source is not None and source[0] == "configMap" and isinstance(source[1], dict):
            names.append(source[1].get("name"))
    return {name for name in names if isinstance(name, str)}


def _addresses(text: str, stateful_set: StatefulSet) -> Iterator[_Address]:
    """Addresses of the set's own pods; names that may be files or hosts of the outside world are left alone."""
    own = re.escape(stateful_set.name)
    pattern = (
        rf"(?<![\w.-]){own}-([0-9]{{1,18}})\.([a-z][a-z0-9-]*)(?:\.([a-z0-9][a-z0-9-]*)(\.svc\b)?)?(?![\w-])([.:]?)"
    )
    for found in re.finditer(pattern, text):
        service, namespace, svc, after = found[2], found[3], found[4], found[5]
        is_cluster_name = svc is not None or (namespace is None and after == ":")
        if service == stateful_set.service_name or is_cluster_name:
            yield _Address(found[0].rstrip(".:"), int(found[1]), service, namespace if svc is not None else None)


def _why_unresolved(address: _Address, stateful_set: StatefulSet) -> str | None:
    space = stateful_set.namespace
    if address.namespace is not None and space is not None and address.namespace != space:
        others = stateful_set.graph.named(stateful_set.kind, stateful_set.name)
        if any(other.namespace == address.namespace for other in others):
            return None
        return (
            f"{address.written} is in namespace {address.namespace}, but {stateful_set.label} is in {space}: "
            "the name does not resolve"
        )
    if address.service != stateful_set.service_name:
        return (
            f"{address.written} does not resolve: names of the pods of {stateful_set.label} end in the serviceName "
            f"{stateful_set.service_name}, not in {address.service}"
        )
    ordinals = stateful_set.ordinals
    if ordinals is None or stateful_set.autoscaler is not None or address.ordinal in ordinals or not len(ordinals):
        return None
    return (
        f"{address.written} does not resolve: {stateful_set.label} has the pods {ordinals[0]} to {ordinals[-1]} "
        f"({len(ordinals)} in all)"
    )


def _short_list(
    text: _Text, addresses: list[_Address], container: Container, stateful_set: StatefulSet
) -> Iterator[Finding]:
    match, pods = container.image_match, stateful_set.pods
    if match is None or pods is None or stateful_set.autoscaler is not None:
        return
    if text.name not in match.entry.membership_variables:
        return
    members = {address.ordinal for address in addresses}
    entries = [entry for entry in re.split(r"[,\s]+", text.text.partition("=")[2] or text.text) if "." in entry]
    if len(members) >= pods.maximum or len(entries) > len(members) or _has_roles(container):
        return
    yield Finding(
        place=text.place,
        message=f"{text.name} lists {len(members)} of the {pods.maximum} members of {stateful_set.label}: the others "
        "are not part of the cluster",
        related=(Related(pods.place, "the number of members"),),
    )


def _has_roles(container: Container) -> bool:
    """Whether a script may give pods different roles, so that some are not in the list on purpose."""
    return any("\n" in word or " " in word for word in container.words) and any(
        _SCRIPT_ROLES.search(word) for word in container.words
    )


# Services and pods ----------------------------------------------------------------------------------------------------


def service_env_breaks_image(service: Service) -> Iterator[Finding]:
    """Variables that the kubelet injects for a Service are read by the image as its configuration."""
    if service.is_headless or service.is_external or not service.name or is_placeholder(service.name):
        return
    if _is_unknown(service, "spec", "clusterIP") or not service.body.spec.ports:
        return
    prefix = service.name.upper().replace("-", "_")
    variable = f"{prefix}_PORT"
    for links, servers in _servers_by_links(service.graph, service.units).items():
        hits = [link for link in links if _is_injected(link.variable, prefix)]
        for server in servers if hits else ():
            if variable in server.container.environment or not may_meet(service, server.workload):
                continue
            fatal = any(link.fatal for link in hits)
            yield Finding(
                place=service.name_place,
                message=f"Service {service.name} injects {variable} and others into {server.workload.label}, and "
                f"{server.product} reads {hits[0].variable} as configuration"
                + (": it does not start" if fatal else ", with values nobody meant"),
                related=(Related(server.container.at("image"), "reads the variables"),),
                severity=None if fatal else "warning",
                weak=server.weak,
                unverified=server.is_unverified,
            )


@once
def _servers_by_links(graph: Graph, units: frozenset[str]) -> dict[tuple[ServiceLink, ...], list[Server]]:
    """The servers of some units that read variables of Services as configuration, by these variables."""
    found: dict[tuple[ServiceLink, ...], list[Server]] = defaultdict(list)
    for workload in graph.in_units(units, Workload):
        for server in () if _has_links_off(workload) else workload.servers:
            links = tuple(images.service_links(server.match))
            if links:
                found[links].append(server)
    return found


def _is_injected(variable: str, prefix: str) -> bool:
    if variable.endswith("*"):
        return f"{prefix}_".startswith(variable[:-1])
    return variable in {f"{prefix}_PORT", f"{prefix}_SERVICE_HOST", f"{prefix}_SERVICE_PORT"}


def _has_links_off(workload: Workload) -> bool:
    route = (*workload.template_route, "spec", "enableServiceLinks")
    value = workload.resource.get(*route)
    return value is False or (value is not None and value is not True)


def service_selects_no_pods(service: Service) -> Iterator[Finding]:
    """The selector matches no pod, although a workload of the unit is meant."""
    if not service.selector or service.is_external or service.workloads or service.stateful_sets:
        return
    if _is_unknown(service, "spec", "selector") or _is_labelled_later(service) or unit_may_make_pods(service):
        return
    if service.name in _named_services(service.graph, service.units):
        return  # the rules about governing Services speak
    found = _meant_workload(service)
    if found is not None:
        workload, why = found
        related: tuple[Related, ...] = (Related(workload.template_at("metadata", "labels"), "the labels of the pods"),)
    elif all(service.graph.is_closed(kind) for kind in _POD_KINDS) and not _may_select_elsewhere(service):
        why, related = "no workload has these labels", ()
    else:
        return
    yield Finding(
        place=service.at("spec", "selector"),
        message=f"Service {service.name} selects {_labels(service.selector)}, but {why}: it leads to no pod",
        related=related,
    )


@once
def _named_services(graph: Graph, units: frozenset[str]) -> frozenset[str]:
    """The names of the governing Services of some units."""
    return frozenset(stateful_set.service_name for stateful_set in graph.in_units(units, StatefulSet))


def _meant_workload(service: Service) -> tuple[Workload, str] | None:
    if not service.graph.is_fully_read(service):
        return None
    mates = _lasting_workloads(service.graph, service.units)
    if not 0 < len(mates) <= _MOST_COMPARED:
        return None
    away = [workload for workload in mates if not may_meet(service, workload) and service.selects(workload)]
    if away:
        return away[0], f"the pods with these labels are in namespace {away[0].namespace}, not in {service.namespace}"
    near = [workload for workload in mates if workload.sees(service)]
    for workload in near:
        if not (workload.has_persistent_mount or workload.databases) or workload.services:
            continue
        labels = workload.template_labels
        shared = [key for key in service.selector if key in labels]
        if service.selector.items() <= workload.labels.items():
            return workload, f"{workload.label} has these labels on itself, and its pods have {_labels(labels)}"
        misspelt = any(is_near_miss(service.selector[key], labels[key]) for key in shared)
        if shared and (misspelt or (len(near) == 1 and _is_about(service, workload))):
            return workload, f"the pods of {workload.label} have {_labels(labels)}"
    return None


@once
def _lasting_workloads(graph: Graph, units: frozenset[str]) -> list[Workload]:
    """Workloads of some units that do not end by themselves; none where the labels of one cannot be told."""
    found = [workload for workload in graph.in_units(units, Workload) if workload.kind not in _RUN_TO_END]
    return [] if any(_is_labelled_later(node) or _has_unknown_labels(node) for node in found) else found


def _is_about(service: Service, workload: Workload) -> bool:
    """Whether a Service is by its name or its ports about a workload: its pods may as well be somewhere else."""
    name, other = service.name, workload.name
    if name and other and (name.startswith(other) or other.startswith(name)):
        return True
    ports = entries(service.resource.get("spec", "ports"))
    wanted = [port.get("targetPort", port.get("port")) for _, port in ports]
    for container in workload.containers:
        for _, port in entries(workload.resource.get(*container.route, "ports")):
            if port.get("containerPort") in wanted or port.get("name") in wanted:
                return True
    return False


def _may_select_elsewhere(service: Service) -> bool:
    """Whether pods of another unit, whose namespace nobody wrote, have the labels."""
    return may_select_anywhere(service, LabelSelector(match_labels=service.selector))


def writes_balanced_over_replicas(service: Service) -> Iterator[Finding]:
    """A Service in front of a primary and its replicas sends writes to either."""
    if service.is_headless or service.is_external or _is_unknown(service, "spec", "clusterIP"):
        return
    if _READ_SERVICE.search(service.name):
        return
    for stateful_set in service.workloads[:_MOST_COMPARED]:
        if not isinstance(stateful_set, StatefulSet) or not _is_several(stateful_set):
            continue
        for database in stateful_set.databases:
            keys = _ROLE_KEYS | set(database.entry.role_labels)
            if database.class_ != "single" or keys & service.selector.keys():
                continue
            if image_process.replication_marker(database.match, database.settings) is None:
                continue  # standalone-server-replicated speaks, or nobody knows
            if image_process.has_several_primaries(database.match, database.settings):
                continue
            yield Finding(
                place=service.at("spec", "selector"),
                message=f"Service {service.name} sends clients to any of the {stateful_set.max_pods} pods of "
                f"{stateful_set.label}, but only the primary of {database.product} takes writes",
                related=(Related(stateful_set.name_place, "primary and replicas"),),
                weak=database.weak,
                unverified=database.is_unverified,
            )
            break


# Common ---------------------------------------------------------------------------------------------------------------


def _is_several(stateful_set: StatefulSet) -> bool:
    return stateful_set.max_pods is not None and stateful_set.max_pods >= 2


def _is_unknown(node: Node, *route: str) -> bool:
    """Whether the field, or something in it, is written but cannot be understood."""
    value = node.resource.get(*route)
    parts = [value] if isinstance(value, str) else list(value.values()) if isinstance(value, dict) else []
    misread = any(p.kind != "null" and p.route[: len(route)] == route for p in node.resource.problems)
    return misread or node.resource.is_unknown(*route) or any(is_placeholder(part) for part in parts)


def _has_unknown_labels(workload: Workload) -> bool:
    return any(is_placeholder(text) for pair in workload.template_labels.items() for text in pair) or any(
        p.kind != "null"
        and p.route[: len(workload.template_route) + 2] == (*workload.template_route, "metadata", "labels")
        for p in workload.resource.problems
    )


def _is_labelled_later(node: Node) -> bool:
    return node.graph.units.has_label_transformer(node.resource.path)


def _labels(labels: dict[str, str]) -> str:
    return ", ".join(f"{key}: {value}" for key, value in labels.items()) or "no labels"
