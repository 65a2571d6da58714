import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtc_db import layers
from dtc_db.codes import J2012Dtc, parse_code
from dtc_db.knowledge import Assessment, Knowledge
from dtc_db.layers import Entry, Layer, Layers, Row, parse_list
from dtc_db.meaning import Level
from dtc_db.search import find_codes
from dtc_db.urgency import Urgency
from dtc_db.vehicle import VehicleKind

KNOWLEDGE = Knowledge.load()
MAKES = Path(__file__).parents[3] / "shared" / "data" / "dtc" / "make_names.csv"


def row(code: str, make: str, text: str, severity: str = "", *, line: int = 2) -> Row:
    return Row(line=line, code=code, make=make, text=text, severity=severity)


def layer(*rows: Row, name: str = "mine", version: int = 1) -> Layer:
    parsed = parse_list(rows)
    assert parsed.problems == ()
    return Layer(name=name, version=version, entries=parsed.entries)


def ask(code: str, make: str | None, *given: Layer, lang: str = "en") -> Assessment:
    vehicle = VehicleKind(make=make)
    return KNOWLEDGE.with_layers(given).assess(parse_code(code), vehicle, lang=lang)


def test_a_makes_own_text_speaks_before_ours_and_for_no_other_make() -> None:
    mine = layer(row("P1684", "JEEP", "battery was off"), row("P1684", "VW", "update failed"))
    for make, text in (("jeep", "battery was off"), ("Volkswagen", "update failed")):
        answer = ask("P1684", make, mine)
        assert (answer.text, answer.level) == (text, Level.MAKE)
        assert answer.why[0].startswith("meaning: list mine, version 1")
    for other in ("dodge", None):
        assert ask("P1684", other, mine).level is Level.SYSTEM


def test_a_list_says_the_text_and_our_tables_the_work() -> None:
    mine = layer(row("P0AA6", "", "insulation"), row("P1457", "honda", "leak"))
    standard = ask("P0AA6", "kia", mine)
    assert (standard.text, standard.level) == ("insulation", Level.GENERIC)
    assert standard.need == ask("P0AA6", "kia").need
    own = ask("P1457", "honda", mine)
    assert own.urgency is Urgency.UNKNOWN, "a text says nothing about how urgent it is"
    assert own.need == ask("P1457", "honda").need


def test_the_text_stands_as_it_was_given_in_every_language() -> None:
    mine = layer(row("P0301", "audi", "zylinder {} eins"))
    assert {ask("P0301", "audi", mine, lang=lang).text for lang in ("en", "fr", "de")} == {
        "zylinder {} eins"
    }


def test_an_entry_for_every_failure_type_is_completed_and_one_for_its_own_is_not() -> None:
    both = layer(row("P0301", "kia", "miss"), row("P0301-13", "kia", "coil wire broken"))
    assert ask("P0301-11", "kia", both).text == "miss: short to ground"
    assert ask("P0301-13", "kia", both).text == "coil wire broken"


def test_the_make_speaks_before_everybody_and_the_first_list_before_the_second() -> None:
    everybody = layer(row("P0301", "", "all"), name="a")
    make = layer(row("P0301", "kia", "kia"), name="b")
    later = layer(row("P0301", "kia", "later"), name="c", version=7)
    assert ask("P0301", "kia", everybody, make, later).text == "kia"
    assert ask("P0301", "kia", later, make).text == "later"
    assert ask("P0301", "bmw", everybody, make).text == "all"
    assert Layers([everybody, later]).version == "a@1 c@7"


@pytest.mark.parametrize(
    ("code", "listed", "urgency"),
    [
        ("P0301", "limp", Urgency.LIMP),
        ("P0301", "info", Urgency.INFO),
        ("P1457", "stop_now", Urgency.STOP_NOW),
        ("P0AA6", "info", Urgency.TOW),
        ("P0AA6", "stop_now", Urgency.STOP_NOW),
    ],
)
def test_a_listed_urgency_counts_unless_it_talks_down_what_must_be_towed(
    code: str, listed: str, urgency: Urgency
) -> None:
    assert ask(code, "kia", layer(row(code, "kia", "text", listed))).urgency is urgency


