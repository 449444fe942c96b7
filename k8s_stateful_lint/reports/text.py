"""Text for people: each finding with the line at fault, the lines that explain it, and what to do."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from k8s_stateful_lint.engine.report import Comparison, Location, Report, ReportedFinding
from k8s_stateful_lint.reports import Style
from k8s_stateful_lint.reports.lettering import columns, folded, line_of_text, name_of, printable

if TYPE_CHECKING:
    from k8s_stateful_lint.reading import SourceFile

# What things look like in colour: SGR parameters of ECMA-48.
_SGR = {
    "error": "1;31",
    "warning": "1;33",
    "info": "1;36",
    "bold": "1",
    "dim": "2",
    "frame": "34",
    "help": "32",
    "clean": "1;32",
}
_MIN_MESSAGE_WIDTH = 40


def paint(text: str, what: str, style: Style) -> str:
    """Text in the colour of ``what``; unchanged without colour."""
    return f"\x1b[{_SGR[what]}m{text}\x1b[0m" if style.colour and text else text


def pieces(report: Report, style: Style) -> Iterator[str]:
    """Make the whole text, footer included."""
    between = ""
    for lines in _parts(report, style):
        for line in lines:
            yield f"{between}{line}"
            between = "\n"
        between = "\n\n"
    if between:
        yield "\n"


def _parts(report: Report, style: Style) -> Iterator[Iterable[str]]:
    """The lines of each of the parts that blank lines stand between."""
    for finding in report.findings:
        yield _finding(finding, report, style)
    if style.verbose and report.notices:
        yield (
            f"{paint('notice', 'dim', style)}: {_at(notice.file, notice.line)}{notice.message}"
            for notice in report.notices
        )
    if report.comparison is not None and report.comparison.data and not style.quiet:
        from k8s_stateful_lint.reports.fates import table  # which paints with what is in this module

        yield table(report.comparison.data, style)
    if not style.quiet:
        more = paint("k8s-stateful-lint explain RULE tells why, with examples", "dim", style)
        yield [footer(report, style), *([more] if report.findings else [])]


def footer(report: Report, style: Style) -> str:
    """One line that says what was read, found, suppressed and left open."""
    summary = report.summary
    counts = [
        paint(_count(number, word), word, style)
        for number, word in ((summary.errors, "error"), (summary.warnings, "warning"), (summary.infos, "info"))
        if number
    ]
    nothing = paint("nothing was linted", "warning", style) if report.linted_nothing else None
    found = ", ".join(counts) or nothing or paint("nothing to report", "clean", style)
    hidden = [
        f"{number} {word}"
        for number, word in ((summary.suppressed, "suppressed"), (summary.baselined, "baselined"))
        if number
    ]
    read = compared(report.comparison) if report.comparison is not None else _count(summary.objects, "object")
    rendered = f", {summary.rendered} rendered" if summary.rendered else ""
    text = f"{_count(summary.files, 'file')}{rendered}, {read}: {found}"
    if hidden:
        text += f" ({', '.join(hidden)})"
    if summary.unresolved:
        text += f"; {_count(summary.unresolved, 'reference')} could not be resolved"
    return text


def compared(comparison: Comparison) -> str:
    """How many objects differ, and between what."""
    parts = [
        f"{number} {word}"
        for number, word in (
            (comparison.changed, "changed"),
            (comparison.added, "added"),
            (comparison.removed, "removed"),
            (comparison.unchanged, "unchanged"),
        )
        if number
    ]
    return f"{comparison.old} to {comparison.new}: {', '.join(parts) or 'no'} objects"


def _count(number: int, noun: str) -> str:
    if noun == "info":
        return f"{number} info"
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _at(file: str | None, line: int | None) -> str:
    if file is None:
        return ""
    return f"{file}:{line}: " if line is not None else f"{file}: "


def described(finding: ReportedFinding, report: Report, style: Style) -> str:
    """One finding, as many lines without the end of the last one."""
    return "\n".join(_finding(finding, report, style))


def _finding(finding: ReportedFinding, report: Report, style: Style) -> Iterator[str]:
    gutter = len(str(max([finding.location.end_line, *(r.location.end_line for r in finding.related)])))
    margin = " " * gutter
    yield from _headline(finding, style)
    yield from _frame(finding.location, name_of(finding.object), "-->", finding.severity, "", report, gutter, style)
    for related in finding.related:
        own_file = related.location.file == finding.location.file
        whose = "" if own_file and related.object == finding.object else name_of(related.object)
        yield from _frame(related.location, whose, ":::", "frame", related.label, report, gutter, style)
    bar = paint(f"{margin} =", "frame", style)
    for index, line in enumerate(_wrapped(finding.help, style.width - gutter - 9)):
        head = paint("help:", "help", style) if index == 0 else "     "
        yield f"{bar if index == 0 else margin + '  '} {head} {line}"
    for index, line in enumerate(line for step in finding.steps for line in folded(step, style.width - gutter - 9)):
        head = paint("run:", "help", style) if index == 0 else "    "
        yield f"{bar if index == 0 else margin + '  '} {head}  {line}"
    if style.verbose:
        yield f"{bar} {paint('environment:', 'dim', style)} {finding.environment} ({finding.environment_reason})"
        yield f"{bar} {paint('confidence:', 'dim', style)} {finding.confidence}"
    if finding.url:
        yield f"{bar} {paint(f'see: {finding.url}', 'dim', style)}"


def _headline(finding: ReportedFinding, style: Style) -> Iterator[str]:
    label = f"{finding.severity}[{finding.rule}]"
    lines = _wrapped(f"{label}: {finding.message}", style.width, indent="  ")
    # The label is never broken: it holds no blanks.
    first = lines[0].removeprefix(label)
    yield paint(label, finding.severity, style) + paint(first, "bold", style)
    for line in lines[1:]:
        yield paint(line, "bold", style)


def _frame(
    place: Location,
    whose: str,
    arrow: str,
    colour: str,
    label: str,
    report: Report,
    gutter: int,
    style: Style,
) -> Iterator[str]:
    margin = " " * gutter
    yield f"{margin}{paint(arrow, 'frame', style)} {place.file}:{place.line}:{place.column}" + (
        f" {paint(f'({whose})', 'dim', style)}" if whose else ""
    )
    source: SourceFile | None = report.sources.get(place.file)
    lines: Sequence[str] = source.lines if source is not None else ()
    if place.line > len(lines):
        return
    text = lines[place.line - 1]
    bar = paint("|", "frame", style)
    end = place.end_column if place.end_line == place.line else len(text) + 1
    shown, start, length = _fit(text, place.column - 1, max(end - place.column, 1), style.width - gutter - 3)
    yield f"{margin} {bar}"
    yield f"{paint(f'{place.line:>{gutter}}', 'frame', style)} {bar} {shown}"
    carets = ("^" if arrow == "-->" else "-") * length
    yield f"{margin} {bar} {' ' * start}{paint(f'{carets} {label}'.rstrip(), colour, style)}"


def _fit(text: str, start: int, length: int, room: int) -> tuple[str, int, int]:
    """A line made to fit: tabs become blanks, long lines are cut around the place; with where the carets go."""
    # Nothing farther away is ever shown: a line may be a file of 1 MB with a thousand findings.
    reach = 3 * room
    skipped = max(start - reach, 0)
    before, marked = text[skipped:start], text[start : start + min(length, reach)].rstrip()
    after = text[start + length : start + length + reach]
    before, marked, after = (printable(part) for part in (before, marked, after))
    offset, span = columns(before), max(columns(marked), 1)
    line = (before + marked + after).rstrip()
    if not skipped and columns(line) <= room:
        return line, offset, span
    if not skipped and offset + span <= room - 1:
        return line[: room - 1] + "…", offset, span
    # The place lies behind the edge: show its surroundings.
    cut = max(0, len(before) - room // 3)
    line = "…" + line[cut + 1 :]
    if columns(line) > room:
        line = line[: room - 1] + "…"
    offset -= columns((before + marked)[:cut])
    return line, offset, min(span, max(room - offset - 1, 1))


@lru_cache(maxsize=64)  # most findings of a rule advise the same, and wrapping was half of the time
def _wrapped(text: str, width: int, indent: str = "") -> Sequence[str]:
    return textwrap.wrap(
        line_of_text(text),
        max(width, _MIN_MESSAGE_WIDTH),
        break_long_words=False,
        break_on_hyphens=False,
        subsequent_indent=indent,
    ) or [""]
