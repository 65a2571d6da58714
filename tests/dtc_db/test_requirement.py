from dataclasses import replace
from pathlib import Path

import pytest

from dtc_db import requirement
from dtc_db.errors import TableError
from dtc_db.gateways import Lock, SecureGateway, SecureGateways
from dtc_db.need import Arrival, format_expression, skills_of
from dtc_db.requirement import GATEWAY_ACCESS, LIVE_WORK, Requirements, load_trades
from dtc_db.skills import load_vocabulary
from dtc_db.urgency import Urgency
from dtc_db.vehicle import Powertrain, VehicleClass, VehicleKind

TRADES = load_trades()
REQUIREMENTS = Requirements(TRADES)
KINDS = [
    VehicleKind(vehicle_class=vehicle_class, powertrain=powertrain)
    for vehicle_class in VehicleClass
    for powertrain in Powertrain
]


def check(trade: str, vehicle: str, expected: str, urgency: Urgency = Urgency.SOON) -> None:
    vehicle_class, powertrain = vehicle.split()
    kind = VehicleKind(vehicle_class=VehicleClass(vehicle_class), powertrain=Powertrain(powertrain))
    assert str(REQUIREMENTS.of(trade, kind, urgency)) == expected


@pytest.mark.parametrize(
    ("trade", "vehicle", "expected"),
    [
        ("engine", "car petrol", "engine.petrol; drives"),
        ("engine", "car gas", "engine.petrol; drives"),
        ("engine", "car unknown", "engine.diesel + engine.petrol; drives"),
        ("engine", "truck unknown", "engine.diesel + truck.general; equipment lift.heavy; drives"),
        ("engine", "car hybrid", "engine.petrol + hv.aware; drives"),
        (
            "engine",
            "bus hybrid",
            "engine.diesel + hv.aware + truck.general; equipment lift.heavy; drives",
        ),
        ("engine", "car bev", "diagnostics.general + hv.aware; drives"),
        ("fuel", "car gas", "engine.petrol + gas.lpg_cng; drives"),
        ("fuel", "car fcev", "diagnostics.general + hv.aware + hydrogen; drives"),
        ("electrics", "car bev", "electrics.12v; drives"),
        ("electrics", "truck bev", "electrics.24v; drives"),
        ("brakes", "car bev", "brakes; drives"),
        ("refrigerant", "car petrol", "ac.refrigerant; equipment ac.station; drives"),
        (
            "refrigerant",
            "car unknown",
            "ac.refrigerant + hv.deenergised + hv.isolate; equipment ac.station, hv.tools; drives",
        ),
        ("hv", "car petrol", "hv.deenergised + hv.isolate; equipment hv.tools; drives"),
        (
            "isolation",
            "car bev",
            "hv.deenergised + hv.isolate + hv.live; equipment hv.tools; drives",
        ),
    ],
)
def test_the_work_on_this_vehicle_takes(trade: str, vehicle: str, expected: str) -> None:
    check(trade, vehicle, expected)


def test_the_urgency_says_how_the_vehicle_gets_there() -> None:
    check("brakes", "car petrol", "brakes; limps", Urgency.LIMP)
    check("brakes", "car petrol", "brakes; limps", Urgency.UNKNOWN)
    check("brakes", "car petrol", "brakes; towed", Urgency.TOW)
    check("brakes", "car petrol", "brakes; towed", Urgency.STOP_NOW)
    check("brakes", "car petrol", "brakes; drives", Urgency.NEXT_SERVICE)


def test_a_high_voltage_vehicle_is_towed_by_someone_fit_for_it() -> None:
    check("brakes", "car bev", "brakes; recovery by tow.hv; towed", Urgency.TOW)
    for vehicle in KINDS:
        assert REQUIREMENTS.of("isolation", vehicle, Urgency.TOW).recovery == {"tow.hv"}


