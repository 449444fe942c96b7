"""Spans and comments, from both engines."""

import pickle

import pytest

from k8s_stateful_lint.reading import Comment, Engine, Route, Span, _rocks, _ruamel

from .helpers import ENGINES, reading

TEXT = """\
# head
apiVersion: v1   # behind
"kind": 'Config'
data: &d
  x: |
    block # no comment
    more

  # after the block
  "q # no": "a # b"
  l:
  - 1
  - name: foo
    v: [1, true, {a: b}]   # flow
  é: ü😀   # umlaut
e:
u: ~
b: true
al: *d
t: !!str 12
m:
  <<: *d
  z: 0644
o: {}
---
# second
b: 1
"""


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("route", "value", "key", "entry"),
    [
        (("apiVersion",), (2, 13, 2, 15), (2, 1, 2, 11), (2, 1, 2, 15)),
        (("kind",), (3, 9, 3, 17), (3, 1, 3, 7), (3, 1, 3, 17)),
        (("data",), (5, 3, 5, 7), (4, 1, 4, 5), (4, 1, 15, 8)),
        (("data", "x"), (5, 6, 7, 9), (5, 3, 5, 4), (5, 3, 7, 9)),
        (("data", "q # no"), (10, 13, 10, 20), (10, 3, 10, 11), (10, 3, 10, 20)),
        (("data", "l"), (12, 3, 12, 6), (11, 3, 11, 4), (11, 3, 14, 25)),
        (("data", "l", 0), (12, 5, 12, 6), (12, 5, 12, 6), (12, 5, 12, 6)),
        (("data", "l", 1), (13, 5, 13, 14), (13, 5, 13, 9), (13, 5, 14, 25)),
        (("data", "l", 1, "v"), (14, 8, 14, 25), (14, 5, 14, 6), (14, 5, 14, 25)),
        (("data", "l", 1, "v", 1), (14, 12, 14, 16), (14, 12, 14, 16), (14, 12, 14, 16)),
        (("data", "l", 1, "v", 2), (14, 18, 14, 24), (14, 19, 14, 20), (14, 18, 14, 24)),
        (("data", "é"), (15, 6, 15, 8), (15, 3, 15, 4), (15, 3, 15, 8)),
        (("e",), (16, 3, 16, 3), (16, 1, 16, 2), (16, 1, 16, 3)),
        (("u",), (17, 4, 17, 5), (17, 1, 17, 2), (17, 1, 17, 5)),
        (("b",), (18, 4, 18, 8), (18, 1, 18, 2), (18, 1, 18, 8)),
        # An alias is where it is used; what is inside of it is where it was written.
        (("al",), (19, 5, 19, 7), (19, 1, 19, 3), (19, 1, 19, 7)),
        (("al", "x"), (5, 6, 7, 9), (5, 3, 5, 4), (5, 3, 7, 9)),
        (("m", "x"), (5, 6, 7, 9), (5, 3, 5, 4), (5, 3, 7, 9)),
        (("m", "z"), (23, 6, 23, 10), (23, 3, 23, 4), (23, 3, 23, 10)),
        (("t",), (20, 10, 20, 12), (20, 1, 20, 2), (20, 1, 20, 12)),
        (("o",), (24, 4, 24, 6), (24, 1, 24, 2), (24, 1, 24, 6)),
        ((), (2, 1, 2, 15), (2, 1, 2, 11), (2, 1, 24, 6)),
    ],
    ids=lambda each: ".".join(map(str, each)) if each and isinstance(each[0], str) else None,
)
def test_every_part_of_a_node(
    route: Route,
    value: tuple[int, int, int, int],
    key: tuple[int, int, int, int],
    entry: tuple[int, int, int, int],
    engine: Engine,
) -> None:
    # Aliases and merges send a document to the careful engine: the rest has to hold without them, too.
    texts = [TEXT]
    if not {"al", "m"} & set(route):
        plain = TEXT.replace("&d", "").replace("*d", "{}").replace("!!str 12", "      12").replace("<<", "w")
        texts.append(plain.replace("[1, true,", "[1, yes ,") if "z" in route else plain)
    for text in texts:
        document = reading(text, engine).documents[0]
        assert document.span(route) == value
        assert document.span(route, part="key") == key
        assert document.span(route, part="entry") == entry


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("route", "place"),
    [
        (("data", "missing", "deeper", 0), (4, 1, 4, 5)),
        (("data", "l", 7), (11, 3, 11, 4)),
        (("data", "l", 1, "missing"), (13, 5, 13, 9)),
        (("data", "l", "name"), (11, 3, 11, 4)),
        (("missing",), (2, 1, 2, 11)),
        (("apiVersion", "x"), (2, 1, 2, 11)),
    ],
)
def test_what_is_missing_is_at_the_key_of_its_nearest_ancestor(
    route: Route, place: tuple[int, int, int, int], engine: Engine
) -> None:
    document = reading(TEXT, engine).documents[0]
    for part in ("value", "key", "entry"):
        assert document.span(route, part=part) == place  # type: ignore[arg-type]


