import re
from dataclasses import fields

import pytest
import vininfo
from hypothesis import given
from hypothesis import strategies as st

from dtc_db.vehicle import Powertrain, VehicleClass
from simulators.model import DEMO_BOX, Box
from simulators.world.roster import fleet_vehicles, make_vin

FLEET = fleet_vehicles(40, 7, DEMO_BOX)


def test_the_same_seed_gives_the_same_fleet() -> None:
    assert fleet_vehicles(40, 7, DEMO_BOX) == FLEET
    assert fleet_vehicles(10, 7, DEMO_BOX) == FLEET[:10]
    other = fleet_vehicles(40, 8, DEMO_BOX)
    assert [one.vin for one in other] != [one.vin for one in FLEET]


def test_even_four_vehicles_are_a_mixed_fleet() -> None:
    kinds = {(one.kind.vehicle_class, one.kind.powertrain) for one in FLEET[:4]}
    assert kinds == {
        (VehicleClass.CAR, Powertrain.PETROL),
        (VehicleClass.CAR, Powertrain.BEV),
        (VehicleClass.TRUCK, Powertrain.DIESEL),
        (VehicleClass.VAN, Powertrain.DIESEL),
    }


def test_units_and_vins_are_unique_and_well_formed() -> None:
    assert len({one.unit for one in FLEET}) == len({one.vin for one in FLEET}) == len(FLEET)
    for one in FLEET:
        assert re.fullmatch(r"[a-z]+-\d{4}", one.unit)
        assert re.fullmatch(r"[A-HJ-NPR-Z0-9]{17}", one.vin)


def test_vininfo_agrees_with_check_digit_make_and_year() -> None:
    for one in FLEET:
        vin = vininfo.Vin(one.vin)
        assert vin.verify_checksum(check_year=True), one
        assert one.kind.make is not None
        assert one.kind.make in str(vin.manufacturer).lower()
        assert one.kind.model_year in vin.years


def test_a_wrong_digit_is_seen_by_the_check() -> None:
    vin = make_vin("VF1", 2020, serial=123_456)
    spoilt = vin[:-1] + str((int(vin[-1]) + 1) % 10)
    assert vininfo.Vin(vin).verify_checksum(check_year=False)
    assert not vininfo.Vin(spoilt).verify_checksum(check_year=False)


@given(st.integers(0, 39), st.floats(0, 1e7))
def test_no_vehicle_ever_leaves_its_box(index: int, elapsed_s: float) -> None:
    state = FLEET[index].state_after(elapsed_s)
    assert DEMO_BOX.west_deg <= state.position.lon_deg <= DEMO_BOX.east_deg
    assert DEMO_BOX.south_deg <= state.position.lat_deg <= DEMO_BOX.north_deg
    assert state.odometer_km >= FLEET[index].odometer_km


def test_the_box_decides_the_place_and_nothing_else() -> None:
    away = fleet_vehicles(40, 7, Box(9.2, 51.15, 9.8, 51.5))
    for here, there in zip(FLEET, away, strict=True):
        for field in fields(here):
            if field.name not in ("box", "start"):
                assert getattr(here, field.name) == getattr(there, field.name)
        assert here.start != there.start


@pytest.mark.parametrize("n", [0, -1, 10_001])
def test_a_fleet_has_a_limit(n: int) -> None:
    with pytest.raises(ValueError, match="1 to 10000 vehicles"):
        fleet_vehicles(n, 1, DEMO_BOX)
