"""Whole projects, end to end: what the command line says about each is written down and was read by a person.

``python -m tests.test_fixtures --write`` writes every ``expected.txt`` anew. Read the difference: each line
must be right, and a clean project must stay without findings.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any, Literal, NamedTuple
from unittest import mock

import msgspec
import pytest

from k8s_stateful_lint import lint
from k8s_stateful_lint.cli import main
from k8s_stateful_lint.config import Config
from k8s_stateful_lint.engine.cards import heads
from k8s_stateful_lint.engine.catalogue import CHANGE
from k8s_stateful_lint.reading import SourceFile, read
from k8s_stateful_lint.sources import find_sources

ROOT = Path(__file__).resolve().parent.parent
FIXTURES = ROOT / "tests" / "fixtures" / "projects"
EXPECTED = "expected.txt"
PROJECTS = sorted(path.name for path in FIXTURES.iterdir() if path.is_dir())
CLEAN = [name for name in PROJECTS if name.startswith("clean-")]


class Result(NamedTuple):
    code: int
    out: str
    err: str


def check(project: str, *arguments: str, format_name: str = "concise", stdin: bytes = b"") -> Result:
    """Run the program in the folder of a project, as people do."""
    out, err = io.StringIO(), io.StringIO()
    source = SimpleNamespace(buffer=io.BytesIO(stdin))
    options = ["--strict", "--format", format_name, "--color", "never"]
    with (
        contextlib.chdir(FIXTURES / project),
        mock.patch.object(sys, "stdin", source),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main(["check", *options, *arguments])
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 0 if stop.code is None else 2
        else:
            code = 0
    return Result(code, out.getvalue(), err.getvalue())


def text_of(project: str) -> str:
    result = check(project, ".")
    return f"{result.out}{result.err}exit code {result.code}\n"


@cache
def json_of(project: str) -> dict[str, Any]:
    return json.loads(check(project, ".", format_name="json").out)


def files_of(project: str) -> list[str]:
    with contextlib.chdir(FIXTURES / project):
        return list(find_sources(["."]).paths)


def essence(report: dict[str, Any]) -> Counter[tuple[str, ...]]:
    """What does not depend on where a finding stands."""
    return Counter(
        (
            finding["rule"],
            finding["severity"],
            finding["confidence"],
            finding["message"],
            finding["path"],
            finding["environment"],
            json.dumps(finding["object"], sort_keys=True),
            str(sorted(related["label"] for related in finding["related"])),
        )
        for finding in report["findings"]
    )


# What is said -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("project", PROJECTS)
def test_report_is_the_expected_one(project: str) -> None:
    expected = (FIXTURES / project / EXPECTED).read_text(encoding="utf-8")
    assert text_of(project) == expected, "read the difference, then: python -m tests.test_fixtures --write"


@pytest.mark.parametrize("project", CLEAN)
def test_clean_project_has_no_findings(project: str) -> None:
    report = json_of(project)
    assert report["findings"] == []
    assert report["summary"]["objects"] > 0
    assert report["summary"]["suppressed"] == 0
    assert check(project, ".").code == 0


@pytest.mark.parametrize("project", [name for name in PROJECTS if name not in CLEAN])
def test_other_project_has_findings(project: str) -> None:
    assert json_of(project)["findings"]
    assert check(project, ".").code == 1


def test_every_rule_fires_somewhere() -> None:
    fired = {finding["rule"] for project in PROJECTS for finding in json_of(project)["findings"]}
    for folder in sorted(path for path in (ROOT / "examples").iterdir() if path.is_dir()):
        fired |= {finding.rule for finding in lint(folder, config=Config(strict=True)).findings}
    # Rules that compare two revisions have projects of their own: tests/test_compare.py.
    never = sorted(name for name, head in heads().items() if name not in fired and head.family != CHANGE)
    assert not never, f"no project and no example shows {', '.join(never)}"


def test_projects_hold_what_real_ones_hold() -> None:
    texts = {path: path.read_bytes() for path in FIXTURES.rglob("*") if path.is_file() and path.name != EXPECTED}
    manifests = {path: data for path, data in texts.items() if path.suffix in {".yaml", ".yml", ".json"}}
    assert any(b"\r\n" in data for data in manifests.values()), "a file with CRLF line ends"
    assert any(path.suffix == ".json" for path in manifests)
    assert any(data.count(b"\n---\n") > 2 for data in manifests.values()), "a file of several documents"
    assert any(b": *" in data and b": &" in data for data in manifests.values()), "anchors"
    assert any(b"<<: *" in data for data in manifests.values()), "a merge key"
    assert any(path.name == "pipeline.yml" for path in manifests), "YAML of another tool"
    assert any(b"{{- if" in data for data in manifests.values()), "a Helm template"
    assert any(b"kind: List" in data for data in manifests.values())
    assert any(read(SourceFile(path.name, data)).faults for path, data in manifests.items()), "a broken file"


# The same, however it is asked --------------------------------------------------------------------------------------


@pytest.mark.parametrize("project", PROJECTS)
def test_again_and_in_another_order(project: str) -> None:
    report = json_of(project)
    assert json.loads(check(project, ".", format_name="json").out) == report
    backwards = json.loads(check(project, *reversed(files_of(project)), format_name="json").out)
    assert backwards == report


def is_one_unit(project: str) -> bool:
    """Whether a stream of all documents is the same unit as the files: one folder, nothing that cannot be read."""
    folders = set()
    for path in files_of(project):
        reading = read(SourceFile(path, (FIXTURES / project / path).read_bytes()))
        if reading.faults or reading.notices:
            return False
        for document in reading.documents:
            value = document.value
            if isinstance(value, dict) and "kind" in value and "apiVersion" in value:
                if str(value["apiVersion"]).startswith("kustomize.config.k8s.io/"):
                    return False
                folders.add(Path(path).parent)
    return len(folders) == 1


ONE_UNIT = [name for name in PROJECTS if is_one_unit(name)]


def test_some_projects_are_one_unit() -> None:
    assert {"clean-quorum", "clean-sql", "eks", "exported", "quorum", "snapshots"} <= set(ONE_UNIT)


@pytest.mark.parametrize("project", ONE_UNIT)
def test_one_stream_says_what_the_files_say(project: str) -> None:
    texts = [(FIXTURES / project / path).read_text(encoding="utf-8") for path in files_of(project)]
    result = check(project, "-", format_name="json", stdin="\n---\n".join(texts).encode())
    streamed = json.loads(result.out)
    assert essence(streamed) == essence(json_of(project))
    assert {finding["file"] for finding in streamed["findings"]} <= {"<stdin>"}
    assert streamed["summary"]["objects"] == json_of(project)["summary"]["objects"]


# The JSON format ----------------------------------------------------------------------------------------------------

Name = Annotated[str, msgspec.Meta(min_length=1)]
Position = Annotated[int, msgspec.Meta(ge=1)]
Count = Annotated[int, msgspec.Meta(ge=0)]


class Contract(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The base of every part of the JSON format: no key more, none less."""


