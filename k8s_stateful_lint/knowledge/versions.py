"""Kubernetes versions: the minor version a manifest is for, as a pair that compares."""

from __future__ import annotations

from typing import Final, TypeAlias

from k8s_stateful_lint._patterns import regex

Version: TypeAlias = tuple[int, int]
"""Major and minor: ``(1, 36)``. Patch releases do not matter to the tables."""

NEWEST: Final[Version] = (1, 36)
"""The newest version the tables describe; the target when nothing else is said."""

_TEXT = regex(r"v?(\d+)\.(\d+)(?:\.\d+)?(?:[-+][0-9A-Za-z.+-]+)?")


def parse_version(text: str) -> Version:
    """Read ``1.36``, ``v1.36`` or ``v1.36.2-gke.100``.

    Raises:
        ValueError: with a sentence for people.
    """
    match = _TEXT.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no Kubernetes version: write major and minor, like 1.36")
    return int(match[1]), int(match[2])


def format_version(version: Version) -> str:
    """Write ``(1, 36)`` as ``1.36``."""
    return f"{version[0]}.{version[1]}"
