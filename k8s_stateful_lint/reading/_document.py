"""One YAML document: its value, and where in the file its parts are."""

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Literal

import msgspec

from k8s_stateful_lint._nothing import NOTHING
from k8s_stateful_lint._patterns import regex

from . import _json, _rocks, _ruamel
from ._nodeplaces import NodePlaces
from ._nodes import Unreadable, value_of
from ._places import Extent, Places, Spot, comments_in
from ._source import Comment, LineTable, Route, SourceFile, Span, encoding_of

_CONTENT = regex(r"(?:---(?=[ \t\r\n]|\Z))?(?:[ \t\r\n]++|#[^\n]*+|%[^\n]*+)*+")

Engine = Literal["yamlrocks", "ruamel"]
Part = Literal["value", "key", "entry"]
_START = (0, 1)


class Body:
    """The text of a whole file in UTF-8, as the documents share it."""

    __slots__ = ("_last", "data")

    def __init__(self, data: bytes) -> None:
        """`data` is without a byte order mark."""
        self.data = data
        # The last offset that was asked for, and its line: the next one is near it.
        self._last = _START

    @classmethod
    def of(cls, data: bytes) -> "Body":
        """The text of the bytes of a file.

        Raises:
            UnicodeError: they are no valid UTF-16, although they begin with its mark.
        """
        encoding, mark = encoding_of(data)
        text = data[len(mark) :] if mark else data
        return cls(text if encoding == "utf-8" else text.decode(encoding).encode())

    def line_at(self, offset: int) -> int:
        """The 1-based line of the byte at `offset`."""
        known, line = self._last
        if offset >= known:
            line += self.data.count(b"\n", known, offset)
        else:
            line -= self.data.count(b"\n", offset, known)
        self._last = (offset, line)
        return line


class Piece(msgspec.Struct, frozen=True, gc=False):
    """Where a document is in the bytes of a `Body`.

    `lead` is where comments begin that belong to it though they stand before its `---`.
    """

    lead: int
    start: int
    end: int


class Document:
    """One document of a file.

    `value` is made of dict (with str keys only), list, str, int, float, bool and None, and holds what Kubernetes would
    read. Nobody may change it: parts that an alias repeats are the same object, and so may be equal parts of any
    documents. `index` counts the documents of the file from 0. `spans` are the places that were asked for.
    """

    __slots__ = ("_body", "_comments", "_engine", "_located", "_piece", "file", "index", "spans", "value")

    def __init__(
        self, file: SourceFile, index: int, value: object, body: Body, piece: Piece, engine: Engine | Literal["json"]
    ) -> None:
        """`engine` is the one that read the value. Only `read` makes documents."""
        self.file = file
        self.index = index
        self.value = value
        self._body = body
        self._piece = piece
        self._engine: Engine | Literal["json"] = engine
        self._located: _Located | None = None
        self.spans: dict[tuple[Route, Part], Span] = NOTHING
        self._comments: tuple[Comment, ...] | None = None

    def __repr__(self) -> str:
        """The file and the number, for people who debug."""
        return f"<Document {self.index} of {self.file.path}>"

    def __getstate__(self) -> tuple[object, ...]:
        """All but the located tree, which is made again when it is needed."""
        return (self.file, self.index, self.value, self._body, self._piece, self._engine)

    def __setstate__(self, state: tuple[object, ...]) -> None:
        """See `__getstate__`."""
        self.file, self.index, self.value, self._body, self._piece, self._engine = state  # type: ignore[assignment]
        self._located = None
        self.spans = NOTHING
        self._comments = None

    @property
    def line(self) -> int:
        """The line of the first content of the document (1-based)."""
        return self._tree.lines.place(self._tree.content)[0]

    def may_match(self, pattern: re.Pattern[bytes]) -> bool:
        """Whether a pattern matches somewhere in the bytes of the document, or in the comments before it."""
        return pattern.search(self._body.data, self._piece.lead, self._piece.end) is not None

    def has_word(self, word: bytes) -> bool:
        """Whether these bytes are somewhere in the document, or in the comments before it."""
        return self._body.data.find(word, self._piece.lead, self._piece.end) >= 0

    def has_word_in_any_case(self, word: bytes) -> bool:
        """As `has_word`, of a word in small letters, however it is written in the document."""
        return word in self._body.data[self._piece.lead : self._piece.end].lower()

    def span(self, route: Route, *, part: Part = "value") -> Span:
        """The place of the node at `route`.

        Part "key" is the key that leads to it, "value" its value, "entry" both. Of a collection in block style, "value"
        is the first line. An item of a list has no key: instead of it, the first key of the item is taken, or the
        item. Where `route` leads nowhere, the key of the nearest existing ancestor is the place; for the root, the
        first key of the document.
        """
        span = self.spans.get((route, part))
        if span is None:
            span = self._find_span(route, part)
            self.learn({(route, part): span})
        return span

    def learn(self, spans: dict[tuple[Route, Part], Span]) -> None:
        """Know places that somebody else looked up."""
        if self.spans is NOTHING:
            self.spans = {}
        self.spans.update(spans)

    def _find_span(self, route: Route, part: Part) -> Span:
        tree = self._tree
        spot = tree.find(route)
        while spot is None:
            route, part = route[:-1], "key"
            spot = tree.find(route)
        if part == "value":
            return tree.first_line(spot.value) if spot.block else tree.span(spot.value)
        if part == "key":
            first = spot.key or spot.first_key
            return tree.span(first) if first else tree.first_line(spot.value)
        return tree.span(((spot.key or spot.value)[0], spot.value[1]))

    def release(self) -> None:
        """Forget how places are found, but not those that were asked for: it takes many times what the value takes."""
        self._located = None

    def comments(self) -> tuple[Comment, ...]:
        """The comments of this document, and those between it and an empty document before it."""
        if self._comments is None:
            self._comments = self._tree.comments
        return self._comments

    @property
    def _tree(self) -> "_Located":
        if self._located is None:
            self._located = _Located(self._body, self._piece, self._engine)
        return self._located


