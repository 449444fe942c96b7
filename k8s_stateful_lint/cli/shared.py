"""What the commands share: options, the configuration, running a lint, exit codes, and how output is written."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

from k8s_stateful_lint.cli.options import Argument, option

if TYPE_CHECKING:
    from k8s_stateful_lint.config import Config
    from k8s_stateful_lint.config.files import Loaded
    from k8s_stateful_lint.engine.report import Report
    from k8s_stateful_lint.reports import Style

CLEAN, FINDINGS, USAGE, CRASH, NOTHING = 0, 1, 2, 3, 4
INTERRUPTED = 130
_NARROWEST, _WIDEST_DEFAULT = 40, 100
_MANY = 5  # notices of one kind that are told one by one
# Notices that are told beside the report, in this order.
_TOLD = (
    "unreadable-path",
    "no-schema-of-target",
    "not-rendered",
    "nothing-to-render",
    "helm-template",
    "binary-file",
    "expired-baseline",
    "stale-baseline",
)

Paths = Annotated[list[str] | None, Argument(metavar="PATHS", help="Files and directories; '-' is standard input.")]
Formats = Annotated[
    list[str] | None,
    option(
        "--format",
        metavar="NAME",
        help="text, concise, json, sarif, github, gitlab, junit, markdown or html; repeatable, paired with --output.",
    ),
]
Outputs = Annotated[list[str] | None, option("--output", metavar="FILE", help="Write the report there; '-' is stdout.")]
Select = Annotated[
    list[str] | None, option("--select", metavar="RULE|FAMILY", help="Run only these; repeatable or with commas.")
]
Ignore = Annotated[list[str] | None, option("--ignore", metavar="RULE|FAMILY", help="Leave these out.")]
ExtendSelect = Annotated[
    list[str] | None,
    option("--extend-select", metavar="RULE|FAMILY", help="Run these too, for example strict ones."),
]
Strict = Annotated[bool, option("--strict", help="Also run the rules of the strict wave.")]
FailOn = Annotated[
    str | None,
    option("--fail-on", metavar="error|warning|info|never", help="Exit 1 from this severity on."),
]
EnvironmentName = Annotated[
    str | None, option("--environment", metavar="NAME", help="The environment of every object, e.g. production.")
]
NamespaceName = Annotated[
    str | None, option("--namespace", metavar="NAME", help="The namespace of objects that write none.")
]
Target = Annotated[
    str | None,
    option("--target", metavar="X.Y|X.Y-Z.W", help="The Kubernetes version; of a range, each end is checked."),
]
Complete = Annotated[bool, option("--complete", help="The input is all there is: what is missing is an error.")]
FactsFile = Annotated[
    str | None, option("--cluster-facts", metavar="FILE", help="What kubectl printed of the cluster; see `facts`.")
]
Kustomize = Annotated[
    bool, option("--kustomize", help="Build every overlay first, and judge what it makes of its files.")
]
Helm = Annotated[bool, option("--helm", help="Render every chart first, with each of its files of values.")]
ConfigFile = Annotated[Path | None, option("--config", metavar="FILE", help="The configuration file.")]
NoConfig = Annotated[bool, option("--no-config", help="Use no configuration file.")]
NoIgnores = Annotated[bool, option("--no-ignores", help="Report also what comments and annotations suppress.")]
Verbose = Annotated[bool, option("--verbose", "-v", help="Also show notices and reasons.")]
Quiet = Annotated[bool, option("--quiet", "-q", help="Only findings: no footer, no notices.")]
Colour = Annotated[str, option("--color", metavar="auto|always|never", help="Whether to colour text.")]


def say(message: str) -> None:
    """Tell people something that is no finding."""
    print(f"k8s-stateful-lint: {message}", file=sys.stderr)


def fail(message: str) -> NoReturn:
    """End the command: it was used wrongly, or the configuration is wrong; each line of the message is a reason."""
    for line in message.split("\n"):
        say(line)
    raise SystemExit(USAGE)


def split_names(values: list[str] | None) -> list[str] | None:
    """The names in repeatable options, each of which may hold several with commas between them."""
    return [part.strip() for value in values for part in value.split(",") if part.strip()] if values else None


def output_formats(formats: list[str], outputs: list[str]) -> list[tuple[str, str]]:
    """Pairs of a format and the file it goes to."""
    from k8s_stateful_lint.reports import FORMATS

    names = formats or ["text"]
    for name in names:
        if name not in FORMATS:
            fail(f"there is no format {name}; use one of {', '.join(FORMATS)}")
    if len(outputs) > len(names):
        fail("more --output than --format: each --output belongs to the --format at its place")
    return list(zip(names, [*outputs, *["-"] * (len(names) - len(outputs))], strict=True))


def load_settings(paths: list[str], file: Path | None, none: bool, given: dict[str, Any]) -> Loaded:
    """The configuration in effect: the file's, and over it what the command line gives (None: not given)."""
    from k8s_stateful_lint.config import ConfigError
    from k8s_stateful_lint.config.files import load
    from k8s_stateful_lint.engine.policy import validate

    try:
        loaded = load(paths, file, given, search=not none)
    except ConfigError as error:
        fail(str(error))
    try:
        validate(loaded.config)
    except ConfigError as error:
        fail(str(loaded.placed(error)))
    return loaded


