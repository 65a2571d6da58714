"""Which vehicles lock their diagnostic socket, by make and model year."""

from pathlib import Path

import pytest

from dtc_db import gateways
from dtc_db.codes import parse_code
from dtc_db.errors import TableError
from dtc_db.gateways import Lock, SecureGateways
from dtc_db.knowledge import Knowledge
from dtc_db.requirement import GATEWAY_ACCESS
from dtc_db.vehicle import VehicleClass, VehicleKind

TABLE = SecureGateways.load()


def lock(make: str | None, year: int | None, vehicle_class: str = "car") -> str:
    kind = VehicleKind(vehicle_class=VehicleClass(vehicle_class), make=make, model_year=year)
    found = TABLE.find(kind)
    return "" if found is None else found.locks.value


@pytest.mark.parametrize(
    ("make", "year", "expected"),
    [
        ("Jeep", 2018, "tests"),
        ("jeep", 2017, ""),
        ("Alfa", None, "tests"),
        ("VW", 2020, "writing"),
        ("Škoda", 2023, "writing"),
        ("skoda", 2019, ""),
        ("Mercedes", 2019, "writing"),
        ("toyota", 2026, ""),
        (None, 2026, ""),
    ],
)
def test_a_lock_is_of_a_make_from_a_year_on(
    make: str | None, year: int | None, expected: str
) -> None:
    assert lock(make, year) == expected


def test_heavy_vehicles_are_not_said_to_have_one() -> None:
    assert lock("mercedes-benz", 2024, "truck") == ""
    assert lock("mercedes-benz", 2024, "van") == Lock.WRITING


def test_the_knowledge_asks_for_access_and_says_why() -> None:
    knowledge = Knowledge.load()
    jeep = VehicleKind(vehicle_class=VehicleClass.CAR, make="jeep", model_year=2020)
    older = VehicleKind(vehicle_class=VehicleClass.CAR, make="jeep", model_year=2015)
    locked = knowledge.assess(parse_code("B0001"), jeep)
    assert GATEWAY_ACCESS in locked.need.access
    assert any(line.startswith("access: secure gateway") for line in locked.why)
    free = knowledge.assess(parse_code("B0001"), older)
    assert GATEWAY_ACCESS not in free.need.access
    assert not any(line.startswith("access:") for line in free.why)
    assert locked.urgency is free.urgency


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[[gateway]]\nmakes = ['a']", "no. 1: 'from_year'"),
        ("[[gateway]]\nmakes=['a']\nfrom_year=1\nlocks='doors'\nsource='x'", "doors"),
        ("[[gateway]]\nmakes=['a']\nfrom_year=1\nlocks='tests'\nsource='x'\nz=1", "unknown: z"),
        ("[[gateway]]\nmakes=['a']\nfrom_year=1\nlocks='tests'\nsource='x'\n" * 2, "stands twice"),
    ],
)
def test_a_table_with_a_mistake_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, reason: str
) -> None:
    (tmp_path / "gateways.toml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(gateways, "FOLDER", tmp_path)
    with pytest.raises(TableError, match=reason):
        SecureGateways.load()
