"""Findings that wait: a file of old ones, so that only new ones are reported.

The file is written entry by entry as text, and what people wrote into it (reasons, dates, comments) stays as it is.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from k8s_stateful_lint.config import ConfigError
from k8s_stateful_lint.config.files import shown
from k8s_stateful_lint.config.writing import flow
from k8s_stateful_lint.engine.report import BaselinedFinding, Notice, ObjectReference, Report, ReportedFinding

if TYPE_CHECKING:
    from k8s_stateful_lint.reading import Document

VERSION = 1
_HEAD = """\
# Findings that wait: `k8s-stateful-lint check` reports only what is not listed here.
# An entry may have a `reason`, and a date on which it `expires`. `k8s-stateful-lint baseline update` takes out what was
# mended and keeps reasons, dates and comments.
"""
# A file that was cut short lacks it, wherever it was cut.
_END = "# end of the baseline"


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A finding that waits. Rule and fingerprint identify it; the rest is for people, and tells equal ones apart."""

    rule: str
    fingerprint: str
    object: str = ""
    path: str = ""
    file: str = ""
    reason: str = ""
    expires: date | None = None

    def is_expired(self, today: date) -> bool:
        """Whether it does not hide its finding any more; on the day itself it still does."""
        return self.expires is not None and self.expires < today

    @property
    def order(self) -> tuple[str, ...]:
        """The order of entries in the file."""
        return (self.file, self.object, self.path, self.rule, self.fingerprint)


class _Written(msgspec.Struct, frozen=True):
    """An entry with the text that it stands in: comments above it, and its own lines."""

    entry: Entry
    text: str
    line: int


class Baseline(msgspec.Struct):
    """A baseline file: its entries, and the text around them."""

    path: Path
    written: list[_Written] = []
    head: str = f"{_HEAD}version: {VERSION}\n"
    tail: str = f"{_END}\n"

    @property
    def entries(self) -> list[Entry]:
        """Its entries, in the order of the file."""
        return [written.entry for written in self.written]

    def relative(self, file: str) -> str:
        """A path of the input as entries have it: from the folder of the baseline."""
        if file.startswith("<"):
            return file
        return Path(os.path.relpath(file, self.path.parent)).as_posix()

    def text(self) -> str:
        """The whole file."""
        written = sorted(self.written, key=lambda one: one.entry.order)
        body = "findings:\n" + "".join(one.text for one in written) if written else "findings: []\n"
        return self.head + body + self.tail


class Match(msgspec.Struct, frozen=True):
    """What became of the entries of a baseline in a run."""

    # Every finding, with the entry that knows it.
    findings: list[tuple[ReportedFinding, _Written | None]]
    # Entries whose finding is gone, and those of files that were not read, or of rules that did not run.
    stale: list[_Written]
    untouched: list[_Written]


# Reading ------------------------------------------------------------------------------------------------------------


