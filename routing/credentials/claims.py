"""Reads single members of a credential, each in one way or with a refusal."""

from collections.abc import Mapping
from datetime import UTC, datetime

from routing.credentials.encoding import Json
from routing.credentials.verdict import Refusal, RefusedError


def text_of(document: Mapping[str, Json], name: str) -> str:
    """A member that is a text."""
    value = document.get(name)
    if not isinstance(value, str):
        raise RefusedError(Refusal.NOT_A_CREDENTIAL, f"expected a text in {name}")
    return value


def objects_of(document: Mapping[str, Json], name: str) -> list[dict[str, Json]]:
    """A member that is an object, a list of objects, or absent."""
    value = document.get(name, [])
    values = value if isinstance(value, list) else [value]
    objects = [each for each in values if isinstance(each, dict)]
    if len(objects) != len(values):
        raise RefusedError(Refusal.NOT_A_CREDENTIAL, f"expected objects in {name}")
    return objects


def has_type(document: Mapping[str, Json], wanted: str) -> bool:
    """Whether this is one of its types."""
    types = document.get("type")
    return wanted in types if isinstance(types, list) else types == wanted


def time_of(document: Mapping[str, Json], name: str) -> datetime | None:
    """A moment, as a number of seconds (RFC 7519, 2) or a text (RFC 3339); None if absent."""
    value = document.get(name)
    try:
        match value:
            case None:
                return None
            case bool():
                pass
            case int() | float():
                return datetime.fromtimestamp(value, UTC)
            case str():
                moment = datetime.fromisoformat(value)
                if moment.tzinfo is not None:
                    return moment.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        pass
    raise RefusedError(Refusal.NOT_A_CREDENTIAL, f"expected a moment in {name}")


def check_times(document: Mapping[str, Json], *, at: datetime) -> None:
    """Return if the document counts at this moment, by every date that it has.

    Raises:
        RefusedError: If it does not.
    """
    for name in ("nbf", "validFrom"):
        begin = time_of(document, name)
        if begin is not None and at < begin:
            raise RefusedError(Refusal.NOT_YET_VALID, f"it counts from {begin:%Y-%m-%d %H:%M} UTC")
    for name in ("exp", "validUntil"):
        end = time_of(document, name)
        if end is not None and end <= at:
            raise RefusedError(Refusal.EXPIRED, f"it counted until {end:%Y-%m-%d %H:%M} UTC")
