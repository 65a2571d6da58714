import pytest

from dtc_db.codes import Code, parse_code
from dtc_db.languages import LANGUAGES
from dtc_db.requirement import load_trades
from dtc_db.triage import Actions, weigh
from dtc_db.urgency import RANK, Urgency
from dtc_db.vehicle import VehicleClass, VehicleKind

TRADES = load_trades()
ACTIONS = Actions.load()
CAR_CODE = parse_code("P0301")
TRUCK_CODE = parse_code("609/9")


def check(
    base: str,
    expected: str,
    *,
    code: Code = CAR_CODE,
    trade: str = "engine",
    vehicle_class: str = "car",
    status: str | None = "confirmed",
    lamps: tuple[tuple[str, str], ...] = (),
) -> None:
    urgency, why = weigh(
        Urgency(base),
        code=code,
        trade=TRADES[trade],
        vehicle=VehicleKind(vehicle_class=VehicleClass(vehicle_class)),
        status=status,
        lamps=lamps,
    )
    assert urgency == expected
    assert bool(why) == (base != expected), "every rule that changed something says so"


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        ("stop_now", "stop_now"),
        ("tow", "tow"),
        ("limp", "soon"),
        ("soon", "next_service"),
        ("next_service", "next_service"),
        ("info", "info"),
        ("unknown", "unknown"),
    ],
)
def test_a_pending_fault_weighs_less_unless_one_must_stop(base: str, expected: str) -> None:
    check(base, expected, status="pending")


@pytest.mark.parametrize(
    "status", [None, "stored", "confirmed", "active", "permanent", "gibberish"]
)
def test_no_other_status_changes_anything(status: str | None) -> None:
    for urgency in Urgency:
        check(urgency, urgency, status=status)


@pytest.mark.parametrize(
    ("lamp", "state", "base", "expected"),
    [
        ("rsl", "on", "info", "stop_now"),
        ("rsl", "slow_flash", "unknown", "stop_now"),
        ("rsl", "off", "soon", "soon"),
        ("rsl", "not_supported", "soon", "soon"),
        ("awl", "on", "next_service", "soon"),
        ("awl", "on", "limp", "limp"),
        ("awl", "on", "unknown", "unknown"),
        ("pl", "on", "info", "soon"),
        ("mil", "on", "info", "next_service"),
        ("mil", "on", "soon", "soon"),
        ("mil", "fast_flash", "soon", "limp"),
        ("mil", "slow_flash", "unknown", "limp"),
        ("horn", "on", "info", "info"),
        ("advice", "check_immediately", "next_service", "limp"),
        ("advice", "check_at_next_halt", "info", "soon"),
        ("advice", "maintenance_only", "info", "next_service"),
        ("advice", "maintenance_only", "tow", "tow"),
        ("advice", "on", "info", "info"),
    ],
)
def test_a_lit_lamp_raises(lamp: str, state: str, base: str, expected: str) -> None:
    check(base, expected, lamps=((lamp, state),))


def test_a_flashing_malfunction_lamp_grades_emissions_in_a_truck() -> None:
    check("info", "soon", code=TRUCK_CODE, lamps=(("mil", "slow_flash"),))


def test_no_lamp_ever_lowers() -> None:
    for base in Urgency:
        for lamp in ("rsl", "awl", "pl", "mil"):
            for state in ("on", "slow_flash", "fast_flash", "off"):
                urgency, _ = weigh(
                    base,
                    code=CAR_CODE,
                    trade=TRADES["engine"],
                    vehicle=VehicleKind(),
                    status=None,
                    lamps=[(lamp, state)],
                )
                assert RANK[urgency] <= RANK[base]


def test_a_braking_fault_weighs_more_in_a_heavy_vehicle() -> None:
    check("soon", "limp", trade="brakes", vehicle_class="truck")
    check("soon", "limp", trade="brakes", vehicle_class="bus")
    check("soon", "soon", trade="brakes", vehicle_class="car")
    check("soon", "soon", trade="engine", vehicle_class="truck")
    check("soon", "soon", trade="brakes", vehicle_class="truck", code=TRUCK_CODE)


def test_everything_can_be_said_in_every_language() -> None:
    hazards = {trade.hazard for trade in TRADES.values()}
    for urgency in Urgency:
        for hazard in hazards:
            said = [ACTIONS.say(urgency, hazard, lang) for lang in LANGUAGES]
            assert len(set(said)) == len(LANGUAGES)
            assert all(driver and fleet for driver, fleet in said)


def test_a_hazard_is_named_where_it_counts() -> None:
    assert "orange" in ACTIONS.say(Urgency.TOW, "hv", "en")[0]
    assert "orange" not in ACTIONS.say(Urgency.TOW, "", "en")[0]
    assert ACTIONS.say(Urgency.INFO, "hv", "en") == ACTIONS.say(Urgency.INFO, "", "en")


def test_a_language_that_is_not_kept_is_answered_in_english() -> None:
    assert ACTIONS.say(Urgency.SOON, "", "xx") == ACTIONS.say(Urgency.SOON, "", "en")
