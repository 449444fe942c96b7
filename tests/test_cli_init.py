"""``init``: what it sees in a repository, and that what it writes is a configuration."""

from __future__ import annotations

from pathlib import Path

from k8s_stateful_lint.config.files import load
from k8s_stateful_lint.engine.policy import validate
from tests.manifests import RECYCLE

NAME = ".k8s-stateful-lint.yaml"


def write(path: str, text: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)


def claim(name: str, namespace: str, of_class: str | None = None) -> str:
    chosen = f"\n  storageClassName: {of_class}" if of_class else ""
    return (
        f"apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: {name}, namespace: {namespace}}}\n"
        f"spec:\n  accessModes: [ReadWriteOnce]\n  resources: {{requests: {{storage: 1Gi}}}}{chosen}\n---\n"
    )


def repository() -> None:
    write("base/claims.yaml", claim("a", "shop", "fast") + claim("b", "shop") + claim("c", "shop-dev", "gp3"))
    write("base/kustomization.yaml", "resources: [claims.yaml]\n")
    for overlay in ("prod", "kind"):
        write(f"overlays/{overlay}/kustomization.yaml", "resources: [../../base]\n")
        write(f"overlays/{overlay}/deep/pv.yaml", RECYCLE)
    write(
        "classes.yaml",
        "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: gp3}\nprovisioner: ebs.csi.aws.com\n"
        "volumeBindingMode: WaitForFirstConsumer\n",
    )
    write("app.yaml", "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: shop}\n")
    write(".github/workflows/e2e.yml", "steps:\n  - run: kind create cluster --image kindest/node:v1.33.1\n")
    write("chart/Chart.yaml", "name: shop\n")
    write("node_modules/x.tf", 'kubernetes_version = "1.20"\n')


def test_it_writes_what_it_sees(cli) -> None:
    repository()
    result = cli("init")
    assert result.code == 0
    assert result.err.startswith(f"k8s-stateful-lint: {NAME} written: 10 objects, 0 workloads, 3 claims seen\n")
    text = Path(NAME).read_text()
    loaded = load(["."], None, {})
    validate(loaded.config)
    config = loaded.config
    assert config.target == "1.33"
    assert 'target: "1.33"  # .github/workflows/e2e.yml:2\n' in text
    assert config.gitops == "argocd"
    environments = {entry.name: entry for entry in config.environments}
    assert environments["production"].paths == ("overlays/prod",)
    assert environments["development"].paths == ("overlays/kind",)
    assert environments["development"].namespaces == ("shop-dev",)
    assert "# Overlays: overlays/kind, overlays/prod." in text
    assert "# Namespaces: shop (2), shop-dev (1)." in text
    assert "# Classes defined here: gp3 (ebs.csi.aws.com)." in text
    assert "# 1 claim names no class and needs a default class." in text
    assert "#   platform: eks  # by the provisioners: eks" in text
    assert "#     fast: ebs.csi.aws.com  # 1 claim" in text
    assert "# Helm charts are linted as they are rendered: chart." in text
    assert cli("check").code == 1


def test_the_suggestions_are_valid_too(cli) -> None:
    repository()
    write("other.tf", 'cluster_version = "1.31"\n')
    cli("init")
    lines = Path(NAME).read_text().splitlines()
    keys = ("# target:", "# cluster:", "# external:", "# overrides:", "#   ", "#     ")
    text = "\n".join(line.removeprefix("# ") if line.startswith(keys) else line for line in lines)
    text = text.replace("\n#  ", "\n ")
    Path(NAME).write_text(text)
    config = load(["."], None, {}).config
    assert config.target == "1.31-1.33"
    assert config.cluster.default_class == "gp3"
    assert config.overrides
    validate(config)


def test_a_repository_without_anything(cli) -> None:
    result = cli("init")
    assert result.code == 0
    assert "there is no manifest here that can be read" in result.err
    assert load(["."], None, {}).config.environments == ()


def test_it_replaces_nothing_without_being_told(cli) -> None:
    Path(NAME).write_text("strict: true\n")
    result = cli("init")
    assert (result.code, Path(NAME).read_text()) == (2, "strict: true\n")
    assert f"{NAME} is there already: --force replaces it" in result.err
    assert cli("init", "--force").code == 0
    assert "fail-on: warning" in Path(NAME).read_text()


def test_it_needs_a_folder(cli) -> None:
    result = cli("init", "nowhere")
    assert (result.code, result.err) == (2, "k8s-stateful-lint: nowhere is no folder\n")
