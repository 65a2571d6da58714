"""Makes sites, people and titles of the rows that say them; equal values are one object."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from operator import attrgetter

from dtc_db.vehicle import VehicleClass
from routing.imports.absences import parse_absences
from routing.imports.rates import parse_rates
from routing.imports.service_area import load_service_area
from routing.model import Bar, Credential, Evidence, Person, Position, Site
from routing.outcomes import Outcomes
from storage.bulk import make_values
from storage.copying import NULL, Row, fields_of, unescape

_INFINITE = {"infinity": date.max, "-infinity": date.min}
EVIDENCE = {evidence.value: evidence for evidence in Evidence}
# A title neither revoked nor suspended, of which the document says nothing else.
_NOTHING_MORE = f"f\t{NULL}\tf\t\t\t"

title_order = attrgetter("scheme", "title", "valid_from")
person_order = attrgetter("number")


class Titles:
    """Titles by what a line says of them."""

    def __init__(self) -> None:
        self._known: dict[str, Credential] = {}

    def read(self, line: str) -> Credential:
        """The columns from the scheme on."""
        found = self._known.get(line)
        if found is None:
            found = self._known[line] = self._read(line)
        return found

    def _read(self, line: str) -> Credential:
        scheme, title, valid_from, valid_until, evidence, more = line.split("\t", 5)
        plain = Credential(
            scheme=unescape(scheme),
            title=unescape(title),
            valid_from=_day(valid_from),
            valid_until=_date(None if valid_until == NULL else valid_until),
            evidence=EVIDENCE[evidence],
        )
        return plain if more == _NOTHING_MORE else _with_more(plain, fields_of(more))


def read_site_lines(lines: Sequence[str], people: Iterable[tuple[Person, ...]]) -> list[Site]:
    """Sites by their lines, with their people in the same order.

    Most columns hold few different cells; each cell is read once, and what is null in rows older
    than its column is read as nothing said.
    """
    if not lines:
        return []
    ids, names, lon, lat, *columns = zip(*(line.split("\t") for line in lines), strict=True)
    lons, lats = [*map(float, lon)], [*map(float, lat)]
    positions = make_values(Position, len(lines), lon_deg=lons, lat_deg=lats)
    return make_values(
        Site,
        len(lines),
        site_id=map(unescape, ids),
        name=map(unescape, names),
        position=positions,
        people=people,
        **{
            field: _read_column(column, read)
            for (field, read), column in zip(_COLUMNS.items(), columns, strict=True)
        },
    )


def read_person(number: int, line: str, credentials: tuple[Credential, ...]) -> Person:
    """A person by the columns from the employer on."""
    employer, employed_from, employed_until, hours, absences = fields_of(line)
    return Person(
        number=number,
        credentials=credentials,
        employer=_text(employer),
        employed_from=_date(employed_from),
        employed_until=_date(employed_until),
        hours=hours,
        absences=parse_absences(_text(absences)),
    )


def _read_column(cells: Sequence[str], read: Callable[[str | None], object]) -> list[object]:
    known = {cell: read(None if cell == NULL else unescape(cell)) for cell in set(cells)}
    return [*map(known.__getitem__, cells)]


def _words(cell: str | None) -> frozenset[str]:
    """Words with semicolons between them, as in a file; no word holds one."""
    return frozenset(filter(None, (cell or "").split(";")))


def _classes(cell: str | None) -> frozenset[VehicleClass]:
    return frozenset(map(VehicleClass, _words(cell)))


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


def _text(field: str | None) -> str:
    if field is None:
        raise ValueError("a column that is never null was null")
    return field


def _date(field: str | None) -> date | None:
    return None if field is None else _day(field)


def _bar(text: str) -> Bar:
    measure, cause, since = text.split(" ")
    return Bar(measure=measure, cause=cause, since=datetime.fromisoformat(since))


def _outcomes(text: str) -> Outcomes:
    held, came_back = text.split(" ")
    return Outcomes(int(held), int(came_back))


def _day(text: str) -> date:
    """A day; the driver writes the first and the last of the calendar as infinite ones."""
    return _INFINITE.get(text) or date.fromisoformat(text)


# The columns of a site after id, name and place, in the order of the statements.
_COLUMNS: dict[str, Callable[[str | None], object]] = {
    "country": _text,
    "vehicle_classes": _classes,
    "makes": _words,
    "equipment": _words,
    "access": _words,
    "opening_hours": lambda cell: cell,
    "absences": lambda cell: parse_absences(cell or ""),
    "service_area": lambda cell: load_service_area(cell) if cell else None,
    "is_van": lambda cell: cell == "t",
    "cases_per_day": lambda cell: None if cell is None else int(cell),
    "hourly_rates": lambda cell: parse_rates(cell or ""),
    "languages": _words,
    "networks": _words,
    "insurers": _words,
    "has_replacement_car": lambda cell: None if cell is None else cell == "t",
    "bar": lambda cell: _bar(cell) if cell else None,
    "outcomes": lambda cell: _outcomes(cell) if cell else None,
}
