"""What the rules about changes share: objects in the form in which they are compared, and how messages put values."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from k8s_stateful_lint.graph import Claim, Node, Pair, Workload
from k8s_stateful_lint.graph.normal import differences, normal_form
from k8s_stateful_lint.model.raw import entries
from k8s_stateful_lint.model.resource import Place
from k8s_stateful_lint.reading import Route

SIZE = ("spec", "resources", "requests", "storage")
_LONGEST_VALUE = 60
_MOST_PARTS = 3  # of what differs in a mapping


def spec_of(node: Node) -> Mapping[str, Any]:
    """``spec`` of an object in the form in which two revisions are compared."""
    spec = form_of(node).get("spec")
    return spec if isinstance(spec, dict) else {}


def claim_form(claim: Claim) -> Mapping[str, Any]:
    """Labels, annotations and spec of a claim or claim template as they are compared."""
    knowledge = claim.graph.knowledge
    metadata, spec = claim.get("metadata"), claim.get("spec")
    form = normal_form(knowledge, "ClaimSpec", spec if isinstance(spec, dict) else {})
    # The API server keeps dataSource and dataSourceRef alike (pkg/registry/core/persistentvolumeclaim/strategy.go).
    reference = form.get("dataSourceRef")
    is_local = isinstance(reference, dict) and not reference.get("namespace")
    if is_local and form.get("dataSource") in (None, reference):
        form["dataSource"] = form.pop("dataSourceRef")
    plain = normal_form(knowledge, "", metadata if isinstance(metadata, dict) else {})
    return {"metadata": {key: plain[key] for key in ("labels", "annotations") if key in plain}, "spec": form}


def changed_fields(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Route]:
    """The fields of two claims that differ, each once: what is in a map or list of its own counts as one."""
    routes = (route if route[:2] == ("spec", "resources") else route[:2] for route in differences(old, new))
    return list(dict.fromkeys(routes))


def form_of(node: Node) -> Mapping[str, Any]:
    """A whole object in the form in which two revisions are compared."""
    form: Mapping[str, Any] = normal_form(node.graph.knowledge, node.kind, dict(node.resource.raw))
    return form


def pod_form(workload: Workload, spec: Any) -> dict[str, Any]:
    """The spec of a workload's pods in that form, with the images that kustomizations set."""
    form = normal_form(workload.graph.knowledge, "PodSpec", spec if isinstance(spec, dict) else {})
    for field, containers in (("containers", workload.containers), ("initContainers", workload.init_containers)):
        written = dict(entries(form.get(field)))
        for index, container in enumerate(containers):
            if container.image is not None and index in written:
                written[index]["image"] = container.image.text
    return dict(form)


def below(form: Any, route: Route) -> Any:
    """What stands at a route of a form; None where nothing does."""
    for step in route:
        if isinstance(form, list) and isinstance(step, int) and step < len(form):
            form = form[step]
        else:
            form = form.get(step) if isinstance(form, Mapping) else None
    return form


def scalar_differs(pair: Pair[Claim], *route: str) -> bool:
    """Whether a scalar differs and is no placeholder in either revision."""
    old, new = pair.old.get(*route), pair.new.get(*route)
    return old != new and not pair.old.is_unknown(*route) and not pair.new.is_unknown(*route)


def value_of(node: Node, route: Route) -> str:
    """A field of an object, claim or claim template as people read it."""
    return _text_of(_raw(node, route))


def from_to(old: Node, new: Node, route: Route) -> str:
    """What a field was and is: ``from 10Gi to 20Gi``; of a mapping only what differs."""
    before, after = (_raw(node, route) for node in (old, new))
    if isinstance(before, dict) and isinstance(after, dict):
        forms = (normal_form(old.graph.knowledge, "", value) for value in (before, after))
        parts = [_difference(before, after, inner) for inner in differences(*forms)]
        more = f" and {len(parts) - _MOST_PARTS} more" if len(parts) > _MOST_PARTS else ""
        return f"({', '.join(parts[:_MOST_PARTS])}{more})"
    return f"from {value_of(old, route)} to {value_of(new, route)}"


def _difference(before: dict[str, Any], after: dict[str, Any], route: Route) -> str:
    name, was, now = str(route[-1]) if route else "", *(below(side, route) for side in (before, after))
    if was is None:
        return f"{name}: {_text_of(now)} is new"
    if now is None:
        return f"{name}: {_text_of(was)} is gone"
    return f"{name} from {_text_of(was)} to {_text_of(now)}"


def _raw(node: Node, route: Route) -> Any:
    return node.get(*route) if isinstance(node, Claim) else node.resource.get(*route)


def spot(node: Node, route: Route) -> Place:
    """Where a field is: at its key if it holds a mapping or a list, whose own place is that of what is in it."""
    value = _raw(node, route)
    return node.at(*route, part="key") if isinstance(value, dict | list) else node.at(*route)


def _text_of(value: object) -> str:
    if value is None:
        return "nothing"
    if value == "":
        return '""'
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        text = ", ".join(value)
    elif isinstance(value, dict | list | bool):
        text = json.dumps(value, separators=(", ", ": "), default=str)
    else:
        text = str(value)
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"


def title(route: Route) -> str:
    """A field as messages call it."""
    if route[:1] == ("metadata",):
        return f"the annotation {route[2]}" if len(route) > 2 else f"{route[1]}"
    return ".".join(str(step) for step in route[1:])


def names(listed: Iterable[str]) -> str:
    """Some names in a row; many are shortened."""
    found = list(listed)
    if len(found) > 4:
        return f"{found[0]} to {found[-1]}"
    return " and ".join(found) if len(found) <= 2 else f"{', '.join(found[:-1])} and {found[-1]}"


def refusal(node: Node, key: str) -> str:
    """What the API server of the target version answers."""
    return node.graph.knowledge.update_message(key, node.graph.target)
