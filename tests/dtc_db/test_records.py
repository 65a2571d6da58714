"""Codes with what stands beside them: exact text, bytes, and back."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtc_db.codes import J1939Dtc, J2012Dtc, RawDtc, parse_code
from dtc_db.errors import MalformedCodeError
from dtc_db.records import J1939Record, WwhObdRecord, parse_record

J1939 = J1939Dtc(609, 9)


def test_a_record_of_a_real_truck_reads_as_it_was_sent() -> None:
    # SPN 609 FMI 9, 126 times, from address 39: logs of a truck published by CSS Electronics.
    record = J1939Record.from_bytes(bytes.fromhex("6102097E"), source_address=39)
    assert str(record) == "SPN 609 FMI 9 OC 126 CM 0 SA 39"
    assert record.is_certain
    old = J1939Record.from_bytes(bytes.fromhex("610209FF"))
    assert (str(old), old.is_certain) == ("SPN 609 FMI 9 OC - CM 1", False)


@pytest.mark.parametrize(
    ("data", "dtc_format", "text", "advice", "emission_class"),
    [
        ("220301 1C 09", 4, "P0301-1C SEVERITY 0x22 STATUS 0x09", "maintenance_only", "A"),
        ("A4 123456 78", 4, "P1234-56 SEVERITY 0xA4 STATUS 0x78", "check_immediately", "B1"),
        ("48 610209 01", 2, "SPN 609 FMI 9 SEVERITY 0x48 STATUS 0x01", "check_at_next_halt", "B2"),
        ("10 123456 00", 1, "0x123456 SEVERITY 0x10 STATUS 0x00", None, "C"),
        ("00 123456 00", 9, "0x123456 SEVERITY 0x00 STATUS 0x00", None, None),
    ],
)
def test_an_emission_record_is_read_by_the_format_of_its_list(
    data: str, dtc_format: int, text: str, advice: str | None, emission_class: str | None
) -> None:
    raw = bytes.fromhex(data)
    record = WwhObdRecord.from_bytes(raw, dtc_format=dtc_format)
    assert str(record) == text
    assert (record.advice, record.emission_class) == (advice, emission_class)
    assert record.to_bytes() == raw
    assert parse_record(text.lower()) == record


CODES = (
    st.builds(J2012Dtc, st.integers(0, 0xFFFF), st.integers(0, 0xFF))
    | st.builds(J1939Dtc, st.integers(0, 0x7FFFF), st.integers(0, 31))
    | st.builds(RawDtc, st.integers(0, 0xFFFFFF))
)
BYTES = st.integers(0, 0xFF)
FORMATS = {J2012Dtc: 4, J1939Dtc: 2, RawDtc: 1}


@given(CODES, BYTES, BYTES, st.none() | BYTES)
def test_an_emission_record_survives_text_and_bytes(
    code: J2012Dtc | J1939Dtc | RawDtc, severity: int, status: int, group: int | None
) -> None:
    record = WwhObdRecord(code=code, severity=severity, status=status, group=group)
    assert parse_record(str(record)) == record
    read = WwhObdRecord.from_bytes(record.to_bytes(), dtc_format=FORMATS[type(code)], group=group)
    assert read == record


@given(st.binary(min_size=4, max_size=4), st.none() | st.integers(0, 253))
def test_a_truck_record_survives_text_and_bytes(data: bytes, address: int | None) -> None:
    record = J1939Record.from_bytes(data, source_address=address)
    assert record.to_bytes() == data
    assert parse_record(str(record)) == record


@given(st.text(max_size=60))
def test_no_text_raises_anything_else(text: str) -> None:
    try:
        parse_record(text)
    except MalformedCodeError:
        assert re.search("OC|SEVERITY", text.upper())


@pytest.mark.parametrize(
    "text",
    [
        "SPN 609 FMI 9 OC 127 CM 0",
        "SPN 609 FMI 99 OC 1 CM 0",
        "SPN 609 FMI 9 OC 1 CM 0 SA 254",
        "P0301 SEVERITY 0x22 STATUS 0x09",
        "P538F SEVERITY 0x22 STATUS 0x09",
    ],
)
def test_an_impossible_record_is_refused_with_the_reason(text: str) -> None:
    with pytest.raises(MalformedCodeError, match=r"expected|above|two bits"):
        parse_record(text)


def test_what_is_no_record_is_left_to_others() -> None:
    assert parse_record("P0301") is None
    assert parse_record("") is None
    assert isinstance(parse_code("609/9"), J1939Dtc)


@pytest.mark.parametrize("data", ["610209", "6102097E00", ""])
def test_a_truck_record_of_another_length_is_refused(data: str) -> None:
    with pytest.raises(MalformedCodeError, match="expected 4 bytes"):
        J1939Record.from_bytes(bytes.fromhex(data))


@pytest.mark.parametrize("data", ["22030109", "220301090000", ""])
def test_an_emission_record_of_another_length_is_refused(data: str) -> None:
    with pytest.raises(MalformedCodeError, match="expected 5 bytes"):
        WwhObdRecord.from_bytes(bytes.fromhex(data), dtc_format=4)


def test_values_check_themselves() -> None:
    with pytest.raises(ValueError, match="conversion"):
        J1939Record(code=J1939, conversion=2)
    with pytest.raises(ValueError, match="a byte"):
        WwhObdRecord(code=J1939, severity=256, status=0)
