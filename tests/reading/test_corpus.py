"""Real files: the two engines agree with each other, and with kubectl."""

import random
from pathlib import Path

from k8s_stateful_lint.reading import SourceFile, read
from tools.kubectl_reading import differences, kubectl

from .helpers import ENGINES, corpus_files, exact, needs_kubectl, needs_rocks, routes


@needs_rocks
def test_both_engines_say_the_same() -> None:
    chance = random.Random(7)
    for name, data in corpus_files(13):
        if len(data) > 30_000:
            continue
        file = SourceFile(name, data)
        fast, careful = read(file, engine="yamlrocks"), read(file, engine="ruamel")
        assert fast.faults == careful.faults, name
        assert fast.notices == careful.notices, name
        assert len(fast.documents) == len(careful.documents), name
        for ours, theirs in zip(fast.documents, careful.documents, strict=True):
            assert exact(ours.value) == exact(theirs.value), name
            assert ours.line == theirs.line, name
            assert ours.comments() == theirs.comments(), name
            known = list(routes(ours.value))
            for route in chance.sample(known, min(10, len(known))):
                for part in ("value", "key", "entry"):
                    place = ours.span(route, part=part)  # type: ignore[arg-type]
                    assert place == theirs.span(route, part=part), (name, route, part)  # type: ignore[arg-type]


def test_a_place_shows_the_text_of_its_value() -> None:
    for name, data in corpus_files(29):
        for document in read(SourceFile(name, data)).documents:
            lines = document.file.lines
            for route in list(routes(document.value))[:60]:
                node = document.value
                for step in route:
                    node = node[step]  # type: ignore[index]
                span = document.span(route)
                text = lines[span.line - 1][span.column - 1 : span.end_column - 1]
                if (
                    isinstance(node, str)
                    and "\n" not in node
                    and span.line == span.end_line
                    and text[:1] not in "|>*'\""
                ):
                    assert text == node, (name, route)


@needs_kubectl
def test_kubectl_reads_the_same(tmp_path: Path) -> None:
    compared = 0
    for name, data in corpus_files(61):
        if not name.endswith((".yaml", ".yml", ".json")):
            continue
        path = tmp_path / "manifest.yaml"
        path.write_bytes(data)
        theirs, complaints = kubectl(path)
        for engine in ENGINES:
            found = dict(differences(data, theirs, complaints, engine))
            assert "unexplained" not in found, (name, engine, found)
        compared += len(theirs)
    assert compared > 30
