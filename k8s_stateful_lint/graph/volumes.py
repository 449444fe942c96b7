"""PersistentVolumes of the input and of the cluster, and the claims that they are for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING

from k8s_stateful_lint.graph.grouping import grouped
from k8s_stateful_lint.graph.node import NOWHERE, Resolution, known
from k8s_stateful_lint.graph.once import once
from k8s_stateful_lint.graph.storage import Claim, Offer, PersistentVolume
from k8s_stateful_lint.model.placeholders import is_placeholder
from k8s_stateful_lint.model.quantities import whole_number

if TYPE_CHECKING:
    from k8s_stateful_lint.graph.graph import Graph
    from k8s_stateful_lint.model.base import LabelSelector

# Volumes of a class that offer more different things than these are not compared with claims: all are taken to fit.
_MOST_OFFERS = 200


class Volumes:
    """Which PersistentVolumes there are for a claim, and which claims are for a volume."""

    def __init__(self, graph: Graph) -> None:
        """Nothing is looked up until somebody asks."""
        self._graph = graph

    @cached_property
    def of_cluster(self) -> tuple[PersistentVolume, ...]:
        """PersistentVolumes of the cluster."""
        return tuple(node for node in self._graph.cluster_nodes if isinstance(node, PersistentVolume))

    def paired_with(self, claim: Claim) -> Resolution[PersistentVolume]:
        """The PersistentVolume paired with a claim by ``volumeName`` or ``claimRef``."""
        name = claim.spec.volume_name
        if name and not is_placeholder(name):
            found = self._graph.find(PersistentVolume, "PersistentVolume", name, claim)
            if found.target is not None or found.ambiguous:
                return found
            return known(self._graph.in_cluster(PersistentVolume, "PersistentVolume", name, claim))
        if claim.shape != "object":
            return NOWHERE
        reserved = [volume for volume in self._by_claim.get(claim.name, ()) if volume.is_reserved_for(claim)]
        paired = self._graph.nearest(reserved, claim, namespaced=False)
        if paired.target is not None or paired.ambiguous:
            return paired
        return known(self._of_cluster_by_claim.get((claim.namespace, claim.name)))

    @cached_property
    def _of_cluster_by_claim(self) -> dict[tuple[str | None, str], PersistentVolume]:
        return {
            (volume.spec.claim_ref.namespace, volume.spec.claim_ref.name): volume
            for volume in self.of_cluster
            if volume.spec.claim_ref is not None and volume.spec.claim_ref.namespace is not None
        }

    @cached_property
    def _by_claim(self) -> dict[str, list[PersistentVolume]]:
        index: dict[str, list[PersistentVolume]] = defaultdict(list)
        for volume in self._graph.persistent_volumes:
            if volume.spec.claim_ref is not None and not volume.is_partial:
                index[volume.spec.claim_ref.name].append(volume)
        return index

    @cached_property
    def _by_numbered_claim(self) -> dict[str, list[PersistentVolume]]:
        """PersistentVolumes by the name of the claim they are reserved for, without the number at its end."""
        index: dict[str, list[PersistentVolume]] = defaultdict(list)
        for name, volumes in self._by_claim.items():
            prefix, _, number = name.rpartition("-")
            if whole_number(number) is not None:
                index[prefix].extend(volumes)
        return index

    def reserved_for(self, claim: Claim) -> tuple[PersistentVolume, ...]:
        """Every PersistentVolume whose ``claimRef`` names a claim, or a claim that a claim template makes.

        The cluster's own have a namespace in their reference, and count where the claim writes it, too.
        """
        if claim.shape == "ephemeral":
            return ()
        if claim.shape == "object" or claim.workload is None:
            candidates = self._by_claim.get(claim.name, ())
            bound = self._of_cluster_by_claim.get((claim.namespace, claim.name))
            own = tuple(volume for volume in candidates if volume.is_reserved_for(claim))
            return own if bound is None else (*own, bound)
        prefix, spaces = f"{claim.name}-{claim.workload.name}", {None, claim.namespace}
        return tuple(
            volume
            for volume in self._by_numbered_claim.get(prefix, ())
            if volume.spec.claim_ref is not None
            and (claim.namespace is None or volume.spec.claim_ref.namespace in spaces)
        ) + tuple(
            volume
            for (space, name), volume in self._of_cluster_by_claim.items()
            if space == claim.namespace and _is_numbered(name, prefix)
        )

    @cached_property
    def _by_class(self) -> dict[str | None, tuple[PersistentVolume, ...]]:
        return grouped(self._graph.persistent_volumes, lambda volume: volume.class_name)

    def of_class(self, name: str) -> tuple[PersistentVolume, ...]:
        """PersistentVolumes of the input that carry this class name."""
        return self._by_class.get(name, ())

    def has_class(self, name: str) -> bool:
        """Whether some PersistentVolume carries this class name (a static pair needs no class object).

        Of the cluster's, only those count that are free.
        """
        return name in self._by_class or any(
            volume.class_name == name and volume.resource.get("status", "phase") == "Available"
            for volume in self.of_cluster
        )

    @cached_property
    def _classes(self) -> frozenset[str | None]:
        return frozenset(volume.class_name for volume in (*self._graph.persistent_volumes, *self.of_cluster))

    def fitting(self, claim: Claim, class_name: str, *, in_unit: bool = True) -> tuple[PersistentVolume, ...]:
        """PersistentVolumes of a class that satisfy a claim and are not reserved for another one.

        Those of its unit, or those of the whole input and the cluster.
        """
        fitting: tuple[PersistentVolume, ...] = ()
        if class_name in self._classes:
            fitting = _fitting(self._graph, claim.units if in_unit else None, class_name, claim.demand)
        return fitting + tuple(
            volume
            for volume in claim.reserved_volumes
            if volume.class_name == class_name
            and (not in_unit or volume.shares_unit(claim))
            and volume.offer.meets(claim.demand)
        )

    def untaken(self, volumes: tuple[PersistentVolume, ...], claim: Claim) -> tuple[PersistentVolume, ...]:
        """The volumes that no claim of a unit asks for by name."""
        return _untaken(self._graph, volumes, claim.units)

    def selected_by(self, selector: LabelSelector) -> frozenset[PersistentVolume]:
        """PersistentVolumes, also of the cluster, whose labels match a selector."""
        none: frozenset[PersistentVolume] = frozenset()
        selected = self._every
        for pair in selector.match_labels.items():
            selected = selected & self._by_label.get(pair, none)
        # As `requirement_holds` has it, for all volumes at a time.
        for key, operator, values in ((r.key, r.operator, r.values) for r in selector.match_expressions):
            with_value = none.union(*(self._by_label.get((key, value), none) for value in values))
            with_key = self._by_key.get(key, none)
            match operator:
                case "In":
                    selected = selected & with_value
                case "NotIn":
                    selected = selected - with_value
                case "Exists":
                    selected = selected & with_key
                case "DoesNotExist":
                    selected = selected - with_key
                case _:
                    return none
        return selected

    @cached_property
    def _every(self) -> frozenset[PersistentVolume]:
        return frozenset((*self._graph.persistent_volumes, *self.of_cluster))

    @cached_property
    def _by_key(self) -> dict[str, frozenset[PersistentVolume]]:
        index: dict[str, set[PersistentVolume]] = defaultdict(set)
        for (key, _), volumes in self._by_label.items():
            index[key] |= volumes
        return {key: frozenset(volumes) for key, volumes in index.items()}

    @cached_property
    def _by_label(self) -> dict[tuple[str, str], frozenset[PersistentVolume]]:
        index: dict[tuple[str, str], list[PersistentVolume]] = defaultdict(list)
        for volume in (*self._graph.persistent_volumes, *self.of_cluster):
            for pair in volume.labels.items():
                index[pair].append(volume)
        return {pair: frozenset(volumes) for pair, volumes in index.items()}

    @cached_property
    def _claims(self) -> dict[PersistentVolume, tuple[Claim, ...]]:
        return grouped(self._graph.claims, lambda claim: claim.volume)

    def claims_of(self, volume: PersistentVolume) -> tuple[Claim, ...]:
        """Every claim that is paired with a PersistentVolume."""
        return self._claims.get(volume, ())


@once
def _free(graph: Graph, units: frozenset[str] | None, class_name: str) -> dict[Offer, tuple[PersistentVolume, ...]]:
    """Volumes of a class that are reserved for nobody, by what they offer; of some units, or of everywhere."""
    pool: Iterable[PersistentVolume] = (*graph.persistent_volumes, *graph.volumes.of_cluster)
    if units is not None:
        pool = graph.in_units(units, PersistentVolume)
    free = (
        volume
        for volume in pool
        if volume.class_name == class_name
        and (volume.spec.claim_ref is None or not volume.is_reserved or is_placeholder(volume.spec.claim_ref.name))
    )
    return grouped(free, lambda volume: volume.offer)


@once
def _fitting(
    graph: Graph, units: frozenset[str] | None, class_name: str, demand: Offer
) -> tuple[PersistentVolume, ...]:
    offers = _free(graph, units, class_name)
    if len(offers) > _MOST_OFFERS:
        return _all(graph, units, class_name)
    return tuple(chain.from_iterable(volumes for offer, volumes in offers.items() if offer.meets(demand)))


@once
def _all(graph: Graph, units: frozenset[str] | None, class_name: str) -> tuple[PersistentVolume, ...]:
    return tuple(chain.from_iterable(_free(graph, units, class_name).values()))


@once
def _untaken(
    graph: Graph, volumes: tuple[PersistentVolume, ...], units: frozenset[str]
) -> tuple[PersistentVolume, ...]:
    taken = {claim.spec.volume_name for claim in graph.in_units(units, Claim)}
    return tuple(volume for volume in volumes if volume.name not in taken)


def _is_numbered(name: str, prefix: str) -> bool:
    """Whether a name is a prefix and a number, as those of generated claims are."""
    start, _, number = name.rpartition("-")
    return start == prefix and whole_number(number) is not None
