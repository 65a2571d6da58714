"""What a site could take, and what it is told to change, is what a second look then finds."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtc_db.need import Need
from dtc_db.vehicle import VehicleClass
from routing.assessment.assess import (
    CHANGES_MAX,
    Assessment,
    Change,
    ChangeKind,
    assess,
    count_rules,
    follow,
    shown,
)
from routing.competence.catalogue import load_catalogue
from routing.decision import Case, Rule
from routing.matching.policy import load_policy
from routing.model import Absence, Credential, Position, Site
from routing.testing import HERE, LIGHT, case, held, need, site

AT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # in the night: hours say nothing
POLICY, CATALOGUE = load_policy(), load_catalogue()
FR = "fr-nf-c-18-550"
OFF = need("hv.isolate", "hv.deenergised", equipment=frozenset({"hv.tools"}))
LIVE = need("hv.isolate", "hv.deenergised", "hv.live", equipment=frozenset({"hv.tools"}))
NEEDS: dict[str, Need] = {
    "brakes": need("brakes"),
    "off": OFF,
    "live": LIVE,
    "gas": need("gas.lpg_cng", equipment=frozenset({"gas.ventilation"})),
    "keys": need("electrics.12v", access=frozenset({"sermi"})),
    "nobody": need("hydrogen"),
}


def occurred(*wanted: str, place: Position | None = HERE, **more: object) -> list[Case]:
    """Cases named for their needs."""
    return [
        replace(case(NEEDS[name], position=place, **more), case_id=f"{name}-{number}")  # type: ignore[arg-type] # fields by name
        for number, name in enumerate(wanted)
    ]


def look(garage: Site, cases: Sequence[Case]) -> Assessment:
    return assess(garage, cases, policy=POLICY, catalogue=CATALOGUE, at=AT)


def after(garage: Site, change: Change) -> Site:
    return follow(garage, change, policy=POLICY, catalogue=CATALOGUE, on=AT.date())


def told(found: Assessment) -> list[tuple[str, int]]:
    return [(one.change.name, len(one.opened)) for one in found.advice]


def test_the_change_that_opens_most_comes_first() -> None:
    garage = site("a", [LIGHT, held(FR, "B2VL")], equipment=frozenset({"hv.tools"}))
    found = look(garage, occurred("brakes", "off", "off", "off", "keys", "nobody"))
    assert found.able == {"brakes-0"}
    assert told(found) == [("BCL", 3), ("sermi", 1)]
    assert found.advice[0].change.scheme == FR
    assert count_rules(found) == {Rule.SKILLS: 4, Rule.ACCESS: 1}


def test_titles_that_open_the_same_are_named_together_the_least_first() -> None:
    garage = site("a", [LIGHT], country="DE", equipment=frozenset({"hv.tools"}))
    (advice,) = look(garage, occurred("off")).advice
    assert advice.change.name == "2S"
    assert [change.name for change in advice.same] == ["Kfz-Mechatroniker 2013", "3S"]


def test_what_takes_two_changes_is_not_promised_for_one() -> None:
    garage = site("a", [LIGHT], equipment=frozenset({"hv.tools"}))
    found = look(garage, occurred("off", "gas"))
    assert found.able == frozenset()
    assert found.advice == ()


def test_equipment_that_was_assumed_is_not_lost_by_stating_more() -> None:
    garage = site("a", [LIGHT, held(FR, "BCL"), held(FR, "B2VL"), held("gas", "gas course")])
    found = look(garage, occurred("off", "gas"))
    assert found.able == {"off-0"}
    assert told(found) == [("gas.ventilation", 1)]
    changed = look(after(garage, found.advice[0].change), occurred("off", "gas"))
    assert changed.able == {"off-0", "gas-1"}


def test_a_kind_of_vehicle_can_be_the_change() -> None:
    garage = site("a", [LIGHT])
    found = look(garage, occurred("brakes", vehicle_class=VehicleClass.MOTORCYCLE))
    assert found.unable == {"brakes-0": Rule.VEHICLE_CLASS}
    assert told(found) == [("motorcycle", 1)]
    changed = after(garage, found.advice[0].change)
    assert changed.vehicle_classes == {VehicleClass.CAR, VehicleClass.VAN, VehicleClass.MOTORCYCLE}


@pytest.mark.parametrize("place", [None, Position(20.0, 48.85)])
def test_cases_out_of_reach_or_of_unknown_place_are_left_out(place: Position | None) -> None:
    found = look(site("a", []), occurred("brakes", "off", place=place))
    assert (found.able, found.unable) == (frozenset(), {})


def test_neither_a_holiday_nor_the_hour_says_what_a_site_lacks() -> None:
    garage = site("a", [LIGHT])
    away = replace(
        garage.people[0],
        hours="Mo-Fr 08:00-17:00",
        absences=(Absence(AT.date(), AT.date()),),
    )
    assert look(replace(garage, people=(away,)), occurred("brakes")).able == {"brakes-0"}


BCL_ENDS = held(FR, "BCL", until=date(2027, 3, 3))


def test_a_title_that_ends_soon_is_named_with_what_is_lost_by_it() -> None:
    garage = site("a", [LIGHT, BCL_ENDS], [held(FR, "B2VL", until=date(2029, 1, 1))])
    (ending,) = look(garage, occurred("brakes", "off", "off")).endings
    assert (ending.person, ending.credential.title, ending.ends) == (1, "BCL", date(2027, 3, 3))
    assert ending.lost == {"off-1", "off-2"}


def test_whoever_leaves_takes_the_titles_along() -> None:
    garage = site("a", [LIGHT])
    leaves = replace(garage.people[0], employed_until=date(2026, 11, 30))
    (ending,) = look(replace(garage, people=(leaves,)), occurred("brakes")).endings
    assert ending.ends == date(2026, 11, 30)


@pytest.mark.parametrize(
    "titles",
    [
        [held(FR, "BCL", until=date(2027, 3, 3)), held(FR, "BCL"), held(FR, "B2VL")],
        [held(FR, "BCL", until=date(2026, 11, 22)), held(FR, "B2VL")],
        [held(FR, "BCL", until=date(2027, 5, 23)), held(FR, "B2VL")],
        [held(FR, "BCL", until=date(2027, 3, 3))],
    ],
)
def test_an_end_that_costs_nothing_or_is_past_or_far_is_not_named(
    titles: list[Credential],
) -> None:
    assert look(site("a", titles, equipment=frozenset({"hv.tools"})), occurred("off")).endings == ()


@pytest.mark.parametrize(
    ("count", "expected"), [(0, 0), (1, None), (4, None), (5, 5), (1000, 1000)]
)
def test_small_counts_are_masked(count: int, expected: int | None) -> None:
    assert shown(count) == expected


titles = st.builds(
    held,
    st.just(FR),
    st.sampled_from(["BCL", "B2VL", "B2TL", "BRL"]),
    until=st.none() | st.dates(date(2026, 10, 1), date(2027, 10, 1)),
) | st.sampled_from([LIGHT, held("gas", "gas course")])
garages = st.builds(
    lambda team, equipment, access: site("a", *team, equipment=equipment, access=access),
    st.lists(st.lists(titles, max_size=3), max_size=3),
    st.frozensets(st.sampled_from(["hv.tools", "gas.ventilation"])),
    st.frozensets(st.just("sermi")),
)


@settings(max_examples=40)
@given(garages, st.lists(st.sampled_from([*NEEDS]), max_size=8))
def test_advice_followed_opens_exactly_the_cases_that_were_promised(
    garage: Site, wanted: list[str]
) -> None:
    cases = occurred(*wanted)
    before = look(garage, cases)
    assert before.able | before.unable.keys() == {one.case_id for one in cases}
    assert len(before.advice) <= CHANGES_MAX
    for advice in before.advice:
        for change in (advice.change, *advice.same):
            now = look(after(garage, change), cases)
            assert now.able == before.able | advice.opened


def test_advice_for_something_else_opens_nothing_that_was_promised() -> None:
    garage = site("a", [LIGHT, held(FR, "B2VL")], equipment=frozenset({"hv.tools"}))
    cases = occurred("off")
    wrong = Change(kind=ChangeKind.TITLE, name="B2VL", scheme=FR)
    assert look(after(garage, wrong), cases).able == look(garage, cases).able == frozenset()
