"""Values: what Kubernetes would read. The same table is checked against kubectl where that is installed."""

from pathlib import Path

import pytest

from k8s_stateful_lint.reading import Engine
from tools.kubectl_reading import kubectl

from .helpers import ENGINES, exact, needs_kubectl, needs_rocks, reading, rocks

PROBES: tuple[tuple[str, object], ...] = (
    ("0644", 420),
    ("+0644", 420),
    ("0o17", 15),
    ("0O17", 15),
    ("-0o17", -15),
    ("0x1F", 31),
    ("0x1_F", 31),
    ("0xFFFFFFFFFFFFFFFFFF", "0xFFFFFFFFFFFFFFFFFF"),
    ("0x", "0x"),
    ("0x1p-2", "0x1p-2"),
    ("0b101", 5),
    ("-0b11", -3),
    ("0B11", 3),
    ("09", 9),
    ("0_7", 7),
    ("0_", 0),
    ("1_000", 1000),
    ("1_", 1),
    ("-_1", -1),
    ("_1", "_1"),
    ("+12", 12),
    ("-0", 0),
    ("1:30", "1:30"),
    ("190:20:30.15", "190:20:30.15"),
    ("2001-01-01", "2001-01-01"),
    ("2001-12-14t21:59:43.10-05:00", "2001-12-14t21:59:43.10-05:00"),
    ("yes", True),
    ("Y", True),
    ("On", True),
    ("off", False),
    ("n", False),
    ("nO", "nO"),
    ("yES", "yES"),
    ("~", None),
    ("Null", None),
    ("", None),
    ("1e3", 1000),
    ("12e03", 12000),
    ("1e400", "1e400"),
    ("1e21", 1e21),
    ("1e-7", 1e-7),
    ("3.0", 3),
    ("1.", 1),
    (".5", 0.5),
    ("+.5", 0.5),
    ("-.5", -0.5),
    (".5_0", 0.5),
    ("._5", "._5"),
    ("0.1_5", 0.15),
    (".e1", ".e1"),
    ("-0.0", 0),
    ("685_230.15", 685230.15),
    ("123456789012345678901.0", 123456789012345678901.0),
    ("123456789012345678901234567890", 1.2345678901234568e29),
    ("9223372036854775807", 9223372036854775807),
    ("9223372036854775808", 9223372036854775808.0),
    ("18446744073709551615", 18446744073709551615.0),
    ("=", "="),
    ("'09'", "09"),
    ('"yes"', "yes"),
    ("!!str 12", "12"),
    ("!!str", ""),
    ("!!int '3'", 3),
    ("!!float 3", 3),
    ("!!float 0o17", 15),
    ("!!bool 'yes'", True),
    ("!!null ''", None),
    ("!!timestamp '2001-01-01'", "2001-01-01"),
    ("!!binary aGVsbG8=", "hello"),
    ("!!binary /w==", "\ufffd"),
    ("!!set {a, b}", {"a": None, "b": None}),
    ("!!str [x]", ["x"]),
    ("!foo 12", "12"),
    ("! 12", "12"),
    ("!<tag:yaml.org,2002:str> 1", "1"),
    ("[a:b, c ]", ["a:b", "c"]),
    ('{a:1, "b":2}', {"a:1": None, "b": 2}),
    ("[a, {b}, c: d]", ["a", {"b": None}, {"c": "d"}]),
    ("[b,\nc]", ["b", "c"]),
    ("'a\n  b\n\n  c'", "a b\nc"),
    ('"x\\ty\\x41\\u00e9"', "x\tyA\u00e9"),
    ("a\tb\t", "a\tb"),
    ("\tx", "x"),
    ("a#b", "a#b"),
    ("a #b", "a"),
    ('"x"#c', "x"),
    ("|\n  a\n\n  b\n", "a\n\nb\n"),
    ("|-\n  a\n", "a"),
    ("|+\n  a\n\n", "a\n\n"),
    ("|2\n   a\n", " a\n"),
    ("|\n \n    a\n", "\na\n"),
    (">\n  a\n  b\n\n  c\n   d\n", "a b\nc\n d\n"),
    ("|\n  a", "a\n"),
    ("|+\n  a", "a\n"),
    ("{1: a}", {"1": "a"}),
    ("{true: a, n: b}", {"true": "a", "false": "b"}),
    ("{1.50: a, 0x10: b, .inf: c, 3.0: d}", {"1.5": "a", "16": "b", ".inf": "c", "3": "d"}),
    ("{1000000.0: a, 1234567.5: b, 0.00001: c}", {"1e+06": "a", "1.2345675e+06": "b", "1e-05": "c"}),
    ("{2001-01-01: a, !!str 1: b}", {"2001-01-01": "a", "1": "b"}),
    ("{? a : b}", {"a": "b"}),
    ("{<<: {a: 2}, a: 1}", {"a": 1}),
    ("{a: 1, <<: {a: 2}}", {"a": 2}),
    ("{<<: [{a: 1}, {a: 2, b: 3}]}", {"a": 1, "b": 3}),
    ("{<<: {b: 2, a: 3}, <<: {a: 1}}", {"a": 1, "b": 2}),
    ('{"<<": {b: 2}}', {"<<": {"b": 2}}),
    ("[&a x, *a, &b {c: 1}, *b]", ["x", "x", {"c": 1}, {"c": 1}]),
    ("\n- &a\n  x: 1\n- <<: *a\n  z: 2\n- x: 3\n  <<: *a\n", [{"x": 1}, {"x": 1, "z": 2}, {"x": 1}]),
)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("text", "expected"), PROBES, ids=[text for text, _ in PROBES])
def test_scalars_are_read_as_kubernetes_reads_them(text: str, expected: object, engine: Engine) -> None:
    documents, faults, notices = reading(f"spec: {text}", engine)
    assert not faults
    assert not notices
    assert [exact(document.value) for document in documents] == [exact({"spec": expected})]


