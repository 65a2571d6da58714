import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtc_db.codes import J1939Dtc, J2012Dtc, RawDtc, parse_code
from dtc_db.knowledge import Assessment, Knowledge
from dtc_db.vehicle import Powertrain, VehicleClass, VehicleKind

KNOWLEDGE = Knowledge.load()
ANY_VEHICLE = st.builds(
    VehicleKind,
    vehicle_class=st.sampled_from(VehicleClass),
    powertrain=st.sampled_from(Powertrain),
    make=st.none() | st.text(max_size=5),
    model_year=st.none() | st.integers(),
)
ANY_CODE = (
    st.builds(J2012Dtc, st.integers(0, 0xFFFF), st.none() | st.integers(0, 0xFF))
    | st.builds(J1939Dtc, st.integers(0, 0x7FFFF), st.integers(0, 31))
    | st.builds(RawDtc, st.integers(0, 0xFFFFFF))
)


def assess(code: str, vehicle: VehicleKind | None = None, lang: str = "en") -> Assessment:
    return KNOWLEDGE.assess(parse_code(code), vehicle or VehicleKind(), lang=lang)


@given(
    ANY_CODE,
    ANY_VEHICLE,
    st.none() | st.text(max_size=10),
    st.lists(st.tuples(st.text(max_size=4), st.text(max_size=10)), max_size=3),
    st.text(max_size=3),
)
def test_no_question_raises(
    code: J2012Dtc | J1939Dtc | RawDtc,
    vehicle: VehicleKind,
    status: str | None,
    lamps: list[tuple[str, str]],
    lang: str,
) -> None:
    answer = KNOWLEDGE.assess(code, vehicle, status=status, lamps=lamps, lang=lang)
    assert answer.code == code
    assert answer.text
    assert answer.driver_action
    assert len(answer.why) >= 2


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("P0301-11", "Cylinder 1 misfire detected: short to ground"),
        ("P0301-EE", "Cylinder 1 misfire detected (0xEE)"),
        ("P0301-00", "Cylinder 1 misfire detected"),
    ],
)
def test_a_failure_type_is_said_or_shown_but_not_invented(code: str, text: str) -> None:
    assert assess(code).text == text


def test_a_failure_type_is_said_in_the_language_asked_for() -> None:
    assert assess("P0301-13", lang="de").text.endswith("Unterbrechung")
    assert assess("P0301-13", lang="xx").text.endswith("open circuit")


def test_a_vehicle_that_speaks_j1939_is_taken_for_a_truck() -> None:
    assert "brakes.air" in str(assess("789/2").need)
    assert "truck" in assess("789/2").why[1]
    van = VehicleKind(vehicle_class=VehicleClass.VAN)
    assert "brakes.air" not in str(assess("789/2", van).need), "what is known is believed"


def test_the_why_names_row_work_and_rules() -> None:
    answer = KNOWLEDGE.assess(
        parse_code("P0300"), VehicleKind(), status="pending", lamps=[("mil", "fast_flash")]
    )
    row, work, *rules = answer.why
    assert row.startswith("meaning: powertrain0_ignition.txt:")
    assert work.startswith("work: engine")
    assert len(rules) == 2


def test_two_loads_give_the_same_answers() -> None:
    other = Knowledge.load()
    for number in range(0, 0x10000, 97):
        code = J2012Dtc(number)
        assert other.assess(code, VehicleKind()) == KNOWLEDGE.assess(code, VehicleKind())


def test_answers_come_fast_enough_to_be_asked_without_care() -> None:
    codes = [J2012Dtc(number) for number in range(0, 0x10000, 13)]
    vehicle = VehicleKind(powertrain=Powertrain.BEV)
    started_s = time.perf_counter()
    for code in codes:
        KNOWLEDGE.assess(code, vehicle)
    each_s = (time.perf_counter() - started_s) / len(codes)
    assert each_s < 0.0005, "25 times the goal of 20 µs: only a defect is that slow"