def test_truck_parameters_and_raw_codes_can_be_listed() -> None:
    mine = layer(row("SPN 520200 FMI 5", "MAN", "retarder"), row("0x123456", "MAN", "door"))
    assert ask("520200/5", "man", mine).text == "retarder"
    assert ask("0x123456", "man", mine).text == "door"
    assert ask("520200/5", "daf", mine).level is Level.UNKNOWN


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (row("P538F", "kia", "x"), "second digit 5"),
        (row("P0301", "kia", "  "), "P0301 has no text"),
        (row("P0301", "kia", "x" * 2000), "longer than 1000 characters"),
        (row("P1457", "", "x"), "say the make"),
        (row("0x123456", "", "x"), "say the make"),
        (row("520200/3", "", "x"), "say the make"),
        (row("P0301", "--", "x"), "no name of a make"),
        (row("P0301", "k" * 80, "x"), "no name of a make"),
        (row("P0301", "kia", "x", "high"), "severity 'high': expected one of stop_now"),
    ],
)
def test_a_row_that_cannot_be_is_named_by_its_line(bad: Row, reason: str) -> None:
    parsed = parse_list([row("P0300", "kia", "fine", line=1), bad])
    (problem,) = parsed.problems
    assert problem.startswith("line 2: ")
    assert reason in problem


def test_saying_a_thing_twice_is_no_mistake_and_saying_two_things_is() -> None:
    same = [row("P0301", "VW", "a"), row("p0301", "volkswagen", " a ", line=3)]
    assert parse_list(same).problems == ()
    assert parse_list(same).repeats == 1
    assert (
        "says otherwise than 2" in parse_list([*same, row("P0301", "vw", "b", line=4)]).problems[0]
    )


def test_a_list_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "ENTRIES_MAX", 2)
    parsed = parse_list(row(f"P030{digit}", "kia", "x", line=digit) for digit in range(1, 9))
    assert len(parsed.problems) == 1
    assert "line 3: more than 2 entries" in parsed.problems[0]


@given(st.text(), st.text(), st.text(), st.text())
def test_no_row_raises(code: str, make: str, text: str, severity: str) -> None:
    parsed = parse_list([row(code, make, text, severity)])
    assert len(parsed.entries) + len(parsed.problems) == 1


def test_lists_are_searched_first_and_say_whose_text_it_is() -> None:
    mine = layer(row("P1457", "honda", "vapour canister"))
    found = find_codes(KNOWLEDGE.with_layers([mine]).meanings, ["VAPOUR", "honda"])
    assert [(each.code, each.make) for each in found] == [("P1457", "honda")]


def test_without_lists_nothing_changes() -> None:
    bare = KNOWLEDGE.with_layers([])
    for number in range(0, 0x10000, 41):
        code = J2012Dtc(number)
        vehicle = VehicleKind(make="kia")
        assert bare.assess(code, vehicle) == KNOWLEDGE.assess(code, vehicle)


def test_a_whole_public_list_of_makes_is_read_and_keeps_makes_apart() -> None:
    if not MAKES.is_file():
        pytest.skip("NOT TESTED: make_names.csv is not beside this checkout")
    with MAKES.open(encoding="utf-8", newline="") as file:
        records = list(csv.DictReader(file))
    parsed = parse_list(
        Row(line=number, code=each["code"], make=each["make"], text=each["text"])
        for number, each in enumerate(records, start=2)
    )
    assert (len(parsed.entries), parsed.problems) == (len(records), ())
    whole = Layer(name="makes", version=1, entries=parsed.entries)
    assert ask("P1684", "jeep", whole).text != ask("P1684", "volkswagen", whole).text
    codes: dict[str, set[str]] = {}
    for entry in parsed.entries:
        codes.setdefault(str(entry.code), set()).add(entry.text)
    assert sum(len(texts) > 1 for texts in codes.values()) > 700, "makes do differ"


def test_an_entry_is_found_by_make_only() -> None:
    entry = Entry(code=parse_code("P1000"), make="ford", text="x")
    found = Layers([Layer(name="n", version=1, entries=(entry,))])
    assert found.find(entry.code, None) is None
    assert len(found) == 1
