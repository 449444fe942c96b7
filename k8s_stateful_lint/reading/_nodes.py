"""The careful way: a tree of nodes with positions, and the value that Kubernetes makes of it.

Offsets are characters in the text of one document.
"""

from collections.abc import Callable

import msgspec

from k8s_stateful_lint._patterns import regex

from . import _scalars

MAX_DEPTH = 200
"""Nesting beyond this is a fault: far above any real manifest, far below what could exhaust a recursion."""

_MOST_TROUBLES = 100  # of one document: whoever sees that many mends them all

STANDARD = "tag:yaml.org,2002:"
_RESOLVED_TAGS = frozenset(STANDARD + name for name in ("bool", "int", "float", "null", "timestamp"))
_BASE64_BLANKS = regex(r"[\r\n]")


class Trouble(msgspec.Struct, frozen=True):
    """A fault before it is known which line it is on: an offset, or a function of the lines it talks about."""

    offset: int
    message: str
    expected: str
    other: int | None = None
    """A second place; `{here}` and `{there}` in the message stand for the lines of the two."""


class Unreadable(Exception):  # noqa: N818 - a state of the document, not an error of ours
    """A document has no value."""

    def __init__(self, trouble: Trouble) -> None:
        """Tell why."""
        super().__init__(trouble.message)
        self.trouble = trouble


class Node:
    """A scalar (`text`), a sequence (`items`), a mapping (`pairs`) or an alias (`target`) and where it is."""

    __slots__ = ("aliased", "end", "flow", "items", "pairs", "plain", "size", "start", "style", "tag", "target", "text")

    def __init__(self, start: int, end: int, tag: str | None) -> None:
        """An empty node; the tag is the resolved one, None without."""
        self.start = start
        self.end = end
        self.tag = tag
        self.text = ""
        self.style = ""
        self.plain = False
        self.flow = False
        self.items: list[Node] | None = None
        self.pairs: list[tuple[Node, Node]] | None = None
        self.target: Node | None = None
        # How many nodes this one stands for when all aliases are written out, and how many of them come from aliases.
        self.size = 1
        self.aliased = 0

    @property
    def resolved(self) -> "Node":
        """The node itself, or what the alias stands for."""
        return self.target or self

    def is_merge(self) -> bool:
        """Whether this key merges another mapping (`<<`)."""
        return self.text == "<<" and self.plain and self.tag in (None, STANDARD + "merge")


def too_many_aliases(root: Node) -> bool:
    """The rule by which go-yaml refuses a document whose aliases multiply ("document contains excessive aliasing").

    Up to 400,000 nodes almost all may come from aliases, from 4,000,000 on a tenth.
    """
    if root.size <= 1000 or root.aliased <= 100:
        return False
    share = 0.99 - 0.89 * (min(max(root.size, 400_000), 4_000_000) - 400_000) / 3_600_000
    return root.aliased / root.size > share


def value_of(root: Node) -> tuple[object, list[Trouble]]:
    """The value of a tree as Kubernetes sees it, and the keys that are set twice.

    An alias shares the object of its anchor. A later merge key overrides what stands before it, as in goyaml.v2 (YAML
    itself says otherwise).

    Raises:
        Unreadable: a tag does not fit, a merge has nothing to merge, a key is a collection.
    """
    return _Builder().build(root)


