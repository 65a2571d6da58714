"""Reads all sites with their people and titles as they are, or as they were at a version.

Titles are many and much alike, so they are streamed as text (PostgreSQL's COPY), and each that was
read before is found by its line instead of being read again.

    credential ─▶ titles by person ─┐
    person ─────────────────────────┴▶ people by site ─┐
    site ──────────────────────────────────────────────┴▶ sites
"""

import gc
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from operator import attrgetter

from dtc_db.vehicle import VehicleClass
from routing.imports.absences import parse_absences
from routing.imports.rates import parse_rates
from routing.imports.service_area import load_service_area
from routing.model import Credential, Evidence, Person, Position, Site
from storage.pool import Connection
from storage.statements import load_statements

SQL = load_statements("snapshot")

_NULL = r"\N"
_ESCAPED = re.compile(r"\\(.)")
_MEANT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}

_READ_TIMEOUT_S = 300.0  # of one table; a million rows take seconds

_title_order = attrgetter("scheme", "title", "valid_from")
_person_order = attrgetter("number")

type Row = list[str | None]


async def read_sites(connection: Connection, *, version: int | None = None) -> list[Site]:
    """All sites, in no order; their people by number, and titles by scheme and name.

    Args:
        connection: In a transaction that sees one snapshot.
        version: Of the directory, as it then was; None for as it is.
    """
    if version is None:
        return await _read(connection, "")
    return await _read(connection, "_at", version)


async def read_changed(
    connection: Connection, known: Iterable[Site], *, version: int
) -> list[Site]:
    """All sites as they are, of which only those are read that changed after a version.

    Args:
        connection: In a transaction that sees one snapshot.
        known: The sites at that version.
        version: Of the directory.
    """
    rows = await connection.fetch(SQL["select_changed_since"], version)
    changed = [row["site_id"] for row in rows]
    sites = {site.site_id: site for site in known}
    for site_id in changed:
        sites.pop(site_id, None)
    sites.update((site.site_id, site) for site in await _read(connection, "_of", changed))
    return [*sites.values()]


async def read_some(connection: Connection, site_ids: Sequence[str]) -> list[Site]:
    """Some sites as they are, in no order; ids that nobody knows are passed over."""
    return await _read(connection, "_of", list(site_ids))


async def _read(connection: Connection, which: str, *arguments: object) -> list[Site]:
    """The sites that the statements of this ending select."""
    with _no_collection():
        titles = _Titles()
        await _copy(connection, f"select_credential{which}", arguments, titles.take)
        people = _People(titles)
        await _copy(connection, f"select_person{which}", arguments, people.take)
        sites: list[Site] = []
        words = _Words()

        def take(lines: list[str]) -> None:
            for line in lines:
                row = _fields(line.removesuffix(_NOTHING_OFFERED))
                found = _site(row[:_SITE_COLUMNS], people, words)
                offered = row[_SITE_COLUMNS:]
                sites.append(_offering(found, offered, words) if offered else found)

        await _copy(connection, f"select_site{which}", arguments, take)
    return sites


