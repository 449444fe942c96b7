"""A page to look at: findings with their frames, filters, and the storage graph, in one self-contained file."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from pathlib import Path

from k8s_stateful_lint._about import __version__
from k8s_stateful_lint.engine.cards import card, heads
from k8s_stateful_lint.engine.report import Notice, Report, ReportedFinding
from k8s_stateful_lint.reports import Style
from k8s_stateful_lint.reports.fates import TITLE, size, what
from k8s_stateful_lint.reports.frames import Frame, Row, frames, masked
from k8s_stateful_lint.reports.graph import Element, Picture, Subject, subject_of
from k8s_stateful_lint.reports.lettering import line_of_text, lines_of_text, name_of
from k8s_stateful_lint.reports.picture import Drawing, Link, grouped, problems_in
from k8s_stateful_lint.reports.places import ascii_markup
from k8s_stateful_lint.reports.text import compared

_AROUND = 2
_MOST_DRAWINGS = 100
_MOST_NOTICES = 500
_SEVERITIES = ("error", "warning", "info")
_CHECK_MARK = (
    '<svg width="52" height="52" viewBox="0 0 52 52" fill="none" stroke="currentColor" stroke-width="3.5" '
    'stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><circle cx="26" cy="26" r="23"/>'
    '<path d="M16 27l7 7 14-16"/></svg>'
)


def pieces(report: Report, style: Style) -> Iterator[str]:
    """Make the page: pure ASCII, so that no encoding can spoil it."""
    for line in _lines(masked(report)):
        yield ascii_markup(f"{line}\n")


def _lines(report: Report) -> Iterator[str]:
    css, script = (_asset(name) for name in ("page.css", "page.js"))
    anchors = _anchors(report)
    groups, left_out = _drawn(report)
    yield "<!doctype html>"
    yield '<html lang="en">'
    yield "<head>"
    yield '<meta charset="utf-8">'
    # Nothing is loaded, and no script runs but ours: manifests are written by anybody.
    yield (
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; base-uri 'none'; "
        f"form-action 'none'; style-src '{_digest(css)}'; script-src '{_digest(script)}'\">"
    )
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{_e(_headline(report))} - k8s-stateful-lint</title>"
    yield f"<style>{css}</style>"
    yield "</head>"
    yield "<body>"
    yield '<a class="skip" href="#findings">Skip to the findings</a>'
    yield '<div class="wrap">'
    yield from _header(report, has_graph=bool(groups))
    yield "<main>"
    yield from _crashes(report)
    yield from _fates(report)
    yield from _findings(report, anchors)
    if groups:
        yield from _graph(groups, left_out, _linker(report, anchors))
    yield from _notices(report)
    yield "</main>"
    yield (
        f"<footer>Made by k8s-stateful-lint {_e(__version__)}. "
        "<code>k8s-stateful-lint explain RULE</code> tells more about a rule, with examples.</footer>"
    )
    yield "</div>"
    yield f"<script>{script}</script>"
    yield "</body>"
    yield "</html>"


def _asset(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="ascii").strip()


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _e(text: str) -> str:
    """Any text, harmless."""
    return html.escape(line_of_text(text))


def _prose(text: str) -> str:
    """A text of ours with code between backticks."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", _e(text))


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 or noun == 'info' else 's'}"


def _headline(report: Report) -> str:
    if report.linted_nothing:
        return "Nothing was linted"
    summary = report.summary
    counts = ((summary.errors, "error"), (summary.warnings, "warning"), (summary.infos, "info"))
    return ", ".join(_counted(number, noun) for number, noun in counts if number) or "Nothing to report"


def _header(report: Report, *, has_graph: bool) -> Iterator[str]:
    summary = report.summary
    read = f"{_counted(summary.files, 'file')}, {_counted(summary.documents, 'document')}"
    links = ['<a href="#findings">Findings</a>'] if report.findings else []
    if has_graph:
        links.append('<a href="#graph">Storage graph</a>')
    if report.notices:
        links.append('<a href="#notices">Notices</a>')
    tiles = [
        (summary.errors, "error", "error"),
        (summary.warnings, "warning", "warning"),
        (summary.infos, "info", "info"),
        (summary.objects, "object", "plain"),
        (summary.unresolved, "unresolved", "plain"),
        (summary.suppressed, "suppressed", "plain"),
    ]
    if summary.baselined:
        tiles.append((summary.baselined, "baselined", "plain"))
    yield "<header>"
    yield '<div class="brand">k8s-stateful-lint</div>'
    yield f"<h1>{_e(_headline(report))}</h1>"
    if report.comparison is not None:
        yield f'<p class="quiet">{_e(compared(report.comparison))}</p>'
    else:
        yield f'<p class="quiet">{read} read</p>'
    if len(links) > 1:
        yield f'<nav aria-label="Sections">{"".join(links)}</nav>'
    yield "</header>"
    yield '<ul class="tiles" aria-label="Summary">'
    for number, noun, css in tiles:
        is_countable = noun in {"error", "warning", "object"}
        word = noun + ("s" if is_countable and number != 1 else "")
        yield f'<li class="tile {css if number else "none"}"><b>{number}</b><span>{word}</span></li>'
    yield "</ul>"


