"""What a change does to the data although it is accepted: it is deleted, left behind, hidden or out of reach."""

from __future__ import annotations

import base64
import posixpath
from collections.abc import Iterator
from typing import Any

import msgspec

from k8s_stateful_lint.checks.change import _procedures as procedures
from k8s_stateful_lint.checks.change._words import below, claim_form, from_to, names, spec_of, spot
from k8s_stateful_lint.checks.finding import Finding, Related
from k8s_stateful_lint.config import Severity
from k8s_stateful_lint.graph import (
    Claim,
    Container,
    Database,
    Mount,
    Node,
    Pair,
    PersistentVolume,
    PodVolume,
    Removed,
    Renamed,
    Server,
    StatefulSet,
    VolumeSnapshotClass,
    Workload,
)
from k8s_stateful_lint.graph.changes import Changes
from k8s_stateful_lint.graph.guards import (
    ARGO_OPTIONS,
    DELETE_GUARDS,
    HELM_POLICY,
    PRUNE_GUARDS,
    argo_options,
    guarded_by_argo,
    kept_by_helm,
)
from k8s_stateful_lint.graph.normal import differ
from k8s_stateful_lint.graph.paths import normalise
from k8s_stateful_lint.graph.storage import matches_any
from k8s_stateful_lint.knowledge.image_reference import parse_version
from k8s_stateful_lint.knowledge.images import ImageEntry, Version, user_of
from k8s_stateful_lint.model.placeholders import is_placeholder
from k8s_stateful_lint.model.pods import EnvVar
from k8s_stateful_lint.model.raw import mapping
from k8s_stateful_lint.model.resource import Place, field_path

_FEW_CLAIMS = 3


# What takes the data away --------------------------------------------------------------------------------------------


def claim_removed(removed: Removed[Claim]) -> Iterator[Finding]:
    """A claim that is not in the manifests any more is deleted with everything on it, or its volume is released."""
    claim, changes = removed.old, removed.changes
    if kept_by_helm(claim) or guarded_by_argo(claim) or claim.holds_only_caches:
        return
    fate = claim.reclaim
    severity: Severity = "error" if fate.policy == "Delete" else "warning"
    if fate.policy == "Delete":
        what = f"and its disk with all data is deleted too ({fate.reason})"
    elif fate.policy == "Retain":
        what = f"and its volume stays behind Released: no claim gets it while its claimRef is there ({fate.reason})"
    else:
        what = "and the reclaim policy of its class decides whether the data goes with it"
    related = [Related(fate.place, "its reclaim policy")] if fate.place is not None else []
    related += [Related(user.at("persistentVolumeClaim", "claimName"), "used here before") for user in claim.users[:1]]
    successor = _successor_of_claim(claim, changes)
    hint = f". {successor[0]}" if successor else ""
    if successor:
        related.append(successor[1])
    yield Finding(
        place=claim.name_place,
        message=f"{claim.label} is not in the manifests any more: pruning, `helm upgrade` or `helm uninstall` "
        f"deletes it, {what}{hint}",
        related=tuple(related),
        severity=severity,
        confidence=None if fate.policy else "medium",
        weak=fate.weak,
        steps=procedures.keep_volume(claim, claim.name),
    )


def _successor_of_claim(claim: Claim, changes: Changes) -> tuple[str, Related] | None:
    """What seems to have taken the place of a removed claim: the claim a consumer uses now, or one that came."""
    for user in claim.users:
        workload = changes.new_of(user.workload)
        volume = workload.volume(user.name) if workload is not None else None
        if volume is not None and volume.claim_name and volume.claim_name != claim.name:
            text = f"{volume.workload.label} now uses claim {volume.claim_name}, which has none of its data"
            return text, Related(volume.at("persistentVolumeClaim", "claimName"), "used here now")
    added = [node for node in changes.added if isinstance(node, Claim) and node.shares_unit(claim)]
    same_name = [node for node in added if node.name == claim.name and node.namespace != claim.namespace]
    if len(same_name) == 1:
        text = f"A claim of this name came in namespace {same_name[0].namespace}: it is another one, and empty"
        return text, Related(same_name[0].name_place, "the new claim")
    alike = [node for node in added if claim_form(node).get("spec") == claim_form(claim).get("spec")]
    if len(alike) == 1 and alike[0] is not None:
        text = f"Claim {alike[0].name} came with the same spec: renaming a claim makes a new, empty one"
        return text, Related(alike[0].name_place, "the new claim")
    return None


