"""What the documentation site has beyond docs/: pages made from the catalogue and from the program while it is built.

mkdocs calls the functions that begin with ``on_``. Nothing of this is stored, so nothing of it can be out of date.
"""

from __future__ import annotations

import html
import os
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

    from k8s_stateful_lint.engine.cards import Card, Example, Head
    from k8s_stateful_lint.engine.report import ReportedFinding
    from k8s_stateful_lint.reading import SourceFile

MARK = re.compile(r"[ \t]*# <- here[ \t]*$", re.MULTILINE)
# Code, and links: in them no rule is linked.
CODE = re.compile(r"(^ *```.*?^ *```$|\[[^\]]*\]\([^)]*\))", re.MULTILINE | re.DOTALL)
WHOLE_WORDS: dict[str, Any] = {"break_on_hyphens": False, "break_long_words": False}
NAME = re.compile(r"`([a-z0-9-]+)`")
PICTURE = re.compile(r"<!-- picture: (?P<path>\S+) (?P<name>\S+) -->")


# The hooks ----------------------------------------------------------------------------------------------------------


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    from k8s_stateful_lint.engine.cards import heads

    pages: dict[str, list[str]] = {}
    for head in heads().values():
        pages.setdefault(head.family, []).append(f"rules/{head.name}.md")
    named = str(config.nav)
    others = [path.name for path in sorted((ROOT / "docs").glob("*.md")) if path.name not in named]
    for section in config.nav or []:
        if "Use" in section:
            section["Use"] += others
        if "Rules" in section:
            section["Rules"] += [{family: members} for family, members in sorted(pages.items())]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    from mkdocs.structure.files import File

    from k8s_stateful_lint.engine.cards import card, heads

    for head in heads().values():
        files.append(File.generated(config, f"rules/{head.name}.md", content=rule_page(head, card(head.name))))
    files.append(File.generated(config, "cli.md", content=command_line_page()))
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    files.append(File.generated(config, "changelog.md", content=changelog))
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").replace("](docs/", "](")
    files.append(File.generated(config, "contributing.md", content=contributing))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    up = "../" * page.file.src_uri.count("/")
    # Documents in docs/ lead to files beside it, which have a page here.
    markdown = markdown.replace("](../CONTRIBUTING.md", "](contributing.md").replace(
        "](../CHANGELOG.md", "](changelog.md"
    )
    markdown = PICTURE.sub(lambda found: picture(found["path"], found["name"]), markdown)
    return with_links_to_rules(markdown, f"{up}rules/", Path(page.file.src_uri).stem)


def with_links_to_rules(markdown: str, base: str, own: str) -> str:
    """Every rule that the text names leads to its page; code is left alone."""
    from k8s_stateful_lint.engine.cards import heads

    def linked(found: re.Match[str]) -> str:
        name = found[1]
        return f"[`{name}`]({base}{name}.md)" if name in heads() and name != own else found[0]

    parts = CODE.split(markdown)
    return "".join(part if index % 2 else NAME.sub(linked, part) for index, part in enumerate(parts))


# Rules --------------------------------------------------------------------------------------------------------------


def rule_page(head: Head, whole: Card) -> str:
    """The page of a rule: its card, and what the program says about the examples."""
    parts = [f"---\ntitle: {head.name}\ndescription: {quoted(whole.summary)}\n---", f"# {head.name}"]
    parts += [f"<p class='lead'>{html.escape(whole.summary)}.</p>", chips(head, whole)]
    parts += ["## Why", whole.why.strip(), "## What to do", whole.fix.strip()]
    if whole.exceptions:
        parts += ["## When it is silent", "\n".join(f"- {' '.join(text.split())}" for text in whole.exceptions)]
    if whole.options:
        rows = [
            f"| `{key}` | `{option.default}` | {' '.join(option.description.split()).replace('|', chr(92) + '|')} |"
            for key, option in whole.options.items()
        ]
        parts += ["## Options", "\n".join(["| Option | Default | |", "|---|---|---|", *rows])]
    parts += ["## Wrong", *examples(whole.examples.bad, head)]
    parts += ["## Right", *examples(whole.examples.good, None)]
    parts += ["## Suppress it", suppression(head)]
    parts += ["## Sources", "\n".join(f"- <{url}>" for url in whole.references)]
    return "\n\n".join(parts) + "\n"


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def chips(head: Head, whole: Card) -> str:
    """The facts about a rule on one line."""
    marks = [(f"chip {head.severity}", head.severity)]
    if whole.production and whole.production != head.severity:
        marks.append((f"chip {whole.production}", f"{whole.production} in production"))
    if whole.development and whole.development != head.severity:
        marks.append((f"chip {whole.development}", f"{whole.development} in development"))
    marks += [("chip", f"confidence: {head.confidence}"), ("chip", f"family: {head.family}")]
    if head.family == "change":
        marks.append(("chip", "compares two revisions"))
    marks.append(("chip", "strict: off unless asked for" if head.wave == "strict" else f"wave: {head.wave}"))
    return "<p class='chips'>" + " ".join(f"<span class='{css}'>{text}</span>" for css, text in marks) + "</p>"


def examples(several: tuple[Example, ...], head: Head | None) -> list[str]:
    """The first example, and the others to unfold; with what the rule says about them, if there is one."""
    first, *others = several
    parts = [f"**{first.title}**", shown(first, head)]
    for example in others:
        parts += [f"??? example {quoted(example.title)}", textwrap.indent(shown(example, head), "    ")]
    return parts


def shown(example: Example, head: Head | None) -> str:
    from k8s_stateful_lint.engine.cards import MANIFEST

    parts = []
    if example.config:
        parts.append(block(".k8s-stateful-lint.yaml", as_yaml(example.config)))
    for side, texts in (example.sides or {"": example.texts}).items():
        for name, text in texts.items():
            file = "" if name == MANIFEST else name
            parts.append(block(f"{side.capitalize()}: {file}".removesuffix(": ") if side else file, text))
        if side and not texts:
            parts.append(f"{side.capitalize()}: nothing")
    found = findings(example, head) if head is not None else []
    said = [textwrap.fill(f"{f.severity}: {f.message}", 88, subsequent_indent="  ", **WHOLE_WORDS) for f in found]
    steps = [f"$ {step}" for f in found for step in f.steps]
    if said:
        parts.append('```text title="What it says"\n' + "\n".join([*said, *steps]) + "\n```\n")
    return "\n\n".join(parts)


def block(title: str, text: str) -> str:
    """A manifest; the lines that a finding points at are marked."""
    lines = [str(number) for number, line in enumerate(text.splitlines(), 1) if MARK.search(line)]
    options = [f'title="{title}"' if title else "", f'hl_lines="{" ".join(lines)}"' if lines else ""]
    return f"```yaml {' '.join(filter(None, options))}\n{MARK.sub('', text).rstrip()}\n```"


def as_yaml(value: Any) -> str:
    import io

    from ruamel.yaml import YAML

    stream = io.StringIO()
    yaml = YAML()
    yaml.dump(value, stream)
    return stream.getvalue()


def findings(example: Example, head: Head) -> list[ReportedFinding]:
    """What a rule says about an example."""
    from k8s_stateful_lint.config import config_from
    from k8s_stateful_lint.engine.compare import Side, compare
    from k8s_stateful_lint.engine.run import run
    from k8s_stateful_lint.reading import SourceFile

    def files(texts: dict[str, str]) -> list[SourceFile]:
        return [SourceFile(name, MARK.sub("", text).encode()) for name, text in texts.items()]

    if example.sides:
        old, new = (files(texts) for texts in example.sides.values())
        report = compare(Side("before", old), Side("after", new), config_from(example.config))
    else:
        # There are no schemas for the oldest targets of the examples.
        given = example.config if head.engine else {"schema": "off", **example.config}
        report = run(files(example.texts), config_from({"extend-select": [head.name], **given}))
    return [finding for finding in report.findings if finding.rule == head.name]


def suppression(head: Head) -> str:
    return (
        f"```yaml\n# k8s-stateful-lint: ignore[{head.name}] the reason\n```\n\n"
        "at the end of the line, above it, or above a key for all that it holds; or for a whole object\n\n"
        f'```yaml\nmetadata:\n  annotations:\n    k8s-stateful-lint/ignore: "{head.name}: the reason"\n```\n\n'
        f"or for all of them, in the [configuration](../configuration.md):\n\n```yaml\nrules:\n  {head.name}: off\n```"
    )


# The command line and the graph -------------------------------------------------------------------------------------


def command_line_page() -> str:
    """The help of every command, as the program prints it."""
    from typer.main import get_command
    from typer.testing import CliRunner

    from k8s_stateful_lint.cli.app import app

    runner = CliRunner(env={"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"})
    parts = ["# Command line", "What `--help` says. Exit codes are listed in [CI](ci.md#exit-codes)."]
    for names in [(), *command_names(get_command(app))]:
        result = runner.invoke(app, [*names, "--help"], prog_name="k8s-stateful-lint")
        assert result.exit_code == 0, result.output
        parts += [f"## {' '.join(names) or 'k8s-stateful-lint'}", f"```text\n{result.output.strip()}\n```"]
    return "\n\n".join(parts) + "\n"


def command_names(command: Any) -> Iterator[tuple[str, ...]]:
    """The names that lead to every command, also to those of groups."""
    for name, inner in getattr(command, "commands", {}).items():
        if not inner.hidden:
            yield (name,)
            yield from ((name, *more) for more in command_names(inner))


def picture(path: str, name: str) -> str:
    """The drawing of what hangs together with a workload of an example."""
    from k8s_stateful_lint import Config
    from k8s_stateful_lint.engine.run import inspect
    from k8s_stateful_lint.reports.graph import Picture
    from k8s_stateful_lint.reports.picture import Drawing, grouped
    from k8s_stateful_lint.sources import find_sources

    here = Path.cwd()
    os.chdir(ROOT)
    try:
        report, graph = inspect(find_sources([path]).files, Config())
    finally:
        os.chdir(here)
    groups = grouped(Picture(graph, report).roots(None))
    drawing = next(d for d in map(Drawing, groups) if any(e.name == name for e in d.elements))
    svg = drawing.svg(lambda element, rule: None)
    text = f"A part of `{path}`, with its problems where they are:"
    return f"{text}\n\n<div class='picture'>{svg}</div>"
