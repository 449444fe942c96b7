"""Parts of documents that are made from other files, or by running what the document shows."""

from __future__ import annotations

import io
import os
import re
import shlex
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WIDTH = "96"

_FILE = re.compile(r"<!-- file: (?P<path>\S+) (?P<language>\w+) -->\n.*?<!-- /file -->", re.DOTALL)
_INPUTS = re.compile(r"<!-- inputs: (?P<path>\S+) -->\n.*?<!-- /inputs -->", re.DOTALL)
_BLOCK = re.compile(
    r"^```(?P<language>\w+)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE
)


def document(name: str) -> bytes:
    """A document with the files that it shows, and the output of the commands in it."""
    text = (ROOT / name).read_text(encoding="utf-8")
    text = _FILE.sub(lambda found: _shown(found["path"], found["language"]), text)
    text = _INPUTS.sub(lambda found: _inputs(found["path"]), text)
    return walked(text).encode()


def _shown(path: str, language: str) -> str:
    content = (ROOT / path).read_text(encoding="utf-8").rstrip()
    return f"<!-- file: {path} {language} -->\n```{language}\n{content}\n```\n<!-- /file -->"


def _inputs(path: str) -> str:
    """The inputs of an action as a table."""
    from ruamel.yaml import YAML

    rows = ["| Input | Default | |", "|---|---|---|"]
    for name, facts in YAML(typ="safe").load(ROOT / path)["inputs"].items():
        default = f"`{facts['default']}`" if facts["default"] else ""
        rows.append(f"| `{name}` | {default} | {facts['description']} |")
    return "\n".join([f"<!-- inputs: {path} -->", *rows, "<!-- /inputs -->"])


def walked(text: str) -> str:
    """The text with its steps taken: files with a title are written, and consoles show what their commands print."""
    with tempfile.TemporaryDirectory() as made:
        here = Path.cwd()
        os.chdir(made)
        try:
            return _BLOCK.sub(_step, text)
        finally:
            os.chdir(here)


def _step(found: re.Match[str]) -> str:
    if found["title"] is not None:
        path = Path(found["title"])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(found["text"], encoding="utf-8")
    elif found["language"] == "console" and not found["text"].startswith("$ k8s-stateful-lint check examples"):
        commands = [line for line in found["text"].splitlines() if line.startswith("$ ")]
        lines = [line for command in commands for line in (command, *_output(shlex.split(command[2:])))]
        return "```console\n" + "\n".join(lines) + "\n```"
    return found[0]


def _output(command: list[str]) -> list[str]:
    """What a command prints: the program, or one that removes a file."""
    program, *arguments = command
    if program == "rm":
        for path in arguments:
            Path(path).unlink()
        return []
    assert program == "k8s-stateful-lint", command
    from k8s_stateful_lint.cli import main

    kept = {key: os.environ.get(key) for key in ("COLUMNS", "NO_COLOR")}
    os.environ.update(COLUMNS=WIDTH, NO_COLOR="1")
    stream = io.StringIO()
    try:
        with redirect_stdout(stream), redirect_stderr(stream):
            main(arguments)
    except SystemExit:
        pass
    finally:
        for key, value in kept.items():
            os.environ.pop(key) if value is None else os.environ.update({key: value})
    return stream.getvalue().rstrip().splitlines()
