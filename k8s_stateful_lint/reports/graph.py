"""The storage graph to look at: what uses what, what it can do, and where the problems are."""

from __future__ import annotations

import json
import posixpath
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from k8s_stateful_lint.engine.report import Report, ReportedFinding
from k8s_stateful_lint.graph import (
    Claim,
    DisruptionBudget,
    DriverFact,
    Graph,
    Node,
    PersistentVolume,
    PodVolume,
    Service,
    StatefulSet,
    StorageClass,
    Workload,
)
from k8s_stateful_lint.reports import Style
from k8s_stateful_lint.reports.text import footer, paint

FORMATS = ("tree", "mermaid", "dot", "json")
_SHORT_MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}
# A volume of a workload is an element of its own.
_PART = re.compile(r"(?:^|\.)(?:spec\.volumes|volumeClaimTemplates)\[\d+\](?=[.\[]|$)")
# How many Services or budgets of a workload are drawn.
_MOST_NEIGHBOURS = 20
_SEVERITIES = ("error", "warning", "info")
_MARKS = {"error": "✗", "warning": "!", "info": "·"}


class Subject(msgspec.Struct, frozen=True):
    """File, kind and name of an object, with the path of a volume where it is one of a workload's."""

    file: str
    kind: str
    name: str
    part: str = ""


def subject_of(finding: ReportedFinding) -> Subject | None:
    """What a finding is about, in the picture."""
    if finding.object is None:
        return None
    part = _PART.search(finding.path)
    path = finding.path[: part.end()] if part is not None else ""
    return Subject(finding.location.file, finding.object.kind, finding.object.name, path)


class Element(msgspec.Struct, eq=False):
    """One thing in the picture: its name, what is worth knowing of it, its problems, and what it leads to."""

    id: str
    kind: str
    name: str
    facts: list[str] = []
    file: str = ""
    problems: list[tuple[str, str]] = []
    children: list[tuple[str, Element]] = []
    is_missing: bool = False
    # Of which object it is, or of which part of one: what findings about it are found by.
    subject: Subject | None = None

    @property
    def title(self) -> str:
        """Kind and name."""
        return f"{self.kind} {self.name}".strip()

    @property
    def worst(self) -> str | None:
        """The highest severity among its problems."""
        return min((severity for severity, _ in self.problems), key=_SEVERITIES.index, default=None)


def render(graph: Graph, report: Report, format_name: str, style: Style, focus: str | None = None) -> str:
    """Draw the graph.

    Args:
        graph: What to draw.
        report: Findings, which are marked where they are.
        format_name: One of :data:`FORMATS`.
        style: Colour and width, for the tree.
        focus: ``KIND/NAME`` or ``KIND/NAMESPACE/NAME``: only workloads that have to do with such an object are drawn.

    Raises:
        KeyError: ``focus`` names nothing of the input; the argument is a message for people.

    """
    roots = Picture(graph, report).roots(focus)
    match format_name:
        case "mermaid":
            return _mermaid(roots)
        case "dot":
            return _dot(roots)
        case "json":
            return _json(roots, report)
        case _:
            return _tree(roots, report, style)