class _Builder:
    def __init__(self) -> None:
        self.done: dict[int, object] = {}
        self.troubles: list[Trouble] = []

    def build(self, root: Node) -> tuple[object, list[Trouble]]:
        return self.value(root), self.troubles

    def value(self, node: Node) -> object:
        node = node.resolved
        if node.items is None and node.pairs is None:
            return self.scalar(node)
        # Only collections are worth sharing, and only they can be shared often.
        if id(node) in self.done:
            return self.done[id(node)]
        value = self.mapping(node) if node.items is None else [self.value(item) for item in node.items]
        self.done[id(node)] = value
        return value

    def scalar(self, node: Node) -> object:
        value = _raw_scalar(node)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return _scalars.number(value)
        return value

    def mapping(self, node: Node) -> dict[str, object]:
        value: dict[str, object] = {}
        seen: dict[tuple[type, object], Node] = {}
        again: dict[object, Trouble] = {}
        for key_node, value_node in node.pairs or ():
            if key_node.is_merge():
                self.merge(value, value_node)
                continue
            raw = raw_key(key_node)
            key = _scalars.key(raw)
            first = seen.setdefault((type(raw), raw), key_node)
            if first is not key_node and len(self.troubles) < _MOST_TROUBLES:
                again[raw] = Trouble(
                    key_node.start,
                    f"key {shown(key)} is set on line {{there}} and again on line {{here}}",
                    "keep one of the two",
                    first.start,
                )
                self.troubles.append(again[raw])
            value[key] = self.value(value_node)
        if "apiVersion" in again and "kind" in again:
            # Two objects in one document: one fault, not one for each key that both have.
            self.troubles = [trouble for trouble in self.troubles if trouble not in again.values()]
            second = min(again.values(), key=lambda trouble: trouble.offset)
            message = (
                "a second object begins on line {here} in the same document, and its keys take the place of the first's"
            )
            self.troubles.append(Trouble(second.offset, message, "separate the two with a line of three dashes (---)"))
        return value

    def merge(self, value: dict[str, object], node: Node) -> None:
        # Earlier ones of a list take precedence.
        for source in merge_sources(node):
            merged = self.value(source)
            assert isinstance(merged, dict)
            value.update(merged)


def merge_sources(node: Node) -> list[Node]:
    """The mappings that a merge key brings in, the one with the last word at the end.

    Raises:
        Unreadable: there is something else than mappings.
    """
    node = node.resolved
    sources = [node] if node.pairs is not None else [item.resolved for item in reversed(node.items or ())]
    if (node.items is None and node.pairs is None) or any(source.pairs is None for source in sources):
        raise Unreadable(
            Trouble(node.start, "'<<' merges something that is no mapping", "give '<<' a mapping or an alias of one")
        )
    return sources


def raw_key(node: Node) -> object:
    """The scalar that a key is, before it becomes text.

    Raises:
        Unreadable: the key is a collection.
    """
    target = node.resolved
    if target.items is not None or target.pairs is not None:
        raise Unreadable(
            Trouble(
                node.start,
                "a list or a mapping stands where a key belongs",
                "write a plain key; put quotes around a value that begins with { or [",
            )
        )
    return _raw_scalar(target)


def _raw_scalar(node: Node) -> object:
    tag = node.tag
    if tag is None:
        return _scalars.resolve(node.text) if node.plain else node.text
    if tag == STANDARD + "binary":
        import base64

        try:
            content = base64.b64decode(_BASE64_BLANKS.sub("", node.text), validate=True)
        except ValueError:
            raise Unreadable(
                Trouble(node.start, "the text behind !!binary is no base64", "write base64, or leave the tag away")
            ) from None
        return content.decode("utf-8", "replace")
    if tag not in _RESOLVED_TAGS:
        # !!str, the non-specific "!" and tags that nobody knows all leave the text as it is.
        return node.text
    value = _scalars.resolve(node.text)
    name = tag.removeprefix(STANDARD)
    if name == "float" and type(value) is int:
        return float(value)
    if not _TAG_FITS[name](value):
        raise Unreadable(Trouble(node.start, f"this value is no !!{name}", "change the value, or leave the tag away"))
    return value


_TAG_FITS: dict[str, Callable[[object], bool]] = {
    "bool": lambda value: isinstance(value, bool),
    "int": lambda value: type(value) is int,
    "float": lambda value: isinstance(value, float),
    "null": lambda value: value is None,
    "timestamp": lambda value: isinstance(value, str),
}


def shown(text: str) -> str:
    """`text` in quotes, short enough for a message, with a brace doubled (messages are formatted)."""
    return "'" + (text if len(text) <= 60 else text[:59] + "…").replace("{", "{{").replace("}", "}}") + "'"
