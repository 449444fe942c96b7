"""What a probe asks, for rules of several families."""

from __future__ import annotations

import re
from typing import Literal

from k8s_stateful_lint.graph import Database
from k8s_stateful_lint.model.pods import Probe


def probe_level(probe: Probe, database: Database) -> Literal["cluster", "node"] | None:
    """Whether a probe asks the cluster or only its own node, by the patterns of the image table; None = unknown."""
    if probe.http_get is not None:
        text = probe.http_get.path
    elif probe.exec is not None:
        files = database.container.config_texts
        text = " ".join([*probe.exec.command, *(files[word] for word in probe.exec.command if word in files)])
    else:
        return "node" if probe.tcp_socket is not None else None
    patterns = database.entry.probes
    if any(re.search(pattern, text) for pattern in patterns.node_local):
        return "node"
    return "cluster" if any(re.search(pattern, text) for pattern in patterns.cluster_level) else None
