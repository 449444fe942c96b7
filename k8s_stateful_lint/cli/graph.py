"""``graph``: what uses what."""

from __future__ import annotations

import sys
from typing import Annotated

from k8s_stateful_lint.cli.inspecting import inspect_paths
from k8s_stateful_lint.cli.options import option
from k8s_stateful_lint.cli.shared import (
    NOTHING,
    Colour,
    ConfigFile,
    NoConfig,
    Paths,
    fail,
    load_config,
    make_style,
    tell_problems,
)


def graph(
    paths: Paths = None,
    format_name: Annotated[str, option("--format", metavar="tree|mermaid|dot|json", help="How it is drawn.")] = "tree",
    focus: Annotated[
        str | None, option(metavar="KIND/NAME", help="Only what has to do with this object; or KIND/NAMESPACE/NAME.")
    ] = None,
    config_file: ConfigFile = None,
    no_config: NoConfig = False,
    color: Colour = "auto",
) -> None:
    """Show what uses what, with the problems where they are."""
    from k8s_stateful_lint.reports import graph as picture

    if format_name not in picture.FORMATS:
        fail(f"there is no format {format_name} for the graph; use one of {', '.join(picture.FORMATS)}")
    places = paths or ["."]
    report, found = inspect_paths(places, load_config(places, config_file, no_config, {}))
    tell_problems(report, quiet=False)
    try:
        sys.stdout.write(picture.render(found, report, format_name, make_style(color), focus))
    except KeyError as error:
        fail(str(error.args[0]))
    if report.linted_nothing:
        raise SystemExit(NOTHING)
