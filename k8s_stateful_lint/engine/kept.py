"""What is kept in the user's cache directory from one run to the next: one file for each input.

It is read and written in one piece: a run that changes it puts a new one in its place, so that no other run ever sees
half of it. Nothing depends on it: what is not what was written is made again.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from k8s_stateful_lint._about import __version__
from k8s_stateful_lint.engine.cards import INDEX_NAME, rules_directory
from k8s_stateful_lint.schema.store import cache_directory

INPUTS = 16
"""How many inputs are kept; the one that was used the longest time ago goes first."""
LIMIT = 256_000_000
"""An input that takes more bytes than this is not kept."""
# Packages whose other releases may read or judge the same bytes differently.
_OTHERS = ("jsonschema_rs", "kubernetes_validate", "msgspec", "ruamel.yaml", "yamlrocks")


class Kept:
    """The file of one input."""

    def __init__(self, place: Path) -> None:
        """``place`` is where it is, or will be."""
        self._place = place

    @classmethod
    def of(cls, folder: str, *about: str) -> Kept | None:
        """What is kept in a folder about an input, in the present directory; None where nothing can be kept."""
        directory = cache_directory()
        if directory is None:
            return None
        name = digest("\0".join((_edition(), str(Path.cwd()), *about)).encode("utf-8", "surrogateescape"))
        return cls(directory / folder / name.hex())

    def load(self) -> memoryview | None:
        """The bytes that were saved last; None where there are none, or others."""
        try:
            data = memoryview(self._place.read_bytes())
            if digest(data[16:]) != data[:16]:
                return None
            os.utime(self._place)
        except OSError:
            return None
        return data[16:]

    def save(self, data: bytes) -> None:
        """Keep bytes for the next run. What cannot be written, or is too much, is no problem."""
        if len(data) > LIMIT:
            return
        place = self._place
        scratch = place.with_name(f".{place.name}.{os.getpid()}")
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            try:
                scratch.write_bytes(digest(data) + data)
                scratch.replace(place)
            finally:
                scratch.unlink(missing_ok=True)
            _forget(place.parent)
        except OSError:
            return


def digest(data: bytes | memoryview) -> bytes:
    """Sixteen bytes that no other data has."""
    return hashlib.blake2b(data, digest_size=16).digest()


def _forget(directory: Path) -> None:
    """Remove the inputs that were used the longest time ago."""
    kept = sorted(directory.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in kept[INPUTS:]:
        path.unlink(missing_ok=True)


@cache
def _edition() -> str:
    """What reads and judges: the release, and for those who change it or what it uses, when that was."""
    home = Path(__file__).parent.parent
    changed = max(_changed(str(home)), default=0)
    index = (rules_directory() / INDEX_NAME).stat().st_mtime_ns
    others = (spec.origin for name in _OTHERS if (spec := find_spec(name)) is not None and spec.origin is not None)
    stamps = (os.stat(origin).st_mtime_ns for origin in others)  # noqa: PTH116
    return " ".join(map(str, (__version__, sys.version_info[:3], changed, index, *stamps)))


def _changed(directory: str) -> Iterator[int]:
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _changed(entry.path)
            elif entry.name.endswith((".py", ".json", ".html", ".css", ".js")):
                yield entry.stat().st_mtime_ns
