"""Every test has a cache of its own, on disk and in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from k8s_stateful_lint.schema import kinds, store


@pytest.fixture(autouse=True)
def cache_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    home = tmp_path / "cache"
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(home))
    forget()
    yield home
    forget()


def forget() -> None:
    """What a new process does not know."""
    store.load.cache_clear()
    store._definitions.cache_clear()
    kinds.schema_of.cache_clear()
