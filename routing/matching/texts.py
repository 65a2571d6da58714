"""Sentences for people in their language, made from the data of a decision.

Every language is a file of templates with the same keys. How a word is written follows from its
name: what ends with ``_m`` is a distance, with ``_s`` a duration; dates and decimals follow the
language.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib import resources

from dtc_db.languages import LANGUAGES, column_of
from routing.decision import Reason, Rule, Word
from routing.matching.policy import THOUSAND, Policy

_TOLD_MAX = 5000  # sentences remembered
_THINGS = frozenset({Rule.VEHICLE_CLASS, Rule.SKILLS, Rule.ACCESS, Rule.EQUIPMENT})

type Tables = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Texts:
    """The templates of one language: tables of key to sentence."""

    tables: Tables
    _told: dict[Reason, str] = field(default_factory=dict, repr=False, compare=False)

    def tell(self, reason: Reason) -> str:
        """One sentence; the same few are needed again and again, and kept."""
        told = self._told.get(reason)
        if told is None:
            if len(self._told) >= _TOLD_MAX:
                self._told.clear()
            told = self._told[reason] = self._tell(reason)
        return told

    def tell_all(self, reasons: Iterable[Reason]) -> list[str]:
        """Several, in their order."""
        return [self.tell(reason) for reason in reasons]

    def text(self, table: str, key: str, **words: str) -> str:
        """One sentence with words that are text already."""
        return self.tables[table][key].format(**words)

    def things(self, names: Iterable[str]) -> str:
        """Skills, equipment and access in words; a name without words stands for itself."""
        return ", ".join(self.tables["things"].get(name, name) for name in sorted(names))

    def about_policy(self, policy: Policy) -> list[str]:
        """How lists are made, in plain words."""
        unsaid = set() if policy.turn else {"lots"}
        words = {
            "competing": str(policy.ranked_max),
            "offered": str(policy.offers_max),
            "one_in": str(policy.turn.new_one_in) if policy.turn else "",
            "terms": ", ".join(term.name for term in policy.terms),
        }
        keys = [key for key in self.tables["policy"] if key not in unsaid]
        return [self.text("policy", key, **words) for key in keys]

    def _tell(self, reason: Reason) -> str:
        table, key = reason.key.split(".", 1)
        words = {name: self._word(name, word) for name, word in reason.words}
        if table != "excluded":
            return self.text(table, key, **words)
        given = dict(reason.words)
        if key in _THINGS:
            words["missing"] = self.things(_names(given["missing"]))
        sentence = self.text(table, key, **words)
        return "; ".join(part for part in (sentence, words.get("lapses")) if part)

    def _word(self, name: str, word: Word) -> str:
        match word:
            case Reason():
                return self.tell(word)
            case int():
                return self._number(name, word)
            case str():
                return self._string(name, word)
            case _ if name == "things":
                return self.things(_names(word))
            case _:
                parts = [self.tell(one) if isinstance(one, Reason) else one for one in word]
                return ("; " if name == "lapses" else ", ").join(parts)

    def _string(self, name: str, text: str) -> str:
        if name == "date":
            return date.fromisoformat(text).strftime(self.tables["format"]["date"])
        return self.tables["evidence"][text] if name == "evidence" else text

    def _number(self, name: str, number: int) -> str:
        if name.endswith("_m"):
            return self.distance(number)
        if name.endswith("_s"):
            return self.duration(number)
        if name == "points":
            return f"{number / THOUSAND:g}".replace(".", self.tables["format"]["decimal"])
        return str(number)

    def distance(self, distance_m: int) -> str:
        """``850 m`` below a kilometre, ``12.3 km`` below a hundred, whole kilometres above."""
        if distance_m < 1000:
            return f"{distance_m} m"
        if distance_m >= 100_000:
            return f"{distance_m // 1000} km"
        return f"{distance_m / 1000:.1f} km".replace(".", self.tables["format"]["decimal"])

    def duration(self, duration_s: int) -> str:
        """``25 min`` below two hours, ``3 h 10 min`` below a day and ``2 d 5 h`` above."""
        minutes = max(1, round(duration_s / 60))
        if minutes < 120:
            return f"{minutes} min"
        hours, minutes = divmod(minutes, 60)
        if hours < 24:
            return f"{hours} h {minutes} min"
        days, hours = divmod(hours, 24)
        return f"{days} {self.tables['format']['day' if days == 1 else 'days']} {hours} h"


@cache
def load_texts(lang: str = LANGUAGES[0]) -> Texts:
    """The words of a language; those of English for a language that is not known."""
    name = LANGUAGES[column_of(lang)]
    content = resources.files("routing.data").joinpath(f"texts.{name}.toml").read_text("utf-8")
    return Texts(tomllib.loads(content))


def _names(word: Word) -> tuple[str, ...]:
    return tuple(one for one in word if isinstance(one, str)) if isinstance(word, tuple) else ()
