"""What a command takes, declared once: typer reads it for help and for mistakes, and `plain` where neither is needed.

Importing typer costs several times what Python itself does, and a hook waits for it at every commit.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NamedTuple, get_args, get_origin, get_type_hints

import msgspec


class Option(msgspec.Struct, frozen=True):
    """An option: its names (none: made from the parameter), and what help says."""

    names: tuple[str, ...] = ()
    metavar: str | None = None
    help: str = ""


class Argument(msgspec.Struct, frozen=True):
    """The positional arguments."""

    metavar: str
    help: str


def option(*names: str, metavar: str | None = None, help: str = "") -> Option:
    """Declare an option, as `typer.Option` does."""
    return Option(names, metavar, help)


class Parameter(NamedTuple):
    """A parameter of a command: the type as written, and its declaration."""

    name: str
    type: Any
    declared: Option | Argument

    @property
    def names(self) -> tuple[str, ...]:
        """How the option is written; nothing for an argument."""
        if isinstance(self.declared, Argument):
            return ()
        return self.declared.names or (f"--{self.name.replace('_', '-')}",)


def parameters_of(command: Callable[..., object]) -> list[Parameter]:
    """The parameters of a command, in order."""
    found = []
    for name, hint in get_type_hints(command, include_extras=True).items():
        if get_origin(hint) is Annotated:
            written, declared = get_args(hint)
            found.append(Parameter(name, written, declared))
    return found


def plain(command: Callable[..., object], given: list[str]) -> dict[str, Any] | None:
    """What a command is called with; None where there is anything but known options with values, and paths.

    Whatever is unusual (help, a mistake, an abbreviation, options joined into one) is left to typer.
    """
    parameters = parameters_of(command)
    by_name = {name: parameter for parameter in parameters for names in parameter.names for name in names.split("/")}
    positional = next((each for each in parameters if isinstance(each.declared, Argument)), None)
    values: dict[str, Any] = {}
    rest = iter(given)
    for word in rest:
        if word == "-" or not word.startswith("-"):
            if positional is None:
                return None
            values.setdefault(positional.name, []).append(word)
            continue
        name, equals, value = word.partition("=")
        parameter = by_name.get(name)
        if parameter is None or (equals and not name.startswith("--")):
            return None
        if bool in (parameter.type, *get_args(parameter.type)):
            if equals:
                return None
            values[parameter.name] = not any(names.endswith(f"/{name}") for names in parameter.names)
            continue
        text = value if equals else next(rest, None)
        if text is None or (text.startswith("-") and text != "-") or not _take(values, parameter, text):
            return None
    if positional is not None and positional.name not in values and type(None) not in get_args(positional.type):
        return None
    return values


def _take(values: dict[str, Any], parameter: Parameter, text: str) -> bool:
    """Note the value of an option; False where it has another type than text, path or number."""
    types = set(get_args(parameter.type)) or {parameter.type}
    types.discard(type(None))
    if types == {list[str]}:
        values.setdefault(parameter.name, []).append(text)
    elif types == {str}:
        values[parameter.name] = text
    elif types == {Path}:
        values[parameter.name] = Path(text)
    elif types == {int} and text.isascii() and text.isdigit() and len(text) < 19:
        values[parameter.name] = int(text)
    else:
        return False
    return True
