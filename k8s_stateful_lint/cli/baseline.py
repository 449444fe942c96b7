"""``baseline``: findings that wait, so that a gate can be closed to new ones today."""

from __future__ import annotations

import json
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

from k8s_stateful_lint.cli.inspecting import inspect_paths
from k8s_stateful_lint.cli.options import option
from k8s_stateful_lint.cli.shared import (
    CRASH,
    NOTHING,
    USAGE,
    Colour,
    Complete,
    ConfigFile,
    EnvironmentName,
    Helm,
    Kustomize,
    NoConfig,
    Paths,
    Strict,
    exit_code,
    fail,
    load_settings,
    make_style,
    say,
    tell_problems,
)
from k8s_stateful_lint.cli.waiting import baseline_path, read

if TYPE_CHECKING:
    from k8s_stateful_lint.config.files import Loaded
    from k8s_stateful_lint.engine.baseline import Entry
    from k8s_stateful_lint.engine.report import Report

BaselineFile = Annotated[
    Path | None,
    option("--baseline", metavar="FILE", help="The baseline; by default the one beside the configuration."),
]


def create(
    paths: Paths = None,
    output: Annotated[
        Path | None, option(metavar="FILE", help="Where to; by default beside the configuration.")
    ] = None,
    reason: Annotated[str, option(metavar="TEXT", help="Why these findings wait.")] = "",
    expires: Annotated[str | None, option(metavar="YYYY-MM-DD", help="Until when they wait.")] = None,
    force: Annotated[bool, option("--force", help="Replace a baseline that is there.")] = False,
    strict: Strict = False,
    environment: EnvironmentName = None,
    complete: Complete = False,
    kustomize: Kustomize = False,
    helm: Helm = False,
    config_file: ConfigFile = None,
    no_config: NoConfig = False,
) -> None:
    """Write every present finding into a baseline."""
    from k8s_stateful_lint.cli.files import write_file
    from k8s_stateful_lint.engine.baseline import created

    until = _date(expires) if expires else None
    loaded, report = _inspect(paths, config_file, no_config, strict, environment, complete, kustomize, helm)
    path = output or baseline_path(paths or ["."], loaded)
    if path.exists() and not force:
        fail(f"{path} is there already: `baseline update` brings it up to date, --force replaces it")
    baseline = created(report, path, reason=reason, expires=until)
    write_file(path, [baseline.text()])
    say(f"{path}: {_count(len(baseline.written))}")


def update(
    paths: Paths = None,
    baseline_file: BaselineFile = None,
    only_remove: Annotated[
        bool, option("--only-remove", help="Take out what was mended, and let nothing new in.")
    ] = False,
    strict: Strict = False,
    environment: EnvironmentName = None,
    complete: Complete = False,
    kustomize: Kustomize = False,
    helm: Helm = False,
    config_file: ConfigFile = None,
    no_config: NoConfig = False,
) -> None:
    """Bring a baseline up to date; reasons, dates and comments stay."""
    from k8s_stateful_lint.cli.files import write_file
    from k8s_stateful_lint.engine import baseline as baselines
    from k8s_stateful_lint.engine.policy import Policy

    loaded, report = _inspect(paths, config_file, no_config, strict, environment, complete, kustomize, helm)
    baseline = read(baseline_file or _existing(paths or ["."], loaded))
    change = baselines.update(baseline, report, Policy(loaded.config).chosen, only_remove=only_remove)
    write_file(baseline.path, [baseline.text()])
    say(f"{baseline.path}: {change.added} added, {change.removed} removed, {change.kept} kept")


def show(
    paths: Paths = None,
    baseline_file: BaselineFile = None,
    format_name: Annotated[str, option("--format", metavar="text|json", help="How it is shown.")] = "text",
    config_file: ConfigFile = None,
    no_config: NoConfig = False,
    color: Colour = "auto",
) -> None:
    """Show what waits, why, and until when."""
    if format_name not in {"text", "json"}:
        fail(f"there is no format {format_name} for a baseline; use text or json")
    style = make_style(color)
    path = baseline_file
    if path is None:
        places = paths or ["."]
        path = _existing(places, load_settings(places, config_file, no_config, {}))
    baseline = read(path)
    if format_name == "json":
        print(json.dumps([_plain(entry) for entry in baseline.entries], indent=2))
        return
    from k8s_stateful_lint.reports.text import paint

    file = None
    for entry in sorted(baseline.entries, key=lambda entry: entry.order):
        if entry.file != file:
            file = entry.file
            print(paint(file, "bold", style))
        print(f"  {entry.rule}")
        for detail in (entry.object, entry.path):
            if detail:
                print(f"    {paint(detail, 'dim', style)}")
        if entry.reason:
            print(f"    reason: {entry.reason}")
        if entry.expires is not None:
            is_over = entry.is_expired(date.today())
            text = f"{'expired' if is_over else 'expires'} {entry.expires.isoformat()}"
            print(f"    {paint(text, 'warning' if is_over else 'dim', style)}")
    expired = sum(entry.is_expired(date.today()) for entry in baseline.entries)
    sys.stdout.write(f"{_count(len(baseline.entries))}" + (f", {expired} expired" if expired else "") + "\n")


def _inspect(
    paths: list[str] | None,
    config_file: Path | None,
    no_config: bool,
    strict: bool,
    environment: str | None,
    complete: bool,
    kustomize: bool,
    helm: bool,
) -> tuple[Loaded, Report]:
    places = paths or ["."]
    given = {
        "strict": strict or None,
        "environment": environment,
        "input": {"complete": True} if complete else None,
    }
    loaded = load_settings(places, config_file, no_config, given)
    report = inspect_paths(places, loaded.config, kustomize=kustomize, helm=helm).report
    tell_problems(report, quiet=True)
    code = exit_code(report, loaded.config)
    if code in (CRASH, USAGE, NOTHING):
        _stop(code)
    return loaded, report


def _stop(code: int) -> NoReturn:
    say("the baseline stays as it was: not everything could be linted")
    raise SystemExit(code)


def _existing(paths: list[str], loaded: Loaded) -> Path:
    path = baseline_path(paths, loaded)
    if not path.is_file():
        fail(f"there is no baseline {path}: `k8s-stateful-lint baseline create` makes one")
    return path


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        fail(f"--expires is a date such as 2030-12-31, not {text}")


def _plain(entry: Entry) -> dict[str, object]:
    import msgspec

    values: dict[str, object] = msgspec.to_builtins(entry)
    return {key: value for key, value in values.items() if value not in ("", None)}


def _count(number: int) -> str:
    return f"{number} finding{'' if number == 1 else 's'} wait{'s' if number == 1 else ''}"
