"""Many repositories at once: each is linted by itself, by whatever runs tasks.

>>> from k8s_stateful_lint import lint_many
>>> for result in lint_many(["repositories/shop", "repositories/billing"]):  # doctest: +SKIP
...     print(result.root, result.error or len(result.report.findings))
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait

import msgspec

from k8s_stateful_lint.api import lint
from k8s_stateful_lint.config import Config
from k8s_stateful_lint.engine.report import Report

IN_FLIGHT = 1000
"""How many roots are with the executor at a time: enough for any cluster, and few enough for our memory."""
_TOGETHER = 2
"""How often roots share processes that die before each of them gets a process of its own."""


class RootReport(msgspec.Struct, frozen=True):
    """The outcome for one root: a report, or the reason why there is none."""

    root: str
    report: Report | None
    error: str | None


def lint_many(
    roots: Iterable[str | os.PathLike[str]], *, config: Config | None = None, executor: Executor | None = None
) -> Iterator[RootReport]:
    """Lint directories (or files) independently of each other; every root is reported exactly once, as it gets done.

    Reports come without their storage graphs, which are large and stay where they were made.

    Args:
        roots: One input each, as paths that mean the same where the tasks run. A root that is named twice is linted
            once.
        config: Facts and choices for all of them; the defaults where it is None.
        executor: Runs the tasks, for example a Dask cluster's (``client.get_executor()``); the caller shuts it down.
            Where it is None, as many processes as there are processors, which survive the loss of one of them.

    Raises:
        ConfigError: the configuration names a rule, an option or a version that does not exist.

    """
    settings = config or Config()
    _refuse_wrong(settings)
    several = dict.fromkeys(os.fspath(root) for root in roots)
    if executor is not None:
        yield from _run(several, settings, executor)
        return
    left = list(several)
    for _ in range(_TOGETHER):
        lost = []
        with ProcessPoolExecutor() as processes:
            for result in _run(left, settings, processes):
                if result.error == _LOST:
                    lost.append(result.root)
                else:
                    yield result
        left = lost
    # Nobody knows whose fault the dead processes were: alone, each is its own.
    for root in left:
        with ProcessPoolExecutor(1) as process:
            yield from _run([root], settings, process)


_LOST = "the process that linted it died"


def _run(roots: Iterable[str], config: Config, executor: Executor) -> Iterator[RootReport]:
    waiting = iter(roots)
    pending: dict[Future[Report], str] = {}
    while True:
        for root in waiting:
            try:
                pending[executor.submit(_lint_root, root, config)] = root
            except BrokenExecutor:
                yield RootReport(root, None, _LOST)
            if len(pending) >= IN_FLIGHT:
                break
        if not pending:
            return
        done, _ = wait(pending, return_when=FIRST_COMPLETED)
        for future in done:
            yield _outcome(pending.pop(future), future)


def _outcome(root: str, future: Future[Report]) -> RootReport:
    try:
        return RootReport(root, future.result(), None)
    except BrokenExecutor:
        return RootReport(root, None, _LOST)
    except Exception as error:
        return RootReport(root, None, f"{type(error).__name__}: {error}")


def _lint_root(root: str, config: Config) -> Report:
    return msgspec.structs.replace(lint(root, config=config), graph=None)


def _refuse_wrong(config: Config) -> None:
    """Find mistakes here, and not ten thousand times elsewhere."""
    lint([], config=config)
