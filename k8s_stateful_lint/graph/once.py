"""What is worked out once for a graph, however many objects ask for it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar, cast

if TYPE_CHECKING:
    from k8s_stateful_lint.graph.graph import Graph

Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")


def once(
    function: Callable[Concatenate[Graph, Parameters], Answer],
) -> Callable[Concatenate[Graph, Parameters], Answer]:
    """Remember what a function of a graph answers, for each value of its other (positional, hashable) arguments.

    A rule is asked about every object. What it looks up among all others belongs into such a function, or its time
    grows with the square of the input. Nobody may change an answer: all that ask share it.
    """

    @wraps(function)
    def remembered(graph: Graph, /, *args: Parameters.args, **kwargs: Parameters.kwargs) -> Answer:
        key = (function, args)
        if key not in graph.answers:
            graph.answers[key] = function(graph, *args, **kwargs)
        return cast(Answer, graph.answers[key])

    return remembered
