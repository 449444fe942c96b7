"""The formats for CI systems and for people: each with nothing, one, many and hostile findings."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import unicodedata
import xml.etree.ElementTree as ET
from pathlib import Path

import msgspec
import pytest
from markdown_it import MarkdownIt

from k8s_stateful_lint import __version__, lint_text
from k8s_stateful_lint.config import Config
from k8s_stateful_lint.engine.report import Notice, Report
from k8s_stateful_lint.reports import FORMATS, Style, frames, markdown, places, render
from k8s_stateful_lint.reports.frames import MASK, masked
from tests.reports.made import (
    CLEAN,
    HOSTILE,
    NOTHING,
    ONE,
    SEVERAL,
    VOLUME,
    finding,
    hostile,
    many,
    place,
    report,
    thing,
)

NEW = ("sarif", "github", "gitlab", "junit", "markdown", "html")
ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(autouse=True)
def no_ci(monkeypatch) -> None:
    """The environment of the machine that runs the tests must not show."""
    for name in ("GITHUB_WORKSPACE", "GITHUB_STEP_SUMMARY", "CI_PROJECT_DIR"):
        monkeypatch.delenv(name, raising=False)


def made(name: str, what: Report) -> str:
    return render(name, what, Style())


def test_all_formats_are_there() -> None:
    assert set(FORMATS) == {"text", "concise", "json", *NEW}


@pytest.mark.parametrize("name", ["github", "gitlab", "junit", "markdown"])
@pytest.mark.parametrize("what", [CLEAN, NOTHING, ONE, SEVERAL], ids=["clean", "nothing", "one", "several"])
def test_small_outputs(name: str, what: Report, snapshot) -> None:
    assert made(name, what).replace(__version__, "VERSION") == snapshot


@pytest.mark.parametrize("name", NEW)
def test_the_same_report_gives_the_same_bytes(name: str) -> None:
    assert made(name, SEVERAL) == made(name, SEVERAL)


def test_output_does_not_depend_on_the_hash_seed(tmp_path) -> None:
    program = (
        "import sys; from k8s_stateful_lint import lint, Config; from k8s_stateful_lint.reports import *;"
        "r = lint(sys.argv[1], config=Config(select=('recycle-reclaim-policy', 'rwo-claim-multi-node')));"
        f"print(*(render(name, r, Style()) for name in {NEW}))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program, "examples/shop"],
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


@pytest.mark.parametrize("name", NEW)
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names_do_no_harm_anywhere(name: str, text: str) -> None:
    output = made(name, hostile(text))
    output.encode("utf-8")
    shown = output.replace("\n", "")
    assert not [c for c in shown if unicodedata.category(c) in {"Cc", "Cf", "Cs"}], "control characters"


@pytest.mark.parametrize("name", NEW)
def test_a_file_name_that_is_no_unicode_can_be_written(name: str) -> None:
    file = "deploy/\udcff.yaml"
    output = made(name, report(finding(location=place(file)), sources={file: VOLUME}))
    output.encode("utf-8")


# GitHub -------------------------------------------------------------------------------------------------------------

COMMAND = re.compile(r"^::(error|warning|notice) ([^:]*)::(.*)$")


def commands(what: Report) -> list[tuple[str, dict[str, str], str]]:
    """The commands as the runner of GitHub reads them."""
    found = []
    for line in made("github", what).splitlines():
        match = COMMAND.match(line)
        assert match, line
        properties = dict(part.split("=", 1) for part in match[2].split(","))
        for key, value in properties.items():
            for code, plain in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
                value = value.replace(code, plain)
            properties[key] = value
        message = match[3].replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
        found.append((match[1], properties, message))
    return found


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_github_commands_survive_hostile_names(text: str) -> None:
    found = commands(hostile(text))
    assert [command for command, _, _ in found] == ["error", "error"]
    _, properties, message = found[0]
    if text.isprintable():
        assert properties["file"] == hostile(text).findings[0].location.file
        assert f"claim {text} is wrong\n" in message


def test_github_shows_standard_input_without_a_file() -> None:
    ((_, properties, message),) = commands(report(finding(location=place("<stdin>")), sources={}))
    assert "file" not in properties
    assert message.startswith("<stdin>:6:34: ")


def test_github_says_paths_from_the_root_of_the_repository(tmp_path, monkeypatch) -> None:
    (tmp_path / "deploy").mkdir()
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    monkeypatch.chdir(tmp_path / "deploy")
    for file in ("pv.yaml", "../deploy/pv.yaml", str(tmp_path / "deploy" / "pv.yaml")):
        ((_, properties, _),) = commands(report(finding(location=place(file)), sources={}))
        assert properties["file"] == "deploy/pv.yaml"


def test_github_adds_to_the_job_summary(tmp_path, monkeypatch) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    made("github", SEVERAL)
    text = summary.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert "1 error, 1 warning, 1 info" in text
    made("github", many(9000))
    assert summary.stat().st_size < 1024 * 1024


def test_a_job_summary_that_cannot_be_written_is_no_failure(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    assert [command for command, _, _ in commands(ONE)] == ["error", "warning"]


# GitLab -------------------------------------------------------------------------------------------------------------


def test_gitlab_fingerprints_are_unique() -> None:
    issues = json.loads(made("gitlab", report(finding(), finding(), finding(severity="info"))))
    assert len({issue["fingerprint"] for issue in issues}) == 3
    assert [issue["severity"] for issue in issues] == ["critical", "critical", "info"]


def test_gitlab_is_an_empty_list_when_clean() -> None:
    assert json.loads(made("gitlab", CLEAN)) == []


def test_gitlab_says_paths_from_the_root_of_the_repository(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("CI_PROJECT_DIR", str(tmp_path.parent))
    monkeypatch.chdir(tmp_path)
    (issue,) = json.loads(made("gitlab", ONE))
    assert issue["location"] == {"path": f"{tmp_path.name}/deploy/pv.yaml", "lines": {"begin": 6, "end": 6}}


# JUnit --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", [CLEAN, NOTHING, SEVERAL, many(50), *map(hostile, HOSTILE)])
def test_junit_counts_what_it_holds(what: Report) -> None:
    text = made("junit", what)
    assert text.isascii()
    root = ET.fromstring(text)
    for element in (root, *root):
        for key, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error")):
            assert int(element.attrib[key]) == len(list(element.iter(tag))), key
    assert int(root.attrib["failures"]) == what.summary.errors + what.summary.warnings


def test_junit_of_a_clean_run_has_a_test_that_passes() -> None:
    (suite,) = ET.fromstring(made("junit", CLEAN))
    (case,) = suite
    assert [child.tag for child in case] == ["system-out"]
    assert "2 files, 3 objects: nothing to report" in case[0].text


def test_junit_names_do_not_change_when_lines_move() -> None:
    def names(line: int) -> list[str]:
        what = report(finding(location=place(line=line)))
        return [case.attrib["name"] for case in ET.fromstring(made("junit", what)).iter("testcase")]

    assert names(3) == names(6)


def test_junit_reports_a_path_that_could_not_be_read() -> None:
    notice = Notice(kind="unreadable-path", message="no such file or directory", file="gone")
    root = ET.fromstring(made("junit", report(notices=(notice,))))
    (error,) = root.iter("error")
    assert error.attrib["message"] == "gone: no such file or directory"


# Markdown -----------------------------------------------------------------------------------------------------------


def tokens(text: str) -> list[str]:
    """Everything that Markdown sees in a text, as kinds of token."""
    parser = MarkdownIt("commonmark").enable("table")
    found = []
    for token in parser.parse(text):
        found.append(token.type)
        found += [child.type for child in token.children or ()]
    return found


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_markdown_shows_hostile_names_as_they_are(text: str) -> None:
    """A name makes no heading, link, emphasis, cell or element of its own."""

    def structure(name: str) -> list[str]:
        kinds = tokens(made("markdown", hostile(name)))
        return [kind for kind in kinds if kind not in {"text", "html_inline", "softbreak"}]

    assert structure(text) == structure("harmless")
    assert "<script" not in re.sub(r"```.*?```|`[^`]*`", "", made("markdown", hostile(text)), flags=re.DOTALL)


def test_markdown_mentions_nobody() -> None:
    output = made("markdown", hostile("@team #12 !3"))
    prose = re.sub(r"(?s)```.*?```|`[^`\n]*`|\(<https:.*?>\)", "", output)
    assert "@<!-- -->team" in prose
    assert not re.search(r"[@#!]\w", prose)


@pytest.mark.parametrize("number", [0, 1, 99, 101, 5000])
def test_markdown_fits_into_a_comment_and_says_what_it_leaves_out(number: int) -> None:
    text = made("markdown", many(number))
    assert len(text) <= 60_000
    rows = len(re.findall(r"^\| (?:🔴|🟡|🔵)", text, re.MULTILINE))
    details = text.count("<details>")
    missing = re.search(r"\*\*(\d+) more findings are left out", text)
    assert rows + (int(missing[1]) if missing else 0) == number
    unframed = re.search(r"The frames of (\d+) more findings are left out", text)
    assert details + (int(unframed[1]) if unframed else 0) == rows
    if number == 5000:
        assert "🔵" not in text, "the worst come first"


def test_markdown_of_huge_messages_stays_small() -> None:
    what = report(*(finding(message="x" * 50_000, fingerprint=str(index)) for index in range(5)))
    text = markdown.document(what, 20_000)
    assert len(text) <= 20_000
    assert "5 more findings are left out" in text


# Frames and secrets -------------------------------------------------------------------------------------------------

SECRET = """\
apiVersion: v1
kind: Secret
metadata:
  name: db
