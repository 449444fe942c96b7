"""Several processes: the same report as from one, whatever becomes of them."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from k8s_stateful_lint.config import Config
from k8s_stateful_lint.engine import parallel
from k8s_stateful_lint.engine.forks import _Fork, beside, can_fork
from k8s_stateful_lint.engine.report import Report
from k8s_stateful_lint.engine.run import inspect
from k8s_stateful_lint.reading import Document, Route, SourceFile, Span
from k8s_stateful_lint.reading._document import Part
from k8s_stateful_lint.reports import Style, render
from k8s_stateful_lint.sources import find_sources

pytestmark = pytest.mark.skipif(not can_fork(), reason="processes are not forked here")
PROJECTS = Path(__file__).resolve().parent.parent / "fixtures" / "projects"
# A value that has no form as bytes, a template, a broken file, and one that holds nothing.
ODD = [
    SourceFile("surrogate.yaml", b'{"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "\\ud800"}}'),
    SourceFile("template.yaml", b"a: {{ .Values.a }}\n"),
    SourceFile("broken.yaml", b"apiVersion: v1\nkind: [\n"),
    SourceFile("empty.yaml", b""),
]


def report(jobs: int, target: str | None = None) -> Report:
    files = [*find_sources([str(PROJECTS)]).files, *ODD]
    return inspect(files, Config(strict=True, target=target), jobs=jobs).report


def text(found: Report) -> str:
    return render("json", found, Style())


@pytest.fixture(autouse=True)
def little_is_worth_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "BYTES", 1)
    monkeypatch.setattr(parallel, "OBJECTS", 1)


@pytest.fixture
def forks(monkeypatch: pytest.MonkeyPatch) -> list[bytes | None]:
    """What every fork sends back."""
    results: list[bytes | None] = []
    result = _Fork.result

    def note(fork: _Fork) -> bytes | None:
        results.append(result(fork))
        return results[-1]

    monkeypatch.setattr(_Fork, "result", note)
    return results


def test_several_processes_say_what_one_says(forks: list[bytes | None]) -> None:
    one = text(report(1))
    assert '"rule"' in one
    assert not forks
    assert text(report(2)) == one
    assert len(forks) == 2  # one for the files, one for the rules
    assert all(forks)
    assert text(report(3)) == one


def test_both_ends_of_a_range_come_back_from_a_process(forks: list[bytes | None]) -> None:
    one = report(1, "1.26-1.34")
    assert report(2, "1.26-1.34").findings == one.findings
    assert all(forks)


def test_a_fork_knows_where_its_findings_are(forks: list[bytes | None], monkeypatch: pytest.MonkeyPatch) -> None:
    located: list[int] = []
    find = Document._find_span

    def note(document: Document, route: Route, part: Part) -> Span:
        located.append(os.getpid())
        return find(document, route, part)

    monkeypatch.setattr(Document, "_find_span", note)
    report(1)
    alone = len(located)
    report(2)
    assert all(forks)
    assert len(located) - alone < alone * 0.8


@pytest.mark.parametrize("how", ["dies", "fails", "sends nothing"])
def test_what_a_process_does_not_send_is_done_here(
    how: str, forks: list[bytes | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = text(report(1))
    here = os.getpid()

    def fail(*_: object) -> bytes:
        assert os.getpid() != here
        if how == "dies":
            os.kill(os.getpid(), 9)
        if how == "fails":
            raise RuntimeError("out of luck")
        os._exit(0 if how == "sends nothing" else 3)

    monkeypatch.setattr(parallel, "_read_and_pack", fail)
    monkeypatch.setattr(parallel, "_run_and_send", fail)
    assert text(report(2)) == one
    assert not any(forks)


def test_a_system_without_room_for_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> int:
        raise BlockingIOError("Resource temporarily unavailable")

    one = text(report(1))
    monkeypatch.setattr(os, "fork", refuse)
    assert text(report(2)) == one


def test_no_process_where_there_are_threads(forks: list[bytes | None]) -> None:
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        report(2)
    finally:
        done.set()
        thread.join()
    assert not forks


def test_little_work_makes_no_process(forks: list[bytes | None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert len(list(parallel.read_in_processes(ODD, None, jobs=8))) == len(ODD)


def test_no_fork_stays_when_the_work_here_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    fork = os.fork

    def note() -> int:
        made.append(fork())
        return made[-1]

    def fail() -> None:
        raise KeyboardInterrupt

    def wait() -> bytes:
        time.sleep(600)
        return b""

    monkeypatch.setattr(os, "fork", note)
    with pytest.raises(KeyboardInterrupt):
        beside(fail, [wait, wait])
    assert len(made) == 2
    for process in made:
        with pytest.raises(ChildProcessError):
            os.waitpid(process, os.WNOHANG)
