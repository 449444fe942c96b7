"""Trees of files, and programs that stand for those that render."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from k8s_stateful_lint.config import Config, config_from
from k8s_stateful_lint.engine.builds import notices_of
from k8s_stateful_lint.engine.report import Report
from k8s_stateful_lint.engine.run import inspect
from k8s_stateful_lint.rendering import render
from k8s_stateful_lint.sources import find_sources

needs_kustomize = pytest.mark.skipif(
    shutil.which("kubectl") is None and shutil.which("kustomize") is None, reason="no program that builds overlays"
)

CLAIM = """\
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: data
spec:
  storageClassName: fast
  accessModes: [ReadWriteOnce]
  resources:
    requests:
      storage: 8Gi
"""

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: files
spec:
  replicas: 1
  strategy: {type: Recreate}
  selector:
    matchLabels: {app: files}
  template:
    metadata:
      labels: {app: files}
    spec:
      containers:
        - name: files
          image: registry.example.com/files:1.0.0
          volumeMounts:
            - name: data
              mountPath: /files
      volumes:
        - name: data
          persistentVolumeClaim:
            claimName: data
"""


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")


def lint(*paths: str, config: Config | None = None, **kinds: bool) -> Report:
    """Lint with rendering, from the current directory."""
    settings = config or config_from({"schema": "off"})
    sources = find_sources(paths or ["."])
    rendering = render(sources.paths, **kinds)
    return inspect(sources.files, settings, notices_of(rendering), rendering=rendering).report


def places(report: Report, rule: str) -> list[str]:
    """Where the findings of a rule are."""
    return [f"{f.location.file}:{f.location.line}" for f in report.findings if f.rule == rule]


def marked_line(path: str, mark: str) -> str:
    """The only line of a file that has a text in it."""
    lines = [n for n, line in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), 1) if mark in line]
    assert len(lines) == 1, (path, mark, lines)
    return f"{path}:{lines[0]}"


def program(directory: Path, name: str, source: str) -> None:
    """A program of the test's own, in Python."""
    directory.mkdir(exist_ok=True)
    file = directory / name
    file.write_text(f"#!{sys.executable}\n{dedent(source)}", encoding="utf-8")
    file.chmod(0o755)
