"""What a repairer is shown says what to do, in three languages, and points at nobody."""

import re
import tomllib
from datetime import date
from importlib import resources

import pytest

from dtc_db.vehicle import VehicleClass
from routing.assessment.assess import Advice, Assessment, Change, ChangeKind, Ending
from routing.assessment.report import AssessmentReport, report, sentences
from routing.competence.catalogue import load_catalogue
from routing.decision import Rule
from routing.testing import held, site

CATALOGUE = load_catalogue()
TEXTS = tomllib.loads(
    resources.files("routing.assessment").joinpath("texts.toml").read_text("utf-8")
)
FR = "fr-nf-c-18-550"
BCL = Change(kind=ChangeKind.TITLE, name="BCL", scheme=FR)
DAY = date(2026, 11, 23)


def ids(count: int, kind: str = "case") -> frozenset[str]:
    return frozenset(f"{kind}-{number}" for number in range(count))


def seen(
    able: int, unable: int, *, lang: str = "en", advice: tuple[Advice, ...] = (), lost: int = 0
) -> AssessmentReport:
    ending = Ending(
        person=1, credential=held(FR, "BCL"), ends=date(2027, 3, 3), lost=ids(lost, "able")
    )
    found = Assessment(
        site=site("g-1"),
        able=ids(able, "able"),
        unable=dict.fromkeys(ids(unable), Rule.SKILLS),
        advice=advice,
        endings=(ending,) if lost else (),
    )
    return report(found, day=DAY, days=90, lang=lang, catalogue=CATALOGUE)


def advice(change: Change, opened: int, *same: Change) -> tuple[Advice, ...]:
    return (Advice(change=change, same=same, opened=ids(opened)),)


@pytest.mark.parametrize(
    ("able", "unable", "expected"),
    [
        (20, 31, (51, 20, 31)),
        (0, 31, (31, 0, 31)),
        (20, 0, (20, 20, 0)),
        (0, 0, (0, 0, 0)),
        (20, 3, (23, None, None)),
        (3, 31, (34, None, None)),
        (2, 2, (None, None, None)),
        (0, 3, (None, 0, None)),
    ],
)
def test_no_sum_gives_a_masked_count_away(
    able: int, unable: int, expected: tuple[int | None, int | None, int | None]
) -> None:
    shown = seen(able, unable)
    assert (shown.total, shown.able, shown.unable) == expected


def test_a_title_is_told_with_what_it_means_who_issues_it_and_how_long_it_holds() -> None:
    shown = seen(9, 31, advice=advice(BCL, 22), lost=7)
    text = "\n".join(sentences(shown, lang="en"))
    assert "40 cases within reach in 90 days: 9 you could take, 31 you could not." in text
    assert "One person more with BCL (fr-nf-c-18-550) opens 22 cases." in text
    assert "Locks a vehicle out" in text
    assert "the employer, after training" in text
    assert "three years" in text
    assert "https://www.inrs.fr" in text
    assert "The title BCL of person 1 ends on 2027-03-03: with it 7 cases." in text
    assert "case-" not in text


def test_small_numbers_are_words() -> None:
    shown = seen(9, 31, advice=advice(BCL, 3), lost=2)
    assert (shown.advice[0].opens, shown.endings[0].loses) == (None, None)
    assert "opens fewer than 5 cases" in "\n".join(sentences(shown, lang="en"))


@pytest.mark.parametrize(
    ("change", "told", "meaning"),
    [
        (Change(kind=ChangeKind.EQUIPMENT, name="hv.tools"), "hv.tools opens", "Insulated tools"),
        (Change(kind=ChangeKind.ACCESS, name="sermi"), "sermi opens", "Authorised access"),
        (Change(kind=ChangeKind.VEHICLE_CLASS, name="truck"), "Taking trucks as well opens", ""),
    ],
)
def test_a_thing_is_told_in_plain_words_and_has_no_issuer(
    change: Change, told: str, meaning: str
) -> None:
    whole = seen(9, 31, advice=advice(change, 6))
    (shown,) = whole.advice
    assert f"{told} 6 cases." in "\n".join(sentences(whole, lang="en"))
    assert shown.means.startswith(meaning)
    assert bool(shown.means) is bool(meaning)
    assert (shown.issuer, shown.validity, shown.page) == ("", "", "")


def test_titles_that_open_the_same_are_named() -> None:
    same = Change(kind=ChangeKind.TITLE, name="3S", scheme="de-dguv-209-093")
    other = Change(kind=ChangeKind.EQUIPMENT, name="hv.tools")
    shown = seen(9, 31, advice=advice(BCL, 6, same, other))
    text = "\n".join(sentences(shown, lang="en"))
    assert "opened by: 3S (de-dguv-209-093), hv.tools." in text


def test_where_no_single_change_helps_that_is_said() -> None:
    assert "at least" in "\n".join(sentences(seen(9, 31), lang="en"))
    assert "at least" not in "\n".join(sentences(seen(9, 0), lang="en"))
    assert [*sentences(seen(0, 0), lang="en")] == ["No case within reach in 90 days."]


@pytest.mark.parametrize("lang", ["en", "fr", "de"])
def test_every_language_says_the_same_things(lang: str) -> None:
    assert TEXTS[lang].keys() == TEXTS["en"].keys()
    for key, sentence in TEXTS[lang].items():
        braced = [sorted(re.findall(r"{\w+}", text)) for text in (sentence, TEXTS["en"][key])]
        assert braced[0] == braced[1]
    assert {kind.value for kind in ChangeKind} <= TEXTS[lang].keys()


@pytest.mark.parametrize(
    ("lang", "words"), [("fr", "Consigne"), ("de", "Schaltet"), ("xx", "Locks")]
)
def test_the_explanation_is_in_the_language_asked_for_or_english(lang: str, words: str) -> None:
    shown = seen(9, 31, lang=lang, advice=advice(BCL, 6))
    assert shown.advice[0].means.startswith(words)
    assert words in "\n".join(sentences(shown, lang=lang))
    tools = Change(kind=ChangeKind.EQUIPMENT, name="hv.tools")
    assert seen(9, 31, lang=lang, advice=advice(tools, 6)).advice[0].means


@pytest.mark.parametrize("lang", ["en", "fr", "de"])
@pytest.mark.parametrize(
    "vehicle_class", [one for one in VehicleClass if one is not VehicleClass.UNKNOWN]
)
def test_every_kind_of_vehicle_has_a_word_in_every_language(
    vehicle_class: VehicleClass, lang: str
) -> None:
    change = Change(kind=ChangeKind.VEHICLE_CLASS, name=vehicle_class.value)
    text = [*sentences(seen(9, 31, advice=advice(change, 6)), lang=lang)][1]
    assert f" {vehicle_class.value} " not in text