def database_major_version_jump(pair: Pair[Container]) -> Iterator[Finding]:
    """A server does not start on data files of another format, or cannot go back from them."""
    old, new = pair.old.database, pair.new.database
    if old is None or new is None or old.entry.key != new.entry.key:
        return
    if not old.has_persistent_data or not new.has_persistent_data:
        return
    entry = new.entry
    before, after = _format(entry, old.match.version), _format(entry, new.match.version)
    name, images = entry.key, f"{old.product} to {new.product}"
    severity: Severity
    if before is not None and after is None and new.match.floating:
        severity = "warning"
        message = f"{images}: the tag does not say which {name} comes, so any pull may bring another data format"
    elif before is None or after is None or before == after:
        return
    elif after < before:
        severity = "error"
        message = f"{images} is a downgrade: {name} {_dotted(after)} cannot read the data files of {_dotted(before)}"
    elif entry.upgrade is None:
        return
    elif entry.upgrade == "tool":
        severity = "error"
        message = f"{images}: {name} {_dotted(after)} does not start on the data files of {_dotted(before)}"
    elif entry.upgrade == "one-step" and (between := _between(entry, before, after)):
        severity = "error"
        message = f"{images} skips {names([_dotted(v) for v in between])}: {name} upgrades one release at a time"
    else:
        severity = "warning"
        message = f"{images} changes the data files for good: there is no way back to {name} {_dotted(before)}"
    moved = [place.directory.path for place in new.data or () if place.directory.default and place.directory.required]
    kept = [place.directory.path for place in old.data or () if place.directory.default and place.directory.required]
    if moved and kept and not set(moved) & set(kept):
        message += f"; its data directory is now {moved[0]}, no longer {kept[0]}"
    claims = [volume.claim_name for volume in old.data_volumes if volume.claim_name]
    claims += [n for v in old.data_volumes if v.template is not None for n in procedures.claim_names(v.template)]
    yield Finding(
        place=pair.new.at("image"),
        message=message,
        related=(Related(pair.old.at("image"), "before"),),
        severity=severity,
        weak=max(old.weak, new.weak),
        unverified=new.is_unverified,
        steps=tuple(procedures.snapshot(pair.new.workload, claims)),
    )


def _format(entry: ImageEntry, version: Version | None) -> Version | None:
    """The part of a version that makes a data format."""
    if entry.format_parts is None or version is None:
        return None
    # Before 10, a major version of PostgreSQL had two parts.
    parts = 2 if entry.upgrade == "tool" and version[0] < 10 else entry.format_parts
    return version[:parts] if len(version) >= parts else None


def _between(entry: ImageEntry, before: Version, after: Version) -> list[Version]:
    """The releases that an upgrade must not skip; empty where the table does not know them."""
    if entry.series:
        known = [version for text in entry.series if (version := parse_version(text)) is not None]
        return [version for version in known if before < version < after]
    if entry.format_parts == 1:
        return [(major,) for major in range(before[0] + 1, after[0])]
    return []


def _dotted(version: Version) -> str:
    return ".".join(map(str, version))


