"""What the user tells us: facts about the cluster, which rules run, and how findings are weighed.

The types are the configuration file's own: keys are the kebab-case forms of the fields.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

Severity = Literal["error", "warning", "info"]
Confidence = Literal["high", "medium", "low"]


class ConfigError(Exception):
    """The configuration cannot be used; the text says where and why."""


class Settings(msgspec.Struct, frozen=True, rename="kebab", kw_only=True, forbid_unknown_fields=True):
    """The base of every part of the configuration."""


class ClusterFacts(Settings, frozen=True):
    """Facts about the cluster; what is absent is unknown."""

    platform: str | None = None
    nodes: Literal["one", "many"] = "many"
    zones: Literal["one", "many"] = "many"
    runtime: Literal["containerd", "cri-o"] = "containerd"
    # A class name, or "none" where the cluster has no default class.
    default_class: str | None = None
    # Complete map of class name to provisioner.
    storage_classes: dict[str, str] | None = None
    drivers: tuple[str, ...] | None = None


class ExternalNames(Settings, frozen=True):
    """Globs of names that exist outside the input."""

    claims: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()


class GitOps(Settings, frozen=True):
    """The tool that applies the manifests, and the label it tracks objects by."""

    tool: Literal["argocd", "flux", "none"] = "none"
    tracking_label: str | None = None


class InputFacts(Settings, frozen=True):
    """Whether the input is all there is: for every kind, for none, or for the kinds listed."""

    complete: bool | tuple[str, ...] = False


class EnvironmentSettings(Settings, frozen=True):
    """What means an environment: globs of paths and of namespaces, and labels."""

    name: str
    paths: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    labels: dict[str, str] = {}


class RuleSettings(Settings, frozen=True):
    """How one rule is treated."""

    severity: Literal["error", "warning", "info", "off"] | None = None
    options: dict[str, Any] = {}
    exclude: tuple[str, ...] = ()


class Config(Settings, frozen=True):
    """Everything that steers a run."""

    # A version of Kubernetes, or a range such as 1.29-1.34.
    target: str | None = None
    # Which objects are validated against the API's schemas. In YAML 1.1 a bare `off` is the boolean false.
    schema: Literal["all", "modelled", "off"] | bool = "modelled"
    cluster: ClusterFacts = ClusterFacts()
    external: ExternalNames = ExternalNames()
    gitops: Literal["argocd", "flux", "none"] | GitOps = GitOps()
    input: InputFacts = InputFacts()
    environments: tuple[EnvironmentSettings, ...] = ()
    guess_environments: bool = True
    knowledge: dict[str, Any] = {}
    rules: dict[str, Literal["error", "warning", "info", "off"] | RuleSettings] = {}
    select: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    strict: bool = False
    fail_on: Literal["error", "warning", "info", "never"] = "warning"
    # Given on the command line only: the environment of every object, and the namespace of those that write none.
    environment: str | None = None
    namespace: str | None = None
    ignore_comments: bool = True

    @property
    def tool(self) -> GitOps:
        """The GitOps tool, whichever way it is written."""
        return self.gitops if isinstance(self.gitops, GitOps) else GitOps(tool=self.gitops)

    @property
    def schema_scope(self) -> Literal["all", "modelled", "off"]:
        """Which objects are validated against schemas."""
        if isinstance(self.schema, bool):
            return "modelled" if self.schema else "off"
        return self.schema

    def rule(self, name: str) -> RuleSettings:
        """How a rule is treated; the defaults where nothing is said."""
        settings = self.rules.get(name)
        if settings is None:
            return _DEFAULT_RULE
        return settings if isinstance(settings, RuleSettings) else RuleSettings(severity=settings)


_DEFAULT_RULE = RuleSettings()


def config_from(values: Mapping[str, Any]) -> Config:
    """Read a configuration from plain values.

    Raises:
        ConfigError: a key is unknown or a value has the wrong type; the text names it.

    """
    try:
        return msgspec.convert(dict(values), Config, strict=True)
    except msgspec.ValidationError as error:
        raise ConfigError(str(error)) from error


CONFIG_NAME = ".k8s-stateful-lint.yaml"


def find_config(paths: Sequence[str]) -> Path | None:
    """The configuration file: upward from the first path, as far as the root of its repository."""
    first = Path(paths[0]) if paths and paths[0] != "-" else Path()
    start = first if first.is_dir() else first.parent
    for directory in (start.resolve(), *start.resolve().parents):
        candidate = directory / CONFIG_NAME
        if candidate.is_file():
            return candidate
        if (directory / ".git").exists():
            return None
    return None


def read_config(path: Path) -> dict[str, Any]:
    """The plain values of a configuration file.

    Raises:
        ConfigError: the file cannot be read, is not YAML, or is not a mapping.

    """
    from k8s_stateful_lint.reading import SourceFile, read

    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read the configuration {path}: {error.strerror}") from error
    reading = read(SourceFile(str(path), data))
    for fault in reading.faults:
        raise ConfigError(f"{path}:{fault.line}:{fault.column}: {fault.message}")
    if not reading.documents:
        return {}
    value = reading.documents[0].value
    if not isinstance(value, dict):
        raise ConfigError(f"{path}: the configuration must be a mapping of keys to values")
    try:
        config_from(value)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
    return value
