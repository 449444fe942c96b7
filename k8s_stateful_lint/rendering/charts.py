"""Helm charts, rendered by helm with each of their files of values."""

from __future__ import annotations

import os
import posixpath
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec

from k8s_stateful_lint._patterns import regex
from k8s_stateful_lint.graph.units import directory_of
from k8s_stateful_lint.knowledge.versions import Version, format_version
from k8s_stateful_lint.model.decode import decode
from k8s_stateful_lint.reading import Document, read

from .program import RenderError, at_once, output_of
from .rendered import Files, Rendered, Rendering, RenderProblem, is_wanted, text_path
from .templates import TemplateTrace

NO_PROGRAM = "helm is not on the PATH: no chart was rendered, its templates are passed over"

_CHART = "Chart.yaml"
# A file of values beside values.yaml, or one for a test of the chart (chart-testing reads ci/*-values.yaml).
_VALUES = regex(r"(?:values[-_.].+|.+[-_.]values)\.ya?ml\Z")
_SOURCE = regex(rb"^# Source: (\S+)[ \t\r]*$", re.MULTILINE)


class Chart(msgspec.Struct, frozen=True):
    """A chart with one set of values: its own alone, where ``values`` is empty."""

    directory: str
    chart_name: str
    values: str

    @property
    def name(self) -> str:
        """How people call it."""
        return f"{self.directory} with {self.values}" if self.values else self.directory


def render_charts(
    paths: list[str], only: tuple[str, ...], namespace: str | None, version: Version, rendering: Rendering
) -> None:
    """Render the charts of an input."""
    charts = [chart for chart in _charts(paths, rendering.files) if is_wanted(chart.directory, only)]
    if not charts:
        return
    if shutil.which("helm") is None:
        rendering.problems.append(RenderProblem(posixpath.join(charts[0].directory, _CHART), NO_PROGRAM))
        return

    for chart, output in at_once(lambda chart: output_of(_command(chart, namespace, version)), charts):
        if isinstance(output, RenderError):
            with_values = f" with {chart.values}" if chart.values else ""
            path = posixpath.normpath(posixpath.join(chart.directory, _CHART))
            problem = RenderProblem(path, f"the chart was not rendered{with_values}: {output}")
            rendering.problems.append(problem)
        else:
            rendering.results.append(_rendered(chart, output, paths, rendering.files))


def _charts(paths: list[str], files: Files) -> Iterator[Chart]:
    """The charts of the input with their values. One below another one is a part of it; a library renders nothing."""
    found: list[str] = []
    for directory in sorted(directory_of(path) for path in paths if path.rpartition("/")[2] == _CHART):
        if any(_is_below(directory, outer) for outer in found):
            continue
        found.append(directory)
        reading = files.reading(posixpath.normpath(posixpath.join(directory, _CHART)))
        head = reading.documents[0].value if reading is not None and reading.documents else None
        if not isinstance(head, dict) or head.get("type") == "library":
            continue
        name = head.get("name")
        for values in ("", *_values_of(directory)):
            yield Chart(directory, name if isinstance(name, str) and name else "release", values)


def _is_below(directory: str, outer: str) -> bool:
    return outer == "." or directory.startswith(f"{outer}/")


def _values_of(directory: str) -> list[str]:
    """The files of values that a chart has beside its own, relative to its directory."""
    places = [Path(directory), Path(directory, "ci")]
    files = [file for place in places if place.is_dir() for file in sorted(place.iterdir()) if file.is_file()]
    return [file.relative_to(directory).as_posix() for file in files if _VALUES.match(file.name)]


def _command(chart: Chart, namespace: str | None, version: Version) -> list[str]:
    # A path that begins with a dot is never taken for the name of a chart in a repository.
    where = chart.directory if os.path.isabs(chart.directory) else f"./{chart.directory}"  # noqa: PTH117
    # Without a cluster, helm would take the version that it was built with.
    command = ["helm", "template", chart.chart_name, where, "--kube-version", format_version(version)]
    if chart.values:
        command += ["--values", posixpath.join(where, chart.values)]
    if namespace is not None:
        command += ["--namespace", namespace]
    return command


def _rendered(chart: Chart, output: bytes, paths: list[str], files: Files) -> Rendered:
    file = files.named(text_path(chart.directory, chart.values), output)
    reading = read(file)
    sources = _Sources(file.data)
    resources = []
    for document in reading.documents:
        template = sources.of(document)
        path = _shown(chart, template) if template is not None else None
        trace = TemplateTrace(chart.name, file, files, path)
        resources += [msgspec.structs.replace(resource, origin=trace.of(resource)) for resource in decode(document)]
    return Rendered(chart.name, file, reading, tuple(resources), _inputs(chart, paths))


def _shown(chart: Chart, template: str) -> str:
    """The file of a template that helm names by the chart: ``shop/charts/db/templates/x.yaml``."""
    return posixpath.normpath(posixpath.join(chart.directory, template.partition("/")[2]))


def _inputs(chart: Chart, paths: list[str]) -> frozenset[str]:
    """The files of the input that the chart is made of: its templates, and the charts in it."""
    below = (f"{posixpath.join(chart.directory, part)}/".removeprefix("./") for part in ("templates", "charts"))
    starts = tuple(below)
    return frozenset(path for path in paths if path.startswith(starts))


class _Sources:
    """Which template each part of a rendered text comes from."""

    def __init__(self, data: bytes) -> None:
        found = list(_SOURCE.finditer(data))
        self._lines = [(data.count(b"\n", 0, each.start()) + 1, each[1].decode("utf-8", "replace")) for each in found]

    def of(self, document: Document) -> str | None:
        """The template that the last comment before the content of a document names."""
        before = [template for line, template in self._lines if line <= document.line]
        return before[-1] if before else None