def read_baseline(path: Path) -> Baseline:
    """Read a baseline.

    Raises:
        ConfigError: it cannot be read, is cut short, or a newer version wrote it; the text begins with the place.

    """
    from k8s_stateful_lint.reading import SourceFile, read

    name = shown(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read the baseline {name}: {(error.strerror or '').lower()}") from error
    file = SourceFile(name, data)
    reading = read(file)
    for fault in reading.faults:
        raise ConfigError(f"{name}:{fault.line}:{fault.column}: the baseline is no valid YAML: {fault.message}")
    document = reading.documents[0] if len(reading.documents) == 1 else None
    values = document.value if document is not None else None
    if document is None or not isinstance(values, dict) or "version" not in values:
        raise ConfigError(f"{name}: this is no baseline; `k8s-stateful-lint baseline create` makes one")
    _check_version(values["version"], _place(name, document, ("version",)))
    listed = values.get("findings")
    if not isinstance(listed, list) or _END not in file.lines:
        raise ConfigError(
            f"{name}:{len(file.lines)}: the baseline is cut short: its last line must be `{_END}`; restore the file, "
            "or put the line back if nothing is missing"
        )
    entries = [_entry(value, index, name, document) for index, value in enumerate(listed)]
    return _with_texts(path, entries, document, file.lines)


def _check_version(version: object, place: str) -> None:
    if version == VERSION:
        return
    if isinstance(version, int) and version > VERSION:
        raise ConfigError(
            f"{place}: a newer version of k8s-stateful-lint wrote this baseline (format {version}, this one reads "
            f"{VERSION}): use that version, or make the baseline anew"
        )
    raise ConfigError(f"{place}: the version of the baseline must be {VERSION}")


def _entry(value: Any, index: int, name: str, document: Document) -> Entry:
    try:
        return msgspec.convert(value, Entry)
    except msgspec.ValidationError as error:
        route: tuple[str | int, ...] = ("findings", index)
        at = re.search(r" - at `\$\.(\w+)`", str(error))
        wrong = re.search(r"unknown field `(.+?)`", str(error))
        missing = re.search(r"required field `(.+?)`", str(error))
        if missing:
            what = f"this entry lacks `{missing[1]}`"
        elif wrong:
            what = f"an entry has no key {wrong[1]}; it has {', '.join(Entry.__struct_fields__)}"
            route = (*route, wrong[1])
        elif at and at[1] == "expires":
            what, route = "`expires` must be a date such as 2030-12-31", (*route, "expires")
        elif at:
            what, route = f"`{at[1]}` must be a string: put it in quotes", (*route, at[1])
        else:
            what = "an entry must be a mapping"
        raise ConfigError(f"{_place(name, document, route)}: {what}") from error


def _place(name: str, document: Document, route: tuple[str | int, ...]) -> str:
    span = document.span(route)
    return f"{name}:{span.line}:{span.column}"


def _with_texts(path: Path, entries: list[Entry], document: Document, lines: Sequence[str]) -> Baseline:
    """Cut the text of the file into its head, one piece an entry, and the rest."""
    head = document.span(("findings",), part="key").line - 1
    starts = [document.span(("findings", index)).line - 1 for index in range(len(entries))]
    tail = lines.index(_END)
    if not entries:
        return Baseline(path, [], _text(lines[:head]), _text(lines[tail:]).rstrip("\n") + "\n")
    while _is_between(lines[tail - 1]) and tail - 1 > starts[-1]:
        tail -= 1
    if any(line >= after for line, after in pairwise((head, *starts, tail))):
        # Several entries on one line: nobody's layout that we could keep.
        written = [_Written(entry, _render(entry), start + 1) for entry, start in zip(entries, starts, strict=True)]
        return Baseline(path, written, _text(lines[:head]))
    firsts = []
    for start in starts:
        first = start
        while first - 1 > head and _is_between(lines[first - 1]):
            first -= 1
        firsts.append(first)
    written = [
        _Written(entry, _text(lines[first:stop]), start + 1)
        for entry, start, first, stop in zip(entries, starts, firsts, [*firsts[1:], tail], strict=True)
    ]
    return Baseline(path, written, _text(lines[:head]), _text(lines[tail:]).rstrip("\n") + "\n")


def _is_between(line: str) -> bool:
    """Whether a line belongs to what follows it: a comment, or nothing."""
    return not line.strip() or line.lstrip().startswith("#")


def _text(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


# Comparing ----------------------------------------------------------------------------------------------------------


def matched(report: Report, baseline: Baseline, ran: frozenset[str]) -> Match:
    """Bring findings and entries together: by fingerprint and file, else by fingerprint, as the file was renamed.

    Args:
        report: What was found, without any baseline.
        baseline: The entries.
        ran: The rules that ran; entries of others are left alone.

    """
    waiting: defaultdict[str, list[_Written]] = defaultdict(list)
    for written in baseline.written:
        waiting[_bare(written.entry.fingerprint)].append(written)
    files = {file: baseline.relative(file) for file in {finding.location.file for finding in report.findings}}
    found: dict[int, _Written] = {}
    for same_file in (True, False):
        for number, finding in enumerate(report.findings):
            if number in found:
                continue
            file = files[finding.location.file]
            candidates = waiting.get(_bare(finding.fingerprint), [])
            for written in candidates:
                if written.entry.rule == finding.rule and (not same_file or written.entry.file == file):
                    candidates.remove(written)
                    found[number] = written
                    break
    read = {baseline.relative(file) for file in report.files}
    left = [written for rest in waiting.values() for written in rest]
    stale = [one for one in left if one.entry.rule in ran and _was_looked_for(one.entry, read, baseline)]
    gone = {id(one) for one in stale}
    return Match(
        [(finding, found.get(number)) for number, finding in enumerate(report.findings)],
        sorted(stale, key=lambda one: one.line),
        [one for one in left if id(one) not in gone],
    )


def _was_looked_for(entry: Entry, read: set[str], baseline: Baseline) -> bool:
    return entry.file in read or not (baseline.path.parent / entry.file).exists()


def _bare(fingerprint: str) -> str:
    """A fingerprint without the number that tells equal ones apart."""
    return fingerprint.partition("-")[0]


def apply(report: Report, baseline: Baseline, ran: frozenset[str], today: date) -> Report:
    """The report without the findings that wait; expired and stale entries are notices."""
    match = matched(report, baseline, ran)
    name = shown(baseline.path)
    new: list[ReportedFinding] = []
    kept: list[BaselinedFinding] = []
    notices = list(report.notices)
    for finding, written in match.findings:
        if written is None:
            new.append(finding)
        elif written.entry.is_expired(today):
            new.append(finding)
            message = f"the entry of {_about(written.entry)} expired on {written.entry.expires}: it is reported again"
            notices.append(Notice(kind="expired-baseline", message=message, file=name, line=written.line))
        else:
            kept.append(BaselinedFinding(finding=finding, reason=written.entry.reason))
    for written in match.stale:
        message = f"{_about(written.entry)} is not found any more: `k8s-stateful-lint baseline update` takes it out"
        notices.append(Notice(kind="stale-baseline", message=message, file=name, line=written.line))
    summary = msgspec.structs.replace(report.summary, baselined=len(kept))
    return report.narrowed(new, summary=summary, baselined=tuple(kept), notices=tuple(notices))


def _about(entry: Entry) -> str:
    return f"{entry.rule} ({entry.object})" if entry.object else entry.rule


# Writing ------------------------------------------------------------------------------------------------------------


class Change(NamedTuple):
    """How a baseline was changed."""

    added: int
    removed: int
    kept: int


def created(report: Report, path: Path, *, reason: str = "", expires: date | None = None) -> Baseline:
    """A baseline of everything that was found."""
    baseline = Baseline(path)
    for finding in report.findings:
        entry = _of(finding, baseline, reason, expires)
        baseline.written.append(_Written(entry, _render(entry), 0))
    return baseline


def update(baseline: Baseline, report: Report, ran: frozenset[str], *, only_remove: bool = False) -> Change:
    """Make a baseline say what is found now: stale entries go, new ones come unless ``only_remove``."""
    match = matched(report, baseline, ran)
    written = list(match.untouched)
    added = 0
    for finding, known in match.findings:
        if known is not None:
            written.append(_moved(known, baseline.relative(finding.location.file)))
        elif not only_remove:
            entry = _of(finding, baseline, "", None)
            written.append(_Written(entry, _render(entry), 0))
            added += 1
    baseline.written = written
    return Change(added, len(match.stale), len(written) - added)


def _of(finding: ReportedFinding, baseline: Baseline, reason: str, expires: date | None) -> Entry:
    return Entry(
        rule=finding.rule,
        fingerprint=_bare(finding.fingerprint),
        object=_name(finding.object),
        path=finding.named_path,
        file=baseline.relative(finding.location.file),
        reason=reason,
        expires=expires,
    )


def _name(reference: ObjectReference | None) -> str:
    """An object as entries have it: ``apps/StatefulSet shop/db``."""
    if reference is None:
        return ""
    group = reference.api_version.rpartition("/")[0]
    kind = f"{group}/{reference.kind}" if group else reference.kind
    name = f"{reference.namespace}/{reference.name}" if reference.namespace else reference.name
    return f"{kind} {name}".strip()


def _render(entry: Entry) -> str:
    return _text(_lines(entry))


def _lines(entry: Entry) -> Iterator[str]:
    yield f"  - rule: {entry.rule}"
    for key in ("object", "path", "file", "reason"):
        if value := getattr(entry, key):
            yield f"    {key}: {flow(value)}"
    if entry.expires is not None:
        yield f"    expires: {entry.expires.isoformat()}"
    # Quoted: sixteen hexadecimal digits may look like a number.
    yield f'    fingerprint: "{entry.fingerprint}"'


def _moved(written: _Written, file: str) -> _Written:
    """An entry whose finding is in this file now: the one line changes, everything else stays."""
    if written.entry.file == file:
        return written
    entry = msgspec.structs.replace(written.entry, file=file)
    line = f"file: {flow(file)}"
    text, changed = re.subn(r"(?m)^( +(?:- )?)file:.*$", lambda old: old[1] + line, written.text, count=1)
    return _Written(entry, text if changed else _render(entry), written.line)
