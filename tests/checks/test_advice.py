"""What a finding advises is accepted by the next run."""

from __future__ import annotations

import pytest

from k8s_stateful_lint import lint_text
from k8s_stateful_lint.config import config_from

DATABASE = """\
apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: db}}
spec:
  serviceName: db
  selector: {{matchLabels: {{app: db}}}}
  template:
    metadata: {{labels: {{app: db}}}}
    spec:
      containers:
        - name: db
          image: {image}
          volumeMounts: [{{name: data, {mount}}}]
  volumeClaimTemplates:
    - metadata: {{name: data}}
      spec: {{storageClassName: fast, accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 8Gi}}}}}}
"""
RULES = ["data-directory-not-mounted", "lost-found-in-data-directory"]


def advice(image: str, mount: str) -> list[str | None]:
    config = config_from({"select": RULES})
    return [finding.help for finding in lint_text(DATABASE.format(image=image, mount=mount), config=config).findings]


@pytest.mark.parametrize(
    ("image", "wrong", "right", "needs_sub_path"),
    [
        ("postgres:16.4", "/data", "/var/lib/postgresql/data", True),
        ("postgres:16.4", "/var/lib/postgresql", "/var/lib/postgresql/data", True),
        ("mongo:7.0.14", "/data/mongo", "/data/db", False),
    ],
)
def test_a_data_directory_is_mounted_as_advised(image: str, wrong: str, right: str, needs_sub_path: bool) -> None:
    (told,) = advice(image, f"mountPath: {wrong}")
    assert told is not None
    assert told.startswith(f"Mount the volume at {right}")
    assert ("`subPath: data`" in told) == needs_sub_path
    assert advice(image, f"mountPath: {right}" + (", subPath: data" if needs_sub_path else "")) == []


@pytest.mark.parametrize(("written", "help_"), [("1g", "Write 1Gi."), ("512 MB", "Write 512Mi."), ("much", None)])
def test_a_size_of_memory_is_written_as_advised(written: str, help_: str | None) -> None:
    def findings(size: str) -> list[str | None]:
        text = f"""
        {{apiVersion: v1, kind: Pod, metadata: {{name: a}}, spec: {{containers: [
            {{name: a, image: "a:1", resources: {{limits: {{memory: {size}}}}}}}]}}}}
        """
        return [found.help for found in lint_text(text, config=config_from({"select": ["invalid-value"]})).findings]

    (told,) = findings(written)
    if help_ is None:
        assert told is not None
        assert "Write a value" in told
    else:
        assert told == help_
        assert findings(help_.removeprefix("Write ").rstrip(".")) == []