def claim_reference_changed(pair: Pair[Workload]) -> Iterator[Finding]:
    """The program starts on other storage than the one its data is on."""
    old, new, changes = pair.old, pair.new, pair.changes
    if new.runs_only_caches:
        return
    for before in old.volumes:
        name = before.claim_name
        after = new.volume(before.name)
        if not name or not before.is_used or (before.claim is not None and changes.is_removed(before.claim)):
            continue
        if after is None or after.template is not None:
            # `nothing`: the mount stays, and what was in the volume is gone from the manifest.
            if after is None and any(mount.name == before.name for mount in new.mounts):
                place, what = new.template_at("spec", "volumes", part="key"), "nothing"
            else:
                continue
        elif after.is_claim_reference:
            if not after.claim_name or after.claim_name == name or not after.is_used:
                continue
            source = after.claim.spec.data_source or after.claim.spec.data_source_ref if after.claim else None
            if source is not None and source.kind == "PersistentVolumeClaim" and source.name == name:
                continue
            place, what = after.at("persistentVolumeClaim", "claimName"), f"claim {after.claim_name}"
        elif after.is_used:
            key = after.source_key or "nothing"
            place, what = (
                after.at(*([key] if after.source else []), part="key"),
                f"an {key}" if key == "emptyDir" else key,
            )
        else:
            continue
        orphaned = not any(
            volume.claim_name == name and (volume.workload.sees(new) or volume.workload is new)
            for volume in new.graph.pod_volumes
        )
        left = ", and nothing uses the old claim any more" if orphaned else ""
        yield Finding(
            place=place,
            message=f"volume {before.name} of {new.label} was claim {name} and is now {what}: the program starts on "
            f"other, usually empty storage{left}",
            related=(Related(before.at("persistentVolumeClaim", "claimName"), "before"),),
            severity="error" if orphaned else None,
            steps=tuple(procedures.snapshot(new, [name])),
        )


def data_path_changed(pair: Pair[Container]) -> Iterator[Finding]:
    """The old data is still on the volume, but the program looks for it elsewhere and starts anew."""
    old, new = pair.old, pair.new
    before, after = old.database or old.server, new.database or new.server
    if before is not None and after is not None and before.entry.key == after.entry.key:
        if _format(after.entry, before.match.version) != _format(after.entry, after.match.version):
            return  # database-major-version-jump names the other directory
        if _settings(old) == _settings(new):
            return  # only the image is another one
        places_before, places_after = _locations(before), _locations(after)
        if places_before is None or places_after is None:
            return
        for volume, where in places_before.items():
            now = places_after.get(volume)
            if now is None or now.path == where.path:
                continue
            moved = _mover_place(new, now) if now.moved_value != where.moved_value else None
            yield Finding(
                place=moved or now.mount.at(*_mount_field(where.mount, now.mount)),
                message=f"{new.workload.label} looks for its data in {now.path or 'the root'} of {_volume_words(now)}, "
                f"no longer in {where.path or 'the root'}: the old data is hidden, and an empty directory initialised",
                related=(Related((moved and _mover_place(old, where)) or where.mount.at("mountPath"), "before"),),
                severity=None if after.is_database else "warning",
                weak=max(before.weak, after.weak),
                unverified=after.is_unverified,
            )
        return
    if after is not None or before is not None:
        return  # another program: data-owner-changed and the version rules speak about it
    yield from _sub_paths(old, new)


class _Location(msgspec.Struct, frozen=True):
    """Where on a volume a data directory is."""

    path: str
    mount: Mount
    moved_by: str | None
    moved_value: str | None


def _locations(server: Server) -> dict[str, _Location] | None:
    """For each claim or claim template, the directory on it that holds the data; None where that cannot be told."""
    if server.data is None:
        return None
    found: dict[str, _Location] = {}
    for place in server.data:
        mount = place.mount
        if mount is None or mount.volume is None or not place.directory.required:
            continue
        name = _volume_name(mount.volume)
        if not name or mount.spec.sub_path_expr:
            continue
        mover = place.directory.moved_by
        inside = posixpath.relpath(normalise(place.directory.path), mount.path)
        path = posixpath.normpath(posixpath.join(mount.spec.sub_path, inside))
        found.setdefault(
            name, _Location("" if path == "." else path, mount, mover, server.container.environment.get(mover or ""))
        )
    return found


def _volume_name(volume: PodVolume) -> str:
    """What tells a claim or claim template from another one; empty for other volumes."""
    return f"template {volume.name}" if volume.template is not None else volume.claim_name


