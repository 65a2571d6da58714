"""Reads the rules that come with the package; ``data/rules.toml`` explains its own form."""

import tomllib
from collections.abc import Callable
from dataclasses import dataclass

from dtc_db.errors import MalformedRuleError, TableError
from dtc_db.languages import LANGUAGES, Words
from dtc_db.makes import make_key
from dtc_db.patterns import Pattern, parse_pattern
from dtc_db.tables import FOLDER
from dtc_db.urgency import Urgency

type Patterns = tuple[Pattern, ...]
type Fields = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Combination:
    """Faults that belong together; the fields are those of the table."""

    name: str
    causes: tuple[Patterns, ...]
    follows: Patterns
    follows_min: int
    within_s: int
    sets_aside: bool
    makes: frozenset[str]
    words: Words
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Codes that are no faults, or that units provoke; the fields are those of the table."""

    codes: Patterns
    makes: frozenset[str]
    units: tuple[str, ...]
    words: Words
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InMotion:
    """Codes that weigh more while the vehicle moves; the fields are those of the table."""

    codes: Patterns
    from_kmh: int
    urgency: Urgency
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Symptom:
    """What a person notices; the fields are those of the table."""

    name: str
    trade: str
    electrified_trade: str
    urgency: Urgency
    words: Words
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTables:
    """All rules that come with the package, each kind in the order of the table."""

    combinations: tuple[Combination, ...] = ()
    not_a_fault: tuple[Note, ...] = ()
    induced: tuple[Note, ...] = ()
    in_motion: tuple[InMotion, ...] = ()
    symptoms: tuple[Symptom, ...] = ()

    @classmethod
    def load(cls, name: str = "rules.toml") -> "RuleTables":
        """Read the table.

        Raises:
            TableError: If a rule has a mistake; names it.
        """
        document = tomllib.loads((FOLDER / name).read_text(encoding="utf-8"))

        def read[T](kind: str, build: Callable[[Fields], T]) -> tuple[T, ...]:
            built: list[T] = []
            for number, fields in enumerate(document.pop(kind, ()), start=1):
                try:
                    built.append(build(fields))
                    if fields:
                        raise ValueError(f"unknown: {', '.join(fields)}")  # noqa: TRY301 - one place says which rule
                except (KeyError, TypeError, ValueError, MalformedRuleError) as error:
                    raise TableError(name, 0, f"[[{kind}]] no. {number}: {error}") from error
            return tuple(built)

        tables = cls(
            combinations=read("combination", _combination),
            not_a_fault=read("not_a_fault", _note),
            induced=read("induced", _note),
            in_motion=read("in_motion", _in_motion),
            symptoms=read("symptom", _symptom),
        )
        if document:
            raise TableError(name, 0, f"unknown: {', '.join(document)}")
        return tables


def _combination(fields: Fields) -> Combination:
    return Combination(
        name=_text(fields, "name"),
        causes=tuple(map(_patterns, _texts(fields, "causes"))),
        follows=_patterns(_text(fields, "follows")),
        follows_min=int(str(fields.pop("follows_min", 1))),
        within_s=int(str(fields.pop("within_s", 0))),
        sets_aside=fields.pop("sets_aside", True) is True,
        makes=_makes(fields),
        words=_words(fields),
        source=_text(fields, "source"),
    )


def _note(fields: Fields) -> Note:
    return Note(
        codes=_patterns(_text(fields, "codes")),
        makes=_makes(fields),
        units=_texts(fields, "units"),
        words=_words(fields),
        source=_text(fields, "source"),
    )


def _in_motion(fields: Fields) -> InMotion:
    return InMotion(
        codes=_patterns(_text(fields, "codes")),
        from_kmh=int(str(fields.pop("from_kmh"))),
        urgency=Urgency(_text(fields, "urgency")),
        source=_text(fields, "source"),
    )


def _symptom(fields: Fields) -> Symptom:
    return Symptom(
        name=_text(fields, "name"),
        trade=_text(fields, "trade"),
        electrified_trade=str(fields.pop("electrified_trade", "")),
        urgency=Urgency(_text(fields, "urgency")),
        words=_words(fields),
        source=_text(fields, "source"),
    )


def _patterns(text: str) -> Patterns:
    return tuple(parse_pattern(each.replace("_", " ")) for each in text.split())


def _makes(fields: Fields) -> frozenset[str]:
    return frozenset(map(make_key, _texts(fields, "makes")))


def _words(fields: Fields) -> Words:
    english, french, german = (_text(fields, lang) for lang in LANGUAGES)
    return english, french, german


def _text(fields: Fields, key: str) -> str:
    value = fields.pop(key)
    if not isinstance(value, str) or not value:
        raise TypeError(f"{key}: expected a text")
    return value


def _texts(fields: Fields, key: str) -> tuple[str, ...]:
    values = fields.pop(key, [])
    if not isinstance(values, list):
        raise TypeError(f"{key}: expected a list of texts")
    return tuple(map(str, values))
