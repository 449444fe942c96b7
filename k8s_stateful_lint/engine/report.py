"""What a run found: plain data, located and sorted, from which every format is made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from k8s_stateful_lint.config import Confidence, Severity


class ObjectReference(msgspec.Struct, frozen=True, rename="camel", kw_only=True, gc=False):
    """The object a finding is about."""

    api_version: str
    kind: str
    namespace: str | None
    name: str


class Location(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A place in a file: lines and columns are 1-based, the end column is exclusive.

    ``revision`` is empty for the files that are linted; else the place is in an older revision of that name, and no
    line of a working tree may be marked for it.
    """

    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    revision: str = ""


class RelatedLocation(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Another place that explains a finding."""

    location: Location
    label: str
    object: ObjectReference | None


class ReportedFinding(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One finding, located."""

    rule: str
    severity: Severity
    confidence: Confidence
    message: str
    location: Location
    object: ObjectReference | None
    path: str
    environment: str
    environment_reason: str
    fingerprint: str
    related: tuple[RelatedLocation, ...]
    help: str
    url: str
    # A shell script that carries the help out, line by line.
    steps: tuple[str, ...] = ()
    # Whether the lines at its places hold what must not be shown.
    secret: bool = False
    # For a place in an older revision: where programs that know only the new one may hang the finding.
    anchor: Location | None = None
    # The path with names in place of indexes: what tells the field wherever it stands.
    named_path: str = ""

    @property
    def place(self) -> Location:
        """Where the finding is for programs that know only the files that are linted."""
        return self.anchor or self.location


def files_shown(findings: Iterable[ReportedFinding]) -> set[str]:
    """The files that findings point into."""
    shown = set[str]()
    for finding in findings:
        shown.add(finding.location.file)
        shown.update(related.location.file for related in finding.related)
    return shown


class BaselinedFinding(msgspec.Struct, frozen=True, kw_only=True):
    """A finding that waits, and why."""

    finding: ReportedFinding
    reason: str


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """Something worth knowing that is no finding: a reference that could not be resolved, a file passed over."""

    kind: str
    message: str
    file: str | None = None
    line: int | None = None

    @property
    def is_failure(self) -> bool:
        """Whether something that was asked for was not done, so that the run is no success."""
        return self.kind in {"unreadable-path", "not-rendered"}


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What was read, and what was found. ``rendered`` counts overlays, and charts with each set of values."""

    files: int
    documents: int
    objects: int
    errors: int
    warnings: int
    infos: int
    suppressed: int = 0
    baselined: int = 0
    unresolved: int = 0
    rendered: int = 0


Fate = Literal["deleted", "empty", "orphaned", "released", "unknown", "refused", "expanded", "new", "kept"]


class DataFate(msgspec.Struct, frozen=True, kw_only=True):
    """What a change does to a claim, a claim template (its ``claims`` are those of its pods) or a volume.

    * deleted: the data is gone; empty: pods start on new storage while the data stays elsewhere;
    * orphaned: nothing uses the data any more; released: the volume stays without a claim;
    * unknown: removed, and nothing tells the reclaim policy; refused: the API server does not take the change;
    * expanded, new and kept: no data is lost.
    """

    fate: Fate
    kind: Literal["claim", "claim template", "volume"]
    namespace: str | None
    name: str
    claims: tuple[str, ...]
    size: str | None
    size_before: str | None
    why: str
    location: Location


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Which two revisions were compared, how many objects are in one or both, and what happens to the data."""

    old: str
    new: str
    changed: int
    unchanged: int
    added: int
    removed: int
    data: tuple[DataFate, ...]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of a run.

    ``sources`` are the lines of the files that findings point into, for code frames. ``crashes`` are rules that failed:
    the others still ran. ``files`` are the files that were read, ``made_of`` the
    files that each rendered text is made of. ``baselined`` are the findings that a baseline lets
    wait, None without a baseline. ``graph`` is the storage graph, for formats that draw it. ``comparison`` is there
    where two revisions were compared.

    ``guarded`` are files of which only the lines that findings point at may be shown: a Secret may stand around them.
    """

    findings: tuple[ReportedFinding, ...]
    notices: tuple[Notice, ...]
    summary: Summary
    crashes: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    made_of: dict[str, frozenset[str]] = {}
    baselined: tuple[BaselinedFinding, ...] | None = None
    sources: dict[str, Any] = {}
    guarded: frozenset[str] = frozenset()
    graph: Any = None
    comparison: Comparison | None = None

    @property
    def linted_nothing(self) -> bool:
        """Whether no Kubernetes object and no broken file was there: never a success."""
        return self.summary.objects == 0 and not self.findings and not self.baselined

    def narrowed(self, findings: Iterable[ReportedFinding], **changes: Any) -> Report:
        """The report with some of its findings only; counts follow. ``changes`` are other fields."""
        kept = tuple(findings)
        count = Counter(finding.severity for finding in kept)
        summary = msgspec.structs.replace(
            changes.pop("summary", self.summary), errors=count["error"], warnings=count["warning"], infos=count["info"]
        )
        return msgspec.structs.replace(self, findings=kept, summary=summary, **changes)

    def at_least(self, severity: Severity) -> bool:
        """Whether some finding has this severity or a higher one."""
        order = ("info", "warning", "error")
        floor = order.index(severity)
        return any(order.index(finding.severity) >= floor for finding in self.findings)
