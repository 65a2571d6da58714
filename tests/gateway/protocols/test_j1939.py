import pytest
from hypothesis import given
from hypothesis import strategies as st
from j1939.diagnostic_messages import DTC, DtcLamp

from dtc_db.codes import J1939Dtc
from gateway.model import Observation, Outcome, Reason, Rejection, Status
from gateway.protocols import j1939
from gateway.protocols.j1939 import Conversion

PGN = {name: pgn for pgn, name in j1939.SERVICES.items()}


def observe(service: str, payload: str, conversion: Conversion | None = None) -> Observation:
    data = bytes.fromhex(payload)
    found = j1939.decode(PGN[service], data, source=0, conversion=conversion)
    assert isinstance(found, Observation), found
    return found


def check(service: str, payload: str, *expected: str) -> None:
    assert [str(one.code) for one in observe(service, payload).codes] == list(expected)


def test_the_low_byte_of_an_addressed_group_is_no_part_of_it() -> None:
    assert j1939.pgn_of(0x18FECA00) == 0xFECA
    assert j1939.pgn_of(0x1CECFF00) == 0xEC00
    assert j1939.pgn_of(0x19FDB500) == 0x1FDB5


@pytest.mark.parametrize(
    ("service", "status"),
    [
        ("DM1", Status.ACTIVE),
        ("DM2", Status.STORED),
        ("DM6", Status.PENDING),
        ("DM12", Status.ACTIVE),
        ("DM23", Status.STORED),
        ("DM27", Status.PENDING),
        ("DM28", Status.PERMANENT),
    ],
)
def test_each_list_makes_its_own_claim(service: str, status: Status) -> None:
    (code,) = observe(service, "07FF 6F001201 FFFF").codes
    assert (code.code, code.status, code.occurrence_count) == (J1939Dtc(111, 18), status, 1)


def test_the_same_parameter_may_fail_in_two_ways() -> None:
    check("DM1", "43FF 61020901 61020C03", "SPN 609 FMI 9", "SPN 609 FMI 12")


def test_a_code_of_zeros_says_no_fault() -> None:
    for filler in ("", "FFFF", "0000"):
        found = observe("DM1", "00FF 00000000" + filler)
        assert (found.codes, found.outcome) == ((), Outcome.NONE_FOUND)


def test_not_available_is_not_no_fault() -> None:
    assert observe("DM1", "FFFF FFFFFFFF").outcome is Outcome.DATA


def test_a_lamp_that_is_lit_without_a_code_is_kept() -> None:
    found = observe("DM1", "43FF 00000000 FFFF")
    assert (found.outcome, dict(found.lamps)["mil"]) == (Outcome.NONE_FOUND, "on")


def test_lamps_flash_slowly_or_fast() -> None:
    assert dict(observe("DM1", "5141 00000000").lamps) == {
        "mil": "fast_flash",
        "rsl": "slow_flash",
        "awl": "off",
        "pl": "fast_flash",
    }


def test_a_count_of_127_is_not_available_and_126_is_a_count() -> None:
    counts = [one.occurrence_count for one in observe("DM1", "00FF 6F00127F 7000127E").codes]
    assert counts == [None, 126]


@pytest.mark.parametrize(
    ("conversion", "spn", "is_uncertain"),
    [
        (None, 0x21234, True),
        (Conversion.V3, 0x21234, False),
        (Conversion.V1, 0x34 << 11 | 0x12 << 3 | 2, False),
        (Conversion.V2, 0x12 << 11 | 0x34 << 3 | 2, False),
    ],
)
def test_an_old_packing_is_uncertain_until_somebody_says_which(
    conversion: Conversion | None, spn: int, *, is_uncertain: bool
) -> None:
    (code,) = observe("DM1", "00FF 341243 81 FFFF", conversion).codes
    assert (code.code, code.is_uncertain) == (J1939Dtc(spn, 3), is_uncertain)
    # The control: the new packing needs no setting and follows none.
    (code,) = observe("DM1", "00FF 341243 01 FFFF", conversion).codes
    assert (code.code, code.is_uncertain) == (J1939Dtc(0x21234, 3), False)


def test_dm31_has_lamps_for_each_code() -> None:
    found = observe("DM31", "61021381 732E 21061F23 33EE")
    assert [dict(one.lamps)["mil"] for one in found.codes] == ["slow_flash", "off"]
    assert not found.is_complete


@pytest.mark.parametrize(("control", "outcome"), [(1, "refused"), (2, "refused"), (3, "busy")])
def test_a_request_that_is_refused_says_nothing_about_faults(control: int, outcome: str) -> None:
    data = bytes((control, 0xFF, 0xFF, 0xFF, 0xF9, 0xCB, 0xFE, 0x00))
    found = j1939.decode(j1939.ACKNOWLEDGE_PGN, data, source=0x21)
    assert isinstance(found, Observation)
    assert (found.ecu, found.service, found.outcome.value) == ("SA 21", "DM2", outcome)


@pytest.mark.parametrize("data", ["00FFFFFFF9CBFE00", "01FFFFFFF900F000", "01FF"])
def test_other_acknowledgements_are_passed_over(data: str) -> None:
    assert j1939.decode(j1939.ACKNOWLEDGE_PGN, bytes.fromhex(data), source=0) is None


@pytest.mark.parametrize("service", ["DM1", "DM31"])
def test_a_list_that_is_short_is_set_aside(service: str) -> None:
    found = j1939.decode(PGN[service], bytes(5), source=0)
    assert isinstance(found, Rejection)
    assert (found.reason, found.ecu) == (Reason.LENGTH, "SA 00")


def test_other_groups_are_passed_over() -> None:
    assert j1939.decode(0xF004, bytes(8), source=0) is None


@given(st.sampled_from([*j1939.SERVICES, j1939.ACKNOWLEDGE_PGN]), st.binary())
def test_no_bytes_raise(pgn: int, payload: bytes) -> None:
    found = j1939.decode(pgn, payload, source=0)
    assert found is None or found.raw == payload


THEIR_LAMPS = {
    DtcLamp.OFF: "off",
    DtcLamp.ON: "on",
    DtcLamp.ON_SLOW_FLASH: "slow_flash",
    DtcLamp.ON_FAST_FLASH: "fast_flash",
    DtcLamp.NA: "not_supported",
}


@given(st.integers(0, 3), st.integers(0, 3))
def test_can_j1939_reads_the_same_lamps(lit: int, flash: int) -> None:
    ours = dict(j1939.decode_lamps(lit, flash))["pl"]
    # A lit lamp with a reserved flash is "not available" to them; we say that it is lit.
    theirs = "on" if (lit, flash) == (1, 2) else THEIR_LAMPS[DtcLamp().get_status(lit, flash)]
    assert ours == theirs


@given(st.binary(min_size=4, max_size=4).filter(lambda data: data[3] < 0x80))
def test_can_j1939_reads_the_same_codes(data: bytes) -> None:
    ours = j1939.decode_code(data, status=Status.ACTIVE)
    theirs = DTC(dtc=int.from_bytes(data, "little"))
    assert ours.code == J1939Dtc(theirs.spn, theirs.fmi)
    assert ours.occurrence_count == (None if theirs.oc == 127 else theirs.oc)
