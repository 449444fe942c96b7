"""A reading as bytes, so that the same file need not be read again: its values, and the places that were asked for."""

from typing import Any, Literal

import msgspec

from ._document import Body, Document, Part, Piece
from ._reading import Notice, Reading
from ._source import Comment, Fault, SourceFile, Span

_Route = tuple[str | int, ...]


class _Document(msgspec.Struct, array_like=True):
    value: Any
    piece: tuple[int, int, int]
    engine: Literal["yamlrocks", "ruamel", "json"]
    spans: list[tuple[_Route, Part, Span]]
    comments: tuple[Comment, ...] | None


class _File(msgspec.Struct, array_like=True):
    documents: list[_Document]
    faults: tuple[Fault, ...]
    notices: tuple[Notice, ...]


def pack(reading: Reading) -> bytes | None:
    """What was read, as bytes; None for the few values that have no form there (half a surrogate, a deep nest)."""
    documents = [
        _Document(
            document.value,
            (document._piece.lead, document._piece.start, document._piece.end),
            document._engine,
            [(route, part, span) for (route, part), span in document.spans.items()],
            document._comments,
        )
        for document in reading.documents
    ]
    try:
        return msgspec.msgpack.encode(_File(documents, reading.faults, reading.notices))
    except (ValueError, OverflowError, RecursionError):
        return None


def unpack(file: SourceFile, packed: bytes | msgspec.Raw) -> Reading | None:
    """The reading that was packed for a file of the same bytes; None where the bytes are something else."""
    try:
        found = _decoder.decode(packed)
        body = Body.of(file.data) if found.documents else Body(b"")
    except (ValueError, RecursionError):
        return None
    documents = []
    for index, each in enumerate(found.documents):
        document = Document(file, index, each.value, body, Piece(*each.piece), each.engine)
        if each.spans:
            document.learn({(route, part): span for route, part, span in each.spans})
        document._comments = each.comments
        documents.append(document)
    return Reading(tuple(documents), found.faults, found.notices)


_decoder = msgspec.msgpack.Decoder(_File)


def asked(reading: Reading) -> int:
    """How many places were asked for so far: more than there were when it was unpacked, and packing again pays."""
    return sum(len(document.spans) + (document._comments is not None) for document in reading.documents)


def share(one: Reading, other: Reading) -> None:
    """From now on, a place that is asked for in one reading is known in another one of the same bytes, too."""
    for left, right in zip(one.documents, other.documents, strict=True):
        left.learn({})  # has a dictionary of its own from now on
        right.spans = left.spans
