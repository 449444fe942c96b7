"""Rules: cards paired with functions by name, and which of them run."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from types import FunctionType, ModuleType
from typing import NamedTuple

from k8s_stateful_lint.checks.finding import Finding
from k8s_stateful_lint.engine.cards import Head, heads

Check = Callable[..., Iterator[Finding]]
CHANGE = "change"
"""The family of the rules that compare two revisions: they run in ``compare``, the others in ``check``."""


class Rule(NamedTuple):
    """A card's head with the function that implements it, and the subjects the function is called with."""

    head: Head
    check: Check
    subjects: tuple[str, ...]
    takes_options: bool


class CatalogueError(Exception):
    """A card or a function stands alone."""


@cache
def rules() -> dict[str, Rule]:
    """Every rule about one revision that has a function, in the order of families and names.

    Raises:
        CatalogueError: a card has no function, or a function no card.

    """
    return _paired(head for head in heads().values() if head.family != CHANGE)


@cache
def change_rules() -> dict[str, Rule]:
    """Every rule that compares two revisions.

    Raises:
        CatalogueError: a card has no function, or a function no card.

    """
    return _paired(head for head in heads().values() if head.family == CHANGE)


def _paired(cards: Iterable[Head]) -> dict[str, Rule]:
    by_family: dict[str, dict[str, Head]] = {}
    for head in cards:
        if not head.engine:
            by_family.setdefault(head.family, {})[head.name] = head
    found: dict[str, Rule] = {}
    for family, members in by_family.items():
        functions = {name: check for module in _modules(family) for name, check in _functions(module).items()}
        if functions.keys() != members.keys():
            alone = sorted(functions.keys() ^ members.keys())
            raise CatalogueError(f"family {family}: without a card or without a function: {', '.join(alone)}")
        for name, head in members.items():
            found[name] = _rule(head, functions[name])
    return found


def _modules(family: str) -> Iterator[ModuleType]:
    """The module of a family, or the modules of its package; those with an underscore hold no rules."""
    module = importlib.import_module(f"k8s_stateful_lint.checks.{family.replace('-', '_')}")
    yield module
    if not hasattr(module, "__path__"):
        return
    import pkgutil

    for found in pkgutil.iter_modules(module.__path__):
        if not found.name.startswith("_"):
            yield importlib.import_module(f"{module.__name__}.{found.name}")


def _functions(module: ModuleType) -> dict[str, Check]:
    return {
        name.replace("_", "-"): function
        for name, function in vars(module).items()
        if isinstance(function, FunctionType) and function.__module__ == module.__name__ and not name.startswith("_")
    }


def _rule(head: Head, check: Check) -> Rule:
    parameters = list(check.__annotations__)
    subject = str(check.__annotations__[parameters[0]])
    subjects = tuple(part.strip() for part in subject.split("|"))
    return Rule(head, check, subjects, takes_options="options" in parameters)


def families() -> frozenset[str]:
    """Every family that has a card."""
    return frozenset(head.family for head in heads().values())


def canonical(name: str) -> str | None:
    """The present name of a rule, given that or an old one; None for an unknown one."""
    if name in heads():
        return name
    return next((head.name for head in heads().values() if name in head.aliases), None)


def unknown_rule(name: str) -> str:
    """A message about a rule that does not exist, with the nearest one that does."""
    import difflib

    known = [*heads(), *families()]
    holding = [rule for rule in heads() if len(name) > 3 and name in rule]
    near = difflib.get_close_matches(name, known, 1, 0.9) or holding or difflib.get_close_matches(name, known, 1, 0.5)
    hint = f"; did you mean {near[0]}?" if near else "; `k8s-stateful-lint rules` lists them all"
    return f"there is no rule or family named {name}{hint}"
