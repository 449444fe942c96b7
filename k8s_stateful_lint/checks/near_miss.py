"""Names that were probably meant to be the same."""

from __future__ import annotations

import re

_SHORTEST_PART = 4


def is_near_miss(written: str, candidate: str) -> bool:
    """Whether a name looks like a misspelling of another one.

    Edit distance at most 2 (for names of 6 characters and more; 1 for 4 or 5; none below), equal without ``-``, ``_``
    and case, or one inside the other (the shorter of at least 4 characters). Names that differ only in digits
    (``data-1``, ``data-2``) are siblings, not misspellings.
    """
    if written == candidate or _without_digits(written) == _without_digits(candidate):
        return False
    if _folded(written) == _folded(candidate):
        return True
    shorter, longer = sorted((written, candidate), key=len)
    if len(shorter) >= _SHORTEST_PART and shorter in longer:
        return True
    limit = 2 if len(shorter) >= 6 else 1 if len(shorter) >= _SHORTEST_PART else 0
    return limit > 0 and edit_distance(written, candidate, limit) <= limit


def is_misspelling(written: str, candidate: str) -> bool:
    """Whether edit distance alone (at most 2) or case makes the names near: the strict form for class names."""
    return (
        written != candidate
        and _without_digits(written) != _without_digits(candidate)
        and (_folded(written) == _folded(candidate) or edit_distance(written, candidate, 2) <= 2)
    )


def edit_distance(left: str, right: str, limit: int) -> int:
    """Levenshtein distance, or any number above ``limit`` once it is certain to be larger."""
    if abs(len(left) - len(right)) > limit:
        return limit + 1
    row = list(range(len(right) + 1))
    for index, character in enumerate(left, start=1):
        previous, row[0] = row[0], index
        for position, other in enumerate(right, start=1):
            previous, row[position] = (
                row[position],
                min(row[position] + 1, row[position - 1] + 1, previous + (character != other)),
            )
        if min(row) > limit:
            return limit + 1
    return row[-1]


def _folded(name: str) -> str:
    return re.sub(r"[-_]", "", name).lower()


def _without_digits(name: str) -> str:
    return re.sub(r"\d", "", name)
