"""JUnit XML: errors and warnings are failed tests, one suite a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from xml.sax.saxutils import escape

from k8s_stateful_lint.engine.report import Report, ReportedFinding
from k8s_stateful_lint.reports import Style, text
from k8s_stateful_lint.reports.frames import masked
from k8s_stateful_lint.reports.lettering import line_of_text, lines_of_text, name_of
from k8s_stateful_lint.reports.places import ascii_markup, in_repository

_WIDTH = 100
_NAME = "k8s-stateful-lint"
_QUOTES = {'"': "&quot;"}


def pieces(report: Report, style: Style) -> Iterator[str]:
    """Make the document: pure ASCII, so that no encoding can spoil it."""
    for line in _lines(masked(report)):
        yield ascii_markup(f"{line}\n")


def _lines(report: Report) -> Iterator[str]:
    problems = _problems(report)
    own = max(len(problems), 1)
    failures = _failures(report.findings)
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield (
        f'<testsuites name="{_NAME}" tests="{own + len(report.findings)}" failures="{failures}" '
        f'errors="{len(problems)}">'
    )
    yield _suite(_NAME, tests=own, errors=len(problems))
    yield from _run(report, problems)
    yield "  </testsuite>"
    for file, group in groupby(report.findings, key=lambda finding: finding.location.file):
        findings = list(group)
        path = _path(file)
        yield _suite(path, tests=len(findings), failures=_failures(findings))
        for finding in findings:
            yield from _case(finding, path, report)
        yield "  </testsuite>"
    yield "</testsuites>"


def _failures(findings: Iterable[ReportedFinding]) -> int:
    return sum(finding.severity != "info" for finding in findings)


def _problems(report: Report) -> list[tuple[str, str]]:
    """What went wrong, and the details of it."""
    problems = [("a rule crashed", crash) for crash in report.crashes]
    problems += [
        ("a path could not be read", f"{notice.file}: {notice.message}")
        for notice in report.notices
        if notice.is_failure
    ]
    if report.linted_nothing:
        problems.append(("nothing was linted", "no Kubernetes manifest was found"))
    return problems


def _suite(name: str, *, tests: int, failures: int = 0, errors: int = 0) -> str:
    counts = _attributes(name=name, tests=str(tests), failures=str(failures), errors=str(errors), skipped="0")
    return f"  <testsuite {counts}>"


def _run(report: Report, problems: list[tuple[str, str]]) -> Iterator[str]:
    """The run itself: it passes unless something went wrong, so that CI shows a clean run, too."""
    for title, detail in problems:
        first = line_of_text(detail.partition("\n")[0])
        yield f"    <testcase {_attributes(classname=_NAME, name=title)}>"
        yield f"      <error {_attributes(message=first, type='error')}>{_content(detail)}</error>"
        yield "    </testcase>"
    if not problems:
        yield f"    <testcase {_attributes(classname=_NAME, name='manifests were read and linted')}>"
        yield f"      <system-out>{_content(text.footer(report, Style()))}</system-out>"
        yield "    </testcase>"


def _case(finding: ReportedFinding, path: str, report: Report) -> Iterator[str]:
    # No line number in the name: a test that moved is the same test.
    name = " ".join(part for part in (finding.rule, name_of(finding.object), finding.path) if part)
    attributes = _attributes(
        classname=path, name=line_of_text(name), file=_path(finding.place.file), line=str(finding.place.line)
    )
    content = _content(text.described(finding, report, Style(width=_WIDTH)) + "\n")
    yield f"    <testcase {attributes}>"
    if finding.severity == "info":
        yield f"      <system-out>{content}</system-out>"
    else:
        what = _attributes(message=line_of_text(finding.message), type=finding.severity)
        yield f"      <failure {what}>{content}</failure>"
    yield "    </testcase>"


def _path(file: str) -> str:
    return in_repository(file, "GITHUB_WORKSPACE", "CI_PROJECT_DIR")


def _attributes(**values: str) -> str:
    return " ".join(f'{key}="{escape(line_of_text(value), _QUOTES)}"' for key, value in values.items())


def _content(content: str) -> str:
    """Text of an element, without characters that XML cannot hold."""
    return escape(lines_of_text(content))