def _crashes(report: Report) -> Iterator[str]:
    if not report.crashes:
        return
    yield '<section class="panel crash"><h2>Internal errors</h2>'
    yield "<p>These rules failed, the others ran. Please report it.</p>"
    for crash in report.crashes:
        yield f"<pre>{html.escape(lines_of_text(crash))}</pre>"
    yield "</section>"


def _fates(report: Report) -> Iterator[str]:
    """What happens to the data, where two revisions were compared."""
    if report.comparison is None or not report.comparison.data:
        return
    yield f'<section class="panel fates"><h2>{TITLE}</h2><div class="scroll"><table>'
    for row in report.comparison.data:
        cells = (row.fate, what(row), size(row), row.why)
        yield f'<tr class="{row.fate}">' + "".join(f"<td>{_e(cell)}</td>" for cell in cells) + "</tr>"
    yield "</table></div></section>"


# Findings -----------------------------------------------------------------------------------------------------------


def _anchors(report: Report) -> list[str]:
    """A name for each finding, the same from run to run."""
    seen: Counter[str] = Counter()
    found = []
    for finding in report.findings:
        name = "f-" + re.sub(r"[^A-Za-z0-9-]", "", finding.fingerprint)
        seen[name] += 1
        found.append(name if seen[name] == 1 else f"{name}-again-{seen[name]}")
    return found


def _findings(report: Report, anchors: list[str]) -> Iterator[str]:
    if not report.findings:
        yield '<section id="findings" class="panel clean">'
        if report.linted_nothing:
            yield "<strong>Nothing was linted</strong><p>No Kubernetes manifest was found.</p>"
        elif report.crashes:
            yield "<strong>No findings of the rules that ran</strong>"
        else:
            yield f"{_CHECK_MARK}<strong>Nothing to report</strong>"
            yield f'<p class="quiet">{_counted(report.summary.objects, "object")} looked at.</p>'
        yield "</section>"
        return
    yield '<div class="columns bare">'
    yield from _filters(report)
    yield '<section id="findings"><h2>Findings</h2>'
    yield '<p id="none" class="panel clean" hidden>No finding fits these filters.</p>'
    numbered = zip(report.findings, anchors, strict=True)
    reasons: dict[str, str] = {}
    for file, group in groupby(numbered, key=lambda pair: pair[0].location.file):
        yield f'<div class="file"><h3>{_e(file)}</h3>'
        for finding, anchor in group:
            yield from _finding(finding, anchor, report, reasons)
        yield "</div>"
    yield "</section></div>"


def _filters(report: Report) -> Iterator[str]:
    """Controls that need the script; it shows them."""
    severities = Counter[str](finding.severity for finding in report.findings)
    yield '<details id="filters" class="filters" open hidden>'
    yield '<summary>Filter <output aria-live="polite"></output></summary>'
    yield "<form><fieldset><legend>Severity</legend>"
    for severity in _SEVERITIES:
        if severities[severity]:
            yield (
                f'<label class="chip {severity}"><input type="checkbox" name="severity" value="{severity}" checked>'
                f"<span>{severity} {severities[severity]}</span></label>"
            )
    yield "</fieldset>"
    yield '<label class="field">Text<input type="search" name="text" autocomplete="off"></label>'
    choices: list[tuple[str, str, Callable[[ReportedFinding], str]]] = [
        ("rule", "Rule", lambda finding: finding.rule),
        ("environment", "Environment", lambda finding: finding.environment),
        ("object", "Object", lambda finding: name_of(finding.object)),
    ]
    for name, label, value in choices:
        counts = Counter(value(finding) for finding in report.findings)
        options = "".join(
            f'<option value="{_e(text)}">{_e(text)} ({number})</option>'
            for text, number in sorted(counts.items())
            if text
        )
        yield (
            f'<label class="field">{label}<select name="{name}" autocomplete="off">'
            f'<option value="">all</option>{options}</select></label>'
        )
    yield '<button type="reset" disabled>Show all</button></form></details>'


def _finding(finding: ReportedFinding, anchor: str, report: Report, reasons: dict[str, str]) -> Iterator[str]:
    whose = name_of(finding.object)
    data = {"severity": finding.severity, "rule": finding.rule, "environment": finding.environment, "object": whose}
    attributes = " ".join(f'data-{key}="{_e(value)}"' for key, value in data.items())
    yield f'<article class="finding {finding.severity}" id="{anchor}" {attributes}>'
    environment = ""
    if finding.environment != "unspecified":
        environment = f'<span title="{_e(finding.environment_reason)}">{_e(finding.environment)}</span> &middot; '
    yield (
        f'<div class="head"><span class="badge">{finding.severity}</span><span class="rule">{_linked(finding)}</span>'
        f"<span>{_e(whose)}</span>"
        f'<span class="end">{environment}{finding.confidence} confidence</span></div>'
    )
    yield f"<h4>{_prose(finding.message)}</h4>"
    for index, frame in enumerate(frames(finding, report, _AROUND)):
        yield from _frame(frame, is_related=index > 0)
    if finding.help:
        yield f'<div class="todo"><b>What to do</b><span>{_prose(finding.help)}</span></div>'
    if finding.steps:
        yield f'<pre class="steps">{html.escape(lines_of_text(chr(10).join(finding.steps)))}</pre>'
    if finding.rule not in reasons:
        reasons[finding.rule] = _why(finding.rule)
    if reasons[finding.rule]:
        yield f'<details class="why"><summary>Why it matters</summary>{reasons[finding.rule]}</details>'
    yield "</article>"


