"""Finds codes by words of their meaning."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dtc_db.codes import Code, J1939Dtc, J2012Dtc
from dtc_db.languages import column_of
from dtc_db.lookup import Meanings

FOUND_MAX = 100


@dataclass(frozen=True, slots=True)
class Found:
    """A code, or for J1939 a parameter with any failure mode, and what it means.

    Attributes:
        make: Whose own text it is; empty if it holds for all.
    """

    code: str
    text: str
    make: str = ""


def find_codes(meanings: Meanings, words: Sequence[str], *, lang: str = "en") -> list[Found]:
    """The codes whose text holds every word; lists that were brought first, then our tables.

    Case and accents do not matter; a word may be a part of a longer one. At most ``FOUND_MAX``.
    """
    wanted = [_plain(word) for word in words]
    found: list[Found] = []
    for each in _texts(meanings, lang):
        plain = _plain(f"{each.text} {each.make}")
        if all(word in plain for word in wanted):
            found.append(each)
            if len(found) == FOUND_MAX:
                break
    return found


def _texts(meanings: Meanings, lang: str) -> Iterator[Found]:
    for said in meanings.layers:
        yield Found(str(said.entry.code), said.entry.text, said.entry.make)
    for number, meaning in sorted(meanings.rows.items()):
        code: Code = J2012Dtc(number)
        yield Found(str(code), meaning.text(lang))
    index = column_of(lang)
    for spn, parameter in sorted(meanings.parameters.items()):
        name = str(J1939Dtc(spn, 0)).partition(" FMI")[0]
        yield Found(name, parameter.component.names[index])


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))
