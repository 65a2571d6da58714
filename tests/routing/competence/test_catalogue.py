"""The scheme files are whole, dated, and spell skills as the vocabulary does."""

import tomllib
from importlib import resources

import pytest

from dtc_db.vehicle import VehicleClass
from routing.competence.catalogue import (
    Catalogue,
    Scheme,
    Title,
    in_language,
    load_catalogue,
    parse_scheme,
)
from routing.errors import DataFileError

CATALOGUE = load_catalogue()
LANGUAGES = ("en", "fr", "de")
VOCABULARY = frozenset(
    tomllib.loads(resources.files("dtc_db.data").joinpath("skills.toml").read_text("utf-8"))[
        "skills"
    ]
)
TITLES = [
    pytest.param(scheme, title, id=f"{scheme.name}:{title.symbol}")
    for scheme in CATALOGUE.schemes.values()
    for title in scheme.titles
]
# Said to be without any title in gas.toml, so that whoever finds one adds it there.
WITHOUT_TITLE = frozenset({"hydrogen"})

SMALL = """
name = "x"
kind = "legal"
countries = ["EU"]
issuer.en = "someone"
validity.en = "A year."
text.en = "A scheme."
editions = [{ name = "first", from = 2020-01-01 }]
sources = []
unsourced = []

[[titles]]
symbol = "T"
aliases = ["Tee"]
roles = ["work"]
skills = ["brakes"]
provenance = "test"
text.en = "A title."
"""


@pytest.mark.parametrize(("scheme", "title"), TITLES)
def test_every_title_is_sourced_explained_and_shows_known_skills(
    scheme: Scheme, title: Title
) -> None:
    assert title.skills <= VOCABULARY
    assert title.provenance
    assert set(title.text) == set(LANGUAGES)
    assert all(words.endswith(".") for words in title.text.values())
    assert len(set(title.text.values())) == len(LANGUAGES) or title.symbol.startswith("M")
    assert title.roles
    assert title.assists <= VOCABULARY - title.skills
    assert title.usual_months is None or title.usual_months > 0
    assert CATALOGUE.find_title(scheme.name, title.symbol.upper()) is title
    assert all(CATALOGUE.find_title(scheme.name, alias) is title for alias in title.aliases)


@pytest.mark.parametrize("scheme", CATALOGUE.schemes.values(), ids=lambda scheme: scheme.name)
def test_every_scheme_is_dated_and_says_what_it_could_not_source(scheme: Scheme) -> None:
    assert scheme.editions
    assert [edition.from_ for edition in scheme.editions] == sorted(
        edition.from_ for edition in scheme.editions
    )
    assert scheme.sources or scheme.unsourced
    for words in (scheme.issuer, scheme.validity, scheme.text):
        assert set(words) == set(LANGUAGES)
        assert len(set(words.values())) == len(LANGUAGES)
    assert scheme.page or any("page" in what for what in scheme.unsourced)
    assert scheme.page is None or scheme.page.startswith("https://")


def test_the_schemes_that_the_design_names_are_there() -> None:
    assert {
        "fr-nf-c-18-550",
        "de-dguv-209-093",
        "uk-imi-techsafe",
        "us-ase",
        "eu-sermi",
        "eu-fgas-mac",
        "srs",
        "adas",
        "trade",
    } <= CATALOGUE.schemes.keys()


def test_every_skill_can_be_shown_by_some_title_but_those_said_not_to() -> None:
    shown = {
        skill
        for scheme in CATALOGUE.schemes.values()
        for title in scheme.titles
        for skill in title.skills
    }
    assert shown == VOCABULARY - WITHOUT_TITLE


@pytest.mark.parametrize(
    ("scheme", "title", "country", "expected"),
    [
        ("de-dguv-209-093", "2S", "DE", True),
        ("de-dguv-209-093", "2s", "DE", True),
        ("de-dguv-209-093", "2S", "FR", False),
        ("de-dguv-209-093", "2S", "", False),
        ("de-dguv-209-093", "9S", "DE", False),
        ("no-such-scheme", "2S", "DE", False),
        ("trade", "heavy vehicle technician", "LI", True),
        ("trade", "heavy vehicle technician", "", True),
        ("eu-sermi", "employee authorisation", "FR", True),
        ("eu-sermi", "employee authorisation", "CH", False),
        ("eu-fgas-mac", "M1", "LI", True),
        ("srs", "P1", "DE", True),
        ("srs", "P1", "FR", False),
        ("srs", "airbag course", "FR", True),
    ],
)
def test_a_title_counts_where_its_scheme_says(
    scheme: str, title: str, country: str, *, expected: bool
) -> None:
    assert CATALOGUE.is_valid_in(scheme, title, country) == expected


def test_a_scheme_file_is_read_whole() -> None:
    scheme = parse_scheme(SMALL, file_name="x.toml")
    assert Catalogue({"x": scheme}).is_valid_in("x", "tee", "DK")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('symbol = "T"', "", "symbol"),
        ('symbol = "T"', 'symbol = "T"\ncolour = "red"', "colour"),
        ('roles = ["work"]', 'roles = ["sing"]', "sing"),
        ("from = 2020-01-01", "from = 2020", "date"),
        ('name = "x"', 'name = "y"', "'y'"),
        ("validity.en", "validity.fr", "need English"),
        ('text.en = "A title."', 'text.fr = "Un titre."', "the text needs English"),
        ('roles = ["work"]', 'roles = ["assist"]', "brakes needs one of the roles work, test"),
        ('skills = ["brakes"]', 'skills = ["hv.isolate"]', "needs one of the roles isolate"),
        ('skills = ["brakes"]', 'skills = ["tow.hv"]', "needs one of the roles tow"),
        (
            'skills = ["brakes"]',
            'skills = ["brakes"]\nassists = ["hv.live"]',
            "without the role assist",
        ),
        ("[[titles]]", "[[titles]", "scheme file x.toml"),
    ],
)
def test_a_broken_scheme_file_is_refused_with_its_name_and_the_place(
    old: str, new: str, told: str
) -> None:
    with pytest.raises(DataFileError, match=r"scheme file x\.toml") as caught:
        parse_scheme(SMALL.replace(old, new, 1), file_name="x.toml")
    assert told in str(caught.value)


def test_two_titles_of_a_scheme_cannot_share_a_spelling() -> None:
    scheme = parse_scheme(SMALL.replace('["Tee"]', '["t"]'), file_name="x.toml")
    with pytest.raises(DataFileError, match="named twice"):
        Catalogue({"x": scheme})


def test_words_that_a_language_lacks_are_given_in_english() -> None:
    text = {"en": "brakes", "fr": "freins"}
    assert [in_language(text, lang) for lang in ("fr", "de")] == ["freins", "brakes"]


@pytest.mark.parametrize(
    ("scheme", "title", "country"),
    [("de-dguv-209-093", "2S", "DE"), ("ch-hv", "HV2", "CH"), ("trade", "x", ""), ("x", "y", "")],
)
def test_a_title_has_a_country_of_its_own(scheme: str, title: str, country: str) -> None:
    assert CATALOGUE.find_country(scheme, title) == country


def test_vehicle_classes_are_no_skills() -> None:
    assert not VOCABULARY & set(VehicleClass)
