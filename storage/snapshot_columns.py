"""Reads a whole directory as columns of numbers, out of which sites are made when looked at.

Titles that differ in nothing but their days are of one kind, people that differ in nothing but
their number and their titles are too: each kind is read once as text. Rows name their site and
their kind by a 64-bit hash, so that the database joins nothing.

    title kinds, person kinds ─▶ text, once each ──┐
    titles, people ─▶ numbers, in the order of ────┼──▶ sites, when somebody looks at them
    sites ─▶ lines, in the order of their ids ─────┘
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from datetime import date
from itertools import pairwise
from typing import overload

import numpy as np
from numpy.typing import NDArray

from dtc_db.collection import no_collection
from routing.directory.arrange import NEVER, Columns, Held, number_names
from routing.model import Credential, Person, Site
from storage.bulk import make_values
from storage.copying import copy_lines, copy_numbers, unescape
from storage.directory_rows import (
    Kind,
    SiteLines,
    read_person_kind,
    read_title_kind,
    title_order,
)
from storage.pool import Connection
from storage.statements import load_statements

SQL = load_statements("snapshot")

# Days come as numbers from the first of the year 2000; before and after our calendar as infinite
# ones, and "no last day" as one long before it.
_DAY_ZERO = date(2000, 1, 1).toordinal()
_DAY_MIN, _DAY_MAX = (day.toordinal() - _DAY_ZERO for day in (date.min, date.max))
_NO_LAST_DAY = -2_451_545
_NO_DAY = 0  # the same, as an ordinal
_DAY_BITS = 22
_NUMBER_BITS = 31
_LOT = 1_024  # sites
KINDS_MAX = 1 << 19  # of titles; a kind and two days make one number

_OF_A_PERSON = [one.name for one in fields(Person) if one.name not in {"number", "credentials"}]
_OF_A_TITLE = [one.name for one in fields(Credential) if not one.name.startswith("valid_")]

type Numbers = NDArray[np.int64]


async def read_columns(
    connection: Connection, *, kinds_max: int = KINDS_MAX
) -> tuple[Sequence[Site], Columns] | None:
    """All sites in the order of their ids, and what is asked of all of them at once.

    Args:
        connection: In a transaction that sees one snapshot.
        kinds_max: How many kinds of titles there may be, so that a number holds one.

    Returns:
        None if they cannot be read so: there is none, two of them or of a kind share a hash, or
            there are more kinds of titles than fit.
    """
    lines: list[str] = []
    await copy_lines(connection, SQL["select_site"], [], lines.extend)
    if not lines:
        return None
    lines.sort(key=_id_of)
    hashes, _, lon, lat, countries, is_van = zip(
        *(line.split("\t", 6)[:6] for line in lines), strict=True
    )
    rows = _Hashes(hashes)
    title_hashes, title_kinds = await _read_kinds(connection, "title", read_title_kind)
    person_hashes, person_kinds = await _read_kinds(connection, "person", read_person_kind)
    if len(title_kinds) > kinds_max or any(
        one.are_ambiguous for one in (rows, title_hashes, person_hashes)
    ):
        return None
    site, number, kind = await copy_numbers(connection, SQL["select_person"], (8, 4, 8))
    people = _People(rows.places(site), number, person_hashes.places(kind))
    site, number, kind, first, until = await copy_numbers(
        connection, SQL["select_title"], (8, 4, 8, 4, 4)
    )
    title = _pack(title_hashes.places(kind), _ordinals(first), _ordinals(until))
    titles = _People(rows.places(site), number, title)
    sites = _Sites(
        [line.partition("\t")[2] for line in lines], person_kinds, people, title_kinds, titles
    )
    return sites, Columns(
        lon_deg=[*map(float, lon)],
        lat_deg=[*map(float, lat)],
        countries=[*map(unescape, countries)],
        is_van=np.array(is_van) == "t",
        held=_held(titles, title_kinds),
    )


class _Hashes:
    """The places of things, by their hashes."""

    def __init__(self, hashes: Sequence[str]) -> None:
        given = np.array([*map(int, hashes)], dtype=np.int64)
        self._order = np.argsort(given)
        self._hashes = given[self._order]
        self.are_ambiguous = bool((self._hashes[1:] == self._hashes[:-1]).any())

    def places(self, hashes: Numbers) -> Numbers:
        """The place of each.

        Raises:
            ValueError: If nothing has such a hash.
        """
        found = np.searchsorted(self._hashes, hashes)
        if len(found) and not np.array_equal(self._hashes.take(found, mode="clip"), hashes):
            raise ValueError("a row names a site or a kind that is not there")
        return self._order[found]


class _People:
    """Numbers of people, in the order of the sites and of the people there.

    Attributes:
        persons: Row of the site and number of the person in one, rising.
        values: What is said of each, in the same order.
    """

    def __init__(self, rows: Numbers, numbers: Numbers, values: Numbers) -> None:
        persons = rows << _NUMBER_BITS | numbers
        order = np.argsort(persons, kind="stable")
        self.persons, self.values = persons[order], values[order]

    @property
    def rows(self) -> Numbers:
        """Of the sites."""
        return self.persons >> _NUMBER_BITS

    def of_sites(self, start: int, end: int) -> tuple[Numbers, Numbers]:
        """Persons and values of the sites from a row to another."""
        bounds = np.array([start, end]) << _NUMBER_BITS
        some = slice(*np.searchsorted(self.persons, bounds).tolist())
        return self.persons[some], self.values[some]


class _Sites(Sequence[Site]):
    """Sites that are made, a lot at a time, when somebody first looks at one of them.

    Equal titles are one object.
    """

    def __init__(
        self,
        lines: Sequence[str],
        person_kinds: Sequence[Kind],
        people: _People,
        title_kinds: Sequence[Kind],
        titles: _People,
    ) -> None:
        self._lines = lines
        self._made: list[Site | None] = [None] * len(lines)
        self._site_lines = SiteLines()
        self._person_kinds, self._people = person_kinds, people
        self._title_kinds, self._titles = title_kinds, titles
        self._known: dict[int, Credential] = {}

    def __len__(self) -> int:
        return len(self._made)

    @overload
    def __getitem__(self, row: int) -> Site: ...
    @overload
    def __getitem__(self, row: slice) -> Sequence[Site]: ...
    def __getitem__(self, row: int | slice) -> Site | Sequence[Site]:
        if isinstance(row, slice):
            return [self[one] for one in range(*row.indices(len(self)))]
        site = self._made[row]
        if site is None:
            start = row % len(self) // _LOT * _LOT
            lot = self._make(start, min(start + _LOT, len(self)))
            self._made[start : start + _LOT] = lot
            site = lot[row % len(self) - start]
        return site

    def __iter__(self) -> Iterator[Site]:
        """All of them, made in one go."""
        with no_collection():
            sites = [self[row] for row in range(len(self))]
        return iter(sites)

    def _make(self, start: int, end: int) -> list[Site]:
        persons, kinds = self._people.of_sites(start, end)
        holders, packed = self._titles.of_sites(start, end)
        titles = self._titles_of(packed)
        first, last = (
            np.searchsorted(holders, persons, side).tolist() for side in ("left", "right")
        )
        said = [self._person_kinds[kind] for kind in kinds.tolist()]
        people = make_values(
            Person,
            len(said),
            number=(persons & (1 << _NUMBER_BITS) - 1).tolist(),
            credentials=[
                tuple(sorted(titles[one:end], key=title_order))
                for one, end in zip(first, last, strict=True)
            ],
            **_columns(said, _OF_A_PERSON),
        )
        bounds = np.arange(start, end + 1) << _NUMBER_BITS
        teams = pairwise(np.searchsorted(persons, bounds).tolist())
        return self._site_lines.read(
            self._lines[start:end], [tuple(people[one:end]) for one, end in teams]
        )

    def _titles_of(self, packed: Numbers) -> list[Credential]:
        known, wanted = self._known, packed.tolist()
        new = [title for title in dict.fromkeys(wanted) if title not in known]
        kinds, first, until = (part.tolist() for part in _unpack(np.array(new, dtype=np.int64)))
        made = make_values(
            Credential,
            len(new),
            valid_from=map(date.fromordinal, first),
            valid_until=[None if day == _NO_DAY else date.fromordinal(day) for day in until],
            **_columns([self._title_kinds[kind] for kind in kinds], _OF_A_TITLE),
        )
        known.update(zip(new, made, strict=True))
        return [*map(known.__getitem__, wanted)]


def _columns(kinds: Sequence[Kind], names: Sequence[str]) -> dict[str, list[object]]:
    return {name: [kind[name] for kind in kinds] for name in names}


async def _read_kinds(
    connection: Connection, what: str, read: Callable[[str], Kind]
) -> tuple[_Hashes, list[Kind]]:
    lines: list[list[str]] = []

    def take(some: list[str]) -> None:
        lines.extend(line.split("\t", 1) for line in some)

    await copy_lines(connection, SQL[f"select_{what}_kinds"], [], take)
    return _Hashes([hashed for hashed, _ in lines]), [read(text) for _, text in lines]


def _held(titles: _People, kinds: Sequence[Kind]) -> Held:
    """What sites hold, for `Columns`."""
    kind, first, until = _unpack(titles.values)
    names, places = number_names([(one["scheme"], one["title"]) for one in kinds])
    is_revoked = np.array([one["is_revoked"] for one in kinds], dtype=np.bool_)
    last = np.where(until == _NO_DAY, date.max.toordinal(), until)
    return Held(
        rows=titles.rows.astype(np.int32),
        names=names,
        shown=places[kind],
        first=first.astype(np.int32),
        last=np.where(is_revoked[kind], NEVER, last).astype(np.int32),
    )


def _ordinals(days: Numbers) -> Numbers:
    within = np.clip(days, _DAY_MIN, _DAY_MAX) + _DAY_ZERO
    return np.where(days == _NO_LAST_DAY, _NO_DAY, within)


def _pack(kinds: Numbers, first: Numbers, until: Numbers) -> Numbers:
    """One number for each title, so that equal ones are found by it."""
    return (kinds << _DAY_BITS | first) << _DAY_BITS | until


def _unpack(titles: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    day = (1 << _DAY_BITS) - 1
    return titles >> 2 * _DAY_BITS, titles >> _DAY_BITS & day, titles & day


def _id_of(line: str) -> str:
    return unescape(line.split("\t", 2)[1])
