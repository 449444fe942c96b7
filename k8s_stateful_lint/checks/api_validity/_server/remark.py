"""What the server says about a value, and how its validation walks over what is written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from k8s_stateful_lint.reading import Route


class Remark(NamedTuple):
    """What the server says about the value at a route; ``help`` is what to write instead, if that is clear."""

    route: Route
    words: str
    help: str | None = None


NOT_NEGATIVE = "must be greater than or equal to 0"


def entries(value: object) -> Sequence[tuple[int, dict[str, Any]]]:
    """The mappings in a list, with their indexes; none where the value is no list."""
    if not isinstance(value, list):
        return ()
    return [(index, item) for index, item in enumerate(value) if isinstance(item, dict)]


def mapping(value: object) -> dict[str, Any]:
    """A mapping; an empty one in the place of everything else."""
    return value if isinstance(value, dict) else {}