class Picture:
    """Turns the graph into elements: the same object is the same element wherever it is reached from."""

    def __init__(self, graph: Graph, report: Report) -> None:
        """Take the graph, and the findings that its elements show."""
        self.graph = graph
        self.elements: dict[str, Element] = {}
        self.problems: defaultdict[Subject | None, dict[tuple[str, str], None]] = defaultdict(dict)
        for finding in report.findings:
            self.problems[subject_of(finding)][finding.severity, finding.rule] = None

    def roots(self, focus: str | None) -> list[Element]:
        """The trees: one a workload, then claims, volumes and classes that no workload leads to."""
        workloads = [workload for workload in self.graph.workloads if not workload.is_partial]
        found = [self._workload(workload) for workload in workloads]
        reached = {element.id for root in found for element in walk(root)}
        for group in (self.graph.claim_objects, self.graph.persistent_volumes, self.graph.storage_classes):
            for node in group:
                if not node.is_partial and self._id(node) not in reached:
                    found.append(self._lonely(node))
                    reached.update(element.id for element in walk(found[-1]))
        return found if focus is None else self._focused(found, focus)

    def _focused(self, roots: list[Element], focus: str) -> list[Element]:
        kind, slash, name = focus.partition("/")
        if not slash:
            raise KeyError(f"--focus takes KIND/NAME, such as StatefulSet/db, not {focus}")
        kept = [
            root
            for root in roots
            if any(
                element.kind.lower() == kind.lower() and name in (element.name, element.name.rpartition("/")[2])
                for element in walk(root)
            )
        ]
        if not kept:
            raise KeyError(f"there is no {kind} named {name} in the input")
        return kept

    def _id(self, node: Node) -> str:
        return f"{node.kind}:{node.resource.path}:{node.resource.document.index}:{node.resource.route}:{node.name}"

    def _element(self, node: Node, facts: list[str]) -> Element:
        subject = Subject(node.resource.path, node.kind, node.name)
        problems = list(self.problems.get(subject, ()))
        name = f"{node.namespace}/{node.name}" if node.namespace else node.name or "(generated name)"
        return Element(self._id(node), node.kind, name, facts, node.resource.path, problems, subject=subject)

    def _workload(self, workload: Workload) -> Element:
        root = self._element(workload, _pod_facts(workload))
        self.elements[root.id] = root
        for volume in workload.volumes:
            if volume.is_persistent or volume.claim is not None or volume.source_key in {"emptyDir", None}:
                root.children.append(("mounts" if volume.is_used else "declares", self._volume(volume)))
        if isinstance(workload, StatefulSet) and workload.service_name:
            service = workload.governing_service
            if service.target is not None:
                root.children.append(("is named by", self._node(service.target, _service_facts(service.target))))
            else:
                missing = _missing("Service", workload.service_name, _around(workload), is_ambiguous=service.ambiguous)
                root.children.append(("is named by", missing))
        for other in workload.services[:_MOST_NEIGHBOURS]:
            if not isinstance(workload, StatefulSet) or other is not workload.governing_service.target:
                root.children.append(("is reached by", self._node(other, _service_facts(other))))
        root.children += _others("is reached by", workload.services)
        for budget in workload.budgets[:_MOST_NEIGHBOURS]:
            root.children.append(("is protected by", self._node(budget, _budget_facts(budget))))
        root.children += _others("is protected by", workload.budgets)
        if workload.autoscaler is not None:
            bounds = workload.autoscaler.bounds
            facts = [f"{bounds[0]} to {bounds[1]} pods"] if bounds else []
            root.children.append(("is scaled by", self._node(workload.autoscaler, facts)))
        return root

    def _node(self, node: Node, facts: list[str]) -> Element:
        key = self._id(node)
        if key not in self.elements:
            self.elements[key] = self._element(node, facts)
        return self.elements[key]

    def _volume(self, volume: PodVolume) -> Element:
        workload = volume.workload
        prefix = _text(volume.route)
        subject = Subject(workload.resource.path, workload.kind, workload.name, prefix)
        element = Element(
            id=f"{self._id(workload)}:{prefix}",
            kind="volume",
            name=volume.name,
            facts=_mount_facts(volume),
            file=workload.resource.path,
            problems=list(self.problems.get(subject, ())),
            subject=subject,
        )
        if volume.claim is not None:
            element.children.append(("is", self._claim(volume.claim)))
        elif volume.is_claim_reference:
            # What two placeholders stand for is not known to be the same.
            where = _around(workload) if volume.claim_name else element.id
            missing = _missing(
                "PersistentVolumeClaim",
                volume.claim_name or "(placeholder)",
                where,
                is_ambiguous=volume.resolution.ambiguous,
            )
            element.children.append(("is", missing))
        elif volume.source_key is not None:
            element.facts.insert(0, _source_text(volume.source))
        return element

    def _claim(self, claim: Claim) -> Element:
        facts = _claim_facts(claim)
        if claim.shape == "object":
            element = self._node(claim, facts)
        else:
            kind = "claim template" if claim.shape == "template" else "ephemeral claim"
            # Not that of its volume, although both may have the name of the workload.
            key = f"claim:{self._id(claim)}:{_text(claim.route)}"
            element = Element(key, kind, claim.name, facts, claim.resource.path)
        if not element.children:
            element.children = list(self._behind(claim))
        return element

    def _behind(self, claim: Claim) -> Iterator[tuple[str, Element]]:
        if claim.volume is not None:
            yield "is bound to", self._persistent_volume(claim.volume)
            return
        if claim.spec.volume_name:
            name = claim.spec.volume_name
            yield "is bound to", _missing("PersistentVolume", name, is_ambiguous=claim.paired.ambiguous)
            return
        if claim.storage_class is not None:
            yield "comes from", self._storage_class(claim.storage_class)
        elif claim.class_name.name:
            missing = _missing("StorageClass", claim.class_name.name, is_ambiguous=claim.class_resolution.ambiguous)
            if claim.driver.origin in {"class-name", "configuration"}:
                missing.facts.append(f"known to be {_driver_text(claim.driver)}")
            yield "comes from", missing

    def _persistent_volume(self, volume: PersistentVolume) -> Element:
        facts = [_mode_text(volume.modes), _size(volume.resource.get("spec", "capacity", "storage"))]
        if volume.source is not None:
            facts.append(_driver_text(volume.driver) if volume.source[0] == "csi" else _source_text(volume.source))
        facts.append(volume.spec.persistent_volume_reclaim_policy or "Retain")
        return self._node(volume, [fact for fact in facts if fact])

    def _storage_class(self, storage_class: StorageClass) -> Element:
        driver = DriverFact(storage_class.provisioner, storage_class.driver, "class")
        binding = storage_class.body.volume_binding_mode or "Immediate"
        facts = [_driver_text(driver), binding, storage_class.reclaim_policy]
        if storage_class.is_default:
            facts.append("default class")
        return self._node(storage_class, facts)

    def _lonely(self, node: Node) -> Element:
        if isinstance(node, Claim):
            return self._claim(node)
        return self._persistent_volume(node) if isinstance(node, PersistentVolume) else self._storage_class(node)  # type: ignore[arg-type]


