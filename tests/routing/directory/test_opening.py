"""Opening hours are read at the place, in its own time."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from routing.directory.opening import (
    HOURS_LENGTH_MAX,
    Opening,
    Openness,
    find_opening,
    hours_of,
    is_readable,
)
from routing.imports.absences import ABSENCES_MAX
from routing.model import Absence, Position
from routing.testing import site

VADUZ = Position(9.52, 47.14)  # UTC+1 in winter
ROOM = timedelta(days=7)
HOUR_S = 3600


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "when", "expected"),
    [
        ("24/7", "2026-11-23T03:00", Opening(Openness.OPEN)),
        ("Mo-Fr 08:00-18:00", "2026-11-23T07:00", Opening(Openness.OPEN)),  # eight o'clock there
        ("Mo-Fr 08:00-18:00", "2026-11-23T06:00", Opening(Openness.LATER, HOUR_S)),
        ("Mo-Fr 08:00-18:00", "2026-11-23T17:00", Opening(Openness.LATER, 14 * HOUR_S)),
        ("Mo-Fr 08:00-18:00", "2026-11-28T11:00", Opening(Openness.LATER, 44 * HOUR_S)),
        ("Mo-Fr 08:00-18:00", "2026-07-06T06:30", Opening(Openness.OPEN)),  # summer time there
        ("Mo-Fr 08:00-18:00; PH off", "2026-12-25T10:00", Opening(Openness.LATER, 69 * HOUR_S)),
        ("24/7 off", "2026-11-23T10:00", Opening(Openness.CLOSED)),
        ("Jan 08:00-18:00", "2026-11-23T10:00", Opening(Openness.CLOSED)),
        ('"by appointment"', "2026-11-23T10:00", Opening(Openness.UNKNOWN)),
        ("Mo-Fr unknown", "2026-11-23T10:00", Opening(Openness.UNKNOWN)),
        ('Mo-Fr 08:00-18:00 "ring twice"', "2026-11-23T10:00", Opening(Openness.UNKNOWN)),
        ("whenever", "2026-11-23T10:00", Opening(Openness.UNKNOWN)),
        ("", "2026-11-23T10:00", Opening(Openness.UNKNOWN)),
        (None, "2026-11-23T10:00", Opening(Openness.UNKNOWN)),
    ],
)
def test_the_wait_until_the_doors_open_is_known(
    hours: str | None, when: str, expected: Opening
) -> None:
    assert find_opening(hours, VADUZ, at=at(when), deadline=ROOM) == expected


def test_doors_that_open_after_the_deadline_are_closed() -> None:
    friday_evening = at("2026-11-27T20:00")
    for deadline_h, openness in ((59, Openness.LATER), (58, Openness.CLOSED)):
        opening = find_opening(
            "Mo-Fr 08:00-18:00",
            VADUZ,
            at=friday_evening,
            deadline=timedelta(hours=deadline_h, minutes=30),
        )
        assert opening.openness is openness


def test_hours_are_those_of_the_place_whatever_the_zone_of_the_time_given() -> None:
    tokyo = Position(139.7, 35.7)
    when = at("2026-11-23T23:30")  # half past eight in Tokyo, on a public holiday's morrow
    opening = find_opening("Mo-Fr 08:00-18:00", tokyo, at=when, deadline=ROOM)
    assert opening == Opening(Openness.OPEN)


def test_places_without_a_time_zone_of_their_own_do_not_raise() -> None:
    for position in (Position(0, 90), Position(180, -90), Position(-180, 0), Position(-30, 0)):
        find_opening("Mo-Fr 08:00-18:00", position, at=at("2026-11-23T10:00"), deadline=ROOM)


@pytest.mark.parametrize(
    ("hours", "expected"),
    [("24/7", True), ("Mo-Fr 25:00", False), ("24/7;" * HOURS_LENGTH_MAX, False)],
)
def test_only_hours_in_the_grammar_are_readable(hours: str, *, expected: bool) -> None:
    assert is_readable(hours) == expected


CHRISTMAS = (Absence(date(2026, 12, 24), date(2027, 1, 2)),)


@pytest.mark.parametrize(
    ("hours", "when", "expected"),
    [
        ("24/7", "2026-12-23T22:59", Opening(Openness.OPEN)),
        ("24/7", "2026-12-23T23:00", Opening(Openness.CLOSED)),  # midnight there
        ("24/7", "2026-12-27T23:00", Opening(Openness.LATER, 6 * 24 * HOUR_S)),
        ("24/7", "2027-01-02T23:00", Opening(Openness.OPEN)),
        ("Mo-Fr 08:00-18:00", "2026-12-30T10:00", Opening(Openness.LATER, 117 * HOUR_S)),
        (None, "2026-12-25T10:00", Opening(Openness.CLOSED)),
        (None, "2026-12-23T10:00", Opening(Openness.UNKNOWN)),
        ("whenever", "2026-12-25T10:00", Opening(Openness.CLOSED)),
    ],
)
def test_a_site_that_is_away_is_closed_from_midnight_to_midnight_there(
    hours: str | None, when: str, expected: Opening
) -> None:
    there = replace(site(opening_hours=hours), position=VADUZ)
    away = replace(there, absences=CHRISTMAS)
    assert find_opening(hours_of(away), VADUZ, at=at(when), deadline=ROOM) == expected
    assert hours_of(there) == hours


def test_hours_are_read_with_as_many_absences_as_there_may_be() -> None:
    days = [date(2027, 1, 1) + timedelta(days=2 * number) for number in range(ABSENCES_MAX)]
    long = "Mo-Fr 08:00-18:00" + "; Mo 08:00-18:00" * 30
    away = replace(
        site(opening_hours=long),
        absences=tuple(Absence(day, day + timedelta(days=1)) for day in days),
    )
    assert is_readable(long)
    found = find_opening(hours_of(away), VADUZ, at=at("2027-03-01T10:00"), deadline=ROOM)
    assert found == Opening(Openness.CLOSED)