def _volume_words(location: _Location) -> str:
    assert location.mount.volume is not None
    return location.mount.volume.description


def _settings(container: Container) -> tuple[Any, ...]:
    """What moves the data of a container: its mounts, variables and arguments."""
    mounts = [(m.name, m.path, m.spec.sub_path, m.spec.sub_path_expr) for m in container.mounts]
    return mounts, container.environment, container.words, container.config_texts


def _mover_place(container: Container, location: _Location) -> Place | None:
    """The variable that moves the data directory, if one does."""
    for index, variable in enumerate(container.spec.env):
        if variable.name == location.moved_by:
            return container.at("env", index, "value")
    return None


def _mount_field(old: Mount, new: Mount) -> tuple[str]:
    if (old.spec.sub_path, old.spec.sub_path_expr) != (new.spec.sub_path, new.spec.sub_path_expr):
        return ("subPathExpr",) if new.spec.sub_path_expr else ("subPath",)
    return ("mountPath",)


def _sub_paths(old: Container, new: Container) -> Iterator[Finding]:
    """Programs that nobody knows: another directory of the volume at the same place is other data."""
    by_place = {(_volume_name(m.volume), m.path): m for m in old.mounts if m.volume is not None and m.is_persistent}
    for mount in new.mounts:
        if mount.volume is None or not mount.is_writable:
            continue
        before = by_place.get((_volume_name(mount.volume), mount.path))
        if before is None or not _volume_name(mount.volume):
            continue
        was = before.spec.sub_path_expr or before.spec.sub_path
        now = mount.spec.sub_path_expr or mount.spec.sub_path
        if posixpath.normpath(was) == posixpath.normpath(now):
            continue
        yield Finding(
            place=mount.at(*_mount_field(before, mount)),
            message=f"{mount.path} of {new.workload.label} is now {now or 'the root'} of {mount.volume.description}, "
            f"no longer {was or 'the root'}: the old data is hidden",
            related=(Related(before.at(*_mount_field(mount, before)), "before"),),
            severity="warning",
        )


# StatefulSets that go or go on under another name --------------------------------------------------------------------


def workload_identity_changed(renamed: Renamed[StatefulSet]) -> Iterator[Finding]:
    """Claims carry the name and namespace of their StatefulSet: under another identity they are new ones."""
    old, new = renamed.old, renamed.new
    olds = [name for template in old.claim_templates for name in procedures.claim_names(template)]
    if isinstance(new, StatefulSet):
        news = [name for template in new.claim_templates for name in procedures.claim_names(template)]
        claims = {c.name: c for c in new.graph.unit_mates(new, Claim)}
        prepared = [claims[name] for name in news if name in claims]
        if any(c.spec.volume_name or c.spec.data_source or c.spec.data_source_ref for c in prepared):
            return
    else:
        news = [volume.claim_name for volume in new.volumes if volume.claim_name]
        if set(news) & set(olds) and new.namespace == old.namespace:
            return  # the claims of the StatefulSet are used by name
    route: tuple[str, ...]
    if old.kind != new.kind:
        route, what = ("kind",), f"{old.label} becomes {new.label}"
    elif old.deployed_name != new.deployed_name:
        route, what = ("metadata", "name"), f"{old.kind} {old.deployed_name} becomes {new.kind} {new.deployed_name}"
    else:
        spaces = [space or "the current namespace" for space in (old.namespace, new.namespace)]
        route, what = ("metadata", "namespace"), f"{old.label} moves from {spaces[0]} to {spaces[1]}"
    where = "in namespace " + new.namespace if new.namespace and new.namespace != old.namespace else ""
    fresh = f"on new, empty claims ({names(news)}{' ' + where if where else ''})" if news else "without a claim"
    steps: list[str] = []
    if isinstance(new, StatefulSet):
        for left, right in zip(old.claim_templates, new.claim_templates, strict=False):
            steps += procedures.grow_before(left, right)
    steps.append(procedures.kubectl(old, "scale", "statefulset", old.name, "--replicas=0"))
    for before, after in list(zip(olds, news, strict=False))[:_FEW_CLAIMS]:
        steps += procedures.rebind(old, before, new.namespace, after)
    if len(olds) > _FEW_CLAIMS:
        steps.append("# and so on for every other claim")
    yield Finding(
        place=new.at(*route),
        message=f"{what}: its pods start {fresh}, and the data stays behind in {names(olds)}",
        related=(Related(old.name_place, "before"),),
        severity="error" if old.databases else None,
        steps=(*steps, procedures.apply(new)) if news else (),
    )


