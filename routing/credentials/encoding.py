"""Base64url and JSON as signatures need them: one reading, or none.

Two readers who take one text for two values can be played against each other; so alphabets, ends
and repeated names are checked where the usual readers let them pass.
"""

import base64
import json
import re

_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")

type Json = bool | int | float | str | list["Json"] | dict[str, "Json"] | None


def from_base64url(text: str) -> bytes:
    """Bytes of base64url without padding (RFC 7515, 2).

    Raises:
        ValueError: If it is not in the alphabet, or not the only text for its bytes.
    """
    if not _BASE64URL.fullmatch(text):
        raise ValueError("expected base64url without padding")
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if base64.urlsafe_b64encode(data).rstrip(b"=").decode() != text:
        raise ValueError("expected base64url in its one form")
    return data


def parse_object(data: bytes) -> dict[str, Json]:
    """A JSON object in which no name stands twice.

    Raises:
        ValueError: If it is anything else, or nested too deep to be read.
    """
    try:
        value = json.loads(data, object_pairs_hook=_object, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("expected less nesting") from None
    if not isinstance(value, dict):
        raise ValueError(f"expected a JSON object, got {type(value).__name__}")  # noqa: TRY004 - bad data, not a wrong call
    return value


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in an object")
    return found


def _no_constant(name: str) -> Json:
    raise ValueError(f"expected JSON, got {name}")
