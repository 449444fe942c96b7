"""What the tool says about the manifests of the talk it comes from: nothing more, nothing less."""

from __future__ import annotations

from pathlib import Path

import pytest

from k8s_stateful_lint import Config
from k8s_stateful_lint.engine.run import run
from k8s_stateful_lint.reading import SourceFile

TALK = Path(__file__).resolve().parent.parent / "examples" / "talk"


def slide(number: str) -> str:
    (path,) = TALK.glob(f"*/slide-{number}.yaml")
    return path.read_text(encoding="utf-8")


def as_deployment(replicas: int) -> str:
    """The pod of slide 5.8 in a Deployment."""
    spec = slide("5.8").split("spec:\n", 1)[1]
    template = "".join(f"    {line}" for line in spec.splitlines(keepends=True))
    return (
        f"apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: mysql\nspec:\n  replicas: {replicas}\n"
        "  selector:\n    matchLabels: {app: mysql}\n  template:\n    metadata:\n      labels: {app: mysql}\n"
        f"    spec:\n{template}"
    )


CLAIM = {("claim-without-storage-class", "warning")}
POD = {("lost-found-in-data-directory", "warning"), ("database-without-resource-requests", "info")}
CLASS = {("deprecated-volume-plugin", "info"), ("immediate-binding-zonal-storage", "warning")}
ON_CLASS = {("delete-policy-under-database", "info"), ("class-without-expansion", "info")}
SHARED = {("rwo-claim-multi-node", "error"), ("shared-claim-across-replicas", "error")}


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        pytest.param([slide("5.6")], {("recycle-reclaim-policy", "error")}, id="5.6"),
        pytest.param([slide("5.7")], CLAIM, id="5.7"),
        pytest.param([slide("5.6"), slide("5.7")], {("recycle-reclaim-policy", "error")} | CLAIM, id="5.6 and 5.7"),
        pytest.param([slide("5.8")], POD, id="5.8"),
        pytest.param([slide("6.3")], CLASS, id="6.3"),
        pytest.param([slide("5.8"), slide("6.3"), slide("6.4")], POD | CLASS | ON_CLASS, id="5.8, 6.3 and 6.4"),
        pytest.param([slide("8.3")], {("removed-api-version", "error"), ("retired-image-registry", "info")}, id="8.3"),
        pytest.param([as_deployment(3), slide("5.7")], POD | CLAIM | SHARED, id="5.8 with three replicas"),
        pytest.param(
            [as_deployment(1), slide("5.7")],
            POD | CLAIM | {("rwo-claim-rolling-update", "warning")},
            id="5.8 as a Deployment",
        ),
    ],
)
def test_findings(texts: list[str], expected: set[tuple[str, str]]) -> None:
    files = [SourceFile(f"talk/{number}.yaml", text.encode()) for number, text in enumerate(texts)]
    report = run(files, Config())
    assert {(finding.rule, finding.severity) for finding in report.findings} == expected


def test_production_raises_what_the_catalogue_says() -> None:
    texts = [as_deployment(1), slide("6.3"), slide("6.4")]
    files = [SourceFile(f"{number}.yaml", text.encode()) for number, text in enumerate(texts)]
    found = {f.rule: f.severity for f in run(files, Config(environment="production")).findings}
    assert found["rwo-claim-rolling-update"] == "error"
    assert found["delete-policy-under-database"] == "warning"
