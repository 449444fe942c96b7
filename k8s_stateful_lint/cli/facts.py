"""``facts``: how to get facts about a cluster, and what a file of them says."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

from k8s_stateful_lint.cli.options import Argument
from k8s_stateful_lint.cli.shared import fail, say

if TYPE_CHECKING:
    from k8s_stateful_lint.graph.facts import ClusterFacts


def facts(
    file: Annotated[str | None, Argument(metavar="FILE", help="A file that the command made.")] = None,
) -> None:
    """Tell how to get facts about a cluster. With FILE: check such a file, and say what is in it."""
    from k8s_stateful_lint.config import ConfigError
    from k8s_stateful_lint.graph.facts import COMMAND, read_facts

    if file is None:
        sys.stdout.write(COMMAND)
        say("then: k8s-stateful-lint check --cluster-facts cluster-facts.yaml")
        return
    try:
        sys.stdout.write(_described(read_facts(file)))
    except ConfigError as error:
        fail(str(error))


def _described(found: ClusterFacts) -> str:
    from k8s_stateful_lint.graph.facts import KINDS

    lines = []
    for kind in KINDS:
        number = found.count[kind]
        plural = "es" if kind.endswith("s") else "s"
        lines.append(f"{number:6} {kind}{'' if number == 1 else plural}{_detail(found, kind)}")
    if found.others:
        lines.append(f"{found.others:6} of other kinds, which are left aside")
    return "\n".join(lines) + "\n"


def _detail(found: ClusterFacts, kind: str) -> str:
    if not found.count[kind]:
        return ": nothing is known about them"
    names = sorted(resource.name for resource in found.resources if resource.kind == kind)
    if kind == "StorageClass":
        default = found.default_class
        listed = ", ".join(f"{name} (default)" if name == default else name for name in names)
        return f": {listed}" + ("; none is the default" if default == "none" else "")
    if kind in ("PersistentVolume", "PersistentVolumeClaim"):
        return ""
    return f": {', '.join(names)}"
