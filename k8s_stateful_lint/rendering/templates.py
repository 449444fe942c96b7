"""From a line that helm rendered to the line of the template that it was made of.

A template is no YAML, so lines are compared: one that has the same keys above it, and the same text but for what stands
between braces. Only the one line that fits is taken; where none or several do, the rendered text is shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property

import msgspec

from k8s_stateful_lint._patterns import regex
from k8s_stateful_lint.model.resource import Part, Resource, Spot
from k8s_stateful_lint.reading import Route, SourceFile, Span

from .rendered import Files

_ACTION = regex(r"\{\{.*?\}\}")
_CONTROL = regex(r"\s*(?:\{\{-?.*?\}\}\s*)+\Z")
_KEY = regex(r"(?P<dashes>(?:-\s+)*)(?P<key>[^\s:#{}'\"][^:{}]*)\s*:(?:\s|\Z)")


class _Line(msgspec.Struct, frozen=True):
    """A line of YAML: its number, its text and the keys that lead to it."""

    number: int
    text: str
    keys: tuple[str, ...]


class TemplateTrace:
    """The sources of what one template became."""

    def __init__(self, build: str, file: SourceFile, files: Files, path: str | None) -> None:
        """``path`` is the template, ``file`` the text it is a part of; None says that helm did not name it."""
        self.build = build
        self.file = file
        self._files = files
        self._path = path

    def of(self, resource: Resource) -> ObjectTrace:
        """The source of one object."""
        return ObjectTrace(self, resource)

    @cached_property
    def template(self) -> SourceFile | None:
        """The template."""
        if self._path is None:
            return None
        self._files.reading(self._path)
        return self._files.source(self._path)

    @cached_property
    def lines(self) -> list[_Line]:
        """The lines of the template that may become a line of a manifest."""
        return list(_lines(self.template.lines, 0)) if self.template is not None else []


class ObjectTrace:
    """The sources of one object of a chart: the `Origin` of a resource."""

    def __init__(self, template: TemplateTrace, made: Resource) -> None:
        """``made`` is the object that helm rendered."""
        self._template = template
        self._made = made

    @property
    def build(self) -> str:
        """The chart, with its values."""
        return self._template.build

    @property
    def source(self) -> Resource | None:
        """A template holds no objects."""
        return None

    @cached_property
    def _lines(self) -> dict[int, _Line]:
        first = self._made.document.line
        lines = self._template.file.lines[first - 1 :]
        end = next((number for number, line in enumerate(lines) if line.startswith("---")), len(lines))
        return {line.number: line for line in _lines(lines[:end], first - 1)}

    def find(self, route: Route, part: Part) -> Spot | None:
        """The line of the template that became the line of a place."""
        template = self._template.template
        made = self._lines.get(self._made.document.span((*self._made.route, *route), part=part).line)
        if made is None or template is None:
            return None
        fitting = [line for line in self._template.lines if line.keys == made.keys and _became(line.text, made.text)]
        return Spot(_TemplateLine(template, fitting[0]), (), part) if len(fitting) == 1 else None


class _TemplateLine:
    """A line of a template as far as it is like a document: it has a file and a place."""

    def __init__(self, file: SourceFile, line: _Line) -> None:
        self.file = file
        self._line = line

    def span(self, route: Route, *, part: Part) -> Span:
        """The text of the line."""
        text = self._line.text.rstrip()
        start = len(text) - len(text.lstrip())
        return Span(self._line.number, start + 1, self._line.number, len(text) + 1)


def _lines(lines: Sequence[str], offset: int) -> Iterator[_Line]:
    above: list[tuple[int, str]] = []
    for number, text in enumerate(lines, start=offset + 1):
        stripped = text.strip()
        if not stripped or stripped.startswith("#") or _CONTROL.match(text):
            continue
        depth = len(text) - len(text.lstrip(" "))
        if stripped.startswith("- "):
            # The keys of an item stand deeper than its dash, and those of the item before are none of its own.
            depth += 1
        while above and above[-1][0] >= depth:
            above.pop()
        found = _KEY.match(stripped)
        key = f"{found['dashes']}{found['key'].strip()}" if found is not None else ""
        yield _Line(number, text, (*(key for _, key in above), key))
        if found is not None:
            above.append((depth, found["key"].strip()))


def _became(template: str, made: str) -> bool:
    """Whether a line of a template can have become a line; what is left of it without braces must say something."""
    pieces = _ACTION.split(template.strip())
    if not re.search(r"[A-Za-z]{2}", "".join(pieces)):
        return False
    pattern = ".*".join(re.escape(piece) for piece in pieces)
    return re.fullmatch(pattern, made.strip()) is not None
