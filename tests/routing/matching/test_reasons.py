"""Reasons are whole sentences about the right thing, in the language asked for."""

import re
import tomllib
from dataclasses import replace
from datetime import date
from importlib import resources

import pytest

from dtc_db.languages import LANGUAGES
from dtc_db.need import Arrival
from routing.competence.held import Shortfall
from routing.decision import Reason, Rule
from routing.directory.opening import Openness
from routing.directory.snapshot import Directory
from routing.imports.site_fields import vocabulary
from routing.matching.laws import load_laws
from routing.matching.match import decide
from routing.matching.policy import load_policy
from routing.matching.texts import Texts, load_texts
from routing.model import Evidence
from routing.referral import match_document
from routing.testing import LIGHT, NOW, case, held, need, site

TABLES = {
    lang: tomllib.loads(
        resources.files("routing.data").joinpath(f"texts.{lang}.toml").read_text("utf-8")
    )
    for lang in LANGUAGES
}
DE = "de-dguv-209-093"
ENGLISH = load_texts()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_language_has_the_keys_and_words_that_english_has(lang: str) -> None:
    assert {table: {*keys} for table, keys in TABLES[lang].items()} == {
        table: {*keys} for table, keys in TABLES["en"].items()
    }
    for table, sentences in TABLES[lang].items():
        for key, sentence in sentences.items():
            words = set(re.findall(r"{(\w+)}", sentence))
            assert words == set(re.findall(r"{(\w+)}", TABLES["en"][table][key])), (table, key)


@pytest.mark.parametrize("lang", ["fr", "de"])
def test_no_sentence_was_left_in_english(lang: str) -> None:
    same = [
        (table, key)
        for table, sentences in TABLES[lang].items()
        for key, sentence in sentences.items()
        if " " in sentence and sentence == TABLES["en"][table][key]
    ]
    assert same == []


def test_every_thing_rule_and_state_has_words() -> None:
    en = TABLES["en"]
    things = vocabulary("skills") | vocabulary("equipment") | vocabulary("access")
    assert things <= en["things"].keys()
    assert set(Rule) == en["rules"].keys() == en["excluded"].keys() - {"skills_impossible"}
    assert set(Evidence) == en["evidence"].keys()
    assert set(Shortfall) - {"unknown_title"} == en["lapses"].keys()
    assert {f"meanwhile_{arrival}" for arrival in Arrival} <= en["notices"].keys()
    assert {law.name for law in load_laws().laws} == en["laws"].keys()


def test_an_unknown_language_is_answered_in_english() -> None:
    assert load_texts("xx").tables == ENGLISH.tables


@pytest.mark.parametrize(
    ("lang", "why", "notice"),
    [
        ("fr", "ouvert à votre arrivée", "Vous êtes libre de choisir"),
        ("de", "bei Ihrer Ankunft geöffnet", "Sie können jede Werkstatt frei wählen"),
    ],
)
def test_a_list_speaks_the_language_of_who_asks(lang: str, why: str, notice: str) -> None:
    asked = replace(case(need("engine.petrol")), lang=lang)
    directory = Directory([site("a", [LIGHT]), site("b")], "1")
    told = match_document(decide(asked, directory, load_policy(), decided_at=NOW))
    assert why in told["offers"][0]["why"]
    assert any(text.startswith(notice) for text in told["notices"])
    assert told["lang"] == lang
    thing = TABLES[lang]["things"]["engine.petrol"]
    assert told["excluded"][0]["why"].endswith(thing)
    english = match_document(
        decide(replace(asked, lang="en"), directory, load_policy(), decided_at=NOW)
    )
    assert told["offers"][0]["reasons"] == english["offers"][0]["reasons"]
    assert told["said"] == english["said"]


@pytest.mark.parametrize(
    ("distance_m", "text"),
    [(0, "0 m"), (999, "999 m"), (1000, "1.0 km"), (12_345, "12.3 km"), (150_999, "150 km")],
)
def test_distances_read_well(distance_m: int, text: str) -> None:
    assert ENGLISH.distance(distance_m) == text
    assert load_texts("fr").distance(distance_m) == text.replace(".", ",")