def test_an_unknown_vehicle_needs_no_less_high_voltage_than_a_known_one() -> None:
    for trade in TRADES:
        for vehicle in KINDS:
            unknown = VehicleKind(vehicle_class=vehicle.vehicle_class)
            assert _high_voltage(trade, unknown) >= _high_voltage(trade, vehicle), (trade, vehicle)


def _high_voltage(trade: str, vehicle: VehicleKind) -> frozenset[str]:
    skills = skills_of(REQUIREMENTS.of(trade, vehicle, Urgency.SOON).skills)
    return skills.intersection(LIVE_WORK)


def test_every_word_of_a_need_stands_in_the_vocabulary() -> None:
    vocabulary = load_vocabulary()
    for trade in TRADES:
        for vehicle in KINDS:
            for urgency in Urgency:
                need = REQUIREMENTS.of(trade, vehicle, urgency)
                assert skills_of(need.skills) | need.recovery <= set(vocabulary.skills)
                assert need.equipment <= set(vocabulary.equipment)
                assert need.access <= set(vocabulary.access)


def test_no_work_needs_nothing() -> None:
    for trade in TRADES:
        for vehicle in KINDS:
            assert format_expression(REQUIREMENTS.of(trade, vehicle, Urgency.SOON).skills)


LOCKED = Requirements(
    TRADES,
    SecureGateways(
        [
            SecureGateway(
                makes=frozenset({make}), from_year=2019, locks=Lock(lock), source="a test; low"
            )
            for make, lock in (("all", "tests"), ("some", "writing"))
        ]
    ),
)


@pytest.mark.parametrize(
    ("trade", "make", "year", "is_locked"),
    [
        ("transmission", "all", 2019, True),
        ("transmission", "some", 2024, True),
        ("transmission", "some", None, True),  # nobody knows, so it is taken for locked
        ("transmission", "some", 2018, False),
        ("transmission", "other", 2024, False),
        ("transmission", None, 2024, False),
        ("srs", "all", 2020, True),
        ("srs", "some", 2020, False),  # a test, and only writing is locked
        ("engine", "all", 2020, False),  # its lamp goes out by itself
        ("electrics", "all", 2020, False),
    ],
)
def test_locked_vehicles_need_whoever_may_open_them_for_work_that_ends_at_the_tester(
    trade: str,
    make: str | None,
    year: int | None,
    is_locked: bool,  # noqa: FBT001 - a column of the table
) -> None:
    kind = VehicleKind(vehicle_class=VehicleClass.CAR, make=make, model_year=year)
    access = LOCKED.of(trade, kind, Urgency.SOON).access
    assert (GATEWAY_ACCESS in access) is is_locked
    assert (LOCKED.find_lock(trade, kind) is not None) is is_locked
    truck = replace(kind, vehicle_class=VehicleClass.TRUCK)
    assert GATEWAY_ACCESS not in LOCKED.of(trade, truck, Urgency.SOON).access


def test_only_work_on_keys_and_theft_protection_asks_for_sermi() -> None:
    kinds = [replace(kind, make=make) for kind in KINDS for make in (None, "all", "some")]
    asking = {
        trade
        for trade in TRADES
        for kind in kinds
        if "sermi" in LOCKED.of(trade, kind, Urgency.SOON).access
    }
    assert asking == {"security"}


def test_the_most_careful_arrival_is_towing() -> None:
    assert REQUIREMENTS.of("hv", KINDS[0], Urgency.STOP_NOW).arrival is Arrival.TOWED


@pytest.mark.parametrize(
    "text", ["[a]\n", "[a]\nskills = []\nlift = 1\n", '[a]\nskills = []\nhigh_voltage = "some"\n']
)
def test_a_mistake_in_the_table_names_the_kind_of_work(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "trades.toml").write_text(text)
    monkeypatch.setattr(requirement, "FOLDER", tmp_path)
    with pytest.raises(TableError, match=r"\[a\]"):
        load_trades()
