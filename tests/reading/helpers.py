"""What the reading tests share: engines, routes, the corpus and kubectl."""

import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from k8s_stateful_lint.reading import Engine, Reading, Route, SourceFile, read
from k8s_stateful_lint.reading import _rocks as rocks

ENGINES: tuple[Engine, ...] = ("yamlrocks", "ruamel") if rocks.available() else ("ruamel",)
needs_rocks = pytest.mark.skipif(not rocks.available(), reason="yamlrocks has no wheel for this Python")
needs_kubectl = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")

ARCHIVE = Path(__file__).parents[2].parent / "shared" / "corpus" / "corpus.tgz"


def reading(text: str | bytes, engine: Engine | None = None) -> Reading:
    data = text.encode() if isinstance(text, str) else text
    return read(SourceFile("test.yaml", data), engine=engine)


def routes(value: object, route: Route = ()) -> Iterator[Route]:
    yield route
    if isinstance(value, dict):
        for key, each in value.items():
            yield from routes(each, (*route, key))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from routes(each, (*route, index))


def exact(value: object) -> object:
    """A form in which 1, 1.0 and True differ, and nan equals itself."""
    if isinstance(value, dict):
        return {key: exact(each) for key, each in value.items()}
    if isinstance(value, list):
        return [exact(each) for each in value]
    return type(value).__name__, repr(value)


def corpus_files(every: int) -> list[tuple[str, bytes]]:
    """Every so manieth file of the corpus, straight from the archive."""
    if not ARCHIVE.exists():
        pytest.skip("the corpus is not here")
    found = []
    with tarfile.open(ARCHIVE) as archive:
        # In the order of the archive: a compressed stream is slow to seek in.
        for number, member in enumerate(member for member in archive if member.isfile()):
            if number % every == 0:
                content = archive.extractfile(member)
                assert content is not None
                found.append((member.name, content.read()))
    return found
