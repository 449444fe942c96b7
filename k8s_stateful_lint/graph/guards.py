"""What keeps Helm and Argo CD from deleting an object that leaves the manifests."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from k8s_stateful_lint.graph.node import Node

HELM_POLICY = "helm.sh/resource-policy"
ARGO_OPTIONS = "argocd.argoproj.io/sync-options"
PRUNE_GUARDS = frozenset({"Prune=false", "Prune=confirm"})
DELETE_GUARDS = frozenset({"Delete=false", "Delete=confirm"})


def kept_by_helm(node: Node) -> bool:
    """Whether Helm leaves the object alone when a release goes or does not hold it any more."""
    return node.annotations.get(HELM_POLICY, "").strip().lower() == "keep"


def argo_options(node: Node) -> list[str]:
    """The sync options written on the object: Argo CD compares them letter by letter."""
    return [option.strip() for option in node.annotations.get(ARGO_OPTIONS, "").split(",") if option.strip()]


def guarded_by_argo(node: Node) -> bool:
    """Whether Argo CD neither prunes the object nor deletes it with its application."""
    options = set(argo_options(node))
    return bool(options & PRUNE_GUARDS) and bool(options & DELETE_GUARDS)
