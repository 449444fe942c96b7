"""``compare``: what changes between two revisions, and what that does to the data."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Annotated

import msgspec

from k8s_stateful_lint.cli.inspecting import read_stdin
from k8s_stateful_lint.cli.options import Argument, option
from k8s_stateful_lint.cli.shared import (
    CLEAN,
    NOTHING,
    Colour,
    ConfigFile,
    EnvironmentName,
    FactsFile,
    FailOn,
    Formats,
    NamespaceName,
    NoConfig,
    NoIgnores,
    Outputs,
    Quiet,
    Verbose,
    exit_code,
    fail,
    load_config,
    output_formats,
    say,
    split_names,
    tell_problems,
    write_reports,
)

if TYPE_CHECKING:
    from k8s_stateful_lint.config import Config
    from k8s_stateful_lint.engine.compare import Side
    from k8s_stateful_lint.engine.report import Report
    from k8s_stateful_lint.revisions import Revision


def compare(
    arguments: Annotated[
        list[str] | None,
        Argument(
            metavar="OLD NEW | A..B | PATHS",
            help="Two directories, files, archives, git revisions or '-'; or a range of git and paths in it.",
        ),
    ] = None,
    base: Annotated[
        str | None, option("--from", metavar="REVISION", help="Compare the working tree with this git revision.")
    ] = None,
    staged: Annotated[bool, option("--staged", help="Compare what is staged with HEAD.")] = False,
    kustomize: Annotated[
        bool, option("--kustomize", help="Build every overlay of both revisions, and compare what comes of it.")
    ] = False,
    helm: Annotated[
        bool, option("--helm", help="Render every chart of both revisions, with each of its files of values.")
    ] = False,
    formats: Formats = None,
    outputs: Outputs = None,
    select: Annotated[list[str] | None, option(metavar="RULE", help="Run only these; repeatable.")] = None,
    ignore: Annotated[list[str] | None, option(metavar="RULE", help="Leave these out.")] = None,
    fail_on: FailOn = None,
    environment: EnvironmentName = None,
    namespace: NamespaceName = None,
    target: Annotated[
        str | None, option(metavar="X.Y|X.Y-Z.W", help="The Kubernetes version whose answers are told.")
    ] = None,
    cluster_facts: FactsFile = None,
    config_file: ConfigFile = None,
    no_config: NoConfig = False,
    no_ignores: NoIgnores = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
    color: Colour = "auto",
) -> None:
    """Compare two revisions, and tell what happens to the data.

    What the API server will refuse, what is lost, hidden or left behind, and the commands that make it safe.
    Exit codes as in check: 1 findings, 2 wrong usage or a revision that is not there, 4 nothing to compare.
    """
    from k8s_stateful_lint.revisions import RevisionError, Wanted, read_revisions

    chosen = output_formats(formats or [], outputs or [])
    wanted = Wanted(arguments or (), base, staged, stdin=read_stdin)
    given = {
        "select": split_names(select),
        "ignore": split_names(ignore),
        "fail-on": fail_on,
        "environment": environment,
        "namespace": namespace,
        "target": target,
        "cluster-facts": cluster_facts,
        "ignore-comments": False if no_ignores else None,
    }
    config = load_config([wanted.place], config_file, no_config, given)
    try:
        old, new = read_revisions(msgspec.structs.replace(wanted, exclude=config.exclude, on_disk=kustomize or helm))
    except RevisionError as error:
        fail(str(error))
    try:
        report = _compared(old, new, config, kustomize=kustomize, helm=helm)
    finally:
        old.close()
        new.close()
    tell_problems(report, quiet)
    _tell_empty_side(old, new)
    write_reports(chosen, report, color, verbose=verbose, quiet=quiet)
    code = exit_code(report, config)
    # A hook on a commit that touches no manifest has nothing to say.
    raise SystemExit(CLEAN if staged and code == NOTHING else code)


def _compared(old: Revision, new: Revision, config: Config, *, kustomize: bool, helm: bool) -> Report:
    from k8s_stateful_lint.config import ConfigError
    from k8s_stateful_lint.engine import compare as engine
    from k8s_stateful_lint.engine.report import Notice
    from k8s_stateful_lint.graph.facts import read_facts

    sides = []
    for revision in (old, new):
        notices = [Notice(kind="unreadable-path", message=p.message, file=p.path) for p in revision.problems]
        side = engine.Side(revision.name, revision.files, notices)
        if kustomize or helm:
            is_old = revision is old
            side = _rendered(side, revision, config, kustomize=kustomize, helm=helm, is_old=is_old)
        sides.append(side)
    try:
        cluster = read_facts(config.cluster_facts) if config.cluster_facts is not None else None
        return engine.compare(sides[0], sides[1], config, cluster)
    except ConfigError as error:
        fail(str(error))


def _rendered(side: Side, revision: Revision, config: Config, *, kustomize: bool, helm: bool, is_old: bool) -> Side:
    """A side with its overlays and charts rendered, where its files are on the disk."""
    from k8s_stateful_lint.engine.builds import notices_of
    from k8s_stateful_lint.rendering import Files, render
    from k8s_stateful_lint.schema import targets_of

    if revision.folder is None:
        say(f"{revision.name}: only directories and git revisions are rendered")
        return side
    folder = revision.folder.resolve()
    # Programs that build are run where the paths of the files begin.
    with contextlib.chdir(folder):
        rendering = render(
            [file.path for file in revision.files],
            kustomize=kustomize,
            helm=helm,
            namespace=config.namespace,
            version=targets_of(config)[-1],
            files=Files(folder, revision.prefix, revision.name if is_old else ""),
        )
    told = [notice for notice in notices_of(rendering) if notice.kind != "nothing-to-render"]
    return msgspec.structs.replace(side, notices=[*side.notices, *told], rendering=rendering)


def _tell_empty_side(old: Revision, new: Revision) -> None:
    if old.files and not new.files:
        say(f"{new.name} holds no manifest: everything in {old.name} counts as removed")
    elif new.files and not old.files:
        say(f"{old.name} holds no manifest: everything in {new.name} is new, so there is nothing to compare")
