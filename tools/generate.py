"""Regenerate every file that is made from another one. ``--check`` only tells whether one is stale."""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any

from k8s_stateful_lint.knowledge import TABLES
from tools.documents import document
from tools.tables import compiled

ROOT = Path(__file__).resolve().parent.parent
MADE = "<!-- Made by `make generate`; edit the cards in rules/ or tools/generate.py instead. -->\n"


def rule_index() -> bytes:
    from k8s_stateful_lint.engine.cards import encode_index
    from k8s_stateful_lint.engine.catalogue import paired

    return encode_index(paired())


def rule_list() -> bytes:
    """docs/rules.md: every rule, and how many there are by family and wave."""
    from k8s_stateful_lint.engine.cards import heads
    from k8s_stateful_lint.reports import Style
    from k8s_stateful_lint.reports.rules import render

    waves = ("core", "full", "strict")
    count = Counter((head.family, head.wave) for head in heads().values())
    families = sorted({head.family for head in heads().values()})
    lines = ["# Rules", "", MADE, "| Family | core | full | strict | all |", "|---|---|---|---|---|"]
    for family in families:
        numbers = [count[family, wave] for wave in waves]
        lines.append(f"| {family} | {' | '.join(map(str, numbers))} | {sum(numbers)} |")
    totals = [sum(count[family, wave] for family in families) for wave in waves]
    lines.append(f"| **all** | {' | '.join(map(str, totals))} | {sum(totals)} |")
    lines += [
        "",
        "The waves core and full are on by default; strict rules run with `--strict` or by name.",
        "`k8s-stateful-lint explain RULE` shows a rule's whole card: why, examples, exceptions and sources.",
        "",
        render("markdown", Style()),
    ]
    return "\n".join(lines).encode()


def pitfalls() -> bytes:
    """docs/pitfalls.md: which rule covers which pitfall."""
    from ruamel.yaml import YAML

    rows = YAML(typ="safe").load(ROOT / "docs/pitfalls.yaml")
    lines = ["# Pitfalls and the rules that cover them", "", MADE.replace("the cards in rules/", "docs/pitfalls.yaml")]
    lines += ["| # | Pitfall | Rules |", "|---|---|---|"]
    group = None
    for number, row in enumerate(rows, start=1):
        if row["group"] != group:
            group = row["group"]
            lines.append(f"| | **{group}** | |")
        rules = ", ".join(f"`{rule}`" for rule in row["rules"])
        cell = " ".join(part for part in (rules, row.get("note")) if part)
        lines.append(f"| {number} | {row['pitfall']} | {cell} |")
    return ("\n".join(lines) + "\n").encode()


def config_schema() -> bytes:
    """The JSON Schema of the configuration file."""
    from k8s_stateful_lint.engine.config_schema import schema

    return (json.dumps(schema(), indent=1, ensure_ascii=False) + "\n").encode()


def configuration() -> bytes:
    """docs/configuration.md with the table of all keys between its markers."""
    from k8s_stateful_lint.engine.config_schema import schema

    definitions = schema()["$defs"]
    parts = {"": "Config", "cluster": "ClusterFacts", "external": "ExternalNames", "gitops": "GitOps"}
    parts |= {"input": "InputFacts", "environments[]": "EnvironmentSettings", "overrides[]": "Override"}
    parts |= {"rules.RULE": "RuleSettings"}
    lines = []
    for where, name in parts.items():
        part = definitions[name]
        title = f"`{where}`: {part['description'][0].lower()}{part['description'][1:]}" if where else "Keys of the file"
        lines += [f"### {title.rstrip('.')}", "", "| Key | Value | Default | Meaning |", "|---|---|---|---|"]
        for key, value in part["properties"].items():
            required = key in part.get("required", ())
            default = "required" if required else _default(value.get("default"))
            lines.append(f"| `{key}` | {_kinds(value)} | {default} | {value['description']} |")
        lines.append("")
    text = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    marker = MADE.replace("the cards in rules/", "k8s_stateful_lint/config/settings.py")
    block = "\n".join(["<!-- reference -->", marker, *lines, "<!-- /reference -->"])
    return re.sub(r"<!-- reference -->.*?<!-- /reference -->", lambda _: block, text, flags=re.DOTALL).encode()


