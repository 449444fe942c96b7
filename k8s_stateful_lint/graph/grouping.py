"""Indexes of many things by one of their properties."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any


def grouped(items: Iterable[Any], key: Callable[[Any], Any]) -> dict[Any, tuple[Any, ...]]:
    """Put together what has the same key, in its order; what has none (None) is left out."""
    groups: dict[Any, list[Any]] = defaultdict(list)
    for item in items:
        target = key(item)
        if target is not None:
            groups[target].append(item)
    return {target: tuple(found) for target, found in groups.items()}
