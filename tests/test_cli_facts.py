"""Facts of a cluster at the command line."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.graph.test_facts import FACTS

CLAIM = """\
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteMany], storageClassName: gp3, resources: {requests: {storage: 1Gi}}}
"""


def test_facts_in_the_folder_are_no_input(cli) -> None:
    Path("claim.yaml").write_text(CLAIM)
    Path("facts.yaml").write_text(FACTS)
    for arguments in (["."], ["claim.yaml", "facts.yaml"]):
        result = cli("check", "--format", "concise", "--cluster-facts", "facts.yaml", *arguments)
        assert result.code == 1
        assert "claim.yaml:4:21: error[rwx-on-block-storage]" in result.out
        assert "1 file, 1 object: 1 error" in result.out


def test_the_configuration_may_name_them(cli, monkeypatch) -> None:
    Path("deploy").mkdir()
    Path("deploy/claim.yaml").write_text(CLAIM)
    Path("ci").mkdir()
    Path("ci/facts.yaml").write_text(FACTS)
    Path(".git").mkdir()
    Path(".k8s-stateful-lint.yaml").write_text("cluster-facts: ci/facts.yaml\n")
    assert "rwx-on-block-storage" in cli("check").out
    monkeypatch.chdir("deploy")
    assert "rwx-on-block-storage" in cli("check").out
    assert "StorageClass gp3" in cli("graph").out


def test_no_secret_is_shown(cli) -> None:
    Path("claim.yaml").write_text(CLAIM)
    Path("facts.yaml").write_text(FACTS)
    for name in ("text", "json", "sarif", "markdown", "html", "junit", "gitlab", "github"):
        out = cli("check", "--cluster-facts", "facts.yaml", "--format", name).out
        assert "rwx-on-block-storage" in out
        assert "hunter2" not in out
        assert "aHVudGVyMg" not in out
    assert "hunter2" not in cli("facts", "facts.yaml").out


def test_what_is_no_file_of_facts(cli) -> None:
    Path("claim.yaml").write_text(CLAIM)
    Path("facts.yaml").write_text("a: b\n")
    for arguments in (["check", "--cluster-facts", "facts.yaml"], ["facts", "facts.yaml"]):
        result = cli(*arguments)
        assert (result.code, result.out) == (2, "")
        assert result.err.startswith("k8s-stateful-lint: facts.yaml: there is none of StorageClass")


def test_facts_tells_how_to_get_them(cli) -> None:
    result = cli("facts")
    assert result.out.startswith("{\n  kubectl get storageclass,")
    assert "check --cluster-facts cluster-facts.yaml" in result.err
    # It is a command that a shell can run.
    subprocess.run(["sh", "-n"], input=result.out.encode(), check=True)


def test_facts_says_what_is_in_a_file(cli) -> None:
    Path("facts.yaml").write_text(FACTS)
    assert cli("facts", "facts.yaml").out == (
        "     2 StorageClasses: gp3 (default), prepared\n"
        "     2 PersistentVolumes\n"
        "     1 PersistentVolumeClaim\n"
        "     1 CSIDriver: ebs.csi.aws.com\n"
        "     1 VolumeSnapshotClass: snaps\n"
        "     1 of other kinds, which are left aside\n"
    )


def test_a_comparison_knows_whether_a_class_can_grow(cli) -> None:
    for folder, size in (("old", "1Gi"), ("new", "2Gi")):
        Path(folder).mkdir()
        Path(folder, "claim.yaml").write_text(CLAIM.replace("1Gi", size).replace("ReadWriteMany", "ReadWriteOnce"))
    Path("facts.yaml").write_text(FACTS)
    unknown = cli("compare", "old", "new", "--format", "concise", "--fail-on", "error")
    known = cli("compare", "old", "new", "--format", "concise", "--fail-on", "error", "--cluster-facts", "facts.yaml")
    assert (unknown.code, known.code) == (0, 1)
    assert "does not allow" in known.out or "expansion" in known.out
