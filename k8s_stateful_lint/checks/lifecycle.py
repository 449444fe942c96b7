"""Family lifecycle: what Helm, Argo CD, kustomize and backup tools do to claims and to the data on them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from k8s_stateful_lint._patterns import regex
from k8s_stateful_lint.checks.finding import Finding, Related
from k8s_stateful_lint.graph import Claim, Database, Graph, Namespace, Node, StatefulSet, Workload
from k8s_stateful_lint.graph.guards import (
    ARGO_OPTIONS,
    DELETE_GUARDS,
    PRUNE_GUARDS,
    argo_options,
    guarded_by_argo,
    kept_by_helm,
)
from k8s_stateful_lint.graph.once import once
from k8s_stateful_lint.model.kustomization import KustomizationBody
from k8s_stateful_lint.model.placeholders import is_placeholder
from k8s_stateful_lint.model.resource import Place
from k8s_stateful_lint.reading import Route

_HELM_HOOK = "helm.sh/hook"
_HELM_DELETE_POLICY = "helm.sh/hook-delete-policy"
_ARGO_HOOK = "argocd.argoproj.io/hook"
_ARGO_WAVE = "argocd.argoproj.io/sync-wave"
_ARGO_LABEL = "argocd.argoproj.io/instance"
_GUARDED_KINDS = frozenset({"PersistentVolumeClaim", "StatefulSet", "PersistentVolume", "Namespace"})
_PHASES = {"PreSync": 0, "Sync": 1, "PostSync": 2}
_HELM_AS_ARGO = {
    "pre-install": "PreSync",
    "pre-upgrade": "PreSync",
    "post-install": "PostSync",
    "post-upgrade": "PostSync",
    "crd-install": "PreSync",
}
_VELERO_KEYS = ("backup.velero.io/backup-volumes", "backup.velero.io/backup-volumes-excludes")
_RANDOM = regex(r"\brand(?:AlphaNum|Alpha|Ascii|Numeric|Bytes)\b|\bgenPassword\b|\buuidv4\b")


# Deletion -------------------------------------------------------------------------------------------------------------


def claim_deleted_with_release(subject: Claim | Namespace) -> Iterator[Finding]:
    """Helm deletes the claims of a release with it; deleting a namespace deletes every claim in it."""
    if isinstance(subject, Namespace):
        yield from _namespace_with_database(subject)
        return
    release = _release_mark(subject)
    if subject.shape != "object" or release is None or kept_by_helm(subject):
        return
    if _HELM_HOOK in subject.annotations or guarded_by_argo(subject) or subject.holds_only_caches:
        return
    databases = subject.databases
    what = f"the data of {databases[0].workload.label}" if databases else "its data"
    related = tuple(Related(database.container.at("image"), "the database") for database in databases[:1])
    yield Finding(
        place=subject.at("metadata", "annotations"),
        message=f"{subject.label} belongs to a Helm release ({release}): `helm uninstall`, or an upgrade without the "
        f"claim, deletes it and {what}",
        related=related,
        severity="info"
        if subject.reclaim.policy == "Retain" or not (databases or subject.is_production)
        else "warning",
    )


def _release_mark(claim: Claim) -> str | None:
    labels = claim.labels
    if labels.get("app.kubernetes.io/managed-by") == "Helm":
        return "label app.kubernetes.io/managed-by: Helm"
    if "helm.sh/chart" in labels:
        return f"label helm.sh/chart: {labels['helm.sh/chart']}"
    if "heritage" in labels and "chart" in labels:
        return f"label chart: {labels['chart']}"
    return None


@once
def _workloads_by_namespace(graph: Graph, units: frozenset[str]) -> dict[str | None, list[Workload]]:
    index: dict[str | None, list[Workload]] = defaultdict(list)
    for workload in graph.in_units(units, Workload):
        index[workload.namespace].append(workload)
    return index


def _namespace_with_database(namespace: Namespace) -> Iterator[Finding]:
    name = namespace.deployed_name
    if not name or kept_by_helm(namespace) or guarded_by_argo(namespace):
        return
    for workload in _workloads_by_namespace(namespace.graph, namespace.units).get(name, ()):
        for database in workload.databases:
            claims = [volume.claim for volume in database.data_volumes if volume.claim is not None]
            owned = [c for c in claims if c.shape == "template" or (c.shape == "object" and c.shares_unit(namespace))]
            if owned:
                yield Finding(
                    place=namespace.name_place,
                    message=f"Namespace {name} is deployed together with the claims of {workload.label}: "
                    "deleting these manifests deletes the namespace and every claim in it",
                    related=(Related(database.container.at("image"), "the database"),),
                    severity="info",
                    help="Keep the Namespace in a unit of its own.",
                    weak=database.weak,
                    unverified=database.is_unverified,
                )
                return


def prune_guard_without_delete_guard(node: Node) -> Iterator[Finding]:
    """Argo CD has two switches, one for pruning and one for the deletion of the application."""
    if node.kind not in _GUARDED_KINDS or node.resource.body is None:
        return
    misspelt = next((key for key in node.annotations if key.startswith(ARGO_OPTIONS) and key != ARGO_OPTIONS), None)
    if misspelt is not None:
        yield Finding(
            place=node.at("metadata", "annotations", misspelt, part="key"),
            message=f"Argo CD does not know the annotation {misspelt}: nothing guards {node.label}",
            help=f'Write {ARGO_OPTIONS}: "Prune=false,Delete=false".',
        )
    options = argo_options(node)
    place = node.at("metadata", "annotations", ARGO_OPTIONS)
    malformed = next((option for option in options if _is_malformed(option)), None)
    if malformed is not None:
        yield Finding(
            place=place,
            message=f'Argo CD does not know the option "{malformed}" (it compares letter by letter with Prune=false '
            f"and Delete=false): nothing guards {node.label}",
        )
    elif set(options) & PRUNE_GUARDS and not set(options) & DELETE_GUARDS:
        guard = next(option for option in options if option in PRUNE_GUARDS)
        yield Finding(
            place=place,
            message=f"{guard} keeps {node.label} only when it leaves the manifests: deleting the Argo CD application "
            "still deletes it, because that is another switch",
        )
    elif misspelt is None and isinstance(node, Claim) and not set(options) & (PRUNE_GUARDS | DELETE_GUARDS):
        yield from _unguarded_data(node)


def _unguarded_data(claim: Claim) -> Iterator[Finding]:
    if claim.graph.config.tool.tool == "argocd" and claim.databases:
        database = claim.databases[0]
        yield Finding(
            place=claim.at("metadata", "annotations"),
            message=f"{claim.label} holds the data of {database.workload.label}, and neither pruning nor the deletion "
            "of the Argo CD application spares it",
            related=(Related(database.container.at("image"), "the database"),),
            severity="info",
            weak=database.weak,
        )


def _is_malformed(option: str) -> bool:
    if option in PRUNE_GUARDS | DELETE_GUARDS:
        return False
    plain = re.sub(r"[\s\"']", "", option).replace(":", "=").lower()
    return plain in {guard.lower() for guard in PRUNE_GUARDS | DELETE_GUARDS}


def tracking_label_in_claim_template(stateful_set: StatefulSet) -> Iterator[Finding]:
    """Labels of templates and selectors are copied to the claims; Argo CD prunes what carries its label."""
    if not stateful_set.claim_templates:
        return
    keys = [key for key in (_ARGO_LABEL, stateful_set.graph.config.tool.tracking_label) if key]
    for key in dict.fromkeys(keys):
        for template in stateful_set.claim_templates:
            if key in template.labels:
                yield Finding(
                    place=template.at("metadata", "labels", key),
                    message=f"every claim of {template.label} gets the label {key}, which Argo CD tracks objects by: "
                    "it takes the claims for its own, and prunes them because they are in no manifest",
                )
        if stateful_set.spec.selector is not None and key in stateful_set.spec.selector.match_labels:
            yield Finding(
                place=stateful_set.at("spec", "selector", "matchLabels", key),
                message=f"the labels of the selector are copied to the claims of {stateful_set.label}, and {key} is "
                "the one that Argo CD tracks objects by: it prunes the claims because they are in no manifest",
            )


def claim_template_without_type(stateful_set: StatefulSet) -> Iterator[Finding]:
    """The API server fills in the type of a claim template, and Argo CD sees a difference for ever."""
    if stateful_set.graph.config.tool.tool != "argocd":
        return
    for template in stateful_set.claim_templates:
        missing = [field for field in ("apiVersion", "kind") if not template.get(field)]
        if missing:
            yield Finding(
                place=template.at(),
                message=f"{template.label} of {stateful_set.label} has no {' and no '.join(missing)}: the API server "
                "fills it in, and the application is OutOfSync for ever under server-side diff",
            )


# Hooks and waves ------------------------------------------------------------------------------------------------------


class _Turn(NamedTuple):
    """When Argo CD applies an object: the phase, then the wave."""

    phase: int
    wave: int


def claim_created_before_consumer(claim: Claim) -> Iterator[Finding]:
    """A tool that waits for a bound claim, and a claim that waits for a pod, wait for each other."""
    if claim.shape != "object":
        return
    helm_hooks = _words(claim.annotations.get(_HELM_HOOK))
    if "pre-upgrade" in helm_hooks:
        policies = _words(claim.annotations.get(_HELM_DELETE_POLICY))
        if not policies or "before-hook-creation" in policies:
            yield Finding(
                place=claim.at("metadata", "annotations", _HELM_HOOK),
                message=f"{claim.label} is a pre-upgrade hook: Helm deletes it, with its data, and makes a new one "
                "before every upgrade (before-hook-creation is the default)",
                related=_consumer(claim),
                severity="error",
            )
            return
    if _binds_at_once(claim):
        return
    turn = _turn(claim)
    if turn is None:
        return
    consumers = [volume.workload for volume in claim.users if volume.workload.shares_unit(claim)]
    turns = [_turn(workload) for workload in consumers]
    if any(other is None or other <= turn for other in turns):
        return
    if turn.phase == _PHASES["PreSync"]:
        key = _ARGO_HOOK if _ARGO_HOOK in claim.annotations else _HELM_HOOK
        message = (
            f"{claim.label} is a {claim.annotations[key]} hook: Argo CD waits until it is bound, and a claim of a "
            "class with WaitForFirstConsumer is bound only when a pod uses it, which comes later"
        )
    elif consumers and turn.phase == _PHASES["Sync"] and all(o is not None and o.phase == turn.phase for o in turns):
        key = _ARGO_WAVE
        later = min(other.wave for other in turns if other is not None)
        message = (
            f"{claim.label} is in sync wave {turn.wave}, its first consumer in wave {later}: Argo CD waits until the "
            "claim is bound, and with WaitForFirstConsumer it is bound only when a pod uses it"
        )
    else:
        return
    yield Finding(place=claim.at("metadata", "annotations", key), message=message, related=_consumer(claim))


def _consumer(claim: Claim) -> tuple[Related, ...]:
    volume = next((v for v in claim.users if v.workload.shares_unit(claim)), None)
    return (Related(volume.at("persistentVolumeClaim", "claimName"), "the consumer"),) if volume is not None else ()


def _words(text: str | None) -> list[str]:
    return [word.strip() for word in (text or "").split(",") if word.strip()]


def _turn(node: Node) -> _Turn | None:
    """The phase and wave of an object; None where they cannot be read, or where it is made when something failed."""
    hooks = _words(node.annotations.get(_ARGO_HOOK))
    if not hooks and node.graph.config.tool.tool == "argocd":
        hooks = [_HELM_AS_ARGO.get(word, word) for word in _words(node.annotations.get(_HELM_HOOK))]
    if not hooks and _HELM_HOOK in node.annotations:
        return None
    phases = [_PHASES.get(hook) for hook in hooks] or [_PHASES["Sync"]]
    known = [phase for phase in phases if phase is not None]
    wave = node.annotations.get(_ARGO_WAVE, "0").strip()
    if not known or not re.fullmatch(r"[+-]?[0-9]{1,18}", wave):
        return None
    return _Turn(min(known), int(wave))


def _binds_at_once(claim: Claim) -> bool:
    """Whether the claim needs no pod to be bound, as far as anything tells."""
    if claim.spec.volume_name or claim.volume is not None or claim.paired.ambiguous:
        return True
    name = claim.class_name
    if name.name == "" or claim.class_resolution.ambiguous:
        return True
    if claim.storage_class is not None:
        return not claim.storage_class.waits_for_consumer
    if name.name is None:
        return False
    known = claim.graph.knowledge.class_name(name.name, claim.graph.config.cluster.platform)
    return known is not None and known.binding_mode == "Immediate"


# Passwords and backups ------------------------------------------------------------------------------------------------


def generated_password_on_claim(database: Database) -> Iterator[Finding]:
    """The password is made anew, the data directory keeps the old one."""
    if not any(volume.claim is not None or volume.is_claim_reference for volume in database.data_volumes):
        return
    passwords = database.entry.secrets.passwords
    if not passwords:
        return
    container = database.container
    for index, variable in enumerate(container.spec.env):
        if variable.name in passwords and variable.value_from is not None:
            reference = variable.value_from.get("secretKeyRef")
            key = reference.get("key") if isinstance(reference, Mapping) else None
            route: Route = ("env", index, "valueFrom", "secretKeyRef")
            yield from _generated(database, reference, route, {str(key): variable.name})
    for index, source in enumerate(container.spec.env_from):
        if source.secret_ref is not None:
            prefix = source.prefix
            wanted = {p.removeprefix(prefix): p for p in passwords if p.startswith(prefix)}
            yield from _generated(database, source.secret_ref, ("envFrom", index, "secretRef"), wanted)


def _generated(database: Database, reference: object, route: Route, wanted: Mapping[str, str]) -> Iterator[Finding]:
    """A Secret that is generated, and has one of the wanted keys; the values are the variables they become."""
    name = reference.get("name") if isinstance(reference, Mapping) else None
    if not isinstance(name, str) or is_placeholder(name):
        return
    workload, place = database.workload, database.container.at(*route, "name")
    for build in workload.graph.units.builds_of(workload.resource.path):
        index = _generator(build.body, name)
        variable = _first_of(wanted, _generated_keys(build.body.secret_generator[index])) if index is not None else None
        if index is not None and variable is not None:
            yield Finding(
                place=place,
                message=f"{variable} comes from Secret {name}, which kustomize generates: editing it restarts "
                f"{workload.label} with another password, but the database keeps the one of its first start",
                related=(Related(Place(build.resource, ("secretGenerator", index)), "the generator"),),
                weak=database.weak,
            )
            return
    for secret in workload.graph.named("Secret", name):
        variable = _first_of(wanted, _random_keys(secret))
        if variable is not None and secret.shares_unit(workload) and not kept_by_helm(secret):
            yield Finding(
                place=place,
                message=f"{variable} comes from Secret {name}, whose value every render makes anew at random: after an "
                f"upgrade or re-install {workload.label} has a password that its data does not know",
                related=(Related(secret.name_place, "the generator"),),
                severity="warning",
                weak=database.weak,
            )
            return


def _first_of(wanted: Mapping[str, str], keys: Collection[str] | None) -> str | None:
    """The variable of the first wanted key that a Secret has; keys that cannot be seen may be any."""
    return next((variable for key, variable in wanted.items() if keys is None or key in keys), None)


def _generated_keys(generator: Mapping[str, Any]) -> set[str] | None:
    """The keys of a generated Secret; None where they come from files of variables."""
    if generator.get("envs") or generator.get("env"):
        return None
    literals, files = generator.get("literals") or [], generator.get("files") or []
    if not isinstance(literals, list) or not isinstance(files, list):
        return None
    # `key=value` and `key=path`; a path alone is named by its last part.
    return {str(entry).partition("=")[0].rpartition("/")[2] for entry in (*literals, *files)}


def _generator(body: KustomizationBody, name: str) -> int | None:
    """The place in ``secretGenerator`` of a Secret whose name gets a hash."""
    if body.generator_options.get("disableNameSuffixHash") is True:
        return None
    for index, entry in enumerate(body.secret_generator):
        options = entry.get("options")
        plain = isinstance(options, dict) and options.get("disableNameSuffixHash") is True
        if entry.get("name") == name and not plain:
            return index
    return None


def _random_keys(secret: Node) -> set[str]:
    """The keys whose values every render makes anew."""
    if "lookup" in secret.resource.document.file.text:
        return set()
    fields = [secret.resource.get(field) for field in ("data", "stringData")]
    pairs = [pair for field in fields if isinstance(field, dict) for pair in field.items()]
    return {key for key, text in pairs if isinstance(text, str) and _RANDOM.search(text)}


def backup_annotation_wrong_volume(workload: Workload) -> Iterator[Finding]:
    """Velero wants names of pod volumes, and skips what it does not find."""
    names = {volume.name for volume in (*workload.volumes, *workload.dead_volumes)}
    for key in _VELERO_KEYS:
        listed = _words(workload.template_annotations.get(key))
        place = workload.template_at("metadata", "annotations", key)
        unknown = [name for name in listed if name not in names and not is_placeholder(name)]
        if unknown:
            meant = next((v for v in workload.volumes if v.claim_name and v.claim_name == unknown[0]), None)
            hint = f" (claim {unknown[0]} is volume {meant.name})" if meant is not None else ""
            yield Finding(
                place=place,
                message=f"{workload.label} has no volume {unknown[0]}{hint}: Velero does not "
                + ("save it" if key == _VELERO_KEYS[0] else "leave it out"),
                related=(Related(meant.at("name"), "the volume"),) if meant is not None else (),
                help=f"Write the name of the pod volume, {meant.name}." if meant is not None else None,
            )
        elif key == _VELERO_KEYS[1]:
            yield from _excluded_data(workload, listed)


def _excluded_data(workload: Workload, listed: list[str]) -> Iterator[Finding]:
    for database in workload.databases:
        volume = next((v for v in database.data_volumes if v.name in listed and v.is_persistent), None)
        if volume is not None:
            yield Finding(
                place=workload.template_at("metadata", "annotations", _VELERO_KEYS[1]),
                message=f"the data of {database.product} is on volume {volume.name}, which Velero is told to leave out",
                related=(Related(volume.at("name") if volume.template is None else volume.at(), "the data"),),
                help="Take the data volume out of the list, unless something else saves it.",
                weak=database.weak,
                unverified=database.is_unverified,
            )
            return
