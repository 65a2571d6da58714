"""Our meanings held against somebody else's list."""

import pytest

from dtc_db.codes import parse_code
from dtc_db.compare import compare, overlap
from dtc_db.layers import Row
from dtc_db.lookup import Meanings
from dtc_db.meaning import Level

MEANINGS = Meanings.load()


def rows(*given: tuple[str, str]) -> list[Row]:
    return [
        Row(line=number, code=code, make="", text=text) for number, (code, text) in enumerate(given)
    ]


def test_a_list_is_counted_by_block_and_level() -> None:
    found = compare(
        MEANINGS,
        rows(
            ("P0420", "Catalyst efficiency below threshold bank 1"),
            ("p0301-1c", "Cylinder 1 misfire"),
            ("P0FFF", "what nobody listed"),
            ("P0364", "Reserved by SAE J2012"),
            ("609/9", "Controller 2"),
            ("P1457", "of one maker"),
            ("0x123456", "raw"),
            ("P9999", "no code"),
            ("P0300", "  "),
        ),
    )
    assert list(found.blocks) == ["P0", "SPN"]
    powertrain = found.blocks["P0"]
    assert (powertrain.listed, powertrain.levels[Level.GENERIC]) == (3, 2)
    assert powertrain.coverage == pytest.approx(2 / 3)
    assert (found.makers_own, found.unread) == (1, 4)


def test_a_wrong_meaning_stands_among_the_worst() -> None:
    right = ("P0128", MEANINGS.find(parse_code("P0128")).text("en"))
    wrong = ("P0420", "Left rear window motor")
    found = compare(MEANINGS, rows(right, wrong))
    (worst,) = found.worst(1)
    assert (worst.code, worst.overlap) == ("P0420", 0)
    assert found.blocks["P0"].mean == pytest.approx(0.5)
    assert [pair.code for pair in found.worst(9)] == ["P0420", "P0128"]


def test_of_several_texts_for_one_code_the_closest_counts() -> None:
    ours = MEANINGS.find(parse_code("P0128")).text("en")
    found = compare(MEANINGS, rows(("P0128", "nonsense"), ("P0128", ours)))
    assert found.blocks["P0"].mean == 1
    assert found.blocks["P0"].listed == 1


def test_overlap_looks_at_words_and_not_at_their_order_or_case() -> None:
    assert overlap("Fuel pump A circuit", "circuit, FUEL PUMP a") == 1
    assert overlap("fuel", "") == overlap("", "") == 0


def test_an_empty_list_says_so() -> None:
    found = compare(MEANINGS, ())
    assert (found.blocks, found.worst(3)) == ({}, [])
