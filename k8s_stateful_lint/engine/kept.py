"""What is kept in the user's cache directory from one run to the next: one file for each input."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

from k8s_stateful_lint import _user_cache
from k8s_stateful_lint._about import __version__
from k8s_stateful_lint.engine.cards import INDEX_NAME, rules_directory
from k8s_stateful_lint.reading import digest

INPUTS = 16
"""How many inputs are kept; the one that was used the longest time ago goes first."""
LIMIT = 256_000_000
"""An input that takes more bytes than this is not kept."""
# Packages whose other releases may read or judge the same bytes differently, as their metadata is called.
_OTHERS = ("jsonschema_rs-", "kubernetes_validate-", "msgspec-", "ruamel.yaml-", "ruamel_yaml-", "yamlrocks-")


class Kept:
    """The file of one input."""

    def __init__(self, place: Path) -> None:
        """``place`` is where it is, or will be."""
        self._place = place

    @classmethod
    def of(cls, folder: str, *about: str) -> Kept | None:
        """What is kept in a folder about an input, in the present directory; None where nothing can be kept."""
        directory = _user_cache.directory()
        if directory is None:
            return None
        name = digest("\0".join((_edition(), str(Path.cwd()), *about)).encode("utf-8", "surrogateescape"))
        return cls(directory / folder / name.hex())

    def load(self) -> memoryview | None:
        """The bytes that were saved last; None where there are none, or others."""
        data = _user_cache.load(self._place)
        if data is not None:
            with suppress(OSError):
                os.utime(self._place)
        return data

    def save(self, data: bytes) -> None:
        """Keep bytes for the next run. What cannot be written, or is too much, is no problem."""
        if len(data) <= LIMIT and _user_cache.save(self._place, data):
            with suppress(OSError):
                _forget(self._place.parent)


def _forget(directory: Path) -> None:
    """Remove the inputs that were used the longest time ago."""
    kept = sorted(directory.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in kept[INPUTS:]:
        path.unlink(missing_ok=True)


@cache
def _edition() -> str:
    """What reads and judges: this program and what it uses, as they are installed."""
    return " ".join((str(sys.version_info[:3]), *_releases(), _program()))


def _releases() -> Iterator[str]:
    """The releases of the other packages, as importlib.metadata would find them in several times the time."""
    for directory in sys.path:
        try:
            names = os.listdir(directory or ".")  # noqa: PTH208
        except OSError:
            continue
        yield from sorted(name for name in names if name.endswith(".dist-info") and name.startswith(_OTHERS))


def _program() -> str:
    """What an installer recorded of the program's files; where there is no record, as in a checkout, when they changed.

    Every installation has other times, and a cache outlives it where it is kept from one CI job to the next.
    """
    home = Path(__file__).parent.parent
    try:
        return digest((home.parent / f"{home.name}-{__version__}.dist-info" / "RECORD").read_bytes()).hex()
    except OSError:
        index = (rules_directory() / INDEX_NAME).stat().st_mtime_ns
        return f"{__version__} {max(_changed(str(home)), default=0)} {index}"


def _changed(directory: str) -> Iterator[int]:
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _changed(entry.path)
            elif entry.name.endswith((".py", ".json")):
                yield entry.stat().st_mtime_ns