def load_config(paths: list[str], file: Path | None, none: bool, given: dict[str, Any]) -> Config:
    """As `load_settings`, for commands that need no more than the configuration."""
    return load_settings(paths, file, none, given).config


def tell_problems(report: Report, quiet: bool) -> None:
    """Tell what could not be read or linted."""
    for kind in _TOLD:
        notices = [notice for notice in report.notices if notice.kind == kind]
        loud = any(notice.is_failure for notice in notices)
        if quiet and not loud:
            continue
        shown = notices if loud or len(notices) <= _MANY else notices[: _MANY - 1]
        for notice in shown:
            place = f"{notice.file}:{notice.line}" if kind.endswith("-baseline") else notice.file
            say(f"{place}: {notice.message}" if place is not None else notice.message)
        if len(shown) < len(notices):
            say(f"{len(notices) - len(shown)} more: {notices[-1].message}")
    for crash in report.crashes:
        say(f"internal error, please report it: {crash}")
    if report.linted_nothing:
        say("nothing to lint: no Kubernetes manifest was found")


def exit_code(report: Report, config: Config) -> int:
    """The exit code that a report stands for."""
    if report.crashes:
        return CRASH
    if any(notice.is_failure for notice in report.notices):
        return USAGE
    if config.fail_on != "never" and report.at_least(config.fail_on):
        return FINDINGS
    return NOTHING if report.linted_nothing else CLEAN


def make_style(color: str, *, verbose: bool = False, quiet: bool = False, to_terminal: bool = True) -> Style:
    """How text is written: width, colours, how much."""
    from k8s_stateful_lint.reports import Style

    if color not in {"auto", "always", "never"}:
        fail(f"--color is auto, always or never, not {color}")
    is_terminal = to_terminal and sys.stdout.isatty()
    width = _WIDEST_DEFAULT
    if is_terminal or os.environ.get("COLUMNS"):
        import shutil

        width = max(shutil.get_terminal_size().columns, _NARROWEST)
    return Style(colour=_is_coloured(color, is_terminal), width=width, verbose=verbose, quiet=quiet)


def _is_coloured(color: str, is_terminal: bool) -> bool:
    if color != "auto":
        return color == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return is_terminal and os.environ.get("TERM") != "dumb"


def write_reports(chosen: list[tuple[str, str]], report: Report, color: str, *, verbose: bool, quiet: bool) -> None:
    """Write a report in every format; a file that cannot be written ends the command when the others are there."""
    from k8s_stateful_lint.reports import pieces

    failed = None
    for name, output in chosen:
        style = make_style(color, verbose=verbose, quiet=quiet, to_terminal=output == "-")
        text = pieces(name, report, style)
        if output == "-":
            sys.stdout.writelines(text)
            continue
        from k8s_stateful_lint.cli.files import write_file

        try:
            write_file(output, text)
        except SystemExit as end:
            failed = end
    if failed is not None:
        raise failed


def print_statistics(report: Report) -> None:
    """Print how many findings each rule has."""
    from collections import Counter

    counts = Counter((finding.rule, finding.severity) for finding in report.findings)
    for (rule, severity), number in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        print(f"{number:6}  {severity:8} {rule}", file=sys.stderr)


def show_markdown(text: str, color: str) -> None:
    """Print a page of Markdown, drawn where colours are."""
    style = make_style(color)
    if not style.colour:
        sys.stdout.write(text)
        return
    from rich.console import Console
    from rich.markdown import Markdown

    console = Console(width=min(style.width, _WIDEST_DEFAULT), force_terminal=True, emoji=False, highlight=False)
    console.print(Markdown(text, code_theme="ansi_dark"))
