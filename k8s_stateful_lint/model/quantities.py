"""Quantities and percentages as apimachinery reads them (api/resource/quantity.go, util/intstr/intstr.go)."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from functools import lru_cache

from k8s_stateful_lint._patterns import regex

_CHARSET = regex(r"([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)\Z")
_NUMBER = regex(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)\Z")
_DIGITS = regex(r"[0-9]{1,18}")
_EXPONENT = regex(r"[eE][-+]?[0-9]+\Z")
_SUFFIXES = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "": Decimal(1),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "P": Decimal(10**15),
    "E": Decimal(10**18),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
    "Pi": Decimal(2**50),
    "Ei": Decimal(2**60),
}
_SIZE = regex(r"\s*(\d+(?:\.\d+)?)\s*([kKmMgGtTpPeE])[iI]?(?:[bB](?:ytes?)?)?\s*\Z")
_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_LARGEST = Decimal(2**63 - 1)
FORMAT_WRONG = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
SUFFIX_WRONG = "unable to parse quantity's suffix"


class QuantityError(ValueError):
    """The API server refuses the quantity; the text is the server's own."""


def likely_size(text: str) -> str | None:
    """The number of bytes that a text that is no quantity was probably meant to be: ``50Gi`` for ``50 GB``."""
    found = _SIZE.match(text)
    return f"{found[1]}{found[2].upper()}i" if found else None


@lru_cache(5_000, typed=True)
def parse_quantity(text: str | int | float) -> Decimal:
    """The value of a quantity in its base unit (bytes for storage).

    Raises:
        QuantityError: with the API server's message when the text is no quantity.

    """
    written = str(text)
    found = _CHARSET.match(written)
    if found is None or not _NUMBER.match(found.group(1)):
        raise QuantityError(FORMAT_WRONG)
    number, suffix = found.group(1), found.group(2)
    if suffix in _SUFFIXES:
        return _capped(Decimal(number)) * _SUFFIXES[suffix]
    if _EXPONENT.match(suffix):
        try:
            return _capped(Decimal(number + suffix))
        except InvalidOperation as error:  # an exponent beyond anything real
            raise QuantityError(SUFFIX_WRONG) from error
    raise QuantityError(SUFFIX_WRONG)


def _capped(value: Decimal) -> Decimal:
    """No more than the API server keeps: larger numbers are capped (pkg/api/resource/quantity.go)."""
    return min(max(value, -_LARGEST), _LARGEST)


def quantity_or_none(text: str | int | float | None) -> Decimal | None:
    """The value of a quantity, or None where it is absent or no quantity (other rules say so)."""
    if text is None:
        return None
    try:
        return parse_quantity(text)
    except QuantityError:
        return None


def in_binary_units(size: Decimal) -> str:
    """How resizers write a size in bytes: a whole number with the largest of Ki, Mi, Gi ... that leaves it one.

    Source: external-resizer, pkg/controller (``resource.NewQuantity(size, resource.BinarySI)``), and apimachinery
    api/resource/quantity.go (``CanonicalizeBytes``).
    """
    number, unit = int(size), 0
    while number >= 1024 and number % 1024 == 0 and unit < len(_BINARY) - 1:
        number, unit = number // 1024, unit + 1
    return f"{number}{_BINARY[unit]}"


def scaled(value: int | str | None, total: int, *, round_up: bool) -> int | None:
    """An absolute number or a percentage of ``total``, rounded as the API does; None if it is neither."""
    if isinstance(value, int):
        return value
    share = percentage(value)
    if share is None:
        return None
    return -(-share * total // 100) if round_up else share * total // 100


def percentage(value: int | str | None) -> int | None:
    """The number in front of a percent sign; None where there is none."""
    return whole_number(value[:-1]) if isinstance(value, str) and value.endswith("%") else None


def whole_number(text: str) -> int | None:
    """The number that plain digits spell; None for everything else, and for more of them than 64 bits can hold.

    ``str.isdigit`` is true of ``²``, and `int` refuses thousands of digits.
    """
    return int(text) if _DIGITS.fullmatch(text) else None
