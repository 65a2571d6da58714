"""A van serves the vehicles in its area and no others, wherever on earth that is."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.decision import Rule
from routing.directory.snapshot import Directory
from routing.geo import distance_m, place_of, unit_vector
from routing.matching.match import decide
from routing.matching.policy import load_policy
from routing.model import Position, ServiceArea, Site
from routing.testing import HERE, LIGHT, NOW, case, need, site

POLICY = load_policy()
BOX = ((2.3, 48.8), (2.5, 48.8), (2.5, 48.9), (2.3, 48.9), (2.3, 48.8))
HOLE = ((2.34, 48.84), (2.36, 48.84), (2.36, 48.86), (2.34, 48.86), (2.34, 48.84))


def van(area: ServiceArea | None, **more: object) -> Site:
    return replace_fields(site("van", [LIGHT]), service_area=area, is_van=area is not None, **more)


def replace_fields(garage: Site, **fields: object) -> Site:
    return replace(garage, **fields)  # type: ignore[arg-type] # fields of a site


def rule_for(garage: Site, place: Position) -> Rule | None:
    asked = case(need("engine.petrol"), position=place)
    decision = decide(asked, Directory([garage], "1"), POLICY, decided_at=NOW)
    return None if decision.offers else decision.excluded[0].rule


@pytest.mark.parametrize(
    ("area", "place", "is_served"),
    [
        (ServiceArea(radius_m=10_000), Position(2.45, 48.85), True),
        (ServiceArea(radius_m=5_000), Position(2.45, 48.85), False),
        (ServiceArea(polygons=((BOX,),)), Position(2.45, 48.85), True),
        (ServiceArea(polygons=((BOX,),)), Position(2.5, 48.85), True),
        (ServiceArea(polygons=((BOX,),)), Position(2.51, 48.85), False),
        (ServiceArea(polygons=((BOX, HOLE),)), Position(2.35, 48.85), False),
        (None, Position(2.51, 48.85), True),
    ],
)
def test_a_van_is_listed_within_its_area_only(
    area: ServiceArea | None, place: Position, *, is_served: bool
) -> None:
    assert rule_for(van(area), place) is (None if is_served else Rule.SERVICE_AREA)


def test_a_workshop_that_also_goes_out_takes_vehicles_from_everywhere() -> None:
    """The control: the area alone keeps nobody off the list."""
    workshop = replace_fields(van(ServiceArea(radius_m=1)), is_van=False)
    assert rule_for(workshop, Position(2.45, 48.85)) is None


def test_a_van_without_an_area_is_listed_nowhere() -> None:
    assert rule_for(replace_fields(site("a", [LIGHT]), is_van=True), HERE) is Rule.SERVICE_AREA


def test_a_site_that_takes_no_new_cases_is_not_listed() -> None:
    full, some = (replace_fields(site("a", [LIGHT]), cases_per_day=number) for number in (0, 1))
    assert rule_for(full, HERE) is Rule.CAPACITY
    assert rule_for(some, HERE) is None


@given(st.floats(-180, 180), st.floats(-90, 90))
def test_a_place_is_found_again_from_its_vector(lon_deg: float, lat_deg: float) -> None:
    place = Position(lon_deg, lat_deg)
    assert distance_m(place, place_of(unit_vector(place))) == 0