def _default(value: object) -> str:
    return "" if value is None or isinstance(value, dict) else f"`{json.dumps(value)}`".replace('"', "")


def _kinds(value: dict[str, Any]) -> str:
    """The values that a key takes, in words."""
    if "$ref" in value:
        return "mapping"
    if "enum" in value:
        return ", ".join(f"`{word}`" for word in value["enum"] if word is not None)
    if "anyOf" in value:
        return " or ".join(dict.fromkeys(_kinds(part) for part in value["anyOf"] if part.get("type") != "null"))
    names = {"array": "list", "boolean": "`true`, `false`", "object": "mapping"}
    return names.get(value["type"], value["type"])


def with_sample(name: str) -> bytes:
    """A document with a sample of real output between its markers."""
    text = (ROOT / name).read_text(encoding="utf-8")
    block = f"<!-- sample -->\n```console\n$ k8s-stateful-lint check examples/shop\n{_sample()}\n```\n<!-- /sample -->"
    return re.sub(r"<!-- sample -->.*?<!-- /sample -->", lambda _: block, text, flags=re.DOTALL).encode()


def _sample() -> str:
    """The first finding with a related place, and the last line, of a run over examples/shop."""
    from k8s_stateful_lint import Config, lint
    from k8s_stateful_lint.reports import Style, render
    from k8s_stateful_lint.reports.text import footer

    here = Path.cwd()
    os.chdir(ROOT)
    try:
        report = lint("examples/shop", config=Config())
    finally:
        os.chdir(here)
    style = Style(width=96)
    frames = render("text", report, style).split("\n\n")
    wanted = next(frame for frame in frames if frame.startswith("error[rwo-claim-multi-node]"))
    return f"{wanted}\n...\n{footer(report, style)}"


def comparison() -> bytes:
    """docs/compare.md with what the program says about its example."""
    from k8s_stateful_lint.config import Config
    from k8s_stateful_lint.engine.compare import Side, compare
    from k8s_stateful_lint.reports import Style, render
    from k8s_stateful_lint.revisions import Wanted, read_revisions

    here = Path.cwd()
    os.chdir(ROOT / "examples" / "upgrade")
    try:
        old, new = read_revisions(Wanted(("before", "after")))
        report = compare(Side(old.name, old.files), Side(new.name, new.files), Config())
    finally:
        os.chdir(here)
    text = (ROOT / "docs" / "compare.md").read_text(encoding="utf-8")
    said = render("text", report, Style(width=96)).rstrip()
    block = f"<!-- compare -->\n```console\n$ k8s-stateful-lint compare before after\n{said}\n```\n<!-- /compare -->"
    return re.sub(r"<!-- compare -->.*?<!-- /compare -->", lambda _: block, text, flags=re.DOTALL).encode()


# Every generated file, and what makes it, in this order: tables and index first, since everything else reads them.
GENERATED: dict[str, Callable[[], bytes]] = {
    **{f"k8s_stateful_lint/knowledge/compiled/{name}.json": partial(compiled, name) for name in (*TABLES, "images")},
    "rules/index.json": rule_index,
    "k8s_stateful_lint/config/schema.json": config_schema,
    "docs/rules.md": rule_list,
    "docs/pitfalls.md": pitfalls,
    "docs/configuration.md": configuration,
    "README.md": lambda: with_sample("README.md"),
    "docs/index.md": lambda: with_sample("docs/index.md"),
    "docs/ci.md": lambda: document("docs/ci.md"),
    "docs/start.md": lambda: document("docs/start.md"),
    "docs/compare.md": comparison,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a file is stale")
    arguments = parser.parse_args()
    stale = []
    for name, make in GENERATED.items():
        path = ROOT / name
        with redirect_stdout(io.StringIO()):
            content = make()
        if path.exists() and path.read_bytes() == content:
            continue
        stale.append(name)
        if not arguments.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    for name in stale:
        print(f"{'stale' if arguments.check else 'written'}: {name}")
    return 1 if stale and arguments.check else 0


if __name__ == "__main__":
    sys.exit(main())
