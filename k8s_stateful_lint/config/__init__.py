"""What the user tells us: facts about the cluster, which rules run, and how findings are weighed.

`settings` has the types, which are the configuration file's own; `files` reads them from files and the command line.
"""

from k8s_stateful_lint.config.settings import (
    ENVIRONMENTS,
    ClusterFacts,
    Confidence,
    Config,
    ConfigError,
    EnvironmentSettings,
    ExternalNames,
    GitOps,
    InputFacts,
    Override,
    Problem,
    RuleSettings,
    Severity,
    SeverityOrOff,
    config_from,
)

__all__ = [
    "ENVIRONMENTS",
    "ClusterFacts",
    "Confidence",
    "Config",
    "ConfigError",
    "EnvironmentSettings",
    "ExternalNames",
    "GitOps",
    "InputFacts",
    "Override",
    "Problem",
    "RuleSettings",
    "Severity",
    "SeverityOrOff",
    "config_from",
]
