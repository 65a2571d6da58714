from pathlib import Path

import pytest

from dtc_db import tables
from dtc_db.errors import TableError
from dtc_db.meaning import Component, Failure
from dtc_db.tables import (
    Lexicon,
    load_blocks,
    load_components,
    load_failures,
    load_parameters,
    load_rows,
)
from dtc_db.urgency import Urgency

COIL = Component(
    key="coil", trade="ignition", urgency=Urgency.SOON, names=("coil {}", "bobine {}", "Spule {}")
)
SENSOR = Component(key="o2", trade="engine", urgency=Urgency.INFO, names=("o2", "o2", "o2"))
LEXICON = Lexicon(
    components={"coil": COIL, "o2": SENSOR},
    failures={key: Failure(key, (key, key, key)) for key in ("low", "high")},
    designators={"left": ("left", "gauche", "links")},
)


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "FOLDER", tmp_path)


def check(folder: Path, text: str, expected: dict[int, str]) -> None:
    (folder / "rows.txt").write_text(text, encoding="utf-8")
    meanings = load_rows("rows.txt", LEXICON)
    assert {number: meaning.text("en") for number, meaning in meanings.items()} == expected


def test_a_row_names_consecutive_codes(tmp_path: Path) -> None:
    check(tmp_path, "P0130 | o2 | low high", {0x130: "O2 low", 0x131: "O2 high"})


def test_letters_numbers_and_places_repeat_the_failures(tmp_path: Path) -> None:
    check(
        tmp_path,
        "P0100 | coil:A..B | low high\nP0200 | coil:9..10 | low\nP0300 | o2@1,2.1 | low",
        {
            0x100: "Coil A low",
            0x101: "Coil A high",
            0x102: "Coil B low",
            0x103: "Coil B high",
            0x200: "Coil 9 low",
            0x201: "Coil 10 low",
            0x300: "O2 low bank 1",
            0x301: "O2 low bank 2 sensor 1",
        },
    )


def test_a_designator_in_words_is_said_in_each_language(tmp_path: Path) -> None:
    (tmp_path / "rows.txt").write_text("P0100 | coil:left | low", encoding="utf-8")
    (meaning,) = load_rows("rows.txt", LEXICON).values()
    assert [meaning.text(lang) for lang in ("en", "fr", "de")] == [
        "Coil left low",
        "Bobine gauche : low",
        "Spule links: low",
    ]


def test_old_rows_count_in_tens_and_new_ones_in_hexadecimal(tmp_path: Path) -> None:
    check(tmp_path, "P0199~ | o2 | low high", {0x199: "O2 low", 0x200: "O2 high"})
    check(tmp_path, "P0199 | o2 | low high", {0x199: "O2 low", 0x19A: "O2 high"})


def test_each_failure_may_count_from_a_code_of_its_own(tmp_path: Path) -> None:
    check(
        tmp_path,
        "P0142 P0443 | coil:B..C,E | low high",
        {
            0x142: "Coil B low",
            0x143: "Coil C low",
            0x144: "Coil E low",
            0x443: "Coil B high",
            0x444: "Coil C high",
            0x445: "Coil E high",
        },
    )