def stateful_set_removed(removed: Removed[StatefulSet]) -> Iterator[Finding]:
    """Claims outlive their StatefulSet, unless its retention policy says otherwise."""
    old = removed.old
    if not old.claim_templates or kept_by_helm(old) or guarded_by_argo(old):
        return
    claims = [name for template in old.claim_templates for name in procedures.claim_names(template)]
    if old.deletes_claims("whenDeleted"):
        fates = {template.reclaim.policy for template in old.claim_templates}
        field = ("spec", "persistentVolumeClaimRetentionPolicy", "whenDeleted")
        reclaim = "their volumes are retained" if fates == {"Retain"} else "the data goes with them"
        patch = '{"spec":{"persistentVolumeClaimRetentionPolicy":{"whenDeleted":"Retain"}}}'
        yield Finding(
            place=old.name_place,
            message=f"{old.label} is not in the manifests any more, and its retention policy deletes its claims "
            f"({names(claims)}): {reclaim}",
            related=(Related(old.at(*field), "this deletes the claims"),),
            severity="warning" if fates == {"Retain"} else "error",
            steps=(procedures.kubectl(old, "patch", "statefulset", old.name, "--type", "merge", "-p", patch),),
        )
        return
    yield Finding(
        place=old.name_place,
        message=f"{old.label} is not in the manifests any more: its claims ({names(claims)}) stay and cost money, and "
        "the next StatefulSet of this name takes them with their data",
        help="Delete the claims when nobody needs their data.",
        steps=tuple(procedures.kubectl(old, "get", "pvc", name) for name in claims[:_FEW_CLAIMS]),
    )


# Volumes and policies -------------------------------------------------------------------------------------------------


def bound_volume_edited(pair: Pair[PersistentVolume]) -> Iterator[Finding]:
    """The API server lets anybody edit these fields of a bound volume, and checks nothing."""
    old, new = pair.old, pair.new
    if not old.claims and not old.is_reserved:
        return
    claim = old.claims[0].label if old.claims else f"claim {old.spec.claim_ref.name}" if old.spec.claim_ref else ""
    before, after = spec_of(old), spec_of(new)
    effects = {
        ("capacity", "storage"): "the disk does not change with it, and the volume is not resized any more",
        ("claimRef",): "the volume is released: the claim it was bound to loses it",
        ("storageClassName",): "it fits its claim no more when it is bound again",
        ("accessModes",): "it fits its claim no more when it is bound again, and pods may be kept from it",
    }
    for route, effect in effects.items():
        left, right = below(before, route), below(after, route)
        if route == ("claimRef",):
            if left is None:
                continue
            left, right = ({k: v for k, v in mapping(ref).items() if k not in _BINDING} for ref in (left, right))
        if differ(left, right):
            full = ("spec", *route)
            yield Finding(
                place=spot(new, full),
                message=f"{new.label} changes {field_path(full[1:])} {from_to(old, new, full)} while it is bound to "
                f"{claim}; this is accepted without a check, and {effect}",
                related=(Related(spot(old, full), "before"),),
            )


# What identifies one claim object: it is removed to bind a volume again.
_BINDING = frozenset({"uid", "resourceVersion", "apiVersion", "kind"})


