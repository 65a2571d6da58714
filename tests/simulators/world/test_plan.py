from hypothesis import given
from hypothesis import strategies as st

from simulators.model import DEMO_BOX
from simulators.world.plan import FIRST_S, plan_faults
from simulators.world.roster import fleet_vehicles

FLEET = fleet_vehicles(20, 1, DEMO_BOX)


@given(st.integers(0, 50), st.floats(0, 600))
def test_the_first_fault_comes_within_a_second_and_all_within_the_time(
    seed: int, over_s: float
) -> None:
    plan = plan_faults(FLEET, seed=seed, over_s=over_s)
    times = [planned.starts_s for planned in plan]
    assert times[0] == FIRST_S < 1
    assert times == sorted(times)
    assert times[-1] <= FIRST_S + over_s + 1e-9


def test_each_vehicle_gets_a_scenario_of_its_kind_and_each_kind_its_first() -> None:
    plan = plan_faults(FLEET, seed=3, over_s=60)
    assert [planned.unit for planned in plan] == [vehicle.unit for vehicle in FLEET]
    for vehicle, planned in zip(FLEET, plan, strict=True):
        assert vehicle.car.name in planned.scenario.kinds
    assert [planned.scenario.name for planned in plan[:4]] == [
        "misfire",
        "hv_isolation_lost",
        "exhaust_fluid_and_filter",
        "filter_full",
    ]


def test_the_same_seed_gives_the_same_plan() -> None:
    assert plan_faults(FLEET, seed=3, over_s=60) == plan_faults(FLEET, seed=3, over_s=60)
    assert plan_faults(FLEET, seed=3, over_s=60) != plan_faults(FLEET, seed=4, over_s=60)


def test_what_goes_away_by_itself_does_so_after_it_came() -> None:
    plans = [planned for seed in range(9) for planned in plan_faults(FLEET, seed=seed, over_s=9)]
    passing = [planned for planned in plans if planned.scenario.lasts_s is not None]
    assert passing
    for planned in passing:
        assert planned.ends_s == planned.starts_s + (planned.scenario.lasts_s or 0)


def test_nobody_drives_and_nothing_breaks() -> None:
    assert plan_faults((), seed=1, over_s=10) == ()
