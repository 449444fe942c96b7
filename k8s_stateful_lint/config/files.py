"""Configuration files: finding and reading them, merging what they and the command line say, and who said what."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from k8s_stateful_lint.config.settings import (
    NOT_IN_FILES,
    Config,
    ConfigError,
    Problem,
    Route,
    config_from,
    normalised,
)
from k8s_stateful_lint.sources import CONFIG_NAME

if TYPE_CHECKING:
    from k8s_stateful_lint.reading import Document

# Lists that say all there is, so that a later one replaces an earlier one; all others are joined.
REPLACED: frozenset[Route] = frozenset(
    {("select",), ("input", "complete"), ("cluster", "drivers"), ("cluster", "storage-classes")}
)
# What the command line calls a key, where that is not the key itself.
_OPTIONS = {"input": "--complete", "ignore-comments": "--no-ignores"}


class Layer(msgspec.Struct, frozen=True):
    """One that sets values: a file (``document``), or the command line."""

    name: str
    folder: Path
    document: Document | None = None

    def place(self, route: Route, *, is_key: bool = False) -> str:
        """Where a value is set, for people: ``file:line:column``, or the option."""
        if self.document is None:
            return _OPTIONS.get(str(route[0]), f"--{route[0]}") if route else self.name
        span = self.document.span(route, part="key" if is_key else "value")
        return f"{self.name}:{span.line}:{span.column}"


class Setting(msgspec.Struct, frozen=True):
    """A value with its layer and its route there; in collections, the items are settings themselves."""

    value: Any
    layer: Layer
    route: Route

    @property
    def place(self) -> str:
        """Where it is set."""
        return self.layer.place(self.route)

    def plain(self) -> Any:
        """The value without its origins."""
        if isinstance(self.value, dict):
            return {key: item.plain() for key, item in self.value.items()}
        if isinstance(self.value, list):
            return [item.plain() for item in self.value]
        return self.value


class Loaded(msgspec.Struct, frozen=True):
    """The configuration in effect, and where each part of it comes from."""

    config: Config
    settings: Setting
    file: Path | None

    def find(self, route: Route) -> tuple[Setting, bool]:
        """The setting at a route, or the nearest one above it; with whether it is the one itself."""
        found = self.settings
        for step in route:
            try:
                found = found.value[step]
            except (KeyError, IndexError, TypeError):
                return found, False
        return found, True

    def placed(self, error: ConfigError) -> ConfigError:
        """The error with the place of each of its problems."""
        if not error.problems:
            return error
        lines = []
        for problem in error.problems:
            setting, is_there = self.find(problem.route)
            place = setting.layer.place(setting.route, is_key=problem.is_key and is_there)
            # An option is called as its key: it is named once.
            is_named = place.startswith("--") and problem.message.startswith(place.removeprefix("--"))
            lines.append(f"--{problem.message}" if is_named else f"{place}: {problem.message}")
        return ConfigError("\n".join(lines))

    def path_at(self, key: str) -> Path | None:
        """The file that a key names: relative to the folder of the file that sets it."""
        setting, is_there = self.find((key,))
        if not is_there or not isinstance(setting.value, str):
            return None
        return Path(shown(setting.layer.folder / setting.value))

    @property
    def folder(self) -> Path | None:
        """The folder of the configuration file."""
        return self.file.parent if self.file is not None else None


def load(paths: Sequence[str], file: Path | None, given: Mapping[str, Any], *, search: bool = True) -> Loaded:
    """Read what the files and the command line say.

    Args:
        paths: What is linted: the file is looked for from the first path upward.
        file: The file that was named instead; its globs of paths count from the current folder then.
        given: What the command line says, by key; None where it says nothing.
        search: Whether a file is looked for at all.

    Raises:
        ConfigError: a file cannot be used; each line of the text begins with ``file:line:column``.

    """
    found = file or (find_file(CONFIG_NAME, paths) if search else None)
    here = Path()
    command = Layer("the command line", here)
    above = _tracked({key: value for key, value in given.items() if value is not None}, command, ())
    settings = above if found is None else _merged(_read(found, ()), above, ())
    values = settings.plain()
    values.pop("extends", None)
    if found is not None and file is None:
        values["root"] = Path(shown(found.parent)).as_posix()
    loaded = Loaded(Config(), settings, found)
    for key in ("baseline", "cluster-facts"):
        if (named := loaded.path_at(key)) is not None:
            values[key] = named.as_posix()
    try:
        config = config_from(values)
    except ConfigError as error:
        raise loaded.placed(error) from error
    return Loaded(config, settings, found)


def find_file(name: str, paths: Sequence[str]) -> Path | None:
    """A file of this name: upward from the first path, as far as the root of its repository."""
    first = Path(paths[0]) if paths and paths[0] != "-" else Path()
    start = (first if first.is_dir() else first.parent).resolve()
    for directory in (start, *start.parents):
        candidate = directory / name
        if candidate.is_file():
            return candidate
        if (directory / ".git").exists():
            return None
    return None


def shown(path: Path) -> str:
    """A path as people in the current folder write it."""
    try:
        return os.path.relpath(path)
    except ValueError:  # another drive
        return str(path)


def _read(path: Path, chain: tuple[Path, ...]) -> Setting:
    """One file, merged over what it extends."""
    document, name = _document(path), shown(path)
    layer = Layer(name, path.parent, document)
    if document is None or document.value is None:
        return Setting({}, layer, ())
    if not isinstance(document.value, dict):
        raise ConfigError(f"{layer.place(())}: the configuration must be a mapping of keys to values")
    values = normalised(document.value)
    problems = [*_misplaced(values), *_problems({k: v for k, v in values.items() if k not in NOT_IN_FILES})]
    if problems:
        lines = (f"{layer.place(problem.route, is_key=problem.is_key)}: {problem.message}" for problem in problems)
        raise ConfigError("\n".join(lines))
    settings = _tracked(values, layer, ())
    for route, entry in reversed(list(_extended(values))):
        base = path.parent / entry
        place = layer.place(route)
        if any(_same(base, known) for known in (*chain, path)):
            names = " extends ".join(shown(known) for known in (*chain, path, base))
            raise ConfigError(f"{place}: a cycle: {names}")
        if not base.is_file():
            raise ConfigError(f"{place}: extends {shown(base)}, which does not exist")
        settings = _merged(_read(base, (*chain, path)), settings, ())
    return settings


def _document(path: Path) -> Document | None:
    from k8s_stateful_lint.reading import SourceFile, read

    name = shown(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read the configuration {name}: {error.strerror}") from error
    reading = read(SourceFile(name, data))
    if reading.faults:
        raise ConfigError("\n".join(f"{name}:{fault.line}:{fault.column}: {fault.message}" for fault in reading.faults))
    for notice in reading.notices:
        if notice.kind != "empty-file":
            raise ConfigError(f"{name}:{notice.line or 1}: {notice.message}")
    if len(reading.documents) > 1:
        raise ConfigError(f"{name}:{reading.documents[1].line}: a configuration is one document, not several")
    return reading.documents[0] if reading.documents else None


def _misplaced(values: Mapping[str, Any]) -> Iterator[Problem]:
    for key, instead in NOT_IN_FILES.items():
        if key in values:
            yield Problem((key,), f"there is no key {key}" + (f": {instead}" if instead else ""), True)


def _problems(values: Mapping[str, Any]) -> tuple[Problem, ...]:
    try:
        config_from(values)
    except ConfigError as error:
        return error.problems
    return ()


def _extended(values: Mapping[str, Any]) -> Iterator[tuple[Route, str]]:
    extends = values.get("extends", [])
    if isinstance(extends, str):
        yield ("extends",), extends
    else:
        yield from ((("extends", index), entry) for index, entry in enumerate(extends))


def _same(left: Path, right: Path) -> bool:
    return left.resolve() == right.resolve()


def _tracked(value: Any, layer: Layer, route: Route) -> Setting:
    if isinstance(value, Mapping):
        items = {key: _tracked(item, layer, (*route, key)) for key, item in value.items()}
        return Setting(items, layer, route)
    if isinstance(value, list | tuple):
        return Setting([_tracked(item, layer, (*route, index)) for index, item in enumerate(value)], layer, route)
    return Setting(value, layer, route)


def _merged(low: Setting, high: Setting, route: Route) -> Setting:
    """What two layers say together: mappings key by key, lists joined, everything else as the higher one says."""
    if route in REPLACED:
        return high
    if len(route) == 2 and route[0] == "rules" and isinstance(low.value, dict) != isinstance(high.value, dict):
        low, high = _as_mapping(low), _as_mapping(high)
    if isinstance(low.value, dict) and isinstance(high.value, dict):
        items = dict(low.value)
        for key, item in high.value.items():
            items[key] = _merged(items[key], item, (*route, key)) if key in items else item
        return Setting(items, high.layer, high.route)
    if isinstance(low.value, list) and isinstance(high.value, list):
        # The first environment that matches wins, so those of the higher layer come first.
        first, second = (high, low) if route == ("environments",) else (low, high)
        return Setting([*first.value, *second.value], high.layer, high.route)
    return high


def _as_mapping(rule: Setting) -> Setting:
    """The long form of a rule that is written as a severity alone."""
    return rule if isinstance(rule.value, dict) else Setting({"severity": rule}, rule.layer, rule.route)
