"""Paths in a container."""

from __future__ import annotations

import posixpath
import re


def normalise(path: str) -> str:
    """A container path without trailing or doubled slashes; empty stays empty."""
    return posixpath.normpath(re.sub(r"/+", "/", path)) if path else ""


def is_below(path: str, ancestor: str) -> bool:
    """Whether a normalised path equals another or lies below it."""
    return path == ancestor or path.startswith(ancestor.rstrip("/") + "/")
