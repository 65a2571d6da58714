"""Many places at once get what each would get by itself, whatever lies around them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtc_db.need import AllOf, Need
from dtc_db.urgency import Urgency
from routing.decision import Case, Rule
from routing.directory.hours import OPENNESS, HoursTable, hours_table
from routing.directory.opening import find_opening, hours_of
from routing.directory.snapshot import Directory
from routing.geo import distance_m, unit_vectors
from routing.matching.batch_search import look_around, search
from routing.matching.eligible import is_bound_to_hours
from routing.matching.match import arrival_for, decide, scene_for
from routing.matching.policy import load_policy
from routing.matching.texts import load_texts
from routing.model import Absence, Person, Position, Site
from routing.testing import HERE, LIGHT, NOW, case, held, need, site

POLICY = load_policy()
ENGINE = case(need("engine.petrol"))
START = datetime(2026, 11, 23, tzinfo=UTC)

degrees = st.sampled_from([-180.0, -179.99, -90.0, 0.0, 0.001, 2.35, 89.99, 90.0, 179.99, 180.0])
places = st.builds(Position, degrees, degrees.filter(lambda value: abs(value) <= 90))


def scene(a_case: Case, directory: Directory, **changes: Any) -> Any:
    policy = msgspec.structs.replace(POLICY, **changes)
    arrival = arrival_for(a_case)
    return scene_for(a_case, directory, policy, arrival=arrival, decided_at=NOW)


@settings(max_examples=60, deadline=None)
@given(st.lists(places, min_size=1, max_size=120), st.lists(places, min_size=1, max_size=4))
def test_sites_come_nearest_first_and_equally_far_ones_by_id(
    sites: list[Position], around: list[Position]
) -> None:
    directory = Directory(
        [
            site(f"s{number:03}", lon_deg=place.lon_deg, lat_deg=place.lat_deg)
            for number, place in enumerate(sites)
        ],
        "1",
    )
    count = min(len(sites), 20)
    ring = look_around(scene(ENGINE, directory), directory.whole, unit_vectors(around), count)
    for place, rows, told_m, sure in zip(
        around, ring.rows, ring.distance_m, ring.is_sure, strict=True
    ):
        told = [(int(m), int(row)) for m, row in zip(told_m, rows, strict=True)]
        assert told == sorted(told)
        far_m = [distance_m(place, directory.sites[row].position) for row in rows]
        assert np.abs(told_m - far_m).max() <= 1
        others = {*range(len(sites))} - {*rows.tolist()}
        nearest_m = min(
            (distance_m(place, directory.sites[row].position) for row in others), default=None
        )
        if nearest_m is not None and sure.any():
            assert told_m[sure].max() < nearest_m


def network(count: int) -> Directory:
    """Sites northwards every 2 km; every third one is competent."""
    return Directory(
        [
            site(f"s{n:03}", [LIGHT] if n % 3 == 0 else [], lat_deg=HERE.lat_deg + n * 0.018)
            for n in range(count)
        ],
        "1",
    )


@pytest.mark.parametrize("sites", [0, 1, 5, 90, 400])
def test_many_places_at_once_are_answered_as_one_by_one(sites: int) -> None:
    directory = network(sites)
    cases = [replace(ENGINE, position=Position(2.35, 48.85 + n * 0.7)) for n in range(12)]
    points = unit_vectors([one.position for one in cases if one.position])
    found = search(scene(ENGINE, directory), points, wanted=5)
    for number, one in enumerate(cases):
        decision = decide(one, directory, POLICY, decided_at=NOW)
        rows = found.ring.rows[number, : found.count[number]]
        assert [directory.sites[row] for row in rows] == [offer.site for offer in decision.offers]
        totals = found.total[number, : found.count[number]] / 1000
        assert totals.tolist() == [offer.score for offer in decision.offers]


def test_a_search_that_ends_at_its_limit_says_so() -> None:
    unready = [
        site(f"s{n:03}", [held("trade", "light vehicle technician")], opening_hours="24/7 off")
        for n in range(300)
    ]
    directory = Directory(unready, "1")
    few = msgspec.structs.replace(
        POLICY, searched_max=100, ranked_max=50, weighed_max=50, offers_max=5
    )
    notices = load_texts().tell_all(decide(ENGINE, directory, few, decided_at=NOW).notices)
    assert any("ended after 100 sites" in notice for notice in notices)
    notices = load_texts().tell_all(decide(ENGINE, directory, POLICY, decided_at=NOW).notices)
    assert not any("ended after" in notice for notice in notices)


def test_a_search_that_found_enough_within_its_limit_is_complete() -> None:
    directory = Directory([site(f"s{n:03}", [LIGHT]) for n in range(300)], "1")
    decision = decide(ENGINE, directory, POLICY, decided_at=NOW)
    assert not any("ended after" in notice for notice in load_texts().tell_all(decision.notices))
    assert [one.rule for one in decision.excluded] == [Rule.OUTRANKED] * 45


# --- people who come and go ---------------------------------------------------------------------


def with_hours(hours: str) -> Site:
    person = Person(number=1, credentials=(LIGHT,), hours=hours)
    return replace(site("a"), people=(person,))


@pytest.mark.parametrize(("hour", "rules"), [(10, []), (14, [Rule.SKILLS])])
def test_a_site_is_competent_only_while_its_people_are_there(hour: int, rules: list[Rule]) -> None:
    directory = Directory([with_hours("Mo-Fr 08:00-12:00")], "1")
    at = START + timedelta(hours=hour)
    for _ in range(2):  # the second answer comes from the same directory
        decision = decide(ENGINE, directory, POLICY, decided_at=at)
        assert [one.rule for one in decision.excluded] == rules
        assert len(decision.offers) == 1 - len(rules)


def test_who_comes_and_goes_is_told_from_who_is_always_there() -> None:
    away = Absence(NOW.date(), NOW.date())
    assert not is_bound_to_hours(site("a", [LIGHT]))
    for person in (
        Person(number=1, hours="Mo"),
        Person(number=1, absences=(away,)),
        Person(number=1, employed_from=NOW.date()),
        Person(number=1, employed_until=NOW.date()),
    ):
        assert is_bound_to_hours(replace(site("a"), people=(person,)))


def test_answers_that_are_too_many_are_found_out_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    directory = network(60)
    expected = decide(ENGINE, network(60), POLICY, decided_at=NOW)
    monkeypatch.setattr("routing.directory.table._ANSWERS_MAX", 7)
    for _ in range(2):
        assert decide(ENGINE, directory, POLICY, decided_at=NOW) == expected


def test_questions_that_nobody_asked_lately_are_forgotten() -> None:
    directory = Directory([site("a", [LIGHT])], "1")
    for number in range(80):
        at = NOW + timedelta(days=number)
        assert decide(ENGINE, directory, POLICY, decided_at=at).offers
    assert len(directory.tables) <= 32
    assert len(directory.hours) <= 2


def test_a_far_arrival_after_the_remembered_days_is_judged_by_itself() -> None:
    """The other side of the earth, by tow: the way takes weeks, so the title has ended by then."""
    ends = held("trade", "light vehicle technician", until=NOW.date() + timedelta(days=3))
    antipode = {"lon_deg": HERE.lon_deg - 180, "lat_deg": -HERE.lat_deg}
    slow = msgspec.structs.replace(POLICY.travel, detour=4.0)
    policy = msgspec.structs.replace(POLICY, travel=slow)
    for titles, told in (([LIGHT], "Garage a, "), ([ends], "fulfils everything")):
        directory = Directory([site("a", titles, **antipode)], "1")  # type: ignore[arg-type] # degrees
        decision = decide(ENGINE, directory, policy, decided_at=NOW)
        assert any(told in notice for notice in load_texts().tell_all(decision.notices))


# --- opening hours ------------------------------------------------------------------------------

HOURS = [
    None,
    "whenever",
    "24/7",
    "24/7 off",
    "Mo-Fr 08:00-12:00,13:30-18:00; PH off",
    "Mo-Su 00:00-01:00,02:00-03:00,04:00-05:00,06:00-07:00,08:00-09:00,10:00-11:00",
    "Mo-Fr 22:00-06:00",
    "We 08:00-18:00",
    "Dec 20 08:00-09:00",
    'Mo 08:00-10:00 "ring twice", Mo 10:00-18:00',
    "Mo-Fr unknown",
    "sunrise-sunset",
]
AWAY = (Absence(START.date(), START.date() + timedelta(days=1)),)
SITES = tuple(
    replace(site(f"s{n:02}", opening_hours=hours), absences=away)
    for n, (hours, away) in enumerate(product(HOURS, [(), AWAY]))
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, len(SITES) - 1), st.integers(0, 4 * 86_400 * 1000)),
        min_size=1,
        max_size=8,
    ),
    st.sampled_from(Urgency),
)
def test_the_table_of_hours_says_what_the_hours_say(
    arrivals: list[tuple[int, int]], urgency: Urgency
) -> None:
    deadline = POLICY.deadline(urgency)
    rows = np.array([[row for row, _ in arrivals]])
    arrives_s = np.array([[ms / 1000 for _, ms in arrivals]])
    openness, wait_s = HoursTable(SITES, START.date()).look(rows, arrives_s, deadline=deadline)
    for column, (row, ms) in enumerate(arrivals):
        expected = find_opening(
            hours_of(SITES[row]), HERE, at=START + timedelta(milliseconds=ms), deadline=deadline
        )
        assert OPENNESS[openness[0, column]] is expected.openness
        assert wait_s[0, column] == expected.wait_s


def test_a_table_is_kept_for_its_day() -> None:
    directory = Directory(SITES, "1")
    table = hours_table(directory, START.date())
    assert hours_table(directory, START.date()) is table


def test_a_need_of_nothing_is_met_by_everyone() -> None:
    decision = decide(case(Need(skills=AllOf(()))), network(3), POLICY, decided_at=NOW)
    assert len(decision.offers) == 3
