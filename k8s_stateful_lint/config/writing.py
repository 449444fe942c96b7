"""Values written as YAML for people: on one line, quoted only where it matters."""

from __future__ import annotations

import json
from typing import Any

from k8s_stateful_lint._patterns import regex

_PLAIN = regex(r"[A-Za-z./_][\w./@+-]*( [\w./@+-]+)*\Z")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n", "~", ".nan", ".inf"})


def flow(value: Any) -> str:
    """A value on one line: collections in brackets."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{flow(key)}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(flow(item) for item in value)}]"
    if isinstance(value, str) and _PLAIN.match(value) and value.lower() not in _WORDS:
        return value
    return json.dumps(value, ensure_ascii=False)
