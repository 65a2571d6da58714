import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtc_db.codes import J1939Dtc, J2012Dtc, RawDtc, parse_code
from dtc_db.languages import LANGUAGES
from dtc_db.lookup import Meanings
from dtc_db.makes import make_key
from dtc_db.meaning import Level
from dtc_db.requirement import load_trades
from dtc_db.urgency import Urgency

MEANINGS = Meanings.load()
TRADES = load_trades()


def check(code: str, level: Level, **texts: str) -> None:
    meaning = MEANINGS.find(parse_code(code))
    assert meaning.level is level
    for lang, text in texts.items():
        assert meaning.text(lang) == text


def test_each_code_has_the_best_level_that_is_honest() -> None:
    check(
        "P0301",
        Level.GENERIC,
        en="Cylinder 1 misfire detected",
        fr="Ratés d'allumage au cylindre 1 : détection",
        de="Verbrennungsaussetzer Zylinder 1: erkannt",
    )
    check("P0171", Level.GENERIC, en="System too lean bank 1", de="Gemisch: zu mager, Bank 1")
    check("P0141", Level.GENERIC, en="HO2S heater circuit bank 1 sensor 2")
    check("U0100", Level.GENERIC, en="Lost communication with ECM/PCM A")
    check("P034F", Level.BLOCK, en="Ignition fault or misfire")
    check("P1457", Level.SYSTEM, en="Powertrain fault, maker's own code")
    check("B3000", Level.SYSTEM, en="Body fault")
    check("SPN 609 FMI 9", Level.GENERIC, en="Controller no. 2 abnormal update rate")
    check(
        "SPN 4711 FMI 3",
        Level.SYSTEM,
        de="Lkw-Parameter 4711: Spannung zu hoch oder Schluss nach Plus",
    )
    check("SPN 520200 FMI 31", Level.UNKNOWN, en="Maker's own parameter 520200 condition exists")
    check("0x123456", Level.UNKNOWN, en="Code 0x123456 of unstated format")


def test_a_raw_code_tells_what_it_would_be_but_does_not_believe_it() -> None:
    meaning = MEANINGS.find(RawDtc(0x030100))
    assert "P0301-00" in meaning.source
    assert "misfire" not in meaning.text("en").lower()


def test_a_language_that_is_not_kept_is_answered_in_english() -> None:
    meaning = MEANINGS.find(parse_code("P0128"))
    assert meaning.text("xx") == meaning.text("en")


def test_every_two_byte_code_means_something_in_every_language() -> None:
    for number in range(0x10000):
        code = J2012Dtc(number)
        meaning = MEANINGS.find(code)
        assert meaning.trade in TRADES, code
        for lang in LANGUAGES:
            text = meaning.text(lang)
            assert text, code
            assert not re.search(r"[{}]|  |^ | $", text), (str(code), text)


def test_a_makers_own_number_never_borrows_a_text() -> None:
    for number in range(0x10000):
        code = J2012Dtc(number)
        if code.is_makers_own:
            meaning = MEANINGS.find(code)
            assert meaning.level is Level.SYSTEM, code
            assert meaning.urgency is Urgency.UNKNOWN, code


def test_what_is_not_known_is_never_called_harmless() -> None:
    for number in range(0x10000):
        meaning = MEANINGS.find(J2012Dtc(number))
        if meaning.level is not Level.GENERIC:
            assert meaning.urgency not in {Urgency.INFO, Urgency.NEXT_SERVICE}, number


def test_rows_that_makes_do_not_agree_on_are_never_called_harmless() -> None:
    doubtful = [meaning for meaning in MEANINGS.rows.values() if meaning.source.endswith("low)")]
    assert len(doubtful) >= 200
    assert {meaning.urgency for meaning in doubtful}.isdisjoint(
        {Urgency.INFO, Urgency.NEXT_SERVICE}
    )


@pytest.mark.parametrize(
    ("code", "trade", "words"),
    [
        ("C0034", "brakes", "right front wheel speed sensor"),
        ("C0528", "brakes", "steering angle sensor module"),
        ("C0620", "steering", "lock safety actuator"),
        ("C05D8", "transmission", "clutch A actuator"),
        ("C0900", "chassis", "tyre"),
        ("B0012", "srs", "passenger frontal stage 3"),
        ("B00C8", "srs", "passenger seat occupant position sensor B"),
        ("B011B", "unknown-body", "camera washer actuator S"),
        ("B0127", "hv", "high voltage power outlet A"),
        ("U0045", "network", "bus B shorted"),
        ("U009D", "network", "bus J"),
        ("U0147", "network", "gateway module B"),
        ("U017D", "srs", "restraints system sensor N"),
        ("U01AF", "hvnetwork", "battery interface control module P"),
        ("U0270", "adas", "image processing sensor L"),
        ("U0349", "software", "interface control module P"),
        ("U047E", "srs", "invalid data restraints system sensor N"),
        ("U058D", "network", "invalid data grille air shutter module D"),
        ("U0699", "network", "lost communication coolant pump F"),
        ("U3036", "security", "authentication signal performance"),
        ("U3548", "isolation", "interlock circuit P high"),
        ("U3576", "hydrogen", "stack differential pressure"),
    ],
)
def test_chassis_body_and_network_codes_count_to_where_they_should(
    code: str, trade: str, words: str
) -> None:
    meaning = MEANINGS.find(parse_code(code))
    text = meaning.text("en").lower()
    assert meaning.trade == trade
    assert [word for word in words.lower().split() if word not in text] == []


@given(st.integers(0, 0x7FFFF), st.integers(0, 31))
def test_every_parameter_means_something(spn: int, fmi: int) -> None:
    meaning = MEANINGS.find(J1939Dtc(spn, fmi))
    assert meaning.trade in TRADES
    assert meaning.text("de")
    if spn >= 516_096:
        assert meaning.level is Level.UNKNOWN


def test_all_parameters_name_a_kind_of_work() -> None:
    assert {parameter.component.trade for parameter in MEANINGS.parameters.values()} <= set(TRADES)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("P0011", "camshaft advanced"),
        ("P0269", "cylinder 3 contribution"),
        ("P0296", "cylinder 12 contribution"),
        ("P02BE", "cylinder 10 trim max"),
        ("P0362", "coil L"),
        ("P0770", "solenoid E"),
        ("P0AA1", "positive contactor stuck closed"),
        ("P2302", "coil A secondary"),
        ("P2335", "coil L secondary"),
        ("U0293", "hybrid powertrain"),
    ],
)
def test_counting_through_a_row_ends_where_it_should(code: str, words: str) -> None:
    text = MEANINGS.find(parse_code(code)).text("en").lower()
    assert [word for word in words.lower().split() if word not in text] == []


@pytest.mark.parametrize(
    ("code", "make", "level"),
    [
        ("C0655", "GMC", "block"),
        ("C0655", "Chevrolet", "block"),
        ("C0655", "kia", "generic"),
        ("C0655", None, "generic"),
        ("C0035", "gmc", "generic"),
        ("P0420", "gmc", "generic"),
    ],
)
def test_a_number_that_a_make_uses_otherwise_is_told_by_its_block_alone(
    code: str, make: str | None, level: str
) -> None:
    assert Meanings.load().find(parse_code(code), make).level == level


def test_makes_of_disputed_numbers_stand_in_the_form_in_which_makes_are_compared() -> None:
    for makes in Meanings.load().disputed.values():
        assert {make_key(make) for make in makes} == makes
