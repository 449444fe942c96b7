"""What Kubernetes takes a scalar for.

Kubernetes reads YAML with sigs.k8s.io/yaml: goyaml.v2 first, then JSON. The rules here are those of goyaml.v2's
`resolve.go` (a dialect between YAML 1.1 and 1.2) and of the way through JSON, where `3.0` becomes the integer 3 and an
integer beyond 64 bits becomes a float. Everything was compared with `kubectl annotate --local`.
"""

import math
import re
import struct

from k8s_stateful_lint._patterns import regex

_WORDS: dict[str, object] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "off", "Off", "OFF", "false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_INTEGER = regex(
    r"[-+]?(?:0[xX](?P<hex>[0-9a-fA-F]+)|0[bB](?P<bin>[01]+)|0[oO]?(?P<oct>[0-7]+)|(?P<dec>0|[1-9][0-9]*))", re.ASCII
)
_BASES = {"hex": 16, "bin": 2, "oct": 8, "dec": 10}
_FLOAT = regex(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
# goyaml hands a scalar that begins with a dot to strconv.ParseFloat as it is: single underscores between digits only.
_DOT_FLOAT = regex(r"\.[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+(?:_[0-9]+)*)?", re.ASCII)
_NUMERIC_START = frozenset("+-0123456789")

LOWEST, HIGHEST = -(2**63), 2**63 - 1


def resolve(text: str) -> object:
    """The value of a plain scalar without a tag: str, int, float, bool or None, before `number` is applied."""
    if text in _WORDS:
        return _WORDS[text]
    start = text[0]
    if start == ".":
        return _finite(text.replace("_", ""), text) if _DOT_FLOAT.fullmatch(text) else text
    if start not in _NUMERIC_START:
        return text
    plain = text.replace("_", "")
    if match := _INTEGER.fullmatch(plain):
        base = str(match.lastgroup)
        value = int(match[base], _BASES[base]) if len(match[base]) <= 128 else 2**64
        if plain[0] == "-":
            value = -value
        # An unsigned 64 bit integer has no sign in front, not even a plus: goyaml takes "+1" followed by 19 more digits
        # for a float. The value is the same for us, as nothing beyond a signed 64 bit integer stays an integer.
        if LOWEST <= value <= 2**64 - 1:
            return value
    return _finite(plain, text) if _FLOAT.fullmatch(plain) else text


def _finite(digits: str, text: str) -> float | str:
    """The float that `digits` spell, or `text` when it is out of range: then Go's ParseFloat fails."""
    value = float(digits)
    return text if math.isinf(value) else value


def number(value: int | float) -> int | float:
    """`value` as it arrives behind JSON: whole floats are integers, integers beyond 64 bits are floats."""
    if isinstance(value, int):
        return value if LOWEST <= value <= HIGHEST else float(value)
    # Go writes floats from 1e21 on with an exponent, which no longer reads as an integer.
    if value.is_integer() and LOWEST <= value <= HIGHEST:
        return int(value)
    return value


def key(value: object) -> str:
    """The JSON key that a scalar key becomes (sigs.k8s.io/yaml, `convertToJSONableObject`).

    kubectl refuses a null key and one beyond a signed 64 bit integer; as that is no fault of the YAML, they are
    "null" and the digits here.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, float):
        return _float_key(value)
    return str(value)


def _float_key(value: float) -> str:
    """strconv.FormatFloat(value, 'g', -1, 32): the shortest decimal that names the same 32 bit float."""
    if math.isnan(value):
        return ".nan"
    try:
        single = struct.pack("<f", value)
    except OverflowError:
        return ".inf" if value > 0 else "-.inf"
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    (value,) = struct.unpack("<f", single)
    if value == 0:
        return "-0" if math.copysign(1, value) < 0 else "0"
    precision = next(p for p in range(9) if struct.pack("<f", float(f"{value:.{p}e}")) == single)
    mantissa, _, exponent = f"{value:.{precision}e}".partition("e")
    # For the shortest form Go decides as if the precision were 6.
    if -4 <= int(exponent) < 6:
        return f"{float(f'{value:.{precision}e}'):.{max(precision - int(exponent), 0)}f}"
    return f"{mantissa}e{exponent}"
