"""A linter for stateful Kubernetes manifests.

``lint`` and ``lint_text`` are imported when they are first used, so that ``--version`` costs nothing.
"""

from typing import TYPE_CHECKING, Any

from k8s_stateful_lint._about import __version__

if TYPE_CHECKING:
    from k8s_stateful_lint.api import lint, lint_text
    from k8s_stateful_lint.config import Config, ConfigError
    from k8s_stateful_lint.engine.report import Report, ReportedFinding
    from k8s_stateful_lint.fleet import RootReport, lint_many

__all__ = [
    "Config",
    "ConfigError",
    "Report",
    "ReportedFinding",
    "RootReport",
    "__version__",
    "lint",
    "lint_many",
    "lint_text",
]

_HOMES = {
    "lint": "api",
    "lint_text": "api",
    "lint_many": "fleet",
    "RootReport": "fleet",
    "Config": "config",
    "ConfigError": "config",
    "Report": "engine.report",
    "ReportedFinding": "engine.report",
}


def __getattr__(name: str) -> Any:
    """Import the public names lazily."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
