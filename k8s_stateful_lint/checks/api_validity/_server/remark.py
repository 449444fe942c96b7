"""What the server says about a value."""

from __future__ import annotations

from typing import NamedTuple

from k8s_stateful_lint.reading import Route


class Remark(NamedTuple):
    """What the server says about the value at a route; ``help`` is what to write instead, if that is clear."""

    route: Route
    words: str
    help: str | None = None


NOT_NEGATIVE = "must be greater than or equal to 0"
