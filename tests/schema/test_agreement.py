"""The verdicts are those of ``kubernetes_validate.validate(strict=True)``, and every difference has its reason."""

from __future__ import annotations

import tarfile
from functools import cache
from pathlib import Path

import pytest

from k8s_stateful_lint.knowledge.versions import parse_version
from k8s_stateful_lint.model.resource import Resource
from k8s_stateful_lint.reading import SourceFile
from k8s_stateful_lint.schema.kinds import schema_of
from tools.schema_agreement import UNEXPLAINED, compare, resources_of

ARCHIVE = Path(__file__).resolve().parents[3] / "shared" / "corpus" / "corpus.tgz"
# Every so many files of the corpus are read: kubernetes_validate takes 20 ms for each object.
EVERY = 23


@cache
def corpus() -> tuple[Resource, ...]:
    with tarfile.open(ARCHIVE) as archive:
        members = [member for member in archive.getmembers() if member.name.endswith((".yaml", ".yml", ".json"))]
        chosen = sorted(members, key=lambda member: member.name)[::EVERY]
        streams = [(member.name, archive.extractfile(member)) for member in chosen]
        return tuple(resources_of(SourceFile(name, stream.read()) for name, stream in streams if stream is not None))


@pytest.mark.slow
@pytest.mark.skipif(not ARCHIVE.exists(), reason="the corpus is not at hand")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("target", ["1.36", "1.25"])
def test_same_verdicts_on_real_manifests(target: str) -> None:
    compared = 0
    for comparison in compare(list(corpus()), target):
        compared += 1
        resource = comparison.node.resource
        schema = schema_of(resource.api_version, resource.kind, parse_version(target))
        assert schema is not None
        # The compiled schema agrees on every object; what we tell of it differs for reasons that we know.
        assert schema.is_valid(resource.raw) is comparison.theirs, (resource.path, comparison.node.label)
        assert UNEXPLAINED not in comparison.reasons, (resource.path, comparison.node.label, comparison.details)
    assert compared > 100
