"""Where nothing has changed since the last run, what it said is said again, byte for byte, and nothing is linted."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from k8s_stateful_lint import Config, _user_cache
from k8s_stateful_lint._about import __version__
from k8s_stateful_lint.engine import kept
from k8s_stateful_lint.engine.last_report import LastReport
from k8s_stateful_lint.engine.run import run
from k8s_stateful_lint.reading import SourceFile
from k8s_stateful_lint.reports import DRAWING, FORMATS
from tests.manifests import CLEAN, RECYCLE

FIXTURES = str(Path(__file__).parent.parent / "fixtures" / "projects")


@pytest.fixture(autouse=True)
def home(tmp_path_factory, monkeypatch) -> Path:
    """A cache of its own for each test."""
    directory = tmp_path_factory.mktemp("cache")
    monkeypatch.setattr(_user_cache, "directory", lambda: directory)
    return directory / "reports"


@pytest.fixture
def idle(monkeypatch):
    """Let nobody lint any more."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the files were linted again")

    return lambda: monkeypatch.setattr("k8s_stateful_lint.engine.run.inspect", refuse)


@pytest.mark.parametrize("name", sorted(FORMATS.keys() - DRAWING))
def test_every_format_is_the_same(cli, idle, name):
    arguments = ("check", FIXTURES, "--format", name, "--verbose", "--statistics")
    plain = cli(*arguments, "--no-cache")
    assert cli(*arguments, "--cache") == plain
    idle()
    assert cli(*arguments, "--cache") == plain


def test_the_format_does_not_matter(cli, idle):
    plain = cli("check", FIXTURES, "--format", "sarif", "--no-cache")
    cli("check", FIXTURES, "--cache")
    idle()
    assert cli("check", FIXTURES, "--format", "sarif", "--cache") == plain


def test_a_report_that_draws_has_its_graph(cli, tmp_path):
    cli("check", FIXTURES, "--cache")
    drawn = cli("check", FIXTURES, "--cache", "--format", "html")
    assert drawn == cli("check", FIXTURES, "--no-cache", "--format", "html")
    assert "<svg" in drawn.out


def test_the_hook_and_the_exit_code(cli, idle, tmp_path, monkeypatch):
    monkeypatch.setattr("k8s_stateful_lint.cli.inspecting.CACHED_FILES", 1)
    (tmp_path / "a.yaml").write_text(RECYCLE)
    (tmp_path / "b.yaml").write_text(CLEAN)
    first = cli("check-changed", "a.yaml")
    idle()
    assert cli("check-changed", "a.yaml") == first
    assert first.code == 1
    assert cli("check-changed", "b.yaml").code == 0


@pytest.mark.parametrize("change", ["bytes", "new", "gone", "renamed", "swapped", "configuration", "option"])
def test_whatever_changes_is_seen(cli, tmp_path, change):
    for number, text in enumerate((RECYCLE, CLEAN)):
        (tmp_path / f"{number}.yaml").write_text(text)
    more: tuple[str, ...] = ()
    cli("check", ".", "--cache", "--format", "json")
    match change:
        case "bytes":
            (tmp_path / "1.yaml").write_text(RECYCLE.replace("Recycle", "Recycled"))
        case "new":
            (tmp_path / "2.yaml").write_text(RECYCLE)
        case "gone":
            (tmp_path / "0.yaml").unlink()
        case "renamed":
            (tmp_path / "0.yaml").rename(tmp_path / "2.yaml")
        case "swapped":
            (tmp_path / "0.yaml").write_text(CLEAN)
            (tmp_path / "1.yaml").write_text(RECYCLE)
        case "configuration":
            (tmp_path / ".k8s-stateful-lint.yaml").write_text("rules: {recycle-reclaim-policy: off}\n")
        case "option":
            more = ("--ignore", "reclaim")
    expected = cli("check", ".", "--no-cache", "--format", "json", *more)
    assert cli("check", ".", "--cache", "--format", "json", *more) == expected


def report_of(files: list[SourceFile], problems: tuple[str, ...] = ()) -> LastReport:
    found = LastReport.of_input(["."], Config(), files, problems)
    assert found is not None
    return found


def test_what_cannot_be_read_is_part_of_it():
    files = [SourceFile("a.yaml", RECYCLE.encode())]
    report_of(files).keep(run(files, Config()))
    assert report_of(files).find() is not None
    assert report_of(files, ("b.yaml: permission denied",)).find() is None


def test_another_edition_does_not_know_it(monkeypatch):
    files = [SourceFile("a.yaml", RECYCLE.encode())]
    report_of(files).keep(run(files, Config()))
    monkeypatch.setattr(kept, "_edition", lambda: "another")
    assert report_of(files).find() is None


def test_a_crash_is_not_kept(monkeypatch, home):
    files = [SourceFile("a.yaml", RECYCLE.encode())]
    report = run(files, Config())
    report_of(files).keep(report.narrowed(report.findings, crashes=("a rule failed",)))
    assert not home.exists()


@pytest.mark.parametrize(
    "damage", [lambda good: b"", lambda good: good[:-1], lambda good: good[:16] + b"x" + good[17:]]
)
def test_what_is_damaged_is_made_again(home, damage):
    files = [SourceFile("a.yaml", RECYCLE.encode())]
    report_of(files).keep(run(files, Config()))
    (place,) = home.iterdir()
    good = place.read_bytes()
    place.write_bytes(damage(good))
    assert report_of(files).find() is None
    report_of(files).keep(run(files, Config()))
    assert place.read_bytes() == good


def test_something_else_with_a_good_digest_is_not_taken():
    files = [SourceFile("a.yaml", RECYCLE.encode())]
    last = report_of(files)
    last._kept.save(b"\x93\x01\x02\x03")
    assert last.find() is None


def test_the_edition_knows_when_the_program_has_changed(tmp_path):
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks" / "rule.py").write_text("")
    (tmp_path / "notes.txt").write_text("")
    assert list(kept._changed(str(tmp_path))) == [(tmp_path / "checks" / "rule.py").stat().st_mtime_ns]


def test_an_installation_is_known_by_its_record_not_by_its_time(tmp_path, monkeypatch):
    module = tmp_path / "k8s_stateful_lint" / "engine" / "kept.py"
    record = tmp_path / f"k8s_stateful_lint-{__version__}.dist-info" / "RECORD"
    for path in (module, record):
        path.parent.mkdir(parents=True)
        path.write_text("first")
    monkeypatch.setattr(kept, "__file__", str(module))
    first = kept._program()
    os.utime(module, (0, 0))
    os.utime(record, (0, 0))
    assert kept._program() == first
    record.write_text("second")
    assert kept._program() != first


def test_other_packages_are_known_by_their_releases(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [str(tmp_path), str(tmp_path / "gone")])
    for name in ("yamlrocks-0.7.1.dist-info", "other-1.dist-info", "msgspec-0.22.0.dist-info", "yamlrocks"):
        (tmp_path / name).mkdir()
    assert list(kept._releases()) == ["msgspec-0.22.0.dist-info", "yamlrocks-0.7.1.dist-info"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_what_is_kept_is_for_its_owner_alone(home):
    files = [SourceFile("a.yaml", RECYCLE.encode())]
    report_of(files).keep(run(files, Config()))
    (place,) = home.iterdir()
    assert place.stat().st_mode & 0o777 == 0o600