@pytest.mark.parametrize("engine", ENGINES)
def test_comments_are_those_of_the_document(engine: Engine) -> None:
    first, second = reading(TEXT, engine).documents
    assert first.comments() == (
        Comment(1, 1, "head", True),
        Comment(2, 18, "behind", False),
        Comment(9, 3, "after the block", True),
        Comment(14, 28, "flow", False),
        Comment(15, 11, "umlaut", False),
    )
    assert second.comments() == (Comment(26, 1, "second", True),)
    assert (first.line, second.line) == (2, 27)
    assert (first.index, second.index) == (0, 1)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("text", "comments"),
    [
        ("a: x#y\n", []),
        ("a: 'x # y'\nb: \"x\n  # y\"\n", []),
        ("a: |\n  # x\n # no longer\nb: 1\n", ["no longer"]),
        ("a: |2\n    # x\n  # y\n# z\nb: 1\n", ["z"]),
        ("a: | # header\n  # x\n", ["header"]),
        ("a:\n- |\n # x\n- b # y\n", ["y"]),
        ("- - |\n   # x\n  - b # y\n", ["y"]),
        ("--- |\n# x\n", []),
        ("a: [1, # x\n  2] # y\n", ["x", "y"]),
        ("# before\n---\n# in\na: 1\n", ["before", "in"]),
        ("a: 1\n# end", ["end"]),
        ("a: 1 #\n", [""]),
        ("a: 1\r\n# x\r\n", ["x"]),
        ("k: v\n#!shebang-like\n", ["!shebang-like"]),
    ],
)
def test_what_is_a_comment(text: str, comments: list[str], engine: Engine) -> None:
    (document,) = reading(text, engine).documents
    assert [comment.text for comment in document.comments()] == comments


@pytest.mark.parametrize("engine", ENGINES)
def test_places_in_files_of_every_encoding_and_line_end(engine: Engine) -> None:
    text = "# ü\na: é # c\n---\nb:\n- ☃: x # d\n"
    variants = [text.encode(), text.encode("utf-8-sig"), text.encode("utf-16"), b"\xfe\xff" + text.encode("utf-16-be")]
    variants += [text.replace("\n", "\r\n").encode()]
    for data in variants:
        first, second = reading(data, engine).documents
        assert first.span(("a",)) == Span(2, 4, 2, 5)
        assert second.span(("b", 0, "☃")) == Span(5, 6, 5, 7)
        assert second.comments() == (Comment(5, 8, "d", False),)
        assert first.file.lines[1] == "a: é # c"


@pytest.mark.parametrize("engine", ENGINES)
def test_places_in_json(engine: Engine) -> None:
    text = '{\n\t"a": "\\ud83d\\ude00",\n\t"b": [1,\n\t\t{"c": "x"}]\n}\n{"d": 1}\n'
    first, second = reading(text, engine).documents
    assert first.value == {"a": "😀", "b": [1, {"c": "x"}]}
    assert first.span(("a",)) == Span(2, 7, 2, 21)
    assert first.span(("b", 1, "c")) == Span(4, 9, 4, 12)
    assert second.span(("d",)) == Span(6, 7, 6, 8)
    assert (first.line, second.line) == (1, 6)


@pytest.mark.parametrize("engine", ENGINES)
def test_documents_survive_pickling_with_their_places(engine: Engine) -> None:
    document = reading(TEXT, engine).documents[1]
    document.span(("b",))
    copy = pickle.loads(pickle.dumps(document))
    assert copy.value == document.value
    assert copy.span(("b",)) == document.span(("b",)) == Span(27, 4, 27, 5)
    assert copy.comments() == document.comments()


@pytest.mark.parametrize("engine", ENGINES)
def test_places_on_a_long_line_do_not_take_a_walk_through_it_each(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = ", ".join(f"{{name: v{index}, path: /data}}" for index in range(10_000))
    text = f"{{kind: Pod, volumes: [{items}]}}\n"
    (document,), faults, _ = reading(text, engine)
    assert not faults
    monkeypatch.setattr(_rocks, "_module", None)  # yamlrocks would go through the line for each of the 20,000 texts
    column = text.index("v9999,") + 1
    assert document.span(("volumes", 9999, "name")) == Span(1, column, 1, column + 5)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_long_line_without_nodes_is_no_trouble(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    (document,), _, _ = reading(f"a: {'x' * 2_000_000}\nb: 1\n", engine)
    if engine == "yamlrocks":
        monkeypatch.setattr(_ruamel, "compose", None)
    assert document.span(("b",)).line == 2