def _linked(finding: ReportedFinding) -> str:
    if not finding.url.startswith("https://"):
        return _e(finding.rule)
    return f'<a href="{_e(finding.url)}" rel="noreferrer">{_e(finding.rule)}</a>'


def _why(rule: str) -> str:
    if rule not in heads():
        return ""
    return "".join(f"<p>{_prose(part)}</p>" for part in re.split(r"\n\s*\n", card(rule).why.strip()))


def _frame(frame: Frame, *, is_related: bool) -> Iterator[str]:
    place = frame.place
    label = f"<b>{_e(frame.label)}</b>" if frame.label else ""
    whose = f"<span>{_e(frame.whose)}</span>" if is_related and frame.whose else ""
    where = f'<span class="place">{_e(place.file)}:{place.line}:{place.column}</span>'
    yield f'<div class="frame{" related" if is_related else ""}"><div class="top">{label}{where}{whose}</div>'
    if frame.rows:
        yield f"<pre>{''.join(_row(row, is_there=row.number == place.line) for row in frame.rows)}</pre>"
    yield "</div>"


def _row(row: Row, *, is_there: bool) -> str:
    before, marked, after = (html.escape(text) for text in row[1:])
    marked = f"<mark>{marked}</mark>" if marked else ""
    css = "row at" if is_there else "row"
    return f'<span class="{css}"><i>{row.number}</i><span>{before}{marked}{after}</span></span>'


# Graph and notices --------------------------------------------------------------------------------------------------


def _drawn(report: Report) -> tuple[list[list[Element]], int]:
    """What is drawn, by the drawing that it is in, and how many drawings are left out."""
    if report.graph is None:
        return [], 0
    groups = grouped(Picture(report.graph, report).roots(None))
    # What has problems is drawn before what has none, where not all can be.
    order = sorted(range(len(groups)), key=lambda number: -problems_in(groups[number]))
    return [groups[number] for number in sorted(order[:_MOST_DRAWINGS])], len(order[_MOST_DRAWINGS:])


def _graph(groups: list[list[Element]], left_out: int, link: Link) -> Iterator[str]:
    yield '<section id="graph" class="part graph"><h2>Storage graph</h2>'
    for roots in groups:
        yield _figure(Drawing(roots), link)
    if left_out:
        yield f'<p class="quiet">{left_out} more parts of the graph are left out of this picture.</p>'
    yield "</section>"


def _figure(drawing: Drawing, link: Link) -> str:
    names = ", ".join(_e(root.title) for root in drawing.roots)
    files = ", ".join(_e(file) for file in dict.fromkeys(root.file for root in drawing.roots) if file)
    return (
        f'<figure class="panel"><figcaption><b>{names}</b><span class="place">{files}</span></figcaption>'
        f'<div class="scroll" tabindex="0" role="region" aria-label="{names}">{drawing.svg(link)}</div></figure>'
    )


def _linker(report: Report, anchors: list[str]) -> Link:
    """Finds the finding that a problem in the picture stands for."""
    known: dict[tuple[Subject | None, str], str] = {}
    for finding, anchor in zip(report.findings, anchors, strict=True):
        known.setdefault((subject_of(finding), finding.rule), anchor)
    return lambda element, rule: known.get((element.subject, rule))


def _notices(report: Report) -> Iterator[str]:
    if not report.notices:
        return
    yield '<section id="notices" class="part"><h2>Notices</h2>'
    yield f'<details class="panel"><summary>{_told(report.notices)}</summary>'
    yield '<ul class="notices">'
    for notice in report.notices[:_MOST_NOTICES]:
        place = f"{notice.file or ''}{f':{notice.line}' if notice.line is not None else ''}"
        where = f' <span class="place quiet">{_e(place)}</span>' if place else ""
        yield f"<li>{_e(notice.message)}{where}</li>"
    yield "</ul>"
    if len(report.notices) > _MOST_NOTICES:
        yield f'<p class="quiet">{len(report.notices) - _MOST_NOTICES} more notices are left out.</p>'
    yield "</details></section>"


def _told(notices: Iterable[Notice]) -> str:
    counts = Counter(notice.kind for notice in notices)
    return ", ".join(f"{number} {_e(kind)}" for kind, number in sorted(counts.items()))