def reclaim_policy_loosened(
    pair: Pair[PersistentVolume] | Pair[StatefulSet] | Pair[VolumeSnapshotClass],
) -> Iterator[Finding]:
    """Deleting a claim, a StatefulSet or a snapshot takes the data with it from now on."""
    old, new = pair.old, pair.new
    if new.is_development:
        return
    databases: tuple[Database, ...] = ()
    if isinstance(new, PersistentVolume):
        routes: list[tuple[str, ...]] = [("spec", "persistentVolumeReclaimPolicy")]
        databases = new.databases
        if new.claims and all(claim.holds_only_caches for claim in new.claims):
            return
        effect = "when its claim is deleted, the data goes with it"
    elif isinstance(new, StatefulSet):
        policy = ("spec", "persistentVolumeClaimRetentionPolicy")
        routes = [(*policy, "whenDeleted"), (*policy, "whenScaled")]
        databases = new.databases
        deletes = new.deletes_claims("whenDeleted") or new.deletes_claims("whenScaled")
        if not new.claim_templates or not deletes or new.runs_only_caches:
            return
        effect = "claims that exist already are deleted, too"
    else:
        routes, effect = [("deletionPolicy",)], "deleting a VolumeSnapshot deletes the snapshot itself"
    for route in routes:
        before, after = old.resource.get(*route), new.resource.get(*route)
        if before in (None, "Retain") and after in ("Delete", "Recycle") and (before or route != ("deletionPolicy",)):
            yield Finding(
                place=new.at(*route),
                message=f"{new.label} changes {route[-1]} from {before or 'Retain (the default)'} to {after}, which "
                f"is accepted at once: {effect}",
                related=(Related(old.at(*route), "before"),),
                severity="error" if databases else None,
            )


# Neighbours of the data -----------------------------------------------------------------------------------------------


def governing_service_removed(pair: Pair[StatefulSet]) -> Iterator[Finding]:
    """Without its governing Service the pods of a StatefulSet have no names."""
    old, new, changes = pair.old, pair.new, pair.changes
    name = new.service_name
    service = old.governing_service.target
    if service is None or old.service_name != name or not changes.is_removed(service):
        return
    if new.governing_service.target is not None or matches_any(name, new.graph.config.external.services):
        return
    alone = new.max_pods == 1 and not new.uses_peer_names
    yield Finding(
        place=new.at("spec", "serviceName"),
        message=f"Service {name} is not in the manifests any more, but {new.label} needs it: its pods lose their DNS "
        f"names ({new.name}-0.{name})",
        related=(Related(service.name_place, "removed"),),
        severity="warning" if alone else None,
        weak=old.governing_service.weak,
    )


def replicas_reduced(pair: Pair[StatefulSet]) -> Iterator[Finding]:
    """Members leave with their data; claims stay, or are deleted, as the retention policy says."""
    old, new = pair.old, pair.new
    before, after = old.pods, new.pods
    if before is None or after is None or after.minimum >= before.minimum or not new.claim_templates:
        return
    if new.runs_only_caches:
        return
    count, was = after.minimum, before.minimum
    deletes = new.deletes_claims("whenScaled")
    if count == 0 and not deletes:
        return
    members = [database for database in new.databases if database.votes]
    majority = was // 2 + 1
    severity: Severity | None = None
    related = [Related(before.place, "before")]
    gone = (old.ordinals or range(0))[count:was]
    left = [name for template in new.claim_templates for name in new.claims_of(template, gone)]
    if deletes:
        severity = "error"
        effect = f"the retention policy deletes the claims of the pods that go ({names(left)}), with their data"
        related.append(
            Related(new.at("spec", "persistentVolumeClaimRetentionPolicy", "whenScaled"), "this deletes them")
        )
    elif members and count < majority:
        severity = "error"
        left_over = f"{count} {'is' if count == 1 else 'are'} left"
        effect = f"of {was} members {majority} must agree, and {left_over}: nothing can be written any more"
    else:
        effect = (
            f"the claims of the pods that go ({names(left)}) stay, and come back with their old data and membership"
        )
    yield Finding(
        place=after.place,
        message=f"{new.label} goes from {was} to {count} {'pod' if count == 1 else 'pods'}: {effect}",
        related=tuple(related),
        severity=severity,
        weak=max((database.weak for database in members), default=0) if severity == "error" and not deletes else 0,
        steps=tuple(
            procedures.kubectl(new, "scale", "statefulset", new.name, f"--replicas={number}")
            for number in list(range(was - 1, count - 1, -1))[:_FEW_CLAIMS]
        )
        if members
        else (),
    )


