"""Which environment an object is for: production, development, or nothing that we may guess."""

from __future__ import annotations

import posixpath
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import msgspec

from k8s_stateful_lint.sources import matching_glob

if TYPE_CHECKING:
    from collections.abc import Mapping

    from k8s_stateful_lint.graph.node import Node

_LABELS = ("environment", "env", "app.kubernetes.io/environment")
_PRODUCTION_LABELS = frozenset({"prod", "production", "prd", "live"})
_DEVELOPMENT_LABELS = frozenset({"dev", "development", "test", "ci", "local"})
_PRODUCTION_WORDS = frozenset({"prod", "production", "prd"})
_PRODUCTION_ENDINGS = ("-prod", "-production")


class Environment(msgspec.Struct, frozen=True):
    """The environment's name, and what said so."""

    name: str
    reason: str


UNSPECIFIED = Environment("unspecified", "nothing says which environment this is")


def environment_of(node: Node) -> Environment:
    """The first of: command line, configured paths, configured namespaces, labels, and signs of production."""
    config = node.graph.config
    if config.environment is not None:
        given, own = config.environment, {settings.name for settings in config.environments}
        own.update(each for override in config.overrides for each in override.environments)
        meant = None if given in own else _meaning(given)
        return Environment(meant or given, "given on the command line")
    path, namespace = posixpath.normpath(node.resource.path), node.namespace
    relative = config.relative(path)
    for settings in config.environments:
        if (glob := matching_glob(relative, settings.paths)) is not None:
            return Environment(settings.name, f"the path matches {glob} of the configuration")
    for settings in config.environments:
        for glob in settings.namespaces if namespace is not None else ():
            if fnmatchcase(namespace or "", glob):
                return Environment(settings.name, f"the namespace {namespace} matches {glob} of the configuration")
    for labels in _label_sets(node):
        for settings in config.environments:
            if settings.labels and all(labels.get(key) == value for key, value in settings.labels.items()):
                written = ", ".join(f"{key}: {value}" for key, value in settings.labels.items())
                return Environment(settings.name, f"label {written}, as the configuration says")
        for key in _LABELS:
            value = labels.get(key, "").lower()
            if (meant := _meaning(value)) is not None:
                return Environment(meant, f"label {key}: {value}")
    if config.guess_environments:
        return _guess(path, namespace)
    return UNSPECIFIED


def _meaning(word: str) -> str | None:
    """What people mean by ``prod``, ``dev`` and the like."""
    if word.lower() in _PRODUCTION_LABELS:
        return "production"
    return "development" if word.lower() in _DEVELOPMENT_LABELS else None


def _label_sets(node: Node) -> list[Mapping[str, str]]:
    sets: list[Mapping[str, str]] = [node.labels]
    template = getattr(node, "template_labels", None)
    if template:
        sets.append(template)
    home = node.graph.namespace_object(node)
    if home is not None and home is not node:
        sets.append(home.labels)
    return sets


def _guess(path: str, namespace: str | None) -> Environment:
    for segment in path.lower().split("/")[:-1]:
        if segment in _PRODUCTION_WORDS:
            return Environment("production", f"the path has the segment {segment}")
    if namespace is not None and (namespace in _PRODUCTION_WORDS or namespace.endswith(_PRODUCTION_ENDINGS)):
        return Environment("production", f"the namespace is {namespace}")
    return UNSPECIFIED
