"""Distances and unit vectors hold everywhere on the sphere."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.geo import (
    EARTH_RADIUS_M,
    coarse,
    distance_m,
    unit_vector,
    unit_vectors,
    unit_vectors_at,
)
from routing.model import Position

HALF_TURN_M = round(math.pi * EARTH_RADIUS_M)

positions = st.builds(
    Position,
    lon_deg=st.floats(-180, 180) | st.sampled_from([-180.0, 180.0, 179.999]),
    lat_deg=st.floats(-90, 90) | st.sampled_from([-90.0, 90.0, 89.999]),
)


@pytest.mark.parametrize(
    ("start", "end", "expected_m"),
    [
        ((0, 0), (0, 0), 0),
        ((0, 0), (0, 90), HALF_TURN_M // 2),
        ((0, 0), (180, 0), HALF_TURN_M),
        ((0, -90), (0, 90), HALF_TURN_M),
        ((179.9, 0), (-179.9, 0), 22_239),  # across the date line, not round the world
        ((0, 89.9), (180, 89.9), 22_239),  # across the pole
        ((-180, 45), (180, 45), 0),  # one meridian, written in two ways
        ((9, 47), (9, 48), 111_195),  # a degree along a meridian
        ((9, 60), (10, 60), 55_597),  # half of that at 60 degrees north
    ],
)
def test_known_distances_come_out(
    start: tuple[float, float], end: tuple[float, float], expected_m: int
) -> None:
    assert distance_m(Position(*start), Position(*end)) == pytest.approx(expected_m, abs=1)


@pytest.mark.parametrize("place", [(180.1, 0), (-180.1, 0), (0, 90.1), (0, math.nan)])
def test_no_place_lies_off_the_earth(place: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="longitude must be in"):
        Position(*place)


def test_a_metre_is_told_from_two() -> None:
    one = Position(9.0, 47.0)
    assert distance_m(one, Position(9.0, 47.0 + 1 / 111_195)) == 1
    assert distance_m(one, Position(9.0, 47.0 + 2 / 111_195)) == 2


@given(positions, positions)
def test_the_way_back_is_as_long_and_no_way_is_longer_than_half_the_earth(
    start: Position, end: Position
) -> None:
    assert 0 <= distance_m(start, end) == distance_m(end, start) <= HALF_TURN_M


@given(positions, positions)
def test_the_chord_grows_with_the_distance(start: Position, end: Position) -> None:
    chord = math.dist(unit_vector(start), unit_vector(end))
    expected_m = 2 * EARTH_RADIUS_M * math.asin(min(1.0, chord / 2))
    assert distance_m(start, end) == pytest.approx(expected_m, abs=1)


def test_vectors_keep_their_order_and_nothing_makes_an_empty_array() -> None:
    rows = unit_vectors([Position(0, 0), Position(90, 0), Position(0, 90)])
    assert np.allclose(rows, np.eye(3))
    assert unit_vectors([]).shape == unit_vectors_at([], []).shape == (0, 3)


@given(st.lists(positions))
def test_vectors_of_many_places_are_the_same_to_the_last_bit(places: list[Position]) -> None:
    at_once = unit_vectors_at([one.lon_deg for one in places], [one.lat_deg for one in places])
    assert at_once.tobytes() == unit_vectors(places).tobytes()


@given(st.floats(-180, 180), st.floats(-90, 90))
def test_a_coarse_place_is_near_and_tells_nothing_finer(lon_deg: float, lat_deg: float) -> None:
    place = Position(lon_deg, lat_deg)
    rough = coarse(place)
    assert distance_m(place, rough) <= 80
    assert coarse(rough) == rough
    assert len({coarse(Position(2.3501 + n / 100_000, 48.8501)) for n in range(30)}) == 1
