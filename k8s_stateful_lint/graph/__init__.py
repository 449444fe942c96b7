"""Objects become a storage graph: workload, mount, volume, claim, PersistentVolume or class, driver; who selects whom.

Edges are resolved when they are asked for. What cannot be resolved is None or marked ambiguous, never guessed.
"""

from k8s_stateful_lint.graph.containers import Container, Mount
from k8s_stateful_lint.graph.databases import Database, DataPlacement, Server
from k8s_stateful_lint.graph.graph import Graph
from k8s_stateful_lint.graph.node import Kustomization, Namespace, Node, Resolution
from k8s_stateful_lint.graph.pairs import Pair, Removed, Renamed
from k8s_stateful_lint.graph.pod_volumes import PodVolume
from k8s_stateful_lint.graph.pods import PodCount, Rollout
from k8s_stateful_lint.graph.selectors import Autoscaler, DisruptionBudget, Service
from k8s_stateful_lint.graph.storage import (
    MODES,
    ROX,
    RWO,
    RWOP,
    RWX,
    Claim,
    ClassName,
    DriverFact,
    PersistentVolume,
    StorageClass,
    VolumeSnapshot,
    VolumeSnapshotClass,
)
from k8s_stateful_lint.graph.unresolved import Unresolved
from k8s_stateful_lint.graph.workloads import StatefulSet, Workload

__all__ = [
    "MODES",
    "ROX",
    "RWO",
    "RWOP",
    "RWX",
    "Autoscaler",
    "Claim",
    "ClassName",
    "Container",
    "DataPlacement",
    "Database",
    "DisruptionBudget",
    "DriverFact",
    "Graph",
    "Kustomization",
    "Mount",
    "Namespace",
    "Node",
    "Pair",
    "PersistentVolume",
    "PodCount",
    "PodVolume",
    "Removed",
    "Renamed",
    "Resolution",
    "Rollout",
    "Server",
    "Service",
    "StatefulSet",
    "StorageClass",
    "Unresolved",
    "VolumeSnapshot",
    "VolumeSnapshotClass",
    "Workload",
]
