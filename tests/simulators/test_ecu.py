import pytest
from hypothesis import given
from hypothesis import strategies as st
from udsoncan.Response import Response
from udsoncan.services.ReadDTCInformation import ReadDTCInformation

from simulators.ecu import FAULTS_MAX, ControlUnit
from simulators.model import EcuKind, Fault, Lamp, Stage
from simulators.world.codes import parse_code

VIN = "VF1ZZZ9A0LS000001"


def fault(text: str, stage: Stage = Stage.CONFIRMED, lamp: Lamp = Lamp.MIL) -> Fault:
    return Fault(ecu="unit", code=parse_code(text), code_text=text, stage=stage, lamp=lamp)


def unit(*faults: Fault, is_obd: bool = True, is_uds: bool = True) -> ControlUnit:
    kind = EcuKind(name="unit", request_id=0x7E0, response_id=0x7E8, is_obd=is_obd, is_uds=is_uds)
    made = ControlUnit(kind, vin=VIN)
    for one in faults:
        made.set_fault(one)
    return made


MIXED = (
    fault("P0302"),
    fault("P0128", Stage.PENDING),
    fault("C1678-9A", Stage.PERMANENT),
    fault("U0405-81", Stage.DORMANT, Lamp.NONE),
)


@pytest.mark.parametrize(
    ("request_hex", "answer_hex"),
    [
        ("03", "4302 0302 5678"),
        ("07", "4701 0128"),
        ("0a", "4a01 5678"),
        ("0100", "4100 80000000"),
        ("0101", "4101 82 076500"),
        ("0902", "490201 56463 15a5a5a394130 4c533030 30303031"),
        ("1901ff", "5901ff 00 0004"),
        ("190108", "5901ff 00 0002"),
        ("19020d", "5902ff 030200af 01280027 56789aaf"),
        ("1902ff", "5902ff 030200af 01280027 56789aaf c4058150"),
        ("190280", "5902ff 030200af 56789aaf"),
        ("190a", "7f1912"),
        ("19", "7f1913"),
        ("1902", "7f1913"),
        ("1902ff00", "7f1913"),
        ("198208", None),  # the positive answer is suppressed
        ("1003", "7f1011"),
        ("010c", None),
        ("", None),
    ],
)
def test_a_control_unit_answers_a_request_to_itself(
    request_hex: str, answer_hex: str | None
) -> None:
    answer = unit(*MIXED).answer(bytes.fromhex(request_hex), is_functional=False)
    assert answer == (None if answer_hex is None else bytes.fromhex(answer_hex.replace(" ", "")))


@pytest.mark.parametrize("request_hex", ["1003", "190a", "1902", "3e00"])
def test_nobody_refuses_a_request_to_everyone(request_hex: str) -> None:
    assert unit(*MIXED).answer(bytes.fromhex(request_hex), is_functional=True) is None


def test_no_fault_is_an_answer_and_not_silence() -> None:
    assert unit().answer(b"\x03", is_functional=True) == b"\x43\x00"
    assert unit().answer(b"\x19\x02\xff", is_functional=False) == b"\x59\x02\xff"


def test_two_failure_types_of_one_code_are_one_emission_code() -> None:
    answer = unit(fault("P0302-11"), fault("P0302-12")).answer(b"\x03", is_functional=True)
    assert answer == b"\x43\x01\x03\x02"


@pytest.mark.parametrize("service", [0x04, 0x11, 0x14, 0x27, 0x2E, 0x2F, 0x31, 0x34, 0x85])
def test_nothing_that_changes_a_vehicle_is_done(service: int) -> None:
    made = unit(*MIXED)
    answer = made.answer(bytes((service, 0xFF, 0xFF, 0xFF)), is_functional=False)
    assert answer == bytes((0x7F, service, 0x11))
    assert made.answer(b"\x19\x02\xff", is_functional=False) == unit(*MIXED).answer(
        b"\x19\x02\xff", is_functional=False
    )


@given(st.binary(max_size=20), st.booleans())
def test_no_request_raises(request: bytes, is_functional: bool) -> None:  # noqa: FBT001
    unit(*MIXED).answer(request, is_functional=is_functional)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 3),
            st.integers(0, 0x3FFF),
            st.integers(0, 0xFF),
            st.sampled_from(Stage),
        ),
        max_size=60,
        unique_by=lambda row: row[:3],
    ),
    st.sampled_from([0xFF, 0x0D, 0x08, 0x01, 0x04]),
)
def test_udsoncan_reads_the_same_codes_and_status(
    rows: list[tuple[int, int, int, Stage]], mask: int
) -> None:
    made = unit()
    expected = {}
    for system, rest, failure_type, stage in rows:
        text = f"{'PCBU'[system]}{rest:04X}-{failure_type:02X}"
        one = fault(text, stage, Lamp.NONE)
        status = {Stage.DORMANT: 0x50, Stage.PENDING: 0x27}.get(stage, 0x2F)
        made.set_fault(one)
        if status & mask:
            expected[system << 22 | rest << 8 | failure_type] = status
    listed = peer_reads(made, 0x02, mask)
    dtcs = {dtc.id: dtc.status.get_byte_as_int() for dtc in listed.dtcs}
    assert dtcs == expected
    assert peer_reads(made, 0x01, mask).dtc_count == len(expected)


def peer_reads(asked: ControlUnit, subfunction: int, mask: int) -> ReadDTCInformation.ResponseData:
    """Ask, and let udsoncan read the answer."""
    answer = asked.answer(bytes((0x19, subfunction, mask)), is_functional=False)
    assert answer is not None
    return ReadDTCInformation.interpret_response(
        Response.from_payload(answer), subfunction=subfunction, ignore_all_zero_dtc=False
    ).service_data


def test_a_full_memory_refuses_another_code() -> None:
    made = unit(*(fault(f"P{number:04X}") for number in range(FAULTS_MAX)))
    made.set_fault(fault("P0000", Stage.PENDING))  # known already: replaced
    with pytest.raises(ValueError, match="and no more"):
        made.set_fault(fault("U0100"))
