"""Reads people's credentials from the CSV form of docs/directory.md.

People are numbers within their site, never names. A title must be one that its scheme knows; the
spelling is kept as given.
"""

import difflib
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from routing.competence.catalogue import Catalogue, load_catalogue
from routing.imports.csv_file import read_rows
from routing.imports.findings import FieldError, Finding
from routing.imports.site_fields import parse_site_id
from routing.model import Credential, Evidence, Person, Site

REQUIRED = ("site", "person", "scheme", "title", "valid_from", "valid_until", "evidence")
OPTIONAL = ("revoked", "suspended", "employer", "edition", "scope")
PERSON_MAX = 100_000
TEXT_LENGTH_MAX = 500

_YES_NO = {"": False, "no": False, "yes": True}
# What a file can claim. `verified` is the result of checking a signature, not a word in a table.
_CLAIMABLE = [evidence for evidence in Evidence if evidence is not Evidence.VERIFIED]

type Team = dict[int, list[Credential]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialFile:
    """The people of a file.

    Attributes:
        people: By site id, in the order of their numbers.
        findings: What was refused, in the order of the file.
    """

    people: Mapping[str, tuple[Person, ...]]
    findings: tuple[Finding, ...]


def read_credentials(
    path: Path, *, known_sites: Collection[str] | None = None, catalogue: Catalogue | None = None
) -> CredentialFile:
    """Read who holds what.

    Args:
        path: The file.
        known_sites: A row for any other site is refused; None takes all.
        catalogue: The schemes; those that come with the program if None.

    Raises:
        UnreadableFileError: If it is no such CSV file.
    """
    catalogue = catalogue or load_catalogue()
    teams: defaultdict[str, Team] = defaultdict(lambda: defaultdict(list))
    findings: list[Finding] = []
    for where, record in read_rows(path, required=REQUIRED, optional=OPTIONAL):
        try:
            if isinstance(record, FieldError):
                raise record
            site_id = known_site(record, known_sites)
            held = teams[site_id][parse_person(record)]
            held.append(parse_credential(record, catalogue, held))
        except FieldError as error:
            findings.append(error.at(where))
    people = {
        site_id: tuple(
            Person(number=number, credentials=tuple(team[number])) for number in sorted(team)
        )
        for site_id, team in teams.items()
    }
    return CredentialFile(people=people, findings=tuple(findings))


def with_people(
    sites: Sequence[Site], people: Mapping[str, tuple[Person, ...]]
) -> tuple[Site, ...]:
    """The sites with their people; a site that the mapping does not name stays as it is."""
    return tuple(replace(site, people=people.get(site.site_id, site.people)) for site in sites)


def known_site(record: Mapping[str, str], known_sites: Collection[str] | None) -> str:
    """The site of a row, if it is one of those; None takes all."""
    site_id = parse_site_id(record.get("site", ""))
    if known_sites is not None and site_id not in known_sites:
        raise FieldError("site", f"no site {site_id} is known; import the site first")
    return site_id


def parse_person(record: Mapping[str, str]) -> int:
    """The number of a row's person."""
    text = record.get("person", "")
    if not (text.isascii() and text.isdigit() and 0 < int(text[:9]) <= PERSON_MAX):
        raise FieldError("person", f"expected a number from 1 to {PERSON_MAX}, never a name")
    return int(text)


def parse_credential(
    record: Mapping[str, str], catalogue: Catalogue, held: Sequence[Credential]
) -> Credential:
    """The title of a row.

    Args:
        record: The row.
        catalogue: The schemes.
        held: What the same person holds besides: it must not overlap the same title.

    Raises:
        FieldError: For the first field that cannot be read.
    """
    scheme, title = _title(record, catalogue)
    valid_from = parse_day(record, "valid_from")
    valid_until = parse_day(record, "valid_until") if record.get("valid_until") else None
    if valid_until is not None and valid_until < valid_from:
        raise FieldError("valid_until", f"{valid_until} lies before valid_from {valid_from}")
    is_revoked, revoked_on = _revoked(record)
    credential = Credential(
        scheme=scheme,
        title=title,
        valid_from=valid_from,
        valid_until=valid_until,
        evidence=_evidence(record),
        is_revoked=is_revoked,
        revoked_on=revoked_on,
        is_suspended=_is_yes(record, "suspended"),
        employer=parse_text(record, "employer"),
        edition=parse_text(record, "edition"),
        scope=parse_text(record, "scope"),
    )
    for other in held:
        is_same = other.scheme == scheme and catalogue.find_title(
            scheme, other.title
        ) is catalogue.find_title(scheme, title)
        if is_same and _overlap(other, credential):
            raise FieldError(
                "valid_from", f"{title} of this person overlaps the one from {other.valid_from}"
            )
    return credential


def _title(record: Mapping[str, str], catalogue: Catalogue) -> tuple[str, str]:
    scheme, title = record.get("scheme", ""), record.get("title", "")
    known = catalogue.schemes.get(scheme)
    if known is None:
        raise FieldError(
            "scheme", f"no scheme {scheme!r:.40}; known are {', '.join(catalogue.schemes)}"
        )
    if catalogue.find_title(scheme, title) is None:
        symbols = [one.symbol for one in known.titles]
        near = difflib.get_close_matches(title, symbols, n=1) or symbols
        raise FieldError("title", f"{scheme} has no title {title!r:.40}; it has {', '.join(near)}")
    return scheme, title


def parse_day(record: Mapping[str, str], field: str) -> date:
    """A day of a row."""
    text = record.get(field, "")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise FieldError(field, f"expected a day such as 2026-11-23, got {text!r:.40}") from None


def _evidence(record: Mapping[str, str]) -> Evidence:
    text = record.get("evidence", "")
    if text not in _CLAIMABLE:
        raise FieldError("evidence", f"expected {', '.join(_CLAIMABLE)}, got {text!r:.40}")
    return Evidence(text)


def parse_text(record: Mapping[str, str], field: str) -> str:
    """A text of a row, as given; empty if there is none."""
    text = record.get(field, "")
    if len(text) > TEXT_LENGTH_MAX or not text.isprintable():
        raise FieldError(field, f"expected at most {TEXT_LENGTH_MAX} printable characters")
    return text


def _revoked(record: Mapping[str, str]) -> tuple[bool, date | None]:
    """Whether, or from which day on."""
    if record.get("revoked", "")[:1].isdigit():
        return False, parse_day(record, "revoked")
    return _is_yes(record, "revoked"), None


def _is_yes(record: Mapping[str, str], field: str) -> bool:
    text = record.get(field, "").lower()
    if text not in _YES_NO:
        raise FieldError(field, f"expected yes or no, got {text!r:.40}")
    return _YES_NO[text]


def _overlap(one: Credential, other: Credential) -> bool:
    return one.valid_from <= (other.valid_until or date.max) and other.valid_from <= (
        one.valid_until or date.max
    )
