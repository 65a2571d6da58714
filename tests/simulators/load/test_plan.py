"""A load is planned before it is sent: the same for the same seed, in order, with its shares."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.load.plan import POISON, Kind, Load, Shares, sendings

LOAD = Load(
    vehicles=50,
    rate_per_s=100,
    reports=2_000,
    run="test",
    start_at=datetime(2026, 3, 1, tzinfo=UTC),
    shares=Shares(duplicates=0.1, reordered=0.1, late=0.05, poison=0.05),
)


@given(
    reports=st.integers(1, 300),
    vehicles=st.integers(1, 40),
    shares=st.tuples(*[st.floats(0, 0.5)] * 4),
    seed=st.integers(),
)
def test_every_report_is_due_once_and_repeats_only_what_was_due(
    reports: int, vehicles: int, shares: tuple[float, float, float, float], seed: int
) -> None:
    duplicates, reordered, late, poison = shares
    load = replace(
        LOAD,
        reports=reports,
        vehicles=vehicles,
        seed=seed,
        shares=Shares(duplicates=duplicates, reordered=reordered, late=late, poison=poison),
    )
    plan = list(sendings(load))
    assert [sending.due_s for sending in plan] == sorted(sending.due_s for sending in plan)
    firsts = [sending.number for sending in plan if not sending.is_repeat]
    assert sorted(firsts) == list(range(reports))
    seen: dict[int, Kind] = {}
    for sending in plan:
        assert not sending.is_repeat or seen[sending.number] is sending.kind
        seen[sending.number] = sending.kind


def test_the_same_seed_makes_the_same_plan_and_another_one_does_not() -> None:
    assert list(sendings(LOAD)) == list(sendings(LOAD))
    assert list(sendings(LOAD)) != list(sendings(replace(LOAD, seed=2)))


def test_the_shares_are_kept() -> None:
    plan = list(sendings(LOAD))
    kinds = Counter(sending.kind for sending in plan if not sending.is_repeat)
    repeats = sum(sending.is_repeat for sending in plan)
    assert repeats == pytest.approx(200, rel=0.3)
    assert kinds[Kind.LATE] == pytest.approx(100, rel=0.4)
    assert sum(kinds[kind] for kind in POISON) == pytest.approx(100, rel=0.4)
    assert set(POISON) <= set(kinds)


def test_what_is_reordered_comes_after_a_later_report_of_its_unit() -> None:
    load = replace(LOAD, shares=Shares(reordered=0.2))
    latest: dict[int, int] = {}
    overtaken = 0
    for sending in sendings(load):
        vehicle = sending.number % load.vehicles
        overtaken += latest.get(vehicle, -1) > sending.number
        latest[vehicle] = max(latest.get(vehicle, -1), sending.number)
    assert overtaken > 0.1 * load.reports


def test_a_plain_load_is_due_at_an_even_pace() -> None:
    plan = list(sendings(replace(LOAD, shares=Shares(), reports=5)))
    assert [sending.due_s for sending in plan] == pytest.approx([0, 0.01, 0.02, 0.03, 0.04])
    assert {sending.kind for sending in plan} == {Kind.LIVE}


@pytest.mark.parametrize(
    "shares", [{"duplicates": 1.1}, {"poison": -0.1}, {"late": 0.6, "poison": 0.6}]
)
def test_shares_that_cannot_be_are_refused(shares: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"0 to 1|at most 1"):
        Shares(**shares)
