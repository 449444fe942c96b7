"""One comparison: two sets of files become two graphs, objects are paired, and rules look at what changed."""

from __future__ import annotations

import posixpath
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from k8s_stateful_lint.config import Config
from k8s_stateful_lint.engine.builds import across_builds, judged
from k8s_stateful_lint.engine.catalogue import CHANGE, change_rules
from k8s_stateful_lint.engine.checking import Subjects, check
from k8s_stateful_lint.engine.drafts import Draft, order, reported
from k8s_stateful_lint.engine.fates import fates
from k8s_stateful_lint.engine.own import FileFacts, faults
from k8s_stateful_lint.engine.policy import Policy
from k8s_stateful_lint.engine.report import Comparison, Location, Notice, Report, ReportedFinding, Summary
from k8s_stateful_lint.engine.run import drafts_of, for_version, is_suppressed, merged, of_cluster, read_files
from k8s_stateful_lint.engine.suppressions import may_suppress, suppressions_of
from k8s_stateful_lint.engine.timings import Timings
from k8s_stateful_lint.graph import (
    Claim,
    Graph,
    Node,
    PersistentVolume,
    Service,
    StatefulSet,
    StorageClass,
    VolumeSnapshotClass,
    Workload,
)
from k8s_stateful_lint.graph.changes import Changes
from k8s_stateful_lint.graph.facts import ClusterFacts
from k8s_stateful_lint.knowledge.versions import Version
from k8s_stateful_lint.reading import SourceFile
from k8s_stateful_lint.rendering import Rendering
from k8s_stateful_lint.schema import targets_of

# How to reach the subjects of each type; the name is the annotation of a rule's first parameter.
_SUBJECTS: dict[str, Callable[[Changes], Iterable[Any]]] = {
    "Pair[Node]": lambda changes: changes.touched(Node),
    "Pair[Workload]": lambda changes: changes.touched(Workload),
    "Pair[StatefulSet]": lambda changes: changes.touched(StatefulSet),
    "Pair[Container]": lambda changes: changes.containers,
    "Pair[Claim]": lambda changes: changes.touched(Claim),
    "Pair[PersistentVolume]": lambda changes: changes.touched(PersistentVolume),
    "Pair[StorageClass]": lambda changes: changes.touched(StorageClass),
    "Pair[VolumeSnapshotClass]": lambda changes: changes.touched(VolumeSnapshotClass),
    "Pair[Service]": lambda changes: changes.touched(Service),
    "Removed[Claim]": lambda changes: changes.gone(Claim),
    "Removed[StatefulSet]": lambda changes: changes.gone(StatefulSet),
    "Removed[Service]": lambda changes: changes.gone(Service),
    "Renamed[StatefulSet]": lambda changes: changes.renamed,
}


class Side(msgspec.Struct, frozen=True):
    """One of the two revisions: how people call it, its files, and what else is to be told about it.

    With a ``rendering``, what overlays and charts make of their files is compared instead of the files.
    """

    name: str
    files: Iterable[SourceFile]
    notices: Iterable[Notice] = ()
    rendering: Rendering | None = None


def compare(old: Side, new: Side, config: Config, cluster: ClusterFacts | None = None) -> Report:
    """Compare two revisions: only rules of the family ``change`` run.

    A file that is the same in both revisions is read once. What cannot be read in one of them is neither changed nor
    removed; what became unreadable is a finding.

    Raises:
        ConfigError: the configuration names a rule, an option or a version that does not exist.

    """
    policy = Policy(config)
    clock = Timings()
    after = {item.file.path: item for item in read_files(new.files, config, clock)}
    before = {item.file.path: item for item in _read_others(old.files, after, config, clock)}
    before, after = (
        {item.file.path: item for item in judged(read.values(), side.rendering)} if side.rendering else read
        for side, read in ((old, before), (new, after))
    )
    alternatives = [side.rendering.alternatives if side.rendering else {} for side in (old, new)]
    changes = _changes((before, after), alternatives, config, cluster)
    subjects = {version: Subjects(found, _SUBJECTS) for version, found in changes.items()}
    # What came broken is for `check`: here it is what could be read before.
    broken = [item for item in after.values() if item.reading.faults and _was_readable(before.get(item.file.path))]
    drafts = [draft for item in broken for draft in faults(item, policy)]
    crashes: list[str] = []
    every: list[Draft] = []
    # Rules that were not chosen run, too: what happens to the data does not depend on what is reported.
    whole = Policy(msgspec.structs.replace(config, select=(), extend_select=(CHANGE,), ignore=()))
    for rule in change_rules().values():
        found = {version: check(rule, here, whole, crashes) for version, here in subjects.items()}
        every += merged({version: drafts_of(rule, here, whole) for version, here in found.items()})
    drafts += [draft for draft in every if draft.head.name in policy.chosen]
    facts = [*after.values(), *(item for item in before.values() if after.get(item.file.path) is not item)]
    kept = _not_suppressed(drafts, facts) if config.ignore_comments else drafts
    if old.rendering or new.rendering:
        kept = across_builds(kept)
    kept.sort(key=order)
    told = [*old.notices, *new.notices]
    told += [
        Notice(kind=notice.kind, message=notice.message, file=item.file.shown, line=notice.line)
        for item in facts
        for notice in item.reading.notices
    ]
    told += [
        Notice(
            kind="unreadable-before",
            message=f"could not be read there ({item.reading.faults[0].message}), so nothing is said about its objects",
            file=item.file.shown,
            line=item.reading.faults[0].line,
        )
        for item in before.values()
        if item.reading.faults
    ]
    newest = list(changes.values())[-1]
    comparison = Comparison(
        old=old.name,
        new=new.name,
        changed=sum(pair.old.resource.raw != pair.new.resource.raw for pair in newest.pairs),
        unchanged=sum(pair.old.resource.raw == pair.new.resource.raw for pair in newest.pairs),
        added=len(newest.added),
        removed=len(newest.removed),
        data=fates(newest, every),
    )
    files = [item.file for item in facts]
    # Overlays may be made of files outside of the input.
    files += [file for side in (old, new) if side.rendering is not None for file in side.rendering.files]
    summary = Summary(
        files=len({item.file.path for item in facts}),
        documents=sum(len(item.reading.documents) for item in facts),
        objects=len(newest.old.resources) + len(newest.new.resources),
        errors=0,
        warnings=0,
        infos=0,
        suppressed=len(drafts) - len(kept),
    )
    return _report(kept, files, summary, comparison, told, crashes, cluster)


