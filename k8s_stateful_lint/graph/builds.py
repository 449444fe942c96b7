"""Objects as the builds make them: what patches of kustomizations, and patches that lie beside an object, set."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from k8s_stateful_lint.graph.units import Build, Units
from k8s_stateful_lint.graph.workloads import Workload
from k8s_stateful_lint.model.decode import convert, patched
from k8s_stateful_lint.model.kustomization import patch_file, patch_text
from k8s_stateful_lint.model.patches import Patch, PatchTarget, is_json_patch, union
from k8s_stateful_lint.model.resource import Place
from k8s_stateful_lint.reading import SourceFile, read

if TYPE_CHECKING:
    from k8s_stateful_lint.graph.node import Node
    from k8s_stateful_lint.model.resource import Resource

_MAX_BUILDS = 50


class Builds:
    """The patches of the input: those that kustomizations list, and those that only lie beside what they are for."""

    def __init__(self, units: Units, nodes: Iterable[Node], json_patches: Mapping[str, list[Any]]) -> None:
        """Read the patches; ``json_patches`` are the lists of operations of the input, by file."""
        self._units = units
        self._json_patches = json_patches
        self._files: dict[str, list[Resource]] = defaultdict(list)
        self._loose: dict[tuple[str, str], list[Node]] = defaultdict(list)
        for node in nodes:
            path = posixpath.normpath(node.resource.path)
            if path in units.patch_files:
                self._files[path].append(node.resource)
            elif node.is_partial and node.name:
                self._loose[node.kind, node.name].append(node)
        self._patches = {
            directory: _Listed(patches)
            for directory, build in units.builds.items()
            if (patches := tuple(self._read(build)))
        }

    def __bool__(self) -> bool:
        """Whether there is any patch."""
        return bool(self._patches or self._loose)

    def _read(self, build: Build) -> Iterator[Patch]:
        for route, entry in build.body.written_patches:
            target = _target(entry)
            file, text = patch_file(entry), patch_text(entry)
            if file is not None:
                path = posixpath.normpath(posixpath.join(build.directory, file))
                for resource in self._files.get(path, ()):
                    yield Patch(resource.raw, target, Place(resource, ()), is_file=True)
                if path in self._json_patches:
                    yield Patch(self._json_patches[path], target, Place(build.resource, route))
            elif text is not None:
                place = Place(build.resource, route if isinstance(entry, str) else (*route, "patch"))
                for document in read(SourceFile(build.resource.path, text.encode())).documents:
                    if isinstance(document.value, dict) or is_json_patch(document.value):
                        yield Patch(document.value, target, place)

    def of(self, node: Node) -> Resource | None:
        """The resource that the builds make of an object; None where every build deletes it."""
        resource = node.resource
        variants: list[Mapping[str, Any] | None] = []
        applied: dict[Patch, None] = {}
        for chain in self._units.chains(resource.path)[:_MAX_BUILDS] if self._patches else ():
            raw: Mapping[str, Any] | None = resource.raw
            for listed in (self._patches[build.directory] for build in chain if build.directory in self._patches):
                for patch in listed.that_may_fit(resource):
                    if raw is not None and patch.fits(raw):
                        raw = patch.apply(raw)
                        applied[patch] = None
            variants.append(raw)
        for patch in self._beside(node):
            # Nobody says whether and when it is applied.
            variants = variants or [resource.raw]
            variants += [patch.apply(raw) for raw in variants if raw is not None]
            applied[patch] = None
        if not applied:
            return resource
        kept = [raw for raw in variants if raw is not None]
        return patched(resource, union(kept), tuple(applied)) if kept else None

    def _beside(self, node: Node) -> Iterator[Patch]:
        if isinstance(node, Workload) and node.is_without_labels:
            return  # what lies beside it is for the same object as itself
        for other in self._loose.get((node.kind, node.name), ()):
            patch = Patch(other.resource.raw, None, Place(other.resource, ()), is_file=True)
            if other.shares_unit(node) and patch.fits(node.resource.raw):
                yield patch


class _Listed:
    """The patches of one kustomization, by what they are for."""

    def __init__(self, patches: Iterable[Patch]) -> None:
        self._with_target: list[tuple[int, Patch]] = []
        self._named: dict[tuple[str, str], list[tuple[int, Patch]]] = defaultdict(list)
        for entry in enumerate(patches):
            kind_and_name = entry[1].names
            (self._with_target if kind_and_name is None else self._named[kind_and_name]).append(entry)

    def that_may_fit(self, resource: Resource) -> Iterator[Patch]:
        """Those that may be for an object, in the order in which they are listed."""
        named = self._named.get((resource.kind, str(resource.get("metadata", "name"))))
        found = self._with_target if named is None else sorted([*self._with_target, *named], key=lambda entry: entry[0])
        return (patch for _, patch in found)


def _target(entry: dict[str, Any] | str) -> PatchTarget | None:
    written = entry.get("target") if isinstance(entry, dict) else None
    return convert(written, PatchTarget)[0] if isinstance(written, dict) else None
