"""What ``python -m build`` makes: the wheel must hold everything that the checkout needs at run time."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "k8s_stateful_lint"

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("packaging")]

OFFLINE = re.compile(r"NewConnectionError|NameResolutionError|ConnectTimeout|Temporary failure in name resolution")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the sdist and the wheel that was made from it."""
    pytest.importorskip("build")
    place = tmp_path_factory.mktemp("packages")
    outcome = subprocess.run(
        [sys.executable, "-m", "build", "--outdir", str(place), str(ROOT)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    if outcome.returncode and OFFLINE.search(outcome.stdout) and not os.environ.get("CI"):
        pytest.skip("the build backend cannot be installed without a network")
    assert outcome.returncode == 0, outcome.stdout
    return place


@pytest.fixture(scope="module")
def wheel(built: Path) -> zipfile.Path:
    (path,) = built.glob("*.whl")
    return zipfile.Path(path)


@pytest.fixture(scope="module")
def names(wheel: zipfile.Path) -> set[str]:
    return set(wheel.root.namelist())


def files(folder: Path, pattern: str) -> list[Path]:
    found = sorted(folder.rglob(pattern))
    assert found, f"no {pattern} below {folder}: this test would prove nothing"
    return found


def test_every_card_and_their_index_are_in_the_wheel(names: set[str]) -> None:
    for card in files(ROOT / "rules", "*.*"):
        assert f"{PACKAGE}/rules/{card.relative_to(ROOT / 'rules').as_posix()}" in names


def test_every_module_and_table_is_in_the_wheel(names: set[str]) -> None:
    for pattern in ("*.py", "*.yaml", "*.json"):
        for file in files(ROOT / PACKAGE, pattern):
            assert file.relative_to(ROOT).as_posix() in names


def test_types_are_announced(names: set[str]) -> None:
    assert f"{PACKAGE}/py.typed" in names


def test_nothing_but_the_package_is_in_the_wheel(names: set[str]) -> None:
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {PACKAGE}
    assert not [name for name in names if "__pycache__" in name]


def metadata(wheel: zipfile.Path, name: str) -> str:
    (folder,) = (entry for entry in wheel.iterdir() if entry.name.endswith(".dist-info"))
    return folder.joinpath(name).read_text(encoding="utf-8")


def test_metadata(wheel: zipfile.Path) -> None:
    headers: Message = Parser().parsestr(metadata(wheel, "METADATA"))
    assert headers["Name"] == "k8s-stateful-lint"
    assert headers["License-Expression"] == "Apache-2.0"
    assert headers["Requires-Python"] == ">=3.11"
    assert "k8s-stateful-lint = k8s_stateful_lint.cli:main" in metadata(wheel, "entry_points.txt")
    assert "Apache License" in metadata(wheel, "licenses/LICENSE")


def test_every_dependency_is_justified() -> None:
    project = tomllib.loads(ROOT.joinpath("pyproject.toml").read_text(encoding="utf-8"))
    required = [
        *project["project"]["dependencies"],
        *project["dependency-groups"]["dev"],
        *project["dependency-groups"]["docs"],
        *project["build-system"]["requires"],
    ]
    text = ROOT.joinpath("docs/dependencies.md").read_text(encoding="utf-8")
    justified = re.findall(r"^\| `([^`]+)`", text, re.MULTILINE)
    assert sorted(justified) == sorted(re.split(r"[^A-Za-z0-9._-]", line)[0] for line in required)


def test_sdist_can_be_tested_and_documented(built: Path) -> None:
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    for name in ("LICENSE", "README.md", "Makefile", "tools/python-newest", "tests/test_packaging.py"):
        assert name in inside
    assert not [name for name in inside if name.startswith((".git/", ".venv", ".ci/"))]


@pytest.mark.skipif(shutil.which("sh") is None, reason="no POSIX shell")
def test_newest_python_runs() -> None:
    script = ROOT / "tools/python-newest"
    found = subprocess.run(["sh", str(script), "--all"], capture_output=True, encoding="utf-8", check=True)
    pythons = found.stdout.splitlines()
    newest = subprocess.run(["sh", str(script)], capture_output=True, encoding="utf-8", check=True)
    assert newest.stdout.splitlines() == pythons[:1]
    program = "import sys; print('%d.%d' % sys.version_info[:2])"
    versions = [
        subprocess.run([python, "-c", program], capture_output=True, encoding="utf-8", check=True).stdout
        for python in pythons
    ]
    minors = [int(version.split(".")[1]) for version in versions]
    assert minors == sorted(set(minors), reverse=True)
    assert min(minors) >= 11


@pytest.mark.skipif(shutil.which("sh") is None, reason="no POSIX shell")
def test_newest_python_passes_over_what_does_not_run(tmp_path: Path) -> None:
    shims = tmp_path / "shims"
    shims.mkdir()
    shim = shims / "python3.30"
    shim.write_text("#!/bin/sh\nexit 127\n", encoding="utf-8")
    shim.chmod(0o755)
    script = ["sh", str(ROOT / "tools/python-newest")]
    env = {**os.environ, "PATH": f"{shims}{os.pathsep}{os.environ['PATH']}"}
    found = subprocess.run(script, capture_output=True, encoding="utf-8", env=env, check=True)
    assert found.stdout.strip()
    assert str(shims) not in found.stdout
