"""How to walk over values as they are written, of which nobody has said yet that they have the right types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def entries(value: object) -> Sequence[tuple[int, dict[str, Any]]]:
    """The mappings in a list, with their indexes; none where the value is no list."""
    if not isinstance(value, list):
        return ()
    return [(index, item) for index, item in enumerate(value) if isinstance(item, dict)]


def mapping(value: object) -> dict[str, Any]:
    """A mapping; an empty one in the place of everything else."""
    return value if isinstance(value, dict) else {}
