"""Paths as the systems that read reports want them."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING
from urllib.parse import quote

from k8s_stateful_lint._patterns import regex
from k8s_stateful_lint.sources import is_no_file

if TYPE_CHECKING:
    from k8s_stateful_lint.engine.report import ReportedFinding

_DRIVE = regex(r"[A-Za-z]:[/\\]")


def in_repository(path: str, *variables: str) -> str:
    """A path relative to the root of the repository, which the first variable that is set names; else as it is.

    CI systems know files by their path in the repository, wherever the linter ran.
    """
    root = next((value for name in variables if (value := os.environ.get(name))), None)
    if is_no_file(path) or (root is None and not Path(path).is_absolute()):
        return path
    # A link in the repository stays the link.
    return _relative(os.path.abspath(path), os.path.abspath(root or os.curdir)) or path  # noqa: PTH100


@lru_cache(maxsize=1000)
def _relative(path: str, root: str) -> str | None:
    """A path below a root, wherever links lead; both are absolute. Asking the file system for each finding is slow."""
    file, base = Path(path), Path(root)
    if not file.is_relative_to(base):
        file, base = file.parent.resolve() / file.name, base.resolve()
    return file.relative_to(base).as_posix() if file.is_relative_to(base) else None


def before(finding: ReportedFinding) -> str:
    """Where a finding about an older revision is, as the beginning of its message; empty for any other."""
    place = finding.location
    return f"{place.file}:{place.line}: " if place.revision else ""


def uri(path: str) -> str:
    """A path as a URI: relative if the path is, percent-encoded."""
    if _DRIVE.match(path):
        return f"file:///{path[0]}:{_quoted(PureWindowsPath(path[2:]).as_posix())}"
    return ("file://" if path.startswith("/") else "") + _quoted(path)


def _quoted(path: str) -> str:
    # A colon in the first part of a relative path would make it a scheme.
    return quote(path.encode("utf-8", "surrogateescape"), safe="/!$&'()*+,;=@~")


def encodable(text: str) -> str:
    """A text that can be written as UTF-8: names of files may hold bytes that are no characters."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def ascii_markup(text: str) -> str:
    """A text of XML or HTML in pure ASCII, so that no encoding can spoil it."""
    return text if text.isascii() else encodable(text).encode("ascii", "xmlcharrefreplace").decode("ascii")
