"""Code frames as data, for the formats that draw them in their own way, and what no frame may show."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from k8s_stateful_lint._patterns import regex
from k8s_stateful_lint.engine.report import Location, ObjectReference, Report, ReportedFinding
from k8s_stateful_lint.reports.lettering import columns, line_of_text, name_of, printable

if TYPE_CHECKING:
    from k8s_stateful_lint.reading import SourceFile

MASK = "[masked]"
_WIDTH = 160
_SECRET = regex(r"""\bkind["']?\s*:\s*["']?Secret\b|\bsecretGenerator\b""")
_KEY = regex(r"""(\s*(?:-\s+)*["']?([A-Za-z0-9_.\-/]+)["']?\s*:)(?:\s|$)""")
_KEYS_OF_ANY_OBJECT = frozenset(
    {"apiVersion", "kind", "metadata", "name", "namespace", "labels", "annotations", "type", "immutable", "data"}
    | {"stringData"}
)


class Row(NamedTuple):
    """A line of a frame in three parts; only the line at fault has a marked one."""

    number: int
    before: str
    marked: str = ""
    after: str = ""


class Frame(msgspec.Struct, frozen=True):
    """A place in a file with the lines to show. The label says why it is shown; the first frame has none."""

    place: Location
    whose: str
    label: str
    rows: tuple[Row, ...]


def frames(finding: ReportedFinding, report: Report, around: int = 0) -> list[Frame]:
    """The place of a finding and the places that explain it, each with up to ``around`` lines before and after."""
    found = [Frame(finding.location, name_of(finding.object), "", _rows(finding.location, report, around))]
    for related in finding.related:
        is_same = related.location.file == finding.location.file and related.object == finding.object
        whose = "" if is_same else name_of(related.object)
        rows = _rows(related.location, report, min(around, 1))
        found.append(Frame(related.location, whose, line_of_text(related.label), rows))
    return found


def plain(shown: Sequence[Frame]) -> str:
    """Frames as text in a font of fixed width."""
    margin = " " * max((len(str(row.number)) for frame in shown for row in frame.rows), default=1)
    lines: list[str] = []
    for index, frame in enumerate(shown):
        mark, arrow = ("-", ":::") if index else ("^", "-->")
        place = f"{printable(frame.place.file)}:{frame.place.line}:{frame.place.column}"
        lines.append(f"{margin}{arrow} {place}" + (f" ({frame.whose})" if frame.whose else ""))
        for row in frame.rows:
            carets = " " * columns(row.before) + mark * max(columns(row.marked), 1)
            lines += [
                f"{margin} |",
                f"{row.number:>{len(margin)}} | {row.before}{row.marked}{row.after}",
                f"{margin} | {carets} {frame.label}".rstrip(),
            ]
    return "\n".join(lines)


def _rows(place: Location, report: Report, around: int) -> tuple[Row, ...]:
    source: SourceFile | None = report.sources.get(place.file)
    if source is None or not 1 <= place.line <= len(source.lines):
        return ()
    lines = source.lines
    text = lines[place.line - 1]
    start = place.column - 1
    end = place.end_column - 1 if place.end_line == place.line else len(text)
    rows = [_cut(place.line, text, start, max(end, start + 1))]
    if around and place.file not in report.guarded:
        before = range(place.line - 1, max(place.line - 1 - around, 0), -1)
        after = range(place.line + 1, min(place.line + around, len(lines)) + 1)
        rows = [*reversed([*_neighbours(before, lines)]), *rows, *_neighbours(after, lines)]
    return tuple(rows)


def _neighbours(numbers: range, lines: Sequence[str]) -> Iterator[Row]:
    for number in numbers:
        if lines[number - 1].startswith(("---", "...")):
            return
        text = printable(lines[number - 1][: _WIDTH + 1].rstrip())
        yield Row(number, text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…")


def _cut(number: int, text: str, start: int, end: int) -> Row:
    """A line in parts, cut around the marked one where it is long."""
    text = text.rstrip()
    marked = text[start:end]
    if len(marked) > _WIDTH:
        marked = marked[: _WIDTH - 1] + "…"
    room = max(_WIDTH - len(marked), 20)
    length_before, length_after = min(start, len(text)), max(len(text) - end, 0)
    left = min(length_before, max(room - length_after, room // 2))
    right = min(length_after, room - left)
    before = text[start - left : start] if left == length_before else "…" + text[start - left + 1 : start]
    after = text[end:] if right == length_after else text[end : end + right - 1] + "…"
    return Row(number, printable(before), printable(marked), printable(after))


# Secrets ------------------------------------------------------------------------------------------------------------


class _Hidden(msgspec.Struct, frozen=True):
    """What must not be seen of a file: lines of a Secret with the keys that may stay, lines that also hold one."""

    keys: defaultdict[int, set[str]]
    spans: defaultdict[int, list[tuple[int, int]]]


def masked(report: Report) -> Report:
    """The report with sources in which no shown line tells the value of a Secret."""
    hidden: defaultdict[str, _Hidden] = defaultdict(lambda: _Hidden(defaultdict(set), defaultdict(list)))
    suspects = {path for path, source in report.sources.items() if _may_hold_secret(source.text)}
    for place, reference, path, is_secret in _places(report):
        if place.file not in report.sources:
            continue
        lines: Sequence[str] = report.sources[place.file].lines
        if (
            is_secret
            or (reference is not None and reference.kind == "Secret")
            or (reference is None and place.file in suspects)
        ):
            for number in range(place.line, min(place.end_line, len(lines)) + 1):
                hidden[place.file].keys[number].update(re.split(r"[.\[\]]+", path))
        elif place.file in suspects and place.line <= len(lines) and _SECRET.search(lines[place.line - 1]):
            end = place.end_column if place.end_line == place.line else len(lines[place.line - 1]) + 1
            hidden[place.file].spans[place.line].append((place.column - 1, end - 1))
    if not suspects and not hidden:
        return report
    sources = {
        path: _masked_source(source, hidden[path]) if path in hidden else source
        for path, source in report.sources.items()
    }
    return msgspec.structs.replace(report, sources=sources, guarded=frozenset(suspects))


def _may_hold_secret(text: str) -> bool:
    return "ecret" in text and _SECRET.search(text) is not None


def _places(report: Report) -> Iterator[tuple[Location, ObjectReference | None, str, bool]]:
    for finding in report.findings:
        yield finding.location, finding.object, finding.path, finding.secret
        for related in finding.related:
            yield related.location, related.object, "", finding.secret


def _masked_source(source: SourceFile, hidden: _Hidden) -> SourceFile:
    lines = []
    for number, text in enumerate(source.lines, start=1):
        if number in hidden.keys:
            lines.append(_without_value(text, hidden.keys[number] | _KEYS_OF_ANY_OBJECT))
        elif number in hidden.spans:
            lines.append(_only(text, hidden.spans[number]))
        else:
            lines.append(text)
    return type(source)(source.path, "\n".join(lines).encode("utf-8", "replace"))


def _without_value(text: str, keys: set[str] | frozenset[str]) -> str:
    """The key of a line if it is a known one: in a text of several lines, anything may look like a key."""
    match = _KEY.match(text)
    if match is not None and match[2] in keys:
        return f"{match[1]} {MASK}" if text[match.end() :].strip() else text
    return text[: len(text) - len(text.lstrip())] + (MASK if text.strip() else "")


def _only(text: str, spans: list[tuple[int, int]]) -> str:
    """Nothing but some parts of a line; columns stay as they are."""
    shown = list(re.sub(r"\S", "*", text))
    for start, end in spans:
        shown[start:end] = text[start:end]
    return "".join(shown)
