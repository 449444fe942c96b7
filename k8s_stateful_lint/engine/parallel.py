"""Reading files and running rules in several processes: the same findings in the same order as from one."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any, TypeVar

from k8s_stateful_lint.engine.forks import beside, can_fork
from k8s_stateful_lint.graph import Graph, Node
from k8s_stateful_lint.model.resource import Resource
from k8s_stateful_lint.reading import Document, Reading, SourceFile, Unread, read
from k8s_stateful_lint.reading.packed import pack, unpack

BYTES = 500_000
"""So many bytes of files are worth a process."""
OBJECTS = 500
"""So many objects are worth a process for their rules."""
Task = TypeVar("Task")
Result = TypeVar("Result")


# Files ----------------------------------------------------------------------------------------------------------------


def read_in_processes(files: Sequence[SourceFile], unread: Unread | None, jobs: int) -> Iterator[Reading]:
    """What is in each of the files, in their order; what a process cannot send back is read here."""
    parts = _parts(files, jobs, sum(len(file.data) for file in files) // BYTES)
    own, sent = beside(
        lambda: [read(file, unread=unread) for file in parts[0]],
        [partial(_read_and_pack, part, unread) for part in parts[1:]],
    )
    readings = [own]
    for part, data in zip(parts[1:], sent, strict=True):
        packed: list[bytes | None] = pickle.loads(data) if data is not None else [None] * len(part)
        readings.append([_unpacked(file, each, unread) for file, each in zip(part, packed, strict=True)])
    yield from _in_order(readings)


def _parts(tasks: Sequence[Task], jobs: int, worth: int) -> list[Sequence[Task]]:
    """The tasks in turn, for as many processes as there may be and as their work is worth."""
    count = max(min(jobs, worth, len(tasks)), 1) if can_fork() else 1
    return [tasks[first::count] for first in range(count)]


def _in_order(parts: Sequence[Sequence[Result]]) -> Iterator[Result]:
    """What came of the parts that `_parts` made, in the order of the tasks."""
    for index in range(sum(map(len, parts))):
        yield parts[index % len(parts)][index // len(parts)]


def _read_and_pack(files: Sequence[SourceFile], unread: Unread | None) -> bytes:
    return pickle.dumps([pack(read(file, unread=unread)) for file in files])


def _unpacked(file: SourceFile, packed: bytes | None, unread: Unread | None) -> Reading:
    found = unpack(file, packed) if packed is not None else None
    return found if found is not None else read(file, unread=unread)


# Rules ----------------------------------------------------------------------------------------------------------------


def run_in_processes(
    tasks: Sequence[Task],
    run: Callable[[Sequence[Task]], list[Result]],
    prepare: Callable[[], None],
    graphs: Sequence[Graph],
    jobs: int,
) -> list[Result]:
    """What ``run`` makes of every task, in their order; ``prepare`` does once what every process would have to.

    Results may hold the objects of the graphs; what a process cannot send back is done here.
    """
    parts = _parts(tasks, jobs, max(len(graph.resources) for graph in graphs) // OBJECTS)
    if len(parts) == 1:
        return run(tasks)
    prepare()
    names = _Names(graphs)
    own, sent = beside(lambda: run(parts[0]), [partial(_run_and_send, part, run, names) for part in parts[1:]])
    results = [own]
    for part, data in zip(parts[1:], sent, strict=True):
        results.append(names.load(data) if data is not None else run(part))
    return list(_in_order(results))


def _run_and_send(tasks: Sequence[Task], run: Callable[[Sequence[Task]], list[Result]], names: _Names) -> bytes:
    before = {document: len(document.spans) for document in names.documents}
    results = run(tasks)
    places = [(document, document.spans) for document, count in before.items() if len(document.spans) > count]
    return names.dump((results, places))


_COMMON = (Resource, Node, Document)


class _Names:
    """What a process and its forks have in common is sent by number."""

    def __init__(self, graphs: Sequence[Graph]) -> None:
        resources: list[Resource] = []
        nodes: list[Node] = []
        for graph in graphs:
            resources += graph.resources
            resources += graph.facts.resources if graph.facts is not None else ()
            resources += (node.resource for node in graph.nodes)
            nodes += chain(graph.nodes, graph.claims)
        self.documents = list(dict.fromkeys(resource.document for resource in resources))
        self._objects: list[Resource | Node | Document] = [*resources, *nodes, *self.documents]
        self._numbers = {id(each): number for number, each in enumerate(self._objects)}

    def dump(self, results: object) -> bytes:
        file = io.BytesIO()
        _Pickler(file, self._numbers).dump(results)
        return file.getvalue()

    def load(self, data: bytes) -> list[Any]:
        results, places = _Unpickler(io.BytesIO(data), self._objects).load()
        for document, spans in places:
            document.learn(spans)
        return list(results)


class _Pickler(pickle.Pickler):
    def __init__(self, file: io.BytesIO, numbers: Mapping[int, int]) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self._numbers = numbers

    def persistent_id(self, value: Any) -> int | None:
        if isinstance(value, _COMMON):
            return self._numbers[id(value)]
        return None


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, objects: Sequence[Any]) -> None:
        super().__init__(file)
        self._objects = objects

    def persistent_load(self, number: int) -> Any:
        return self._objects[number]
