"""How words from manifests are written: without what steers a terminal, and how wide they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8s_stateful_lint._patterns import regex

if TYPE_CHECKING:
    from k8s_stateful_lint.engine.report import ObjectReference

_TAB = "    "
# A word of a shell command: what stands in quotes or in $( ) is not broken.
_WORD = regex(r"""(?:'[^']*'|"[^"]*"|\$\([^)]*\)|[^\s'"])+""")


def printable(text: str) -> str:
    """Without control characters, so that a manifest cannot steer the terminal."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else _TAB if character == "\t" else "\N{REPLACEMENT CHARACTER}"
        for character in text
    )


def columns(text: str) -> int:
    """How many columns of a terminal a text takes: wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    import unicodedata

    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def line_of_text(text: str) -> str:
    """A text on one line, without characters that steer a terminal or turn the direction of writing."""
    return printable(" ".join(text.split()))


def lines_of_text(text: str) -> str:
    """A text of several lines, without such characters."""
    return "\n".join(printable(line) for line in text.replace("\r\n", "\n").split("\n"))


def folded(command: str, width: int) -> list[str]:
    """A shell command on lines that fit, as far as its words do; the shell reads them as one."""
    lines: list[str] = []
    for word in _WORD.findall(printable(command)):
        if lines and columns(lines[-1]) + columns(word) + 3 <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(f"  {word}" if lines else word)
    return [f"{line} \\" for line in lines[:-1]] + lines[-1:]


def name_of(reference: ObjectReference | None) -> str:
    """Kind, namespace and name of an object; empty where there is none."""
    if reference is None:
        return ""
    name = f"{reference.namespace}/{reference.name}" if reference.namespace else reference.name
    return line_of_text(f"{reference.kind} {name}")
