"""Input that is broken, hostile or no YAML at all."""

import pytest

from k8s_stateful_lint.reading import Engine, _ruamel

from .helpers import ENGINES, reading

pytestmark = pytest.mark.parametrize("engine", ENGINES)


def test_a_duplicate_key_is_a_fault_and_the_last_value_counts(engine: Engine) -> None:
    documents, faults, _ = reading("x: 0\na:\n  b: 1\n  c: 2\n  b: 3\n---\nd: 1\n", engine)
    assert [document.value for document in documents] == [{"x": 0, "a": {"b": 3, "c": 2}}, {"d": 1}]
    (fault,) = faults
    assert (fault.line, fault.column) == (5, 3)
    assert fault.message == "key 'b' is set on line 3 and again on line 5"
    assert fault.expected == "keep one of the two"


def test_two_objects_in_one_document_are_one_fault(engine: Engine) -> None:
    text = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a, name: b}\napiVersion: v1\nkind: Service\nmetadata: {name: c}\n"
    )
    _, faults, _ = reading(text, engine)
    assert [(fault.line, fault.message) for fault in faults] == [
        (3, "key 'name' is set on line 3 and again on line 3"),
        (4, "a second object begins on line 4 in the same document, and its keys take the place of the first's"),
    ]
    assert faults[1].expected == "separate the two with a line of three dashes (---)"


def test_a_duplicate_key_in_json(engine: Engine) -> None:
    (document,), (fault,), _ = reading('{"{a}": 1,\n "{a}": 2}', engine)
    assert document.value == {"{a}": 2}
    assert fault.message == "key '{a}' is set on line 1 and again on line 2"


def test_keys_that_only_look_alike_are_no_duplicates(engine: Engine) -> None:
    (document,), faults, _ = reading("1: a\ntrue: b\n'1': c\n", engine)
    assert document.value == {"1": "c", "true": "b"}
    assert not faults


def test_a_broken_document_does_not_take_the_others_with_it(engine: Engine) -> None:
    text = "a: 1\n---\nb: [1\n---\nc: |\n  x\n  ---\n  y\nd: 1\n"
    documents, (fault,), _ = reading(text, engine)
    assert [document.value for document in documents] == [{"a": 1}, {"c": "x\n---\ny\n", "d": 1}]
    assert [document.index for document in documents] == [0, 1]
    assert documents[1].span(("d",)).line == 9
    assert 3 <= fault.line <= 4


def test_anchors_do_not_cross_documents(engine: Engine) -> None:
    documents, (fault,), _ = reading("a: &x 1\n---\nb: *x\n", engine)
    assert len(documents) == 1
    assert (fault.line, fault.column) == (3, 4)
    assert "alias" in fault.message


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("a:\n\tb: 1\n", 2, 1, "tab"),
        ("a: b: c\n", 1, 5, "':'"),
        ("a: [1, 2\nb: 3\n", 2, 2, "bracket of line 3"),
        ("a: 'x\n", 1, 4, "quote"),
        ("a: @x\n", 1, 4, "'@'"),
        ('a: "\\q"\n', 1, 6, "escape"),
        ("a:\n  b: 1\n c: 2\n", 3, 2, "indentation"),
        ("a: *b\n", 1, 4, "anchor"),
        ("a: 1\nb\n", 2, 1, "key"),
        ("a: 1\nx\x0cy: 2\n", 2, 2, "U+000C"),
        ("{a: 1}}\n", 1, 7, "begin"),
        ("? {a: b}\n: c\n", 1, 3, "key belongs"),
        ("a: 'x\nb: 2\nc: 3\n", 1, 4, "quote"),
        ("a: 1\n<<<<<<< HEAD\nb: 1\n=======\nb: 2\n>>>>>>> other\n", 2, 1, "merge conflict"),
        ("a:\n  b:1\n  c: 2\n", 3, 4, "blank behind its ':'"),
    ],
)
def test_a_fault_is_at_its_place_and_in_plain_words(
    text: str, line: int, column: int, words: str, engine: Engine
) -> None:
    documents, (fault,), notices = reading("first: 1\n---\n" + text, engine)
    assert len(documents) == 1
    assert not notices
    assert fault.line == line + 2
    assert abs(fault.column - column) <= 1
    assert words in fault.message + fault.expected
    assert fault.expected
    for jargon in ("<", "token", "scalar", "ruamel", "yamlrocks", "node"):
        assert jargon not in fault.message + fault.expected


@pytest.mark.parametrize(
    "text",
    [
        "a: {{ .Values.x }}\n",
        "{{- if .Values.x }}\na: 1\n{{- end }}\n",
        '{{ include "x" . }}\n',
        "{{/* a comment */}}\na: 1\n{{ range .x }}\nb: 1\n{{ end }}\n",
        "a: 1\nmetadata:\n  {{- toYaml .x | nindent 2 }}\n",
        "a: {{ x }}\n---\nb: [\n",
    ],
)
def test_a_template_is_one_notice_and_no_fault(text: str, engine: Engine) -> None:
    documents, faults, notices = reading(text, engine)
    assert not documents
    assert not faults
    assert [notice.kind for notice in notices] == ["helm-template"]
    assert "render it first" in notices[0].message


def test_of_a_template_the_documents_without_markers_remain(engine: Engine) -> None:
    documents, faults, notices = reading("a: 1\n---\nb: {{ .x }}\n---\nc: '{{ .y }}'\n---\nd: 1\n", engine)
    assert [document.value for document in documents] == [{"a": 1}, {"d": 1}]
    assert [document.index for document in documents] == [0, 1]
    assert not faults
    assert [(notice.kind, notice.line) for notice in notices] == [("helm-template", 3)]


