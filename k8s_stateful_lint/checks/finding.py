"""What a rule says: a message about a place, with other places that explain it."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from k8s_stateful_lint.config import Confidence, Severity
from k8s_stateful_lint.model.resource import Place


class Related(NamedTuple):
    """Another place that is shown with the finding."""

    place: Place
    label: str


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One finding of a rule.

    ``severity``, ``confidence`` and ``help`` are only set where the case differs from the rule's card. ``weak`` are
    steps of confidence lost on the way (see :class:`~k8s_stateful_lint.graph.Resolution`). ``unverified`` marks
    findings that rest on an unverified row of a table: their confidence is low, and they are at most warnings.
    ``steps`` are the lines of a shell script that carries the help out, with the object's own names.
    ``secret`` says that what stands at its places must not be shown to anybody.
    """

    place: Place
    message: str
    related: tuple[Related, ...] = ()
    severity: Severity | None = None
    confidence: Confidence | None = None
    help: str | None = None
    steps: tuple[str, ...] = ()
    secret: bool = False
    weak: int = 0
    unverified: bool = False
