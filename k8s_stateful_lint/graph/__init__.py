"""Objects become a storage graph: workload, mount, volume, claim, PersistentVolume or class, driver; who selects whom.

Edges are resolved when they are asked for. What cannot be resolved is None or marked ambiguous, never guessed.
"""

from k8s_stateful_lint.graph.databases import Database, DataPlacement, Server
from k8s_stateful_lint.graph.graph import Graph, Unresolved
from k8s_stateful_lint.graph.node import Node, Resolution
from k8s_stateful_lint.graph.pairs import Pair, Removed, Renamed
from k8s_stateful_lint.graph.pods import PodCount, Rollout
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
from k8s_stateful_lint.graph.workloads import (
    Autoscaler,
    Container,
    DisruptionBudget,
    Kustomization,
    Mount,
    Namespace,
    PodVolume,
    Service,
    StatefulSet,
    Workload,
)

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
