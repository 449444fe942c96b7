"""Files in the user's cache directory. Nothing depends on them: what is not what was written is made again."""

from __future__ import annotations

import os
import sys
import zlib
from pathlib import Path

_APPLICATION = "k8s-stateful-lint"
_CHECKSUM = 4  # bytes


def directory() -> Path | None:
    """Where the user's caches are, by the convention of the platform; None where nothing says."""
    try:
        if sys.platform == "win32":
            written = os.environ.get("LOCALAPPDATA")
            return Path(written, _APPLICATION, "Cache") if written else None
        if sys.platform == "darwin":
            return Path.home() / "Library" / "Caches" / _APPLICATION
        written = os.environ.get("XDG_CACHE_HOME")
        # The specification says to ignore a relative path.
        base = Path(written) if written and Path(written).is_absolute() else Path.home() / ".cache"
        return base / _APPLICATION
    except RuntimeError:
        return None


def load(place: Path) -> memoryview | None:
    """The bytes that were saved in a file; None where there are none, or others."""
    try:
        data = memoryview(place.read_bytes())
    except OSError:
        return None
    return data[_CHECKSUM:] if data[:_CHECKSUM] == _checksum(data[_CHECKSUM:]) else None


def save(place: Path, data: bytes) -> bool:
    """Put a file in place in one step, so that nobody ever reads half of it. False says that it cannot be written."""
    from threading import get_ident

    scratch = place.with_name(f".{place.name}.{os.getpid()}.{get_ident()}")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            # Manifests may hold secrets: what is kept of them is for their owner alone.
            with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(_checksum(data))
                file.write(data)
            scratch.replace(place)
        finally:
            scratch.unlink(missing_ok=True)
    except OSError:
        return False
    return True


def _checksum(data: bytes | memoryview) -> bytes:
    return zlib.crc32(data).to_bytes(_CHECKSUM, "big")
