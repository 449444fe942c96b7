"""Readings from one run to the next: a file with the same bytes is not parsed again.

For every input (the paths on the command line, in the folder they count from) the readings of the last run are kept, by
the digest of the bytes they were made from.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from k8s_stateful_lint.engine.kept import Kept
from k8s_stateful_lint.reading import Reading, SourceFile, packed


class Cache:
    """The readings of one input."""

    def __init__(self, kept: Kept) -> None:
        """Open what is kept of an input; whatever is wrong with it, it is as good as empty."""
        self._kept = kept
        self._known = _entries(kept.load())
        self._used: dict[bytes, tuple[Reading, int]] = {}
        self.hits = 0

    @classmethod
    def of_input(cls, paths: Iterable[str], options: str) -> Cache | None:
        """The readings of the input that the paths name, read with some options; None where nothing can be kept."""
        kept = Kept.of("readings", options, *paths)
        return cls(kept) if kept is not None else None

    def find(self, file: SourceFile) -> Reading | None:
        """The reading of a file, where it is known."""
        known = self._known.get(file.digest)
        reading = packed.unpack(file, known) if known is not None else None
        if reading is not None:
            self.hits += 1
            self._use(file.digest, reading, packed.asked(reading))
        return reading

    def add(self, file: SourceFile, reading: Reading) -> None:
        """Note the reading of a file that was not known."""
        self._use(file.digest, reading, -1)

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
        self._kept.save(msgspec.msgpack.encode(entries))


def _entries(data: memoryview | None) -> dict[bytes, msgspec.Raw]:
    try:
        return msgspec.msgpack.decode(data, type=dict[bytes, msgspec.Raw]) if data is not None else {}
    except ValueError:
        return {}
