"""What a run does not need, it neither imports nor reads: most of the time of a small run is spent on imports."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.manifests import RECYCLE

CLAIM = """\
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec:
  accessModes: [ReadWriteOnce]
  storageClassName: fast
  resources: {requests: {storage: 8Gi}}
"""
# As the console script does it; then which modules there are, and which files were opened.
PROGRAM = """
import sys
opened = []
sys.addaudithook(lambda event, values: opened.append(str(values[0])) if event == "open" else None)
from k8s_stateful_lint.cli import main
try:
    main()
except SystemExit:
    pass
print("MODULES", *sys.modules)
print("FILES", *opened)
"""
NEVER = {
    *("typer", "click", "rich", "pydantic", "ruamel", "jsonschema", "kubernetes_validate", "pathspec", "yaml"),
    *("dataclasses", "inspect", "typing_extensions", "pkgutil", "importlib.metadata", "importlib.resources"),
    *("json", "difflib", "traceback", "subprocess", "tempfile", "shutil", "tarfile", "zipfile", "logging", "threading"),
    *("k8s_stateful_lint.cli.app", "k8s_stateful_lint.config.problems", "k8s_stateful_lint.engine.builds"),
    *("k8s_stateful_lint.engine.baseline", "k8s_stateful_lint.engine.cache", "k8s_stateful_lint.graph.changes"),
    *("k8s_stateful_lint.rendering", "k8s_stateful_lint.engine.parallel"),
}
ONLY_FOR_FINDINGS = {"hashlib", "k8s_stateful_lint.reports.frames"}
ONLY_FOR_OTHERS = {
    "k8s_stateful_lint.checks.databases",
    "k8s_stateful_lint.checks.network",
    "k8s_stateful_lint.checks.change",
    "k8s_stateful_lint.schema.wording",
}
CASES: list[tuple[str, set[str]]] = [(CLAIM, ONLY_FOR_FINDINGS), (RECYCLE, set())]


def run(folder: Path, *arguments: str) -> tuple[set[str], list[str]]:
    """The modules and the files of a run in a folder, when nothing has to be made for the first time."""
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "FORCE_COLOR")}
    environment["XDG_CACHE_HOME"] = str(folder / "cache")
    command = [sys.executable, "-c", PROGRAM, *arguments]
    for _ in range(2):
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder, env=environment)
    *_, modules, files = done.stdout.splitlines()
    assert modules.startswith("MODULES ")
    return set(modules.split()), files.split()


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the parser for Python 3.11 imports more")
@pytest.mark.parametrize("command", ["check", "check-changed"])
@pytest.mark.parametrize(("manifest", "beside"), CASES, ids=["clean", "finding"])
def test_a_small_run_imports_and_reads_little(tmp_path: Path, command: str, manifest: str, beside: set[str]) -> None:
    (tmp_path / "a.yaml").write_text(manifest)
    modules, files = run(tmp_path, command, "a.yaml")
    assert sorted((NEVER | ONLY_FOR_OTHERS | beside) & modules) == []
    # No card, no table as people write it, no configuration.
    assert {Path(file).name for file in files if file.endswith((".yaml", ".yml"))} == {"a.yaml"}


def test_the_schema_engine_is_only_imported_for_schemas(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(CLAIM)
    assert "jsonschema_rs" in run(tmp_path, "check", "a.yaml")[0]
    assert "jsonschema_rs" not in run(tmp_path, "check", "--schema", "off", "a.yaml")[0]


def test_the_version_imports_nothing_of_a_run(tmp_path: Path) -> None:
    modules, _ = run(tmp_path, "--version")
    assert sorted({"msgspec", "pathlib", "k8s_stateful_lint.cli.shared"} & modules) == []
    if sys.version_info >= (3, 13):  # before, typing imports it
        assert "re" not in modules
