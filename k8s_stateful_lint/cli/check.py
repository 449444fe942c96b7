"""``check``, and the hidden ``check-changed`` that a pre-commit hook calls."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from k8s_stateful_lint.cli.inspecting import inspect_paths, lint_paths
from k8s_stateful_lint.cli.options import Argument, option
from k8s_stateful_lint.cli.shared import (
    CLEAN,
    NOTHING,
    Colour,
    Complete,
    ConfigFile,
    EnvironmentName,
    ExtendSelect,
    FactsFile,
    FailOn,
    Formats,
    Helm,
    Ignore,
    Kustomize,
    NamespaceName,
    NoConfig,
    NoIgnores,
    Outputs,
    Paths,
    Quiet,
    Select,
    Strict,
    Target,
    Verbose,
    exit_code,
    fail,
    load_settings,
    output_formats,
    print_statistics,
    split_names,
    tell_problems,
    write_reports,
)
from k8s_stateful_lint.cli.waiting import with_baseline

if TYPE_CHECKING:
    from k8s_stateful_lint.graph import Graph


def check(
    paths: Paths = None,
    formats: Formats = None,
    outputs: Outputs = None,
    select: Select = None,
    ignore: Ignore = None,
    extend_select: ExtendSelect = None,
    strict: Strict = False,
    fail_on: FailOn = None,
    environment: EnvironmentName = None,
    namespace: NamespaceName = None,
    kustomize: Kustomize = False,
    helm: Helm = False,
    render_only: Annotated[
        list[str] | None, option(metavar="DIR", help="Render only these overlays and charts; globs, repeatable.")
    ] = None,
    target: Target = None,
    schema: Annotated[
        str | None, option(metavar="all|modelled|off", help="What is checked against the API's schemas.")
    ] = None,
    complete: Complete = False,
    cluster_facts: FactsFile = None,
    config_file: ConfigFile = None,
    no_config: NoConfig = False,
    baseline_file: Annotated[
        Path | None, option("--baseline", metavar="FILE", help="Findings that wait; see `baseline`.")
    ] = None,
    no_baseline: Annotated[bool, option("--no-baseline", help="Report also what waits in a baseline.")] = False,
    changed_since: Annotated[
        str | None, option(metavar="GITREF", help="Report only what concerns files changed since this commit.")
    ] = None,
    no_ignores: NoIgnores = False,
    statistics: Annotated[bool, option("--statistics", help="Count findings by rule.")] = False,
    cache: Annotated[
        bool | None, option("--cache/--no-cache", help="Keep what was read and found; of more than 500 files it is.")
    ] = None,
    jobs: Annotated[int, option(metavar="N", help="How many processes read files and run rules.")] = 1,
    timings: Annotated[bool, option("--timings", help="Tell where the time went, by stage and rule.")] = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
    color: Colour = "auto",
) -> None:
    """Lint manifests. Exit codes: 1 findings, 2 wrong usage, 3 a rule crashed, 4 nothing to lint."""
    from k8s_stateful_lint.engine.timings import Timings
    from k8s_stateful_lint.reports import DRAWING

    clock = Timings()
    chosen = output_formats(formats or [], outputs or [])
    places = paths or ["."]
    loaded = load_settings(
        places,
        config_file,
        no_config,
        {
            "select": split_names(select),
            "ignore": split_names(ignore),
            "extend-select": split_names(extend_select),
            "strict": strict or None,
            "fail-on": fail_on,
            "environment": environment,
            "namespace": namespace,
            "target": target,
            "schema": schema,
            "input": {"complete": True} if complete else None,
            "cluster-facts": cluster_facts,
            "ignore-comments": False if no_ignores else None,
        },
    )
    if render_only and not (kustomize or helm):
        fail("--render-only says what --kustomize or --helm render: give one of them, too")
    if jobs < 1:
        fail("--jobs is a number of processes, 1 or more")
    only = tuple(render_only or ())
    config = loaded.config
    clock.lap("start")
    graph: Graph | None = None
    if kustomize or helm or changed_since is not None or any(name in DRAWING for name, _ in chosen):
        report, graph = inspect_paths(
            places, config, kustomize=kustomize, helm=helm, render_only=only, timings=clock, cache=cache, jobs=jobs
        )
    else:
        report = lint_paths(places, config, timings=clock, cache=cache, jobs=jobs)
    if not no_baseline:
        report = with_baseline(report, places, loaded, baseline_file, search=not no_config)
    if changed_since is not None and graph is not None:
        from k8s_stateful_lint.cli.changes import only_changed

        report = only_changed(report, graph, changed_since, quiet=quiet)
    tell_problems(report, quiet)
    write_reports(chosen, report, color, verbose=verbose, quiet=quiet)
    clock.lap("report")
    if timings:
        print(clock.table(), file=sys.stderr)
    if statistics:
        print_statistics(report)
    raise SystemExit(exit_code(report, config))


def check_changed(
    files: Annotated[list[str], Argument(metavar="FILES", help="The files that changed.")],
    fail_on: FailOn = None,
    environment: EnvironmentName = None,
    color: Colour = "auto",
) -> None:
    """Lint the whole repository, and report what concerns the given files (for pre-commit)."""
    from k8s_stateful_lint.engine.narrow import only_files

    loaded = load_settings(["."], None, False, {"fail-on": fail_on, "environment": environment})
    config = loaded.config
    report = with_baseline(lint_paths(["."], config), ["."], loaded, None, search=True)
    report = only_files(report, files)
    tell_problems(report, quiet=True)
    write_reports([("text", "-")], report, color, verbose=False, quiet=False)
    code = exit_code(report, config)
    raise SystemExit(CLEAN if code == NOTHING else code)
