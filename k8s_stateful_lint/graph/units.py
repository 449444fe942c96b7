"""Units: objects that are deployed together, and what kustomizations do to them.

A directory is a unit. A kustomization adds to its own directory's unit everything it builds, so an object of a base is
in the unit of every overlay that builds it.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from k8s_stateful_lint.model.kustomization import ImageOverride, KustomizationBody

if TYPE_CHECKING:
    from k8s_stateful_lint.model.resource import Resource


# Kustomizations deeper in each other are left aside: kustomize itself is slow by then.
_DEEPEST = 50


def directory_of(path: str) -> str:
    """The directory of a file; ``.`` at the top, and a stream is a directory of its own."""
    return path if path == "<stdin>" else posixpath.dirname(posixpath.normpath(path)) or "."


class Build(msgspec.Struct):
    """One kustomization: its directory, and what it includes."""

    resource: Resource
    body: KustomizationBody
    directory: str
    files: set[str] = set()
    patch_files: set[str] = set()
    children: list[Build] = []
    parents: list[Build] = []


class Units:
    """Which unit(s) every file belongs to, and which transformers of kustomizations reach it."""

    def __init__(self, kustomizations: Iterable[Resource]) -> None:
        """Take the kustomizations of the input; every other directory is a unit by itself."""
        self.builds: dict[str, Build] = {}
        self._of: dict[str, frozenset[str]] = {}
        self._known: dict[frozenset[str], frozenset[str]] = {}
        self.patch_files: set[str] = set()
        for resource in kustomizations:
            if isinstance(resource.body, KustomizationBody):
                directory = directory_of(resource.path)
                self.builds.setdefault(directory, Build(resource, resource.body, directory))
        for build in self.builds.values():
            self._connect(build)

    def _connect(self, build: Build) -> None:
        body = build.body
        for entry in (*body.resources, *body.bases, *body.components):
            target = posixpath.normpath(posixpath.join(build.directory, entry))
            child = self.builds.get(target)
            if child is not None and child is not build:
                build.children.append(child)
                child.parents.append(build)
            else:
                build.files.add(target)
        build.patch_files = {posixpath.normpath(posixpath.join(build.directory, path)) for path in body.patch_files}
        self.patch_files |= build.patch_files

    @cached_property
    def _builds_of_file(self) -> dict[str, list[Build]]:
        """For every file that some kustomization lists, patches too: those builds and all that include them."""
        reached: dict[str, list[Build]] = {}
        for build in self.builds.values():
            pending, seen = [build], {build.directory}
            files = build.files | build.patch_files
            for file in files:
                reached.setdefault(file, [])
            while pending:
                current = pending.pop()
                for file in files:
                    reached[file].append(current)
                for parent in current.parents:
                    if parent.directory not in seen:
                        seen.add(parent.directory)
                        pending.append(parent)
        return reached

    def builds_of(self, path: str) -> list[Build]:
        """Every kustomization that builds the file, directly or through another one."""
        return self._builds_of_file.get(posixpath.normpath(path), []) if self.builds else []

    @cached_property
    def _chains_of_file(self) -> dict[str, list[list[Build]]]:
        """For every file, and every outermost build that reaches it: the kustomizations on the way, inner ones first.

        A component runs on all that the kustomization which lists it has gathered.
        """
        chains: dict[str, list[list[Build]]] = {}
        known: dict[str, dict[str, list[Build]]] = {}
        for build in self.builds.values():
            if not build.parents:
                for file, chain in self._gathered(build, known).items():
                    chains.setdefault(file, []).append(chain)
        return chains

    def _gathered(self, build: Build, known: dict[str, dict[str, list[Build]]]) -> dict[str, list[Build]]:
        """The files of a kustomization with their chains; ``known`` holds those of all that it includes afterwards.

        No recursion and nothing twice: there may be thousands, and each may include all others.
        """
        pending, begun = [build], set[str]()
        while pending:
            current = pending[-1]
            if current.directory not in begun:
                begun.add(current.directory)
                pending += [c for c in current.children if c.directory not in begun and c.directory not in known]
            else:
                pending.pop()
                if current.directory not in known:
                    known[current.directory] = self._united(current, known)
        return known[build.directory]

    def _united(self, build: Build, known: dict[str, dict[str, list[Build]]]) -> dict[str, list[Build]]:
        gathered: dict[str, list[Build]] = {file: [] for file in build.files}

        def included(child: Build) -> dict[str, list[Build]]:
            found = known.get(child.directory, {})  # nothing is known of one that includes this one
            return {file: [*chain] for file, chain in found.items() if len(chain) < _DEEPEST}

        for child in build.children:
            if child.resource.kind != "Component":
                gathered.update(included(child))
        for child in build.children:
            if child.resource.kind == "Component":
                for chain in gathered.values():
                    chain.extend(_components(child))
                gathered = {**included(child), **gathered}
        for chain in gathered.values():
            chain.append(build)
        return gathered

    def chains(self, path: str) -> list[list[Build]]:
        """For every outermost build of a file: the kustomizations on the way, in the order in which they run."""
        return self._chains_of_file.get(posixpath.normpath(path), []) if self.builds else []

    def of(self, path: str) -> frozenset[str]:
        """The units of a file: its directory, and the directory of every kustomization that builds it."""
        units = self._of.get(path)
        if units is None:
            builds = self.builds_of(path)
            units = frozenset((directory_of(path), *(build.directory for build in builds)))
            # Thousands of files may be in the same ones.
            units = self._of[path] = self._known.setdefault(units, units)
        return units

    def namespace(self, path: str) -> str | None:
        """The namespace that every build of the file sets; None where none does or they differ."""
        namespaces = {self._namespace_after(chain) for chain in self._ways(path)}
        return namespaces.pop() if len(namespaces) == 1 else None

    def may_set_namespace(self, path: str) -> bool:
        """Whether some build of the file sets a namespace, or a component may be built by one that does."""
        ways = [chain for chain in self._ways(path) if chain]
        return any(self._namespace_after(chain) or chain[-1].resource.kind == "Component" for chain in ways)

    def _ways(self, path: str) -> list[list[Build]]:
        """The chains of a file; patches are built into others, and their way is that of the builds which list them."""
        return self.chains(path) or [self.builds_of(path)]

    @staticmethod
    def _namespace_after(chain: list[Build]) -> str | None:
        # The outermost kustomization runs last and wins; without one of its own, what those in it say stands.
        return next((build.body.namespace for build in reversed(chain) if build.body.namespace), None)

    def _outermost(self, path: str) -> list[Build]:
        return [build for build in self.builds_of(path) if not build.parents]

    def affixes(self, path: str) -> tuple[str, str]:
        """What the builds of a file put before and behind every name; nothing where they branch and may differ."""
        builds = self.builds_of(path)
        if not builds:
            return "", ""
        if any(len(build.parents) > 1 for build in builds) or len(self._outermost(path)) > 1:
            return "", ""
        # The innermost build comes first.
        prefix = "".join(build.body.name_prefix for build in reversed(builds))
        return prefix, "".join(build.body.name_suffix for build in builds)

    def replicas(self, path: str, name: str) -> set[int]:
        """The counts that ``replicas:`` entries of builds set for a workload."""
        return {
            entry.count
            for build in self.builds_of(path)
            for entry in build.body.replicas
            if entry.name == name and entry.count is not None
        }

    def images(self, path: str) -> list[ImageOverride]:
        """The ``images:`` entries of every build of the file."""
        return [entry for build in self.builds_of(path) for entry in build.body.images]

    def has_label_transformer(self, path: str) -> bool:
        """Whether some build of the file adds labels to selectors or templates."""
        return any(
            build.body.common_labels
            or any(entry.include_selectors or entry.include_templates for entry in build.body.labels)
            for build in self.builds_of(path)
        )


def _components(component: Build) -> list[Build]:
    """A component and those that it includes, which run before it."""
    found: dict[str, Build] = {}
    pending = [component]
    while pending:
        current = pending.pop()
        if current.directory not in found and len(found) < _DEEPEST:
            found[current.directory] = current
            pending += [child for child in current.children if child.resource.kind == "Component"]
    return list(reversed(found.values()))
