import pytest
from hypothesis import given
from hypothesis import strategies as st
from udsoncan.exceptions import InvalidResponseException
from udsoncan.Response import Response
from udsoncan.services.ReadDTCInformation import ReadDTCInformation

from dtc_db.codes import J1939Dtc, J2012Dtc, RawDtc
from gateway.model import DataRecord, Observation, Outcome, Reason, Rejection, ReportedCode, Status
from gateway.protocols import uds
from gateway.protocols.uds_code import CodeFormat, status_of
from gateway.protocols.uds_records import UdsSettings


def observe(payload: str, settings: UdsSettings | None = None) -> Observation:
    found = uds.decode(bytes.fromhex(payload), ecu="7E8", settings=settings or UdsSettings())
    assert isinstance(found, Observation), found
    return found


def check(payload: str, *expected: tuple[str, Status | None]) -> None:
    assert [(str(one.code), one.status) for one in observe(payload).codes] == list(expected)


def test_a_list_by_status_tells_code_status_and_mask() -> None:
    found = observe("59 02 CF C4 05 81 08")
    assert found.codes == (
        ReportedCode(code=J2012Dtc(0xC405, 0x81), status=Status.CONFIRMED, status_byte=8),
    )
    assert (found.service, found.availability) == ("19 02", 0xCF)
    # A request's mask may have left codes out, and we did not see it.
    assert not found.is_complete


@pytest.mark.parametrize(
    ("status_byte", "availability", "status"),
    [
        (0x09, 0xFF, Status.ACTIVE),
        (0x0C, 0xFF, Status.CONFIRMED),
        (0x04, 0xFF, Status.PENDING),
        (0x50, 0xFF, None),
        (0x01, 0xFE, None),
        (0x0F, 0x08, Status.CONFIRMED),
        (0xFF, 0x00, Status.STORED),
        (0x00, 0x00, Status.STORED),
    ],
)
def test_the_supported_status_bits_decide_not_being_listed(
    status_byte: int, availability: int, status: Status | None
) -> None:
    assert status_of(status_byte, availability) is status
    check(f"59 02 {availability:02X} 123456 {status_byte:02X}", ("P1234-56", status))


def test_nothing_listed_is_none_found_and_zeros_are_filler() -> None:
    assert observe("59 02 FF").outcome is Outcome.NONE_FOUND
    assert observe("59 02 FF 00 00 00 00").outcome is Outcome.NONE_FOUND
    check("59 02 FF 12345608 0000", ("P1234-56", Status.CONFIRMED))


def test_a_zero_code_with_a_status_is_not_filler() -> None:
    check("59 02 FF 000000 09", ("P0000-00", Status.ACTIVE))


def test_numbers_of_codes_are_no_lists() -> None:
    for subfunction in ("01", "07", "11", "12"):
        found = observe(f"59 {subfunction} CF 01 0F 1E")
        assert (found.count, found.outcome) == (0x0F1E, Outcome.DATA)


def test_permanent_codes_are_permanent_whatever_their_status() -> None:
    found = observe("59 15 FF 123456 50")
    assert [one.status for one in found.codes] == [Status.PERMANENT]
    assert found.is_complete


def test_severities_and_functional_units_stand_with_their_codes() -> None:
    (code,) = observe("59 08 FF 80 99 123456 20").codes
    assert (code.severity, code.functional_unit, code.status_byte) == (0x80, 0x99, 0x20)
    assert len(observe("59 09 FF 80 99 123456 20 1234").codes) == 1


def test_a_fault_counter_is_signed_and_its_code_has_not_failed() -> None:
    (code,) = observe("59 14 123456 BC").codes
    assert (code.fault_counter, code.status) == (-68, None)


def test_snapshots_that_exist_are_gathered_by_code() -> None:
    first, second = observe("59 03 123456 01 123456 02 789ABC 03").codes
    assert [one.number for one in first.records] == [1, 2]
    assert [one.number for one in second.records] == [3]
    assert first.status is Status.STORED


def test_snapshots_are_split_if_the_identifiers_are_known() -> None:
    settings = UdsSettings(did_lengths={0x4711: 2})
    (code,) = observe("59 04 123456 24 02 01 4711 A666", settings).codes
    assert code.records == (DataRecord(kind="snapshot", number=2, did=0x4711, raw=b"\xa6\x66"),)


def test_snapshots_stay_whole_from_the_first_unknown_identifier_on() -> None:
    settings = UdsSettings(did_lengths={0x4711: 2})
    (code,) = observe("59 04 123456 24 02 03 4711 A666 4712 0102 4711 0304", settings).codes
    assert [one.raw.hex() for one in code.records] == ["a666", "4712010247110304"]


def test_snapshots_by_number_bring_one_for_each_code() -> None:
    settings = UdsSettings(did_lengths={0x4711: 1})
    first, second = observe("59 05 02 123456 24 01 4711 AA 03 123457 25 01 4711 BB", settings).codes
    assert [one.number for one in (*first.records, *second.records)] == [2, 3]


def test_extended_data_stay_whole_unless_their_length_is_known() -> None:
    (code,) = observe("59 06 123456 20 01 0A 02 0B").codes
    assert [(one.number, one.raw.hex()) for one in code.records] == [(1, "0a020b")]
    settings = UdsSettings(extended_lengths={1: 1}, extended_length=1)
    (code,) = observe("59 06 123456 20 01 0A 02 0B", settings).codes
    assert [(one.number, one.raw.hex()) for one in code.records] == [(1, "0a"), (2, "0b")]
    assert len(observe("59 16 01 123456 20 0A 123457 20 0B", settings).codes) == 2