stringData:
  password: hunter2
  key: |
    name: hunter3
    hunter4: x
"""


def secret_report(line: int, text: str = SECRET, **changes: object) -> Report:
    column = len(text.splitlines()[line - 1]) - 6
    values = {"object": thing("db", "Secret"), "path": "stringData.password", "location": place("s.yaml", line, column)}
    return report(finding(**(values | changes)), sources={"s.yaml": text})


@pytest.mark.parametrize("name", [*FORMATS])
@pytest.mark.parametrize("line", [6, 8, 9])
def test_no_format_shows_the_value_of_a_secret(name: str, line: int) -> None:
    output = made(name, secret_report(line))
    assert "hunter" not in output
    if name in {"text", "junit", "markdown", "html"}:
        assert MASK in re.sub("<[^>]*>", "", output)


def test_the_key_of_a_secret_is_shown() -> None:
    assert f"  password: {MASK}" in made("text", secret_report(6))


@pytest.mark.parametrize("name", [*FORMATS])
def test_a_secret_that_cannot_be_read_is_not_shown(name: str) -> None:
    text = "kind: PersistentVolume\n---\n" + SECRET + "\toops: hunter5\n"
    assert "hunter" not in made(name, secret_report(12, text, object=None, path=""))


@pytest.mark.parametrize("name", [*FORMATS])
def test_neighbours_of_a_finding_show_no_secret(name: str) -> None:
    text = SECRET + "---\n" + VOLUME
    place_of_volume = place("s.yaml", 16)
    assert "hunter" not in made(name, report(finding(location=place_of_volume), sources={"s.yaml": text}))


@pytest.mark.parametrize("name", [*FORMATS])
def test_a_list_on_one_line_shows_no_secret(name: str) -> None:
    secret = '{"apiVersion":"v1","kind":"Secret","metadata":{"name":"x"},"stringData":{"p":"hunter2"}}'
    volume = (
        '{"apiVersion":"v1","kind":"PersistentVolume","metadata":{"name":"pv"},"spec":{"capacity":{"storage":"5Gi"},'
        '"persistentVolumeReclaimPolicy":"Recycle","nfs":{"server":"a","path":"/"}}}'
    )
    text = f'{{"apiVersion":"v1","kind":"List","items":[{secret},{volume}]}}'
    what = lint_text(text, config=Config(select=("recycle-reclaim-policy",)))
    assert [one.rule for one in what.findings] == ["recycle-reclaim-policy"]
    output = made(name, what)
    assert "hunter" not in output
    if name in {"text", "junit", "markdown"}:
        assert '"Recycle"' in output.replace("&quot;", '"')


def test_a_report_without_secrets_is_left_alone() -> None:
    assert masked(SEVERAL) is SEVERAL


@pytest.mark.parametrize("padding", [0, 50, 150, 400, 100_000])
@pytest.mark.parametrize("after", [0, 50, 400, 100_000])
def test_frames_cut_long_lines_around_the_place(padding: int, after: int) -> None:
    text = f"{'a' * padding}MARKED{'b' * after}"
    what = report(finding(location=place("f", 1, padding + 1, padding + 7)), sources={"f": text})
    ((row,),) = (frame.rows for frame in frames.frames(what.findings[0], what))
    assert row.marked == "MARKED"
    assert len(row.before + row.marked + row.after) <= 175
    assert (row.before + row.marked + row.after).replace("…", "") in text
    assert ("…" in row.before, "…" in row.after) == (len(row.before) != padding, len(row.after) != after)


def test_frames_of_places_outside_of_the_file_have_no_lines() -> None:
    for line in (0, 7, 8, 1000):
        what = report(finding(location=place(line=line)), sources={"deploy/pv.yaml": VOLUME.rstrip("\n")})
        assert frames.frames(what.findings[0], what)[0].rows == ()


def test_carets_of_plain_frames_stand_under_wide_characters() -> None:
    what = report(finding(location=place("f", 1, 4, 6)), sources={"f": "数a据😀b x"})
    assert frames.plain(frames.frames(what.findings[0], what)).splitlines()[-1] == "  |      ^^^"


# Paths --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("deploy/db.yaml", "deploy/db.yaml"),
        ("C:/work/a b.yaml", "file:///C:/work/a%20b.yaml"),
        ("C:\\work\\db.yaml", "file:///C:/work/db.yaml"),
        ("deploy\\db.yaml", "deploy%5Cdb.yaml"),
        ("/srv/ü.yaml", "file:///srv/%C3%BC.yaml"),
        ("a:b.yaml", "a%3Ab.yaml"),
        ("100%/#1?.yaml", "100%25/%231%3F.yaml"),
        ("\udcff.yaml", "%FF.yaml"),
    ],
)
def test_paths_become_uris(path: str, expected: str) -> None:
    assert places.uri(path) == expected


def test_a_path_outside_of_the_repository_stays_as_it_is(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("CI_PROJECT_DIR", str(tmp_path))
    assert places.in_repository("/elsewhere/pv.yaml", "CI_PROJECT_DIR") == "/elsewhere/pv.yaml"
    assert places.in_repository("<stdin>", "CI_PROJECT_DIR") == "<stdin>"


def test_an_absolute_path_below_the_working_directory_becomes_relative(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert places.in_repository(str(tmp_path / "a" / "pv.yaml"), "CI_PROJECT_DIR") == "a/pv.yaml"


def test_the_report_carries_the_graph() -> None:
    what = lint_text(VOLUME, config=Config(select=("recycle-reclaim-policy",)))
    assert [volume.name for volume in what.graph.persistent_volumes] == ["archive"]
    assert msgspec.structs.replace(what, graph=None).findings == what.findings
