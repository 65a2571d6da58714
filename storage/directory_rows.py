"""Makes sites, people and titles of what COPY's text format says of them.

Most columns hold few different cells, and most people and titles say the same but for their number
and their days: each such text is read once.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import partial
from operator import attrgetter
from typing import Any

from dtc_db.vehicle import VehicleClass
from routing.imports.absences import parse_absences
from routing.imports.rates import parse_rates
from routing.imports.service_area import load_service_area
from routing.model import Bar, Evidence, Person, Position, Site
from routing.outcomes import Outcomes
from storage.bulk import make_values
from storage.copying import NULL, fields_of, unescape

_INFINITE = {"infinity": date.max, "-infinity": date.min}

# What the values of a kind share, by field: a title lacks its days, a person number and titles.
type Kind = Mapping[str, Any]

title_order = attrgetter("scheme", "title", "valid_from")
person_order = attrgetter("number")
site_order = attrgetter("site_id")


class Known[Key, Value](dict[Key, Value]):
    """What cells say, each read when it is first asked for."""

    def __init__(self, read: Callable[[Key], Value]) -> None:
        self._read = read

    def __missing__(self, cell: Key) -> Value:
        value = self[cell] = self._read(cell)
        return value


class SiteLines:
    """Reads sites, many lines at a time."""

    def __init__(self) -> None:
        self._columns = {
            field: Known(partial(_read_cell, read)) for field, read in _COLUMNS.items()
        }

    def read(self, lines: Sequence[str], people: Sequence[tuple[Person, ...]]) -> list[Site]:
        """Sites with their people in the same order; an older row's null is nothing said."""
        if not lines:
            return []
        ids, lon, lat, countries, is_van, names, *columns = zip(
            *(line.split("\t") for line in lines), strict=True
        )
        return make_values(
            Site,
            len(lines),
            site_id=map(unescape, ids),
            name=map(unescape, names),
            position=make_values(
                Position, len(lines), lon_deg=map(float, lon), lat_deg=map(float, lat)
            ),
            country=map(unescape, countries),
            is_van=map("t".__eq__, is_van),
            people=people,
            **{
                field: map(known.__getitem__, cells)
                for (field, known), cells in zip(self._columns.items(), columns, strict=True)
            },
        )


def read_title_kind(line: str) -> Kind:
    """A title by its columns from the scheme on."""
    scheme, title, evidence, is_revoked, revoked_on, is_suspended, *said = fields_of(line)
    employer, edition, scope = map(_text, said)
    return {
        "scheme": _text(scheme),
        "title": _text(title),
        "evidence": Evidence(_text(evidence)),
        "is_revoked": is_revoked == "t",
        "revoked_on": None if revoked_on is None else read_day(revoked_on),
        "is_suspended": is_suspended == "t",
        "employer": employer,
        "edition": edition,
        "scope": scope,
    }


def read_person_kind(line: str) -> Kind:
    """A person by the columns from the employer on."""
    employer, employed_from, employed_until, hours, absences = fields_of(line)
    return {
        "employer": _text(employer),
        "employed_from": None if employed_from is None else read_day(employed_from),
        "employed_until": None if employed_until is None else read_day(employed_until),
        "hours": hours,
        "absences": parse_absences(_text(absences)),
    }


def read_day(text: str) -> date:
    """A day; the driver writes the first and the last of the calendar as infinite ones."""
    return _INFINITE.get(text) or date.fromisoformat(text)


def _read_cell(read: Callable[[str | None], Any], cell: str) -> Any:  # noqa: ANN401 - its column knows
    return read(None if cell == NULL else unescape(cell))


def _words(cell: str | None) -> frozenset[str]:
    """Words with semicolons between them, as in a file; no word holds one."""
    return frozenset(filter(None, (cell or "").split(";")))


def _classes(cell: str | None) -> frozenset[VehicleClass]:
    return frozenset(map(VehicleClass, _words(cell)))


def _text(field: str | None) -> str:
    if field is None:
        raise ValueError("a column that is never null was null")
    return field


def _bar(text: str) -> Bar:
    measure, cause, since = text.split(" ")
    return Bar(measure=measure, cause=cause, since=datetime.fromisoformat(since))


def _outcomes(text: str) -> Outcomes:
    held, came_back = text.split(" ")
    return Outcomes(int(held), int(came_back))


# The columns of a site after its name, in the order of the statements.
_COLUMNS: dict[str, Callable[[str | None], Any]] = {
    "vehicle_classes": _classes,
    "makes": _words,
    "equipment": _words,
    "access": _words,
    "opening_hours": lambda cell: cell,
    "absences": lambda cell: parse_absences(cell or ""),
    "service_area": lambda cell: load_service_area(cell) if cell else None,
    "cases_per_day": lambda cell: None if cell is None else int(cell),
    "hourly_rates": lambda cell: parse_rates(cell or ""),
    "languages": _words,
    "networks": _words,
    "insurers": _words,
    "has_replacement_car": lambda cell: None if cell is None else cell == "t",
    "bar": lambda cell: _bar(cell) if cell else None,
    "outcomes": lambda cell: _outcomes(cell) if cell else None,
}