def _around(node: Node) -> str:
    """Where a name means the same object: in the namespace, as far as one is written, of one folder."""
    return f"{node.namespace or ''}:{posixpath.dirname(node.resource.path)}"


def _missing(kind: str, name: str, where: str = "", *, is_ambiguous: bool) -> Element:
    """What nobody defines; ``where`` tells it from others of its name, if it is not one for the whole cluster."""
    why = "defined several times, differently" if is_ambiguous else "not in the input"
    return Element(f"missing:{kind}:{where}:{name}", kind, name, [why], is_missing=True)


def _others(relation: str, nodes: Sequence[Node]) -> list[tuple[str, Element]]:
    """What stands for all that are too many to be drawn."""
    more = len(nodes) - _MOST_NEIGHBOURS
    if more <= 0:
        return []
    name = f"and {more} more"
    return [(relation, Element(f"more:{nodes[0].kind}:{more}", nodes[0].kind, name))]


def _text(route: tuple[str | int, ...]) -> str:
    text = ""
    for step in route:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def walk(root: Element) -> Iterator[Element]:
    """An element and everything below it, each once."""
    pending, seen = [root], set()
    while pending:
        element = pending.pop()
        if element.id not in seen:
            seen.add(element.id)
            yield element
            pending.extend(child for _, child in element.children)


# Facts ----------------------------------------------------------------------------------------------------------------


def _pod_facts(workload: Workload) -> list[str]:
    if workload.pods is None:
        facts = ["unknown number of pods"]
    elif workload.kind == "DaemonSet":
        facts = ["one pod on every node"]
    else:
        most = workload.pods.maximum
        facts = [f"{'up to ' if workload.pods.minimum != most else ''}{most} pod{'' if most == 1 else 's'}"]
    if workload.rollout is not None and workload.has_persistent_mount:
        facts.append("Recreate" if workload.rollout.type == "Recreate" else f"rollout adds {workload.rollout.surge}")
    if workload.is_pinned:
        facts.append(f"pinned to {workload.pinned_to}")
    facts += [f"{server.entry.key} ({server.class_})" for server in workload.servers]
    if workload.environment.name != "unspecified":
        facts.append(workload.environment.name)
    return facts


