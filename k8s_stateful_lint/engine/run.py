"""One run: files become a graph, rules look at it, and what they say is located, suppressed and sorted."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from k8s_stateful_lint._patterns import regex
from k8s_stateful_lint.config import Config, ConfigError
from k8s_stateful_lint.engine.cards import heads
from k8s_stateful_lint.engine.catalogue import CHANGE, Rule, rules
from k8s_stateful_lint.engine.checking import Found, Subjects, check
from k8s_stateful_lint.engine.drafts import SEVERITIES, Draft, locate, make_draft, order, reported
from k8s_stateful_lint.engine.own import (
    SCHEMA_CHECKS,
    FileFacts,
    faults,
    field_problems,
    schema_drafts,
    useless_suppressions,
    without_echoes,
)
from k8s_stateful_lint.engine.policy import Policy
from k8s_stateful_lint.engine.report import Notice, Report, ReportedFinding, Summary, files_shown
from k8s_stateful_lint.engine.suppressions import MARKER, Suppressions, may_suppress, suppressions_of
from k8s_stateful_lint.engine.timings import Timings
from k8s_stateful_lint.graph import Graph
from k8s_stateful_lint.graph.facts import ClusterFacts
from k8s_stateful_lint.graph.unresolved import unresolved
from k8s_stateful_lint.knowledge.versions import Version, format_version
from k8s_stateful_lint.model.decode import decode
from k8s_stateful_lint.model.patches import is_json_patch
from k8s_stateful_lint.model.resource import Place
from k8s_stateful_lint.reading import Document, Reading, SourceFile, Unread, read
from k8s_stateful_lint.schema import NOTHING as WITHOUT_SCHEMAS
from k8s_stateful_lint.schema import check_schemas, targets_of

if TYPE_CHECKING:
    from k8s_stateful_lint.engine.cache import Cache
    from k8s_stateful_lint.rendering import Rendering

UNREAD = Unread(
    "kind",
    "CustomResourceDefinition",
    frozenset({"spec", "status"}),
    unless=((b"$", regex(rb"\$(?:patch|retainKeys)")), (b"#", MARKER)),
)
"""What no rule looks at; it is read nevertheless where words in it make the object a patch, or suppress something."""


def run(
    files: Iterable[SourceFile],
    config: Config,
    notices: Iterable[Notice] = (),
    rendering: Rendering | None = None,
    cluster: ClusterFacts | None = None,
) -> Report:
    """Lint files; raises what :func:`inspect` raises."""
    return inspect(files, config, notices, rendering=rendering, cluster=cluster).report


class Inspection(NamedTuple):
    """What a run found, and the graph it looked at."""

    report: Report
    graph: Graph


def inspect(
    files: Iterable[SourceFile],
    config: Config,
    notices: Iterable[Notice] = (),
    timings: Timings | None = None,
    rendering: Rendering | None = None,
    cache: Cache | None = None,
    cluster: ClusterFacts | None = None,
    jobs: int = 1,
) -> Inspection:
    """Lint files, and keep the graph; of overlays and charts that were rendered, what they make of their files.

    ``cache`` knows what is in files that were read before; what it does not know is read by ``jobs`` processes, which
    share the rules, too.
    References that lead nowhere in the files may lead to the objects of ``cluster``.

    Raises:
        ConfigError: the configuration names a rule, an option or a version that does not exist.

    """
    clock = timings or Timings()
    policy = Policy(config)
    if policy.chosen and all(heads()[name].family == CHANGE for name in policy.chosen):
        names = ", ".join(config.select)
        raise ConfigError(f"{names} compares two revisions: use `k8s-stateful-lint compare OLD NEW`")
    facts = list(read_files(files, config, clock, cache, jobs))
    alternatives: Mapping[str, frozenset[str]] = {}
    if rendering is not None:
        from k8s_stateful_lint.engine.builds import judged

        facts, alternatives = judged(facts, rendering), rendering.alternatives
    unread = [item.file.path for item in facts if item.reading.faults or item.reading.notices]
    targets = targets_of(config)
    resources = [resource for item in facts for resource in item.resources]
    json_patches = {item.file.path: patch for item in facts if (patch := _json_patch(item)) is not None}
    graphs = {
        version: Graph(resources, for_version(config, version), unread, alternatives, cluster, json_patches)
        for version in targets
    }
    # Of a range, the newest version is the one that the report shows.
    graph = graphs[targets[-1]]
    clock.lap("graph")
    schemas = check_schemas(graph, config, targets) if policy.chosen & SCHEMA_CHECKS else WITHOUT_SCHEMAS
    clock.lap("schemas")
    found, crashes = _run_rules(policy, graphs, clock, jobs)
    drafts = [draft for item in facts for draft in faults(item, policy)]
    drafts += schema_drafts(schemas, policy)
    drafts += [draft for item in facts for draft in field_problems(item, graph, policy, schemas)]
    found.reverse()
    while found:  # nobody needs what a rule found once it is drafted
        rule, by_version = found.pop()
        drafts += merged({version: drafts_of(rule, here, policy) for version, here in by_version.items()})
    kept, suppressed = _suppress(without_echoes(drafts), facts, policy, rendering)
    kept.sort(key=order)
    told = [*notices, *_notices(facts), *_skipped(policy.chosen, targets)]
    if policy.chosen & SCHEMA_CHECKS and config.schema != "off":
        told += _unknown_versions(targets)
    if schemas.without_schema is not None:
        told.append(Notice(kind="no-schema", message=schemas.without_schema))
    report = _report(kept, facts, graph, suppressed, crashes, told, rendering)
    clock.lap("locate")
    if cache is not None:
        cache.save()
        clock.lap("cache")
    return Inspection(report, graph)


def for_version(config: Config, version: Version) -> Config:
    """The configuration with one version of Kubernetes as its target."""
    return msgspec.structs.replace(config, target=format_version(version))


def _unread(config: Config) -> Unread | None:
    """What of the input nobody looks at: only the schema check knows the inside of a CustomResourceDefinition."""
    return None if config.schema == "all" else UNREAD


def read_files(
    files: Iterable[SourceFile], config: Config, clock: Timings, cache: Cache | None = None, jobs: int = 1
) -> Iterator[FileFacts]:
    """Read files, and the objects in them."""
    for file, reading in _readings(files, _unread(config), clock, cache, jobs):
        resources = [resource for document in reading.documents for resource in decode(document)]
        clock.lap("decode")
        yield FileFacts(file, reading, resources)


def _readings(
    files: Iterable[SourceFile], unread: Unread | None, clock: Timings, cache: Cache | None, jobs: int
) -> Iterator[tuple[SourceFile, Reading]]:
    """Every file with what is in it, as the cache knows it, or as it is read now."""
    opened: Iterable[tuple[SourceFile, Reading | None]] = _opened(files, clock, cache)
    fresh: Iterator[Reading] | None = None
    if jobs > 1:
        from k8s_stateful_lint.engine.parallel import read_in_processes

        opened = list(opened)
        fresh = read_in_processes([file for file, reading in opened if reading is None], unread, jobs)
    for file, reading in opened:
        if reading is None:
            reading = next(fresh) if fresh is not None else read(file, unread=unread, lap=clock.lap)
            clock.lap("read")
            if cache is not None:
                cache.add(file, reading)
        yield file, reading


def _opened(
    files: Iterable[SourceFile], clock: Timings, cache: Cache | None
) -> Iterator[tuple[SourceFile, Reading | None]]:
    """Every file, and what is in it where the cache knows."""
    for file in files:
        clock.lap("open")
        reading = None
        if cache is not None:
            reading = cache.find(file)
            clock.lap("cache")
        yield file, reading


def _json_patch(item: FileFacts) -> list[Any] | None:
    """The operations of a file that is a JSON patch and no manifest."""
    documents = item.reading.documents
    value = documents[0].value if len(documents) == 1 else None
    return value if is_json_patch(value) else None


# Rules ---------------------------------------------------------------------------------------------

# What a rule found, by the version of Kubernetes.
_ByVersion = dict[Version, list[Found]]


def _run_rules(
    policy: Policy, graphs: dict[Version, Graph], clock: Timings, jobs: int
) -> tuple[list[tuple[Rule, _ByVersion]], tuple[str, ...]]:
    """What every chosen rule says for every version, and how rules failed."""
    subjects = {version: Subjects(graph) for version, graph in graphs.items()}
    chosen = [
        rule for name, rule in rules().items() if name in policy.chosen and any(map(rule.head.applies_to, subjects))
    ]
    clock.lap("checks")

    def run_each(some: Sequence[Rule]) -> list[tuple[_ByVersion, list[str]]]:
        results = [_run_rule(rule, subjects, policy, clock) for rule in some]
        _look_up(found for found, _ in results)
        clock.lap("locate")
        return results

    def prepare() -> None:
        for rule in chosen:
            rule.prepare()
            for here in subjects.values():
                here.prepare(rule.subjects)

    if jobs == 1:
        results = run_each(chosen)
    else:
        from k8s_stateful_lint.engine.parallel import run_in_processes

        results = run_in_processes(chosen, run_each, prepare, list(graphs.values()), jobs)
    crashes = dict.fromkeys(crash for _, failed in results for crash in failed)
    return [(rule, found) for rule, (found, _) in zip(chosen, results, strict=True)], tuple(crashes)


def _run_rule(
    rule: Rule, subjects: Mapping[Version, Subjects], policy: Policy, clock: Timings
) -> tuple[_ByVersion, list[str]]:
    crashes: list[str] = []
    found = {
        version: check(rule, here, policy, crashes) if rule.head.applies_to(version) else []
        for version, here in subjects.items()
    }
    clock.lap_of_rule(rule.head.name)
    return found, crashes


def _look_up(found: Iterable[_ByVersion]) -> None:
    """Look up where findings are, one document after the other, so that only one of them is held with its places."""
    wanted: defaultdict[Document, list[Place]] = defaultdict(list)
    for by_version in found:
        for finding, *_ in chain.from_iterable(by_version.values()):
            for place in (finding.place, *(related.place for related in finding.related)):
                wanted[place.resource.document].append(place)
    last = next(reversed(wanted), None)
    for document, places in wanted.items():
        for place in places:
            locate(place)
        if document is not last:  # a file of one document is asked again, by the schema check and for what is open
            document.release()


def drafts_of(rule: Rule, found: Iterable[Found], policy: Policy) -> list[Draft]:
    """What a rule found, weighed and located."""
    drafts = (make_draft(rule.head, finding, owner, policy, weak) for finding, owner, weak in found)
    return _once_per_place([draft for draft in drafts if draft is not None])


def _skipped(chosen: frozenset[str], targets: Sequence[Version]) -> Iterator[Notice]:
    """Notices about rules that have nothing to say about the target."""
    versions = " and ".join(map(format_version, targets))
    for name, head in heads().items():
        if name in chosen and not any(map(head.applies_to, targets)):
            only = f"only since {head.since}" if head.since is not None else f"only up to {head.until}"
            message = f"{name} was skipped: it is about Kubernetes {only}, and the target is {versions}"
            yield Notice(kind="skipped-rule", message=message)


def _unknown_versions(targets: Sequence[Version]) -> Iterator[Notice]:
    """A notice about each target that there are no schemas for: a slip of the pen, or a very new or old cluster."""
    from k8s_stateful_lint.schema.store import known_versions

    known = known_versions()
    if not known:
        return
    span = f"{format_version(known[0])} to {format_version(known[-1])}"
    for version in targets:
        if version not in known:
            yield Notice(
                kind="no-schema-of-target",
                message=f"there are no schemas of Kubernetes {format_version(version)}: only the rules judge it "
                f"(schemas: {span})",
            )


def merged(found: dict[Version, list[Draft]]) -> list[Draft]:
    """The findings of a rule at each end of a range; one that is not the same at both names its version."""
    if len(found) == 1:
        return next(iter(found.values()))
    groups: dict[tuple[Any, ...], dict[Version, Draft]] = {}
    for version, drafts in found.items():
        for draft in drafts:
            groups.setdefault((draft.resource, draft.path, draft.location), {})[version] = draft
    kept = []
    for group in groups.values():
        worst = max(group, key=lambda version: (SEVERITIES.index(group[version].severity), version))
        draft, name = group[worst], format_version(worst)
        same = len(group) == len(found) and len({draft.severity for draft in group.values()}) == 1
        if not same and name not in draft.message:
            draft.message += f" (Kubernetes {name})"
        kept.append(draft)
    return kept


def _once_per_place(drafts: list[Draft]) -> list[Draft]:
    """One finding per subject path: of several at the same place the most severe stays."""
    best: dict[tuple[Any, ...], Draft] = {}
    for draft in drafts:
        text = draft.resource.path if draft.resource is not None else draft.location.file
        key = (text, draft.location.file, draft.location.line, draft.location.column, draft.path)
        other = best.get(key)
        if other is None or SEVERITIES.index(draft.severity) > SEVERITIES.index(other.severity):
            best[key] = draft
    # A fault of a patch is found in the patch, and once more in each object that it changes.
    in_own_file = {draft.location for draft in best.values() if _file_of(draft) == draft.location.file}
    return [
        draft
        for draft in best.values()
        if draft.location not in in_own_file or _file_of(draft) in (draft.location.file, None)
    ]


def _file_of(draft: Draft) -> str | None:
    """The file in which the object of a finding is written; None where a build made the object."""
    return draft.resource.path if draft.resource is not None and draft.resource.origin is None else None


# Suppression and report -------------------------------------------------------------------------------------


def _suppress(
    drafts: list[Draft], facts: list[FileFacts], policy: Policy, rendering: Rendering | None
) -> tuple[list[Draft], int]:
    by_file: dict[str, Suppressions] = {}
    if policy.config.ignore_comments:
        for item in facts:
            if any(map(may_suppress, item.reading.documents)):
                by_file[item.file.path] = suppressions_of(item.file, item.reading.documents, item.resources)
    kept: list[Draft] = []
    suppressed: list[Draft] = []
    for draft in drafts:
        (suppressed if is_suppressed(draft, by_file) else kept).append(draft)
    alternatives: Mapping[str, frozenset[str]] = {}
    if rendering is not None:
        from k8s_stateful_lint.engine.builds import across_builds

        kept, suppressed = across_builds(kept), across_builds(suppressed)
        alternatives = rendering.alternatives
    if "useless-suppression" in policy.chosen:
        kept += useless_suppressions(by_file, policy, alternatives)
    return kept, len(suppressed)


def is_suppressed(draft: Draft, by_file: Mapping[str, Suppressions]) -> bool:
    """Whether a directive covers a finding: where it is reported, or in the text that a build made."""
    covered = False
    for place in (draft.location, draft.made_at):
        if place is not None and (found := by_file.get(place.file)) is not None:
            covered |= found.suppresses(draft.head.name, place.line, draft.resource)
    return covered


def _report(
    drafts: list[Draft],
    facts: list[FileFacts],
    graph: Graph,
    suppressed: int,
    crashes: tuple[str, ...],
    notices: list[Notice],
    rendering: Rendering | None,
) -> Report:
    count = Counter(draft.severity for draft in drafts)
    seen: defaultdict[str, int] = defaultdict(int)
    findings = tuple(reported(draft, seen) for draft in drafts)
    made = rendering.results if rendering is not None else []
    unresolved = list(_unresolved(graph))
    if rendering is not None:
        # Overlays have most of their references from the same lines.
        unresolved = list(dict.fromkeys(unresolved))
    shown = files_shown(findings)
    sources = {item.file.path: item.file for item in facts if item.file.path in shown}
    sources |= of_cluster(graph.facts, findings)
    if rendering is not None:
        # Overlays may be made of files outside of the input.
        outside = {path: rendering.files.source(path) for path in shown - sources.keys()}
        sources.update((path, file) for path, file in outside.items() if file is not None)
    return Report(
        findings=findings,
        notices=tuple(sorted([*notices, *unresolved], key=lambda n: (n.file or "", n.line or 0, n.message))),
        summary=Summary(
            files=len(facts) - len(made),
            documents=sum(len(item.reading.documents) for item in facts),
            objects=len(graph.resources),
            errors=count["error"],
            warnings=count["warning"],
            infos=count["info"],
            suppressed=suppressed,
            unresolved=len(unresolved),
            rendered=len(made),
        ),
        crashes=crashes,
        files=tuple(item.file.path for item in facts),
        made_of={result.file.path: result.inputs for result in made},
        sources=sources,
        graph=graph,
    )


def of_cluster(facts: ClusterFacts | None, findings: Iterable[ReportedFinding]) -> dict[str, SourceFile]:
    """The file of cluster facts with the lines that findings show, and nothing else of what stands in it."""
    if facts is None:
        return {}
    file = facts.file
    places = [r.location for finding in findings for r in finding.related if r.location.file == file.path]
    shown = {number for place in places for number in range(place.line, place.end_line + 1)}
    lines = (line if number in shown else "" for number, line in enumerate(file.lines, start=1))
    return {file.path: SourceFile(file.path, "\n".join(lines).encode("utf-8", "replace"))} if shown else {}


def _unresolved(graph: Graph) -> Iterable[Notice]:
    for reference in unresolved(graph):
        location = locate(reference.place)
        why = "is defined several times, differently" if reference.is_ambiguous else "is not in the input"
        yield Notice(
            kind="ambiguous" if reference.is_ambiguous else "unresolved",
            message=f"{reference.kind} {reference.name} {why}",
            file=location.file,
            line=location.line,
        )


def _notices(facts: list[FileFacts]) -> Iterable[Notice]:
    for item in facts:
        for notice in item.reading.notices:
            yield Notice(kind=notice.kind, message=notice.message, file=item.file.path, line=notice.line)
