"""Vehicles are registered from a table; the VIN fills gaps and is never told."""

import string
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dtc_db.vehicle import Powertrain, VehicleClass, VehicleKind
from routing.imports.vehicles import VehicleFile, read_vehicles

HEADER = "unit,vin,make,model,year,powertrain,vehicle_class,fleet"
HONDA = "1HGCM82633A004352"  # the usual example of a right check digit
TESLA = "LRW3E7FA7MC300000"


def read(folder: Path, *rows: str, header: str = HEADER) -> VehicleFile:
    path = folder / "vehicles.csv"
    path.write_text("\n".join([header, *rows]), encoding="utf-8")
    return read_vehicles(path, year_max=2027)


def test_what_the_file_says_is_taken(tmp_path: Path) -> None:
    found = read(tmp_path, f"van-7,{HONDA},VW,Crafter,2019,diesel,van,north")
    assert found.findings == ()
    (vehicle,) = found.vehicles
    assert vehicle.kind == VehicleKind(
        vehicle_class=VehicleClass.VAN,
        powertrain=Powertrain.DIESEL,
        make="volkswagen",
        model_year=2019,
    )
    assert (vehicle.unit, vehicle.vin, vehicle.model, vehicle.fleet) == (
        "van-7",
        HONDA,
        "Crafter",
        "north",
    )


@pytest.mark.parametrize(
    ("vin", "make", "year"),
    [
        (HONDA, "honda", 2003),
        (HONDA.lower(), "honda", 2003),
        (TESLA, "tesla", 2021),  # or 1991 by its letter
        ("WDD1173441N000001", "mercedes-benz", None),  # the tenth character is no year there
        ("WMA06XZZ0MP000001", "man", None),
        ("", None, None),
    ],
)
def test_make_and_year_come_from_the_vin_where_it_tells_them(
    tmp_path: Path, vin: str, make: str | None, year: int | None
) -> None:
    (vehicle,) = read(tmp_path, f"u,{vin},,,,,,").vehicles
    assert (vehicle.make, vehicle.model_year) == (make, year)


def test_a_unit_alone_is_enough_and_the_rest_stays_unknown(tmp_path: Path) -> None:
    (vehicle,) = read(tmp_path, "u-1", header="unit").vehicles
    assert vehicle.kind == VehicleKind()
    assert (vehicle.vin, vehicle.fleet) == (None, None)


@pytest.mark.parametrize(
    ("rows", "field", "told"),
    [
        ([",,,,,,,x"], "unit", "1 to 64"),
        (["a/b,,,,,,,"], "unit", "without + # / $"),
        ([f"{'u' * 65},,,,,,,"], "unit", "1 to 64"),
        ([f"u,{HONDA[:-1]},,,,,,"], "vin", "got 16 (…0435)"),
        ([f"u,{HONDA.replace('H', 'O')},,,,,,"], "vin", "without I, O and Q"),
        (["u,,,,1949,,,"], "year", "from 1950 to 2027"),
        (["u,,,,2028,,,"], "year", "from 1950 to 2027"),
        (["u,,,,MMXX,,,"], "year", "'MMXX'"),
        (["u,,,,,steam,,"], "powertrain", "'steam'"),
        (["u,,,,,,boat,"], "vehicle_class", "'boat'"),
        ([f"u,,,{'x' * 101},,,,"], "model", "at most 100"),
        (["u,,,,,,,,x"], "row", "at most 8 cells, got 9"),
        (["u,,,,,,,", "u,,,,,,,"], "unit", "u stands in this file twice"),
        ([f"u,{HONDA},,,,,,", f"v,{HONDA},,,,,,"], "vin", "before with unit u"),
    ],
)
def test_a_malformed_row_is_refused_by_field_and_reason(
    tmp_path: Path, rows: list[str], field: str, told: str
) -> None:
    found = read(tmp_path, *rows)
    assert [(one.where, one.field) for one in found.findings] == [(f"line {len(rows) + 1}", field)]
    assert told in found.findings[0].reason
    assert HONDA[:8] not in str(found.findings[0])


def test_a_vin_is_not_shown_by_accident(tmp_path: Path) -> None:
    (vehicle,) = read(tmp_path, f"u,{HONDA},,,,,,").vehicles
    assert HONDA not in repr(vehicle)
    assert "u" in repr(vehicle)  # the control: the rest is shown


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(string.ascii_letters + string.digits + " -ß", min_size=15, max_size=18))
def test_no_vin_raises(tmp_path: Path, vin: str) -> None:
    found = read(tmp_path, f"u,{vin},,,,,,")
    assert len(found.vehicles) + len(found.findings) == 1


def test_whose_rules_hold_until_when_the_warranty_lasts_and_the_language_are_read(
    tmp_path: Path,
) -> None:
    header = "unit,principal,warranty_until,lang"
    (one, other) = read(tmp_path, "u1,north,2028-03-31,FR", "u2,,,", header=header).vehicles
    told = (one.principal, str(one.warranty_until), one.lang)
    assert told == ("north", "2028-03-31", "fr")
    assert (other.principal, other.warranty_until, other.lang) == (None, None, None)
    found = read(tmp_path, "u1,,31.3.2028,", "u2,,,it", header=header).findings
    assert [finding.field for finding in found] == ["warranty_until", "lang"]
