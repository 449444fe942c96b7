"""Work that forks of this process share with it: they have all that it has, and send back bytes."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar

Own = TypeVar("Own")


def can_fork() -> bool:
    """Whether this process can be forked: not on Windows, and a fork of a process that has threads may hang."""
    return hasattr(os, "fork") and threading.active_count() == 1


def beside(own: Callable[[], Own], others: Sequence[Callable[[], bytes]]) -> tuple[Own, list[bytes | None]]:
    """Do something here while a fork does each of the other things.

    Returns:
        What was done here, and what every fork has sent back; None for one that has died or failed, or that the
        system did not let us have.

    """
    forks = [_forked(task) for task in others]
    try:
        return own(), [fork.result() if fork is not None else None for fork in forks]
    finally:
        for fork in forks:
            if fork is not None:
                fork.end()


def _forked(task: Callable[[], bytes]) -> _Fork | None:
    try:
        return _Fork(task)
    except OSError:
        return None


class _Fork:
    """A process that does one thing, and is gone."""

    def __init__(self, task: Callable[[], bytes]) -> None:
        self._pipe, end = os.pipe()
        try:
            self._pid: int | None = os.fork()
            if self._pid == 0:
                _serve(task, end)
        except OSError:
            os.close(self._pipe)
            raise
        finally:
            os.close(end)

    def result(self) -> bytes | None:
        """What it has sent, when it has sent all."""
        assert self._pid is not None
        with open(self._pipe, "rb", closefd=False) as pipe:
            sent = pipe.read()
        _, status = os.waitpid(self._pid, 0)
        self._pid = None
        return sent or None if status == 0 else None

    def end(self) -> None:
        """Let nothing of it stay, whether or not it is ready."""
        os.close(self._pipe)
        if self._pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)


def _serve(task: Callable[[], bytes], pipe: int) -> None:
    """What a fork does. It must not end as this process does: neither its buffers nor its files are the fork's."""
    try:
        with open(pipe, "wb") as end:
            end.write(task())
        os._exit(0)
    finally:
        os._exit(1)  # whatever went wrong
