"""The types of the configuration: keys of the file are the kebab-case forms of the fields.

The JSON Schema for editors and the reference in the documentation are made from these types and their descriptions.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

import msgspec

Severity = Literal["error", "warning", "info"]
SeverityOrOff = Literal["error", "warning", "info", "off"]
Confidence = Literal["high", "medium", "low"]
Route = tuple[str | int, ...]

ENVIRONMENTS = ("production", "development", "unspecified")
"""The environments that there are without any configuration."""


class Problem(msgspec.Struct, frozen=True):
    """Something wrong in a configuration, and the route of keys and indexes that leads to it."""

    route: Route
    message: str
    # Whether the key itself is wrong, not what stands behind it.
    is_key: bool = False


class ConfigError(Exception):
    """The configuration cannot be used; the text says where and why, one line a problem."""

    def __init__(self, text: str, problems: Iterable[Problem] = ()) -> None:
        """The text is for people; ``problems`` are what it says with their routes, where these are known."""
        super().__init__(text)
        self.problems = tuple(problems)

    @classmethod
    def of(cls, problems: Iterable[Problem]) -> ConfigError:
        """An error about problems whose places are not known."""
        found = tuple(problems)
        return cls("\n".join(problem.message for problem in found), found)


def _about(description: str) -> msgspec.Meta:
    return msgspec.Meta(description=description)


class Settings(msgspec.Struct, frozen=True, rename="kebab", kw_only=True, forbid_unknown_fields=True):
    """The base of every part of the configuration."""


class ClusterFacts(Settings, frozen=True):
    """Facts about the cluster; what is absent is unknown."""

    platform: Annotated[
        str | None, _about("What the cluster runs on: eks, gke, aks, k3s, openshift, minikube, kind, onprem ...")
    ] = None
    nodes: Annotated[Literal["one", "many"], _about("`one`: everything runs on the same node.")] = "many"
    zones: Annotated[Literal["one", "many"], _about("`one`: all nodes are in the same zone.")] = "many"
    runtime: Annotated[Literal["containerd", "cri-o"], _about("The container runtime.")] = "containerd"
    default_class: Annotated[
        str | None, _about("The name of the default class, or `none` where the cluster has no default class.")
    ] = None
    storage_classes: Annotated[
        dict[str, str] | None, _about("Every class of the cluster with its provisioner; a class not listed is missing.")
    ] = None
    drivers: Annotated[tuple[str, ...] | None, _about("Every CSI driver that is installed.")] = None


class ExternalNames(Settings, frozen=True):
    """Globs of names that exist outside the input."""

    claims: Annotated[tuple[str, ...], _about("PersistentVolumeClaims.")] = ()
    services: Annotated[tuple[str, ...], _about("Services.")] = ()
    classes: Annotated[tuple[str, ...], _about("StorageClasses and VolumeSnapshotClasses.")] = ()
    volumes: Annotated[tuple[str, ...], _about("PersistentVolumes.")] = ()


class GitOps(Settings, frozen=True):
    """The tool that applies the manifests, and the label it tracks objects by."""

    tool: Annotated[Literal["argocd", "flux", "none"], _about("The tool that applies the manifests.")] = "none"
    tracking_label: Annotated[str | None, _about("The label that Argo CD tracks objects by.")] = None


class InputFacts(Settings, frozen=True):
    """Whether the input is all there is."""

    complete: Annotated[
        bool | tuple[str, ...],
        _about("Whether the input is all there is: for every kind, for none, or for the kinds listed."),
    ] = False


class EnvironmentSettings(Settings, frozen=True):
    """What means an environment; the first environment that matches wins."""

    name: Annotated[str, _about("`production`, `development`, or a name of your own.")]
    paths: Annotated[tuple[str, ...], _about("Globs of paths.")] = ()
    namespaces: Annotated[tuple[str, ...], _about("Globs of namespaces.")] = ()
    labels: Annotated[dict[str, str], _about("Labels of the object, its pod template or its Namespace.")] = {}


class RuleSettings(Settings, frozen=True):
    """How one rule is treated."""

    severity: Annotated[SeverityOrOff | None, _about("A severity, or `off`.")] = None
    options: Annotated[dict[str, Any], _about("Options of the rule; `explain RULE` lists them.")] = {}
    exclude: Annotated[tuple[str, ...], _about("Globs of paths that the rule leaves alone.")] = ()


class Override(Settings, frozen=True):
    """Rules that are treated differently in some places; of several that match, the last one wins."""

    rules: Annotated[
        dict[str, SeverityOrOff | RuleSettings],
        _about("Rules or families: a severity, `off`, or `{severity, options, exclude}`."),
    ]
    paths: Annotated[tuple[str, ...], _about("Globs of paths; absent: everywhere.")] = ()
    environments: Annotated[tuple[str, ...], _about("Names of environments; absent: in all of them.")] = ()


class Config(Settings, frozen=True):
    """Everything that steers a run."""

    extends: Annotated[
        str | tuple[str, ...], _about("Another configuration file, or several, that this one adds to.")
    ] = ()
    target: Annotated[str | None, _about('The version of Kubernetes, `"1.34"`, or a range such as `1.29-1.34`.')] = None
    schema: Annotated[
        Literal["all", "modelled", "off"], _about("Which objects are validated against the API's schemas.")
    ] = "modelled"
    cluster: Annotated[ClusterFacts, _about("Facts about the cluster; what is absent is unknown.")] = ClusterFacts()
    cluster_facts: Annotated[
        str | None, _about("A file that kubectl printed, to resolve against; `k8s-stateful-lint facts` tells how.")
    ] = None
    external: Annotated[ExternalNames, _about("Globs of names that exist outside the input.")] = ExternalNames()
    gitops: Annotated[Literal["argocd", "flux", "none"] | GitOps, _about("The tool that applies the manifests.")] = (
        GitOps()
    )
    input: Annotated[InputFacts, _about("Whether the input is all there is.")] = InputFacts()
    environments: Annotated[
        tuple[EnvironmentSettings, ...], _about("What means production, development, or an environment of your own.")
    ] = ()
    guess_environments: Annotated[
        bool, _about("Whether a folder or namespace called prod or production means production.")
    ] = True
    knowledge: Annotated[dict[str, Any], _about("Rows that are added to the built-in tables, or override them.")] = {}
    rules: Annotated[
        dict[str, SeverityOrOff | RuleSettings],
        _about("Rules or families: a severity, `off`, or `{severity, options, exclude}`."),
    ] = {}
    overrides: Annotated[
        tuple[Override, ...], _about("Rules that are treated differently by path or environment; the last match wins.")
    ] = ()
    select: Annotated[tuple[str, ...], _about("Run only these rules and families.")] = ()
    extend_select: Annotated[tuple[str, ...], _about("Run these, too: strict rules, for example.")] = ()
    ignore: Annotated[tuple[str, ...], _about("Leave these rules and families out.")] = ()
    exclude: Annotated[tuple[str, ...], _about("Globs of paths that are not read.")] = ()
    strict: Annotated[bool, _about("Whether the rules of the strict wave run, too.")] = False
    fail_on: Annotated[
        Literal["error", "warning", "info", "never"], _about("From which severity on findings fail the run.")
    ] = "warning"
    baseline: Annotated[
        str | None,
        _about("The file of findings that wait; by default `.k8s-stateful-lint-baseline.yaml` beside this one."),
    ] = None
    # Not of the file: where its globs of paths count from, and what the command line alone can say.
    root: str = ""
    environment: str | None = None
    namespace: str | None = None
    ignore_comments: bool = True

    @property
    def tool(self) -> GitOps:
        """The GitOps tool, whichever way it is written."""
        return self.gitops if isinstance(self.gitops, GitOps) else GitOps(tool=self.gitops)

    @property
    def not_linted(self) -> tuple[str, ...]:
        """Files that are no part of the input, although they may lie in it."""
        return (self.cluster_facts,) if self.cluster_facts is not None else ()

    def relative(self, path: str) -> str:
        """A path of the input as the globs of the configuration see it: from the folder of the file."""
        if self.root in ("", ".") or path.startswith("<"):
            return posixpath.normpath(path)
        return posixpath.relpath(path, self.root)


# What the file cannot say, and how else it is said.
NOT_IN_FILES = {
    "root": None,
    "environment": "--environment NAME on the command line says it; `environments` says what means one",
    "namespace": "--namespace NAME on the command line says it",
    "ignore-comments": "--no-ignores on the command line says it",
}


def normalised(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values in which a bare `off` or `on`, which YAML 1.1 reads as a boolean, is the word that people meant."""
    copy = dict(values)
    if isinstance(copy.get("schema"), bool):
        copy["schema"] = "modelled" if copy["schema"] else "off"
    if isinstance(copy.get("rules"), Mapping):
        copy["rules"] = _rules(copy["rules"])
    if isinstance(copy.get("overrides"), list | tuple):
        copy["overrides"] = [
            {**entry, "rules": _rules(entry["rules"])}
            if isinstance(entry, Mapping) and isinstance(entry.get("rules"), Mapping)
            else entry
            for entry in copy["overrides"]
        ]
    return copy


def _rules(rules: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: "off"
        if rule is False
        else {**rule, "severity": "off"}
        if isinstance(rule, Mapping) and rule.get("severity") is False
        else rule
        for name, rule in rules.items()
    }


def config_from(values: Mapping[str, Any]) -> Config:
    """Read a configuration from plain values.

    Raises:
        ConfigError: keys are unknown or values have the wrong type; the text names each.

    """
    if not values:
        return Config()  # without the types of all that could be written
    plain = normalised(values)
    try:
        return msgspec.convert(plain, Config, strict=True)
    except msgspec.ValidationError as error:
        from k8s_stateful_lint.config.problems import problems_of

        problems = problems_of(plain) or [Problem((), str(error))]
        raise ConfigError.of(problems) from error