def data_owner_changed(pair: Pair[Workload]) -> Iterator[Finding]:
    """Files belong to the user that wrote them: another one cannot read them."""
    containers = list(pair.changes.containers_of(pair))
    for inner in containers:
        yield from _owner_changed(inner)
    old = pair.old.pod_spec.security_context
    route = ("spec", "securityContext", "fsGroup")
    if old.fs_group is None or pair.new.resource.get(*pair.new.template_route, *route) is not None:
        return
    users = [_user(inner.new) for inner in containers if not inner.new.is_init and _keeps_data(inner.new)]
    if any(user is not None and user != 0 for user in users):
        yield Finding(
            place=pair.new.template_at(*route),
            message=f"fsGroup {old.fs_group} of {pair.new.label} is taken away: files that belong to that group are "
            "out of reach for its user",
            related=(Related(pair.old.template_at(*route), "before"),),
        )


def _owner_changed(pair: Pair[Container]) -> Iterator[Finding]:
    old, new = pair.old, pair.new
    if new.is_init or not _keeps_data(old) or not _keeps_data(new) or new.workload.pod_spec.security_context.fs_group:
        return
    if not {_volume_name(m.volume) for m in old.mounts if m.volume} & {
        _volume_name(m.volume) for m in new.mounts if m.volume and m.is_persistent
    }:
        return
    before, after = _user(old), _user(new)
    if before is None or after is None or before == after or after == 0:
        return
    user = user_of(new.image_match) if new.image_match is not None else None
    if new.run_as_user is None and user is not None and user.starts_as_root and not _chown_fails(new):
        return
    if old.run_as_user != new.run_as_user:
        place, related = _user_place(new), _user_place(old)
    else:
        place, related = new.at("image"), old.at("image")
    volume = next(m.volume for m in new.mounts if m.volume is not None and m.is_persistent)
    yield Finding(
        place=place,
        message=f"container {new.name} of {new.workload.label} runs as user {after}, no longer as {before}: the files "
        f"on {volume.description} belong to {before}",
        related=(Related(related, "before"),),
        weak=max(server.weak if server is not None else 0 for server in (old.server, new.server)),
    )


def _user_place(container: Container) -> Place:
    """Where the user of a container is written: in it, or in its pod."""
    route = ("securityContext", "runAsUser")
    if container.spec.security_context.run_as_user is not None:
        return container.at(*route)
    return container.workload.template_at("spec", *route)


def _user(container: Container) -> int | None:
    """The user id a container runs as in the end; None where it is unknown."""
    if container.run_as_user is not None:
        return container.run_as_user
    user = user_of(container.image_match) if container.image_match is not None else None
    return user.uid if user is not None else None


def _keeps_data(container: Container) -> bool:
    """Whether the data of a container is on storage that outlives the pod: a known server's, or any it can write."""
    if container.server is not None:
        return container.server.has_persistent_data
    return any(mount.is_persistent and mount.is_writable for mount in container.mounts)


def _chown_fails(container: Container) -> bool:
    """Whether files are on storage where root of a container may not give them away."""
    claims = [mount.volume.claim for mount in container.mounts if mount.volume is not None]
    drivers = [claim.driver.driver for claim in claims if claim is not None]
    return any(driver is not None and driver.network_file_system not in (None, "none") for driver in drivers)


_GUARD_KINDS = frozenset({"PersistentVolumeClaim", "PersistentVolume", "StatefulSet", "Namespace"})


