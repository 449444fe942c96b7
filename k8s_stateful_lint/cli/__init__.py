"""The command line: ``check``, ``explain``, ``rules`` and ``graph``.

Findings go to standard output, everything else to standard error. What a command needs is imported when it runs, so
that ``--version`` and ``--help`` stay quick.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from k8s_stateful_lint._about import __version__

if TYPE_CHECKING:
    from k8s_stateful_lint.config import Config
    from k8s_stateful_lint.engine.report import Report
    from k8s_stateful_lint.engine.run import Inspection
    from k8s_stateful_lint.reading import SourceFile
    from k8s_stateful_lint.reports import Style
    from k8s_stateful_lint.sources import Sources

CLEAN, FINDINGS, USAGE, CRASH, NOTHING = 0, 1, 2, 3, 4
_INTERRUPTED = 130
_NARROWEST, _WIDEST_DEFAULT = 40, 100
_MANY = 5  # notices of one kind that are told one by one
_PATIENCE = 1.0  # seconds before a progress bar appears

app = typer.Typer(
    name="k8s-stateful-lint",
    help="Lint stateful Kubernetes manifests: claims, volumes, classes, StatefulSets and the databases on them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Paths = Annotated[
    list[str] | None, typer.Argument(metavar="[PATHS]...", help="Files and directories; '-' is standard input.")
]
Colour = Annotated[str, typer.Option("--color", metavar="auto|always|never", help="Whether to colour text.")]


@app.callback(invoke_without_command=True)
def _main(
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.", is_eager=True)] = False,
) -> None:
    if version:
        _print_version()
        raise typer.Exit


@app.command()
def check(
    paths: Paths = None,
    formats: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            help="text, concise, json, sarif, github, gitlab, junit, markdown or html; "
            "repeatable, paired with --output.",
        ),
    ] = None,
    outputs: Annotated[
        list[str] | None, typer.Option("--output", metavar="FILE", help="Write the report there; '-' is stdout.")
    ] = None,
    select: Annotated[
        list[str] | None, typer.Option(metavar="RULE|FAMILY", help="Run only these; repeatable or with commas.")
    ] = None,
    ignore: Annotated[list[str] | None, typer.Option(metavar="RULE|FAMILY", help="Leave these out.")] = None,
    extend_select: Annotated[
        list[str] | None, typer.Option(metavar="RULE|FAMILY", help="Run these too, for example strict ones.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Also run the rules of the strict wave.")] = False,
    fail_on: Annotated[
        str | None, typer.Option(metavar="error|warning|info|never", help="Exit 1 from this severity on.")
    ] = None,
    environment: Annotated[
        str | None, typer.Option(metavar="NAME", help="The environment of every object, e.g. production.")
    ] = None,
    namespace: Annotated[
        str | None, typer.Option(metavar="NAME", help="The namespace of objects that write none.")
    ] = None,
    target: Annotated[
        str | None, typer.Option(metavar="X.Y|X.Y-Z.W", help="The Kubernetes version; of a range, each end is checked.")
    ] = None,
    schema: Annotated[
        str | None, typer.Option(metavar="all|modelled|off", help="What is checked against the API's schemas.")
    ] = None,
    complete: Annotated[
        bool, typer.Option("--complete", help="The input is all there is: what is missing is an error.")
    ] = False,
    config_file: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="The configuration file.")
    ] = None,
    no_config: Annotated[bool, typer.Option("--no-config", help="Use no configuration file.")] = False,
    no_ignores: Annotated[
        bool, typer.Option("--no-ignores", help="Report also what comments and annotations suppress.")
    ] = False,
    statistics: Annotated[bool, typer.Option("--statistics", help="Count findings by rule.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Also show notices and reasons.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only findings: no footer, no notices.")] = False,
    color: Colour = "auto",
) -> None:
    """Lint manifests. Exit codes: 1 findings, 2 wrong usage, 3 a rule crashed, 4 nothing to lint."""
    chosen = _formats(formats or [], outputs or [])
    places = paths or ["."]
    config = _config(
        places,
        config_file,
        no_config,
        {
            "select": _split(select),
            "ignore": _split(ignore),
            "extend-select": _split(extend_select),
            "strict": strict or None,
            "fail-on": fail_on,
            "environment": environment,
            "namespace": namespace,
            "target": target,
            "schema": schema,
            "input": {"complete": True} if complete else None,
            "ignore-comments": False if no_ignores else None,
        },
    )
    report = _lint(places, config)
    _tell_problems(report, quiet)
    for name, output in chosen:
        _write(name, output, report, color, verbose=verbose, quiet=quiet)
    if statistics:
        _print_statistics(report)
    raise typer.Exit(_exit_code(report, config))


@app.command("check-changed", hidden=True)
def check_changed(
    files: Annotated[list[str], typer.Argument(metavar="FILES...", help="The files that changed.")],
    fail_on: Annotated[
        str | None, typer.Option(metavar="error|warning|info|never", help="Exit 1 from this severity on.")
    ] = None,
    environment: Annotated[
        str | None, typer.Option(metavar="NAME", help="The environment of every object, e.g. production.")
    ] = None,
    color: Colour = "auto",
) -> None:
    """Lint the whole repository, and report what concerns the given files (for pre-commit)."""
    from k8s_stateful_lint.engine.narrow import only_files

    config = _config(["."], None, False, {"fail-on": fail_on, "environment": environment})
    report = only_files(_lint(["."], config), files)
    _tell_problems(report, quiet=True)
    _write("text", "-", report, color, verbose=False, quiet=False)
    code = _exit_code(report, config)
    raise typer.Exit(CLEAN if code == NOTHING else code)


@app.command()
def graph(
    paths: Paths = None,
    format_name: Annotated[str, typer.Option("--format", metavar="tree|mermaid|dot|json", help="How.")] = "tree",
    focus: Annotated[
        str | None, typer.Option(metavar="KIND/NAME", help="Only what has to do with this object.")
    ] = None,
    config_file: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="The configuration file.")
    ] = None,
    no_config: Annotated[bool, typer.Option("--no-config", help="Use no configuration file.")] = False,
    color: Colour = "auto",
) -> None:
    """Show what uses what: workloads, volumes, claims, classes and drivers, with the problems where they are."""
    from k8s_stateful_lint.reports import graph as picture

    if format_name not in picture.FORMATS:
        _fail(f"there is no format {format_name} for the graph; use one of {', '.join(picture.FORMATS)}")
    places = paths or ["."]
    report, found = _inspect(places, _config(places, config_file, no_config, {}))
    _tell_problems(report, quiet=False)
    try:
        sys.stdout.write(picture.render(found, report, format_name, _style(color), focus))
    except KeyError as error:
        _fail(str(error.args[0]))
    if report.linted_nothing:
        raise typer.Exit(NOTHING)


@app.command()
def explain(
    rule: Annotated[str, typer.Argument(metavar="RULE", help="A rule, or the word driver or image.")],
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Which driver or image.")] = None,
    color: Colour = "auto",
) -> None:
    """Explain a rule: why it matters, what to do, and when it is silent; or say what is known of a driver or image."""
    from k8s_stateful_lint.reports import explain as page

    try:
        text = page.page(rule, name)
    except KeyError as error:
        _fail(str(error.args[0]))
    _show_markdown(text, color)


@app.command()
def rules(
    format_name: Annotated[str, typer.Option("--format", metavar="table|json|markdown", help="How.")] = "table",
    strict: Annotated[bool, typer.Option("--strict", hidden=True)] = False,
    color: Colour = "auto",
) -> None:
    """List every rule with its family, severity and wave."""
    from k8s_stateful_lint.reports import rules as listing

    if format_name not in {"table", "json", "markdown"}:
        _fail(f"there is no format {format_name} for rules; use table, json or markdown")
    style = _style(color)
    sys.stdout.write(listing.render(format_name, style))


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the program and exit; no failure of it shows a traceback."""
    given = sys.argv[1:] if arguments is None else arguments
    if given == ["--version"]:
        # The most frequent call of all (hooks, CI) does not wait for the command line's machinery.
        _print_version()
        sys.exit(CLEAN)
    try:
        code = app(given, standalone_mode=False, prog_name="k8s-stateful-lint")
        sys.stdout.flush()
        sys.exit(code if isinstance(code, int) else CLEAN)
    except (KeyboardInterrupt, typer.Abort):
        _say("interrupted")
        sys.exit(_INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has gone (`| head`): nobody is left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(FINDINGS)
    except typer.Exit as stop:
        sys.exit(stop.exit_code)
    except SystemExit as stop:
        if stop.code == _INTERRUPTED:  # typer turns the interrupt into an exit of its own
            _say("interrupted")
        raise
    except Exception as error:
        if (message := getattr(error, "format_message", None)) is not None:  # click's usage errors
            _say(message())
            sys.exit(USAGE)
        raise


def _print_version() -> None:
    print(f"k8s-stateful-lint {__version__}")


def _say(message: str) -> None:
    print(f"k8s-stateful-lint: {message}", file=sys.stderr)


def _fail(message: str) -> NoReturn:
    _say(message)
    raise typer.Exit(USAGE)


def _split(values: list[str] | None) -> list[str] | None:
    return [part.strip() for value in values for part in value.split(",") if part.strip()] if values else None


def _formats(formats: list[str], outputs: list[str]) -> list[tuple[str, str]]:
    from k8s_stateful_lint.reports import FORMATS

    names = formats or ["text"]
    for name in names:
        if name not in FORMATS:
            _fail(f"there is no format {name}; use one of {', '.join(FORMATS)}")
    if len(outputs) > len(names):
        _fail("more --output than --format: each --output belongs to the --format at its place")
    return list(zip(names, [*outputs, *["-"] * (len(names) - len(outputs))], strict=True))


def _config(paths: list[str], file: Path | None, none: bool, given: dict[str, Any]) -> Config:
    from k8s_stateful_lint.config import ConfigError, config_from, find_config, read_config

    values: dict[str, Any] = {}
    try:
        path = None if none else file or find_config(paths)
        if path is not None:
            values = read_config(path)
        values.update({key: value for key, value in given.items() if value is not None})
        return config_from(values)
    except ConfigError as error:
        _fail(str(error))


def _lint(paths: list[str], config: Config) -> Report:
    return _inspect(paths, config).report


def _inspect(paths: list[str], config: Config) -> Inspection:
    from k8s_stateful_lint.config import ConfigError
    from k8s_stateful_lint.engine.report import Notice
    from k8s_stateful_lint.engine.run import inspect
    from k8s_stateful_lint.sources import find_sources

    sources = find_sources(paths, stdin=sys.stdin.buffer.read, exclude=config.exclude)
    # The files are read while they are linted, so what cannot be read is known at the end.
    notices = (Notice(kind="unreadable-path", message=p.message, file=p.path) for p in sources.problems)
    try:
        return inspect(_with_progress(sources), config, notices)
    except ConfigError as error:
        _fail(str(error))


def _with_progress(sources: Sources) -> Iterator[SourceFile]:
    """The files; on a terminal, with a progress bar once linting takes more than a second."""
    if not sys.stderr.isatty():
        yield from sources.files
        return
    import time

    started = time.monotonic()
    files = enumerate(sources.files, start=1)
    for _, file in files:
        yield file
        if time.monotonic() - started > _PATIENCE:
            break
    else:
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("linting"), BarColumn(), MofNCompleteColumn(), TextColumn("files"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("linting", total=len(sources.paths))
        for number, file in files:
            yield file
            progress.update(task, completed=number)


def _tell_problems(report: Report, quiet: bool) -> None:
    for kind in ("unreadable-path", "helm-template", "binary-file"):
        notices = [notice for notice in report.notices if notice.kind == kind]
        loud = kind == "unreadable-path"
        if quiet and not loud:
            continue
        shown = notices if loud or len(notices) <= _MANY else notices[: _MANY - 1]
        for notice in shown:
            _say(f"{notice.file}: {notice.message}")
        if len(shown) < len(notices):
            _say(f"{len(notices) - len(shown)} more files: {notices[-1].message}")
    for crash in report.crashes:
        _say(f"internal error, please report it: {crash}")
    if report.linted_nothing:
        _say("nothing to lint: no Kubernetes manifest was found")


def _exit_code(report: Report, config: Config) -> int:
    if report.crashes:
        return CRASH
    if any(notice.kind == "unreadable-path" for notice in report.notices):
        return USAGE
    if config.fail_on != "never" and report.at_least(config.fail_on):
        return FINDINGS
    return NOTHING if report.linted_nothing else CLEAN


def _style(color: str, *, verbose: bool = False, quiet: bool = False, to_terminal: bool = True) -> Style:
    from k8s_stateful_lint.reports import Style

    if color not in {"auto", "always", "never"}:
        _fail(f"--color is auto, always or never, not {color}")
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


def _write(name: str, output: str, report: Report, color: str, *, verbose: bool, quiet: bool) -> None:
    from k8s_stateful_lint.reports import render

    text = render(name, report, _style(color, verbose=verbose, quiet=quiet, to_terminal=output == "-"))
    if output == "-":
        sys.stdout.write(text)
        return
    try:
        Path(output).write_text(text, encoding="utf-8")
    except OSError as error:
        _fail(f"cannot write {output}: {error.strerror}")


def _print_statistics(report: Report) -> None:
    from collections import Counter

    counts = Counter((finding.rule, finding.severity) for finding in report.findings)
    for (rule, severity), number in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        print(f"{number:6}  {severity:8} {rule}", file=sys.stderr)


def _show_markdown(text: str, color: str) -> None:
    style = _style(color)
    if not style.colour:
        sys.stdout.write(text)
        return
    from rich.console import Console
    from rich.markdown import Markdown

    console = Console(width=min(style.width, _WIDEST_DEFAULT), force_terminal=True, emoji=False, highlight=False)
    console.print(Markdown(text, code_theme="ansi_dark"))
