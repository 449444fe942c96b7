"""Reports narrowed to some files."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from k8s_stateful_lint.engine.drafts import reference_to
from k8s_stateful_lint.engine.report import ObjectReference, Report
from k8s_stateful_lint.graph.unresolved import unresolved

if TYPE_CHECKING:
    from k8s_stateful_lint.graph import Graph

ObjectInFile = tuple[str, ObjectReference | None]


def only_files(report: Report, files: Iterable[str], objects: Collection[ObjectInFile] = ()) -> Report:
    """The findings whose own or a related object lies in one of the files, or is one of the objects; counts follow."""
    wanted = {os.path.realpath(file) for file in files}
    # What overlays are made of may lie outside of the input; what they become changes with any file of theirs.
    known = {path for path in report.files if path not in report.made_of}.union(*report.made_of.values())
    lies_in = {path for path in known if os.path.realpath(path) in wanted}
    lies_in |= {text for text, inputs in report.made_of.items() if not inputs.isdisjoint(lies_in)}
    return report.narrowed(
        finding
        for finding in report.findings
        if (finding.location.file, finding.object) in objects
        or finding.location.file in lies_in
        or any(related.location.file in lies_in for related in finding.related)
    )


def referring_to(graph: Graph, gone: Collection[tuple[str, str]]) -> set[ObjectInFile]:
    """The objects that refer to something of these kinds and names, which is not in the input."""
    return {
        (reference.place.resource.path, reference_to(reference.place.resource))
        for reference in (unresolved(graph) if gone else ())
        if (reference.kind, reference.name) in gone
    }
