"""Reads who works where and when from the CSV form of docs/directory.md.

People are numbers within their site, never names; an employer is a word that the directory chose.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from routing.directory.opening import is_readable
from routing.imports.absences import parse_absences
from routing.imports.credentials import known_site, parse_day, parse_person, parse_text
from routing.imports.csv_file import read_rows
from routing.imports.findings import FieldError, Finding
from routing.model import Absence, Person, Site

REQUIRED = ("site", "person")
OPTIONAL = ("employer", "employed_from", "employed_until", "hours", "absences")


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleFile:
    """The people of a file, without their titles.

    Attributes:
        people: By site id, then by number.
        findings: What was refused, in the order of the file.
    """

    people: Mapping[str, Mapping[int, Person]]
    findings: tuple[Finding, ...]


def read_people(path: Path, *, known_sites: Collection[str] | None = None) -> PeopleFile:
    """Read who works where and when.

    Args:
        path: The file.
        known_sites: A row for any other site is refused; None takes all.

    Raises:
        UnreadableFileError: If it is no such CSV file.
    """
    people: defaultdict[str, dict[int, Person]] = defaultdict(dict)
    findings: list[Finding] = []
    for where, record in read_rows(path, required=REQUIRED, optional=OPTIONAL):
        try:
            if isinstance(record, FieldError):
                raise record
            site_id, person = known_site(record, known_sites), parse_employment(record)
            _check_new(person, site_id, people[site_id])
            people[site_id][person.number] = person
        except FieldError as error:
            findings.append(error.at(where))
    return PeopleFile(people=people, findings=tuple(findings))


def _check_new(person: Person, site_id: str, known: Collection[int]) -> None:
    if person.number in known:
        raise FieldError("person", f"{person.number} of {site_id} stands in this file twice")


def with_presence(
    sites: Sequence[Site], people: Mapping[str, Mapping[int, Person]]
) -> tuple[Site, ...]:
    """The sites, with what the file says of their people; titles stay as they are."""
    return tuple(
        replace(site, people=_joined(site.people, people[site.site_id]))
        if site.site_id in people
        else site
        for site in sites
    )


def _joined(known: Sequence[Person], stated: Mapping[int, Person]) -> tuple[Person, ...]:
    held = {person.number: person for person in known}
    for number, person in stated.items():
        credentials = held[number].credentials if number in held else ()
        held[number] = replace(person, credentials=credentials)
    return tuple(held[number] for number in sorted(held))


def parse_employment(record: Mapping[str, str]) -> Person:
    """Who works for whom, from when to when, and when they are there.

    Raises:
        FieldError: For the first field that cannot be read.
    """
    employed_from, employed_until = (
        parse_day(record, field) if record.get(field) else None
        for field in ("employed_from", "employed_until")
    )
    if (employed_until or date.max) < (employed_from or date.min):
        raise FieldError(
            "employed_until", f"{employed_until} lies before employed_from {employed_from}"
        )
    return Person(
        number=parse_person(record),
        employer=parse_text(record, "employer"),
        employed_from=employed_from,
        employed_until=employed_until,
        hours=_hours(record),
        absences=_absences(record),
    )


def _hours(record: Mapping[str, str]) -> str | None:
    hours = record.get("hours", "")
    if hours and not is_readable(hours):
        raise FieldError(
            "hours", f"expected hours such as Mo-We 08:00-12:00 as of a site, got {hours!r:.60}"
        )
    return hours or None


def _absences(record: Mapping[str, str]) -> tuple[Absence, ...]:
    try:
        return parse_absences(record.get("absences", ""))
    except ValueError as error:
        raise FieldError("absences", str(error)) from error
