"""The report of the last run over an input: where nothing has changed, it is the report of this one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from k8s_stateful_lint.config import Config
from k8s_stateful_lint.engine.kept import Kept
from k8s_stateful_lint.engine.report import Notice, Report, ReportedFinding, Summary, files_shown
from k8s_stateful_lint.reading import SourceFile, digest


class _Said(msgspec.Struct, array_like=True):
    """What of a report cannot be told from the files, and the digest of those it is about."""

    about: bytes
    findings: tuple[ReportedFinding, ...]
    notices: tuple[Notice, ...]
    summary: Summary


class LastReport:
    """What the last run with a configuration said about an input."""

    def __init__(self, kept: Kept, files: Sequence[SourceFile], problems: Iterable[str]) -> None:
        """``files`` are those of this run, ``problems`` tell why others are not among them."""
        self._kept = kept
        self._files = files
        self._about = digest(msgspec.msgpack.encode([[(file.path, file.digest) for file in files], list(problems)]))

    @classmethod
    def of_input(
        cls, paths: Iterable[str], config: Config, files: Sequence[SourceFile], problems: Iterable[str]
    ) -> LastReport | None:
        """What is kept of the input that the paths name; None where nothing can be kept."""
        settings = msgspec.json.encode(config, order="deterministic").decode()
        kept = Kept.of("reports", settings, *paths)
        return cls(kept, files, problems) if kept is not None else None

    def find(self) -> Report | None:
        """The report, without a graph; None unless it is about the same files."""
        data = self._kept.load()
        try:
            said = msgspec.msgpack.decode(data, type=_Said) if data is not None else None
        except ValueError:
            return None
        if said is None or said.about != self._about:
            return None
        shown = files_shown(said.findings)
        return Report(
            findings=said.findings,
            notices=said.notices,
            summary=said.summary,
            files=tuple(file.path for file in self._files),
            sources={file.path: file for file in self._files if file.path in shown},
        )

    def keep(self, report: Report) -> None:
        """Keep a report for the next run, unless a rule failed."""
        if not report.crashes:
            self._kept.save(msgspec.msgpack.encode(_Said(self._about, report.findings, report.notices, report.summary)))
