"""Kustomize overlays: which there are, what they are made of, and their objects.

kustomize tells the file of every object if the outermost kustomization asks for it (``originAnnotations``). A temporary
one that holds nothing but the overlay asks, so that the tree stays as it is; the annotations are taken out again.
"""

from __future__ import annotations

import os
import posixpath
import shutil
import tempfile
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from k8s_stateful_lint._patterns import regex
from k8s_stateful_lint.graph.units import directory_of
from k8s_stateful_lint.model.decode import KUSTOMIZATION_FILES, decode
from k8s_stateful_lint.model.kustomization import KustomizationBody
from k8s_stateful_lint.model.resource import Resource
from k8s_stateful_lint.reading import SourceFile, read

from .program import RenderError, at_once, output_of
from .rendered import Files, Rendered, Rendering, RenderProblem, is_wanted, text_path
from .trace import OverlayTrace, Told

NO_PROGRAM = "neither kustomize nor kubectl is on the PATH: no overlay was rendered, its files are linted as they are"
ORIGIN = "config.kubernetes.io/origin"

_REMOTE = regex(r"://|\A(?:git::|git@|github\.com[/:]|[\w.-]+\.\w+:)|[?&](?:ref|version)=")
_FILE_KEYS = ("resources", "crds", "configurations", "generators", "transformers", "validators")


class Layer(msgspec.Struct, frozen=True, dict=True):
    """One kustomization, and the kustomizations that it builds on."""

    resource: Resource
    body: KustomizationBody
    directory: str
    parts: tuple[Layer, ...]

    @property
    def path(self) -> str:
        """Its file."""
        return self.resource.path

    def __iter__(self) -> Iterator[Layer]:
        """This layer, then those below it, each once: the last to change an object comes first."""
        pending, seen = [self], set()
        while pending:
            layer = pending.pop(0)
            if layer.directory not in seen:
                seen.add(layer.directory)
                yield layer
                pending.extend(layer.parts)

    @cached_property
    def own_files(self) -> frozenset[str]:
        """The manifests and patches that the kustomization itself names, and the kustomization."""
        written = [entry for key in _FILE_KEYS for entry in self.resource.get(key) or () if isinstance(entry, str)]
        written += self.body.patch_files
        return frozenset({self.path, *(self.join(path) for path in written)})

    @property
    def remote(self) -> str | None:
        """An entry that is somewhere in the network."""
        for entry in (*self.body.resources, *self.body.bases, *self.body.components):
            if _REMOTE.search(entry) and not Path(self.join(entry)).exists():
                return entry
        return None

    def join(self, path: str) -> str:
        """A path of the kustomization, as people know it."""
        return posixpath.normpath(posixpath.join(self.directory, path))


def render_overlays(paths: list[str], only: tuple[str, ...], rendering: Rendering) -> None:
    """Render the overlays of an input."""
    overlays = [layer for layer in _outermost(paths, rendering.files) if is_wanted(layer.directory, only)]
    if not overlays:
        return
    command = _command()
    if command is None:
        rendering.problems.append(RenderProblem(overlays[0].path, NO_PROGRAM))
        return

    for layer, built in at_once(lambda layer: _build(layer, command), overlays):
        if isinstance(built, RenderError):
            problem = RenderProblem(layer.path, f"the overlay was not rendered: {built}")
            rendering.problems.append(problem)
        else:
            rendering.results.append(_rendered(layer, built, rendering.files))


def _command() -> list[str] | None:
    """The program that builds overlays, with its arguments."""
    if shutil.which("kustomize"):
        return ["kustomize", "build"]
    return ["kubectl", "kustomize"] if shutil.which("kubectl") else None


def _outermost(paths: list[str], files: Files) -> list[Layer]:
    """The kustomizations of the input that no other one of it builds on; components are parts by definition."""
    directories = {directory_of(path) for path in paths if path.rpartition("/")[2] in KUSTOMIZATION_FILES}
    known: dict[str, Layer | None] = {}
    layers = [layer for d in sorted(directories) if (layer := _layer(d, files, known, frozenset())) is not None]
    inner = {part.directory for layer in layers for part in layer.parts}
    return [layer for layer in layers if layer.directory not in inner and layer.resource.kind != "Component"]


