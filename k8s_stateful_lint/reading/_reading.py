"""Reading a file: cut into documents, each read on its own, so that a broken one does not take the others with it."""

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from k8s_stateful_lint._patterns import regex

from . import _json, _rocks, _ruamel
from ._document import Body, Document, Engine, Piece
from ._heads import Unread, head_end, is_head
from ._nodes import Trouble, Unreadable, value_of
from ._source import TEMPLATE, Fault, LineTable, SourceFile, encoding_of


class Notice(NamedTuple):
    """Something worth knowing about a file that is no fault of its author."""

    kind: Literal["helm-template", "binary-file", "empty-file"]
    message: str
    line: int


class Reading(NamedTuple):
    """What is in a file."""

    documents: tuple[Document, ...]
    faults: tuple[Fault, ...]
    notices: tuple[Notice, ...]


# A line that begins in the first column with anything but a comment.
_TOP = regex(rb"\n(?=[^ \n\r#])")
_MOST_TOPS = 100  # lines in the first column, beyond which nobody wants to know where the others are
# Only in the first column do these markers separate documents, even inside of quotes and block scalars.
_MARKERS = (b"---", b"...")
_BEHIND_MARKER = frozenset({b"", b" ", b"\t", b"\r", b"\n"})
# Possessive quantifiers keep these linear where they fail.
_NOTHING = regex(r"(?:---(?=[ \t\r\n]|\Z))?(?:[ \t\r\n]++|(?<![^ \t\r\n])#[^\n]*+)*+")
_LARGE_JSON = 1_000_000  # characters, beyond which the place of a fault in JSON is not worth reading it as YAML
_DIRECTIVES = regex(rb"(?:[ \t]*+(?:#[^\n]*+)?\n|%[^\n]*+\n)++")


def read(
    file: SourceFile,
    *,
    engine: Engine | None = None,
    unread: Unread | None = None,
    lap: Callable[[str], None] | None = None,
) -> Reading:
    """The documents of `file` and what is wrong with it. Never raises.

    Empty documents are left out. A duplicate key is a fault of a document that is returned nevertheless (the last value
    counts, as in kubectl); every other fault stands for a document that is not. Documents end at `---` and `...` in the
    first column; kubectl ignores what stands behind a `...`, here it is a document of its own, as YAML has it.

    `engine` forces one of the two, mainly for tests; by default it is yamlrocks where it is installed. The last fields
    of a document may be `unread`: then it ends in front of them, and what is wrong with them is no fault.
    `lap` is told "read" and "sniff" when the time until then went into reading, or into finding out how much to read.
    """
    if b"\0" in file.data and encoding_of(file.data)[0] == "utf-8":
        return Reading((), (), (Notice("binary-file", "a binary file: not read", 1),))
    reader = _Reader(file, engine or ("yamlrocks" if _rocks.available() else "ruamel"), unread, lap)
    return reader.read()


def _pieces(data: bytes) -> Iterator[tuple[int, int, list[int]]]:
    """The extents of the documents in `data`, empty ones included, and where their lines begin in the first column."""
    start = 3 if data.startswith(b"...") and data[3:4] in b" \t\r\n" else 0
    tops: list[int] = []
    for match in _TOP.finditer(data):
        top = match.end()
        if not data.startswith(_MARKERS, top) or data[top + 3 : top + 4] not in _BEHIND_MARKER:
            if len(tops) <= _MOST_TOPS:
                tops.append(top - start)
        elif data.startswith(b".", top):
            yield start, top, tops
            start, tops = top + 3, []
        # A block of directives belongs to the document that its '---' begins.
        elif not (data[start : start + 1] in b"%#\n \t" and b"%" in data[start:top]) or not _DIRECTIVES.fullmatch(
            data, start, top
        ):
            yield start, top, tops
            start, tops = top, []
    yield start, len(data), tops


