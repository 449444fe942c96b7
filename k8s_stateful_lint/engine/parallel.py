"""Reading files in several processes: each sends back what it read as bytes, which is quicker than reading again."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from k8s_stateful_lint.reading import Reading, SourceFile, Unread, read
from k8s_stateful_lint.reading.packed import pack, unpack

_CHUNK = 1_000_000
"""Bytes that a process gets at a time: enough to be worth the way, few enough to keep all of them busy."""


def read_in_processes(files: Sequence[SourceFile], unread: Unread | None, jobs: int) -> Iterator[Reading]:
    """What is in each of the files, in their order, read by as many processes.

    What a process cannot send back, and all that is left when one of them dies, is read here.
    """
    chunks = list(_chunks(files))
    if min(jobs, len(chunks)) < 2:
        yield from (read(file, unread=unread) for file in files)
        return
    # Not forked: a fork of a process that has threads may hang.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(jobs, len(chunks)), mp_context=context) as processes:
        waiting: deque[tuple[list[SourceFile], Future[list[bytes | None]] | None]] = deque()
        for chunk in chunks:
            try:
                waiting.append((chunk, processes.submit(_read, [(file.path, file.data) for file in chunk], unread)))
            except BrokenProcessPool:
                waiting.append((chunk, None))
        while waiting:
            chunk, future = waiting.popleft()
            for file, packed in zip(chunk, _result(future, len(chunk)), strict=True):
                found = unpack(file, packed) if packed is not None else None
                yield found if found is not None else read(file, unread=unread)


def _chunks(files: Sequence[SourceFile]) -> Iterator[list[SourceFile]]:
    chunk: list[SourceFile] = []
    size = 0
    for file in files:
        chunk.append(file)
        size += len(file.data)
        if size >= _CHUNK:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _read(files: list[tuple[str, bytes]], unread: Unread | None) -> list[bytes | None]:
    """Run by a process: what is in files, packed; None for what has no form as bytes."""
    return [pack(read(SourceFile(path, data), unread=unread)) for path, data in files]


def _result(future: Future[list[bytes | None]] | None, count: int) -> list[bytes | None]:
    try:
        return future.result() if future is not None else [None] * count
    except BrokenProcessPool:
        return [None] * count