def _mount_facts(volume: PodVolume) -> list[str]:
    paths = list(dict.fromkeys(mount.path + ("" if mount.is_writable else " (read-only)") for mount in volume.mounts))
    facts = [f"at {', '.join(paths)}"] if paths else [] if volume.is_used else ["not mounted"]
    if volume in volume.workload.data_volumes:
        facts.append("holds the data")
    return facts


def _claim_facts(claim: Claim) -> list[str]:
    facts = [_mode_text(claim.modes), _size(claim.spec.resources.requests.get("storage"))]
    if claim.is_block:
        facts.append("raw block")
    if claim.class_name.name == "":
        facts.append("no class")
    elif claim.written_class is None:
        facts.append("default class" if claim.class_name.name is None else f"default class {claim.class_name.name}")
    return [fact for fact in facts if fact]


def _service_facts(service: Service) -> list[str]:
    return ["headless"] if service.is_headless else [service.body.spec.type or "ClusterIP"]


def _budget_facts(budget: DisruptionBudget) -> list[str]:
    spec = budget.body.spec
    if spec.max_unavailable is not None:
        return [f"maxUnavailable {spec.max_unavailable}"]
    return [f"minAvailable {spec.min_available}"] if spec.min_available is not None else ["no limit written"]


def _mode_text(modes: frozenset[str] | None) -> str:
    return "+".join(sorted(_SHORT_MODES.get(mode, mode) for mode in modes)) if modes else ""


def _size(value: object) -> str:
    return str(value) if value is not None else ""


def _source_text(source: tuple[str, Any] | None) -> str:
    if source is None:
        return ""
    key, value = source
    if key == "hostPath" and isinstance(value, dict):
        return f"hostPath {value.get('path', '')}"
    if key == "nfs" and isinstance(value, dict):
        return f"nfs {value.get('server', '')}:{value.get('path', '')}"
    return key


def _driver_text(fact: DriverFact) -> str:
    if fact.provisioner is None:
        return "unknown driver"
    driver = fact.driver
    if driver is None:
        return fact.provisioner
    abilities: list[str] = [driver.kind or ""]
    if driver.topology in {"zone", "node", "region"}:
        abilities.append(f"one {driver.topology}")
    if driver.rwx_filesystem is not None:
        abilities.append({"yes": "RWX", "no": "no RWX", "conditional": "RWX on conditions"}[driver.rwx_filesystem])
    if driver.expansion is not None:
        abilities.append("grows" if driver.expansion else "cannot grow")
    return f"{fact.provisioner} ({', '.join(a for a in abilities if a)})"


# Formats --------------------------------------------------------------------------------------------------------------


def _tree(roots: list[Element], report: Report, style: Style) -> str:
    lines: list[str] = []
    directory = None
    for root in roots:
        if posixpath.dirname(root.file) != directory:
            directory = posixpath.dirname(root.file)
            lines += ["", paint(directory or ".", "frame", style)]
        lines += _branch(root, "", style, first="", rest="", relation="", seen=set())
        lines.append("")
    if not roots:
        lines.append("no workloads, claims, volumes or classes in the input")
    lines.append(footer(report, style))
    lines.append(paint("marks: " + ", ".join(f"{mark} {severity}" for severity, mark in _MARKS.items()), "dim", style))
    return "\n".join(lines).lstrip("\n") + "\n"


