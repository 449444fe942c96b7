"""What happens to the data: every claim, claim template and volume that a change touches, with what becomes of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Literal

import msgspec

from k8s_stateful_lint.engine.drafts import Draft, locate
from k8s_stateful_lint.engine.report import DataFate, Fate
from k8s_stateful_lint.graph import Claim, Node, Pair, PersistentVolume, Removed, StatefulSet, Workload
from k8s_stateful_lint.graph.changes import Changes
from k8s_stateful_lint.graph.guards import guarded_by_argo, kept_by_helm
from k8s_stateful_lint.model.resource import Resource, field_path

# The worst first: this is the order of the table, too.
ORDER: tuple[Fate, ...] = ("deleted", "empty", "orphaned", "released", "unknown", "refused", "expanded", "new", "kept")
_REFUSES_CLAIM = frozenset({"claim-shrunk", "claim-spec-changed", "claim-grown-without-expansion"})
_REFUSES_TEMPLATE = frozenset({"claim-template-changed"})
_REFUSES_VOLUME = frozenset({"persistent-volume-source-changed"})


class _Refusals(msgspec.Struct, frozen=True):
    """Which rules call something about an object an error, and at which path."""

    by_resource: dict[Resource, list[tuple[str, str]]]

    def of(self, node: Node, rules: frozenset[str], path: str = "") -> bool:
        """Whether one of the rules speaks about what is at or below a path of the object."""
        found = self.by_resource.get(node.resource, [])
        return any(rule in rules and place.startswith(path) for rule, place in found)


def fates(changes: Changes, drafts: Iterable[Draft]) -> tuple[DataFate, ...]:
    """The table, the worst first.

    Args:
        changes: Both revisions.
        drafts: What every rule of the family found, selected or not: a change that is refused changes nothing.

    """
    by_resource: defaultdict[Resource, list[tuple[str, str]]] = defaultdict(list)
    for draft in drafts:
        if draft.resource is not None and draft.severity == "error":
            by_resource[draft.resource].append((draft.head.name, draft.path))
    refusals = _Refusals(by_resource)
    rows = [
        *_claims(changes, refusals),
        *_volumes(changes, refusals),
        *_stateful_sets(changes, refusals),
        *_references(changes),
    ]
    rows.sort(key=lambda row: (ORDER.index(row.fate), row.kind, row.namespace or "", row.name))
    return tuple(rows)


# Claims and volumes ---------------------------------------------------------------------------------------------------


def _claims(changes: Changes, refusals: _Refusals) -> Iterator[DataFate]:
    for pair in changes.touched(Claim):
        if pair.old.resource.raw == pair.new.resource.raw:
            continue
        yield _changed_claim(pair, refusals)
    for removed in changes.removed:
        if isinstance(removed.old, Claim):
            yield _removed_claim(removed.old)
    for node in changes.added:
        if isinstance(node, Claim):
            source = node.spec.data_source or node.spec.data_source_ref
            if source is not None:
                yield _row(node, "new", f"made from {source.kind} {source.name}")
            elif node.spec.volume_name:
                yield _row(node, "new", f"takes volume {node.spec.volume_name}")
            else:
                yield _row(node, "new", "starts empty")


def _changed_claim(pair: Pair[Claim], refusals: _Refusals) -> DataFate:
    old, new = pair.old, pair.new
    if refusals.of(new, _REFUSES_CLAIM):
        return _row(new, "refused", "the API server refuses the change; the data stays as it is", old)
    if old.request is not None and new.request is not None and new.request > old.request:
        return _row(new, "expanded", "the volume grows, the data stays", old)
    return _row(new, "kept", "the data stays as it is", old)


def _removed_claim(claim: Claim) -> DataFate:
    if kept_by_helm(claim):
        return _row(claim, "kept", "helm.sh/resource-policy: keep")
    if guarded_by_argo(claim):
        return _row(claim, "kept", "Prune=false and Delete=false")
    fate, why = _reclaimed(claim)
    return _row(claim, fate, f"removed; {why}")


def _reclaimed(claim: Claim) -> tuple[Fate, str]:
    """What becomes of the volume of a claim that is deleted."""
    reclaim = claim.reclaim
    if reclaim.policy == "Delete":
        return "deleted", reclaim.reason
    if reclaim.policy == "Retain":
        return "released", reclaim.reason
    return "unknown", "nothing in the manifests tells the reclaim policy"


def _volumes(changes: Changes, refusals: _Refusals) -> Iterator[DataFate]:
    for pair in changes.touched(PersistentVolume):
        if pair.old.resource.raw == pair.new.resource.raw:
            continue
        if refusals.of(pair.new, _REFUSES_VOLUME):
            yield _row(pair.new, "refused", "the API server refuses the change; the data stays as it is", pair.old)
            continue
        policies = [v.spec.persistent_volume_reclaim_policy or "Retain" for v in (pair.old, pair.new)]
        why = "the data stays as it is"
        if policies[0] != policies[1]:
            why = f"the data stays; the reclaim policy is now {policies[1]}, it was {policies[0]}"
        yield _row(pair.new, "kept", why, pair.old)
    for removed in changes.removed:
        if isinstance(removed.old, PersistentVolume):
            yield _row(removed.old, "released", "the object is removed; the disk behind it stays")
    for node in changes.added:
        if isinstance(node, PersistentVolume):
            yield _row(node, "new", f"a {node.source[0]} volume" if node.source else "a volume")


# Claim templates ------------------------------------------------------------------------------------------------------


def _stateful_sets(changes: Changes, refusals: _Refusals) -> Iterator[DataFate]:
    for pair in changes.touched(StatefulSet):
        yield from _changed_templates(pair, refusals)
        yield from _scaled(pair)
    renamed = {entry.old: entry.new for entry in changes.renamed}
    for old, new in renamed.items():
        for template in old.claim_templates:
            now = f"{new.kind} {new.deployed_name}" + (f" in {new.namespace}" if new.namespace != old.namespace else "")
            yield _row(template, "orphaned", f"{old.kind} {old.deployed_name} becomes {now}; the claims stay behind")
        for template in new.claim_templates:
            yield _row(template, "empty", "claims of the new name start empty")
    for removed in changes.gone(StatefulSet):
        yield from _removed_templates(removed)
    for node in changes.added:
        if isinstance(node, StatefulSet) and node not in renamed.values():
            for template in node.claim_templates:
                yield _row(template, "new", "claims start empty")


def _changed_templates(pair: Pair[StatefulSet], refusals: _Refusals) -> Iterator[DataFate]:
    olds = {template.name: template for template in pair.old.claim_templates}
    news = {template.name: template for template in pair.new.claim_templates}
    for name, new in news.items():
        old = olds.get(name)
        if old is None:
            yield _row(new, "empty", "the template is new: its claims start empty")
        elif refusals.of(new, _REFUSES_TEMPLATE, field_path(new.route)):
            stay = "keep their size" if old.request != new.request else "stay as they are"
            yield _row(new, "refused", f"the API server refuses the change; claims that exist {stay}", old)
    for name, old in olds.items():
        if name not in news:
            yield _row(old, "orphaned", "the template is gone; its claims stay with the data")


def _removed_templates(removed: Removed[StatefulSet]) -> Iterator[DataFate]:
    old = removed.old
    deletes = old.deletes_claims("whenDeleted")
    for template in old.claim_templates:
        if kept_by_helm(old) or guarded_by_argo(old):
            yield _row(template, "kept", f"{old.label} is kept by its annotations")
        elif deletes:
            fate, why = _reclaimed(template)
            yield _row(template, "deleted" if fate == "unknown" else fate, f"whenDeleted: Delete; {why}")
        else:
            yield _row(template, "orphaned", f"{old.label} is removed; its claims stay with the data")


def _scaled(pair: Pair[StatefulSet]) -> Iterator[DataFate]:
    old, new = pair.old, pair.new
    if old.ordinals is None or new.ordinals is None or len(old.ordinals) <= len(new.ordinals):
        return
    deletes = new.deletes_claims("whenScaled")
    gone = [ordinal for ordinal in old.ordinals if ordinal not in new.ordinals]
    for template in new.claim_templates:
        names = new.claims_of(template, gone)
        if deletes:
            fate, why = _reclaimed(template)
            yield _row(template, "deleted" if fate == "unknown" else fate, f"whenScaled: Delete; {why}", claims=names)
        else:
            yield _row(template, "orphaned", "fewer pods; these claims stay with the data", claims=names)


def _references(changes: Changes) -> Iterator[DataFate]:
    """Claims that are still there, while the workload that used them uses something else."""
    for pair in changes.touched(Workload):
        for volume in pair.old.volumes:
            claim = volume.claim if volume.is_claim_reference else None
            kept = changes.new_of(claim) if claim is not None else None
            now = pair.new.volume(volume.name)
            if kept is None or not volume.is_used or kept.users or (now is not None and now.claim_name == kept.name):
                continue
            what = now.description if now is not None else "nothing"
            yield _row(kept, "orphaned", f"{pair.new.label} uses {what} instead; the data stays, unused")


# Rows -----------------------------------------------------------------------------------------------------------------


def _row(
    node: Claim | PersistentVolume,
    fate: Fate,
    why: str,
    old: Claim | PersistentVolume | None = None,
    claims: tuple[str, ...] = (),
) -> DataFate:
    kind: Literal["claim", "claim template", "volume"] = "volume"
    owner: Workload | None = None
    if isinstance(node, Claim):
        if isinstance(node.workload, StatefulSet) and not claims:
            claims = node.workload.claims_of(node)
        kind = "claim" if node.shape == "object" else "claim template"
        owner = node.workload
    is_resized = old is not None and _bytes(old) != _bytes(node)
    return DataFate(
        fate=fate,
        kind=kind,
        namespace=node.namespace,
        name=node.name if owner is None else f"{owner.deployed_name}/{node.name}",
        claims=claims,
        size=_size(node),
        size_before=_size(old) if old is not None and is_resized else None,
        why=why,
        location=locate(node.name_place),
    )


def _bytes(node: Claim | PersistentVolume) -> Decimal | None:
    return node.request if isinstance(node, Claim) else node.capacity


def _size(node: Claim | PersistentVolume) -> str | None:
    if isinstance(node, Claim):
        written = node.spec.resources.requests.get("storage")
    else:
        written = node.spec.capacity.get("storage")
    return None if written is None else str(written)
