"""The quick way to read a command line agrees with typer wherever it answers at all."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st

from k8s_stateful_lint.cli.app import _declared
from k8s_stateful_lint.cli.check import check, check_changed
from k8s_stateful_lint.cli.compare import compare
from k8s_stateful_lint.cli.options import parameters_of, plain

COMMANDS: list[Callable[..., None]] = [check, check_changed, compare]
WORDS = ["a.yaml", "-", "text", "3", "--", "-x", "--nothing", "--help", "-qv", "-q=1", "", "--sel"]


def words(command: Callable[..., None]) -> st.SearchStrategy[list[str]]:
    names = [name for parameter in parameters_of(command) for name in parameter.names]
    word = st.sampled_from([*WORDS, *names, *(f"{name}=a" for name in names)])
    return st.lists(word, max_size=7)


def by_typer(command: Callable[..., None], given_words: list[str]) -> dict[str, Any] | None:
    """What typer would call the command with; None where it refuses, or shows help."""
    seen: dict[str, Any] = {}

    def note(**values: Any) -> None:
        seen.update(values)

    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    marked = _declared(command)
    note.__signature__ = marked.__signature__
    note.__annotations__ = marked.__annotations__
    app.command()(note)
    try:
        app(given_words, standalone_mode=False)
    except Exception:
        return None
    return seen or None


@pytest.mark.parametrize("command", COMMANDS)
@settings(max_examples=80)
@given(data=st.data())
def test_what_is_plain_means_the_same_to_typer(command: Callable[..., None], data: st.DataObject) -> None:
    given_words = data.draw(words(command))
    values = plain(command, given_words)
    if values is None:
        return
    expected = by_typer(command, given_words)
    assert expected is not None
    defaults = {
        name: each.default for name, each in signature(command).parameters.items() if each.default is not each.empty
    }
    assert {**defaults, **values} == expected


@pytest.mark.parametrize(
    "given_words",
    [["--help"], ["--nothing"], ["--format"], ["--format", "-q"], ["-qv"], ["--", "a"], ["--quiet=1"], ["--sel", "a"]],
)
def test_what_is_unusual_is_left_to_typer(given_words: list[str]) -> None:
    assert plain(check, given_words) is None


def test_a_usual_command_line_does_without_typer() -> None:
    import subprocess
    import sys

    code = (
        "import sys\n"
        "from k8s_stateful_lint.cli import main\n"
        "try: main(['check', '-', '--format', 'json'])\n"
        "except SystemExit: pass\n"
        "print(*sorted({'typer', 'click', 'rich', 'pydantic'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], input="", capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == ""