def _layer(directory: str, files: Files, known: dict[str, Layer | None], above: frozenset[str]) -> Layer | None:
    """The kustomization of a directory with all that it builds on, on the disk as well as in the input."""
    if directory in known or directory in above:
        return known.get(directory)
    found: Layer | None = None
    for name in sorted(KUSTOMIZATION_FILES):
        reading = files.reading(posixpath.normpath(posixpath.join(directory, name)))
        resources = [r for document in reading.documents for r in decode(document)] if reading else []
        resource = next((r for r in resources if isinstance(r.body, KustomizationBody)), None)
        if resource is not None and isinstance(resource.body, KustomizationBody):
            body = resource.body
            entries = (*body.resources, *body.bases, *body.components)
            below = [posixpath.normpath(posixpath.join(directory, entry)) for entry in entries]
            parts = [_layer(d, files, known, above | {directory}) for d in below if Path(d).is_dir()]
            found = Layer(resource, body, directory, tuple(part for part in parts if part is not None))
            break
    known[directory] = found
    return found


class _Built(msgspec.Struct, frozen=True):
    """The objects of an overlay; ``here`` is where the paths start that name their origins, if they do."""

    data: bytes
    here: str | None


def _build(layer: Layer, command: list[str]) -> _Built:
    for part in layer:
        if (remote := part.remote) is not None:
            text = f"{part.path} builds on {remote}, and nothing is fetched from the network"
            raise RenderError(f"{text}: render it yourself and pipe it in")
    # Relative paths lead out of a temporary directory only if nothing on the way is a link.
    with tempfile.TemporaryDirectory(prefix="k8s-stateful-lint-") as made:
        here, there = os.path.realpath(made), os.path.realpath(layer.directory)
        way = Path(os.path.relpath(there, here)).as_posix().replace("'", "''")
        text = f"resources: ['{way}']\nbuildMetadata: [originAnnotations]\n"
        Path(here, "kustomization.yaml").write_text(text, encoding="utf-8")
        try:
            return _Built(output_of([*command, here]), here)
        except RenderError:
            # Its complaint would speak of the temporary directory. If it works without, only the origins are lost.
            return _Built(output_of([*command, layer.directory]), None)


def _rendered(layer: Layer, built: _Built, files: Files) -> Rendered:
    data, origins = built.data, list[Told | None]()
    if built.here is not None:
        documents = read(SourceFile("", data)).documents
        origins = [_origin(document.value, built.here, layer.directory) for document in documents]
        data = _without_origins(data)
    file = files.named(text_path(layer.directory), data)
    reading = read(file)
    if len(origins) != len(reading.documents):
        origins = [None] * len(reading.documents)
    layers = list(layer)
    trace = OverlayTrace(layer.directory, layers, files)
    resources = tuple(
        msgspec.structs.replace(resource, origin=trace.origin(resource, origin))
        for document, origin in zip(reading.documents, origins, strict=True)
        for resource in decode(document)
    )
    inputs = frozenset(path for part in layers for path in part.own_files)
    inputs |= {origin.path for origin in origins if origin is not None and origin.path is not None}
    return Rendered(layer.directory, file, reading, resources, inputs)


def _origin(value: Any, here: str, directory: str) -> Told | None:
    """The origin that an object's annotation names, with paths as people know them; ``here`` is where they start."""
    annotations = value.get("metadata", {}).get("annotations") or {} if isinstance(value, dict) else {}
    written = annotations.get(ORIGIN)
    documents = read(SourceFile("", written.encode())).documents if isinstance(written, str) else ()
    fields = documents[0].value if documents else None
    if not isinstance(fields, dict) or "repo" in fields:
        return None

    def shown(key: str) -> str | None:
        path = fields.get(key)
        if not isinstance(path, str):
            return None
        way = os.path.relpath(os.path.join(here, path), os.path.realpath(directory))  # noqa: PTH118
        return posixpath.normpath(posixpath.join(directory, Path(way).as_posix()))

    return Told(shown("path"), shown("configuredIn"))


def _without_origins(annotated: bytes) -> bytes:
    """The text as kustomize gives it to people: without the annotation, and without the key that held only it."""
    kept: list[str] = []
    section, is_dropped = "", False
    for line in annotated.decode("utf-8", "surrogateescape").splitlines(keepends=True):
        indent = len(line) - len(line.lstrip(" "))
        if indent == 0:
            section = line.strip()
        if is_dropped and indent > 4:
            continue
        is_dropped = section == "metadata:" and line.startswith(f"    {ORIGIN}: |")
        if is_dropped:
            continue
        if indent < 4 and kept and kept[-1] == "  annotations:\n":
            kept.pop()
        kept.append(line)
    return "".join(kept).encode("utf-8", "surrogateescape")
