"""The verdicts are those of ``kubernetes_validate.validate(strict=True)``, and every difference has its reason."""

from __future__ import annotations

import tarfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from k8s_stateful_lint.config import config_from
from k8s_stateful_lint.graph import Graph
from k8s_stateful_lint.knowledge.versions import parse_version
from k8s_stateful_lint.model.decode import decode
from k8s_stateful_lint.model.resource import Resource
from k8s_stateful_lint.reading import SourceFile, read
from k8s_stateful_lint.schema import check_schemas, targets_of
from k8s_stateful_lint.schema.check import silence
from k8s_stateful_lint.schema.kinds import schema_of

ARCHIVE = Path(__file__).resolve().parents[3] / "shared" / "corpus" / "corpus.tgz"
# Every so many files of the corpus are read: kubernetes_validate takes 20 ms for each object.
EVERY = 23
REASONS = {
    "comes from elsewhere",
    "directive of a patch",
    "null is absent",
    "patch",
    "placeholder",
    "the server does without it",
    "written by the server",
}


@cache
def corpus() -> tuple[Resource, ...]:
    found: list[Resource] = []
    with tarfile.open(ARCHIVE) as archive:
        files = [member for member in archive.getmembers() if member.name.endswith((".yaml", ".yml", ".json"))]
        for member in sorted(files, key=lambda member: member.name)[::EVERY]:
            stream = archive.extractfile(member)
            if stream is not None:
                reading = read(SourceFile(member.name, stream.read()))
                found += [resource for document in reading.documents for resource in decode(document)]
    return tuple(found)


def verdict(raw: Any, target: str) -> bool | None:
    """What kubernetes_validate says; None for a kind that it does not know."""
    import kubernetes_validate

    try:
        kubernetes_validate.validate(dict(raw), target, strict=True)
    except kubernetes_validate.ValidationError:
        return False
    except (kubernetes_validate.SchemaNotFoundError, KeyError):
        return None
    return True


@pytest.mark.slow
@pytest.mark.skipif(not ARCHIVE.exists(), reason="the corpus is not at hand")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("target", ["1.36", "1.25"])
def test_same_verdicts_on_real_manifests(target: str) -> None:
    config = config_from({"schema": "all", "target": target})
    graph = Graph(corpus(), config)
    outcome = check_schemas(graph, config, targets_of(config))
    spoken = {node.resource for _, _, node in outcome.findings}
    step = 1 if target == "1.36" else 10
    # All that is found, and a sample of the rest.
    chosen = [node for n, node in enumerate(graph.nodes) if n % step == 0 or node.resource in spoken]
    compared = 0
    for node in chosen:
        resource = node.resource
        schema = schema_of(resource.api_version, resource.kind, parse_version(target))
        theirs = verdict(resource.raw, target)
        assert (None if schema is None else schema.is_valid(resource.raw)) is theirs, (resource.path, node.label)
        if schema is None or theirs is None:
            assert resource not in outcome.covered
            continue
        compared += 1
        if resource not in spoken:
            # What the schema refuses and we do not report is left out for a reason that we know.
            reasons = {silence(error, node) for error in schema.errors(resource.raw)}
            assert reasons <= REASONS, (resource.path, node.label, reasons)
            assert theirs or reasons or node.is_owned
        else:
            assert theirs is False
    assert compared > 10
