"""Work grows with the input, not with its square: 1 MB of the same thing is judged and shown in seconds."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from types import CodeType

import pytest

from k8s_stateful_lint import lint_text
from k8s_stateful_lint.checks import access, availability, binding, network, provisioning, statefulset, volumes
from k8s_stateful_lint.config import config_from
from k8s_stateful_lint.engine import checking
from k8s_stateful_lint.graph import volumes as volumes_of_graph
from k8s_stateful_lint.reports import FORMATS, Style, render
from k8s_stateful_lint.reports import graph as picture
from tests.growing import GROWING

# Where each may be compared with each, but only so many of them are.
LIMITS = [
    *((module, "_MOST_COMPARED") for module in (access, availability, binding, network, statefulset, volumes)),
    *((provisioning, "_MOST_UNUSED_CLASSES"), (checking, "_MOST_FINDINGS"), (volumes_of_graph, "_MOST_OFFERS")),
    *((picture, "_MOST_NEIGHBOURS"), (access, "_MOST_MATES")),
]
FEW, MANY = 40, 80
# What is done for each pair is done this much oftener for twice as many than twice.
PAIRS = MANY**2 - 2 * FEW**2


def _show(text: str, complete: bool) -> None:
    config = config_from({"schema": "all", "strict": True, "input": {"complete": complete}})
    report = lint_text(text, config=config)
    assert not report.crashes
    for name in FORMATS:
        render(name, report, Style(width=80))
    for name in picture.FORMATS:
        picture.render(report.graph, report, name, Style())


def _calls(text: str, complete: bool) -> Counter[CodeType]:
    """How often each function is called to judge a text and to show it in every way."""
    calls: Counter[CodeType] = Counter()

    def count(code: CodeType, _: int) -> None:
        calls[code] += 1

    monitoring = sys.monitoring
    events = (monitoring.events.PY_START, monitoring.events.PY_RESUME)
    monitoring.use_tool_id(monitoring.PROFILER_ID, "calls")
    try:
        for event in events:
            monitoring.register_callback(monitoring.PROFILER_ID, event, count)
        monitoring.set_events(monitoring.PROFILER_ID, events[0] | events[1])
        _show(text, complete)
    finally:
        monitoring.set_events(monitoring.PROFILER_ID, 0)
        monitoring.free_tool_id(monitoring.PROFILER_ID)
    return calls


@pytest.mark.slow
@pytest.mark.skipif(sys.version_info < (3, 12), reason="there is no sys.monitoring")
@pytest.mark.parametrize("complete", [False, True], ids=["open", "complete"])
@pytest.mark.parametrize("name", GROWING)
def test_nothing_is_done_for_each_pair_of_things(name: str, complete: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    for module, limit in LIMITS:
        monkeypatch.setattr(module, limit, 5)
    make: Callable[[int], str] = GROWING[name]
    _show(make(2), complete)  # what is read and compiled once
    few, many = _calls(make(FEW), complete), _calls(make(MANY), complete)
    excess = {code.co_qualname: number - 2 * few[code] for code, number in many.items()}
    assert not {code: number for code, number in excess.items() if number > PAIRS // 2}
