"""When a place is open, from opening hours in OpenStreetMap's grammar.

The hours are read in the place's own time zone and with the public holidays of its country, both
found from its position. The zone and holiday tables are those of the libraries in use.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from itertools import islice
from zoneinfo import ZoneInfo

from opening_hours import OpeningHours, State, validate

from routing.model import Position

_UTC = ZoneInfo("UTC")  # the library wants zones that have a name; `datetime.UTC` has none
_INTERVALS_MAX = 64  # looked through for the next opening, which is the second one as a rule
HOURS_LENGTH_MAX = 500  # characters; longer hours are not read


class Openness(StrEnum):
    """What the hours say of a moment."""

    OPEN = "open"
    LATER = "later"  # closed at that moment, open before the deadline
    CLOSED = "closed"  # closed until after the deadline
    UNKNOWN = "unknown"  # no hours, unreadable ones, or "by appointment" and the like


@dataclass(frozen=True, slots=True)
class Opening:
    """Whether a vehicle that arrives finds someone, and how long it waits otherwise."""

    openness: Openness
    wait_s: int = 0


def find_opening(
    hours: str | None, position: Position, *, at: datetime, deadline: timedelta
) -> Opening:
    """What somebody finds who arrives ``at`` (aware) and can wait until the deadline."""
    parsed = _parse(hours, position) if hours else None
    if parsed is None:
        return Opening(Openness.UNKNOWN)
    start = at.astimezone(_UTC)
    for begin, _, state, comment in islice(
        parsed.intervals(start, start + deadline), _INTERVALS_MAX
    ):
        if state == State.UNKNOWN or (comment and state == State.OPEN):
            return Opening(Openness.UNKNOWN)
        if state == State.OPEN:
            wait_s = max(0, round((begin - start).total_seconds()))
            return Opening(Openness.LATER if wait_s else Openness.OPEN, wait_s)
    return Opening(Openness.CLOSED)


def is_readable(hours: str) -> bool:
    """Whether these hours are in the grammar and short enough to be read."""
    return len(hours) <= HOURS_LENGTH_MAX and validate(hours)


@lru_cache(maxsize=20_000)
def _parse(hours: str, position: Position) -> OpeningHours | None:
    if not is_readable(hours):
        return None
    return OpeningHours(hours, coords=(position.lat_deg, position.lon_deg))
