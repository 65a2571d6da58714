from hypothesis import given
from hypothesis import strategies as st

from rightbay.supervision.restarts import RestartPolicy

POLICY = RestartPolicy(first_s=0.2, max_s=10.0, stable_s=10.0)
CHANCE = st.floats(0, 1, exclude_max=True)


def test_each_death_in_a_row_doubles_the_wait_up_to_the_maximum() -> None:
    waits = [POLICY.delay_s(deaths, chance=1.0) for deaths in range(1, 9)]
    assert waits == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]


def test_a_long_life_is_forgiven_its_earlier_deaths() -> None:
    assert POLICY.deaths_after(7, life_s=10.0) == 1
    assert POLICY.deaths_after(7, life_s=9.9) == 8


@given(st.integers(1, 10**9), CHANCE)
def test_the_wait_never_leaves_its_bounds(deaths: int, chance: float) -> None:
    assert POLICY.first_s / 2 <= POLICY.delay_s(deaths, chance=chance) <= POLICY.max_s


@given(st.integers(1, 100), CHANCE, CHANCE)
def test_chance_spreads_the_wait_over_its_upper_half(deaths: int, a: float, b: float) -> None:
    longest_s = POLICY.delay_s(deaths, chance=1.0)
    low_s, high_s = sorted((POLICY.delay_s(deaths, chance=a), POLICY.delay_s(deaths, chance=b)))
    assert longest_s / 2 <= low_s <= high_s <= longest_s
