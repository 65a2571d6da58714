"""When a place is open, from opening hours in OpenStreetMap's grammar.

The hours are read in the place's own time zone and with the public holidays of its country, both
found from its position. Holidays and the clock of each zone are tables that change; they are those
of two libraries, whose versions every decision names. The machine's own zone tables are not used.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache, lru_cache
from importlib import metadata, resources
from itertools import islice
from zoneinfo import ZoneInfo

from opening_hours import OpeningHours, State, validate

from routing.model import Absence, Position, Site

_UTC = ZoneInfo("UTC")  # the library wants zones that have a name; `datetime.UTC` has none
_INTERVALS_MAX = 64  # looked through for the next opening, which is the second one as a rule
DAY_S = 86_400
# As the grammar spells them, whatever the locale.
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
HOURS_LENGTH_MAX = 500  # characters; longer hours are not read
_ABSENCES_LENGTH_MAX = 4_000  # of a hundred of them, behind the hours


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
            wait_s = max(0, round((_at_home(begin) - start).total_seconds()))
            return Opening(Openness.LATER if wait_s else Openness.OPEN, wait_s)
    return Opening(Openness.CLOSED)


@dataclass(frozen=True, slots=True)
class OpenSpans:
    """When a place is open.

    Attributes:
        spans_s: Beginning and end in seconds from the start asked for, in order, none empty.
        is_certain: False if some hours are "by appointment" and the like; ``spans_s`` is of no use.
    """

    spans_s: tuple[tuple[int, int], ...]
    is_certain: bool = True


def open_spans(
    hours: str | None, position: Position, *, start: datetime, until_s: int, lookahead_s: int
) -> OpenSpans | None:
    """Every span until a moment, and the first one after it.

    Args:
        hours: As in `find_opening`.
        position: Of the place.
        start: In UTC; a span that began earlier begins here.
        until_s: From the start; the first span that begins later is the last one given.
        lookahead_s: From ``until_s``; no span that begins later is looked for.

    Returns:
        None if the hours are not known.
    """
    parsed = _parse(hours, position) if hours else None
    if parsed is None:
        return None
    begin_at = start.astimezone(_UTC)
    end_at = begin_at + timedelta(seconds=until_s + lookahead_s)
    spans: list[tuple[int, int]] = []
    for begin, end, state, comment in parsed.intervals(begin_at, end_at):
        if state == State.UNKNOWN or (comment and state == State.OPEN):
            return OpenSpans((), is_certain=False)
        if state == State.OPEN:
            begin_s = max(0, round((_at_home(begin) - begin_at).total_seconds()))
            end_s = round((_at_home(end) - begin_at).total_seconds())
            spans.append((begin_s, end_s))
            if begin_s > until_s:
                break
    return OpenSpans(tuple(spans))


def is_readable(hours: str) -> bool:
    """Whether these hours are in the grammar and short enough to be read."""
    return len(hours) <= HOURS_LENGTH_MAX and validate(hours)


def hours_of(site: Site) -> str | None:
    """The hours of a site without the days on which it is closed whatever they say.

    Absences are rules of the grammar, so that a day begins and ends by the clock of the place. Of a
    site whose hours are not known it is known that it is closed on these days.
    """
    if not site.absences:
        return site.opening_hours
    hours = site.opening_hours
    usual = hours if hours and is_readable(hours) else "24/7 unknown"
    return "; ".join([usual, *map(_closed, site.absences)])


def _closed(absence: Absence) -> str:
    first, last = (
        f"{day.year} {_MONTHS[day.month - 1]} {day.day:02}" for day in (absence.first, absence.last)
    )
    return f"{first} off" if first == last else f"{first}-{last} off"


@cache
def hours_read_with() -> dict[str, str]:
    """The versions of what the reading of hours depends on, by name."""
    return {
        "opening_hours": metadata.version("opening-hours-py"),
        "tzdata": metadata.version("tzdata"),
    }


def _at_home(at: datetime) -> datetime:
    """The same wall clock, in the zone as our own tables have it."""
    return at.replace(tzinfo=_zone(str(at.tzinfo)))


@cache
def _zone(name: str) -> ZoneInfo:
    with resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


@lru_cache(maxsize=20_000)
def _parse(hours: str, position: Position) -> OpeningHours | None:
    if len(hours) > HOURS_LENGTH_MAX + _ABSENCES_LENGTH_MAX or not validate(hours):
        return None
    return OpeningHours(hours, coords=(position.lat_deg, position.lon_deg))
