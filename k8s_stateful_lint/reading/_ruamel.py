"""The careful engine: ruamel.yaml's events, made into nodes.

ruamel.yaml's scanner is the grammar of libyaml, as is go-yaml's: this engine accepts what kubectl accepts. Only its
events are used, so depth is bounded by us and not by a recursion, and the values are ours (`_nodes`).
"""

import math
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any, Literal

from k8s_stateful_lint._patterns import regex

from ._nodes import MAX_DEPTH, Node, Trouble, Unreadable, shown, too_many_aliases

_INDENT_TAB = regex(r"[ \t]*")
_OVERHEAD = 50  # characters that could be read in the time that it takes to begin

_SURROGATE = regex("[\ud800-\udfff]")
_BREAKS = "\r\n\x85\u2028\u2029"


@cache
def _parser_in_c() -> Any:
    """The parser in C; None without the package that holds it."""
    try:
        return import_module("ruamel.yaml.cyaml").CParser
    except ImportError:
        return None


@cache
def _scanner() -> Any:
    """The scanner that pure Python takes.

    ruamel's scanner in pure Python is stricter than libyaml in three places that matter: it accepts no tab where a tab
    is a mere separator (`key:\tvalue`), it ends a plain scalar at a tab, and it refuses a block scalar whose first line
    is blank and shorter than the next ones.
    """
    from ruamel.yaml.scanner import Scanner

    class LibyamlScanner(Scanner):
        def scan_to_next_token(self) -> None:
            peek, forward = self.reader.peek, self.reader.forward
            if self.reader.index == 0 and peek() == "\ufeff":
                forward()
            while True:
                while peek() == " " or (peek() == "\t" and (self.flow_level or not self.allow_simple_key)):
                    forward()
                if peek() == "#":
                    while peek() not in "\0" + _BREAKS:
                        forward()
                if not self.scan_line_break():
                    return
                if not self.flow_level:
                    self.allow_simple_key = True

        def scan_plain_spaces(self, indent: Any, start_mark: Any) -> list[str]:
            reader = self.reader
            length = 0
            while reader.peek(length) in " \t":
                length += 1
            blanks = reader.prefix(length)
            reader.forward(length)
            if reader.peek() not in _BREAKS:
                return [blanks] if blanks else []
            line_break = self.scan_line_break()
            self.allow_simple_key = True
            breaks = []
            while not self.at_document_marker():
                if reader.peek() == " " or (reader.peek() == "\t" and reader.column >= indent):
                    reader.forward()
                elif reader.peek() in _BREAKS:
                    breaks.append(self.scan_line_break())
                else:
                    folded = [line_break] if line_break != "\n" else [] if breaks else [" "]
                    return folded + breaks
            return []

        def at_document_marker(self) -> bool:
            reader = self.reader
            marked = reader.column == 0 and reader.prefix(3) in ("---", "...")
            return marked and reader.peek(3) in "\0 \t" + _BREAKS

        def scan_block_scalar_indentation(self) -> Any:
            reader = self.reader
            breaks = []
            widest = 0
            end = reader.get_mark()
            while reader.peek() in " " + _BREAKS:
                if reader.peek() == " ":
                    reader.forward()
                    widest = max(widest, reader.column)
                else:
                    breaks.append(self.scan_line_break())
                    end = reader.get_mark()
            return breaks, widest, end

    return LibyamlScanner


class Patience:
    """How many more characters of a file the parsers of this engine may read.

    The one in C reads 0.2 to 2 MB a second, the one in pure Python 15 to 100 KB.
    """

    def __init__(self, *, endless: bool = False) -> None:
        """`endless` where nobody else could read the file: then only a second opinion in pure Python is limited."""
        if endless:
            self._left = {"c": math.inf, "pure": 200_000 if _parser_in_c() is not None else math.inf}
        else:
            self._left = {"c": 1_000_000, "pure": 60_000}

    def spend(self, parser: Literal["c", "pure"], text: str) -> bool:
        """Whether this text may be read, too."""
        enough = self._left[parser] >= len(text)
        if enough:
            self._left[parser] -= len(text) + _OVERHEAD
        return enough


class Impatient(Unreadable):
    """The text is too long for a parser of this engine; another one may read it."""


