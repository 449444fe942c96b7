"""Rules: cards paired with functions by name, and which of them run."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from functools import cache, cached_property
from types import FunctionType, ModuleType
from typing import cast

import msgspec

from k8s_stateful_lint.checks.finding import Finding
from k8s_stateful_lint.engine.cards import Head, heads, read_cards

Check = Callable[..., Iterator[Finding]]
CHANGE = "change"
"""The family of the rules that compare two revisions: they run in ``compare``, the others in ``check``."""
_CHECKS = "k8s_stateful_lint.checks"


class Rule:
    """A rule that a function implements; it is imported when there is something that it looks at."""

    def __init__(self, head: Head) -> None:
        """Take what the index says of the rule."""
        self.head = head
        self.subjects = head.subjects
        self.takes_options = bool(head.options)

    @cached_property
    def check(self) -> Check:
        """The function."""
        module = importlib.import_module(f"{_CHECKS}.{self.head.module}")
        return cast("Check", getattr(module, self.head.name.replace("-", "_")))

    def prepare(self) -> None:
        """Import the function now."""
        _ = self.check


class CatalogueError(Exception):
    """A card or a function stands alone, or they do not agree."""


@cache
def rules() -> dict[str, Rule]:
    """Every rule about one revision that has a function, in the order of families and names."""
    return {name: Rule(head) for name, head in heads().items() if not head.engine and head.family != CHANGE}


@cache
def change_rules() -> dict[str, Rule]:
    """Every rule that compares two revisions."""
    return {name: Rule(head) for name, head in heads().items() if not head.engine and head.family == CHANGE}


def paired() -> dict[str, Head]:
    """What the index must hold: the heads of the cards, with the modules of their functions and what these look at.

    Raises:
        CatalogueError: a card has no function, or a function no card, or only one of them has options.

    """
    cards = read_cards()
    functions = {
        name: check
        for family in {head.family for head in cards.values() if not head.engine}
        for name, check in _functions(family).items()
    }
    if alone := functions.keys() ^ {name for name, head in cards.items() if not head.engine}:
        raise CatalogueError(f"without a card or without a function: {', '.join(sorted(alone))}")
    for name, check in functions.items():
        parameters = check.__annotations__
        if ("options" in parameters) != bool(cards[name].options):
            raise CatalogueError(f"{name}: its card has options and its function takes none, or the other way round")
        subjects = str(next(iter(parameters.values()))).split("|")
        cards[name] = msgspec.structs.replace(
            cards[name],
            module=check.__module__.removeprefix(f"{_CHECKS}."),
            subjects=tuple(each.strip() for each in subjects),
        )
    return cards


def _functions(family: str) -> dict[str, Check]:
    """The functions of a family by the names of their rules."""
    return {
        name.replace("_", "-"): function
        for module in _modules(family)
        for name, function in vars(module).items()
        if isinstance(function, FunctionType) and function.__module__ == module.__name__ and not name.startswith("_")
    }


def _modules(family: str) -> Iterator[ModuleType]:
    """The module of a family, or the modules of its package; those with an underscore hold no rules."""
    module = importlib.import_module(f"{_CHECKS}.{family.replace('-', '_')}")
    yield module
    if not hasattr(module, "__path__"):
        return
    import pkgutil

    for found in pkgutil.iter_modules(module.__path__):
        if not found.name.startswith("_"):
            yield importlib.import_module(f"{module.__name__}.{found.name}")


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
