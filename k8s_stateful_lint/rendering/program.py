"""Other people's programs, run without network and not for ever."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from k8s_stateful_lint._patterns import regex

TIME_LIMIT = 60
"""Seconds that one overlay or chart may take; the slowest that we know need less than two."""

# An address where nobody answers: whatever asks for the network learns at once that there is none.
_NOWHERE = "http://127.0.0.1:9"
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
_KLOG = regex(
    r'\A[EFIW]\d{4} \S+\s+\d+ \S+\] (?:"command failed" err=(?:"(?P<line>.*)"|<\n(?P<lines>.*)\n >))?', re.DOTALL
)
_RECURSION = regex(r".*recursed accumulation of path '(?P<path>[^']*)': ", re.DOTALL)
_LONGEST = 600
Item = TypeVar("Item")
Result = TypeVar("Result")


class RenderError(Exception):
    """A program failed; the text is what it said."""


def output_of(command: Sequence[str]) -> bytes:
    """What a program prints.

    Raises:
        RenderError: it failed, took too long, or could not be started.

    """
    environment = {key: value for key, value in os.environ.items() if key.lower() != "no_proxy"}
    environment |= dict.fromkeys(_PROXIES, _NOWHERE)
    environment |= {"GIT_ALLOW_PROTOCOL": "file", "GIT_TERMINAL_PROMPT": "0"}
    try:
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise RenderError(f"{command[0]} cannot be run: {error.strerror}") from error
    try:
        output, complaint = process.communicate(timeout=TIME_LIMIT)
    except subprocess.TimeoutExpired:
        # A plugin or git that it started would keep the pipes open.
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise RenderError(f"took longer than {TIME_LIMIT} seconds") from None
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    if process.returncode != 0:
        raise RenderError(_readable(complaint.decode("utf-8", "replace")) or f"exit status {process.returncode}")
    return output


def at_once(run: Callable[[Item], Result], items: Iterable[Item]) -> list[tuple[Item, Result | RenderError]]:
    """Run a program for every item, as many at once as there are processors: what each gives, or how it failed.

    ``run`` is called in threads, so it should do no more than run programs: msgspec does not like to meet a type for
    the first time in two threads.
    """
    from concurrent.futures import ThreadPoolExecutor

    def careful(item: Item) -> Result | RenderError:
        try:
            return run(item)
        except RenderError as error:
            return error

    several = list(items)
    with ThreadPoolExecutor(max_workers=max(1, min(len(several), os.cpu_count() or 1))) as pool:
        return list(zip(several, pool.map(careful, several), strict=True))


def _readable(complaint: str) -> str:
    """A complaint without the wrapping of logs, beginning with its cause, on one line."""
    text = complaint.strip()
    if (log := _KLOG.match(text)) is not None:
        text = (log["line"] or log["lines"] or text[log.end() :]).replace('\\"', '"').replace("\\n", "\n")
    text = text.removeprefix("Error: ").removeprefix("error: ")
    text = _RECURSION.sub(lambda found: f"{found['path']}: ", text)
    text = " ".join(text.replace(os.path.realpath(os.curdir) + os.sep, "").split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
