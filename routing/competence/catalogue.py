"""The catalogue of schemes: which title shows which skills, where, and who issues it.

Schemes change with the law, so they are dated files under ``routing/schemes``, checked when they
are loaded. What a file could not take from a source says so in its own ``unsourced`` list.
"""

import hashlib
import tomllib
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from functools import cache
from importlib import resources

import msgspec

from routing.errors import DataFileError

_EU = frozenset(
    {"AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU"}
    | {"IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"}
)
_GROUPS: Mapping[str, frozenset[str]] = {
    "EU": _EU,
    "EEA": _EU | {"IS", "LI", "NO"},
}
ANYWHERE = "*"


class Kind(StrEnum):
    """What stands behind a scheme."""

    LEGAL = "legal"  # the law of the place asks for it
    RECOGNISED = "recognised"  # an independent body vouches for it
    TRADE = "trade"  # the ordinary qualification of the trade


class Role(StrEnum):
    """What a title lets a person do when a job is shared."""

    ASSIST = "assist"
    WORK = "work"
    ISOLATE = "isolate"
    SUPERVISE = "supervise"
    TEST = "test"
    TOW = "tow"


FALLBACK = "en"
_DOING = (Role.WORK, Role.TEST)
_ROLES_OF_SKILL: Mapping[str, tuple[Role, ...]] = {
    "hv.aware": tuple(Role),  # every step of every scheme begins with it
    "hv.isolate": (Role.ISOLATE,),
    "tow.hv": (Role.TOW,),
}


class Edition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A text of the scheme and the first day on which it counted."""

    name: str
    from_: date = msgspec.field(name="from")


class Title(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One title, spelt as the scheme spells it.

    Attributes:
        text: What it lets a workshop do, in plain words, by language; always in English.
        aliases: Other spellings and earlier or national names that mean the same.
        countries: Where it counts, if that is narrower than for the scheme.
        skills: Names of the skill vocabulary; empty where it opens no work by itself.
        assists: Skills in which its holder may only help somebody who may supervise.
        usual_months: How long it usually holds or when it is usually refreshed; None if unknown.
        provenance: Where the reading of this title comes from.
    """

    symbol: str
    roles: frozenset[Role]
    skills: frozenset[str]
    provenance: str
    text: dict[str, str]
    aliases: tuple[str, ...] = ()
    assists: frozenset[str] = frozenset()
    countries: frozenset[str] | None = None
    usual_months: int | None = None


class Scheme(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A body of rules that recognises competence.

    Attributes:
        countries: ISO 3166-1 alpha-2, ``EU``, ``EEA`` or ``*``: where its titles count.
        issuer: Who issues its titles, by language.
        validity: How long they hold and when they are refreshed, by language.
        text: What it means for a workshop, in plain words, by language.
        unsourced: What could not be taken from a source.
        page: Home page of whoever keeps the scheme; None where none is known for certain.
        is_issued_by_employer: Its titles end with the employment under which they were issued.
    """

    name: str
    kind: Kind
    countries: frozenset[str]
    issuer: dict[str, str]
    validity: dict[str, str]
    text: dict[str, str]
    editions: tuple[Edition, ...]
    sources: tuple[str, ...]
    unsourced: tuple[str, ...]
    titles: tuple[Title, ...]
    page: str | None = None
    is_issued_by_employer: bool = False


class Catalogue:
    """All schemes, with the one question that is asked a million times answered from a table."""

    def __init__(self, schemes: Mapping[str, Scheme], *, digest: str = "") -> None:
        self.schemes = dict(sorted(schemes.items()))
        self.digest = digest
        self._titles: dict[tuple[str, str], tuple[Title, frozenset[str]]] = {}
        for scheme in self.schemes.values():
            for title in scheme.titles:
                where = _expand(scheme.countries if title.countries is None else title.countries)
                for spelling in (title.symbol, *title.aliases):
                    key = (scheme.name, spelling.casefold())
                    if key in self._titles:
                        raise DataFileError(f"scheme {scheme.name}: {spelling!r} is named twice")
                    self._titles[key] = (title, where)

    def find_title(self, scheme: str, spelling: str) -> Title | None:
        """The title, whatever the case of its letters; None if the scheme does not know it."""
        found = self._titles.get((scheme, spelling.strip().casefold()))
        return found[0] if found else None

    def is_valid_in(self, scheme: str, spelling: str, country: str) -> bool:
        """Whether the title counts in the country; never where the country is unknown.

        A title of another country may be as good, but nobody has said so officially, and the
        law of the place where the work is done decides.
        """
        found = self._titles.get((scheme, spelling.strip().casefold()))
        return found is not None and (ANYWHERE in found[1] or country in found[1])

    def find_country(self, scheme: str, spelling: str) -> str:
        """One country in which the title counts, always the same; empty for an unknown title."""
        found = self._titles.get((scheme, spelling.strip().casefold()))
        return min(found[1], default="") if found else ""


def in_language(text: Mapping[str, str], lang: str) -> str:
    """The words in a language; in English if they are not to be had in it."""
    return text.get(lang, text[FALLBACK])


def parse_scheme(content: str, *, file_name: str) -> Scheme:
    """Read one scheme file.

    Raises:
        DataFileError: If it is no TOML, breaks the schema, is not named as its file is, lacks
            English words, or has a title that opens work which none of its roles allows.
    """
    try:
        scheme = msgspec.convert(tomllib.loads(content), Scheme)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise DataFileError(f"scheme file {file_name}: {error}") from error
    if f"{scheme.name}.toml" != file_name:
        raise DataFileError(f"scheme file {file_name}: its name inside is {scheme.name!r}")
    if not all(FALLBACK in text for text in (scheme.issuer, scheme.validity, scheme.text)):
        raise DataFileError(f"scheme file {file_name}: issuer, validity and text need English")
    for title in scheme.titles:
        _check_title(title, file_name)
    return scheme


@cache
def load_catalogue() -> Catalogue:
    """The schemes that come with the program."""
    schemes: dict[str, Scheme] = {}
    digest = hashlib.sha256()
    folder = resources.files("routing.schemes")
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if file.name.endswith(".toml"):
            content = file.read_text(encoding="utf-8")
            scheme = parse_scheme(content, file_name=file.name)
            schemes[scheme.name] = scheme
            digest.update(hashlib.sha256(content.encode()).digest())
    return Catalogue(schemes, digest=digest.hexdigest())


def _check_title(title: Title, file_name: str) -> None:
    """What a title opens must be allowed by one of its roles."""
    where = f"scheme file {file_name}: title {title.symbol!r}"
    if FALLBACK not in title.text:
        raise DataFileError(f"{where}: the text needs English")
    if title.assists and Role.ASSIST not in title.roles:
        raise DataFileError(f"{where}: it assists in something without the role assist")
    for skill in sorted(title.skills):
        wanted = _ROLES_OF_SKILL.get(skill, _DOING)
        if title.roles.isdisjoint(wanted):
            raise DataFileError(f"{where}: {skill} needs one of the roles {', '.join(wanted)}")


def _expand(countries: frozenset[str]) -> frozenset[str]:
    """Replace the names of groups by their members."""
    return frozenset().union(*(_GROUPS.get(country, {country}) for country in countries))
