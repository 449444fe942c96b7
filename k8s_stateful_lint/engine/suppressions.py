"""Findings that people have decided to live with: comments beside a line, and annotations of an object."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import msgspec

from k8s_stateful_lint._patterns import regex
from k8s_stateful_lint.engine.cards import heads
from k8s_stateful_lint.engine.catalogue import canonical, families, unknown_rule

if TYPE_CHECKING:
    from k8s_stateful_lint.model.resource import Resource
    from k8s_stateful_lint.reading import Comment, Document, SourceFile

_NAME = b"k8s-stateful-lint"
ANNOTATION = "k8s-stateful-lint/ignore"
# Generous: any case, blanks anywhere, "=" or ":" or nothing before the list, round brackets, no brackets at all.
_DIRECTIVE = regex(r"k8s-stateful-lint\s*:\s*(?:ignore|disable)\b\s*[:=]?\s*(?P<rest>.*)", re.IGNORECASE)
_LIST = regex(r"[\[(](?P<names>[^\])]*)[\])]?\s*(?P<reason>.*)")
MARKER = regex(rb"#[^\n]*k8s-stateful-lint", re.IGNORECASE)
"""What a file with a directive in a comment holds."""


class Problem(msgspec.Struct, frozen=True):
    """A directive that does not do what its author meant."""

    line: int
    column: int
    message: str
    resource: Resource | None = None
    text: str = ""


class Directive(msgspec.Struct, eq=False):
    """One suppression: the rules it names, and the lines or the object it covers."""

    rules: frozenset[str]
    text: str
    line: int
    column: int
    first: int = 0
    last: int = 0
    resource: Resource | None = None
    used: set[str] = set()


class _Cover(msgspec.Struct, eq=False):
    """The directives that cover the same lines, or the same object."""

    directives: list[Directive] = []
    known: dict[str, bool] = {}

    def suppresses(self, rule: str) -> bool:
        if rule not in self.known:
            naming = [directive for directive in self.directives if rule in directive.rules]
            for directive in naming:
                directive.used.add(rule)
            self.known[rule] = bool(naming)
        return self.known[rule]


class Suppressions(msgspec.Struct, eq=False):
    """Every directive of one file."""

    directives: list[Directive] = []
    problems: list[Problem] = []
    _covers: tuple[dict[int, list[_Cover]], dict[int, _Cover]] | None = None

    def suppresses(self, rule: str, line: int, resource: Resource | None) -> bool:
        """Whether some directive covers the finding; each that does counts as used."""
        if self._covers is None:
            self._covers = _covers_of(self.directives)
        by_line, by_object = self._covers
        covers = [*by_line.get(line, ()), *([by_object[id(resource)]] if id(resource) in by_object else ())]
        verdicts = [cover.suppresses(rule) for cover in covers]  # all of them: each counts as used
        return any(verdicts)

    def useless(self, ran: frozenset[str]) -> Iterable[Problem]:
        """Problems, and directives that suppressed nothing although their rules ran."""
        yield from self.problems
        for directive in self.directives:
            idle = sorted((directive.rules & ran) - directive.used)
            # A family or several rules at once: useful as long as one of them is.
            if idle and not directive.used:
                names = ", ".join(idle) if len(idle) <= 3 else f"{len(idle)} rules"
                yield Problem(
                    directive.line,
                    directive.column,
                    f"the suppression of {names} suppresses nothing here",
                    directive.resource,
                    directive.text,
                )


def _covers_of(directives: Iterable[Directive]) -> tuple[dict[int, list[_Cover]], dict[int, _Cover]]:
    """What covers each line, and what covers each object. Of blocks in blocks, a line is in as many as it is deep."""
    by_lines: dict[tuple[int, int], _Cover] = {}
    by_object: dict[int, _Cover] = {}
    for directive in directives:
        if directive.resource is not None:
            by_object.setdefault(id(directive.resource), _Cover()).directives.append(directive)
        else:
            by_lines.setdefault((directive.first, directive.last), _Cover()).directives.append(directive)
    by_line: dict[int, list[_Cover]] = {}
    for (first, last), cover in by_lines.items():
        for line in range(first, last + 1):
            by_line.setdefault(line, []).append(cover)
    return by_line, by_object


def may_suppress(document: Document) -> bool:
    """Whether a document may hold directives."""
    # Most documents do not hold the name, and looking for the comment around it takes much longer.
    return document.has_word_in_any_case(_NAME) and (
        document.has_word(ANNOTATION.encode()) or document.may_match(MARKER)
    )


def suppressions_of(file: SourceFile, documents: Iterable[Document], resources: Iterable[Resource]) -> Suppressions:
    """Read the directives of a file: its comments, and the annotations of its objects."""
    found = Suppressions()
    for document in documents:
        for comment in document.comments():
            _read_comment(found, comment, file)
    for resource in resources:
        annotation = resource.metadata.annotations.get(ANNOTATION)
        if annotation is not None:
            _read_annotation(found, annotation, resource)
    return found


def _read_comment(found: Suppressions, comment: Comment, file: SourceFile) -> None:
    match = _DIRECTIVE.search(comment.text)
    if match is None:
        return
    rest = match.group("rest").strip()
    listed = _LIST.match(rest)
    names = listed.group("names") if listed else rest.partition(" -- ")[0] if " " not in rest else rest.split()[0]
    rules = _read_names(found, re.split(r"[,\s]+", names), comment.line, comment.column, None)
    if not rules:
        return
    first, last = _covered_lines(comment, file.lines)
    found.directives.append(
        Directive(rules=rules, text=rest, line=comment.line, column=comment.column, first=first, last=last)
    )


def _read_annotation(found: Suppressions, annotation: str, resource: Resource) -> None:
    span = resource.document.span((*resource.route, "metadata", "annotations", ANNOTATION))
    names = [entry.partition(":")[0].strip() for entry in re.split(r"[;,\n]", annotation)]
    rules = _read_names(found, names, span.line, span.column, resource)
    if rules:
        found.directives.append(
            Directive(rules=rules, text=annotation, line=span.line, column=span.column, resource=resource)
        )


def _read_names(
    found: Suppressions, names: Iterable[str], line: int, column: int, resource: Resource | None
) -> frozenset[str]:
    written = [name.strip().strip("'\"") for name in names]
    written = [name for name in written if name]
    if not written:
        message = "the suppression names no rule; write ignore[rule-name]"
        found.problems.append(Problem(line, column, message, resource))
    rules: set[str] = set()
    for name in written:
        rule = canonical(name.lower().replace("_", "-"))
        if rule is not None:
            rules.add(rule)
        elif name in families():
            rules.update(head.name for head in heads().values() if head.family == name)
        else:
            found.problems.append(Problem(line, column, unknown_rule(name), resource))
    return frozenset(rules)


def _covered_lines(comment: Comment, lines: Sequence[str]) -> tuple[int, int]:
    """The lines a comment covers: its own, or the whole node that starts below it."""
    if not comment.own_line:
        return comment.line, comment.line
    number = comment.line  # 1-based, so this index is the line after the comment
    while number < len(lines) and (not lines[number].strip() or lines[number].lstrip().startswith("#")):
        number += 1
    if number >= len(lines):
        return comment.line, comment.line
    head = lines[number]
    indent = len(head) - len(head.lstrip(" "))
    is_item = head.lstrip().startswith("- ")
    last = number
    for index in range(number + 1, len(lines)):
        text = lines[index]
        stripped = text.lstrip(" ")
        if not stripped.strip() or stripped.startswith("#"):
            continue
        depth = len(text) - len(stripped)
        # A list may stand at the indentation of its key: `volumes:` and then `- name`.
        sequence_of_key = depth == indent and not is_item and stripped.startswith("-") and not text.startswith("---")
        if depth <= indent and not sequence_of_key:
            break
        last = index
    return number + 1, last + 1
