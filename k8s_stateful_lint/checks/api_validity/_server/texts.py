"""Texts that the server takes as names, labels and keys. Each function says what is wrong with one, or None.

Manifests repeat their names many times, so an answer is remembered.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TypeGuard

from k8s_stateful_lint._patterns import regex
from k8s_stateful_lint.model.placeholders import is_quantity_placeholder

_LABEL = regex(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = regex(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_NAME_PART = regex(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_CONFIG_KEY = regex(r"[-._a-zA-Z0-9]+")
_PORT_NAME = regex(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_LABEL_WORDS = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character"
)
_SUBDOMAIN_WORDS = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character"
)
_LABEL_VALUE_WORDS = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character"
)
_NAME_PART_WORDS = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character"
)
_REMEMBERED = 5_000
# disk-HOSTNAME, %s, {organisation}: what scripts and programs replace, and no name may hold.
_REPLACED = regex(r"(?:^|[-._/])[A-Z][A-Z_]{2,}[A-Z](?:[-._/]|$)|%[sdv]|\{[^{}]+\}")


def is_meant(value: object) -> TypeGuard[str]:
    """Whether a value is a text that is meant as it stands. Words in capitals are what scripts replace."""
    return isinstance(value, str) and not is_quantity_placeholder(value) and _REPLACED.search(value) is None


def longer_than(text: str, limit: int) -> str | None:
    """A text of any kind."""
    return f"must be no more than {limit} characters" if len(text) > limit else None


@lru_cache(_REMEMBERED)
def dns_label(text: str) -> str | None:
    """A DNS label, such as the name of a container."""
    return longer_than(text, 63) or (None if _LABEL.fullmatch(text) else _LABEL_WORDS)


@lru_cache(_REMEMBERED)
def dns_subdomain(text: str) -> str | None:
    """A DNS subdomain, such as the name of most objects."""
    return longer_than(text, 253) or (None if _SUBDOMAIN.fullmatch(text) else _SUBDOMAIN_WORDS)


@lru_cache(_REMEMBERED)
def label_value(text: str) -> str | None:
    """The value of a label."""
    if not text:
        return None
    return longer_than(text, 63) or (None if _NAME_PART.fullmatch(text) else _LABEL_VALUE_WORDS)


@lru_cache(_REMEMBERED)
def qualified_name(text: str) -> str | None:
    """The key of a label or an annotation: ``app.kubernetes.io/name``."""
    prefix, slash, name = text.rpartition("/")
    if slash and not prefix:
        return "prefix part must be non-empty"
    if slash and (words := dns_subdomain(prefix)):
        return f"prefix part {words}"
    if not name:
        return "name part must be non-empty"
    return longer_than(name, 63) or (None if _NAME_PART.fullmatch(name) else _NAME_PART_WORDS)


def config_key(text: str) -> str | None:
    """A key of a ConfigMap."""
    wrong = not _CONFIG_KEY.fullmatch(text) or text in (".", "..")
    words = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
    return longer_than(text, 253) or (words if wrong else None)


def driver_name(text: str) -> str | None:
    """The name of a CSI driver."""
    return longer_than(text, 63) or dns_subdomain(text)


def port_name(text: str) -> str | None:
    """The name of a container's port."""
    if too_long := longer_than(text, 15):
        return too_long
    if not _PORT_NAME.fullmatch(text) or "--" in text:
        return "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"
    return None if re.search("[a-z]", text) else "must contain at least one letter (a-z)"
