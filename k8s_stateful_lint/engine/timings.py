"""Where the time of a run goes, by stage and by rule."""

from __future__ import annotations

from time import perf_counter

import msgspec


class Timings(msgspec.Struct):
    """A stopwatch with laps: each adds the seconds since the one before it to a stage.

    A lap costs a fraction of a microsecond, so that every run is timed, and told about when somebody asks.
    """

    stages: dict[str, float] = {}
    rules: dict[str, float] = {}
    _since: float = msgspec.field(default_factory=perf_counter)

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

    def table(self, rules: int = 10) -> str:
        """Seconds and shares of the stages, and the rules that took most of the time."""
        checks = sum(self.rules.values())
        stages = {**self.stages, "checks": self.stages.get("checks", 0.0) + checks}
        total = sum(stages.values()) or 1.0
        lines = [f"{seconds:8.3f} s {seconds / total:5.0%}  {stage}" for stage, seconds in stages.items()]
        slowest = sorted(self.rules.items(), key=lambda item: -item[1])[:rules]
        lines += [f"{seconds:8.3f} s {seconds / total:5.0%}    {rule}" for rule, seconds in slowest]
        return "\n".join([*lines, f"{sum(stages.values()):8.3f} s        all of it"])