def test_markers_inside_of_text_are_no_template(engine: Engine) -> None:
    text = "a: '{{ .x }}'\nb: |\n  {{- if y }}\nc: x-{{ workflow.name }}\n# {{ z }}\n"
    (document,), faults, notices = reading(text, engine)
    assert document.value == {"a": "{{ .x }}", "b": "{{- if y }}\n", "c": "x-{{ workflow.name }}"}
    assert not faults
    assert not notices


@pytest.mark.parametrize(
    "data", [b"\x00", b"a: \x00b\n", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "a: 1".encode("utf-16-le")]
)
def test_binary_files_are_a_notice(data: bytes, engine: Engine) -> None:
    documents, faults, notices = reading(data, engine)
    assert not documents
    assert not faults
    assert [notice.kind for notice in notices] == ["binary-file"]


def test_bytes_that_are_no_utf8_are_a_fault_with_a_line(engine: Engine) -> None:
    documents, (fault,), _ = reading("a: 1\n---\nb: ü\nc: ".encode() + b"\xe9\n---\nd: 1\n", engine)
    assert [document.value for document in documents] == [{"a": 1}, {"d": 1}]
    assert (fault.line, fault.column) == (4, 4)
    assert "0xE9" in fault.message


def test_broken_utf16(engine: Engine) -> None:
    documents, (fault,), _ = reading("a: 1".encode("utf-16") + b"\x01", engine)
    assert not documents
    assert "UTF-16" in fault.message


@pytest.mark.parametrize(
    "text", ["", "\n\n", "# only\n", "---\n", "---\n# x\n---\n...\n", "~\n", "%YAML 1.1\n---\n", " \t \n"]
)
def test_files_without_a_document(text: str, engine: Engine) -> None:
    documents, faults, notices = reading(text, engine)
    assert not documents
    assert not faults
    assert [notice.kind for notice in notices] == ["empty-file"]


def test_empty_documents_are_skipped_and_documents_end_at_three_dots(engine: Engine) -> None:
    text = "---\n---\na: 1\n...\n# x\n---\n\n---\nb: 2\n...\nc: 3\n...\n"
    documents, faults, _ = reading(text, engine)
    assert [document.value for document in documents] == [{"a": 1}, {"b": 2}, {"c": 3}]
    assert [document.line for document in documents] == [3, 9, 11]
    assert not faults


def test_directives(engine: Engine) -> None:
    text = "# x\n%YAML 1.1\n%TAG !e! tag:example.com,2000:\n---\na: !e!x yes\nb: yes\n"
    (document,), faults, _ = reading(text, engine)
    assert document.value == {"a": "yes", "b": True}
    assert document.span(("b",))[:2] == (6, 4)
    assert not faults


def test_json_with_tabs_and_several_documents(engine: Engine) -> None:
    documents, faults, _ = reading('{\n\t"a":\t[1.0,\n\t2]}\n{"b": 1e2}{"c": "\\ud83d"}', engine)
    assert [document.value for document in documents] == [{"a": [1, 2]}, {"b": 100}, {"c": "\ufffd"}]
    assert not faults


def test_tabs_where_yaml_allows_them(engine: Engine) -> None:
    (document,), faults, _ = reading("a:\t1\nb: x\ty\t# z\nc: [1,\t2]\nd: |\n  \tx\n", engine)
    assert document.value == {"a": 1, "b": "x\ty", "c": [1, 2], "d": "\tx\n"}
    assert not faults


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join(['*' + below] * 9)}]\n" for below, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        "[" * 5000,
        "[" * 5000 + "]" * 5000,
        '{"a":' * 5000 + "1" + "}" * 5000,
        "- " * 5000 + "x",
        "".join(" " * depth + "a:\n" for depth in range(2000)),
        "a: &a [*a]\n",
        "a: &a\n  <<: *a\n",
    ],
    ids=["bomb", "open", "flow", "json", "dashes", "block", "self", "self-merge"],
)
def test_hostile_documents_are_a_fault(text: str, engine: Engine) -> None:
    documents, faults, notices = reading(text + "\n---\nb: 1\n", engine)
    assert [document.value for document in documents] == [{"b": 1}]
    assert len(faults) == 1
    assert not notices


def test_depth_that_is_still_fine(engine: Engine) -> None:
    (document,), faults, _ = reading("[" * 150 + "]" * 150, engine)
    assert not faults
    assert document.span((0,) * 149).column == 150


@pytest.mark.parametrize("unit", ["k: v\n", "---\na: 09\n", "---\na: [\n", "k%d: {a:\tb}\n", "k%d: [a:1\n"])
def test_the_slow_parser_does_not_read_much(unit: str, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """How long a file takes follows from how many characters the parser in pure Python gets to see."""
    seen = {True: 0, False: 0}
    parse = _ruamel._parse

    def count(text: str, *, pure: bool) -> object:
        seen[pure] += len(text)
        return parse(text, pure=pure)

    monkeypatch.setattr(_ruamel, "_parse", count)
    text = "".join(unit % index if "%d" in unit else unit for index in range(210_000 // len(unit)))
    documents, faults, _ = reading(text, engine)
    assert documents or faults
    assert seen[True] <= (60_000 if engine == "yamlrocks" else 200_000)
