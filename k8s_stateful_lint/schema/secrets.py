"""Which parts of an object must not be shown to anybody: the values of a Secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from k8s_stateful_lint.model.resource import Resource
    from k8s_stateful_lint.reading import Route

_PUBLIC = frozenset({"apiVersion", "kind", "metadata", "type", "immutable"})
# kubectl apply keeps the whole object here, values included.
_COPY = ("metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration")


def secret_routes(resource: Resource) -> tuple[Route, ...]:
    """The fields of an object whose contents are secret. Misspelt ones (``stringdata``) count too."""
    if resource.kind != "Secret":
        return ()
    fields: list[Route] = [(key,) for key in resource.raw if key not in _PUBLIC]
    if resource.get(*_COPY) is not None:
        fields.append(_COPY)
    return tuple(fields)


def is_secret(resource: Resource, route: Route) -> bool:
    """Whether what stands at a route is secret."""
    return any(route[: len(secret)] == secret for secret in secret_routes(resource))
