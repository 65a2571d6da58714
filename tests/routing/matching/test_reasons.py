"""Reasons are whole sentences about the right thing, in the language asked for."""

import re
import tomllib
from datetime import date
from importlib import resources

import pytest

from dtc_db.need import Arrival
from routing.competence.held import Shortfall
from routing.directory.opening import Openness
from routing.directory.snapshot import Directory
from routing.imports.site_fields import vocabulary
from routing.matching.eligible import Failure
from routing.matching.match import decide
from routing.matching.policy import load_policy
from routing.matching.reasons import Reasons, format_distance, format_duration, load_reasons
from routing.model import Evidence, Rule
from routing.testing import LIGHT, NOW, case, held, need, site

TABLES = tomllib.loads(resources.files("routing.data").joinpath("texts.toml").read_text("utf-8"))
DE = "de-dguv-209-093"


@pytest.mark.parametrize("lang", sorted(TABLES))
def test_every_language_has_only_keys_and_words_that_english_has(lang: str) -> None:
    for table, sentences in TABLES[lang].items():
        for key, sentence in sentences.items():
            words = set(re.findall(r"{(\w+)}", sentence))
            assert words <= set(re.findall(r"{(\w+)}", TABLES["en"][table][key]))


def test_every_thing_rule_and_state_has_words() -> None:
    en = TABLES["en"]
    things = vocabulary("skills") | vocabulary("equipment") | vocabulary("access")
    assert things <= en["things"].keys()
    assert set(Rule) == en["rules"].keys() == en["excluded"].keys() - {"skills_impossible"}
    assert set(Evidence) == en["evidence"].keys()
    assert set(Shortfall) - {"unknown_title"} == en["lapses"].keys()
    assert {f"meanwhile_{arrival}" for arrival in Arrival} <= en["notices"].keys()


def test_a_language_that_lacks_a_sentence_borrows_the_english_one() -> None:
    assert load_reasons("xx") == load_reasons("en")


def test_words_of_another_language_are_used_where_they_are_given() -> None:
    english = load_reasons().tables
    notices = {**english["notices"], "free_choice": "Vous êtes libre."}
    tables = {**english, "notices": notices}
    decision = decide(
        case(need("brakes")),
        Directory([site("a", [LIGHT])], "1"),
        load_policy(),
        decided_at=NOW,
        reasons=Reasons(tables),
    )
    assert decision.notices[-1] == "Vous êtes libre."


@pytest.mark.parametrize(
    ("distance_m", "text"),
    [(0, "0 m"), (999, "999 m"), (1000, "1.0 km"), (12_345, "12.3 km"), (150_999, "150 km")],
)
def test_distances_read_well(distance_m: int, text: str) -> None:
    assert format_distance(distance_m) == text


@pytest.mark.parametrize(
    ("duration_s", "text"),
    [(0, "1 min"), (1500, "25 min"), (7140, "119 min"), (7200, "2 h 0 min"), (190_000, "2 d 4 h")],
)
def test_durations_read_well(duration_s: int, text: str) -> None:
    assert format_duration(duration_s) == text


def why_not(*titles: tuple[str, date | None]) -> str:
    people = [[held(scheme, "3S", until=until) for scheme, until in titles]]
    directory = Directory([site("g", *people, country="DE")], "1")
    decision = decide(case(need("hv.live")), directory, load_policy(), decided_at=NOW)
    return decision.excluded[0].why


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
    assert any(words in why for why in offer.why), openness


def test_an_offer_says_how_its_weakest_title_is_known_and_when_the_first_ends() -> None:
    titles = [
        held("trade", "light vehicle technician", evidence=Evidence.DOCUMENT_SEEN),
        held(DE, "2S", evidence=Evidence.REGISTER_CHECKED, until=date(2027, 3, 3)),
    ]
    directory = Directory([site("g", titles, country="DE")], "1")
    wanted = case(need("brakes", "hv.isolate"))
    offer = decide(wanted, directory, load_policy(), decided_at=NOW).offers[0]
    assert "how the weakest title is known: the document was seen" in offer.why
    assert "the first of these titles ends on 2027-03-03" in offer.why
    assert [term.value for term in offer.terms if term.name == "evidence"] == [1]


def test_the_policy_is_told_in_whole_sentences() -> None:
    policy = load_policy()
    sentences = load_reasons().about_policy(policy)
    assert "Nobody can pay" in sentences[0]
    assert any(f"The {policy.ranked_max} nearest" in sentence for sentence in sentences)
    assert not any("{" in sentence for sentence in sentences)
    assert set(Rule) == TABLES["en"]["policy_rules"].keys()


def test_sentences_that_are_kept_are_those_that_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    reasons = Reasons(load_reasons().tables)
    failures = [Failure(Rule.ACCESS, (name,)) for name in ("sermi", "make.diagnostics")]
    told = [reasons.for_failure(failure, ()) for failure in failures]
    monkeypatch.setattr("routing.matching.reasons._TOLD_MAX", 1)
    reasons = Reasons(load_reasons().tables)
    for _ in range(2):
        assert [reasons.for_failure(failure, ()) for failure in failures] == told
