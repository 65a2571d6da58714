"""The published numbers are read whole, do what they say, and stand in the documentation."""

from importlib import resources
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtc_db.need import Arrival
from dtc_db.urgency import Urgency
from dtc_db.vehicle import VehicleClass
from routing.errors import DataFileError
from routing.matching.policy import TermRule, load_policy, parse_policy

POLICY = load_policy()
TEXT = resources.files("routing.data").joinpath("policy.toml").read_text("utf-8")
PAGE = Path(__file__).parents[3].joinpath("docs", "ranking.md").read_text("utf-8")
TERM = TermRule(name="wait", unit="s", curve=((0, 10), (10, 5), (20, 0)), text={}, unknown=1)


@pytest.mark.parametrize(
    ("distance_m", "arrival", "vehicle_class", "expected_s"),
    [
        (0, Arrival.DRIVES, VehicleClass.CAR, 0),
        (0, Arrival.TOWED, VehicleClass.CAR, 2700),
        # 1.3 km of road at 30 km/h
        (1000, Arrival.DRIVES, VehicleClass.CAR, 156),
        # 130 km of road: 5 km at 30, 25 km at 55, 100 km at 85 km/h
        (100_000, Arrival.DRIVES, VehicleClass.CAR, 600 + 1636 + 4235),
        # the last part at a truck's 75 km/h
        (100_000, Arrival.DRIVES, VehicleClass.TRUCK, 600 + 1636 + 4800),
        # 26 km of road: 5 km at 30, 21 km at a limp of 40 km/h
        (20_000, Arrival.LIMPS, VehicleClass.CAR, 600 + 1890),
    ],
)
def test_travel_times_follow_the_published_speeds(
    distance_m: int, arrival: Arrival, vehicle_class: VehicleClass, expected_s: int
) -> None:
    found_s = POLICY.travel_s(distance_m, arrival=arrival, vehicle_class=vehicle_class)
    assert found_s == pytest.approx(expected_s, abs=1)


@given(st.integers(0, 20_100_000), st.integers(0, 20_100_000), st.sampled_from(Arrival))
def test_a_longer_way_never_takes_less(one_m: int, other_m: int, arrival: Arrival) -> None:
    near_s, far_s = (
        POLICY.travel_s(distance_m, arrival=arrival, vehicle_class=VehicleClass.CAR)
        for distance_m in sorted((one_m, other_m))
    )
    assert near_s <= far_s


@pytest.mark.parametrize(
    ("value", "points"),
    [(-5, 10), (0, 10), (5, 7.5), (10, 5), (13, 3.5), (20, 0), (99, 0)],
)
def test_a_curve_is_straight_between_its_points_and_level_outside(
    value: int, points: float
) -> None:
    assert TERM.rate(value).points == points


def test_what_is_unknown_gets_the_points_for_it() -> None:
    assert (TERM.rate(None).value, TERM.rate(None).points) == (-1, 1)


def test_no_term_of_the_policy_rewards_a_worse_value() -> None:
    for term in POLICY.terms:
        points = [points for _, points in term.curve]
        assert points == sorted(points, reverse=term.name in {"travel", "slot", "price"})
        assert {"en", "fr", "de"} == term.text.keys()


def test_a_graver_fault_never_may_wait_longer() -> None:
    deadlines = [POLICY.deadline(urgency) for urgency in (Urgency.STOP_NOW, Urgency.SOON)]
    assert deadlines == sorted(deadlines)


def test_the_digest_is_of_the_numbers_and_not_of_the_comments() -> None:
    assert parse_policy(TEXT + "\n# more words\n").digest == POLICY.digest
    assert parse_policy(TEXT.replace("detour = 1.3", "detour = 1.4")).digest != POLICY.digest


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("offers_max = 5", "offers_max = 51", "must not fall"),
        ("offers_max = 5", "offers_max = 'x'", "offers_max"),
        ("offers_max = 5", "offers_max = 5\nbribe = 1", "bribe"),
        ("detour = 1.3", "", "detour"),
        ('name = "slot"', 'name = "bribe"', "bribe"),
        ("[[0, 30], [14_400, 25]", "[[19_000, 30], [14_400, 25]", "slot must rise"),
        ("[[0, 30], [14_400, 25]", "[[0, 30], [0.5, 25]", "whole values"),
        ("[[0, 30], [14_400, 25]", "[[-1, 30], [14_400, 25]", "whole values"),
        ("[slots]\nday_s = 28_800\nunstated_per_day = 1", "", "slot needs its table"),
        ("[prior]\nrepairs = 5\nheld = 4\nz = 1.282", "", "outcomes needs its table"),
        ("[turn]\nnew_below = 10\nnew_one_in = 10", "", "turn needs its table"),
        ("unstated_per_day = 1", "unstated_per_day = 0", "one case on it at least"),
        ("held = 4", "held = 6", "held is at most repairs"),
        ("repairs = 5\nheld = 4", "repairs = 0\nheld = 0", "at least one repair"),
        ("new_one_in = 10", "new_one_in = 0", "from 1"),
        ("soon = 168", "soon = 721", "no deadline may exceed 720 h"),
        ("soon = 168", "", "every urgency"),
        ("soon = 168", "sooner = 168", "sooner"),
        ("[travel]", "[travel", "ranking policy"),
    ],
)
def test_a_broken_policy_is_refused_with_the_place(old: str, new: str, told: str) -> None:
    assert old in TEXT
    with pytest.raises(DataFileError, match="ranking policy") as caught:
        parse_policy(TEXT.replace(old, new, 1))
    assert told in str(caught.value)


def test_the_page_publishes_the_numbers_that_are_used() -> None:
    for arrival, way in POLICY.arrivals.items():
        row = f"| `{arrival}` |"
        line = next(line for line in PAGE.splitlines() if line.startswith(row))
        assert f"| {way.radius_m // 1000} km | {way.speed_kmh_max} km/h |" in line
    for term in POLICY.terms:
        line = next(line for line in PAGE.splitlines() if line.startswith(f"| `{term.name}` |"))
        points = [f"{points:g}" for _, points in term.curve]
        assert all(f"{number} " in line for number in points)
    for leg, next_leg in pairwise(POLICY.travel.legs):
        assert f"{leg.up_to_m // 1000} km" in PAGE
        assert f"{next_leg.speed_kmh} km/h" in PAGE