class _Located:
    """The text of one document with its places: made when the first of them is asked for."""

    def __init__(self, body: Body, piece: Piece, engine: Engine | Literal["json"]) -> None:
        lead = body.data[piece.lead : piece.start].decode("utf-8", "replace")
        self._lead = len(lead)
        self._own = body.data[piece.start : piece.end].decode("utf-8", "replace")
        self.text = lead + self._own
        self.lines = LineTable(self.text, body.line_at(piece.lead))
        content = _CONTENT.match(self._own)
        self.content = self._lead + (content.end() if content else 0)
        if engine == "json":
            self._own = _json.as_yaml(self._own)
            engine = "yamlrocks" if _rocks.available() else "ruamel"
        self._engine = engine

    @cached_property
    def _fast(self) -> Places | None:
        if self._engine != "yamlrocks":
            return None
        try:
            return _rocks.RocksPlaces(self._own)
        except LookupError:
            return None

    @cached_property
    def _careful(self) -> Places | None:
        try:
            root = _ruamel.compose(self._own, _ruamel.Patience(endless=self._engine == "ruamel"))
            if root is None:
                return None
            value_of(root)
        except Unreadable:
            return None
        return NodePlaces(self._own, root)

    def _engines(self) -> Iterator[Places]:
        """Those that can read this document, the fast one first; the careful one only if it is asked for."""
        if self._fast is not None:
            yield self._fast
        if self._careful is not None:
            yield self._careful

    def find(self, route: Route) -> Spot | None:
        """The spot of a route, None when there is none; the root always is somewhere."""
        for places in self._engines():
            try:
                return places.find(route)
            except LookupError:
                continue
        # Nobody can tell. The root is where the content begins, and everything else is as good as missing.
        here = self.content - self._lead
        return None if route else Spot(None, (here, len(self._own.rstrip())), None, True)

    def span(self, extent: Extent) -> Span:
        """The lines and columns of an extent."""
        start, end = extent
        return Span(*self.lines.place(start + self._lead), *self.lines.place(max(start, end) + self._lead))

    def first_line(self, extent: Extent) -> Span:
        """The part of an extent that is on its first line, without a comment."""
        start, end = extent
        stop = self._own.find("\n", start, end)
        if stop >= 0:
            end = stop
        line = self._own[start:end]
        for comment in self.comments:
            if comment.line == self.lines.place(start + self._lead)[0]:
                line = line[: max(comment.column - self.lines.place(start + self._lead)[1], 0)]
                break
        return self.span((start, start + len(line.rstrip())))

    @cached_property
    def comments(self) -> tuple[Comment, ...]:
        """The comments, in order."""
        if "#" not in self.text:
            return ()
        found: list[tuple[int, str]] | None = None
        for places in self._engines():
            try:
                found = comments_in(self._own, places)
            except LookupError:
                continue
            break
        comments = [(offset + self._lead, text) for offset, text in found or ()]
        if self._lead:
            comments[:0] = comments_in(self.text[: self._lead], _Nothing())
        result = []
        for offset, text in comments:
            line, column = self.lines.place(offset)
            result.append(Comment(line, column, text, not self.text[offset - column + 1 : offset].strip()))
        return tuple(result)


class _Nothing:
    """The places of a text without any nodes."""

    def find(self, route: Route) -> Spot | None:
        return None

    def opaque(self) -> tuple[Extent, ...]:
        return ()
