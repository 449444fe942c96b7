"""From the paths on the command line to a report: files are found, read and linted, and what is kept is used."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING

from k8s_stateful_lint.cli.shared import fail

if TYPE_CHECKING:
    from k8s_stateful_lint.config import Config
    from k8s_stateful_lint.engine.report import Notice, Report
    from k8s_stateful_lint.engine.run import Inspection
    from k8s_stateful_lint.engine.timings import Timings
    from k8s_stateful_lint.reading import SourceFile
    from k8s_stateful_lint.rendering import Rendering
    from k8s_stateful_lint.sources import Sources

CACHED_FILES = 500  # an input of more files is kept from run to run, unless somebody says otherwise
_PATIENCE = 1.0  # seconds before a progress bar appears


def read_stdin() -> bytes:
    """Standard input, no more of it than is too much.

    Raises:
        OSError: there is none, or it cannot be read.

    """
    from k8s_stateful_lint.sources import LARGEST

    if sys.stdin is None:
        raise OSError("it is closed")
    return sys.stdin.buffer.read(LARGEST + 1)


def lint_paths(
    paths: list[str], config: Config, *, timings: Timings | None = None, cache: bool | None = None, jobs: int = 1
) -> Report:
    """The report of `inspect_paths`, for those who need no graph.

    Where an input is kept and the last run has seen the same files, it is that run's report.
    """
    sources = _find(paths, config, timings)
    # The facts of a cluster are not among the files that are compared.
    if not _is_kept(sources, cache) or config.cluster_facts is not None:
        return _inspect(paths, config, sources, sources.files, timings=timings, cache=cache, jobs=jobs).report
    from k8s_stateful_lint.engine.last_report import LastReport

    files = list(_with_progress("reading", sources.files, len(sources.paths)))
    if timings is not None:
        timings.lap("open")
    last = LastReport.of_input(paths, config, files, (problem.message for problem in sources.problems))
    report = last.find() if last is not None else None
    if timings is not None:
        timings.lap("cache")
    if report is None:
        report = _inspect(paths, config, sources, files, timings=timings, cache=cache, jobs=jobs).report
        if last is not None:
            last.keep(report)
    return report


def inspect_paths(
    paths: list[str],
    config: Config,
    *,
    kustomize: bool = False,
    helm: bool = False,
    render_only: tuple[str, ...] = (),
    timings: Timings | None = None,
    cache: bool | None = None,
    jobs: int = 1,
) -> Inspection:
    """Read and lint the files that the paths name, with their overlays and charts rendered if that is wanted.

    What was read is kept for the next run where ``cache`` says so, and of large inputs where it is None.
    """
    sources = _find(paths, config, timings)
    rendering: Rendering | None = None
    if kustomize or helm:
        from k8s_stateful_lint.rendering import render
        from k8s_stateful_lint.schema import targets_of

        rendering = render(
            sources.paths,
            kustomize=kustomize,
            helm=helm,
            only=render_only,
            namespace=config.namespace,
            version=targets_of(config)[-1],
        )
    return _inspect(paths, config, sources, sources.files, rendering, timings=timings, cache=cache, jobs=jobs)


def _find(paths: list[str], config: Config, timings: Timings | None) -> Sources:
    from k8s_stateful_lint.sources import find_sources

    sources = find_sources(
        paths, stdin=read_stdin, exclude=config.exclude, relative=config.relative, without=config.not_linted
    )
    if timings is not None:
        timings.lap("walk")
    return sources


def _is_kept(sources: Sources, cache: bool | None) -> bool:
    return cache or (cache is None and len(sources.paths) > CACHED_FILES)


def _inspect(
    paths: list[str],
    config: Config,
    sources: Sources,
    files: Iterable[SourceFile],
    rendering: Rendering | None = None,
    *,
    timings: Timings | None,
    cache: bool | None,
    jobs: int,
) -> Inspection:
    """Lint the files of the sources, as they come."""
    from k8s_stateful_lint.config import ConfigError
    from k8s_stateful_lint.engine.report import Notice
    from k8s_stateful_lint.engine.run import inspect
    from k8s_stateful_lint.graph.facts import read_facts

    kept = None
    if _is_kept(sources, cache):
        from k8s_stateful_lint.engine.cache import Cache

        kept = Cache.of_input(paths, config.schema)
    # The files are read while they are linted, so what cannot be read is known at the end.
    notices: Iterable[Notice] = (
        Notice(kind="unreadable-path", message=p.message, file=p.path) for p in sources.problems
    )
    if rendering is not None:
        from k8s_stateful_lint.engine.builds import notices_of

        notices = chain(notices, notices_of(rendering))
    try:
        return inspect(
            _with_progress("linting", files, len(sources.paths)),
            config,
            notices,
            rendering=rendering,
            timings=timings,
            cache=kept,
            cluster=read_facts(config.cluster_facts) if config.cluster_facts is not None else None,
            jobs=jobs,
        )
    except ConfigError as error:
        fail(str(error))


def _with_progress(doing: str, files: Iterable[SourceFile], total: int) -> Iterator[SourceFile]:
    """The files; on a terminal, with a progress bar once they take more than a second."""
    if not sys.stderr.isatty():
        yield from files
        return
    import time

    started = time.monotonic()
    numbered = enumerate(files, start=1)
    for _, file in numbered:
        yield file
        if time.monotonic() - started > _PATIENCE:
            break
    else:
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn(doing), BarColumn(), MofNCompleteColumn(), TextColumn("files"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(doing, total=total)
        for number, file in numbered:
            yield file
            progress.update(task, completed=number)
