"""Writing files: the whole of one, or nothing of it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from k8s_stateful_lint.cli.shared import fail


def write_file(path: str | os.PathLike[str], pieces: Iterable[str]) -> None:
    """Write the pieces of a text as they come; what stood there before stays until the new text is complete.

    What cannot be written ends the command: nothing is left half written.
    """
    target = Path(path)
    try:
        if target.exists() and not target.is_file():
            # A pipe or a terminal (/dev/stderr) cannot be replaced.
            if target.is_dir():
                fail(f"cannot write {path}: it is a directory")
            with target.open("w", encoding="utf-8", errors="replace") as stream:
                stream.writelines(pieces)
        else:
            _replace(target.resolve(), pieces)
    except OSError as error:
        fail(f"cannot write {path}: {_reason(error)}")


def _replace(target: Path, pieces: Iterable[str]) -> None:
    draft = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with draft.open("x", encoding="utf-8", errors="replace", newline="") as stream:
            stream.writelines(pieces)
        if target.exists():
            draft.chmod(target.stat().st_mode)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def _reason(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "its folder does not exist"
    reason = error.strerror or str(error)
    return reason[:1].lower() + reason[1:]
