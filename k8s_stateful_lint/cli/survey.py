"""What a repository looks like: what `init` writes a configuration from."""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from k8s_stateful_lint._patterns import regex
from k8s_stateful_lint.sources import SKIPPED_DIRECTORIES, find_sources

if TYPE_CHECKING:
    from k8s_stateful_lint.graph import Graph

# Folders and namespaces that mean an environment wherever they stand.
_MEANINGS = {
    "production": frozenset({"prod", "prd", "production", "live"}),
    "development": frozenset({"dev", "develop", "development", "test", "testing", "ci", "local", "sandbox"})
    | {"kind", "minikube"},
}
# Where people write down which Kubernetes they run.
_VERSION = regex(
    r"""kindest/node:v(?P<kind>1\.\d+) | rancher/k3s:v(?P<k3s>1\.\d+)
    | (?:kubernetes|cluster|k8s|eks|gke|aks)[_-]?version["']?\s*[:=]\s*["']?v?(?P<set>1\.\d+)""",
    re.IGNORECASE | re.VERBOSE,
)
_WRITTEN_IN = (".tf", ".tfvars", ".yaml", ".yml", ".sh", "Makefile", "Dockerfile", ".json")
_LARGEST = 200_000


class Survey(msgspec.Struct):
    """What was seen. Every list is sorted, the most frequent first where it counts something."""

    objects: int = 0
    workloads: int = 0
    claims: int = 0
    environments: dict[str, dict[str, list[str]]] = {}
    overlays: list[str] = []
    charts: list[str] = []
    namespaces: list[tuple[str, int]] = []
    # Classes that the input defines, with their provisioners; and those that claims name and nobody defines.
    classes: dict[str, str] = {}
    unknown_classes: list[tuple[str, int]] = []
    default_classes: list[str] = []
    without_class: int = 0
    platforms: list[str] = []
    gitops: list[str] = []
    # Versions of Kubernetes, and where each is written.
    versions: dict[str, str] = {}


def survey(folder: Path) -> Survey:
    """Look at the manifests below a folder, and at the files beside them."""
    from k8s_stateful_lint.graph import Graph
    from k8s_stateful_lint.model.decode import decode
    from k8s_stateful_lint.reading import read

    files = find_sources([str(folder)]).files
    resources = [resource for file in files for document in read(file).documents for resource in decode(document)]
    graph = Graph(resources)
    seen = Survey(objects=len(resources), workloads=len(graph.workloads), claims=len(graph.claims))
    _look_at_namespaces(seen, graph)
    _look_at_folders(seen, graph, folder)
    _look_at_classes(seen, graph)
    groups = {resource.group for resource in resources}
    if "argoproj.io" in groups and any(graph.objects(kind) for kind in ("Application", "ApplicationSet", "AppProject")):
        seen.gitops.append("argocd")
    if any(group.endswith(".toolkit.fluxcd.io") for group in groups):
        seen.gitops.append("flux")
    seen.versions = _versions(folder)
    return seen


def _look_at_namespaces(seen: Survey, graph: Graph) -> None:
    count = Counter(node.namespace for node in (*graph.workloads, *graph.claim_objects) if node.namespace)
    seen.namespaces = sorted(count.items(), key=lambda item: (-item[1], item[0]))
    for name, words in _MEANINGS.items():
        own = sorted(space for space in count if space in words or space.rpartition("-")[2] in words)
        if own:
            seen.environments.setdefault(name, {})["namespaces"] = own


def _look_at_folders(seen: Survey, graph: Graph, folder: Path) -> None:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for path in {os.path.relpath(resource.path, folder) for resource in graph.resources}:
        parts = Path(path).parent.parts
        for length, part in enumerate(parts, start=1):
            for name, words in _MEANINGS.items():
                if part.lower() in words:
                    found[name].add("/".join(parts[:length]))
    for name, folders in sorted(found.items(), reverse=True):
        outer = (path for path in folders if not any(path.startswith(f"{other}/") for other in folders))
        seen.environments.setdefault(name, {})["paths"] = sorted(outer)
    builds = graph.units.builds.values()
    seen.overlays = sorted(_relative(build.directory, folder) for build in builds if build.children)
    seen.charts = sorted(_relative(root, folder) for root, _, names in _walk(folder) if "Chart.yaml" in names)


def _look_at_classes(seen: Survey, graph: Graph) -> None:
    seen.classes = {found.name: found.provisioner for found in graph.storage_classes if found.name}
    seen.default_classes = sorted({found.name for found in graph.storage_classes if found.is_default})
    named = Counter(claim.written_class for claim in graph.claims if claim.written_class)
    unknown = {name: number for name, number in named.items() if name not in seen.classes}
    seen.unknown_classes = sorted(unknown.items(), key=lambda item: (-item[1], item[0]))
    seen.without_class = sum(claim.written_class is None for claim in graph.claims)
    provisioners = {found.provisioner for found in graph.storage_classes}
    seen.platforms = sorted(
        platform.name
        for platform in graph.knowledge.platforms
        if provisioners & {driver.name for driver in (*platform.drivers_installed, *platform.drivers_add_on)}
    )


def _versions(folder: Path) -> dict[str, str]:
    """The versions of Kubernetes that scripts, pipelines and Terraform name, oldest first, with one place of each."""
    found: dict[str, str] = {}
    for root, _, names in _walk(folder):
        for name in sorted(names):
            path = Path(root, name)
            if not name.endswith(_WRITTEN_IN) or path.stat().st_size > _LARGEST:
                continue
            for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), start=1):
                for match in _VERSION.finditer(line):
                    version = next(part for part in match.groups() if part)
                    found.setdefault(version, f"{_relative(str(path), folder)}:{number}")
    return dict(sorted(found.items(), key=lambda item: int(item[0].partition(".")[2])))


def _walk(folder: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in SKIPPED_DIRECTORIES)
        yield root, folders, [name for name in names if Path(root, name).is_file()]


def _relative(path: str, folder: Path) -> str:
    return Path(os.path.relpath(path, folder)).as_posix()


def several(items: Iterable[object], most: int = 6) -> str:
    """A list in a comment: the first of many, and how many more there are."""
    texts = [str(item) for item in items]
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more