def compose(text: str, patience: Patience) -> Node | None:
    """The tree of the first document in `text`, None when there is none.

    The parser in C goes first where it is installed. It is an old libyaml, which refuses some of what go-yaml reads
    (`[nginx:1.2]`, tabs): what it refuses, the parser in Python decides.

    Raises:
        Impatient: there is no `patience` left to find out.
        Unreadable: the text is no YAML, or one that is too deep, or whose aliases cannot be followed.
    """
    from ruamel.yaml.error import YAMLError

    if not text.endswith("\n"):
        # kubectl hands every document on with a line break at its end; it shows in the value of a last block scalar.
        text += "\n"
    refusal = Trouble(0, "this document is too large", "split it")
    try:
        if _parser_in_c() is not None and patience.spend("c", text):
            try:
                return _bounded(_parse(text, pure=False))
            except YAMLError as error:
                refusal = _explained(error, text)
        if not patience.spend("pure", text):
            raise Impatient(refusal)
        return _bounded(_parse(text, pure=True))
    except YAMLError as error:
        raise Unreadable(_explained(error, text)) from None
    except (ValueError, IndexError, AttributeError, TypeError, RecursionError, OverflowError):
        # The parsers trip over some rubbish without a proper error of theirs (an escape beyond Unicode, for one).
        raise Unreadable(Trouble(0, "this document is no valid YAML", "check its quotes and escapes")) from None


def _bounded(root: Node | None) -> Node | None:
    if root is not None and too_many_aliases(root):
        raise Unreadable(
            Trouble(root.start, "the aliases of this document multiply without bounds", "write the values out")
        )
    return root


def _parse(text: str, *, pure: bool) -> Node | None:
    if pure:
        from ruamel.yaml import YAML

        yaml = YAML(typ="safe", pure=True)
        yaml.version = (1, 1)
        yaml.Scanner = _scanner()
        return _Composer().compose(yaml.parse(text))
    # Without the machinery around it, which takes ten times as long as a small document.
    parser = _parser_in_c()(text)
    return _Composer().compose(iter(parser.get_event, None))


class _Composer:
    def __init__(self) -> None:
        self.anchors: dict[str, Node] = {}

    def compose(self, events: Iterator[Any]) -> Node | None:
        open_nodes: list[Node] = []
        keys: list[Node | None] = []
        root: Node | None = None
        for event in events:
            kind = type(event).__name__
            if kind == "ScalarEvent":
                node = self.new(event)
                node.text = event.value
                node.plain = not event.style
                node.style = event.style or ""
                if event.style == '"' and _SURROGATE.search(event.value):
                    raise Unreadable(
                        Trouble(node.start, "an escape sequence in this value is no character", "write the character")
                    )
            elif kind == "AliasEvent":
                node = self.alias(event, open_nodes)
            elif kind in ("MappingStartEvent", "SequenceStartEvent"):
                node = self.new(event)
                node.flow = bool(event.flow_style)
                if kind == "MappingStartEvent":
                    node.pairs = []
                else:
                    node.items = []
                open_nodes.append(node)
                keys.append(None)
                if len(open_nodes) > MAX_DEPTH:
                    raise Unreadable(
                        Trouble(
                            node.start,
                            f"nested more than {MAX_DEPTH} levels deep",
                            "check the indentation and brackets",
                        )
                    )
                continue
            elif kind in ("MappingEndEvent", "SequenceEndEvent"):
                node = open_nodes.pop()
                keys.pop()
                self.close(node, event)
            else:
                if kind == "DocumentStartEvent" and root is not None:
                    break
                continue
            if not open_nodes:
                root = node
                continue
            parent = open_nodes[-1]
            parent.size += node.size
            parent.aliased += node.aliased
            if parent.items is not None:
                parent.items.append(node)
            elif (key := keys[-1]) is None:
                keys[-1] = node
            else:
                assert parent.pairs is not None
                parent.pairs.append((key, node))
                keys[-1] = None
        return root

    def new(self, event: Any) -> Node:
        tag = event.tag
        node = Node(event.start_mark.index, event.end_mark.index, None if tag is None else str(tag))
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        return node

    def alias(self, event: Any, open_nodes: list[Node]) -> Node:
        node = Node(event.start_mark.index, event.end_mark.index, None)
        target = self.anchors.get(event.anchor)
        if target is None:
            raise Unreadable(
                Trouble(
                    node.start,
                    "this alias has no anchor before it in this document",
                    "define the anchor, or put quotes around a value that begins with *",
                )
            )
        if any(target is parent for parent in open_nodes):
            raise Unreadable(Trouble(node.start, "this alias contains itself", "write the value out"))
        node.target = target
        node.size = node.aliased = 1 + target.size
        return node

    def close(self, node: Node, event: Any) -> None:
        if node.flow:
            node.end = event.end_mark.index
            return
        # In block style the end event comes with the next token: the collection ends with its last child.
        last = (node.items or [node])[-1] if node.items is not None else (node.pairs or [(node, node)])[-1][1]
        node.end = max(node.end, last.end)


