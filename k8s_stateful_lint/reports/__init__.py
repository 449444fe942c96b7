"""Reports: one module a format. A format is a function from a report to the pieces of its text."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import cast

import msgspec

from k8s_stateful_lint.engine.report import Report


class Style(msgspec.Struct, frozen=True):
    """How text may look: machine formats ignore it."""

    colour: bool = False
    width: int = 80
    verbose: bool = False
    quiet: bool = False


# Every format, and the module that makes it (imported only when it is used).
FORMATS: dict[str, str] = {
    "text": "text",
    "concise": "concise",
    "json": "json",
    "sarif": "sarif",
    "github": "github",
    "gitlab": "gitlab",
    "junit": "junit",
    "markdown": "markdown",
    "html": "html",
}
DRAWING = frozenset({"html"})
"""Formats that draw the storage graph."""


# Pieces are written at once: as many characters, and a few more.
_PIECE = 1 << 14


def pieces(name: str, report: Report, style: Style) -> Iterator[str]:
    """Make the text of a report in a format of :data:`FORMATS`, in pieces that are made when they are asked for."""
    module = importlib.import_module(f"k8s_stateful_lint.reports.{FORMATS[name]}")
    make = cast("Callable[[Report, Style], Iterator[str]]", module.pieces)
    if name == "text" and report.sources:
        from k8s_stateful_lint.reports.frames import masked

        report = masked(report)
    gathered: list[str] = []
    length = 0
    for text in make(report, style):
        gathered.append(text)
        length += len(text)
        if length >= _PIECE:
            yield "".join(gathered)
            gathered.clear()
            length = 0
    yield "".join(gathered)


def render(name: str, report: Report, style: Style) -> str:
    """Make the whole text of a report in a format of :data:`FORMATS`."""
    return "".join(pieces(name, report, style))
