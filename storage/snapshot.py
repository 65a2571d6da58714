"""Reads sites with their people and titles: all of them, those that changed, or as they once were.

Few of them are read as lines of text (PostgreSQL's COPY), title by title:

    credential ─▶ titles by person ─┐
    person ─────────────────────────┴▶ people by site ─┐
    site ──────────────────────────────────────────────┴▶ sites

A whole directory is a million titles, which `storage.snapshot_columns` reads as numbers.
"""

from collections.abc import Sequence

from dtc_db.collection import no_collection
from routing.model import Credential, Person, Site
from storage.copying import NULL, copy_lines
from storage.directory_rows import (
    Titles,
    person_order,
    read_person,
    read_site_lines,
    title_order,
)
from storage.pool import Connection
from storage.snapshot_columns import NAMES_MAX, read_all
from storage.statements import load_statements

SQL = load_statements("snapshot")

_LATEST = (1 << 63) - 1  # a version that no directory reaches
# A person without employer, days of employment, hours and absences.
_NOTHING_KNOWN = f"\t{NULL}\t{NULL}\t{NULL}\t"


async def read_sites(
    connection: Connection, *, version: int | None = None, names_max: int = NAMES_MAX
) -> list[Site]:
    """All sites, in no order; their people by number, and titles by scheme and name.

    Args:
        connection: In a transaction that sees one snapshot.
        version: Of the directory, as it then was; None for as it is.
        names_max: With more names of titles than these, they are read as text.
    """
    with no_collection():
        sites = await read_all(connection, names_max=names_max) if version is None else None
        if sites is None:
            sites = await _read(connection, "_at", _LATEST if version is None else version)
    return sites


async def read_changed(connection: Connection, *, version: int) -> tuple[list[Site], set[str]]:
    """What changed after a version of the directory.

    Args:
        connection: In a transaction that sees one snapshot.
        version: Of the directory.

    Returns:
        The sites of which something changed, as they are, and the ids of those that are gone.
    """
    rows = await connection.fetch(SQL["select_changed_since"], version)
    changed = [row["site_id"] for row in rows]
    sites = await read_some(connection, changed)
    return sites, {*changed}.difference(site.site_id for site in sites)


async def read_some(connection: Connection, site_ids: Sequence[str]) -> list[Site]:
    """Some sites as they are, in no order; ids that nobody knows are passed over."""
    return await _read(connection, "_of", list(site_ids))


async def _read(connection: Connection, which: str, argument: object) -> list[Site]:
    """The sites that the statements of this ending select."""
    people = _People()
    await copy_lines(connection, SQL[f"select_credential{which}"], [argument], people.take_titles)
    await copy_lines(connection, SQL[f"select_person{which}"], [argument], people.take)
    lines: list[str] = []
    await copy_lines(connection, SQL[f"select_site{which}"], [argument], lines.extend)
    return read_site_lines(lines, [people.pop(line.partition("\t")[0]) for line in lines])


class _People:
    """People by site, both as their lines spell them."""

    def __init__(self) -> None:
        self._titles = Titles()
        self._held: dict[tuple[str, str], list[Credential]] = {}
        self._of: dict[str, list[Person]] = {}

    def take_titles(self, lines: list[str]) -> None:
        for line in lines:
            site_id, number, rest = line.split("\t", 2)
            self._held.setdefault((site_id, number), []).append(self._titles.read(rest))

    def take(self, lines: list[str]) -> None:
        for line in lines:
            site_id, number, rest = line.split("\t", 2)
            held = tuple(sorted(self._held.pop((site_id, number), ()), key=title_order))
            person = (
                Person(number=int(number), credentials=held)
                if rest == _NOTHING_KNOWN
                else read_person(int(number), rest, held)
            )
            self._of.setdefault(site_id, []).append(person)

    def pop(self, site_id: str) -> tuple[Person, ...]:
        return tuple(sorted(self._of.pop(site_id, ()), key=person_order))
