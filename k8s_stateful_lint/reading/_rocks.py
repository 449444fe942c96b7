"""The fast engine: yamlrocks.

It reads YAML at some 70 MB/s, in a dialect that differs from go-yaml's in corners that manifests seldom visit. So it
reads first, and `load` answers only when it is certain that go-yaml would say the same; everything else (a fault, a
duplicate key, a tag, a late merge, `1.0`, `1:30`, ...) is left to the careful engine.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from k8s_stateful_lint._patterns import regex

from ._nodes import MAX_DEPTH, Trouble, Unreadable
from ._places import Extent, Spot, block_scalar_end
from ._scalars import HIGHEST, LOWEST, key, number
from ._search import occurs
from ._source import Route


class Unsure(Exception):  # noqa: N818 - not an error
    """The careful engine has to look at this document."""


@cache
def _module() -> tuple[Any, int, int] | None:
    try:
        import yamlrocks
    except ImportError:
        return None
    fast = (
        yamlrocks.OPT_YAML_1_1
        | yamlrocks.OPT_DUPLICATE_KEYS_ERROR
        | yamlrocks.OPT_REJECT_COMPLEX_KEYS
        | yamlrocks.OPT_PASSTHROUGH_TAG
    )
    located = yamlrocks.OPT_YAML_1_1 | yamlrocks.OPT_ANNOTATED | yamlrocks.OPT_ANNOTATE_NUMBERS
    return yamlrocks, fast, located


def available() -> bool:
    """Whether yamlrocks is installed."""
    return _module() is not None


# What the bytes of a document must hold before yamlrocks' YAML 1.1 and go-yaml can differ. Each pattern begins with a
# literal, which makes the search a memchr.
_COLON_DIGITS = regex(rb":[0-9_]+(?=[\s,\]}:.]|\Z)")
_BASE_60 = regex(rb"(?:[\s,\[{]|\A)[-+]?([0-9_]+(?::[0-9_]+)+)(?:\.[0-9_]*)?(?=[\s,\]}:]|\Z)")
_UNDERSCORE = regex(rb"_[0-9._](?<=[\s,\[{+.-]_.)")
_UNDERSCORE_NUMBER = regex(rb"(?:[\s,\[{]|\A)[-+]?\.?_[0-9._eE+-]*(?=[\s,\]}:]|\Z)")
_TAG = regex(rb"!(?:![a-z]|<)")
# go-yaml lets no value begin with a percent sign. (In flow style, we do.)
_PERCENT = regex(rb"%(?<=[:-] %)")
# A question mark at the start of a line: a complex key to yamlrocks also where go-yaml continues a plain scalar.
_QUESTION = regex(rb"\?(?=\s|\Z)")
_VALUE_LEAD = regex(rb"[ \t]*+(?:- +)*+(?:[^\s#:][^:\n]*+:[ \t]+)?")
_KEY_LEAD = regex(rb" *(?:- +)*")
_MERGE = regex(rb"<<\s*:")
# Line breaks to go-yaml only; and a byte order mark, which yamlrocks drops.
_BREAK = regex(rb"\xc2\x85|\xe2\x80[\xa8\xa9]|\xef\xbb\xbf")
_BREAK_LEADS = (b"\xc2", b"\xe2", b"\xef")
_ALIAS = regex(rb"\*[^\s,\]}](?<=[\s\[,]\*.)")
_MANY_ALIASES = 30
_MOST_DIGITS = 40  # int() refuses thousands
# Numbers to go-yaml, text to yamlrocks: 0o17, 09.
_SUSPECT_TEXT = regex(r"[-+]?_*0[0-9_]*[oO89]")

_known_keys: set[str] = set()
"""Keys that are known to be harmless: manifests repeat a few thousand, and comparing sets is faster than looking."""
_known_texts: dict[str, str] = {}
"""Values that are known to be harmless, so that what is equal is one object: manifests repeat nine of ten."""
_known_leaves: dict[tuple[tuple[str, str], ...], dict[str, str]] = {}
"""Mappings of such texts: `{name: data}` takes 200 bytes, and half of all mappings are as small."""
_SHORT = 100  # characters
_MOST_KNOWN = 20_000


def _differs(data: bytes) -> bool:
    """Whether go-yaml may read these bytes differently from yamlrocks. May err on that side."""
    return bool(
        data.startswith((b"%", b"_"))
        or (b"!" in data and _TAG.search(data))
        or (b"%" in data and any(_begins_value(data, match.start()) for match in _PERCENT.finditer(data)))
        or (b"?" in data and any(_begins_line(data, match.start()) for match in _QUESTION.finditer(data)))
        or (b"<" in data and any(not _is_first_key(data, match.start()) for match in _MERGE.finditer(data)))
        or (b"_" in data and _odd_underscore(data))
        or has_odd_breaks(data)
    )


def has_odd_breaks(data: bytes) -> bool:
    """Whether there are line breaks that only go-yaml knows."""
    return not data.isascii() and any(occurs(lead, _BREAK, data) for lead in _BREAK_LEADS)


def _begins_line(data: bytes, offset: int) -> bool:
    """Whether only blanks and dashes stand before `offset` in its line."""
    return not data[data.rfind(b"\n", 0, offset) + 1 : offset].strip(b" \t-")


def _begins_value(data: bytes, offset: int) -> bool:
    """Whether a plain scalar could begin at `offset`: nothing but dashes and one key stand before it in its line."""
    return _VALUE_LEAD.fullmatch(data, data.rfind(b"\n", 0, offset) + 1, offset) is not None


def _is_first_key(data: bytes, offset: int) -> bool:
    """Whether the key at `offset` is the first one of its mapping: what it stands under is indented less.

    A merge that comes first means the same to both; to go-yaml a later one overrides the keys before it.
    """
    line = data.rfind(b"\n", 0, offset) + 1
    lead = data[line:offset]
    if lead.strip(b" "):
        return lead.rstrip(b" ").endswith((b"-", b"{"))
    while line > 0:
        end = line - 1
        line = data.rfind(b"\n", 0, end) + 1
        above = data[line:end]
        if above.strip() and not above.lstrip().startswith(b"#"):
            begin = _KEY_LEAD.match(above)
            return begin is not None and begin.end() < len(lead)
    return True


def _many_aliases(data: bytes) -> bool:
    """Whether there are so many aliases that they could multiply: the careful engine counts before it builds."""
    return data.count(b"*") > _MANY_ALIASES and b"&" in data and len(_ALIAS.findall(data)) > _MANY_ALIASES


def _odd_underscore(data: bytes) -> bool:
    """Whether a number may begin with an underscore: text to go-yaml."""
    return any(
        _UNDERSCORE_NUMBER.search(data, max(match.start() - 3, 0), match.end() + 64)
        for match in _UNDERSCORE.finditer(data)
    )


def _base_60(data: bytes) -> set[int]:
    """The numbers that yamlrocks makes of what may be plain scalars like `1:30`, text to go-yaml.

    Raises:
        Unsure: there is one that no integer holds.
    """
    numbers = set()
    for colon in _COLON_DIGITS.finditer(data):
        if not data[colon.start() - 1 : colon.start()].isdigit():
            continue
        around = data[max(colon.start() - 64, 0) : colon.end() + 64]
        for match in _BASE_60.finditer(around):
            total = 0
            for digits in match[1].replace(b"_", b"").split(b":"):
                if len(digits) > _MOST_DIGITS:
                    raise Unsure
                total = total * 60 + int(digits or b"0")
            numbers |= {total, -total}
    return numbers


def load(data: bytes) -> object:
    """The value of one document in UTF-8 without a byte order mark; None for none.

    Raises:
        Unsure: the document is faulty, or go-yaml might read it differently.
    """
    module = _module()
    assert module is not None
    rocks, fast, _ = module
    if not data.endswith(b"\n"):
        # kubectl adds it: it shows in the value of a last block scalar.
        data += b"\n"
    if _many_aliases(data):
        raise Unsure
    try:
        value = rocks.loads(data, option=fast)
    except (ValueError, RecursionError):
        raise Unsure from None
    if _differs(data):
        raise Unsure
    _check(value, data, _base_60(data))
    return value


def load_roughly(data: bytes) -> tuple[object, list[Trouble]]:
    """What can be said about a document that `load` is unsure of and that is too large for the careful engine.

    A key that is set twice is a fault with one place only; and what is a matter of spelling (`09`, `1:30`, `!!str 1`)
    may be read as in YAML 1.1.

    Raises:
        Unreadable: it is no YAML.
    """
    module = _module()
    assert module is not None
    rocks, fast, _ = module
    troubles = []
    try:
        try:
            value = rocks.loads(data, option=fast)
        except rocks.YAMLRocksDuplicateKeyError as error:
            troubles.append(_trouble(error, data))
            value = rocks.loads(data, option=fast & ~rocks.OPT_DUPLICATE_KEYS_ERROR)
        return _normal(value, 0), troubles
    except ValueError as error:
        raise Unreadable(_trouble(error, data)) from None


def _trouble(error: Any, data: bytes) -> Trouble:
    offset = 0
    for _ in range((getattr(error, "line", None) or 1) - 1):
        offset = data.find(b"\n", offset) + 1
    line_end = data.find(b"\n", offset)
    column = min((getattr(error, "column", None) or 1) - 1, max(line_end - offset, 0))
    offset = len(data[:offset].decode("utf-8", "replace")) + column
    if type(error).__name__ == "YAMLRocksDuplicateKeyError":
        return Trouble(offset, "this key is set twice in the same mapping", "keep one of the two")
    if "nesting depth" in str(error) or "expands to too many" in str(error):
        return Trouble(offset, "nested too deep, or its aliases multiply without bounds", "write the values out")
    return Trouble(offset, "this is no valid YAML", "check the indentation and the quotes around here")


def _normal(value: Any, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise Unreadable(Trouble(0, f"nested more than {MAX_DEPTH} levels deep", "check the indentation and brackets"))
    if isinstance(value, dict):
        return {key(name): _normal(each, depth + 1) for name, each in value.items()}
    if isinstance(value, list):
        return [_normal(each, depth + 1) for each in value]
    if type(value) in (int, float):
        return number(value)
    return (
        value if value is None or isinstance(value, (str, bool)) else _normal(getattr(value, "value", None), depth + 1)
    )


def _check(value: object, data: bytes, base_60: set[int]) -> None:
    """Look for anything in `value` that the two dialects read differently, level by level, without recursion.

    Texts and small mappings that were found before, here or in another document, take the place of equal ones.

    Raises:
        Unsure: there is something, or the tree is too deep.
    """
    level: list[Any] = [value if isinstance(value, dict | list) else [value]]
    depth = -1
    known_keys, known_text, known_leaf = _known_keys, _known_texts.get, _known_leaves.get
    while level:
        depth += 1
        below: list[Any] = []
        for node in level:
            if type(node) is dict:
                if not node.keys() <= known_keys:
                    _check_keys(node, data)
                items: Iterable[tuple[Any, Any]] = node.items()
            else:
                items = enumerate(node)
            for place, each in items:
                kind = type(each)
                if kind is str:
                    known = known_text(each)
                    if known is None:
                        _check_text(each, data)
                    elif known is not each:
                        node[place] = known
                elif kind is dict:
                    leaf = None
                    if 0 < len(each) <= 2:
                        pairs = tuple(each.items())
                        if type(pairs[0][1]) is str and type(pairs[-1][1]) is str:
                            leaf = known_leaf(pairs) or _new_leaf(pairs, each)
                    if leaf is None:
                        below.append(each)
                    else:
                        node[place] = leaf
                elif kind is list:
                    below.append(each)
                elif kind is int:
                    if not LOWEST <= each <= HIGHEST or (base_60 and each in base_60):
                        raise Unsure
                elif kind is float:
                    # A whole number is an integer behind JSON, and one that is not there as such was spelt unusually.
                    if each.is_integer() or base_60 or repr(each).encode() not in data:
                        raise Unsure
                elif kind is not bool and each is not None:
                    raise Unsure
        level = below
    # Below the last level there may be scalars, and in the one above it mappings that were known.
    if depth + 2 > MAX_DEPTH:
        raise Unsure


def _check_text(text: str, data: bytes) -> None:
    # One comparison sorts out almost all text: what begins with a digit or a sign is less than ":".
    if text < ":" and _SUSPECT_TEXT.match(text):
        if not _always_quoted(text, data):
            raise Unsure
    elif len(text) <= _SHORT:
        if len(_known_texts) >= _MOST_KNOWN:
            _known_texts.clear()
        _known_texts[text] = text


def _new_leaf(pairs: tuple[tuple[str, str], ...], node: dict[str, str]) -> dict[str, str] | None:
    """A small mapping, if it is known to be harmless, so that equal ones become it from now on."""
    if any(name not in _known_keys or text not in _known_texts for name, text in pairs):
        return None
    if len(_known_leaves) >= _MOST_KNOWN:
        _known_leaves.clear()
    _known_leaves[pairs] = node
    return node


def _check_keys(keys: Iterable[Any], data: bytes) -> None:
    for name in keys:
        # A merge key that is still there had nothing to merge, or is quoted.
        if type(name) is not str or name == "<<":
            raise Unsure
        if _SUSPECT_TEXT.match(name):
            if not _always_quoted(name, data):
                raise Unsure
        elif len(_known_keys) < 20_000:
            _known_keys.add(name)


def _always_quoted(text: str, data: bytes) -> bool:
    """Whether `text` stands in quotes wherever it stands in `data`."""
    plain = text.encode("utf-8", "replace")
    return data.count(plain) == data.count(b'"' + plain + b'"') + data.count(b"'" + plain + b"'")


_WORD = regex(r"[ \t]*:[ \t]+([A-Za-z]+|~)(?=[ \t]*(?:[,\]}\r\n]|\Z)|[ \t]+#)")
_ALIAS_TEXT = regex(r"\*[^\s,\]}](?<=[\s\[,]\*.)")
_ANCHOR_TEXT = regex(r"&[^\s,\]}](?<=[\s\[,{]&.)")
_CLOSING = regex(r"(?:[ \t\r\n,]|(?<=[ \t\r\n])#[^\n]*+)*+[\]}]")


_LONG_LINE = 100_000  # characters
_MOST_STEPS = 2_000_000_000


def _takes_long(text: str) -> bool:
    """Whether many nodes stand on a long line: yamlrocks goes through the line for each of them."""
    return len(text) > _LONG_LINE and any(
        len(line) > _LONG_LINE and len(line) * (line.count(",") + line.count(":")) > _MOST_STEPS
        for line in text.split("\n")
    )


class RocksPlaces:
    """Answers from yamlrocks' annotated values: only for documents that `load` was certain about."""

    def __init__(self, text: str) -> None:
        """Read `text` again, with positions.

        Raises:
            LookupError: yamlrocks cannot read it, or would take long.
        """
        if _takes_long(text):
            raise LookupError
        # yamlrocks writes an alias out and says nothing about where it was.
        if "&" in text and _ALIAS_TEXT.search(text) and _ANCHOR_TEXT.search(text):
            raise LookupError
        module = _module()
        assert module is not None
        rocks, _, located = module
        data = text.encode()
        try:
            self._root: Any = rocks.loads(data, option=located)
        except (ValueError, RecursionError):
            raise LookupError from None
        self._text = text
        self._data = None if len(data) == len(text) else data

    def _at(self, offset: int) -> int:
        """A byte's offset in characters."""
        return offset if self._data is None else len(self._data[:offset].decode("utf-8", "replace"))

    def find(self, route: Route) -> Spot | None:
        """See `Places.find`. It cannot tell what `_extent` cannot."""
        name: Any = None
        node: Any = self._root
        for step in route:
            if isinstance(node, dict) and isinstance(step, str):
                if step not in node:
                    return None
                name = next(each for each in node if each == step)
                node = node[step]
            elif isinstance(node, list) and isinstance(step, int) and 0 <= step < len(node):
                name, node = None, node[step]
            else:
                return None
        key_extent = self._extent(name) if name is not None else None
        first_key = None
        if isinstance(node, dict) and node:
            first_key = self._extent(next(iter(node)))
        extent = self._extent(node, name)
        block = isinstance(node, (dict, list)) and self._text[extent[0]] not in "{["
        return Spot(key_extent, extent, first_key, block)

    def _extent(self, node: Any, name: Any = None) -> Extent:
        """Where a value is.

        Raises:
            LookupError: it is an alias, or null, or a boolean in a list, or in an unusual place.
        """
        if name is not None and not hasattr(name, "__end_offset__"):
            raise LookupError
        if node is None or isinstance(node, bool):
            if name is None:
                raise LookupError
            match = _WORD.match(self._text, self._at(name.__end_offset__))
            if match is None:
                raise LookupError
            return match.span(1)
        if not hasattr(node, "__offset__"):
            raise LookupError
        start = self._at(node.__offset__)
        if isinstance(node, (dict, list)):
            return self._collection(node, start)
        if getattr(node, "__style__", "") in ("literal", "folded"):
            return start, block_scalar_end(self._text, start)
        return start, self._at(node.__end_offset__)

    def _collection(self, node: Any, start: int) -> Extent:
        """yamlrocks ends a collection before its closing bracket, and does not know where a last null or alias ends."""
        if not node:
            end = start + 1
        elif isinstance(node, dict):
            last = next(reversed(node))
            end = self._extent(node[last], last)[1]
        else:
            end = self._extent(node[-1])[1]
        if self._text[start] in "{[":
            closing = _CLOSING.match(self._text, end)
            if closing is None:
                raise LookupError
            end = closing.end()
        return start, end

    def opaque(self) -> Iterator[Extent]:
        """See `Places.opaque`."""
        stack = [self._root]
        while stack:
            node = stack.pop()
            if isinstance(node, dict):
                stack.extend(node)
                stack.extend(node.values())
            elif isinstance(node, list):
                stack.extend(node)
            elif getattr(node, "__style__", "plain") not in ("plain", None):
                yield self._extent(node)
