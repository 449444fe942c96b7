"""Readings from one run to the next: a file with the same bytes is not parsed again.

For every input (the paths on the command line, in the folder they count from) there is one file, with the readings of
the last run by the digest of the bytes they were made from. It is read and written in one piece: a run that changes it
puts a new one in its place, so that no other run ever sees half of it. Nothing depends on it: what is not what was
written is made again.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from k8s_stateful_lint._about import __version__
from k8s_stateful_lint.reading import Reading, SourceFile, packed
from k8s_stateful_lint.schema.store import cache_directory

INPUTS = 16
"""How many inputs are kept; the one that was used the longest time ago goes first."""
LIMIT = 256_000_000
"""An input that takes more bytes than this is not kept."""


class Cache:
    """The readings of one input."""

    def __init__(self, place: Path) -> None:
        """Open the file of an input; whatever is wrong with it, it is as good as empty."""
        self._place = place
        self._known = _load(place)
        self._used: dict[bytes, tuple[Reading, int]] = {}
        self.hits = 0

    @classmethod
    def of_input(cls, paths: Iterable[str], options: str) -> Cache | None:
        """The readings of the input that the paths name, read with some options; None where nothing can be kept."""
        directory = cache_directory()
        if directory is None:
            return None
        name = _digest("\0".join((_edition(), options, str(Path.cwd()), *paths)).encode("utf-8", "surrogateescape"))
        return cls(directory / "readings" / name.hex())

    def find(self, file: SourceFile) -> tuple[bytes, Reading | None]:
        """The key of a file, and its reading where it is known."""
        key = _digest(file.data)
        known = self._known.get(key)
        reading = packed.unpack(file, known) if known is not None else None
        if reading is not None:
            self.hits += 1
            self._use(key, reading, packed.asked(reading))
        return key, reading

    def add(self, key: bytes, reading: Reading) -> None:
        """Note the reading of a file that was not known."""
        self._use(key, reading, -1)

    def _use(self, key: bytes, reading: Reading, asked: int) -> None:
        if key in self._used:
            # Another file with the same bytes: what is asked about one of them is known of both.
            packed.share(self._used[key][0], reading)
        else:
            self._used[key] = reading, asked

    def save(self) -> None:
        """Keep what this run used, where it differs from what is kept. A cache that cannot be written is no problem."""
        if self._known.keys() == self._used.keys() and all(
            packed.asked(reading) == before for reading, before in self._used.values()
        ):
            return
        entries: dict[bytes, msgspec.Raw] = {}
        for key, (reading, before) in self._used.items():
            if packed.asked(reading) == before:
                entries[key] = self._known[key]
            elif (written := packed.pack(reading)) is not None:
                entries[key] = msgspec.Raw(written)
        text = msgspec.msgpack.encode(entries)
        if len(text) <= LIMIT:
            _write(self._place, text)


def _load(place: Path) -> dict[bytes, msgspec.Raw]:
    try:
        data = place.read_bytes()
        if _digest(memoryview(data)[16:]) != data[:16]:
            return {}
        os.utime(place)
        return msgspec.msgpack.decode(memoryview(data)[16:], type=dict[bytes, msgspec.Raw])
    except (OSError, ValueError):
        return {}


def _write(place: Path, text: bytes) -> None:
    scratch = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            scratch.write_bytes(_digest(text) + text)
            scratch.replace(place)
        finally:
            scratch.unlink(missing_ok=True)
        _forget(place.parent)
    except OSError:
        return


def _forget(directory: Path) -> None:
    """Remove the inputs that were used the longest time ago."""
    kept = sorted(directory.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in kept[INPUTS:]:
        path.unlink(missing_ok=True)


def _edition() -> str:
    """What reads: the release, and for those who change it, when they did."""
    home = Path(packed.__file__).parent
    changed = max(path.stat().st_mtime_ns for path in home.glob("*.py"))
    return f"{__version__} {changed}"


def _digest(data: bytes | memoryview) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()
