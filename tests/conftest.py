"""What tests of several modules use."""

from __future__ import annotations

import io
import sys
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, settings

from k8s_stateful_lint.cli import main

# A busy machine is no fault.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


class Result(SimpleNamespace):
    """How a run of the program ended, and what it printed."""

    code: int
    out: str
    err: str


@pytest.fixture
def cli(tmp_path, monkeypatch, capsys):
    """Run the program in an empty folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "GIT_DIR", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str, stdin: bytes = b"") -> Result:
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as stop:
            main(list(arguments))
        output = capsys.readouterr()
        return Result(code=stop.value.code, out=output.out, err=output.err)

    return run
