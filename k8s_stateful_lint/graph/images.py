"""The images of containers, as kustomizations change them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8s_stateful_lint.graph.once import once
from k8s_stateful_lint.knowledge.image_reference import ImageReference, parse_image
from k8s_stateful_lint.knowledge.images import Match
from k8s_stateful_lint.model.kustomization import ImageOverride
from k8s_stateful_lint.model.placeholders import is_placeholder

if TYPE_CHECKING:
    from k8s_stateful_lint.graph.containers import Container
    from k8s_stateful_lint.graph.graph import Graph


def image_of(container: Container) -> ImageReference | None:
    """The image of a container, after ``images:`` of the kustomizations that build it."""
    text = container.spec.image
    if not text or is_placeholder(text):
        return None
    reference = parse_image(text)
    if reference is None:
        return None
    workload = container.workload
    overrides = {
        _overridden(text, entry)
        for entry in workload.graph.units.images(workload.resource.path)
        if entry.name == _without_tag(text)
    }
    if not overrides:
        return reference
    # Builds that set different tags: which one is deployed cannot be told.
    return parse_image(next(iter(overrides))) if len(overrides) == 1 else None


@once
def row_of(graph: Graph, image: ImageReference) -> Match | None:
    """The row of the image table for an image, with variant and version."""
    return graph.images.find(image)


def _without_tag(image: str) -> str:
    name = image.partition("@")[0]
    head, colon, tail = name.rpartition(":")
    return head if colon and "/" not in tail else name


def _overridden(image: str, entry: ImageOverride) -> str:
    name = entry.new_name or _without_tag(image)
    if entry.digest:
        return f"{name}@{entry.digest}"
    if entry.new_tag is not None:
        return f"{name}:{entry.new_tag}"
    return image.replace(_without_tag(image), name, 1)
