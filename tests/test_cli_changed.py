"""``check --changed-since``: the whole graph is linted, and what concerns a change is reported."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.manifests import RECYCLE

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - {name: web, image: "nginx:1.29.0", volumeMounts: [{name: data, mountPath: /data}]}
      volumes:
        - {name: data, persistentVolumeClaim: {claimName: data}}
"""
CLAIM = """\
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: shop}
spec:
  accessModes: [ReadWriteOnce]
  storageClassName: fast
  resources: {requests: {storage: 1Gi}}
"""


def git(*arguments: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(cli, monkeypatch):
    """A repository with one commit, and the program to run in it."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    git("init", "-q", "-b", "main")
    Path("deploy").mkdir()
    Path("deploy/pv.yaml").write_text(RECYCLE)
    Path("deploy/web.yaml").write_text(DEPLOYMENT)
    Path("deploy/claim.yaml").write_text(CLAIM)
    git("add", ".")
    git("commit", "-qm", "first")
    return cli


def reported(cli, *arguments: str, reference: str = "HEAD") -> set[str]:
    result = cli("check", "--format", "concise", "--changed-since", reference, *arguments)
    assert result.code in (0, 1), result.err
    return {line.split(" ")[1] for line in result.out.splitlines()[:-1]}


def test_nothing_changed(repository) -> None:
    result = repository("check", "--changed-since", "HEAD")
    assert result.code == 0
    assert result.out.startswith("3 files, 3 objects: nothing to report")
    assert result.err.startswith("k8s-stateful-lint: 0 files changed since HEAD; ")
    assert "nothing to do with that" in result.err


def test_a_changed_file_reports_its_own_findings(repository) -> None:
    Path("deploy/pv.yaml").write_text(RECYCLE + "# touched\n")
    assert reported(repository) == {"error[recycle-reclaim-policy]"}


def test_a_finding_elsewhere_counts_when_a_related_object_changed(repository) -> None:
    Path("deploy/claim.yaml").write_text(CLAIM.replace("1Gi", "2Gi"))
    found = reported(repository)
    assert "error[rwo-claim-multi-node]" in found
    assert "error[recycle-reclaim-policy]" not in found


def test_untracked_and_staged_files_count(repository) -> None:
    Path("deploy/new.yaml").write_text(RECYCLE.replace("archive", "new"))
    assert reported(repository) == {"error[recycle-reclaim-policy]"}
    git("add", ".")
    assert reported(repository) == {"error[recycle-reclaim-policy]"}


def test_ignored_files_do_not_count(repository) -> None:
    Path("deploy/new.yaml").write_text(RECYCLE.replace("archive", "new"))
    Path(".gitignore").write_text("new.yaml\n")
    assert reported(repository, "deploy", "deploy/new.yaml") == set()


def test_a_renamed_file_counts(repository) -> None:
    git("mv", "deploy/pv.yaml", "deploy/volume.yaml")
    assert reported(repository) == {"error[recycle-reclaim-policy]"}


def test_what_refers_to_a_deleted_object_counts(repository) -> None:
    Path("deploy/claim.yaml").unlink()
    Path("deploy/other.yaml").write_text(CLAIM.replace("name: data", "name: dataa"))
    git("add", "deploy/other.yaml")
    git("commit", "-qm", "a claim with nearly the same name")
    assert "warning[claim-not-found]" in reported(repository)


def test_an_object_that_moved_to_another_file_is_not_gone(repository) -> None:
    Path("deploy/claim.yaml").unlink()
    Path("deploy/claims.yaml").write_text(CLAIM)
    git("add", ".")
    git("commit", "-qm", "moved")
    assert reported(repository, reference="HEAD") == set()


def test_only_what_this_branch_changed_counts(repository) -> None:
    git("checkout", "-qb", "feature")
    Path("note.txt").write_text("x")
    git("add", ".")
    git("commit", "-qm", "feature")
    git("checkout", "-q", "main")
    Path("deploy/pv.yaml").write_text(RECYCLE + "# touched\n")
    git("commit", "-qam", "main goes on")
    git("checkout", "-q", "feature")
    assert reported(repository, reference="main") == set()
    assert reported(repository, reference="HEAD~1") == set()


def test_it_works_from_a_folder_of_the_repository(repository, monkeypatch) -> None:
    Path("deploy/pv.yaml").write_text(RECYCLE + "# touched\n")
    monkeypatch.chdir("deploy")
    assert reported(repository) == {"error[recycle-reclaim-policy]"}


def test_a_missing_reference(repository) -> None:
    for reference in ("nowhere", "--output=x"):
        result = repository("check", f"--changed-since={reference}")
        assert result.code == 2
        assert f"--changed-since: there is no commit {reference} here; is it fetched, and spelt right?" in result.err


def test_a_shallow_clone(repository, monkeypatch, tmp_path) -> None:
    Path("deploy/pv.yaml").write_text(RECYCLE + "# touched\n")
    git("commit", "-qam", "second")
    git("clone", "-q", "--depth", "1", f"file://{tmp_path}", f"{tmp_path}-shallow")
    monkeypatch.chdir(f"{tmp_path}-shallow")
    result = repository("check", "--changed-since", "HEAD~1")
    assert result.code == 2
    assert "there is no commit HEAD~1 here; this is a shallow clone: fetch more history first" in result.err
    # Two commits without the one between them.
    git("fetch", "-q", "--depth", "1", "origin", "main")
    git("checkout", "-q", "--orphan", "other")
    git("commit", "-qm", "other")
    result = repository("check", "--changed-since", "main")
    assert result.code == 0
    assert "no common ancestor with main is known" in result.err


def test_outside_of_a_repository(cli, monkeypatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(Path.cwd().parent))
    Path("pv.yaml").write_text(RECYCLE)
    result = cli("check", "--changed-since", "HEAD")
    assert (result.code, result.err) == (
        2,
        "k8s-stateful-lint: --changed-since needs a git repository, and this is none\n",
    )


def test_without_git(cli, monkeypatch) -> None:
    Path("pv.yaml").write_text(RECYCLE)
    monkeypatch.setenv("PATH", "")
    result = cli("check", "--changed-since", "HEAD")
    assert (result.code, result.err) == (
        2,
        "k8s-stateful-lint: --changed-since needs git, and there is no git on the path\n",
    )
