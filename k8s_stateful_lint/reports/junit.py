"""JUnit XML: errors and warnings are failed tests, one suite a file."""

from __future__ import annotations

from itertools import groupby
from xml.sax.saxutils import escape

import msgspec

from k8s_stateful_lint.engine.report import Report, ReportedFinding
from k8s_stateful_lint.reports import Style, text
from k8s_stateful_lint.reports.frames import masked
from k8s_stateful_lint.reports.lettering import line_of_text, lines_of_text, name_of
from k8s_stateful_lint.reports.places import encodable, in_repository

_WIDTH = 100
_NAME = "k8s-stateful-lint"
_QUOTES = {'"': "&quot;"}


def render(report: Report, style: Style) -> str:
    """Make the document: pure ASCII, so that no encoding can spoil it."""
    report = masked(report)
    suites = [_run(report)]
    for file, findings in groupby(report.findings, key=lambda finding: finding.location.file):
        suites.append(_suite(file, list(findings), report))
    tests = sum(tests for tests, _, _, _ in suites)
    failures = sum(failures for _, failures, _, _ in suites)
    errors = sum(errors for _, _, errors, _ in suites)
    head = f'<testsuites name="{_NAME}" tests="{tests}" failures="{failures}" errors="{errors}">'
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', head, *(line for *_, xml in suites for line in xml)]
    document = "\n".join([*lines, "</testsuites>"]) + "\n"
    return encodable(document).encode("ascii", "xmlcharrefreplace").decode("ascii")


def _run(report: Report) -> tuple[int, int, int, list[str]]:
    """The run itself as a suite: it passes unless something went wrong, so that CI shows a clean run, too."""
    cases = []
    problems = [("a rule crashed", crash) for crash in report.crashes]
    problems += [
        ("a path could not be read", f"{notice.file}: {notice.message}")
        for notice in report.notices
        if notice.is_failure
    ]
    if report.linted_nothing:
        problems.append(("nothing was linted", "no Kubernetes manifest was found"))
    for title, detail in problems:
        first = line_of_text(detail.partition("\n")[0])
        cases += [
            f"    <testcase {_attributes(classname=_NAME, name=title)}>",
            f"      <error {_attributes(message=first, type='error')}>{_content(detail)}</error>",
            "    </testcase>",
        ]
    if not problems:
        cases += [
            f"    <testcase {_attributes(classname=_NAME, name='manifests were read and linted')}>",
            f"      <system-out>{_content(text.footer(report, Style()))}</system-out>",
            "    </testcase>",
        ]
    count = max(len(problems), 1)
    return count, 0, len(problems), _wrapped(_NAME, count, 0, len(problems), cases)


def _suite(file: str, findings: list[ReportedFinding], report: Report) -> tuple[int, int, int, list[str]]:
    path = _path(file)
    failures = sum(finding.severity != "info" for finding in findings)
    cases = [line for finding in findings for line in _case(finding, path, report)]
    return len(findings), failures, 0, _wrapped(path, len(findings), failures, 0, cases)


def _wrapped(name: str, tests: int, failures: int, errors: int, cases: list[str]) -> list[str]:
    counts = _attributes(name=name, tests=str(tests), failures=str(failures), errors=str(errors), skipped="0")
    return [f"  <testsuite {counts}>", *cases, "  </testsuite>"]


def _case(finding: ReportedFinding, path: str, report: Report) -> list[str]:
    # No line number in the name: a test that moved is the same test.
    name = " ".join(part for part in (finding.rule, name_of(finding.object), finding.path) if part)
    attributes = _attributes(
        classname=path, name=line_of_text(name), file=_path(finding.place.file), line=str(finding.place.line)
    )
    frame = text.render(msgspec.structs.replace(report, findings=(finding,)), Style(width=_WIDTH, quiet=True))
    if finding.severity == "info":
        body = f"      <system-out>{_content(frame)}</system-out>"
    else:
        what = _attributes(message=line_of_text(finding.message), type=finding.severity)
        body = f"      <failure {what}>{_content(frame)}</failure>"
    return [f"    <testcase {attributes}>", body, "    </testcase>"]


def _path(file: str) -> str:
    return in_repository(file, "GITHUB_WORKSPACE", "CI_PROJECT_DIR")


def _attributes(**values: str) -> str:
    return " ".join(f'{key}="{escape(line_of_text(value), _QUOTES)}"' for key, value in values.items())


def _content(content: str) -> str:
    """Text of an element, without characters that XML cannot hold."""
    return escape(lines_of_text(content))
