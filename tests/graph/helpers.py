"""Graphs from short manifests."""

from __future__ import annotations

import textwrap
from typing import Any

from k8s_stateful_lint.config import config_from
from k8s_stateful_lint.graph import Graph, Workload
from k8s_stateful_lint.model.decode import decode
from k8s_stateful_lint.reading import SourceFile, read


def graph(files: dict[str, str] | str, **config: Any) -> Graph:
    """The graph of some files (or of one text called manifest.yaml)."""
    texts = {"manifest.yaml": files} if isinstance(files, str) else files
    resources = []
    for name, text in texts.items():
        reading = read(SourceFile(name, textwrap.dedent(text).encode()))
        assert not reading.faults, reading.faults
        resources += [resource for document in reading.documents for resource in decode(document)]
    return Graph(resources, config_from({key.replace("_", "-"): value for key, value in config.items()}))


def workload(text: str, **config: Any) -> Workload:
    """The only workload of a manifest."""
    (found,) = graph(text, **config).workloads
    return found


def deployment(
    spec: str = "", pod: str = "", *, name: str = "db", namespace: str = "", kind: str = "Deployment"
) -> str:
    """A Deployment with one container; ``spec`` and ``pod`` are lines of flow style YAML."""
    space = f", namespace: {namespace}" if namespace else ""
    lines = [
        "apiVersion: apps/v1",
        f"kind: {kind}",
        f"metadata: {{name: {name}{space}}}",
        "spec:",
        *(f"  {line}" for line in spec.splitlines() if line.strip()),
        f"  selector: {{matchLabels: {{app: {name}}}}}",
        "  template:",
        f"    metadata: {{labels: {{app: {name}}}}}",
        "    spec:",
        *(f"      {line}" for line in pod.splitlines() if line.strip()),
        "      containers:",
        "        - name: main",
        "          image: postgres:16.3",
        "          volumeMounts: [{name: data, mountPath: /var/lib/postgresql/data}]",
    ]
    return "\n".join(lines) + "\n"


def claim(name: str, *, namespace: str = "", modes: str = "ReadWriteOnce", spec: str = "") -> str:
    """A PersistentVolumeClaim."""
    space = f", namespace: {namespace}" if namespace else ""
    return (
        f"apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: {name}{space}}}\n"
        f"spec:\n  accessModes: [{modes}]\n  resources: {{requests: {{storage: 8Gi}}}}\n"
        + "".join(f"  {line}\n" for line in spec.splitlines() if line.strip())
    )


def documents(*texts: str) -> str:
    """Several documents of one file."""
    return "---\n".join(texts)


USES_DATA = "volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]"