def test_a_table_does_not_say_again_what_another_said(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("P0001 | coil | low")
    (tmp_path / "b.txt").write_text("P0001 | o2 | high")
    meanings = load_rows("a.txt", LEXICON)
    with pytest.raises(TableError, match=r"b.txt line 1: P0001 stands in a.txt:1"):
        load_rows("b.txt", LEXICON, meanings)


def test_a_dash_leaves_a_code_to_others(tmp_path: Path) -> None:
    check(
        tmp_path,
        "P0261 | coil:1,2 | low -\nP0262 | o2 | high",
        {0x261: "Coil 1 low", 0x262: "O2 high", 0x263: "Coil 2 low"},
    )


def test_marks_give_urgency_and_work(tmp_path: Path) -> None:
    (tmp_path / "rows.txt").write_text(
        "= a workshop; high\nP0001 | coil:A!l | low high!x%hv", encoding="utf-8"
    )
    low, high = load_rows("rows.txt", LEXICON).values()
    assert (low.urgency, low.trade) == (Urgency.LIMP, "ignition")
    assert (high.urgency, high.trade) == (Urgency.STOP_NOW, "hv")
    assert high.source == "rows.txt:2 (a workshop; high)"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("P0001 | coil", "expected 3 cells, got 2"),
        ("P0001 | horn | low", "no component horn"),
        ("P0001 | coil | loud", "no failure loud"),
        ("P0001 | coil:right | low", "no designator right"),
        ("P5001 | coil | low", "second digit 5"),
        ("609/9 | coil | low", "expected a code such as P0301"),
        ("P0001 P0101 | coil | low", "2 first codes for 1 failures"),
        ("P0001 | coil!q | low", "expected one of"),
        ("P0001 | coil | low\nP0001 | o2 | low", "rows.txt line 2: P0001 stands in rows.txt:1"),
    ],
)
def test_a_mistake_in_a_table_names_its_line(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "rows.txt").write_text(text, encoding="utf-8")
    with pytest.raises(TableError, match=reason):
        load_rows("rows.txt", LEXICON)


def test_components_failures_and_blocks_are_read(tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text("# note\nhorn | body | n | horn | klaxon | Hupe")
    (tmp_path / "f.txt").write_text("low | low | bas | niedrig")
    (tmp_path / "b.txt").write_text("P0000-P00FF | fuel | s | fuel | carburant | Kraftstoff")
    assert load_components("c.txt")["horn"].names == ("horn", "klaxon", "Hupe")
    assert load_failures("f.txt")["low"].phrases == ("low", "bas", "niedrig")
    (block,) = load_blocks("b.txt")
    assert (block.first, block.last) == (0, 0xFF)


def test_a_component_stands_once(tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text("a | body | n | a | a | a\na | body | n | b | b | b")
    with pytest.raises(TableError, match="a stands twice"):
        load_components("c.txt")
    (tmp_path / "d.txt").write_text("a | body | n | c | c | c")
    (tmp_path / "e.txt").write_text("a | body | n | d | d | d")
    with pytest.raises(TableError, match=r"e.txt line 1: a stands twice"):
        load_components("d.txt", "e.txt")
    (tmp_path / "f.txt").write_text("low | a | b | c\nlow | d | e | f")
    with pytest.raises(TableError, match=r"f.txt line 2: low stands twice"):
        load_failures("f.txt")


def test_a_parameter_weighs_by_its_failure_mode(tmp_path: Path) -> None:
    (tmp_path / "p.txt").write_text("110 | engine | s 0x 16l | coolant | liquide | Kühlmittel")
    parameter = load_parameters("p.txt")[110]
    assert parameter.component.urgency is Urgency.SOON
    assert parameter.by_fmi == {0: Urgency.STOP_NOW, 16: Urgency.LIMP}


def test_parameters_of_numbered_parts_stand_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "p.txt").write_text(
        "651-653 | fuel | l | injector {} | injecteur {} | Injektor {}\n"
        "2000-2001@0 | network | s | address {} | adresse {} | Adresse {}"
    )
    parameters = load_parameters("p.txt")
    assert [parameters[spn].component.names[0] for spn in sorted(parameters)] == [
        *("injector 1", "injector 2", "injector 3"),
        *("address 0", "address 1"),
    ]


@pytest.mark.parametrize("text", ["x | e | s | a | a | a", "1 | e | s qx | a | a | a"])
def test_a_parameter_without_numbers_is_a_mistake(tmp_path: Path, text: str) -> None:
    (tmp_path / "p.txt").write_text(text)
    with pytest.raises(TableError, match=r"p.txt line 1: expected numbers"):
        load_parameters("p.txt")


@pytest.mark.parametrize("text", ["1 | e | s 32x | a | a | a", "1 | e | s | a | a | a\n" * 2])
def test_a_parameter_stands_once_with_modes_that_exist(tmp_path: Path, text: str) -> None:
    (tmp_path / "p.txt").write_text(text)
    with pytest.raises(TableError, match="stands twice or has an FMI above 31"):
        load_parameters("p.txt")
