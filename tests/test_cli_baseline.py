"""Baselines at the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.manifests import CLEAN, RECYCLE

NAME = ".k8s-stateful-lint-baseline.yaml"


def test_old_findings_wait_and_new_ones_fail(cli) -> None:
    Path("pv.yaml").write_text(RECYCLE)
    result = cli("baseline", "create", "--reason", "known: since 2020", "--expires", "2999-12-31")
    assert (result.code, result.err) == (0, f"k8s-stateful-lint: {NAME}: 1 finding waits\n")
    result = cli("check")
    assert (result.code, result.out, result.err) == (0, "1 file, 1 object: nothing to report (1 baselined)\n", "")
    assert json.loads(cli("check", "--format", "json").out)["summary"]["baselined"] == 1
    Path("new.yaml").write_text(RECYCLE.replace("archive", "new"))
    result = cli("check", "--format", "concise")
    assert result.code == 1
    assert result.out.splitlines()[0].startswith("new.yaml:7:34: error[recycle-reclaim-policy]")
    assert cli("check", "--no-baseline", "--format", "concise").out.count("recycle-reclaim-policy") == 2


def test_it_lies_beside_the_configuration(cli, monkeypatch) -> None:
    Path(".git").mkdir()
    Path(".k8s-stateful-lint.yaml").write_text("strict: false\n")
    Path("deploy").mkdir()
    Path("deploy/pv.yaml").write_text(RECYCLE)
    monkeypatch.chdir("deploy")
    assert cli("baseline", "create").code == 0
    assert "file: deploy/pv.yaml" in Path("..", NAME).read_text()
    assert cli("check").code == 0
    monkeypatch.chdir("..")
    assert cli("check").code == 0
    assert cli("check", "--no-config").code == 1


def test_the_configuration_may_name_it(cli) -> None:
    Path("pv.yaml").write_text(RECYCLE)
    Path(".k8s-stateful-lint.yaml").write_text("baseline: ci/old.yaml\n")
    result = cli("check")
    assert (result.code, result.err) == (
        2,
        "k8s-stateful-lint: cannot read the baseline ci/old.yaml: no such file or directory\n",
    )
    Path("ci").mkdir()
    assert cli("baseline", "create").code == 0
    assert cli("check").code == 0
    assert cli("check", "--baseline", "ci/old.yaml").code == 0
    assert cli("check", "--no-baseline").code == 1


def test_stale_entries_are_told_until_an_update(cli) -> None:
    Path("pv.yaml").write_text(RECYCLE)
    cli("baseline", "create")
    Path("pv.yaml").write_text(CLEAN)
    result = cli("check")
    assert result.code == 0
    assert f"{NAME}:6: recycle-reclaim-policy (PersistentVolume archive) is not found any more" in result.err
    assert cli("baseline", "update").err == f"k8s-stateful-lint: {NAME}: 0 added, 1 removed, 0 kept\n"
    assert cli("check").err == ""


def test_expired_entries_are_told_and_reported(cli) -> None:
    Path("pv.yaml").write_text(RECYCLE)
    cli("baseline", "create", "--expires", "2001-01-01")
    result = cli("check")
    assert result.code == 1
    assert "expired on 2001-01-01: it is reported again" in result.err
    assert "expired 2001-01-01" in cli("baseline", "show").out


def test_the_hook_for_changed_files_knows_it_too(cli) -> None:
    Path("pv.yaml").write_text(RECYCLE)
    assert cli("check-changed", "pv.yaml").code == 1
    cli("baseline", "create")
    assert cli("check-changed", "pv.yaml").code == 0


def test_show(cli) -> None:
    Path("pv.yaml").write_text(RECYCLE)
    cli("baseline", "create", "--reason", "it is archived", "--expires", "2999-01-01")
    assert cli("baseline", "show").out == (
        "pv.yaml\n"
        "  recycle-reclaim-policy\n"
        "    PersistentVolume archive\n"
        "    spec.persistentVolumeReclaimPolicy\n"
        "    reason: it is archived\n"
        "    expires 2999-01-01\n"
        "1 finding waits\n"
    )
    (entry,) = json.loads(cli("baseline", "show", "--format", "json").out)
    assert (entry["file"], entry["expires"]) == ("pv.yaml", "2999-01-01")


def test_sarif_has_what_waits(cli) -> None:
    Path("pv.yaml").write_text(RECYCLE)
    cli("baseline", "create", "--reason", "it is archived")
    Path("new.yaml").write_text(RECYCLE.replace("archive", "new"))
    results = json.loads(cli("check", "--format", "sarif").out)["runs"][0]["results"]
    assert [result["baselineState"] for result in results] == ["new", "unchanged"]
    suppression = {"kind": "external", "status": "accepted", "justification": "it is archived"}
    assert [result.get("suppressions") for result in results] == [None, [suppression]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["create"], f"{NAME} is there already: `baseline update` brings it up to date, --force replaces it"),
        (["create", "--expires", "soon"], "--expires is a date such as 2030-12-31, not soon"),
        (["create", "--output", "no/where.yaml"], "cannot write no/where.yaml: its folder does not exist"),
        (["update", "--baseline", "x.yaml"], "cannot read the baseline x.yaml: no such file or directory"),
        (["show", "--baseline", "pv.yaml"], "pv.yaml: this is no baseline; `k8s-stateful-lint baseline create` makes"),
        (["show", "--format", "html"], "there is no format html for a baseline; use text or json"),
    ],
)
def test_wrong_use(cli, arguments: list[str], message: str) -> None:
    Path("pv.yaml").write_text(RECYCLE)
    cli("baseline", "create")
    before = Path(NAME).read_text()
    result = cli("baseline", *arguments)
    assert result.code == 2
    assert message in result.err
    assert Path(NAME).read_text() == before
    assert sorted(path.name for path in Path().iterdir()) == [NAME, "pv.yaml"]


def test_without_a_baseline_there_is_nothing_to_update(cli) -> None:
    Path("pv.yaml").write_text(RECYCLE)
    assert cli("baseline", "update").err == (
        f"k8s-stateful-lint: there is no baseline {NAME}: `k8s-stateful-lint baseline create` makes one\n"
    )


def test_a_baseline_of_what_cannot_be_read_is_not_written(cli) -> None:
    assert cli("baseline", "create", "nowhere").code == 2
    assert cli("baseline", "create").code == 4
    assert list(Path().iterdir()) == []
