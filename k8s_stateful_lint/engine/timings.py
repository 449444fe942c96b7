"""Where the time of a run goes, by stage and by rule."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import perf_counter


@dataclass
class Timings:
    """A stopwatch with laps: each adds the seconds since the one before it to a stage.

    A lap costs a fraction of a microsecond, so that every run is timed, and told about when somebody asks.
    """

    stages: dict[str, float] = field(default_factory=dict)
    rules: dict[str, float] = field(default_factory=dict)
    _since: float = field(default_factory=perf_counter)

    def lap(self, stage: str) -> None:
        """The time since the last lap was spent in a stage."""
        self._add(self.stages, stage)

    def lap_of_rule(self, rule: str) -> None:
        """The time since the last lap was spent in a rule."""
        self._add(self.rules, rule)

    def _add(self, times: dict[str, float], name: str) -> None:
        now = perf_counter()
        times[name] = times.get(name, 0.0) + now - self._since
        self._since = now
