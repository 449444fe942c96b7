"""``config``: the configuration in effect, with where each value comes from."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from k8s_stateful_lint.cli.options import option
from k8s_stateful_lint.cli.shared import (
    Colour,
    Complete,
    ConfigFile,
    EnvironmentName,
    ExtendSelect,
    FactsFile,
    FailOn,
    Ignore,
    NamespaceName,
    NoConfig,
    Paths,
    Select,
    Strict,
    Target,
    fail,
    load_settings,
    make_style,
    split_names,
)

if TYPE_CHECKING:
    from k8s_stateful_lint.config.files import Loaded, Setting
    from k8s_stateful_lint.reports import Style

_DEFAULT = "default"
# A comment further to the right than this is out of sight.
_FURTHEST = 48


class _Line(msgspec.Struct, frozen=True):
    """A line of YAML, and where its value comes from."""

    text: str
    origin: str = ""


def config(
    paths: Paths = None,
    select: Select = None,
    ignore: Ignore = None,
    extend_select: ExtendSelect = None,
    strict: Strict = False,
    fail_on: FailOn = None,
    environment: EnvironmentName = None,
    namespace: NamespaceName = None,
    target: Target = None,
    complete: Complete = False,
    cluster_facts: FactsFile = None,
    config_file: ConfigFile = None,
    no_config: NoConfig = False,
    format_name: Annotated[str, option("--format", metavar="yaml|json", help="How it is shown.")] = "yaml",
    schema: Annotated[bool, option("--schema", help="Print the JSON Schema of the file, for editors.")] = False,
    color: Colour = "auto",
) -> None:
    """Show which configuration is in effect. Beside each value: a file and line, an option, or default."""
    if schema:
        from k8s_stateful_lint.engine.config_schema import schema_file

        sys.stdout.write(schema_file().read_text(encoding="utf-8"))
        return
    if format_name not in {"yaml", "json"}:
        fail(f"there is no format {format_name} for the configuration; use yaml or json")
    given = {
        "select": split_names(select),
        "ignore": split_names(ignore),
        "extend-select": split_names(extend_select),
        "strict": strict or None,
        "fail-on": fail_on,
        "environment": environment,
        "namespace": namespace,
        "target": target,
        "input": {"complete": True} if complete else None,
        "cluster-facts": cluster_facts,
    }
    loaded = load_settings(paths or ["."], config_file, no_config, given)
    if format_name == "json":
        from k8s_stateful_lint.config.files import shown

        values = [{"key": key, "value": value, "origin": origin} for key, value, origin in _values(loaded)]
        file = shown(loaded.file) if loaded.file is not None else None
        print(json.dumps({"file": file, "values": values}, indent=2))
    else:
        sys.stdout.write(_yaml(loaded, make_style(color)))


def _values(loaded: Loaded) -> Iterator[tuple[str, Any, str]]:
    """Every value in effect by its key; what stands in a list or a map that a file wrote is one value."""
    import msgspec

    from k8s_stateful_lint.config.settings import NOT_IN_FILES

    for key, value in msgspec.to_builtins(loaded.config).items():
        setting, is_set = loaded.find((key,))
        if key in NOT_IN_FILES and not is_set:
            continue
        if isinstance(getattr(loaded.config, key.replace("-", "_")), msgspec.Struct) and (
            not is_set or isinstance(setting.value, dict)
        ):
            for inner, content in value.items():
                found, is_inner = loaded.find((key, inner))
                yield f"{key}.{inner}", content, found.place if is_inner else _DEFAULT
        else:
            yield key, setting.plain() if is_set else value, setting.place if is_set else _DEFAULT


def _yaml(loaded: Loaded, style: Style) -> str:
    from k8s_stateful_lint.config.files import shown
    from k8s_stateful_lint.config.writing import flow
    from k8s_stateful_lint.reports.text import paint

    lines: list[_Line] = []
    group = ""
    for key, value, origin in _values(loaded):
        outer, _, inner = key.partition(".")
        if inner and outer != group:
            lines.append(_Line(f"{outer}:"))
        group = outer
        setting, is_set = loaded.find(tuple(key.split(".")))
        indent = 2 if inner else 0
        if is_set:
            lines += _setting_lines(inner or outer, setting, indent)
        else:
            lines.append(_Line(f"{' ' * indent}{inner or outer}: {flow(value)}", origin))
    column = min(max(len(line.text) for line in lines if line.origin), _FURTHEST) + 2
    drawn = [
        line.text + (" " * max(column - len(line.text), 2) + paint(f"# {line.origin}", "dim", style))
        if line.origin
        else line.text
        for line in lines
    ]
    source = f"# {shown(loaded.file)}" if loaded.file is not None else "# no configuration file"
    return "\n".join([paint(source, "dim", style), *drawn]) + "\n"


def _setting_lines(key: str, setting: Setting, indent: int) -> Iterator[_Line]:
    from k8s_stateful_lint.config.writing import flow

    lead = f"{' ' * indent}{flow(key)}:"
    if isinstance(setting.value, dict) and setting.value:
        yield _Line(lead)
        for name, inner in setting.value.items():
            yield from _setting_lines(name, inner, indent + 2)
    elif isinstance(setting.value, list) and setting.value:
        yield _Line(lead)
        for item in setting.value:
            yield _Line(f"{' ' * indent}  - {flow(item.plain())}", item.place)
    else:
        yield _Line(f"{lead} {flow(setting.plain())}", setting.place)
