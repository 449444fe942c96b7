"""How often the graph asks something grows with the number of objects, not with its square."""

from collections import Counter

import pytest

from k8s_stateful_lint import lint_text
from k8s_stateful_lint.engine import fingerprints
from k8s_stateful_lint.graph.workloads import Workload

COUNT = 150
STATEFUL_SET = """\
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db%d}
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: 'postgres:16'}]}
"""


def test_workloads_with_the_same_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Counter[str]()
    is_selected_by = Workload.is_selected_by

    def count(workload: Workload, selector: object) -> bool:
        asked[workload.name] += 1
        return is_selected_by(workload, selector)  # type: ignore[arg-type]

    monkeypatch.setattr(Workload, "is_selected_by", count)
    lint_text("".join(STATEFUL_SET % index for index in range(COUNT)))
    assert 0 < asked.total() < 10 * COUNT


def test_containers_of_one_pod(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Counter[str]()
    identity = fingerprints._identity

    def count(item: object, of: str) -> str | None:
        asked[of] += 1
        return identity(item, of)

    monkeypatch.setattr(fingerprints, "_identity", count)
    containers = "".join(f"  - {{name: c{index}, image: [], foo: 1}}\n" for index in range(COUNT))
    report = lint_text(f"apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec:\n  containers:\n{containers}")
    assert len(report.findings) >= COUNT
    assert 0 < asked.total() < 10 * COUNT