@pytest.mark.parametrize(
    ("duration_s", "text"),
    [(0, "1 min"), (1500, "25 min"), (7140, "119 min"), (7200, "2 h 0 min"), (190_000, "2 d 4 h")],
)
def test_durations_read_well(duration_s: int, text: str) -> None:
    assert ENGLISH.duration(duration_s) == text
    assert load_texts("de").duration(duration_s) == text.replace("d", "Tage")


def test_dates_read_as_they_do_where_they_are_read() -> None:
    until = Reason("reasons.until", (("date", "2027-03-09"),))
    told = [load_texts(lang).tell(until).split()[-1] for lang in LANGUAGES]
    assert told == ["2027-03-09", "09/03/2027", "09.03.2027"]


def why_not(*titles: tuple[str, date | None]) -> str:
    people = [[held(scheme, "3S", until=until) for scheme, until in titles]]
    directory = Directory([site("g", *people, country="DE")], "1")
    decision = decide(case(need("hv.live")), directory, load_policy(), decided_at=NOW)
    return ENGLISH.tell(decision.excluded[0].why)


def test_an_expired_title_is_told_with_its_day_and_its_holder() -> None:
    assert why_not((DE, date(2026, 3, 3))) == (
        "nobody there can show live high-voltage work; the title 3S of person 1 ended on 2026-03-03"
    )


def test_a_site_without_any_title_is_told_what_is_missing_only() -> None:
    assert why_not() == "nobody there can show live high-voltage work"


@pytest.mark.parametrize(
    ("hours", "openness", "words"),
    [
        ("24/7", Openness.OPEN, "open when you arrive"),
        ("We 08:00-18:00", Openness.LATER, "opens 1 d 21 h later"),
        (None, Openness.UNKNOWN, "call before you go"),
    ],
)
def test_an_offer_says_what_one_finds_on_arrival(
    hours: str | None, openness: Openness, words: str
) -> None:
    directory = Directory([site("a", [LIGHT], opening_hours=hours)], "1")
    offer = decide(case(need("brakes")), directory, load_policy(), decided_at=NOW).offers[0]
    assert any(words in why for why in ENGLISH.tell_all(offer.why)), openness


def test_an_offer_says_how_its_weakest_title_is_known_and_when_the_first_ends() -> None:
    titles = [
        held("trade", "light vehicle technician", evidence=Evidence.DOCUMENT_SEEN),
        held(DE, "2S", evidence=Evidence.REGISTER_CHECKED, until=date(2027, 3, 3)),
    ]
    directory = Directory([site("g", titles, country="DE")], "1")
    wanted = case(need("brakes", "hv.isolate"))
    offer = decide(wanted, directory, load_policy(), decided_at=NOW).offers[0]
    assert "how the weakest title is known: the document was seen" in ENGLISH.tell_all(offer.why)
    assert "the first of these titles ends on 2027-03-03" in ENGLISH.tell_all(offer.why)
    assert [term.value for term in offer.terms if term.name == "evidence"] == [1]


def test_the_policy_is_told_in_whole_sentences() -> None:
    policy = load_policy()
    sentences = ENGLISH.about_policy(policy)
    assert "Nobody can pay" in sentences[0]
    assert any(f"The {policy.ranked_max} nearest" in sentence for sentence in sentences)
    assert not any("{" in sentence for sentence in sentences)
    assert set(Rule) == TABLES["en"]["policy_rules"].keys()


def test_sentences_that_are_kept_are_those_that_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    reasons = [
        Reason("excluded.access", (("missing", (name,)),)) for name in ("sermi", "make.diagnostics")
    ]
    told = Texts(TABLES["en"]).tell_all(reasons)
    monkeypatch.setattr("routing.matching.texts._TOLD_MAX", 1)
    texts = Texts(TABLES["en"])
    for _ in range(2):
        assert texts.tell_all(reasons) == told
