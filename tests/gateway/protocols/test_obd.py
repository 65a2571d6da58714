import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtc_db.codes import J2012Dtc
from gateway.model import Observation, Outcome, Reason, Rejection, Status
from gateway.protocols import obd


def observe(payload: str, *, is_counted: bool = True) -> Observation:
    found = obd.decode(bytes.fromhex(payload), ecu="7E8", is_counted=is_counted)
    assert isinstance(found, Observation), found
    return found


def check(
    payload: str,
    codes: list[str],
    *,
    service: str = "03",
    status: Status = Status.CONFIRMED,
    is_counted: bool = True,
) -> None:
    found = observe(payload, is_counted=is_counted)
    assert [str(one.code) for one in found.codes] == codes
    assert {one.status for one in found.codes} <= {status}
    assert found.service == service
    assert found.outcome is (Outcome.CODES if codes else Outcome.NONE_FOUND)
    assert found.is_complete


def test_a_list_on_can_has_a_number_before_its_codes() -> None:
    check("43 02 01 20 01 21", ["P0120", "P0121"])
    check("47 01 C1 00", ["U0100"], service="07", status=Status.PENDING)
    check("4A 01 92 34", ["B1234"], service="0A", status=Status.PERMANENT)
    check("43 00", [])


def test_a_list_on_a_k_line_has_no_number() -> None:
    check("43 01 03 01 04 01 05", ["P0103", "P0104", "P0105"], is_counted=False)
    check("47 01 03 00 00 00 00", ["P0103"], service="07", status=Status.PENDING, is_counted=False)
    check("43 00 00 00 00 00 00", [], is_counted=False)


def test_zeros_are_filler_and_a_code_listed_twice_is_one() -> None:
    check("43 03 01 20 00 00 01 20", ["P0120"])


@pytest.mark.parametrize(
    ("payload", "is_counted", "reason"),
    [
        ("43 01 03 01 04 01 05", True, Reason.AMBIGUOUS),
        ("43 02 01 20", True, Reason.LENGTH),
        ("43 01 01 20 00 00", True, Reason.LENGTH),
        ("43", True, Reason.LENGTH),
        ("43 01 20 01", False, Reason.LENGTH),
        ("43", False, Reason.LENGTH),
        ("41 01", True, Reason.LENGTH),
        ("41 01 00", True, Reason.LENGTH),
        ("42 02 00", True, Reason.LENGTH),
        ("49 02", True, Reason.LENGTH),
    ],
)
def test_a_length_that_contradicts_the_content_is_not_guessed_at(
    payload: str, *, is_counted: bool, reason: Reason
) -> None:
    found = obd.decode(bytes.fromhex(payload), ecu="7E8", is_counted=is_counted)
    assert isinstance(found, Rejection)
    assert (found.reason, found.raw, found.ecu) == (reason, bytes.fromhex(payload), "7E8")


def test_the_lamp_and_the_number_of_codes_are_apart_from_the_codes() -> None:
    found = observe("41 01 81 07 65 04")
    assert (found.mil, found.count, found.codes) == (True, 1, ())
    assert found.outcome is Outcome.DATA
    assert dict(found.signals) == {
        "is_compression_ignition": 0.0,
        "monitors_supported": 7.0,
        "monitors_not_ready": 1.0,
    }
    assert observe("41 0D 50").mil is None


def test_values_of_several_parameters_stand_in_one_answer() -> None:
    found = observe("41 05 7B 0C 1A F8 42 37 14 A6 00 01 E2 40")
    assert dict(found.signals) == {
        "coolant_c": 83.0,
        "engine_rpm": 1726.0,
        "battery_v": 14.1,
        "odometer_km": 12345.6,
    }


def test_reading_stops_at_a_parameter_of_unknown_length() -> None:
    assert dict(observe("41 0D 50 EE 01 02 0C 00 00").signals) == {"speed_kmh": 80.0}
    assert observe("41 00 BE 3E B8 11").signals == ()


def test_a_freeze_frame_is_apart_from_live_values() -> None:
    found = observe("42 05 00 7B 0D 00 50")
    assert (found.service, found.outcome) == ("02", Outcome.DATA)
    assert dict(found.signals) == {"coolant_c": 83.0, "speed_kmh": 80.0}
    cause = observe("42 02 00 01 28")
    assert [one.code for one in cause.codes] == [J2012Dtc(0x0128)]
    assert not cause.is_complete


def test_no_freeze_frame_is_not_no_fault() -> None:
    assert observe("42 02 00 00 00").outcome is Outcome.DATA


def test_the_identity_of_a_control_unit_is_read() -> None:
    vin = "1M8GDM9AXKP042788"
    assert observe("49 02 01" + vin.encode().hex()).identity == (("vin", vin),)
    two = b"JMB*36761500".ljust(16, b"\0") + b"JMB*47872611".ljust(16, b"\0")
    assert observe("49 04 02" + two.hex()).identity == (
        ("calibration_id", "JMB*36761500"),
        ("calibration_id", "JMB*47872611"),
    )
    assert observe("49 06 01 17 91 BC 82").identity == (("cvn", "1791BC82"),)
    assert observe("49 0A 01" + b"ECM\0-Engine".hex()).identity == (("ecu_name", "ECM-Engine"),)
    assert observe("49 08 01 00 00").identity == ()
    assert observe("49 02 01 00 00").identity == ()
    # In pieces, before CAN: kept, not guessed at.
    assert observe("49 02 01 00 00 00 31", is_counted=False).identity == ()


def test_that_somebody_cleared_codes_is_noticed() -> None:
    assert (observe("44").service, observe("44").outcome) == ("04", Outcome.DATA)


@pytest.mark.parametrize(
    ("payload", "outcome"),
    [
        ("7F 03 11", Outcome.REFUSED),
        ("7F 0A 12", Outcome.REFUSED),
        ("7F 07 21", Outcome.BUSY),
        ("7F 19 78", Outcome.BUSY),
    ],
)
def test_refused_and_busy_are_not_none_found(payload: str, outcome: Outcome) -> None:
    found = observe(payload)
    assert found.outcome is outcome
    assert found.codes == ()
    assert found.service == payload[3:5]


@pytest.mark.parametrize("payload", ["", "62 F1 90 41", "7F 22 31", "7F 03", "03"])
def test_what_does_not_tell_about_faults_is_passed_over(payload: str) -> None:
    assert obd.decode(bytes.fromhex(payload), ecu="7E8") is None


@given(payload=st.binary(), is_counted=st.booleans())
def test_no_bytes_raise(payload: bytes, *, is_counted: bool) -> None:
    found = obd.decode(payload, ecu="7E8", is_counted=is_counted)
    assert found is None or found.raw == payload


@given(st.lists(st.integers(1, 0xFFFF), unique=True, max_size=255))
def test_every_list_of_codes_survives_the_way_through_can(numbers: list[int]) -> None:
    payload = bytes((0x43, len(numbers))) + b"".join(one.to_bytes(2) for one in numbers)
    found = obd.decode(payload, ecu="7E8")
    assert isinstance(found, Observation)
    assert [one.code for one in found.codes] == [J2012Dtc(one) for one in numbers]
