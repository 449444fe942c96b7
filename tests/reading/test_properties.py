"""What holds for any input."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from k8s_stateful_lint.reading import Engine, Reading, Route

from .helpers import ENGINES, exact, needs_rocks, reading, routes

pytestmark = pytest.mark.parametrize("engine", ENGINES)
quick = settings(max_examples=150)

PIECES = [
    *("a", "key", "é", "😀", ": ", ":", "- ", "? ", ", ", "[", "]", "{", "}", "{{", "}}", "'", '"', "|", ">-", "|+"),
    *("\n", "\n  ", "\n    ", "\r\n", "\t", " ", "#", " # c", "&x ", "*x", "!t ", "!!int ", "!!binary ", "<<: ", "%"),
    *(
        "---",
        "\n---\n",
        "\n...\n",
        "\\",
        "\\u12",
        "1",
        "09",
        "0o7",
        "1:30",
        "1.5",
        "yes",
        "~",
        "_1",
        "\ufeff",
        "\u2028",
    ),
]
soup = st.lists(st.sampled_from(PIECES), max_size=25).map("".join)


def ask_everything(result: Reading) -> None:
    for fault in result.faults:
        assert fault.line >= 1
        assert fault.column >= 1
        assert fault.message
        assert "{here}" not in fault.message
    for document in result.documents:
        lines = document.file.lines
        known = list(routes(document.value))[:20]
        nowhere: list[Route] = [("nowhere",), (0, "x", 3), (99,)]
        for route in known + nowhere:
            for part in ("value", "key", "entry"):
                span = document.span(route, part=part)  # type: ignore[arg-type]
                assert (1, 1) <= (span.line, span.column) <= (span.end_line, span.end_column)
                assert span.end_line <= len(lines) + 1
        for comment in document.comments():
            assert lines[comment.line - 1][comment.column - 1] == "#"
        assert 1 <= document.line <= len(lines)


@quick
@given(data=st.binary(max_size=200))
def test_any_bytes_can_be_read(data: bytes, engine: Engine) -> None:
    ask_everything(reading(data, engine))


@quick
@given(text=st.text(max_size=200))
def test_any_text_can_be_read(text: str, engine: Engine) -> None:
    ask_everything(reading(text.encode("utf-8", "surrogatepass"), engine))


@settings(quick, max_examples=400)
@given(text=soup)
def test_anything_that_resembles_yaml_can_be_read(text: str, engine: Engine) -> None:
    ask_everything(reading(text, engine))


@needs_rocks
@settings(quick, max_examples=400)
@given(text=soup)
def test_where_the_careful_engine_reads_a_file_the_other_says_the_same(text: str, engine: Engine) -> None:
    careful = reading(text, "ruamel")
    if careful.faults or any(notice.kind == "helm-template" for notice in careful.notices):
        # yamlrocks forgives a tab or a stray percent sign that libyaml, and so kubectl, does not.
        return
    fast = reading(text, "yamlrocks")
    assert exact([each.value for each in fast.documents]) == exact([each.value for each in careful.documents])


# YAML of any style writes these such that they mean themselves.
texts = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\x85\u2028\u2029\ufeff\ufffe\uffff"))
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False).filter(lambda value: not value.is_integer())
    | texts
)
trees = st.recursive(
    scalars,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(texts, below, max_size=4),
    max_leaves=12,
)


@quick
@given(value=trees)
def test_json_reads_back(value: object, engine: Engine) -> None:
    for text in (json.dumps({"a": value}), json.dumps({"a": value}, ensure_ascii=False, indent=1)):
        documents, faults, notices = reading(text, engine)
        assert not faults
        assert not notices
        assert exact(documents[0].value) == exact({"a": value})


@quick
@given(value=trees)
def test_block_style_reads_back(value: object, engine: Engine) -> None:
    text = "a:\n" + block(value, 2)
    documents, faults, notices = reading(text, engine)
    assert not faults
    assert not notices
    assert exact(documents[0].value) == exact({"a": value})


def block(value: object, indent: int) -> str:
    """`value` in block style, with double quotes around keys and text."""
    pad = " " * indent
    if isinstance(value, dict) and value:
        return "".join(
            f"{pad}{json.dumps(key, ensure_ascii=False)}:\n{block(each, indent + 2)}" for key, each in value.items()
        )
    if isinstance(value, list) and value:
        return "".join(f"{pad}-\n{block(each, indent + 2)}" for each in value)
    return f"{pad}{json.dumps(value, ensure_ascii=False)}\n"


names = st.from_regex(r"[a-z][a-zA-Z]{2,8}", fullmatch=True).filter(
    lambda name: name.lower() not in ("yes", "off", "true", "null", "false")
)
marked = st.recursive(
    names.map(lambda name: f"~{name}~"),
    lambda below: st.lists(below, min_size=1, max_size=3) | st.dictionaries(names, below, min_size=1, max_size=3),
    max_leaves=10,
)


@quick
@given(
    value=st.dictionaries(names, marked, min_size=1, max_size=3),
    comments=st.booleans(),
    quote=st.sampled_from(["", "'", '"']),
)
def test_every_route_of_a_document_leads_to_its_text(
    value: dict[str, object], comments: bool, quote: str, engine: Engine
) -> None:
    lines: list[str] = ["# a comment", "---"] if comments else []
    places: dict[Route, tuple[int, int, str]] = {}

    def write(node: object, route: Route, prefix: str, indent: int) -> None:
        """Write `node` behind `prefix`, what has begun its line, and remember where its text is."""
        if isinstance(node, dict):
            for position, (key, each) in enumerate(node.items()):
                lead = prefix if position == 0 else " " * indent
                if isinstance(each, str):
                    write(each, (*route, key), f"{lead}{key}: ", indent + 2)
                else:
                    lines.append(f"{lead}{key}:" + (" # why" if comments else ""))
                    write(each, (*route, key), " " * (indent + 2), indent + 2)
        elif isinstance(node, list):
            for position, each in enumerate(node):
                lead = prefix if position == 0 else " " * indent
                write(each, (*route, position), f"{lead}- ", indent + 2)
        else:
            text = f"{quote}{node}{quote}" if quote else str(node)
            places[route] = (len(lines) + 1, len(prefix) + 1, text)
            lines.append(prefix + text + ("   # why" if comments else ""))

    write(value, (), "", 0)
    (document,), faults, _ = reading("\n".join(lines), engine)
    assert not faults
    assert document.value == value
    for route, (line, column, text) in places.items():
        assert document.span(route) == (line, column, line, column + len(text))
        key = route[-1]
        if isinstance(key, str):
            place = document.span(route, part="key")
            assert lines[place.line - 1][place.column - 1 : place.end_column - 1] == key
            entry = document.span(route, part="entry")
            assert entry == (place.line, place.column, line, column + len(text))
    assert len(document.comments()) == "\n".join(lines).count("#")