# What git begins lines with where it could not merge.
_CONFLICT = ("<<<<<<< ", "||||||| ", "=======\n", ">>>>>>> ")
# The parser notices these far behind the place where somebody has to mend something.
_SHOWN_WHERE_IT_BEGINS = ("unexpected end of stream", "unexpected document separator", "could not find expected ':'")
_PROBLEMS: tuple[tuple[str, str, str], ...] = (
    ("expected the node content", "a value is missing here", "write a value, or close what is open above"),
    (
        "document start",
        "there is more behind the end of this document",
        "check the indentation, or begin a new document with '---'",
    ),
    (
        "mapping values are not allowed",
        "a ':' makes a key where none can be",
        "put quotes around the value, or check the indentation; a key needs a blank behind its ':'",
    ),
    ("cannot start any token", "{found} cannot begin a value", "put quotes around the value"),
    (
        "could not find expected ':'",
        "this line is neither a key with a ':' nor the rest of a value",
        "add the ':' and its value, or check the indentation and the quotes above",
    ),
    (
        "did not find expected key",
        "this line does not fit the indentation of the mapping it is in",
        "align it with the keys above",
    ),
    (
        "expected <block end>",
        "this line does not fit the indentation of what it is in",
        "align it with the lines it belongs to",
    ),
    (
        "did not find expected '-' indicator",
        "this line does not fit the indentation of the list it is in",
        "align it with the items above",
    ),
    (
        "did not find expected ',' or",
        "the bracket of line {there} is not closed, or a comma is missing",
        "close the bracket, or separate the entries with commas",
    ),
    (
        "expected ',' or",
        "the bracket of line {there} is not closed, or a comma is missing",
        "close the bracket, or separate the entries with commas",
    ),
    ("unexpected end of stream", "a quote is not closed", "close the quote"),
    ("unexpected document separator", "a quote is not closed before the '---'", "close the quote"),
    (
        "unknown escape character",
        "an unknown escape sequence in double quotes",
        "write \\\\ for a backslash, or use single quotes",
    ),
    (
        "expected escape sequence",
        "an incomplete escape sequence in double quotes",
        "write \\\\ for a backslash, or use single quotes",
    ),
    ("escape", "an invalid escape sequence in double quotes", "write \\\\ for a backslash, or use single quotes"),
    ("tab character", "a tab is used for indentation", "indent with spaces"),
    ("duplicate anchor", "this anchor is set twice", "give one of the two another name"),
    (
        "sequence entries are not allowed",
        "a list item stands where none can be",
        "put the '-' on a line of its own, below its key",
    ),
    (
        "block sequence entries are not allowed",
        "a list item stands where none can be",
        "put the '-' on a line of its own, below its key",
    ),
    ("undefined tag handle", "the tag begins with a handle that is not declared", "leave the tag away"),
    ("tag handle", "the tag begins with a handle that is not declared", "leave the tag away"),
    ("incompatible YAML", "the %YAML directive asks for another version of YAML", "remove the directive"),
)


def _explained(error: Any, text: str) -> Trouble:
    """What a parser's error means, in words for people who never heard of tokens."""
    if getattr(error, "character", None) is not None:
        return _bad_character(error, text)
    problem = f"{getattr(error, 'problem', None) or ''}"
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    begun = getattr(error, "context_mark", None) or mark
    if any(sign in problem for sign in _SHOWN_WHERE_IT_BEGINS):
        mark = begun
    offset = min(mark.index, len(text)) if mark is not None else 0
    line_start = text.rfind("\n", 0, offset) + 1
    indent = _INDENT_TAB.match(text, line_start)
    if indent and "\t" in indent[0] and indent.end() >= offset:
        return Trouble(offset, "a tab is used for indentation", "indent with spaces")
    if text.startswith(_CONFLICT, line_start):
        return Trouble(
            line_start, "a merge conflict is not resolved", "keep one of its sides, and take out the markers"
        )
    for sign, message, expected in _PROBLEMS:
        if sign in problem:
            found = shown(text[offset : offset + 1].replace("\t", "a tab"))
            other = begun.index if begun is not None and "{there}" in message else None
            return Trouble(offset, message.replace("{found}", found), expected, other)
    return Trouble(offset, "this is no valid YAML", "check the indentation and the quotes around here")


def _bad_character(error: Any, text: str) -> Trouble:
    character = error.character
    code = character if isinstance(character, int) else ord(character)
    offset = text.find(chr(code))
    return Trouble(max(offset, 0), f"the character U+{code:04X} may not stand in YAML", "remove it")
