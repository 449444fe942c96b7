"""The JSON Schema of the configuration file, for editors: the types, and what the cards say about every rule."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from k8s_stateful_lint import config
from k8s_stateful_lint.config.settings import NOT_IN_FILES
from k8s_stateful_lint.engine.cards import Head, card, heads

_KINDS: dict[type, dict[str, Any]] = {
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    list: {"type": "array", "items": {"type": "string"}},
}


def schema_file() -> Path:
    """Where the generated schema lies in the package."""
    return Path(config.__file__).with_name("schema.json")


def schema() -> dict[str, Any]:
    """Make the schema."""
    made = msgspec.json.schema(config.Config)
    definitions: dict[str, Any] = made["$defs"]
    properties = definitions["Config"]["properties"]
    for key in NOT_IN_FILES:
        del properties[key]
    definitions["Rules"] = _rules()
    for part in (properties, definitions["Override"]["properties"]):
        part["rules"] = {"description": part["rules"]["description"], "$ref": "#/$defs/Rules"}
    for key in ("select", "extend-select", "ignore"):
        properties[key]["items"] = {"enum": _names()}
    names = {"anyOf": [{"enum": list(config.ENVIRONMENTS)}, {"type": "string"}]}
    definitions["EnvironmentSettings"]["properties"]["name"] |= names
    del definitions["EnvironmentSettings"]["properties"]["name"]["type"]
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "k8s-stateful-lint",
        "description": "Configuration of k8s-stateful-lint, .k8s-stateful-lint.yaml",
    }
    return {**head, "$ref": made["$ref"], "$defs": definitions}


@cache
def _names() -> list[str]:
    """Everything that may stand where rules are named: rules, their old names, families."""
    every = [name for head in heads().values() for name in (head.name, *head.aliases)]
    return sorted({*every, *(head.family for head in heads().values())})


def _rules() -> dict[str, Any]:
    known = {name: _rule(head, name == head.name) for head in heads().values() for name in (head.name, *head.aliases)}
    for family in sorted({head.family for head in heads().values()}):
        known[family] = {"description": f"Every rule of the family {family}.", "anyOf": _forms(None)}
    return {"type": "object", "additionalProperties": False, "properties": known}


def _rule(head: Head, is_present: bool) -> dict[str, Any]:
    description = f"{head.summary} ({head.severity})." if is_present else f"The old name of {head.name}."
    return {"description": description, "anyOf": _forms(head)}


def _forms(head: Head | None) -> list[dict[str, Any]]:
    """The forms in which a rule may be written; only a rule with options needs a schema of its own."""
    severity = {"enum": ["error", "info", "off", "warning"]}
    if head is None or not head.options:
        return [severity, {"$ref": "#/$defs/RuleSettings"}]
    described = card(head.name).options
    options = {
        name: {
            "description": _line(described[name].description),
            "default": default,
            **_KINDS[type(default)],
        }
        for name, default in head.options.items()
    }
    own = {"options": {"type": "object", "additionalProperties": False, "properties": options}}
    return [severity, {"allOf": [{"$ref": "#/$defs/RuleSettings"}, {"properties": own}]}]


def _line(text: str) -> str:
    return " ".join(text.split())
