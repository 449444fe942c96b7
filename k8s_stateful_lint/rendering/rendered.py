"""What rendering gives: texts, the files that they are made of, and what could not be rendered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path

import msgspec

from k8s_stateful_lint.model.resource import Resource
from k8s_stateful_lint.reading import Reading, SourceFile, read


class RenderProblem(msgspec.Struct, frozen=True):
    """An overlay or chart that was not rendered: the file that defines it, and why."""

    path: str
    message: str


class Rendered(msgspec.Struct, frozen=True):
    """One overlay, or one chart with one set of values.

    ``name`` is how people call it. ``file`` is its text, under a path in its directory that no file can have
    (``overlays/production/<rendered>``), so that everything that goes by directories holds for it. ``inputs`` are the
    files it was made of, as people know them.
    """

    name: str
    file: SourceFile
    reading: Reading
    resources: tuple[Resource, ...]
    inputs: frozenset[str]


class Rendering(msgspec.Struct, dict=True):
    """Every overlay and chart of an input."""

    results: list[Rendered] = []
    problems: list[RenderProblem] = []
    files: Files = msgspec.field(default_factory=lambda: Files())

    @cached_property
    def replaced(self) -> frozenset[str]:
        """The files that are judged by what is made of them, and not as they are."""
        return frozenset(path for result in self.results for path in result.inputs)

    @cached_property
    def alternatives(self) -> dict[str, frozenset[str]]:
        """For each rendered text those that are made of some of the same files: they are never deployed together."""
        users: dict[str, set[str]] = defaultdict(set)
        for result in self.results:
            for path in result.inputs:
                users[path].add(result.file.path)
        return {
            result.file.path: frozenset().union(*(users[path] for path in result.inputs)) - {result.file.path}
            for result in self.results
        }


class Files:
    """Files that a build is made of, each read once. They may lie outside of the input."""

    def __init__(self, folder: Path | None = None, prefix: str = "", revision: str = "") -> None:
        """Nothing is read yet.

        Args:
            folder: What paths are relative to; the current directory where it is None.
            prefix: What people see before each path, and
            revision: what the files are a revision of (see :class:`~k8s_stateful_lint.reading.SourceFile`).

        """
        self._folder = folder or Path()
        self._prefix = prefix
        self._revision = revision
        self._readings: dict[str, tuple[SourceFile, Reading] | None] = {}

    def reading(self, path: str) -> Reading | None:
        """What a file holds; None where it cannot be read."""
        if path not in self._readings:
            try:
                file = self.named(path, (self._folder / path).read_bytes())
            except OSError:
                self._readings[path] = None
            else:
                self._readings[path] = file, read(file)
        found = self._readings[path]
        return found[1] if found is not None else None

    def named(self, path: str, data: bytes) -> SourceFile:
        """A file, or a text that was made, as people know it."""
        return SourceFile(path, data, f"{self._prefix}{path}" if self._prefix else "", self._revision)

    def __iter__(self) -> Iterator[SourceFile]:
        """The files that were read."""
        return (found[0] for found in self._readings.values() if found is not None)

    def source(self, path: str) -> SourceFile | None:
        """The file itself, if it was read."""
        found = self._readings.get(path)
        return found[0] if found is not None else None


def is_wanted(directory: str, only: tuple[str, ...]) -> bool:
    """Whether a directory is among those to render."""
    return not only or any(fnmatchcase(directory, glob.removeprefix("./").rstrip("/") or ".") for glob in only)


def text_path(directory: str, values: str = "") -> str:
    """The path under which a rendered text is known."""
    name = f"<rendered with {values}>" if values else "<rendered>"
    return name if directory == "." else f"{directory}/{name}"
