"""Who of a site's people is there at a given moment, and why somebody is not.

A title is of no use while its holder is at home. Days are those of the place's own calendar; what
nobody said is taken as presence whenever the place is open, because that is what a site with
one mechanic is.
"""

from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

from opening_hours import OpeningHours

from routing.directory.opening import Openness, find_opening
from routing.model import Person, Position

_UTC = ZoneInfo("UTC")  # the library wants zones that have a name; `datetime.UTC` has none
_PLACES_REMEMBERED_MAX = 20_000


class Away(StrEnum):
    """Why a person is not there."""

    NOT_YET_EMPLOYED = "not_yet_employed"
    LEFT = "left"
    ABSENT = "absent"
    OFF = "off"  # outside the person's own hours
    UNCERTAIN = "uncertain"  # hours such as "by appointment": nobody can count on it


def find_away(person: Person, position: Position, *, at: datetime) -> Away | None:
    """Why the person is not at the site at this moment (aware); None if they are.

    Args:
        person: Who.
        position: Of the site: it decides the time zone and the public holidays.
        at: The moment of arrival.
    """
    away = away_on(person, local_day(position, at))
    if away is not None or person.hours is None:
        return away
    opening = find_opening(person.hours, position, at=at, deadline=timedelta(minutes=1))
    match opening.openness:
        case Openness.OPEN:
            return None
        case Openness.UNKNOWN:
            return Away.UNCERTAIN
        case _:
            return Away.OFF


def away_on(person: Person, day: date) -> Away | None:
    """Why the person is not there on a whole day; None if they are at some time of it."""
    if person.employed_from is not None and day < person.employed_from:
        return Away.NOT_YET_EMPLOYED
    if person.employed_until is not None and person.employed_until < day:
        return Away.LEFT
    if any(absence.first <= day <= absence.last for absence in person.absences):
        return Away.ABSENT
    return None


def local_day(position: Position, at: datetime) -> date:
    """The day that the calendar on the wall of the place shows."""
    return at.astimezone(_zone(position)).date()


@lru_cache(maxsize=_PLACES_REMEMBERED_MAX)
def _zone(position: Position) -> ZoneInfo:
    """The time zone of a place, as the library of opening hours finds it; UTC on the high sea."""
    always = OpeningHours("24/7", coords=(position.lat_deg, position.lon_deg))
    begin, *_ = next(iter(always.intervals(datetime(2000, 1, 1, tzinfo=_UTC))))
    zone = begin.tzinfo
    return zone if isinstance(zone, ZoneInfo) else _UTC
