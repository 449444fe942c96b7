"""Reports: one module a format. A format is a function from a report to text."""

from __future__ import annotations

import importlib
from collections.abc import Callable
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


def render(name: str, report: Report, style: Style) -> str:
    """Make the text of a report in a format of :data:`FORMATS`."""
    module = importlib.import_module(f"k8s_stateful_lint.reports.{FORMATS[name]}")
    make = cast("Callable[[Report, Style], str]", module.render)
    if name == "text" and report.sources:
        from k8s_stateful_lint.reports.frames import masked

        report = masked(report)
    return make(report, style)
