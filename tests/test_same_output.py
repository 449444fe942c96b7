"""What makes a run fast changes no byte of what it says: reading in part, the cache, other processes."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from k8s_stateful_lint import Config, Report, lint, lint_many
from k8s_stateful_lint.engine import run as engine
from k8s_stateful_lint.engine.cache import Cache
from k8s_stateful_lint.engine.kept import INPUTS
from k8s_stateful_lint.engine.last_report import LastReport
from k8s_stateful_lint.engine.run import inspect
from k8s_stateful_lint.reading import packed
from k8s_stateful_lint.reports import Style, render
from k8s_stateful_lint.sources import find_sources

FIXTURES = Path(__file__).parent / "fixtures"
ARCHIVE = Path(__file__).resolve().parent.parent.parent / "shared" / "corpus" / "corpus.tgz"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own for each test."""
    monkeypatch.setattr("k8s_stateful_lint._user_cache.directory", lambda: tmp_path / "cache")
    return tmp_path / "cache" / "readings"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not ARCHIVE.is_file():
        pytest.skip("the corpus is not at hand")
    root = tmp_path_factory.mktemp("corpus")
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(root, filter="data")
    return root


def text_of(report: Report) -> str:
    return "".join(render(name, report, Style(verbose=True)) for name in ("json", "text", "sarif"))


def cached(root: Path) -> tuple[str, Cache]:
    cache = Cache.of_input([str(root)], "modelled")
    assert cache is not None
    report = inspect(find_sources([str(root)]).files, Config(), cache=cache).report
    return text_of(report), cache


def whole(root: Path) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "_unread", lambda config: None)
        return text_of(lint(str(root)))


def compare(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = text_of(lint(str(root)))
    assert plain == whole(root)
    first, empty = cached(root)
    assert (first, empty.hits) == (plain, 0)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a file was read again")

    with monkeypatch.context() as patch:
        patch.setattr(engine, "read", refuse)
        patch.setattr("k8s_stateful_lint.reading._document._Located", refuse)
        second, full = cached(root)
    assert second == plain
    assert full.hits == len(find_sources([str(root)]).paths)
    files = list(find_sources([str(root)]).files)
    last = LastReport.of_input([str(root)], Config(), files, ())
    assert last is not None
    last.keep(lint(str(root)))
    report = last.find()
    assert report is not None
    assert text_of(report) == plain
    with ThreadPoolExecutor(1) as executor:
        (result,) = lint_many([str(root)], executor=executor)
    assert result.report is not None
    assert text_of(result.report) == plain


def test_the_fixture_projects(monkeypatch: pytest.MonkeyPatch) -> None:
    compare(FIXTURES, monkeypatch)


def test_two_files_with_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (
        "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: archive}\nspec:\n"
        "  persistentVolumeReclaimPolicy: Recycle\n  nfs: {server: nfs.example.com, path: /archive}\n"
    )
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(text)
    compare(tmp_path, monkeypatch)


@pytest.mark.slow
def test_the_corpus(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compare(corpus, monkeypatch)


def test_a_file_that_changed_is_read_again_and_the_others_are_not(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n")
    cached(tmp_path)
    (tmp_path / "b.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: [}\n")
    text, cache = cached(tmp_path)
    assert cache.hits == 1
    assert "unreadable-manifest" in text
    assert text == text_of(lint(str(tmp_path)))


@pytest.mark.parametrize("damage", [b"", b"x", b"\0" * 64])
def test_a_damaged_cache_is_made_again(tmp_path: Path, home: Path, damage: bytes) -> None:
    (tmp_path / "a.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
    text, _ = cached(tmp_path)
    (place,) = home.iterdir()
    good = place.read_bytes()
    place.write_bytes(good[:20] + damage)
    assert cached(tmp_path)[0] == text
    assert place.read_bytes() == good


def test_an_entry_that_is_something_else_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
    monkeypatch.setattr(packed, "pack", lambda reading: b"\x93\x01\x02\x03")
    text, _ = cached(tmp_path)
    again, cache = cached(tmp_path)
    assert (again, cache.hits) == (text, 0)


def test_few_inputs_are_kept(tmp_path: Path, home: Path) -> None:
    for number in range(INPUTS + 3):
        root = tmp_path / str(number)
        root.mkdir()
        (root / "a.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
        cached(root)
    assert len(list(home.iterdir())) == INPUTS


def test_a_cache_that_cannot_be_written_is_no_problem(tmp_path: Path, home: Path) -> None:
    (tmp_path / "a.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
    home.parent.mkdir()
    home.write_text("in the way")
    assert cached(tmp_path)[0] == text_of(lint(str(tmp_path)))


def test_runs_at_the_same_time_do_each_other_no_harm(tmp_path: Path) -> None:
    for number in range(30):
        (tmp_path / f"{number}.yaml").write_text(f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a{number}}}\n")
    command = [sys.executable, "-m", "k8s_stateful_lint", "check", str(tmp_path), "--cache", "--format", "json"]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(4)]
    assert len({process.communicate()[0] for process in running}) == 1
