"""Reads single fields of a message: a value, or None and a rejection that says why.

A fault is not lost for a bad position: what is wrong with one field is told beside the rest.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from math import isfinite

import msgspec

from gateway.model import Position, Reason, Rejection

REJECTIONS_MAX = 256
RAW_LENGTH_MAX = 256
NAME_LENGTH_MAX = 64
SIGNALS_MAX = 256

_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


def is_name(value: object, *, length_max: int = NAME_LENGTH_MAX) -> bool:
    """Whether this is a text of visible characters, short enough to be kept as a name."""
    return isinstance(value, str) and 0 < len(value) <= length_max and value.isprintable()


def as_evidence(value: object) -> bytes:
    """Write a part of a message as JSON again, cut to `RAW_LENGTH_MAX`."""
    try:
        return msgspec.json.encode(value)[:RAW_LENGTH_MAX]
    except (RecursionError, TypeError, ValueError):  # nested beyond reason
        return b""


class FieldReader:
    """Reads the fields of one message and gathers what is wrong with them.

    Attributes:
        rejections: In the order in which they were found, at most `REJECTIONS_MAX`.
    """

    def __init__(self) -> None:
        self.rejections: list[Rejection] = []

    def reject(self, reason: Reason, text: str, value: object, *, ecu: str | None = None) -> None:
        """Set a part aside; past `REJECTIONS_MAX` the last one says that there were more."""
        if len(self.rejections) < REJECTIONS_MAX - 1:
            raw = value[:RAW_LENGTH_MAX] if isinstance(value, bytes) else as_evidence(value)
            self.rejections.append(Rejection(reason=reason, text=text, raw=raw, ecu=ecu))
        elif len(self.rejections) < REJECTIONS_MAX:
            text = f"more than {REJECTIONS_MAX - 1} parts were set aside; the rest is not listed"
            self.rejections.append(Rejection(reason=Reason.LIMIT, text=text, raw=b""))

    def number(self, name: str, value: object, *, low: float, high: float) -> float | None:
        """Read a number within limits; both ends belong to them."""
        if value is None:
            return None
        if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
            return float(value)
        text = f"{name}: expected a number from {low:g} to {high:g}"
        self.reject(Reason.BAD_FIELD, text, value)
        return None

    def integer(self, name: str, value: object, *, low: int, high: int) -> int | None:
        """Read a whole number within limits."""
        if value is None:
            return None
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        self.reject(Reason.BAD_FIELD, f"{name}: expected a whole number in range", value)
        return None

    def boolean(self, name: str, value: object) -> bool:
        """Read a truth value; absent or unreadable is false."""
        if isinstance(value, bool):
            return value
        if value is not None:
            self.reject(Reason.BAD_FIELD, f"{name}: expected true or false", value)
        return False

    def time(self, name: str, value: object) -> datetime | None:
        """Read an RFC 3339 time with its offset, in UTC."""
        if value is None:
            return None
        if isinstance(value, str) and _RFC_3339.fullmatch(value):
            try:
                at = datetime.fromisoformat(value.upper())
                return at if at.tzinfo is UTC else at.astimezone(UTC)
            except (ValueError, OverflowError):  # a 30th of February, or beyond year 1 or 9999
                pass
        text = f"{name}: expected a time like 2026-01-31T12:00:00Z"
        self.reject(Reason.BAD_FIELD, text, value)
        return None

    def position(self, name: str, value: object) -> Position | None:
        """Read longitude and latitude in degrees; the text of a rejection never tells them."""
        if value is None:
            return None
        match value:
            case [int() | float() as lon, int() | float() as lat] if not (
                isinstance(lon, bool) or isinstance(lat, bool)
            ):
                if lon == 0 == lat:
                    text = f"{name}: 0, 0 is what receivers send without a fix"
                    self.reject(Reason.BAD_FIELD, text, value)
                    return None
                if -180 <= lon <= 180 and -90 <= lat <= 90:
                    return Position(float(lon), float(lat))
        text = f"{name}: expected [longitude, latitude] in degrees"
        self.reject(Reason.BAD_FIELD, text, value)
        return None

    def signals(self, name: str, value: object) -> dict[str, float]:
        """Read measured values by name; those that are no numbers are set aside one by one."""
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            self.reject(Reason.BAD_FIELD, f"{name}: expected an object of numbers", value)
            return {}
        found: dict[str, float] = {}
        for key, one in value.items():
            if len(found) == SIGNALS_MAX:
                text = f"{name}: more than {SIGNALS_MAX}; the rest was not read"
                self.reject(Reason.LIMIT, text, None)
                break
            number = self._finite(one)
            if number is None or not is_name(key):
                text = f"{name}: expected a name and a number"
                self.reject(Reason.BAD_FIELD, text, {"name": key, "value": one})
            else:
                found[key] = number
        return found

    @staticmethod
    def _finite(value: object) -> float | None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        try:
            number = float(value)
        except OverflowError:  # a whole number beyond all floats
            return None
        return number if isfinite(number) else None