class _Reader:
    def __init__(
        self, file: SourceFile, engine: Engine, unread: Unread | None, lap: Callable[[str], None] | None
    ) -> None:
        self.file = file
        self.engine: Engine = engine
        self.unread = unread
        self.lap = lap
        self.documents: list[Document] = []
        self.faults: list[Fault] = []
        self.template_at: int | None = None
        self.patience = _ruamel.Patience(endless=engine == "ruamel")
        try:
            self.body = Body.of(file.data)
        except UnicodeError:
            self.faults.append(Fault(1, 1, "this file is no valid UTF-16", "save it as UTF-8"))
            self.body = Body(b"")

    def read(self) -> Reading:
        data = self.body.data
        lead: int | None = None
        for start, end, tops in _pieces(data):
            first = start if lead is None else lead
            lead = None
            if not self.read_piece(Piece(first, start, end), tops):
                lead = first
        if self.template_at is not None:
            return self.template()
        notices: tuple[Notice, ...] = ()
        if not self.documents and not self.faults:
            notices = (Notice("empty-file", "there is no document in this file", 1),)
        self.faults.sort()
        return Reading(tuple(self.documents), tuple(self.faults), notices)

    def template(self) -> Reading:
        """The reading of a file some of which is a template: what is no template in it is still of use."""
        assert self.template_at is not None
        plain: list[Document] = []
        for document in self.documents:
            piece = document._piece
            if not TEMPLATE.search(self.body.data, piece.start, piece.end):
                document.index = len(plain)
                plain.append(document)
        line = self.body.line_at(self.template_at)
        notice = Notice("helm-template", "looks like a Helm template: render it first (--helm, or helm template)", line)
        return Reading(tuple(plain), (), (notice,))

    def read_piece(self, piece: Piece, tops: list[int]) -> bool:
        """Read one document. False says that there is nothing in it but comments."""
        data = self.body.data
        raw = data[piece.start : piece.end] if piece.end - piece.start < len(data) else data
        if self.unread is not None and len(tops) <= _MOST_TOPS and self.read_head(piece, raw, tops, self.unread):
            return True
        if self.engine == "yamlrocks":
            try:
                value = _rocks.load(raw)
            except _rocks.Unsure:
                pass
            else:
                return self.add(piece, value, "yamlrocks")
        try:
            text = raw.decode()
        except UnicodeDecodeError as error:
            offset = len(raw[: error.start].decode())
            message = f"the byte 0x{raw[error.start]:02X} is no UTF-8"
            self.fault(piece, raw.decode("utf-8", "replace"), Trouble(offset, message, "save the file as UTF-8"))
            return True
        if _NOTHING.fullmatch(text):
            return False
        if _json.looks_like_json(text) and self.read_json(piece, text):
            return True
        return self.read_carefully(piece, raw, text)

    def read_head(self, piece: Piece, raw: bytes, tops: list[int], unread: Unread) -> bool:
        """Read one document up to the fields that nobody asks for. False says that it must be read as a whole."""
        if self.lap is not None:
            self.lap("read")
        end = head_end(raw, tops, unread)
        if self.lap is not None:
            self.lap("sniff")
        if end is None:
            return False
        head = raw[:end]
        engine = self.engine
        try:
            try:
                if engine != "yamlrocks":
                    raise _rocks.Unsure
                value = _rocks.load(head)
            except _rocks.Unsure:
                engine = "ruamel"
                root = _ruamel.compose(head.decode(), self.patience)
                value, troubles = value_of(root) if root is not None else (None, [])
                if troubles:
                    return False
        except (Unreadable, UnicodeDecodeError):
            return False
        if not is_head(value, head, unread):
            return False
        return self.add(Piece(piece.lead, piece.start, piece.start + end), value, engine)

    def read_carefully(self, piece: Piece, raw: bytes, text: str) -> bool:
        try:
            value, troubles, engine = self.value_of(raw, text)
        except Unreadable as unreadable:
            if match := TEMPLATE.search(raw):
                if self.template_at is None:
                    self.template_at = piece.start + match.start()
            else:
                self.fault(piece, text, unreadable.trouble)
            return True
        self.fault(piece, text, *troubles)
        return self.add(piece, value, engine)

    def value_of(self, raw: bytes, text: str) -> tuple[object, list[Trouble], Engine]:
        try:
            root = _ruamel.compose(text, self.patience)
            return *(value_of(root) if root is not None else (None, [])), "ruamel"
        except _ruamel.Impatient as impatient:
            if self.engine != "yamlrocks":
                raise
            try:
                return *_rocks.load_roughly(raw), "yamlrocks"
            except Unreadable as unreadable:
                raise (impatient if impatient.trouble.offset else unreadable) from None

    def read_json(self, piece: Piece, text: str) -> bool:
        """Read a stream of JSON documents. False says that it is none, or one that needs positions for its faults."""
        documents = _json.load_all(text)
        if documents is None or (len(documents) == 1 and documents[0].duplicates and len(text) < _LARGE_JSON):
            return False
        lead = piece.lead
        for start, end, value, duplicates in documents:
            if duplicates:
                self.fault(piece, text, Trouble(start, "a key is set twice in this object", "keep one of the two"))
            own = piece.start + (start if text.isascii() else len(text[:start].encode()))
            stop = piece.start + (end if text.isascii() else len(text[:end].encode()))
            self.add(Piece(lead, own, stop), value, "json")
            lead = stop
        return True

    def add(self, piece: Piece, value: object, engine: Engine | Literal["json"]) -> bool:
        if value is None:
            return False
        self.documents.append(Document(self.file, len(self.documents), value, self.body, piece, engine))
        return True

    def fault(self, piece: Piece, text: str, *troubles: Trouble) -> None:
        if not troubles:
            return
        lines = LineTable(text, self.body.line_at(piece.start))
        for trouble in troubles:
            line, column = lines.place(min(trouble.offset, len(text)))
            there = lines.place(trouble.other)[0] if trouble.other is not None else line
            message = trouble.message.format(here=line, there=there)
            self.faults.append(Fault(line, column, message, trouble.expected))
