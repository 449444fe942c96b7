"""What is open: references that lead nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from k8s_stateful_lint.graph.storage import matches_any
from k8s_stateful_lint.model.resource import Place

if TYPE_CHECKING:
    from k8s_stateful_lint.graph.graph import Graph


class Unresolved(msgspec.Struct, frozen=True):
    """A reference that leads nowhere in the input, or to several definitions that disagree."""

    place: Place
    kind: str
    name: str
    is_ambiguous: bool


def unresolved(graph: Graph) -> Iterator[Unresolved]:
    """Every reference that leads nowhere in the input or is ambiguous. None of them is a finding by itgraph."""
    external = graph.config.external
    for volume in graph.pod_volumes:
        if volume.claim_name and volume.claim is None and not matches_any(volume.claim_name, external.claims):
            place = volume.at("persistentVolumeClaim", "claimName")
            yield Unresolved(place, "PersistentVolumeClaim", volume.claim_name, volume.resolution.ambiguous)
    for claim in graph.claims:
        name = claim.class_name
        if name.name and name.written and claim.storage_class is None and claim.volume is None:
            known = graph.config.cluster.storage_classes or {}
            if name.name not in known and not matches_any(name.name, external.classes):
                yield Unresolved(claim.class_place, "StorageClass", name.name, claim.class_resolution.ambiguous)
        volume_name = claim.spec.volume_name
        if volume_name and claim.volume is None and not matches_any(volume_name, external.volumes):
            place = claim.at("spec", "volumeName")
            yield Unresolved(place, "PersistentVolume", volume_name, claim.paired.ambiguous)
    for stateful_set in graph.stateful_sets:
        service = stateful_set.governing_service
        name_of_service = stateful_set.service_name
        if name_of_service and service.target is None and not matches_any(name_of_service, external.services):
            place = stateful_set.at("spec", "serviceName")
            yield Unresolved(place, "Service", name_of_service, service.ambiguous)
