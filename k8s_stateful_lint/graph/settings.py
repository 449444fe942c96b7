"""What a container's process is given: environment variables, and files from ConfigMaps of the input."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

import msgspec

from k8s_stateful_lint.model.placeholders import is_placeholder
from k8s_stateful_lint.model.workloads import ConfigMapBody

if TYPE_CHECKING:
    from k8s_stateful_lint.graph.containers import Container, Mount
    from k8s_stateful_lint.graph.graph import Graph


class Environment(msgspec.Struct, frozen=True):
    """Variables with their literal values (None = from elsewhere), and whether there are some we cannot see."""

    values: dict[str, str | None]
    has_unknown: bool


class ConfigFiles(msgspec.Struct, frozen=True):
    """Files of ConfigMaps by path, and mount paths whose content is not in the input."""

    texts: dict[str, str]
    unknown: tuple[str, ...]


def environment_of(graph: Graph, container: Container) -> Environment:
    """The environment of a container: later entries win, ``env`` over ``envFrom``."""
    values: dict[str, str | None] = {}
    has_unknown = False
    for source in container.spec.env_from:
        name = source.config_map_ref.get("name") if source.config_map_ref else None
        data = _config_map(graph, container, name)
        if data is None:
            has_unknown = True
        else:
            values.update({source.prefix + key: value for key, value in data.items()})
    for variable in container.spec.env:
        if variable.value_from is not None:
            values[variable.name] = _referred(graph, container, variable.value_from)
        else:
            value = variable.value or ""
            # $(VAR) is the kubelet's own syntax in env, so it is no placeholder here.
            values[variable.name] = None if is_placeholder(value.replace("$(", "")) else value
    return Environment(values, has_unknown)


def config_files(graph: Graph, container: Container) -> ConfigFiles:
    """What ConfigMaps, Secrets and prepared directories put into the container."""
    texts: dict[str, str] = {}
    unknown: list[str] = []
    for mount in container.mounts:
        volume = mount.volume
        if volume is None or volume.source is None:
            continue
        key, value = volume.source
        if key == "configMap":
            data = _config_map(graph, container, value.get("name") if isinstance(value, dict) else None)
            if data is None:
                unknown.append(mount.path)
            else:
                texts.update(_files(mount, data, value))
        elif key in {"secret", "projected", "csi", "downwardAPI", "image"} or (
            key == "emptyDir"
            and any(other.volume is volume for init in container.workload.init_containers for other in init.mounts)
        ):
            # An init container may have written configuration into a shared emptyDir.
            unknown.append(mount.path)
    return ConfigFiles(texts, tuple(unknown))


def _files(mount: Mount, data: dict[str, str], source: dict[str, Any]) -> dict[str, str]:
    items = source.get("items")
    if isinstance(items, list):
        names = {item.get("key"): item.get("path") for item in items if isinstance(item, dict)}
        data = {str(names[key]): text for key, text in data.items() if names.get(key)}
    if mount.spec.sub_path:
        return {mount.path: data[mount.spec.sub_path]} if mount.spec.sub_path in data else {}
    return {posixpath.join(mount.path, name): text for name, text in data.items()}


def _referred(graph: Graph, container: Container, source: dict[str, Any]) -> str | None:
    reference = source.get("configMapKeyRef")
    if not isinstance(reference, dict):
        return None
    data = _config_map(graph, container, reference.get("name"))
    key = reference.get("key")
    return data.get(key) if data is not None and isinstance(key, str) else None


def _config_map(graph: Graph, container: Container, name: object) -> dict[str, str] | None:
    """The data of a ConfigMap of the same unit; None where it is not in the input."""
    if not isinstance(name, str) or not name:
        return None
    found = graph.config_map(name, container.workload)
    if found is None:
        return _generated(graph, container, name)
    body = found.resource.body
    return body.data if isinstance(body, ConfigMapBody) else None


def _generated(graph: Graph, container: Container, name: str) -> dict[str, str] | None:
    """The data of a ConfigMap that a kustomization makes of literals alone; None where files are behind it."""
    builds = graph.units.builds_of(container.workload.resource.path)
    entries = [e for build in builds for e in build.body.config_map_generator if e.get("name") == name]
    literals = entries[0].get("literals") if len(entries) == 1 else None
    if not isinstance(literals, list) or any(entries[0].get(field) for field in ("files", "env", "envs")):
        return None
    pairs = (str(literal).partition("=") for literal in literals)
    return {key: value.strip("\"'") for key, _, value in pairs}
