from dtc_db.lookup import Meanings
from dtc_db.search import FOUND_MAX, find_codes

MEANINGS = Meanings.load()


def check(words: str, lang: str, expected: set[str]) -> None:
    found = {hit.code for hit in find_codes(MEANINGS, words.split(), lang=lang)}
    assert found >= expected


def test_every_word_must_occur_whatever_case_and_accents() -> None:
    check("OIL pressure low", "en", {"P0524", "P0522"})
    check("vehicule vitesse", "fr", {"P0500", "SPN 84"})
    check("Hochvolt isolationsfehler", "de", {"P0AA6"})
    assert find_codes(MEANINGS, ["teapot"]) == []


def test_no_search_answers_without_end() -> None:
    assert len(find_codes(MEANINGS, ["circuit"])) == FOUND_MAX
