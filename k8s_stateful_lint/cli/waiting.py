"""The baseline that a command uses: where it is, and what it lets wait."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from k8s_stateful_lint.cli.shared import fail

if TYPE_CHECKING:
    from k8s_stateful_lint.config.files import Loaded
    from k8s_stateful_lint.engine.baseline import Baseline
    from k8s_stateful_lint.engine.report import Report


def baseline_path(paths: list[str], loaded: Loaded) -> Path:
    """Where the baseline is: what the configuration says, else beside the configuration, else the current folder."""
    from k8s_stateful_lint.config.files import find_file, shown
    from k8s_stateful_lint.sources import BASELINE_NAME

    if loaded.config.baseline is not None:
        return Path(loaded.config.baseline)
    if loaded.folder is not None:
        return Path(shown(loaded.folder / BASELINE_NAME))
    found = find_file(BASELINE_NAME, paths)
    return Path(shown(found)) if found is not None else Path(BASELINE_NAME)


def with_baseline(report: Report, paths: list[str], loaded: Loaded, file: Path | None, *, search: bool) -> Report:
    """The report without what waits in the baseline that was named, or that is there."""
    named = file or (Path(loaded.config.baseline) if loaded.config.baseline is not None else None)
    path = named or baseline_path(paths, loaded)
    if named is None and not (search and path.is_file()):
        return report
    from datetime import date

    from k8s_stateful_lint.engine.baseline import apply
    from k8s_stateful_lint.engine.policy import Policy

    return apply(report, read(path), Policy(loaded.config).chosen, date.today())


def read(path: Path) -> Baseline:
    """Read a baseline; what is none ends the command."""
    from k8s_stateful_lint.config import ConfigError
    from k8s_stateful_lint.engine.baseline import read_baseline

    try:
        return read_baseline(path)
    except ConfigError as error:
        fail(str(error))
