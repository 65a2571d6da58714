"""One sequence of bytes for a JSON value, by RFC 8785, so that digests and signatures can name it.

The library for it writes every value by a call in Python, which was half of what a decision cost.
The encoder in C writes the same bytes for nearly everything that stands in a document; what it
writes otherwise is told apart here, and left to the library.
"""

from collections.abc import Mapping
from typing import Any, cast

import msgspec
import rfc8785

# Between these, both write a number with a fraction by the fewest digits and without an exponent.
_FLOAT_MIN, _FLOAT_MAX = 1e-4, 1e15
_INTEGER_MAX = 2**53 - 1
_encode = msgspec.json.Encoder(order="sorted").encode


class _UnusualError(Exception):
    """A value that the two encoders may write differently, or that has no canonical form."""


def canonical(value: Mapping[str, object]) -> bytes:
    """The value's one sequence of bytes.

    Args:
        value: Of text, numbers, booleans, None, lists and tuples, and objects of these.

    Raises:
        rfc8785.CanonicalizationError: If it is of anything else, or cannot be written in JSON.
        TypeError: If the name of a field is not text.

    References:
        RFC 8785 (JSON Canonicalization Scheme), clause 3.2.
    """
    try:
        return _encode(_usual(value))
    except (_UnusualError, UnicodeEncodeError):
        # The library's own type is a recursive union that no TypedDict fits.
        return rfc8785.dumps(cast("dict[str, Any]", value))


def _usual(value: object) -> object:
    """The same value, as the encoder is to see it."""
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return value
    if isinstance(value, dict):
        if not "".join(value).isascii():
            raise _UnusualError  # the order of other names is that of their UTF-16
        return {key: _usual(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_usual(item) for item in value]
    # Of kinds of text, such as a closed choice, only the text counts.
    return str.__str__(value) if isinstance(value, str) else _usual_number(value)


def _usual_number(value: object) -> int | float:
    if isinstance(value, float):
        if value.is_integer() and abs(value) < _FLOAT_MAX:
            return int(value)
        if _FLOAT_MIN <= abs(value) < _FLOAT_MAX:
            return float(value)
    elif isinstance(value, int) and abs(value) <= _INTEGER_MAX:
        return int(value)
    raise _UnusualError
