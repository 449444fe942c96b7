"""JSON: one document, or several one behind the other.

kubectl sends a stream that begins with `{` to a JSON decoder. Most JSON is YAML as well; what is not (escaped surrogate
pairs, several documents without a separator) or what yamlrocks refuses (tabs) is read here.
"""

from typing import Any, NamedTuple

from k8s_stateful_lint._patterns import regex

from ._nodes import MAX_DEPTH
from ._scalars import number

_BLANKS = regex(r"[ \t\r\n]*")
_SURROGATE = regex(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")

_LONE_SURROGATE = regex("[\ud800-\udfff]")


class JsonDocument(NamedTuple):
    """A JSON value, its extent in the text, and whether one of its objects has a key twice."""

    start: int
    end: int
    value: object
    duplicates: bool


def looks_like_json(text: str) -> bool:
    """Whether kubectl would try JSON."""
    blank = _BLANKS.match(text)
    return text.startswith(("{", "["), blank.end() if blank else 0)


def load_all(text: str) -> list[JsonDocument] | None:
    """The documents of a JSON stream, None when it is none."""
    import json

    duplicates = False

    def mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal duplicates
        value = dict(pairs)
        duplicates = duplicates or len(value) != len(pairs)
        return value

    def refuse(_: str) -> Any:
        raise ValueError

    decoder = json.JSONDecoder(
        object_pairs_hook=mapping,
        parse_float=lambda digits: number(float(digits)),
        parse_int=lambda digits: number(int(digits)) if len(digits) < 400 else refuse(digits),
        parse_constant=refuse,
    )
    documents = []
    offset = _end_of_blanks(text, 0)
    while offset < len(text):
        duplicates = False
        if text[offset] not in "{[":
            return None
        try:
            value, end = decoder.raw_decode(text, offset)
        except (ValueError, RecursionError):
            return None
        if depth_of(value) > MAX_DEPTH:
            return None
        if _SURROGATE.search(text, offset, end):
            value = _without_lone_surrogates(value)
        documents.append(JsonDocument(offset, end, value, duplicates))
        offset = _end_of_blanks(text, end)
    return documents


def as_yaml(text: str) -> str:
    """The same JSON, character by character in the same place, such that a YAML parser reads it.

    Only for positions: escaped surrogates become spaces.
    """
    return _SURROGATE.sub(r"\\u0020", text).replace("\t", " ")


def depth_of(value: object) -> int:
    """How deep collections are nested in `value`."""
    depth = 0
    level: list[object] = [value]
    while True:
        below: list[object] = []
        for node in level:
            if isinstance(node, dict):
                below += node.values()
            elif isinstance(node, list):
                below += node
        if not below:
            return depth
        level = below
        depth += 1


def _without_lone_surrogates(value: Any) -> Any:
    """Half a surrogate pair becomes U+FFFD, as in Go: it is no text that could be written anywhere."""
    import json

    text = json.dumps(value, ensure_ascii=False)
    return json.loads(_LONE_SURROGATE.sub("\ufffd", text))


def _end_of_blanks(text: str, offset: int) -> int:
    match = _BLANKS.match(text, offset)
    return match.end() if match else offset