def test_user_memory_and_record_numbers_stand_before_the_list() -> None:
    check("59 17 99 FF 123456 08", ("P1234-56", Status.CONFIRMED))
    check("59 1A FF 01 123456 08", ("P1234-56", Status.CONFIRMED))
    check("59 18 99 123456 24", ("P1234-56", Status.PENDING))


def test_emission_lists_of_heavy_vehicles_say_how_their_codes_are_written() -> None:
    found = observe("59 42 33 FF FF 04 A0 123456 08")
    assert (found.protocol, found.codes[0].code) == ("wwh", J2012Dtc(0x1234, 0x56))
    assert found.codes[0].severity == 0xA0
    assert observe("59 42 33 FF FF 02 A0 610213 08").codes[0].code == J1939Dtc(609, 19)
    assert observe("59 42 33 FF FF 01 A0 123456 08").codes[0].code == RawDtc(0x123456)
    assert observe("59 42 33 FF FF 77 A0 123456 08").codes[0].code == RawDtc(0x123456)
    assert observe("59 55 33 FF 04 123456 08").codes[0].code == J2012Dtc(0x1234, 0x56)
    assert observe("59 56 33 FF 04 01 123456 08").codes[0].code == J2012Dtc(0x1234, 0x56)


def test_the_format_of_codes_is_a_setting_where_the_answer_does_not_say() -> None:
    settings = UdsSettings(code_format=CodeFormat.RAW)
    assert observe("59 02 FF 123456 08", settings).codes[0].code == RawDtc(0x123456)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ("59", Reason.NOT_SUPPORTED),
        ("59 30 FF", Reason.NOT_SUPPORTED),
        ("59 02", Reason.LENGTH),
        ("59 01 FF 01 00", Reason.LENGTH),
        ("59 02 FF 123456", Reason.LENGTH),
        ("59 02 FF 123456 08 12", Reason.LENGTH),
        ("59 04 123456", Reason.LENGTH),
        ("59 04 123456 24 01", Reason.LENGTH),
        ("59 04 123456 24 01 01 47", Reason.LENGTH),
        ("59 05 02 1234", Reason.LENGTH),
        ("59 06 123456", Reason.LENGTH),
    ],
)
def test_what_does_not_divide_into_records_is_set_aside(payload: str, reason: Reason) -> None:
    found = uds.decode(bytes.fromhex(payload), ecu="7E8")
    assert isinstance(found, Rejection)
    assert (found.reason, found.raw) == (reason, bytes.fromhex(payload))


def test_data_shorter_than_their_known_length_are_set_aside() -> None:
    settings = UdsSettings(extended_length=4)
    found = uds.decode(bytes.fromhex("590612345620010203"), ecu="7E8", settings=settings)
    assert isinstance(found, Rejection)


def test_strict_settings_take_zeros_at_their_word() -> None:
    strict = UdsSettings(tolerates_zero_padding=False, ignores_zero_codes=False)
    assert len(observe("59 02 FF 00000000", strict).codes) == 1
    found = uds.decode(bytes.fromhex("5902FF123456080000"), ecu="7E8", settings=strict)
    assert isinstance(found, Rejection)


def test_refused_busy_cleared_and_nothing_at_all_are_told_apart() -> None:
    assert observe("7F 19 31").outcome is Outcome.REFUSED
    assert observe("7F 19 78").outcome is Outcome.BUSY
    assert observe("54").service == "14"
    assert uds.decode(b"", ecu="7E8") is None
    assert uds.decode(b"\x62\xf1\x90", ecu="7E8") is None


@given(st.binary(), st.sampled_from([None, 0, 2]), st.integers(1, 4))
def test_no_bytes_raise(body: bytes, extended_length: int | None, did_length: int) -> None:
    settings = UdsSettings(
        extended_length=extended_length, did_length=did_length, did_lengths={0: 1, 1: 0}
    )
    for payload in (body, b"\x59" + body):
        found = uds.decode(payload, ecu="7E8", settings=settings)
        assert found is None or found.raw == payload


codes = st.lists(st.tuples(st.integers(1, 0xFFFFFF), st.integers(0, 0xFF)), max_size=40)
LISTS_BY_STATUS = [0x02, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F, 0x13, 0x15]


@given(
    listed=codes,
    subfunction=st.sampled_from(LISTS_BY_STATUS),
    padding=st.integers(0, 3),
    is_cut=st.booleans(),
)
def test_udsoncan_reads_the_same_codes(
    listed: list[tuple[int, int]], subfunction: int, padding: int, *, is_cut: bool
) -> None:
    body = b"".join(code.to_bytes(3) + bytes((status,)) for code, status in listed)
    data = bytes((subfunction, 0xFF)) + body[: -1 if is_cut else None] + bytes(padding)
    response = Response(ReadDTCInformation, Response.Code.PositiveResponse, data)
    try:
        peer = ReadDTCInformation.interpret_response(response, subfunction, standard_version=2013)
        theirs = [(one.id, one.status.get_byte_as_int()) for one in peer.service_data.dtcs]
    except InvalidResponseException:
        theirs = None
    found = uds.decode(b"\x59" + data, ecu="7E8")
    if isinstance(found, Observation):
        ours = [
            (one.code.number << 8 | (one.code.failure_type or 0), one.status_byte)
            for one in found.codes
            if isinstance(one.code, J2012Dtc)
        ]
        # They keep what is listed twice with the same status; we keep it once.
        assert ours == list(dict.fromkeys(theirs or []))
    else:
        assert theirs is None
