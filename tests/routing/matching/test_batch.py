"""Capacity is shared over all cases, the best way, and what that costs is told."""

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtc_db.urgency import Urgency
from routing.decision import Case
from routing.directory.snapshot import Directory
from routing.matching.batch import CASES_MAX, Comparison, candidates, plan
from routing.matching.match import decide
from routing.matching.policy import load_policy
from routing.model import Position
from routing.testing import HERE, LIGHT, NOW, case, need, site

POLICY = load_policy()
ENGINE = case(need("engine.petrol"))


def at_km(km: float, *, urgency: Urgency = Urgency.SOON) -> Case:
    place = Position(HERE.lon_deg, HERE.lat_deg + km / 111.195)
    return replace(ENGINE, position=place, urgency=urgency)


def garages(*places_km: float) -> Directory:
    return Directory(
        [site(f"at-{km:g}", [LIGHT], lat_deg=HERE.lat_deg + km / 111.195) for km in places_km],
        "1",
    )


def planned(cases: list[Case], directory: Directory, **capacity: int) -> Comparison:
    room = {name.replace("_", "-"): count for name, count in capacity.items()}
    return plan(cases, directory, POLICY, decided_at=NOW, capacity=room)


def names(directory: Directory, rows: tuple[int | None, ...]) -> list[str | None]:
    return [None if row is None else directory.sites[row].site_id for row in rows]


def test_the_candidates_of_a_case_are_those_that_compete_for_it_alone() -> None:
    directory = garages(0, 3, 9, 20, 60, 140)
    cases = [
        at_km(0),
        at_km(70),
        at_km(40, urgency=Urgency.LIMP),
        at_km(3000),
        replace(ENGINE, position=None),
        at_km(1, urgency=Urgency.STOP_NOW),
    ]
    for one, found in zip(cases, candidates(cases, directory, POLICY, decided_at=NOW), strict=True):
        decision = decide(one, directory, POLICY, decided_at=NOW)
        told = [(directory.sites[each.row].site_id, each.total / 1000) for each in found]
        expected = [(offer.site.site_id, offer.score) for offer in decision.offers]
        assert told[: len(expected)] == expected


def test_whoever_comes_first_takes_a_place_that_another_needs_more() -> None:
    directory = garages(0, 10)
    cases = [at_km(4), at_km(-60)]
    found = planned(cases, directory)
    assert names(directory, found.alone.rows) == ["at-0", "at-0"]
    assert names(directory, found.greedy.rows) == ["at-0", "at-10"]
    assert found.assigned.total >= found.greedy.total
    assert 0 <= found.price_of_greed < 1
    assert 0 < found.price_of_sharing < 1


def test_the_graver_case_chooses_first() -> None:
    directory = garages(0, 10)
    found = planned([at_km(0), at_km(0, urgency=Urgency.STOP_NOW)], directory)
    assert names(directory, found.greedy.rows) == ["at-10", "at-0"]


def test_nobody_is_left_out_for_a_better_sum() -> None:
    """One site is all that the far case can reach, and the near case would like it, too."""
    directory = garages(0, -40)
    cases = [at_km(-20), at_km(140)]
    found = planned(cases, directory)
    assert found.assigned.served == 2
    assert names(directory, found.assigned.rows) == ["at--40", "at-0"]


@pytest.mark.parametrize(("room", "served"), [(0, 0), (1, 1), (2, 2), (9, 3)])
def test_a_site_takes_no_more_than_it_can(room: int, served: int) -> None:
    found = planned([at_km(0)] * 3, garages(0), at_0=room)
    assert found.assigned.served == found.greedy.served == served
    assert found.alone.served == 3


def test_without_cases_or_sites_there_is_nothing_to_share() -> None:
    for cases, directory in (([], garages(0)), ([at_km(0)], garages())):
        found = planned(cases, directory)
        assert found.assigned.served == 0
        assert (found.price_of_greed, found.price_of_sharing) == (0, 0)


def test_too_many_cases_are_refused() -> None:
    with pytest.raises(ValueError, match="at most"):
        candidates([ENGINE] * (CASES_MAX + 1), garages(), POLICY, decided_at=NOW)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(-30, 30), min_size=1, max_size=4),
    st.lists(st.integers(-30, 30), min_size=1, max_size=3, unique=True),
    st.integers(0, 2),
)
def test_no_other_way_serves_more_or_gets_more_points(
    cases_km: list[int], sites_km: list[int], room: int
) -> None:
    """Held against all ways there are."""
    directory, cases = garages(*sites_km), [at_km(km) for km in cases_km]
    choices = candidates(cases, directory, POLICY, decided_at=NOW)
    found = plan(cases, directory, POLICY, decided_at=NOW, capacity={}, default_capacity=room)
    best = (0, 0)
    for way in product(*([None, *several] for several in choices)):
        taken = [one for one in way if one is not None]
        rows = [one.row for one in taken]
        if all(rows.count(row) <= room for row in rows):
            best = max(best, (len(taken), sum(one.total for one in taken)))
    assert (found.assigned.served, found.assigned.total) == best
    assert (found.greedy.served, found.greedy.total) <= best
