"""Documents that are read up to the fields nobody asks for say the same as whole ones, but for those fields."""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from k8s_stateful_lint.reading import Engine, Reading, SourceFile, Unread, read

from .helpers import ENGINES, exact

pytestmark = pytest.mark.parametrize("engine", ENGINES)

UNREAD = Unread("kind", "Wide", frozenset({"spec", "status"}), unless=((b"#", re.compile(rb"#[^\n]*directive")),))
HEAD = "apiVersion: v1\nkind: Wide\nmetadata:\n  name: a\n"


def both(text: str | bytes, engine: Engine) -> tuple[Reading, Reading]:
    file = SourceFile("test.yaml", text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text)
    return read(file, engine=engine, unread=UNREAD), read(file, engine=engine)


def without_unread(value: Any) -> object:
    if isinstance(value, dict) and value.get("kind") == UNREAD.value:
        value = {key: each for key, each in value.items() if key not in UNREAD.fields}
    return exact(value)


def is_cut(text: str | bytes, engine: Engine) -> bool:
    short, _ = both(text, engine)
    return any(isinstance(document.value, dict) and "spec" not in document.value for document in short.documents)


@pytest.mark.parametrize(
    "text",
    [
        HEAD + "spec:\n  a: 1\n",
        HEAD + "spec:\n  a: 1\nstatus:\n  b: {}\n",
        HEAD + "status: {}\nspec:\n  a: 1\n",
        HEAD + "# why\n\nspec:\n  # which\n  a: |\n    kind: Other\n\n  b: 'kind: Other'\n",
        "---\n" + HEAD + "spec:\n  a: é\n---\n" + HEAD + "spec: {a: 1}\n",
        (HEAD + "spec:\n  a: 1\n").replace("\n", "\r\n"),
        HEAD.replace("kind: Wide\n", "") + "kind: Wide\nspec: 1",
        HEAD + "spec:\n  a: *nowhere\n",
        HEAD + "spec:\n  a: 1\n  a: 2\n",
    ],
)
def test_reading_stops_in_front_of_what_nobody_asks_for(text: str, engine: Engine) -> None:
    short, whole = both(text, engine)
    assert is_cut(text, engine)
    assert not short.faults
    assert short.notices == whole.notices
    if len(short.documents) == len(whole.documents):
        assert [without_unread(each.value) for each in short.documents] == [
            without_unread(each.value) for each in whole.documents
        ]
    for document, other in zip(short.documents, whole.documents, strict=False):
        assert document.span(("metadata", "name")) == other.span(("metadata", "name"))


@pytest.mark.parametrize(
    "text",
    [
        HEAD + "spec:\n  a: 1\nkind: Other\n",
        HEAD + 'spec:\n  a: "\nkind: Other\n  "\n',
        HEAD + "spec:\n  a: 1\nspec:\n  a: 2\n",
        HEAD + "spec:\n  a: 1\nmetadata:\n  name: b\n",
        HEAD + 'spec:\n  a: 1\n"kind": Other\n',
        HEAD + "spec:\n  a: 1\n? kind\n: Other\n",
        HEAD + "spec:\n- a\n",
        HEAD + "spec:\n  a: 1\r  b: 2\rkind: Other\r",
        HEAD + "spec:\n  a: 1\u2028kind: Other\n",
        HEAD + "spec:\n  a: {{ .Values.a }}\n",
        HEAD + "spec:\n  a: 1  # a directive\n",
        'metadata: "\nkind: Wide\nspec:\n  "\nkind: Other\n',
        'metadata: {name: "\nkind: Wide\nspec:\n  a: 1\nstatus: "}\n',
        "{metadata: {name: a},\nkind: Wide\n}\nspec: 1\n",
        "- kind: Wide\nkind: Wide\nspec: 1\n",
        "metadata:\n  name: a\n  name: b\nkind: Wide\nspec: 1\n",
        "kind: Wide\nspec: 1\n",  # nothing in front of the kind: no line begins it
        "apiVersion: v1\nkind: Wide\n  Open\nspec: 1\n",
        HEAD.encode() + b"spec:\n  a: \xff\n",
        (HEAD + "spec: {a: 1}\n").replace("kind: Wide", 'kind: "Wide"'),
        (HEAD + "spec: {a: 1}\n").replace("metadata:", "labels: &x {}\nmetadata:\n  <<: *x"),
    ],
)
def test_reading_goes_on_where_it_is_not_certain(text: str | bytes, engine: Engine) -> None:
    short, whole = both(text, engine)
    assert [without_unread(each.value) for each in short.documents] == [
        without_unread(each.value) for each in whole.documents
    ]
    assert (short.faults, short.notices) == (whole.faults, whole.notices)


LINES = [
    *("apiVersion: v1", "kind: Wide", "kind: Other", "metadata:", "  name: a", "spec:", "status:", "spec: {}", "---"),
    *("  a: 1", '  a: "', '"', "'", "  b: '", "# directive", "  # c", "", " ", "\t", "- a", "  - b", "...", "? a"),
    *(
        "  c: |",
        "  d: >-",
        "    text",
        "{",
        "}",
        "  e: {",
        "  }",
        "{{ .x }}",
        "é",
        "\u2028",
        "\r",
        "  f: *x",
        "  g: &x 1",
    ),
    *("kind: Wide # c", "kind:  Wide", "items:", "%YAML 1.1", "  name: a\r", "kind: Wide\r", "spec:\r", "\ufeff"),
]
WHOLE = st.sampled_from(["apiVersion: v1", "kind: Wide", "metadata:\n  name: a", "spec:\n  a: 1", "status: {}"])
LIKELY = st.lists(WHOLE | st.sampled_from(LINES), max_size=9)


@settings(max_examples=1500)
@given(lines=LIKELY)
def test_what_is_asked_for_reads_the_same_as_in_the_whole_document(lines: list[str], engine: Engine) -> None:
    short, whole = both("\n".join(lines), engine)
    if not whole.faults:
        assert short.notices == whole.notices
        assert short.faults == ()
        assert [without_unread(each.value) for each in short.documents] == [
            without_unread(each.value) for each in whole.documents
        ]
    else:
        # What is broken behind a cut is no fault; every other fault is told either way.
        assert set(short.faults) <= set(whole.faults)
        kept = [without_unread(each.value) for each in short.documents]
        assert all(without_unread(each.value) in kept for each in whole.documents)
