"""Shell scripts that carry a change out without losing data, with the names of the objects at hand."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator

from k8s_stateful_lint.checks.change._words import SIZE, value_of
from k8s_stateful_lint.graph import Claim, Node, StatefulSet
from k8s_stateful_lint.model.quantities import in_binary_units

_FEW = 3  # claims that are written one by one; more go into a loop


def kubectl(node: Node, *words: str) -> str:
    """A kubectl command in the namespace of an object; every word is quoted where the shell needs it."""
    return kubectl_in(node.namespace, *words)


def kubectl_in(namespace: str | None, *words: str) -> str:
    """A kubectl command in a namespace, or in the current one."""
    space = ("-n", namespace) if namespace else ()
    return shlex.join(("kubectl", *space, *words))


def apply(node: Node) -> str:
    """Apply the file an object is in; what a build made has none."""
    if node.resource.origin is not None:
        return f"# then apply what is made of {shlex.quote(node.resource.origin.build)}"
    return kubectl(node, "apply", "-f", node.resource.document.file.shown)


def recreate(new: Node) -> tuple[str, ...]:
    """Make a StatefulSet anew, while its pods and claims stay."""
    return (kubectl(new, "delete", "statefulset", new.name, "--cascade=orphan"), apply(new))


def claim_names(template: Claim) -> tuple[str, ...]:
    """The claims that a claim template has made; one where the number of pods is unknown."""
    owner = template.workload
    assert isinstance(owner, StatefulSet)
    return owner.claims_of(template)


def for_each_claim(template: Claim, *words: str) -> Iterator[str]:
    """A kubectl command for every claim of a template; ``{}`` among the words stands for the claim."""
    names = claim_names(template)
    if len(names) <= _FEW:
        for name in names:
            yield kubectl(template, *(name if word == "{}" else word for word in words))
        return
    prefix, _, first = names[0].rpartition("-")
    last = names[-1].rpartition("-")[2]
    command = kubectl(template, *words).replace("'{}'", f'{shlex.quote(prefix)}-"$n"')
    yield f"for n in $(seq {first} {last}); do {command}; done"


def patch_size(size: str) -> tuple[str, ...]:
    """The end of a command that gives a claim another size."""
    spec = {"spec": {"resources": {"requests": {"storage": size}}}}
    return ("--type", "merge", "-p", json.dumps(spec, separators=(",", ":")))


def grow_before(old: Claim, new: Claim) -> Iterator[str]:
    """Grow the claims of a template while their pods run, where those that take the volumes over request more.

    A claim never gets a volume that is smaller than its request, not even one that is kept for it: it would get a new
    and empty one (KK staging/src/k8s.io/component-helpers/storage/volume/pv_helpers.go, FindMatchingVolume). A file
    system grows while a pod mounts it.
    """
    if old.request is None or new.request is None or new.request <= old.request:
        return
    yield from for_each_claim(old, "patch", "pvc", "{}", *patch_size(value_of(new, SIZE)))
    grown = f"--for=jsonpath={{.status.capacity.storage}}={in_binary_units(new.request)}"
    yield from for_each_claim(old, "wait", "pvc", "{}", grown, "--timeout=15m")


def resize(template: Claim, new: StatefulSet, size: str) -> tuple[str, ...]:
    """Grow every claim of a template, then make the StatefulSet anew."""
    return (*for_each_claim(template, "patch", "pvc", "{}", *patch_size(size)), *recreate(new))


def keep_volume(node: Node, claim: str) -> tuple[str, ...]:
    """Set the volume behind a claim to Retain, so that deleting the claim does not delete the data."""
    policy = '{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}'
    return (volume_of(node.namespace, claim), f"kubectl patch pv \"$PV\" -p '{policy}'")


def volume_of(namespace: str | None, claim: str) -> str:
    """Put the name of the volume behind a claim into the variable ``PV``."""
    return f"PV=$({kubectl_in(namespace, 'get', 'pvc', claim, '-o', 'jsonpath={.spec.volumeName}')})"


def rebind(old: Node, claim: str, new_namespace: str | None, new_claim: str) -> tuple[str, ...]:
    """Give the volume of a claim to a claim of another name: the data moves without a copy."""
    reference = {"name": new_claim, "namespace": new_namespace or "default", "uid": None, "resourceVersion": None}
    patch = json.dumps({"spec": {"claimRef": reference}}, separators=(",", ":"))
    return (
        *keep_volume(old, claim),
        kubectl(old, "delete", "pvc", claim),
        f'kubectl patch pv "$PV" --type merge -p {shlex.quote(patch)}',
    )


def snapshot(node: Node, claims: Iterable[str]) -> Iterator[str]:
    """Take a VolumeSnapshot of each claim, in the default snapshot class."""
    for claim in claims:
        manifest = {
            "apiVersion": "snapshot.storage.k8s.io/v1",
            "kind": "VolumeSnapshot",
            "metadata": {"name": f"{claim}-before"},
            "spec": {"source": {"persistentVolumeClaimName": claim}},
        }
        yield f"echo {shlex.quote(json.dumps(manifest, separators=(',', ':')))} | {kubectl(node, 'apply', '-f', '-')}"