def deletion_guard_removed(pair: Pair[Node]) -> Iterator[Finding]:
    """What kept Helm or Argo CD from deleting an object is gone, while the object stays."""
    old, new = pair.old, pair.new
    if new.kind not in _GUARD_KINDS:
        return
    if kept_by_helm(old) and not kept_by_helm(new):
        yield _guard_gone(pair, HELM_POLICY, f"{HELM_POLICY}: keep", "`helm uninstall`, or an upgrade without it,")
    before, after = set(argo_options(old)), set(argo_options(new))
    for guards, who in ((PRUNE_GUARDS, "pruning"), (DELETE_GUARDS, "deleting the Argo CD application")):
        guard = next(iter(sorted(before & guards)), None)
        if guard is not None and guard.endswith("=false") and not after & guards:
            yield _guard_gone(pair, ARGO_OPTIONS, guard, who)


def _guard_gone(pair: Pair[Node], annotation: str, guard: str, who: str) -> Finding:
    old, new = pair.old, pair.new
    route = ("metadata", "annotations", annotation)
    is_claim = isinstance(new, Claim)
    return Finding(
        place=new.at(*route),
        message=f"{new.label} is not guarded by {guard} any more: {who} deletes it"
        f"{' with its data' if is_claim else ' with everything in it' if new.kind == 'Namespace' else ''}",
        related=(Related(old.at(*route), "before"),),
    )


def init_password_changed(pair: Pair[Container]) -> Iterator[Finding]:
    """Variables that are read while the data directory is empty change nothing later."""
    old, new = pair.old, pair.new
    before, after = old.database, new.database
    if before is None or after is None or before.entry.key != after.entry.key:
        return
    if not before.has_persistent_data or not after.has_persistent_data:
        return
    secrets = after.entry.secrets
    kinds = dict.fromkeys(secrets.passwords, "password") | dict.fromkeys(secrets.users, "user")
    kinds |= dict.fromkeys(secrets.databases, "database")
    olds = {variable.name: (index, variable) for index, variable in enumerate(old.spec.env)}
    volume = after.data_volumes[0]
    for index, variable in enumerate(new.spec.env):
        kind = kinds.get(variable.name)
        if kind is None or variable.name not in olds or variable.name.endswith("_FILE"):
            continue
        old_index, old_variable = olds[variable.name]
        left, right = _given(old, old_variable), _given(new, variable)
        if left is None or right is None or left.value == right.value:
            continue
        yield Finding(
            place=right.place or new.at("env", index, "value"),
            message=f"{variable.name} of {new.workload.label} changes: it is read only while the data directory is "
            f"empty, so the {kind} that was made then stays, and clients with the new one fail",
            related=(
                Related(left.place or old.at("env", old_index, "value"), "before"),
                Related(volume.at("name") if volume.template is None else volume.template.name_place, "the data"),
            ),
            weak=after.weak,
            secret=True,
        )


class _Given(msgspec.Struct, frozen=True):
    """The value of a variable, and the key of the Secret it comes from."""

    value: str
    place: Place | None


def _given(container: Container, variable: EnvVar) -> _Given | None:
    """A variable's value, also from a Secret of the unit; None where it cannot be read."""
    if variable.value_from is None:
        value = variable.value or ""
        return None if is_placeholder(value.replace("$(", "")) or _is_sealed(value) else _Given(value, None)
    reference = variable.value_from.get("secretKeyRef")
    if not isinstance(reference, dict):
        return None
    graph, name, key = container.workload.graph, reference.get("name"), reference.get("key")
    candidates = [node for node in graph.named("Secret", str(name)) if node.shares_unit(container.workload)]
    secret = graph.nearest(candidates, container.workload).target
    if secret is None or not isinstance(key, str):
        return None
    for field in ("stringData", "data"):
        value = secret.resource.get(field, key)
        if not isinstance(value, str) or is_placeholder(value) or _is_sealed(value):
            continue
        if field == "data":
            try:
                value = base64.b64decode(value, validate=True).decode("utf-8", "surrogateescape")
            except ValueError:
                return None
        return _Given(value, secret.at(field, key))
    return None


def _is_sealed(value: str) -> bool:
    """Whether a value is encrypted in the manifest (SOPS, Ansible Vault, git-crypt)."""
    return value.startswith(("ENC[", "$ANSIBLE_VAULT", "\x00GITCRYPT", "vault:"))
