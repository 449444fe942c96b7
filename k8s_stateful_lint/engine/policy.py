"""Which rules run, with which options, and how severe what they find is: what the configuration makes of the cards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from k8s_stateful_lint.config import ENVIRONMENTS, Config, ConfigError, Problem, RuleSettings, Severity, SeverityOrOff
from k8s_stateful_lint.engine.cards import Head, heads
from k8s_stateful_lint.engine.catalogue import canonical, unknown_rule
from k8s_stateful_lint.sources import matches_path

if TYPE_CHECKING:
    from k8s_stateful_lint.graph import Node

_Rules = Mapping[str, SeverityOrOff | RuleSettings]
_TYPES: dict[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a string",
    list: "a list of strings",
}


class _Override(msgspec.Struct, frozen=True):
    """Settings of one rule for some places."""

    paths: tuple[str, ...]
    environments: tuple[str, ...]
    settings: RuleSettings

    def applies(self, path: str, environment: str) -> bool:
        return (not self.paths or matches_path(path, self.paths)) and (
            not self.environments or environment in self.environments
        )


def validate(config: Config) -> None:
    """Find out before any file is read whether a run with this configuration can begin.

    Raises:
        ConfigError: it names something that does not exist: a rule, an option, an environment, a version, a table.

    """
    from k8s_stateful_lint.graph.graph import tables_of
    from k8s_stateful_lint.schema import targets_of

    Policy(config)
    targets_of(config)
    tables_of(config)


class Policy:
    """The configuration as rules see it."""

    def __init__(self, config: Config) -> None:
        """Take a configuration.

        Raises:
            ConfigError: it names a rule, an option or an environment that does not exist; the text names the nearest.

        """
        problems = list(_problems(config))
        if problems:
            raise ConfigError.of(problems)
        self.config = config
        self._rules = _expanded(config.rules)
        self._options: dict[str, Mapping[str, Any]] = {}
        self._overrides: dict[str, list[_Override]] = {}
        for override in config.overrides:
            for name, settings in _expanded(override.rules).items():
                entry = _Override(override.paths, override.environments, settings)
                self._overrides.setdefault(name, []).append(entry)

    @cached_property
    def everywhere(self) -> frozenset[str]:
        """The rules that run where no override says otherwise: waves, then selection, then what is switched off."""
        config = self.config
        chosen = _named(config.select) if config.select else set(self._in_waves)
        chosen |= _named(config.extend_select)
        switched_on = set() if config.select else _switched_on(config.rules)
        for name, settings in self._rules.items():
            if settings.severity == "off":
                chosen.discard(name)
            elif name in switched_on:
                chosen.add(name)
        return frozenset(chosen - _named(config.ignore))

    @cached_property
    def _in_waves(self) -> frozenset[str]:
        waves = {"core", "full", "strict"} if self.config.strict else {"core", "full"}
        return frozenset(head.name for head in heads().values() if head.wave in waves)

    @cached_property
    def chosen(self) -> frozenset[str]:
        """The rules that run at all."""
        if self.config.select:
            return self.everywhere
        added = {name for override in self.config.overrides for name in _switched_on(override.rules)}
        # A family switches on those of its rules that run by default.
        added |= self._in_waves & {
            name
            for name, overrides in self._overrides.items()
            if any(entry.settings.severity not in (None, "off") for entry in overrides)
        }
        return self.everywhere | (added - _named(self.config.ignore))

    def options(self, head: Head, owner: Node) -> Mapping[str, Any]:
        """The options of a rule for an object: the card's defaults, and over them the configuration's."""
        found = self._options.get(head.name)
        if found is None:
            found = self._options[head.name] = {**head.options, **self._settings(head.name).options}
        for entry in self._overrides.get(head.name, ()):
            if entry.applies(self.config.relative(owner.resource.path), owner.environment.name):
                found = {**found, **entry.settings.options}
        return found

    def severity(self, head: Head, natural: Severity, files: tuple[str, ...], environment: str) -> Severity | None:
        """How severe a finding is, given what it is by nature and the files it is in; None where it is none.

        A finding is in two files where a build made the object of one from another.
        """
        name = head.name
        if name not in self.chosen:
            return None
        settings = self._settings(name)
        wanted = settings.severity if name in self.everywhere else "off"
        if name not in self._overrides and not settings.exclude:
            return None if wanted == "off" else wanted or natural
        paths = {self.config.relative(file) for file in files}
        if self._is_excluded(paths, settings):
            return None
        for entry in self._overrides.get(name, ()):
            if any(entry.applies(path, environment) for path in paths):
                if self._is_excluded(paths, entry.settings):
                    return None
                wanted = entry.settings.severity or wanted
        return None if wanted == "off" else wanted or natural

    @staticmethod
    def _is_excluded(paths: Iterable[str], settings: RuleSettings) -> bool:
        return any(matches_path(path, settings.exclude) for path in paths)

    def _settings(self, name: str) -> RuleSettings:
        return self._rules.get(name, _PLAIN)


_PLAIN = RuleSettings()


def _members(name: str) -> list[str]:
    """The rules that a name means: one by its present or an old name, or those of a family; none for an unknown one."""
    rule = canonical(name)
    return [rule] if rule is not None else [head.name for head in heads().values() if head.family == name]


def _named(names: Iterable[str]) -> set[str]:
    return {rule for name in names for rule in _members(name)}


def _switched_on(rules: _Rules) -> set[str]:
    """The rules that are given a severity by their own name: they run, whatever their wave."""
    return {
        rule
        for name, settings in rules.items()
        if (rule := canonical(name)) is not None and _long(settings).severity not in (None, "off")
    }


def _long(settings: SeverityOrOff | RuleSettings) -> RuleSettings:
    return settings if isinstance(settings, RuleSettings) else RuleSettings(severity=settings)


def _expanded(rules: _Rules) -> dict[str, RuleSettings]:
    """Settings by rule: what is said about a rule itself goes before what is said about its family."""
    found: dict[str, RuleSettings] = {}
    for name, written in sorted(rules.items(), key=lambda item: canonical(item[0]) is not None):
        settings = _long(written)
        for rule in _members(name):
            family = found.get(rule, _PLAIN)
            found[rule] = RuleSettings(
                severity=settings.severity or family.severity,
                options=settings.options,
                exclude=(*family.exclude, *settings.exclude),
            )
    return found


def _problems(config: Config) -> Iterator[Problem]:
    for key, names in (("select", config.select), ("extend-select", config.extend_select), ("ignore", config.ignore)):
        for index, name in enumerate(names):
            if not _members(name):
                yield Problem((key, index), unknown_rule(name))
    yield from _problems_of_rules(config.rules, ("rules",))
    known = dict.fromkeys((*ENVIRONMENTS, *(entry.name for entry in config.environments)))
    if config.environment is not None:
        known[config.environment] = None
    for index, override in enumerate(config.overrides):
        route = ("overrides", index)
        yield from _problems_of_rules(override.rules, (*route, "rules"))
        for number, name in enumerate(override.environments):
            if name not in known:
                yield Problem((*route, "environments", number), _unknown_environment(name, list(known)))


def _problems_of_rules(rules: _Rules, route: tuple[str | int, ...]) -> Iterator[Problem]:
    for name, written in rules.items():
        members, settings = _members(name), _long(written)
        if not members:
            yield Problem((*route, name), unknown_rule(name), is_key=True)
            continue
        here = (*route, name, "options")
        if settings.options and canonical(name) is None:
            yield Problem(here, f"{name} is a family, and options belong to a rule", is_key=True)
            continue
        known = heads()[members[0]].options
        for option, value in settings.options.items():
            if option not in known:
                yield Problem((*here, option), _unknown_option(members[0], option, list(known)), is_key=True)
            elif not _suits(value, known[option]):
                wanted = _TYPES[type(known[option])]
                yield Problem((*here, option), f"option {option} of {members[0]} must be {wanted}")


def _suits(value: object, default: object) -> bool:
    """Whether a value of an option is of the kind of its default."""
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    if isinstance(default, list):
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    return isinstance(value, int | float if isinstance(default, float) else type(default))


def _unknown_option(rule: str, option: str, known: list[str]) -> str:
    from k8s_stateful_lint.config.problems import did_you_mean

    return f"rule {rule} has no option {option}" + (f": {did_you_mean(option, known)}" if known else ", nor any other")


def _unknown_environment(name: str, known: list[str]) -> str:
    from k8s_stateful_lint.config.problems import did_you_mean

    return f"there is no environment {name}: {did_you_mean(name, known)} (environments names new ones)"
