"""Finds codes by words of their meaning."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dtc_db.codes import Code, J1939Dtc, J2012Dtc
from dtc_db.lookup import Meanings
from dtc_db.meaning import LANGUAGES

FOUND_MAX = 100


@dataclass(frozen=True, slots=True)
class Found:
    """A code, or for J1939 a parameter with any failure mode, and what it means."""

    code: str
    text: str


def find_codes(meanings: Meanings, words: Sequence[str], *, lang: str = "en") -> list[Found]:
    """The codes whose text holds every word, in the order of the tables.

    Case and accents do not matter; a word may be a part of a longer one. At most ``FOUND_MAX``.
    """
    wanted = [_plain(word) for word in words]
    found: list[Found] = []
    for code, text in _texts(meanings, lang):
        plain = _plain(text)
        if all(word in plain for word in wanted):
            found.append(Found(code, text))
            if len(found) == FOUND_MAX:
                break
    return found


def _texts(meanings: Meanings, lang: str) -> Iterator[tuple[str, str]]:
    for number, meaning in sorted(meanings.rows.items()):
        code: Code = J2012Dtc(number)
        yield str(code), meaning.text(lang)
    index = LANGUAGES.index(lang) if lang in LANGUAGES else 0
    for spn, parameter in sorted(meanings.parameters.items()):
        yield str(J1939Dtc(spn, 0)).partition(" FMI")[0], parameter.component.names[index]


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))
