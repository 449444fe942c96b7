"""``check --kustomize`` and ``--helm`` at the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .helpers import CLAIM, DEPLOYMENT, needs_kustomize, write

TREE = {
    "base/kustomization.yaml": "resources: [claim.yaml, files.yaml]\n",
    "base/claim.yaml": CLAIM,
    "base/files.yaml": DEPLOYMENT,
    "overlays/one/kustomization.yaml": "resources: [../../base]\n",
}


def check(here: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return run(here, "check", *arguments, **env)


def run(here: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "k8s_stateful_lint", *arguments],
        cwd=here,
        env={**os.environ, "NO_COLOR": "1", **env},
        capture_output=True,
        text=True,
        check=False,
    )


@needs_kustomize
def test_a_clean_overlay_is_clean_and_says_what_was_rendered(tmp_path: Path) -> None:
    write(tmp_path, TREE)
    result = check(tmp_path, "--kustomize", "--verbose")
    assert result.returncode == 0, result.stdout
    assert "notice: overlays/one: rendered: 2 objects" in result.stdout
    assert "4 files, 1 rendered, 4 objects: nothing to report" in result.stdout


@needs_kustomize
def test_a_finding_in_an_overlay_fails(tmp_path: Path) -> None:
    write(
        tmp_path,
        TREE | {"overlays/one/kustomization.yaml": "resources: [../../base]\nreplicas: [{name: files, count: 2}]\n"},
    )
    result = check(tmp_path, "--kustomize")
    assert result.returncode == 1
    assert "--> base/files.yaml:23:24 (Deployment files)" in result.stdout
    assert "::: overlays/one/kustomization.yaml:2:33" in result.stdout


@needs_kustomize
def test_a_baseline_lets_wait_what_only_an_overlay_has_and_what_lies_in_its_files(tmp_path: Path) -> None:
    overlay = "resources: [../../base]\nnamePrefix: one-\nreplicas: [{name: files, count: 2}]\n"
    quantity = CLAIM.replace("8Gi", "8Gb")
    write(tmp_path, TREE | {"overlays/one/kustomization.yaml": overlay, "base/claim.yaml": quantity})
    assert run(tmp_path, "baseline", "create", "--kustomize", "--output", "waiting.yaml").returncode == 0
    assert check(tmp_path, "--kustomize", "--baseline", "waiting.yaml").returncode == 0
    # Without building, less is found; what is found is known.
    result = check(tmp_path, "--baseline", "waiting.yaml")
    assert result.returncode == 0, result.stdout


@needs_kustomize
def test_an_overlay_that_fails_is_never_green(tmp_path: Path) -> None:
    write(tmp_path, TREE | {"overlays/bad/kustomization.yaml": "resources: [../../base, gone.yaml]\n"})
    for more in ((), ("--quiet",), ("--fail-on", "never")):
        result = check(tmp_path, "--kustomize", *more)
        assert result.returncode == 2
        assert "overlays/bad/kustomization.yaml: the overlay was not rendered: " in result.stderr
        assert "gone.yaml" in result.stderr


def test_without_programs_it_says_so(tmp_path: Path) -> None:
    write(tmp_path, TREE | {"chart/Chart.yaml": "name: chart\n"})
    result = check(tmp_path, "--kustomize", "--helm", PATH=str(tmp_path))
    assert result.returncode == 2
    assert "neither kustomize nor kubectl is on the PATH" in result.stderr
    assert "helm is not on the PATH" in result.stderr


def test_nothing_to_render_is_said(tmp_path: Path) -> None:
    write(tmp_path, {"claim.yaml": CLAIM})
    result = check(tmp_path, "--kustomize")
    assert result.returncode == 0
    assert "there is nothing to render in the input" in result.stderr


def test_names_without_a_kind_of_rendering_are_wrong_use(tmp_path: Path) -> None:
    write(tmp_path, TREE)
    result = check(tmp_path, "--render-only", "overlays/one")
    assert result.returncode == 2
    assert "--kustomize or --helm" in result.stderr


@needs_kustomize
@pytest.mark.parametrize("name", ["json", "sarif", "github", "gitlab", "junit", "markdown", "html", "concise"])
def test_every_format_takes_places_in_rendered_text(tmp_path: Path, name: str) -> None:
    replacement = """
        resources: [../../base, settings.yaml]
        replacements:
          - source: {kind: ConfigMap, name: settings, fieldPath: data.replicas}
            targets: [{select: {kind: Deployment}, fieldPaths: [spec.replicas]}]
    """
    settings = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {replicas: '4'}\n"
    write(tmp_path, TREE | {"overlays/one/kustomization.yaml": replacement, "overlays/one/settings.yaml": settings})
    result = check(tmp_path, "--kustomize", "--format", name)
    assert result.returncode == 1, result.stderr
    assert "rwo-claim-multi-node" in result.stdout
