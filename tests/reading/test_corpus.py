"""Real files: the two engines agree with each other, and with kubectl."""

import random
from pathlib import Path

from k8s_stateful_lint.reading import SourceFile, read

from .helpers import corpus_files, exact, kubectl, needs_kubectl, needs_rocks, routes


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
        documents = [document.value for document in read(SourceFile(name, data)).documents]
        ours = [value for value in documents if isinstance(value, dict) and "kind" in value and "apiVersion" in value]
        if complaints or any(str(value["kind"]).endswith("List") for value in ours):
            continue
        assert len(ours) == len(theirs), name
        for our, their in zip(ours, theirs, strict=True):
            assert isinstance(their, dict)
            annotations = their["metadata"]["annotations"]
            del annotations["probe"]
            assert_within(our, their, name)
            compared += 1
    assert compared > 30


def assert_within(our: object, their: object, name: str) -> None:
    """Kubectl decodes the types it knows: it adds empty fields of its own and drops what is null or empty."""
    if isinstance(our, dict):
        assert isinstance(their, dict), name
        for key, value in our.items():
            if key in their:
                assert_within(value, their[key], f"{name} {key}")
            else:
                assert value in (None, "", 0, False, [], {}), f"{name} {key}"
        for key in their.keys() - our.keys():
            assert their[key] in (None, "", 0, False, [], {}) or key == "metadata", f"{name} {key}"
    elif isinstance(our, list):
        assert isinstance(their, list), name
        assert len(our) == len(their), name
        for mine, yours in zip(our, their, strict=True):
            assert_within(mine, yours, name)
    elif not (our is None and their == {}):
        assert exact(our) == exact(their), name