@contextmanager
def _no_collection() -> Iterator[None]:
    """Millions of values hold no cycle: looking for one takes a fifth of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class _Titles:
    """Titles by person; equal ones are one object."""

    def __init__(self) -> None:
        self._of: dict[tuple[str, str], list[Credential]] = {}
        self._known: dict[str, Credential] = {}
        self._days: dict[str, date | None] = {_NULL: None}

    def take(self, lines: list[str]) -> None:
        of, known = self._of, self._known
        for line in lines:
            site_id, person, rest = line.split("\t", 2)
            found = known.get(rest)
            if found is None:
                found = known[rest] = self._read(rest)
            key = (site_id, person)  # most people come more than once
            if key in of:
                of[key].append(found)
            else:
                of[key] = [found]

    def _read(self, line: str) -> Credential:
        scheme, title, valid_from, valid_until, evidence, more = line.split("\t", 5)
        first = self._day(valid_from)
        if first is None:
            raise ValueError("a title without a first day")
        plain = Credential(
            scheme=_unescape(scheme),
            title=_unescape(title),
            valid_from=first,
            valid_until=self._day(valid_until),
            evidence=_EVIDENCE[evidence],
        )
        return plain if more == _NOTHING_MORE else _with_more(plain, _fields(more))

    def _day(self, text: str) -> date | None:
        if text not in self._days:
            self._days[text] = date.fromisoformat(text)
        return self._days[text]

    def pop(self, site_id: str, person: str) -> tuple[Credential, ...]:
        held = self._of.pop((site_id, person), [])
        if len(held) > 1:
            held.sort(key=_title_order)
        return tuple(held)


class _People:
    """People by site."""

    def __init__(self, titles: _Titles) -> None:
        self._titles = titles
        self._of: dict[str, list[Person]] = {}

    def take(self, lines: list[str]) -> None:
        for line in lines:
            site_id, number, rest = line.split("\t", 2)
            held = self._titles.pop(site_id, number)
            person = (
                Person(number=int(number), credentials=held)
                if rest == _NOTHING_KNOWN
                else _person(int(number), held, _fields(rest))
            )
            self._of.setdefault(site_id, []).append(person)

    def pop(self, site_id: str) -> tuple[Person, ...]:
        return tuple(sorted(self._of.pop(site_id, ()), key=_person_order))


_EVIDENCE = {evidence.value: evidence for evidence in Evidence}
# A title neither revoked nor suspended, of which the document says nothing else.
_NOTHING_MORE = f"f\t{_NULL}\tf\t\t\t"
# A site that says nothing of absences, area, capacity, rates, languages, networks, insurers, cars.
_NOTHING_OFFERED = f"\t\t\tf\t{_NULL}\t\t\t\t\t{_NULL}"
_SITE_COLUMNS = 10  # before these
# A person without employer, days of employment, hours and absences.
_NOTHING_KNOWN = f"\t{_NULL}\t{_NULL}\t{_NULL}\t"


class _Words:
    """Sets of words; equal ones are one object."""

    def __init__(self) -> None:
        self._known: dict[str, frozenset[str]] = {}
        self._classes: dict[str, frozenset[VehicleClass]] = {}

    def read(self, cell: str) -> frozenset[str]:
        """Words with semicolons between them, as in a file; no word holds one."""
        found = self._known.get(cell)
        if found is None:
            found = self._known[cell] = frozenset(filter(None, cell.split(";")))
        return found

    def read_classes(self, cell: str) -> frozenset[VehicleClass]:
        found = self._classes.get(cell)
        if found is None:
            found = self._classes[cell] = frozenset(map(VehicleClass, self.read(cell)))
        return found


async def _copy(
    connection: Connection,
    name: str,
    arguments: Sequence[object],
    take: Callable[[list[str]], None],
) -> None:
    """Hand over the lines of a statement's result in large lots."""
    tail = b""

    async def receive(data: bytes) -> None:
        nonlocal tail
        whole, _, tail = (tail + data).rpartition(b"\n")
        if whole:
            take(whole.decode().split("\n"))

    await connection.copy_from_query(SQL[name], *arguments, output=receive, timeout=_READ_TIMEOUT_S)


def _fields(line: str) -> Row:
    """Columns of a line of COPY's text format."""
    return [None if field == _NULL else _unescape(field) for field in line.split("\t")]


def _unescape(field: str) -> str:
    if "\\" not in field:
        return field
    return _ESCAPED.sub(lambda found: _MEANT.get(found[1], found[1]), field)


def _with_more(plain: Credential, row: Row) -> Credential:
    is_revoked, revoked_on, is_suspended, employer, edition, scope = row
    return replace(
        plain,
        is_revoked=is_revoked == "t",
        revoked_on=_date(revoked_on),
        is_suspended=is_suspended == "t",
        employer=_text(employer),
        edition=_text(edition),
        scope=_text(scope),
    )


def _person(number: int, credentials: tuple[Credential, ...], row: Row) -> Person:
    employer, employed_from, employed_until, hours, absences = row
    return Person(
        number=number,
        credentials=credentials,
        employer=_text(employer),
        employed_from=_date(employed_from),
        employed_until=_date(employed_until),
        hours=hours,
        absences=parse_absences(_text(absences)),
    )


def _site(row: Row, people: _People, words: _Words) -> Site:
    site_id, name, lon, lat, country, classes, makes, equipment, access, hours = row
    return Site(
        site_id=_text(site_id),
        name=_text(name),
        position=Position(lon_deg=float(_text(lon)), lat_deg=float(_text(lat))),
        country=_text(country),
        vehicle_classes=words.read_classes(_text(classes)),
        makes=words.read(_text(makes)),
        equipment=words.read(_text(equipment)),
        access=words.read(_text(access)),
        opening_hours=hours,
        people=people.pop(_text(site_id)),
    )


def _offering(site: Site, row: Row, words: _Words) -> Site:
    """The site with the rest of its columns, which are null in what was kept before they came."""
    absences, area, is_van, cases_per_day, rates, languages, networks, insurers, car = row
    return replace(
        site,
        absences=parse_absences(absences or ""),
        service_area=load_service_area(area) if area else None,
        is_van=is_van == "t",
        cases_per_day=None if cases_per_day is None else int(cases_per_day),
        hourly_rates=parse_rates(rates or ""),
        languages=words.read(languages or ""),
        networks=words.read(networks or ""),
        insurers=words.read(insurers or ""),
        has_replacement_car=None if car is None else car == "t",
    )


def _text(field: str | None) -> str:
    if field is None:
        raise ValueError("a column that is never null was null")
    return field


def _date(field: str | None) -> date | None:
    return None if field is None else date.fromisoformat(field)
