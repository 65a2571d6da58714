"""Cursors: places in lists, as text that callers hand back and need not understand."""

import base64
import binascii
import json
from datetime import UTC, datetime
from uuid import UUID

from api.errors import BadCursorError
from storage.views import Place

LENGTH_MAX = 200


def encode_cursor(place: Place) -> str:
    """Write a place as URL-safe text."""
    text = json.dumps([place.at.isoformat(), place.key.hex], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> Place:
    """Read what `encode_cursor` wrote.

    Raises:
        BadCursorError: For every other text.
    """
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        at, key = json.loads(text)
        place = Place(datetime.fromisoformat(at), UUID(hex=key))
    except (ValueError, TypeError, AttributeError, binascii.Error, RecursionError) as error:
        raise BadCursorError("this cursor was not given out by a list of ours") from error
    if place.at.tzinfo is not UTC or encode_cursor(place) != cursor:
        raise BadCursorError("this cursor was not given out by a list of ours")
    return place
