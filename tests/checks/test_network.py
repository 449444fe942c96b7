"""What the rules of family network show beside a finding."""

from __future__ import annotations

from pathlib import Path

from k8s_stateful_lint import lint

RELEASE = """\
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: "registry.example.com/db:1.4.2"}]}
---
apiVersion: v1
kind: Service
metadata: {name: db-service}
spec: {clusterIP: None, selector: {app: db}, ports: [{port: 5432}]}
"""


def test_the_service_that_may_be_meant_is_the_one_of_the_same_file(tmp_path: Path) -> None:
    for name in ("release-1.yaml", "release-2.yaml"):
        (tmp_path / name).write_text(RELEASE)
    report = lint([tmp_path])
    found = [finding for finding in report.findings if finding.rule == "governing-service-not-found"]
    assert len(found) == 2
    for finding in found:
        assert [related.location.file for related in finding.related] == [finding.location.file]
