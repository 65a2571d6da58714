import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtc_db.codes import parse_code
from dtc_db.errors import MalformedRuleError
from dtc_db.patterns import parse_pattern


@pytest.mark.parametrize(
    ("pattern", "meant", "not_meant"),
    [
        ("P0420", ["P0420", "P0420-1C"], ["P0421", "C0420", "SPN 1056 FMI 0"]),
        ("p0420-1c", ["P0420-1C"], ["P0420", "P0420-1D"]),
        ("P0300..P030C", ["P0300", "P0305-11", "P030C"], ["P02FF", "P030D"]),
        ("P04*", ["P0400", "P04FF"], ["P0500", "U0400"]),
        ("B1*", ["B1000", "B1FFF-22"], ["B0FFF", "B2000"]),
        ("SPN 168 FMI 1", ["168/1"], ["168/2", "0xA80001"]),
        ("spn 168 fmi *", ["168/1", "168/31"], ["169/1"]),
        ("SPN * FMI 9", ["609/9", "520200/9"], ["609/12", "P0009"]),
        ("0x123456", ["0x123456"], ["0x123457", "P0301"]),
    ],
)
def test_a_pattern_means_these_codes_and_no_others(
    pattern: str, meant: list[str], not_meant: list[str]
) -> None:
    read = parse_pattern(pattern)
    assert [text for text in meant if not read.matches(parse_code(text))] == []
    assert [text for text in not_meant if read.matches(parse_code(text))] == []
    assert parse_pattern(read.text) == read, "the canonical form means the same"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "*",
        "P*",
        "SPN * FMI *",
        "P538F",
        "P0..P1",
        "P0300..U0300",
        "P030C..P0300",
        "609",
        "P0300..609/9",
    ],
)
def test_what_means_too_much_or_nothing_is_refused(text: str) -> None:
    with pytest.raises(MalformedRuleError):
        parse_pattern(text)


@given(st.text())
def test_no_text_raises_anything_else(text: str) -> None:
    with contextlib.suppress(MalformedRuleError):
        assert parse_pattern(text).text
