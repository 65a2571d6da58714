from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtc_db.codes import Code, J1939Dtc, J2012Dtc, RawDtc, System, parse_code
from dtc_db.errors import MalformedCodeError

j2012 = st.builds(J2012Dtc, st.integers(0, 0xFFFF), st.none() | st.integers(0, 0xFF))
j1939 = st.builds(J1939Dtc, st.integers(0, 0x7FFFF), st.integers(0, 31))
raw = st.builds(RawDtc, st.integers(0, 0xFFFFFF))


def check(text: str, expected: Code, canonical: str) -> None:
    assert parse_code(text) == expected
    assert str(expected) == canonical


@pytest.mark.parametrize(
    ("text", "expected", "canonical"),
    [
        ("P0301", J2012Dtc(0x0301), "P0301"),
        ("p0301", J2012Dtc(0x0301), "P0301"),
        (" P0301\n", J2012Dtc(0x0301), "P0301"),
        ("P0301-1C", J2012Dtc(0x0301, 0x1C), "P0301-1C"),
        ("p0301:1c", J2012Dtc(0x0301, 0x1C), "P0301-1C"),
        ("P03011C", J2012Dtc(0x0301, 0x1C), "P0301-1C"),
        ("P0301-00", J2012Dtc(0x0301, 0), "P0301-00"),
        ("C1678-9A", J2012Dtc(0x5678, 0x9A), "C1678-9A"),
        ("B0001", J2012Dtc(0x8001), "B0001"),
        ("U3FFF-FF", J2012Dtc(0xFFFF, 0xFF), "U3FFF-FF"),
        ("SPN 609 FMI 9", J1939Dtc(609, 9), "SPN 609 FMI 9"),
        ("spn609fmi9", J1939Dtc(609, 9), "SPN 609 FMI 9"),
        ("SPN: 609, FMI: 9", J1939Dtc(609, 9), "SPN 609 FMI 9"),
        ("609/9", J1939Dtc(609, 9), "SPN 609 FMI 9"),
        ("0x12aBcD", RawDtc(0x12ABCD), "0x12ABCD"),
    ],
)
def test_a_code_is_read_as_people_write_it(text: str, expected: Code, canonical: str) -> None:
    check(text, expected, canonical)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("P538F", "second digit 5"),
        ("u429f", "second digit 4"),
        ("", "empty"),
        ("X0301", "write P0301"),
        ("P030", "write P0301"),
        ("P0301-1", "write P0301"),
        ("524288/1", "above 524287"),
        ("609/32", "above 31"),
        ("609", "write P0301"),
        ("P0301" * 20, "longer than 40"),
        ("P\u0660301", "write P0301"),  # digits of another script
    ],
)
def test_what_is_no_code_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(MalformedCodeError, match=reason):
        parse_code(text)


def test_two_and_three_bytes_are_read_most_significant_first() -> None:
    assert J2012Dtc.from_bytes(bytes.fromhex("0128")) == J2012Dtc(0x0128)
    assert J2012Dtc.from_bytes(bytes.fromhex("C40581")) == parse_code("U0405-81")


def test_a_j1939_record_is_read_least_significant_first() -> None:
    # Fault of a real truck: SPN 3216 FMI 20 from bytes 90 0C 14.
    assert J1939Dtc.from_bytes(bytes.fromhex("900C14")) == J1939Dtc(3216, 20)


@pytest.mark.parametrize("kind", [J2012Dtc, J1939Dtc, RawDtc])
def test_bytes_of_another_length_are_refused(kind: type[J2012Dtc | J1939Dtc | RawDtc]) -> None:
    with pytest.raises(MalformedCodeError, match="got 4"):
        kind.from_bytes(bytes(4))


@given(j2012 | j1939 | raw)
def test_text_and_bytes_lead_back_to_the_code(code: Code) -> None:
    assert parse_code(str(code)) == code
    assert type(code).from_bytes(code.to_bytes()) == code


@given(st.text(max_size=50))
def test_no_text_raises_anything_but_the_one_error(text: str) -> None:
    with suppress(MalformedCodeError):
        code = parse_code(text)
        assert parse_code(str(code)) == code


def test_a_number_outside_its_family_cannot_be_made() -> None:
    for make in (
        lambda: J2012Dtc(0x10000),
        lambda: J2012Dtc(-1),
        lambda: J2012Dtc(0, 256),
        lambda: J1939Dtc(0x80000, 0),
        lambda: J1939Dtc(0, 32),
        lambda: RawDtc(0x1000000),
    ):
        with pytest.raises(ValueError, match="expected"):
            make()


def test_the_letter_names_the_system() -> None:
    assert [J2012Dtc(number).system for number in (0, 0x4000, 0x8000, 0xC000)] == list(System)


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("P0301", False),
        ("P1457", True),
        ("P2002", False),
        ("P3000", True),
        ("P33FF", True),
        ("P3400", False),
        ("C0035", False),
        ("C1234", True),
        ("C2234", True),
        ("C3234", False),
        ("B2AAA", True),
        ("U1000", True),
        ("U3000", False),
    ],
)
def test_makers_fill_their_part_of_the_numbers(text: str, own: bool) -> None:  # noqa: FBT001 - a column of the table
    code = parse_code(text)
    assert isinstance(code, J2012Dtc)
    assert code.is_makers_own is own


def test_makers_fill_the_end_of_the_parameter_numbers() -> None:
    assert J1939Dtc(516_096, 0).is_makers_own
    assert not J1939Dtc(516_095, 0).is_makers_own


def test_a_raw_code_read_as_j2012_keeps_its_bytes() -> None:
    assert RawDtc(0xC40581).as_j2012 == parse_code("U0405-81")


def test_the_base_of_a_code_has_no_failure_type() -> None:
    assert J2012Dtc(0x0301, 0x1C).base == J2012Dtc(0x0301).base == J2012Dtc(0x0301)