@needs_kubectl
def test_kubectl_reads_all_of_it_the_same(tmp_path: Path) -> None:
    head = "apiVersion: example.com/v1\nkind: Probe\nmetadata: {name: p%d}\nspec: "
    # The line break at the end of the file is the matter of two probes; here another document follows.
    texts = [text for text, _ in PROBES if not text.endswith("  a")]
    path = tmp_path / "probes.yaml"
    path.write_text("".join(f"---\n{head % index}{text}\n" for index, text in enumerate(texts)))
    theirs, complaints = kubectl(path)
    assert not complaints
    documents, faults, _ = reading(path.read_bytes())
    assert not faults
    ours = [document.value for document in documents]
    for text, our, their in zip(texts, ours, theirs, strict=True):
        assert isinstance(our, dict)
        assert isinstance(their, dict)
        # kubectl leaves a null out when it has none to keep.
        assert our["spec"] == their.get("spec"), text


@needs_kubectl
@pytest.mark.parametrize(
    "text",
    [
        "{? [1, 2] : 3}",
        "!!int abc",
        "!!float yes",
        "!!binary '*'",
        "{<<: 1}",
        "&a [*a]",
        "*unknown",
        "[1",
        "'x",
        '"\\q"',
        "a: b",
        "@x",
        "`x`",
        "%x",
        "'x\x0cy'",
        '"\\ud83d"',
    ],
)
def test_what_kubectl_refuses_is_a_fault(text: str, tmp_path: Path) -> None:
    path = tmp_path / "probe.yaml"
    path.write_text(f"apiVersion: v1\nkind: Probe\nmetadata: {{name: p}}\nspec: {text}\n")
    theirs, complaints = kubectl(path)
    assert not theirs
    assert complaints
    for engine in ENGINES:
        documents, faults, notices = reading(path.read_bytes(), engine)
        assert not documents
        assert len(faults) == 1
        assert not notices


def test_aliases_share_their_value() -> None:
    value = reading("a: &x {b: 1}\nc: *x\n").documents[0].value
    assert isinstance(value, dict)
    assert value == {"a": {"b": 1}, "c": {"b": 1}}


@needs_rocks
def test_what_is_equal_in_many_documents_takes_the_space_of_one() -> None:
    text = "kind: Service\nmetadata: {name: db, labels: {app: shop}}\nspec: {type: ClusterIP, args: [--verbose]}\n"
    documents = reading("---\n".join([text] * 1_000), "yamlrocks").documents
    values = [dict(document.value) for document in documents[10:] if isinstance(document.value, dict)]
    assert len(values) == 990
    assert len({id(value["kind"]) for value in values}) == 1
    assert len({id(value["metadata"]["labels"]) for value in values}) == 1
    assert len({id(value["spec"]["args"][0]) for value in values}) == 1


@needs_rocks
def test_what_is_shared_differs_in_nothing() -> None:
    apart = ["true", "'true'", "1", "'1'", "1.5", "'1.5'", "null", "'null'", "012", "'012'", "9", "'09'", "x", "'x'"]
    text = "\n".join(f"- {{a: {left}, b: {right}}}\n- {{b: {left}, a: {right}}}" for left in apart for right in apart)
    for _ in range(3):
        assert exact(reading(text, "yamlrocks").documents[0].value) == exact(reading(text, "ruamel").documents[0].value)


@needs_rocks
def test_no_more_is_kept_for_sharing_than_is_of_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rocks, "_MOST_KNOWN", 10)
    monkeypatch.setattr(rocks, "_known_texts", {})
    monkeypatch.setattr(rocks, "_known_leaves", {})
    text = "".join(f"- {{a: name-{number // 4}}}\n- name-{number // 4}\n---\n" for number in range(300))
    documents = reading(text, "yamlrocks").documents
    assert [document.value for document in documents] == [
        [{"a": f"name-{number // 4}"}, f"name-{number // 4}"] for number in range(300)
    ]
    assert 0 < len(rocks._known_texts) <= 10
    assert 0 < len(rocks._known_leaves) <= 10


@pytest.mark.parametrize("engine", ENGINES)
def test_merged_values(engine: Engine) -> None:
    text = "base: &base\n  a: 1\n  b: 2\nfirst:\n  <<: *base\n  a: 3\nlast:\n  a: 3\n  <<: *base\n"
    (document,), faults, _ = reading(text, engine)
    assert not faults
    assert document.value == {"base": {"a": 1, "b": 2}, "first": {"a": 3, "b": 2}, "last": {"a": 1, "b": 2}}
