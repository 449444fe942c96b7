"""What a rule about two revisions is called with: one thing in both, or one that is gone or goes on elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

if TYPE_CHECKING:
    from k8s_stateful_lint.graph.changes import Changes
    from k8s_stateful_lint.graph.workloads import Workload

Subject = TypeVar("Subject", covariant=True)


class Pair(msgspec.Struct, Generic[Subject], frozen=True, eq=False):
    """One thing in both revisions. ``weak`` are steps of confidence lost when it was recognised."""

    old: Subject
    new: Subject
    changes: Changes
    weak: int = 0


class Removed(msgspec.Struct, Generic[Subject], frozen=True, eq=False):
    """Something of the old revision that is not in the new one."""

    old: Subject
    changes: Changes
    weak: int = 0


class Renamed(msgspec.Struct, Generic[Subject], frozen=True, eq=False):
    """A workload of the old revision that goes on under another name or kind, or in another namespace."""

    old: Subject
    new: Workload
    changes: Changes
