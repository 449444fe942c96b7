"""The versions of Kubernetes that a run is for: one, or both ends of a range."""

from __future__ import annotations

from k8s_stateful_lint._patterns import regex
from k8s_stateful_lint.config import Config, ConfigError, Problem
from k8s_stateful_lint.knowledge.versions import NEWEST, Version, parse_version

_RANGE = regex(r"\s*(v?\d+\.\d+(?:\.\d+)?)\s*(?:-|\.\.)\s*(v?\d+\.\d+(?:\.\d+)?)\s*\Z")
_SEVERAL = regex(r"\d\s*-\s*v?\d+\.\d+")


def targets_of(config: Config) -> tuple[Version, ...]:
    """The versions to check, the older first. A version without schemas is checked by the rules alone.

    Raises:
        ConfigError: the target is no version or range.

    """
    return _ends(config.target)


def _ends(target: str | None) -> tuple[Version, ...]:
    if target is None:
        return (NEWEST,)
    match = _RANGE.match(target)
    try:
        if match is None:
            if _SEVERAL.search(target):
                raise ValueError(f"{target!r} is no Kubernetes version: write major and minor, like 1.36")
            return (parse_version(target),)
        first, last = parse_version(match[1]), parse_version(match[2])
    except ValueError as error:
        raise _wrong(f"{error}, or a range like 1.29-1.34") from error
    if first > last:
        raise _wrong(f"{target} is backwards: write the older version first, like 1.29-1.34")
    return (first,) if first == last else (first, last)


def _wrong(message: str) -> ConfigError:
    return ConfigError.of([Problem(("target",), f"target: {message}")])
