"""Reads a whole directory: what is plain as columns of numbers, the rest as text.

A plain title has a scheme, a name, two days and a state of evidence, and nothing else; it comes as
one number, and each number becomes one value. A plain person has a number only. Sites go by a
64-bit hash of their ids, so that the database joins nothing; if two ever share one, everything is
read as text.

    site ──▶ hashes ─▶ rows ─┬▶ titles by person ─▶ people by site ─▶ sites
    credential, person ──────┘
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from routing.model import Credential, Evidence, Person, Site
from storage.bulk import make_values
from storage.copying import copy_lines, copy_numbers
from storage.directory_rows import Titles, read_person, read_site_lines, title_order
from storage.pool import Connection
from storage.statements import load_statements

SQL = load_statements("snapshot_columns")

# How `select_plain_credential` packs a title: number of its name, first and last day, evidence.
_EVIDENCE_BITS, _DAY_BITS = 2, 22
NAMES_MAX = 1 << 16
# Row of a site, number of a person, number of a title: together they make one number.
_SITE_BITS, _PERSON_BITS, _TITLE_BITS = 22, 17, 24

_EVIDENCE = tuple(Evidence)

type Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Held:
    """Who holds what: people as row of the site and number in one, rising; and their titles.

    Attributes:
        people: Of those who hold something plain, once for each title.
        titles: In the order of the people, and of scheme, name and first day.
        odd: Other titles, by person.
    """

    people: Numbers
    titles: list[Credential]
    odd: dict[int, list[Credential]]


async def read_all(connection: Connection, *, names_max: int = NAMES_MAX) -> list[Site] | None:
    """All sites, in no order; their people by number, and titles by scheme and name.

    Args:
        connection: In a transaction that sees one snapshot.
        names_max: How many names of titles there may be, so that a number holds one.

    Returns:
        None if they cannot be read so: their numbers do not fit, or two ids have the same hash.
    """
    lines: list[str] = []
    await copy_lines(connection, SQL["select_site"], [], lines.extend)
    rows = _Rows([int(line.partition("\t")[0]) for line in lines])
    names = [(row["scheme"], row["title"]) for row in await connection.fetch(SQL["select_names"])]
    number_max = await connection.fetchval(SQL["select_number_max"])
    fits = len(lines) <= 1 << _SITE_BITS and number_max < 1 << _PERSON_BITS
    if not fits or len(names) > names_max or rows.are_ambiguous:
        return None
    held = await _read_held(connection, rows, names)
    if held is None:
        return None
    people, of_row = await _read_people(connection, rows, held)
    starts = np.searchsorted(of_row, np.arange(len(lines) + 1)).tolist()
    teams = [tuple(people[start:end]) for start, end in pairwise(starts)]
    return read_site_lines([line.partition("\t")[2] for line in lines], teams)


class _Rows:
    """The row of each site, by the hash of its id."""

    def __init__(self, hashes: Sequence[int]) -> None:
        given = np.array(hashes, dtype=np.int64)
        self._order = np.argsort(given)
        self._hashes = given[self._order]
        self.are_ambiguous = bool((self._hashes[1:] == self._hashes[:-1]).any())

    def people(self, hashes: Numbers, numbers: Numbers) -> Numbers:
        """Row and number in one."""
        rows = self._order[np.searchsorted(self._hashes, hashes)]
        return rows << _PERSON_BITS | numbers

    def person(self, site_hash: str, number: str) -> int:
        """The same for one person, as a line has it."""
        return int(self.people(np.array([int(site_hash)]), np.array([int(number)]))[0])


async def _read_held(
    connection: Connection, rows: _Rows, names: Sequence[tuple[str, str]]
) -> _Held | None:
    """What everybody holds; None if the different titles are more than a number can tell."""
    plain = await copy_numbers(
        connection,
        SQL["select_plain_credential"],
        [[scheme for scheme, _ in names], [title for _, title in names]],
    )
    odd: dict[int, list[Credential]] = {}
    titles = Titles()

    def take(lines: list[str]) -> None:
        for line in lines:
            site_hash, number, rest = line.split("\t", 2)
            odd.setdefault(rows.person(site_hash, number), []).append(titles.read(rest))

    await copy_lines(connection, SQL["select_odd_credential"], [], take)
    if not plain.size:
        return _Held(np.empty(0, dtype=np.int64), [], odd)
    people, packed = rows.people(plain[0], plain[1]), plain[2]
    distinct, which = np.unique(packed, return_inverse=True)
    if len(distinct) > 1 << _TITLE_BITS:
        return None
    known = _unpack(distinct, names)
    # One number for who holds what: sorting these takes a fifth of the time of sorting by two.
    keys = np.sort(people << _TITLE_BITS | which)
    in_order = (keys & (1 << _TITLE_BITS) - 1).tolist()
    return _Held(keys >> _TITLE_BITS, [*map(known.__getitem__, in_order)], odd)


async def _read_people(
    connection: Connection, rows: _Rows, held: _Held
) -> tuple[list[Person], Numbers]:
    """Everybody by site and number, and the rows of their sites."""
    plain = await copy_numbers(connection, SQL["select_plain_person"], [])
    odd: dict[int, str] = {}

    def take(lines: list[str]) -> None:
        for line in lines:
            site_hash, number, rest = line.split("\t", 2)
            odd[rows.person(site_hash, number)] = rest

    await copy_lines(connection, SQL["select_odd_person"], [], take)
    keys = [np.fromiter(odd, dtype=np.int64, count=len(odd))]
    keys += [rows.people(*plain)] if plain.size else []
    everybody = np.sort(np.concatenate(keys))
    starts, ends = (
        np.searchsorted(held.people, everybody, side=side).tolist() for side in ("left", "right")
    )
    numbers = everybody & (1 << _PERSON_BITS) - 1
    titles = [tuple(held.titles[start:end]) for start, end in zip(starts, ends, strict=True)]
    people = make_values(Person, len(titles), number=numbers.tolist(), credentials=titles)
    for key in odd.keys() | held.odd.keys():
        place = int(np.searchsorted(everybody, key))
        all_titles = tuple(sorted((*titles[place], *held.odd.get(key, ())), key=title_order))
        people[place] = (
            read_person(people[place].number, odd[key], all_titles)
            if key in odd
            else replace(people[place], credentials=all_titles)
        )
    return people, everybody >> _PERSON_BITS


def _unpack(packed: Numbers, names: Sequence[tuple[str, str]]) -> list[Credential]:
    """The titles that `select_plain_credential` packed."""
    evidence = packed & (1 << _EVIDENCE_BITS) - 1
    until = packed >> _EVIDENCE_BITS & (1 << _DAY_BITS) - 1
    first = packed >> _EVIDENCE_BITS + _DAY_BITS & (1 << _DAY_BITS) - 1
    name = (packed >> _EVIDENCE_BITS + 2 * _DAY_BITS).tolist()
    days: dict[int, date | None] = {
        day: date.fromordinal(day) for day in {*first.tolist(), *until.tolist()} if day
    }
    return make_values(
        Credential,
        len(packed),
        scheme=[names[number][0] for number in name],
        title=[names[number][1] for number in name],
        valid_from=map(days.get, first.tolist()),
        valid_until=map(days.get, until.tolist()),
        evidence=map(_EVIDENCE.__getitem__, evidence.tolist()),
    )
