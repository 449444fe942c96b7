"""Scalars that some other tool fills in later: their value is unknown, not wrong."""

from __future__ import annotations

import re

from k8s_stateful_lint._patterns import regex

_PLACEHOLDER = regex(
    r"""
    <[A-Za-z_][\w .,/:-]*>            # <Size>, <your password>
    | @[A-Za-z_][\w.-]*@              # @NAME@
    | \{\{.*?\}\}                     # {{ .Values.x }}
    | \$\{[^}]*\}                     # ${VAR}, ${VAR:-default}
    | \$\([A-Za-z_][\w.-]*\)          # $(VAR)
    | \$[A-Z][A-Z0-9_]+              # $VAR, as envsubst reads it
    | \[\[.*?\]\]                     # [[ name ]]
    | %[A-Z][A-Z0-9_]*%               # %NAME%
    """,
    re.VERBOSE | re.DOTALL,
)
_CAPITALS = regex(r"[A-Z][A-Z_]*[A-Z]\Z")


def is_placeholder(text: object) -> bool:
    """Whether a scalar holds a placeholder of a templating tool (``${VAR}``, ``<Size>``, ``@NAME@``, ``{{ x }}``)."""
    return isinstance(text, str) and _PLACEHOLDER.search(text) is not None


def is_quantity_placeholder(text: object) -> bool:
    """Whether a quantity is a placeholder: also a name in capitals such as ``FILESTORE_CAPACITY``."""
    return is_placeholder(text) or (isinstance(text, str) and _CAPITALS.match(text) is not None)


def find_placeholder(text: str) -> str | None:
    """The first placeholder in a text, or None."""
    found = _PLACEHOLDER.search(text)
    return found.group(0) if found else None
