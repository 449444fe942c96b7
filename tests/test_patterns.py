"""Patterns that are compiled late are patterns all the same."""

import importlib
import pickle
import pkgutil
import re

import k8s_stateful_lint
from k8s_stateful_lint._patterns import _Pattern, regex


def test_every_pattern_of_the_program_can_be_compiled() -> None:
    found = {}
    for module in pkgutil.walk_packages(k8s_stateful_lint.__path__, "k8s_stateful_lint."):
        if not module.name.endswith("__main__"):
            for name, value in vars(importlib.import_module(module.name)).items():
                if isinstance(value, _Pattern):
                    found[module.name, name] = value
    assert len(found) > 100
    for value in found.values():
        assert value.pattern


def test_it_is_used_like_any_pattern() -> None:
    word = regex(r"(\w)(\w*)", re.ASCII)
    assert word.sub(r"\2\1", "ab cd") == "ba dc"
    assert [match[0] for match in word.finditer("ab cd")] == ["ab", "cd"]
    assert word.flags & re.ASCII
    assert regex(rb"a+").findall(b"aba") == [b"a", b"a"]


def test_it_can_be_sent_to_another_process() -> None:
    fresh, used = regex("a"), regex("a")
    used.match("a")
    assert pickle.loads(pickle.dumps(fresh)).match("a")
    assert pickle.loads(pickle.dumps(used)).match("a")
