"""Which files are found."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from k8s_stateful_lint.sources import LARGEST, STDIN, SourceProblem, find_sources


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory to be in, of files that hold their own path."""
    for name in (
        "a.yaml",
        "b.yml",
        "c.json",
        "d.YAML",
        "notes.txt",
        "sub/e.yaml",
        "sub/deep/f.yaml",
        "sub-x/g.yaml",
        ".hidden/h.yaml",
        "node_modules/x.yaml",
        "vendor/x.yaml",
        ".git/x.yaml",
        ".venv/x.yaml",
        "myenv/pyvenv.cfg",
        "myenv/x.yaml",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


ALL = ["a.yaml", "b.yml", "c.json", "d.YAML", ".hidden/h.yaml", "sub/e.yaml", "sub/deep/f.yaml", "sub-x/g.yaml"]


def found(*paths: str, exclude: tuple[str, ...] = ()) -> list[str]:
    sources = find_sources(paths, exclude=exclude)
    assert not sources.problems
    files = list(sources.files)
    assert [file.path for file in files] == sources.paths
    return sources.paths


def test_a_directory_is_walked(tree: Path) -> None:
    paths = found(".")
    assert sorted(paths) == sorted(ALL)
    assert paths == found(".")
    assert [path for path in paths if path.startswith("sub/")] == found("sub")


def test_files_come_with_their_bytes_and_their_path_as_given(tree: Path) -> None:
    (file,) = find_sources(["./sub/../a.yaml"]).files
    assert file.data == b"a.yaml"
    assert file.path == "sub/../a.yaml"
    (absolute,) = find_sources([str(tree / "a.yaml")]).files
    assert absolute.path == (tree / "a.yaml").as_posix()


def test_a_file_given_by_name_is_read_whatever_it_is_called(tree: Path) -> None:
    assert found("notes.txt", "node_modules/x.yaml") == ["notes.txt", "node_modules/x.yaml"]


def test_every_file_is_read_once(tree: Path) -> None:
    (tree / "again.yaml").symlink_to("a.yaml")
    paths = found("a.yaml", ".", "sub", "./a.yaml")
    assert sorted(paths) == sorted(ALL)
    assert paths[0] == "a.yaml"


def test_symbolic_links_are_followed_and_their_loops_end(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "z.yaml").write_text("z")
    (tree / "sub" / "loop").symlink_to("..")
    (tree / "link").symlink_to(elsewhere)
    (tree / "link.yaml").symlink_to(elsewhere / "other.txt")
    (elsewhere / "other.txt").write_text("o")
    paths = found(".")
    assert sorted(paths) == sorted([*ALL, "link/z.yaml", "link.yaml"])


def test_globs_that_the_shell_left_alone(tree: Path) -> None:
    assert found("*.y*ml") == ["a.yaml", "b.yml"]
    assert found("sub/**/*.yaml") == ["sub/deep/f.yaml", "sub/e.yaml"]
    assert sorted(found("sub*")) == ["sub-x/g.yaml", "sub/deep/f.yaml", "sub/e.yaml"]
    (tree / "[x].yaml").write_text("x")
    assert found("[x].yaml") == ["[x].yaml"]


def test_exclude(tree: Path) -> None:
    assert found(".", exclude=("sub", ".hidden", "*.json", "./d.YAML")) == ["a.yaml", "b.yml", "sub-x/g.yaml"]
    assert found("sub", exclude=("sub/deep/",)) == ["sub/e.yaml"]
    assert found("sub/e.yaml", exclude=("sub",)) == ["sub/e.yaml"]
    assert found("*.yaml", exclude=("a.*",)) == []


def test_gitignore_files_apply_from_the_root_of_the_repository(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tree / ".gitignore").write_text("*.json\n/sub-x/\n*.yml\n!b.yml\n.hidden\n")
    (tree / "sub" / ".gitignore").write_text("deep/\n!keep.json\n# comment\n\n")
    (tree / "sub" / "keep.json").write_text("{}")
    expected = ["a.yaml", "b.yml", "d.YAML", "sub/e.yaml", "sub/keep.json"]
    assert found(".") == expected
    assert found("sub") == ["sub/e.yaml", "sub/keep.json"]
    monkeypatch.chdir(tree / "sub")
    assert found(".") == ["e.yaml", "keep.json"]
    assert found("deep") == ["deep/f.yaml"]


def test_gitignore_files_outside_of_the_repository_do_not_apply(tree: Path) -> None:
    (tree / ".gitignore").write_text("*.yaml\n")
    (tree / "sub" / ".git").write_text("gitdir: elsewhere")
    assert found("sub") == ["sub/e.yaml", "sub/deep/f.yaml"]


def test_pathspec_is_imported_only_for_a_gitignore(tree: Path) -> None:
    script = (
        "import sys; from k8s_stateful_lint.sources import find_sources; "
        "list(find_sources(['.']).files); print('pathspec' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}

    def imported() -> str:
        return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment).stdout

    assert imported().strip() == "False"
    (tree / ".gitignore").write_text("x\n")
    assert imported().strip() == "True"


def test_standard_input_is_read_once(tree: Path) -> None:
    calls = []

    def stdin() -> bytes:
        calls.append(1)
        return b"a: 1"

    sources = find_sources(["-", "a.yaml", "-"], stdin=stdin)
    assert [(file.path, file.data) for file in sources.files] == [(STDIN, b"a: 1"), ("a.yaml", b"a.yaml")]
    assert len(list(sources.files)) == 2
    assert calls == [1]


def test_what_does_not_exist_is_missing(tree: Path) -> None:
    sources = find_sources(["nope.yaml", "no*pe", "a.yaml/x", "a.yaml"])
    assert sources.paths == ["a.yaml"]
    assert [(problem.path, problem.kind) for problem in sources.problems] == [
        ("nope.yaml", "missing"),
        ("no*pe", "missing"),
        ("a.yaml/x", "missing"),
    ]
    assert find_sources(["nul\0byte"]).problems


def test_a_file_that_vanished_is_a_problem(tree: Path) -> None:
    sources = find_sources(["sub"])
    (tree / "sub" / "e.yaml").unlink()
    for _ in range(2):
        assert [file.path for file in sources.files] == ["sub/deep/f.yaml"]
    assert sources.problems == [SourceProblem("sub/e.yaml", "no such file or directory", "missing")]


def test_a_dangling_link_is_a_problem(tree: Path) -> None:
    (tree / "dangling.yaml").symlink_to("nowhere")
    (tree / "self.yaml").symlink_to("self.yaml")
    problems = find_sources(["."]).problems
    assert [(problem.path, problem.kind) for problem in problems] == [
        ("dangling.yaml", "unreadable"),
        ("self.yaml", "unreadable"),
    ]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is unreadable to root")
def test_what_may_not_be_read_is_a_problem(tree: Path) -> None:
    (tree / "a.yaml").chmod(0)
    (tree / "sub").chmod(0)
    sources = find_sources(["."])
    assert "a.yaml" not in [file.path for file in sources.files]
    assert sorted(problem.path for problem in sources.problems) == ["a.yaml", "sub"]
    (tree / "sub").chmod(0o755)


def test_errors_while_reading_are_problems(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> bytes:
        raise PermissionError(13, "Permission denied")

    sources = find_sources(["a.yaml"])
    monkeypatch.setattr(os, "open", refuse)
    assert list(sources.files) == []
    assert sources.problems == [SourceProblem("a.yaml", "cannot be read: permission denied")]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no such files here")
def test_special_files_are_not_opened(tree: Path) -> None:
    os.mkfifo(tree / "fifo.yaml")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.yaml")
        assert sorted(found(".")) == sorted(ALL)
    sources = find_sources(["fifo.yaml"])
    assert sources.paths == []
    assert sources.problems == [SourceProblem("fifo.yaml", "not a regular file")]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no such files here")
def test_a_file_that_became_a_pipe_does_not_keep_us_waiting(tree: Path) -> None:
    sources = find_sources(["a.yaml"])
    (tree / "a.yaml").unlink()
    os.mkfifo(tree / "a.yaml")
    assert list(sources.files) == []
    assert sources.problems == [SourceProblem("a.yaml", "cannot be read: it is no regular file")]


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="no such paths here")
def test_a_pipe_that_the_shell_opened_is_read(tree: Path) -> None:
    reader, writer = os.pipe()
    try:
        os.write(writer, b"a: 1")
        os.close(writer)
        assert [file.data for file in find_sources([f"/dev/fd/{reader}"]).files] == [b"a: 1"]
    finally:
        os.close(reader)


def test_a_file_that_is_too_large_is_not_read(tree: Path) -> None:
    with (tree / "large.yaml").open("wb") as file:
        file.truncate(LARGEST + 1)
    sources = find_sources(["large.yaml", "-"], stdin=lambda: b" " * (LARGEST + 1))
    assert list(sources.files) == []
    message = "cannot be read: it is larger than 100 MB; split it, or leave it out with `exclude`"
    assert sources.problems == [SourceProblem("large.yaml", message), SourceProblem(STDIN, message)]


@pytest.mark.skipif(os.name != "posix", reason="names are bytes on POSIX only")
def test_a_name_that_is_no_utf8_can_be_told(tree: Path) -> None:
    name = os.fsdecode(b"caf\xe9.yaml")
    try:
        (tree / name).write_bytes(b"x")
    except OSError:
        pytest.skip("this file system takes no such names")
    for paths in ([name], ["."]):
        files = {file.path: file.data for file in find_sources(paths).files}
        assert files["caf\\xe9.yaml"] == b"x"
    assert find_sources([name + "x"]).problems[0].path == "caf\\xe9.yamlx"


def test_standard_input_that_cannot_be_read_is_a_problem() -> None:
    def closed() -> bytes:
        raise OSError("it is closed")

    sources = find_sources(["-"], stdin=closed)
    assert list(sources.files) == []
    assert sources.problems == [SourceProblem(STDIN, "cannot be read: it is closed")]


def test_an_address_is_no_path() -> None:
    (problem,) = find_sources(["https://example.com/db.yaml"]).problems
    assert "pipe it" in problem.message
