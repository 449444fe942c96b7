"""Reading by several processes: the same report, whatever becomes of the processes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from k8s_stateful_lint.config import Config
from k8s_stateful_lint.engine import parallel
from k8s_stateful_lint.engine.parallel import read_in_processes
from k8s_stateful_lint.engine.report import Report
from k8s_stateful_lint.engine.run import inspect
from k8s_stateful_lint.reading import SourceFile
from k8s_stateful_lint.reports import Style, render
from k8s_stateful_lint.sources import find_sources

PROJECTS = Path(__file__).resolve().parent.parent / "fixtures" / "projects"
# A value that has no form as bytes, a template, a broken file, and one that holds nothing.
ODD = [
    SourceFile("surrogate.yaml", b'{"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "\\ud800"}}'),
    SourceFile("template.yaml", b"a: {{ .Values.a }}\n"),
    SourceFile("broken.yaml", b"apiVersion: v1\nkind: [\n"),
    SourceFile("empty.yaml", b""),
]


def report(jobs: int) -> Report:
    files = [*find_sources([str(PROJECTS)]).files, *ODD]
    return inspect(files, Config(strict=True), jobs=jobs).report


def text(found: Report) -> str:
    return render("json", found, Style())


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "_CHUNK", 20_000)


def test_several_processes_say_what_one_says() -> None:
    one = text(report(1))
    assert '"rule"' in one
    assert text(report(2)) == one
    assert text(report(3)) == one


def test_what_a_dead_process_had_is_read_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "_read", _die)
    files = list(find_sources([str(PROJECTS)]).files)
    alone = list(read_in_processes(files, None, jobs=1))
    for one, other in zip(alone, read_in_processes(files, None, jobs=2), strict=True):
        assert [document.value for document in other.documents] == [document.value for document in one.documents]
        assert (other.faults, other.notices) == (one.faults, one.notices)


def _die(*_: object) -> None:
    os._exit(1)


def test_few_files_start_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "ProcessPoolExecutor", None)
    assert len(list(read_in_processes(ODD, None, jobs=8))) == len(ODD)
