"""``init``: a commented configuration from what the repository looks like."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from k8s_stateful_lint.cli.options import Argument, option
from k8s_stateful_lint.cli.shared import fail, say

if TYPE_CHECKING:
    from k8s_stateful_lint.cli.survey import Survey

_WIDTH = 110


def init(
    folder: Annotated[Path, Argument(metavar="FOLDER", help="The root of the repository.")] = Path(),
    force: Annotated[bool, option("--force", help="Replace a configuration that is there.")] = False,
) -> None:
    """Write a configuration from what is there. It is commented, and nothing is asked."""
    from k8s_stateful_lint.cli.files import write_file
    from k8s_stateful_lint.cli.survey import survey
    from k8s_stateful_lint.sources import CONFIG_NAME

    if not folder.is_dir():
        fail(f"{folder} is no folder")
    path = folder / CONFIG_NAME
    if path.exists() and not force:
        fail(f"{path} is there already: --force replaces it, and `k8s-stateful-lint config` shows what is in effect")
    seen = survey(folder)
    write_file(path, (f"{line}\n" for line in _lines(seen)))
    say(f"{path} written: {seen.objects} objects, {seen.workloads} workloads, {seen.claims} claims seen")
    if not seen.objects:
        say("there is no manifest here that can be read; charts and templates must be rendered first")
    else:
        say("next: `k8s-stateful-lint check`; to let what it finds wait: `k8s-stateful-lint baseline create`")


def _lines(seen: Survey) -> Iterator[str]:
    from k8s_stateful_lint.cli.survey import several
    from k8s_stateful_lint.knowledge import NEWEST, format_version

    yield from _comment(
        "Configuration of k8s-stateful-lint. Everything is optional: a line that begins with # changes nothing. "
        "`k8s-stateful-lint config` shows what is in effect; with --schema, the JSON Schema of this file for editors."
    )
    yield ""
    yield "# The version of Kubernetes that the manifests are for, or a range."
    if len(seen.versions) == 1:
        ((version, place),) = seen.versions.items()
        yield f'target: "{version}"  # {place}'
    elif seen.versions:
        versions = list(seen.versions)
        yield f'# target: "{versions[0]}-{versions[-1]}"  # {several(f"{v} in {p}" for v, p in seen.versions.items())}'
    else:
        yield f'# target: "{format_version(NEWEST)}"'
    yield from _environments(seen)
    yield from _cluster(seen)
    if seen.gitops:
        yield ""
        yield "# The tool that applies the manifests."
        yield f"gitops: {seen.gitops[0]}" if len(seen.gitops) == 1 else f"# gitops: {' or '.join(seen.gitops)}"
    yield ""
    yield "# Claims, Services, classes and volumes that exist although no manifest here defines them (globs of names)."
    yield "# external:"
    yield "#   claims: [shared-*]"
    if seen.charts:
        yield ""
        yield from _comment(f"Helm charts are linted as they are rendered: {several(seen.charts)}.")
    yield ""
    yield from _comment(
        "Rules and families, by name: a severity, off, or {severity, options, exclude}. `k8s-stateful-lint rules` "
        "lists them, `k8s-stateful-lint explain RULE` tells why and which options there are."
    )
    yield "rules: {}"
    yield ""
    yield "# Other treatment by path or environment; the last match wins."
    yield "# overrides:"
    yield "#   - environments: [development]"
    yield "#     rules: {host-path-in-production: info}"
    yield ""
    yield "# Files that are not read."
    yield "exclude: []"
    yield ""
    yield "# From which severity on findings fail the run: error, warning, info or never."
    yield "fail-on: warning"


def _environments(seen: Survey) -> Iterator[str]:
    from k8s_stateful_lint.cli.survey import several
    from k8s_stateful_lint.config.writing import flow

    yield ""
    yield "# What means an environment; the first that matches wins. Some rules are stricter in production."
    if seen.overlays:
        yield from _comment(f"Overlays: {several(seen.overlays)}.")
    if seen.namespaces:
        yield from _comment(f"Namespaces: {several(f'{name} ({number})' for name, number in seen.namespaces)}.")
    if not seen.environments:
        yield "# environments:"
        yield "#   - name: production"
        yield "#     paths: [clusters/live]"
        yield "#     namespaces: [shop]"
        return
    yield "environments:"
    for name in sorted(seen.environments, reverse=True):
        yield f"  - name: {name}"
        for key, values in sorted(seen.environments[name].items(), reverse=True):
            yield from _values(f"    {key}:", [flow(value) for value in values])


def _cluster(seen: Survey) -> Iterator[str]:
    from k8s_stateful_lint.cli.survey import several
    from k8s_stateful_lint.config.writing import flow

    yield ""
    yield "# Facts about the cluster; what is absent is unknown. `k8s-stateful-lint facts` tells how to get them."
    if seen.classes:
        defined = several(f"{name} ({provisioner})" for name, provisioner in sorted(seen.classes.items()))
        yield from _comment(f"Classes defined here: {defined}.")
    if seen.without_class:
        claims = (
            "1 claim names no class and needs"
            if seen.without_class == 1
            else f"{seen.without_class} claims name no class and need"
        )
        yield f"# {claims} a default class."
    yield "# cluster:"
    platform = seen.platforms[0] if len(seen.platforms) == 1 else "eks"
    hint = f"  # by the provisioners: {several(seen.platforms)}" if seen.platforms else ""
    yield f"#   platform: {platform}{hint}"
    default = seen.default_classes[0] if len(seen.default_classes) == 1 else "gp3"
    yield f"#   default-class: {flow(default)}  # or none"
    if seen.unknown_classes:
        yield "#   storage-classes:  # all there are, with their provisioners; claims name these:"
        for name, number in seen.unknown_classes[:6]:
            yield f"#     {flow(name)}: ebs.csi.aws.com  # {number} claim{'' if number == 1 else 's'}"
    else:
        yield "#   storage-classes: {gp3: ebs.csi.aws.com}  # all there are, with their provisioners"


def _comment(text: str) -> Iterator[str]:
    lines = textwrap.wrap(text, _WIDTH - 2, break_long_words=False, break_on_hyphens=False)
    yield from (f"# {line}" for line in lines)


def _values(key: str, values: list[str]) -> Iterator[str]:
    """A list of a key: on one line where it fits."""
    line = f"{key} [{', '.join(values)}]"
    if len(line) <= _WIDTH:
        yield line
        return
    yield key
    yield from (f"{' ' * (len(key) - len(key.lstrip()))}  - {value}" for value in values)
