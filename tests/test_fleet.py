"""Many roots: each is reported exactly once, also where a process dies on the way."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from k8s_stateful_lint import Config, fleet, lint, lint_many
from k8s_stateful_lint.config import ConfigError
from k8s_stateful_lint.fleet import RootReport
from tests.manifests import RECYCLE


@pytest.fixture
def roots(tmp_path: Path) -> list[str]:
    found = []
    for number in range(12):
        root = tmp_path / f"repository-{number}"
        root.mkdir()
        (root / "pv.yaml").write_text(RECYCLE.replace("archive", f"archive-{number}"))
        found.append(str(root))
    return found


def check(results: Iterator[RootReport], roots: list[str]) -> None:
    by_root: dict[str, RootReport] = {}
    for result in results:
        assert result.root not in by_root
        by_root[result.root] = result
    assert by_root.keys() == set(roots)
    for root, result in by_root.items():
        assert result.error is None
        assert result.report is not None
        assert result.report.findings == lint(root).findings
        assert [finding.rule for finding in result.report.findings] == ["recycle-reclaim-policy"]


def test_every_root_is_reported_once(roots: list[str]) -> None:
    check(lint_many(roots + roots[:3]), roots)


def test_any_executor_will_do(roots: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet, "IN_FLIGHT", 2)
    with ThreadPoolExecutor(2) as threads:
        check(lint_many(roots, executor=threads), roots)
    with ProcessPoolExecutor(1) as processes:
        check(lint_many(roots, executor=processes), roots)


def test_a_wrong_configuration_is_told_at_once(roots: list[str]) -> None:
    with pytest.raises(ConfigError):
        next(lint_many(roots, config=Config(select=("no-such-rule",))))


def test_a_root_that_fails_takes_no_other_with_it(roots: list[str]) -> None:
    class Refusing(Executor):
        def submit(self, call: Any, root: str, config: Config) -> Future[Any]:  # type: ignore[override]
            future: Future[Any] = Future()
            if root.endswith("-3"):
                future.set_exception(RuntimeError("no disk"))
            else:
                future.set_result(call(root, config))
            return future

    results = {result.root: result for result in lint_many(roots, executor=Refusing())}
    assert results.keys() == set(roots)
    assert [result.error for result in results.values() if result.error] == ["RuntimeError: no disk"]


def die_once(root: str, config: Config) -> Any:
    flag = Path(root, "died")
    if root.endswith("-5") and not flag.exists():
        flag.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return lint(root, config=config)


def test_processes_survive_the_death_of_one(roots: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet, "_lint_root", die_once)
    results = {result.root: result for result in lint_many(roots)}
    assert results.keys() == set(roots)
    assert Path(roots[5], "died").exists()
    assert [result.error for result in results.values()] == [None] * len(roots)


def die_always(root: str, config: Config) -> Any:
    if root.endswith("-5"):
        os.kill(os.getpid(), signal.SIGKILL)
    return lint(root, config=config)


def test_only_the_root_that_kills_its_process_has_no_report(roots: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet, "_lint_root", die_always)
    results = {result.root: result for result in lint_many(roots)}
    assert results.keys() == set(roots)
    assert {root: result.error for root, result in results.items() if result.error} == {roots[5]: fleet._LOST}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_dask_cluster_survives_the_death_of_a_worker(roots: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(fleet, "_lint_root", die_once)
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
        client.get_executor(pure=False) as executor,
    ):
        check(lint_many(roots, executor=executor), roots)
    assert Path(roots[5], "died").exists()
