"""Fields that clusters of the target version do not have."""

from __future__ import annotations

from collections.abc import Iterator

from k8s_stateful_lint.checks.api_validity._common import shown_at
from k8s_stateful_lint.checks.finding import Finding
from k8s_stateful_lint.config import Severity
from k8s_stateful_lint.graph import Autoscaler, Claim, DisruptionBudget, Node, PersistentVolume, Service, Workload
from k8s_stateful_lint.knowledge import Field
from k8s_stateful_lint.knowledge.versions import format_version
from k8s_stateful_lint.model.placeholders import is_placeholder
from k8s_stateful_lint.reading import Route


def field_newer_than_target(
    subject: Workload | Claim | PersistentVolume | DisruptionBudget | Service | Autoscaler,
) -> Iterator[Finding]:
    """A field that a cluster of the target version drops or refuses."""
    graph, resource = subject.graph, subject.resource
    for holder, base in _holders(subject):
        tree = graph.knowledge.fields_off(holder, graph.target)
        for row, below in tree.written_in(resource.get(*base)) if tree else ():
            route = (*base, *below)
            value = resource.get(*route)
            if "=" in row.path or (value != "" and not is_placeholder(value)):
                yield _too_new(subject, row, route)


def _holders(node: Node | Claim) -> Iterator[tuple[str, Route]]:
    """What the table of fields calls the object, or a part of it, and where that is."""
    if isinstance(node, Claim):
        yield "PersistentVolumeClaim", node.route
        return
    yield node.kind, ("spec", "jobTemplate") if node.kind == "CronJob" else ()
    if isinstance(node, Workload):
        yield "PodTemplate", node.template_route


def _too_new(node: Node, row: Field, route: Route) -> Finding:
    target = format_version(node.graph.target)
    value = row.path.partition("=")[2]
    what = f"{route[-1]} {value}" if value.isdigit() else value or str(route[-1])
    if row.switched_off is not None and node.graph.target >= row.switched_off:
        until = f", and is on again from {format_version(row.on_again)} on" if row.on_again else ""
        since = f"was switched off again in {format_version(row.switched_off)}{until}"
    elif row.on_by_default is not None:
        since = f"works since {format_version(row.on_by_default)}"
    elif row.alpha is not None:
        since = f"is alpha since {format_version(row.alpha)} and off by default"
    else:
        since = "is off by default"
    effect = {"dropped": "drops it without a word", "refused": "refuses the object"}.get(row.effect or "", "ignores it")
    same = route[-1] == "maxUnavailable" and node.resource.get(*route) == 1
    severity: Severity | None = "info" if same else None
    default = ", and 1 is the default anyway" if same else ""
    gate = f" (feature gate {row.gate})" if row.gate else ""
    return Finding(
        place=shown_at(node.resource, route),
        message=f"{what} of {node.label} {since}{gate}: the API server of {target} {effect}{default}",
        severity=severity,
    )
