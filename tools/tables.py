"""The knowledge tables as runs read them: rows that are checked, as JSON, which takes a tenth of the time of YAML."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
from ruamel.yaml import YAML

from k8s_stateful_lint import knowledge
from k8s_stateful_lint.knowledge import TABLES
from k8s_stateful_lint.knowledge._tables import convert, with_versions
from k8s_stateful_lint.knowledge.images import cells_of, entries_of

SOURCES = Path(knowledge.__file__).parent


def compiled(name: str) -> bytes:
    """A table of `TABLES`, or the images.

    Raises:
        TableError: a row has a field that is unknown, missing or of the wrong type.

    """
    written = YAML(typ="safe").load(SOURCES / f"{name}.yaml")
    if name == "images":
        entries_of(written["images"])
        mirrors = msgspec.json.encode(written["mirrors"])
        return b'{"mirrors": ' + mirrors + b', "images": ' + _lines(cells_of(written["images"]).values()) + b"}\n"
    for row in written:
        convert(name, row, TABLES[name].row_type)
    return _lines(map(with_versions, written)) + b"\n"


def _lines(rows: Iterable[Any]) -> bytes:
    return b"[\n" + b",\n".join(map(msgspec.json.encode, rows)) + b"\n]"