class Tool(Contract, frozen=True):
    name: Literal["k8s-stateful-lint"]
    version: Name


class Object(Contract, frozen=True, rename={"api_version": "apiVersion"}):
    api_version: Name
    kind: Name
    namespace: str | None
    name: str | None


class Related(Contract, frozen=True):
    file: Name
    line: Position
    column: Position
    end_line: Position
    end_column: Position
    label: Name
    object: Object | None


class Finding(Contract, frozen=True):
    rule: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    severity: Literal["error", "warning", "info"]
    confidence: Literal["high", "medium", "low"]
    message: Name
    file: Name
    line: Position
    column: Position
    end_line: Position
    end_column: Position
    object: Object | None
    path: str
    environment: Name
    fingerprint: Name
    related: tuple[Related, ...]
    help: str | None
    url: str | None


class Notice(Contract, frozen=True, omit_defaults=True):
    kind: Name
    message: Name
    file: str | None = None
    line: Position | None = None


class Counts(Contract, frozen=True):
    error: Count
    warning: Count
    info: Count


class Summary(Contract, frozen=True):
    files: Count
    documents: Count
    objects: Count
    findings: Counts
    suppressed: Count
    baselined: Count


class Document(Contract, frozen=True):
    version: Literal[1]
    tool: Tool
    findings: tuple[Finding, ...]
    notices: tuple[Notice, ...]
    summary: Summary


@pytest.mark.parametrize("project", PROJECTS)
def test_json_keeps_the_contract(project: str) -> None:
    document = msgspec.json.decode(check(project, ".", format_name="json").out, type=Document)
    findings = document.findings
    assert list(findings) == sorted(findings, key=lambda f: (f.file, f.line, f.column, f.rule, f.path, f.message))
    assert len({finding.fingerprint for finding in findings}) == len(findings)
    counted = Counter(finding.severity for finding in findings)
    assert counted == Counter({key: n for key, n in msgspec.to_builtins(document.summary.findings).items() if n})
    assert {finding.rule for finding in findings} <= heads().keys()
    for place in (*findings, *(related for finding in findings for related in finding.related)):
        lines = (FIXTURES / project / place.file).read_text(encoding="utf-8").splitlines()
        assert place.line <= len(lines)
        assert place.column <= len(lines[place.line - 1]) + 1
        assert (place.line, place.column) <= (place.end_line, place.end_column)


def write() -> None:
    for project in PROJECTS:
        path, text = FIXTURES / project / EXPECTED, text_of(project)
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path.relative_to(ROOT)}")


def run(arguments: Sequence[str]) -> None:
    if list(arguments) != ["--write"]:
        sys.exit("usage: python -m tests.test_fixtures --write")
    write()


if __name__ == "__main__":
    run(sys.argv[1:])