def _branch(
    element: Element, indent: str, style: Style, *, first: str, rest: str, relation: str, seen: set[str]
) -> Iterator[str]:
    import textwrap

    title = paint(element.title, "dim" if element.is_missing else "bold", style)
    facts = " · ".join(element.facts)
    plain = len(indent + first) + len(element.title) + 2
    room = max(style.width - plain, 24)
    wrapped = textwrap.wrap(facts, room, break_long_words=False, break_on_hyphens=False) or [""]
    yield f"{indent}{first}{title}  {paint(wrapped[0], 'warning' if element.is_missing else 'dim', style)}".rstrip()
    again = element.id in seen
    seen = seen | {element.id}
    stem = f"{indent}{rest}{'│ ' if element.children and not again else '  '}"
    for line in wrapped[1:]:
        yield f"{stem}{' ' * max(plain - len(stem), 2)}{paint(line, 'dim', style)}"
    for severity, rule in sorted(
        set(element.problems), key=lambda problem: (_SEVERITIES.index(problem[0]), problem[1])
    ):
        yield f"{stem}{paint(f'{_MARKS[severity]} {rule}', severity, style)}"
    if again:
        return
    for index, (name, child) in enumerate(element.children):
        last = index == len(element.children) - 1
        yield from _branch(
            child,
            indent + rest,
            style,
            first="└─ " if last else "├─ ",
            rest="   " if last else "│  ",
            relation=name,
            seen=seen,
        )


def _numbered(roots: list[Element]) -> dict[str, tuple[str, Element]]:
    numbered: dict[str, tuple[str, Element]] = {}
    for root in roots:
        for element in walk(root):
            numbered.setdefault(element.id, (f"n{len(numbered)}", element))
    return numbered


def _edges(numbered: dict[str, tuple[str, Element]]) -> Iterator[tuple[str, str, str]]:
    for name, element in numbered.values():
        for relation, child in element.children:
            yield name, relation, numbered[child.id][0]


def _mermaid(roots: list[Element]) -> str:
    def quoted(text: str) -> str:
        return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")

    numbered = _numbered(roots)
    lines = ["flowchart LR"]
    for name, element in numbered.values():
        label = "<br/>".join([f"<b>{quoted(element.title)}</b>", *map(quoted, element.facts)])
        label += "".join(f"<br/>{_MARKS[s]} {quoted(rule)}" for s, rule in sorted(set(element.problems)))
        css = "missing" if element.is_missing else element.worst
        lines.append(f'  {name}["{label}"]' + (f":::{css}" if css else ""))
    lines += [f'  {left} -->|"{relation}"| {right}' for left, relation, right in _edges(numbered)]
    lines += [
        "  classDef error stroke:#d1242f,stroke-width:3px",
        "  classDef warning stroke:#bf8700,stroke-width:3px",
        "  classDef info stroke:#0969da,stroke-width:2px",
        "  classDef missing stroke-dasharray:5 5",
    ]
    return "\n".join(lines) + "\n"


def _dot(roots: list[Element]) -> str:
    colours = {"error": "#d1242f", "warning": "#bf8700", "info": "#0969da"}
    numbered = _numbered(roots)
    lines = ["digraph storage {", "  rankdir=LR;", '  node [shape=box, style=rounded, fontname="Helvetica"];']
    for name, element in numbered.values():
        problems = [f"{_MARKS[s]} {rule}" for s, rule in sorted(set(element.problems))]
        label = json.dumps("\n".join([element.title, *element.facts, *problems]), ensure_ascii=False)
        extra = ', style="rounded,dashed"' if element.is_missing else ""
        if element.worst:
            extra += f', color="{colours[element.worst]}", penwidth=2'
        lines.append(f"  {name} [label={label}{extra}];")
    lines += [f"  {left} -> {right} [label={json.dumps(relation)}];" for left, relation, right in _edges(numbered)]
    return "\n".join([*lines, "}"]) + "\n"


def _json(roots: list[Element], report: Report) -> str:
    numbered = _numbered(roots)
    document = {
        "version": 1,
        "nodes": [
            {
                "id": name,
                "kind": element.kind,
                "name": element.name,
                "file": element.file or None,
                "facts": element.facts,
                "missing": element.is_missing,
                "problems": [{"severity": s, "rule": rule} for s, rule in sorted(set(element.problems))],
            }
            for name, element in numbered.values()
        ],
        "edges": [{"from": left, "relation": relation, "to": right} for left, relation, right in _edges(numbered)],
        "unresolved": [
            {"file": notice.file, "line": notice.line, "kind": notice.kind, "message": notice.message}
            for notice in report.notices
            if notice.kind in {"unresolved", "ambiguous"}
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
