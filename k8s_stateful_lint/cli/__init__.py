"""The command line. Findings go to standard output, everything else to standard error.

What a command needs is imported when it runs, so that ``--version`` and ``--help`` stay quick.
"""

from __future__ import annotations

import atexit
import errno
import gc
import importlib
import io
import os
import sys
from typing import NoReturn

from k8s_stateful_lint._about import __version__

# The commands that hooks and CI wait for, and the modules they are in.
_OF_HOOKS = {"check": "check", "check-changed": "check", "compare": "compare"}
# Standard output is a file, and there is no room for more of it.
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the program and exit; no failure of it shows a traceback."""
    _make_writable()
    if arguments is None:
        _collect_no_garbage()
    given = sys.argv[1:] if arguments is None else arguments
    try:
        try:
            if given == ["--version"]:
                # The most frequent call of all (hooks, CI) does not wait for the command line's machinery.
                print(f"k8s-stateful-lint {__version__}")
                sys.exit(0)
            if arguments is None:
                _import_msgspec()
            _run_plainly(given)
            _run(given)
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt:
        from k8s_stateful_lint.cli.shared import INTERRUPTED, say

        say("interrupted")
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        from k8s_stateful_lint.cli.shared import FINDINGS

        # Whoever read our output has gone (`| head`): nobody is left to tell.
        _forget_output()
        sys.exit(FINDINGS)
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        from k8s_stateful_lint.cli.shared import USAGE, say

        _forget_output()
        say(f"cannot write everything: {os.strerror(error.errno).lower()}")
        sys.exit(USAGE)


def _forget_output() -> None:
    """Let nothing more be written to standard output, which Python does when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run_plainly(given: list[str]) -> None:
    """Run a command that hooks wait for without the command line's machinery, where it is not needed."""
    home = _OF_HOOKS.get(given[0]) if given else None
    if home is None:
        return
    from k8s_stateful_lint.cli.options import plain

    command = getattr(importlib.import_module(f"k8s_stateful_lint.cli.{home}"), given[0].replace("-", "_"))
    values = plain(command, given[1:])
    if values is not None:
        command(**values)
        sys.exit(0)


def _run(given: list[str]) -> NoReturn:
    import shlex

    import typer

    from k8s_stateful_lint.cli.app import app
    from k8s_stateful_lint.cli.shared import CLEAN, INTERRUPTED, USAGE, say

    try:
        code = app(given, standalone_mode=False, prog_name="k8s-stateful-lint")
        sys.exit(code if isinstance(code, int) else CLEAN)
    except typer.Abort:
        raise KeyboardInterrupt from None
    except typer.Exit as stop:
        sys.exit(stop.exit_code)
    except SystemExit as stop:
        if stop.code == INTERRUPTED:  # typer turns the interrupt into an exit of its own
            raise KeyboardInterrupt from None
        raise
    except Exception as error:
        if (message := getattr(error, "format_message", None)) is not None:  # click's usage errors
            text = message()
            unknown = text.startswith(f"No such command '{given[0]}'") if given else False
            if unknown and (given[0] == "lint" or os.path.exists(given[0])):  # noqa: PTH110
                words = shlex.join(given[1:] if given[0] == "lint" else given)
                say(f"there is no command {given[0]}; to lint: k8s-stateful-lint check {words}".rstrip())
            elif text.startswith("Usage:"):  # a command without anything behind it: its help
                print(text, file=sys.stderr)
            else:
                say(text)
            sys.exit(USAGE)
        raise


def _collect_no_garbage() -> None:
    """Look for no garbage in a process that is ours alone.

    What a run makes, it needs until it ends: looking for garbage in it takes a tenth of the time, and finds none.
    Python looks once more when it ends, whatever has been switched off, but not among what is frozen.
    """
    gc.disable()
    atexit.register(gc.freeze)


def _import_msgspec() -> None:
    """Import msgspec without typing_extensions, which it takes where it is installed and otherwise does without.

    Nothing else on the way of a run needs that module, and importing it takes almost as long as starting Python.
    """
    if "typing_extensions" not in sys.modules:
        sys.modules["typing_extensions"] = None  # type: ignore[assignment]
        import msgspec  # noqa: F401

        del sys.modules["typing_extensions"]


def _make_writable() -> None:
    """Let nothing that is printed fail: not for a closed stream, nor for a character that its encoding lacks."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - open until the end
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
