"""Somebody is there, or there is a reason why not."""

from datetime import UTC, date, datetime

import pytest

from routing.competence.presence import Away, away_on, find_away, local_day
from routing.model import Absence, Person, Position

PARIS = Position(2.35, 48.85)
MONDAY_10 = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)  # 10:00 in Paris
DAY = date(2026, 11, 23)


def someone(**known: object) -> Person:
    return Person(number=1, **known)  # type: ignore[arg-type] # fields by name


@pytest.mark.parametrize(
    ("person", "expected"),
    [
        (someone(), None),
        (someone(employed_from=DAY, employed_until=DAY), None),
        (someone(employed_from=date(2026, 11, 24)), Away.NOT_YET_EMPLOYED),
        (someone(employed_until=date(2026, 11, 22)), Away.LEFT),
        (someone(absences=(Absence(DAY, DAY),)), Away.ABSENT),
        (someone(absences=(Absence(date(2026, 1, 1), date(2026, 11, 22)),)), None),
        (someone(hours="Mo-Fr 10:00-12:00"), None),
        (someone(hours="Mo-Fr 10:01-12:00"), Away.OFF),
        (someone(hours="Tu 08:00-12:00"), Away.OFF),
        (someone(hours='Mo-Fr 08:00-12:00 "by appointment"'), Away.UNCERTAIN),
        (someone(hours="whenever"), Away.UNCERTAIN),
        (someone(hours="24/7", absences=(Absence(DAY, DAY),)), Away.ABSENT),
    ],
)
def test_presence_follows_from_employment_absences_and_hours(
    person: Person, expected: Away | None
) -> None:
    assert find_away(person, PARIS, at=MONDAY_10) is expected


def test_a_whole_day_asks_nothing_of_hours() -> None:
    assert away_on(someone(hours="Tu 08:00-12:00"), DAY) is None


@pytest.mark.parametrize(
    ("lon_deg", "lat_deg", "expected"),
    [
        (2.35, 48.85, date(2026, 11, 24)),
        (-74.0, 40.7, DAY),
        (180.0, 90.0, DAY),
        (174.8, -41.3, date(2026, 11, 24)),
    ],
)
def test_the_day_is_the_one_on_the_wall_of_the_place(
    lon_deg: float, lat_deg: float, expected: date
) -> None:
    at = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)
    assert local_day(Position(lon_deg, lat_deg), at) == expected


def test_an_absence_cannot_end_before_it_begins() -> None:
    with pytest.raises(ValueError, match="before it begins"):
        Absence(DAY, date(2026, 11, 22))