def _was_readable(item: FileFacts | None) -> bool:
    return item is not None and not item.reading.faults and bool(item.resources)


def _read_others(
    files: Iterable[SourceFile], known: dict[str, FileFacts], config: Config, clock: Timings
) -> Iterator[FileFacts]:
    """What the old files hold: of a file that is the same in the new revision, what is known of it already."""
    for file in files:
        same = known.get(file.path)
        if same is not None and same.file.data == file.data:
            yield same
        else:
            yield from read_files((file,), config, clock)


def _changes(
    sides: tuple[dict[str, FileFacts], dict[str, FileFacts]],
    alternatives: Sequence[Mapping[str, frozenset[str]]],
    config: Config,
    cluster: ClusterFacts | None,
) -> dict[Version, Changes]:
    """The paired graphs for every version of the target: what the API server answers depends on it."""
    found = {}
    for version in targets_of(config):
        graphs = []
        for side, others in zip(sides, alternatives, strict=True):
            resources = [resource for item in side.values() for resource in item.resources]
            unread = [path for path, item in side.items() if item.reading.faults or item.reading.notices]
            graphs.append(Graph(resources, for_version(config, version), unread, others, cluster))
        found[version] = Changes(graphs[0], graphs[1])
    return found


def _not_suppressed(drafts: list[Draft], facts: list[FileFacts]) -> list[Draft]:
    by_file = {
        item.file.shown: suppressions_of(item.file, item.reading.documents, item.resources)
        for item in facts
        if any(map(may_suppress, item.reading.documents))
    }
    return [draft for draft in drafts if not is_suppressed(draft, by_file)]


def _anchored(finding: ReportedFinding, files: list[SourceFile]) -> ReportedFinding:
    """A finding about the old revision, with a file of the new one: the same file, or one that is near."""
    if not finding.location.revision:
        return finding
    old = next(file for file in files if file.revision and file.shown == finding.location.file)
    # What a build made is no file, either.
    new = [file for file in files if not file.revision and not file.path.endswith(">")]
    if not new:
        return finding
    near = max(new, key=lambda file: (file.path == old.path, len(posixpath.commonprefix([file.path, old.path]))))
    anchor = Location(file=near.shown, line=1, column=1, end_line=1, end_column=1)
    return msgspec.structs.replace(finding, anchor=anchor)


def _report(
    drafts: list[Draft],
    files: list[SourceFile],
    summary: Summary,
    comparison: Comparison,
    notices: list[Notice],
    crashes: list[str],
    cluster: ClusterFacts | None,
) -> Report:
    count = Counter(draft.severity for draft in drafts)
    seen: defaultdict[str, int] = defaultdict(int)
    findings = tuple(_anchored(reported(draft, seen), files) for draft in drafts)
    shown = {finding.location.file for finding in findings} | {
        related.location.file for finding in findings for related in finding.related
    }
    return Report(
        findings=findings,
        notices=tuple(sorted(notices, key=lambda notice: (notice.file or "", notice.line or 0, notice.message))),
        summary=msgspec.structs.replace(summary, errors=count["error"], warnings=count["warning"], infos=count["info"]),
        crashes=tuple(dict.fromkeys(crashes)),
        sources={file.shown: file for file in reversed(files) if file.shown in shown} | of_cluster(cluster, findings),
        comparison=comparison,
    )
