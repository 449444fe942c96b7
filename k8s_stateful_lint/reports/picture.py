"""The storage graph as SVG: a drawing for all that hangs together, in columns from the workload to the class."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Callable, Iterator

import msgspec

from k8s_stateful_lint.reports.graph import Element, walk
from k8s_stateful_lint.reports.lettering import line_of_text

# In pixels; and how many letters of a wide font fit into a line.
_WIDTH, _GAP_X, _GAP_Y, _EDGE = 222, 86, 14, 6
_LINE, _PAD = 15, 11
_NAME_LETTERS, _FACT_LETTERS, _RULE_LETTERS = 26, 33, 28
_MOST_FACT_LINES = 5
_MARKS = {"error": "✗", "warning": "!", "info": "·"}
_ORDER = ("error", "warning", "info")
# Finds the anchor of a problem: an element, and the rule.
Link = Callable[[Element, str], str | None]


class _Box(msgspec.Struct, eq=False):
    """An element with its text broken into lines, and its place."""

    element: Element
    name: list[str]
    facts: list[str]
    problems: list[tuple[str, str, list[str]]]
    children: list[tuple[str, _Box]] = []
    column: int = 0
    top: float = 0
    is_placed: bool = False

    @property
    def height(self) -> int:
        problems = sum(len(lines) for _, _, lines in self.problems)
        return 2 * _PAD + _LINE * (1 + len(self.name) + len(self.facts) + problems) - 3

    @property
    def left(self) -> int:
        return _EDGE + self.column * (_WIDTH + _GAP_X)

    @property
    def middle(self) -> float:
        return self.top + self.height / 2


class Drawing:
    """What hangs together, drawn. Classes do not tie things together: nearly everything uses the same few."""

    def __init__(self, roots: list[Element]) -> None:
        """Lay out the trees of some roots that share elements."""
        self.roots = roots
        self._boxes: dict[str, _Box] = {}
        tops = [self._box(root) for root in roots]
        for box in tops:
            self._put_in_columns(box, 0)
        below: float = _EDGE
        placed: list[_Box] = []
        for box in tops:
            below = self._place(box, below, placed)
        self.height = int(max(box.top + box.height for box in self._boxes.values())) + _EDGE
        self.width = max(box.left + _WIDTH for box in self._boxes.values()) + _EDGE

    @property
    def elements(self) -> list[Element]:
        """Everything in the drawing."""
        return [box.element for box in self._boxes.values()]

    def svg(self, link: Link) -> str:
        """The picture."""
        label = html.escape(", ".join(line_of_text(root.title) for root in self.roots))
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" width="{self.width}" '
            f'height="{self.height}" role="group" aria-label="Storage graph of {label}">'
        )
        boxes = [line for box in self._boxes.values() for line in _drawn(box, link)]
        return "\n".join([head, *self._edges(), *boxes, "</svg>"])

    def _box(self, element: Element) -> _Box:
        known = self._boxes.get(element.id)
        if known is not None:
            return known
        facts = [line for fact in element.facts for line in _broken(fact, _FACT_LETTERS)]
        if len(facts) > _MOST_FACT_LINES:
            facts = [*facts[: _MOST_FACT_LINES - 1], "…"]
        ordered = sorted(set(element.problems), key=lambda problem: (_ORDER.index(problem[0]), problem[1]))
        problems = [(severity, rule, _broken(rule, _RULE_LETTERS)) for severity, rule in ordered]
        box = _Box(element, _broken(element.name, _NAME_LETTERS)[:3], facts, problems)
        self._boxes[element.id] = box
        box.children = [(relation, self._box(child)) for relation, child in element.children]
        return box

    def _put_in_columns(self, box: _Box, column: int) -> None:
        box.column = max(box.column, column)
        for _, child in box.children:
            if child.column <= box.column:
                self._put_in_columns(child, box.column + 1)

    def _place(self, box: _Box, top: float, placed: list[_Box]) -> float:
        """Give a box and what is reached through it a place from ``top`` on; returns where the next may start."""
        placed.append(box)
        box.is_placed = True
        before = len(placed)
        below = top
        mine = []
        for _, child in box.children:
            if not child.is_placed:
                mine.append(child)
                below = self._place(child, below, placed)
        box.top = top
        if mine:
            offset = (mine[0].middle + mine[-1].middle) / 2 - box.middle
            box.top += max(offset, 0)
            # The box is higher than all that follows: that moves to its middle.
            for other in placed[before:]:
                other.top += max(-offset, 0)
            below += max(-offset, 0)
        return max(below, box.top + box.height + _GAP_Y)

    def _edges(self) -> Iterator[str]:
        told: set[tuple[str, str]] = set()
        for box in self._boxes.values():
            for relation, child in box.children:
                x1, y1, x2, y2 = box.left + _WIDTH, box.middle, child.left, child.middle
                bend = (x2 - x1) / 2
                css = "edge missing" if child.element.is_missing else "edge"
                yield (
                    f'<path class="{css}" d="M{x1} {y1:.1f}C{x1 + bend:.1f} {y1:.1f} {x2 - bend:.1f} {y2:.1f} '
                    f'{x2 - 5} {y2:.1f}"/><path class="tip" d="M{x2} {y2:.1f}l-7 -4v8z"/>'
                )
                if (relation, child.element.id) not in told:
                    told.add((relation, child.element.id))
                    # On the side that the line does not come from.
                    y = y2 + 12 if y1 < y2 - 1 else y2 - 5
                    yield f'<text class="relation" x="{x2 - 10}" y="{y:.1f}">{html.escape(relation)}</text>'


def grouped(roots: list[Element]) -> list[list[Element]]:
    """The roots of each drawing, in the order of the first ones."""
    # What hangs together: each root leads to the first one that it shares something with, as far as is known yet.
    leads_to: list[int] = []

    def first(number: int) -> int:
        while leads_to[number] != number:
            leads_to[number] = number = leads_to[leads_to[number]]
        return number

    owner: dict[str, int] = {}
    for number, root in enumerate(roots):
        leads_to.append(number)
        reached = [element.id for element in walk(root) if element is root or not _is_common(element)]
        joined = {first(owner[key]) for key in reached if key in owner}
        leads_to[number] = min(joined, default=number)
        for other in joined:
            leads_to[other] = leads_to[number]
        owner.update(dict.fromkeys(reached, number))
    groups: dict[int, list[Element]] = {}
    for number, root in enumerate(roots):
        groups.setdefault(first(number), []).append(root)
    return [members for _, members in sorted(groups.items())]


def problems_in(roots: list[Element]) -> int:
    """How many problems the drawing of some roots shows."""
    elements = {element.id: element for root in roots for element in walk(root)}
    return sum(len(set(element.problems)) for element in elements.values())


def _is_common(element: Element) -> bool:
    """Whether things that share it need not belong together: a class, or a name that leads nowhere."""
    return element.kind == "StorageClass" or element.is_missing


def _broken(text: str, letters: int) -> list[str]:
    """A text in lines of so many letters at most."""
    line = line_of_text(text)
    return [line] if len(line) <= letters else textwrap.wrap(line, letters, break_on_hyphens=True)


def _drawn(box: _Box, link: Link) -> Iterator[str]:
    element = box.element
    classes = " ".join(filter(None, ["box", "missing" if element.is_missing else "", element.worst or ""]))
    full = html.escape(line_of_text(" · ".join([element.title, *element.facts, element.file])))
    yield f'<g class="{classes}"><title>{full}</title>'
    yield f'<rect x="{box.left}" y="{box.top:.1f}" width="{_WIDTH}" height="{box.height}" rx="9"/>'
    x, y = box.left + 13, box.top + _PAD + 9
    rows = [("kind", line_of_text(element.kind)), *(("name", line) for line in box.name)]
    rows += [("fact", line) for line in box.facts]
    for css, line in rows:
        yield f'<text class="{css}" x="{x}" y="{y:.1f}">{html.escape(line)}</text>'
        y += _LINE
    for severity, rule, lines in box.problems:
        target = link(element, rule)
        spans = "".join(
            f'<tspan x="{x + 13}" y="{y + _LINE * index:.1f}">{html.escape(line)}</tspan>'
            for index, line in enumerate(lines)
        )
        text = f'<text class="{severity}" x="{x}" y="{y:.1f}">{_MARKS[severity]}{spans}</text>'
        yield f'<a href="#{target}">{text}</a>' if target else text
        y += _LINE * len(lines)
    yield "</g>"
