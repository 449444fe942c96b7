"""Single values: the server's own words about names, values, duplicates and what it warns about."""

from __future__ import annotations

from collections.abc import Iterator

from k8s_stateful_lint.checks.api_validity import _server
from k8s_stateful_lint.checks.api_validity._common import ANCIENT, TEMPLATE_VALIDATED, shown_at
from k8s_stateful_lint.checks.finding import Finding, Related
from k8s_stateful_lint.graph import Node, StatefulSet
from k8s_stateful_lint.model.resource import field_path


def invalid_name(node: Node) -> Iterator[Finding]:
    """A name, label or key with characters or a length that the server refuses."""
    for remark in _server.names(node) if _is_judged(node) else ():
        yield _refused_by_server(node, remark)


def invalid_value(node: Node) -> Iterator[Finding]:
    """A value that the server refuses although its type is right."""
    for remark in _server.values(node) if _is_judged(node) else ():
        yield _refused_by_server(node, remark)


def duplicate_entry(node: Node) -> Iterator[Finding]:
    """Two entries of a list with one name."""
    for remark, first in _server.duplicates(node) if _is_judged(node) else ():
        yield _refused_by_server(node, remark, Related(node.at(*first), "the first one"))


def api_server_warning(node: Node) -> Iterator[Finding]:
    """What the server accepts, and warns about."""
    for remark in _server.warnings(node) if _is_judged(node) else ():
        yield Finding(
            place=shown_at(node.resource, remark.route),
            message=f"the API server accepts {node.label} and warns: {field_path(remark.route)}: {remark.words}",
            help=remark.help,
        )


def _is_judged(node: Node) -> bool:
    """Whether the object is one of Kubernetes' own, in a version that these rules describe."""
    return node.resource.body is not None and node.resource.api_version not in ANCIENT


def _refused_by_server(node: Node, remark: _server.Remark, *related: Related) -> Finding:
    value = node.resource.get(*remark.route)
    shown = f' "{value}"' if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
    what = f"{field_path(remark.route)}{shown} of {node.label}"
    route = node.template_route if isinstance(node, StatefulSet) else ()
    in_template = bool(route) and remark.route[: len(route)] == route
    kubelet = remark.words.startswith("kubelet ")
    if kubelet:
        message = f"{what}: the pod never starts ({remark.words})"
    elif in_template and node.graph.target < TEMPLATE_VALIDATED:
        message = f"{what}: the StatefulSet is accepted, but its pods are never created ({remark.words})"
    else:
        message = f"{what}: the API server refuses the object ({remark.words})"
    return Finding(place=shown_at(node.resource, remark.route), message=message, related=related, help=remark.help)
