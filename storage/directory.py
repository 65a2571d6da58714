"""The directory of repairers: imported whole or not at all, read as one snapshot.

Every change has a version, a decision names the version that it used, and what any version said
can be read for ever after: a row that changes leaves what it said before in `superseded`.
"""

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from routing.competence.catalogue import load_catalogue
from routing.directory.arrange import arrange
from routing.directory.snapshot import Directory
from routing.errors import CasesUnavailableError
from routing.imports.absences import format_absences
from routing.imports.rates import format_rates
from routing.imports.service_area import format_service_area
from routing.model import Bar, Credential, Person, Site
from routing.outcomes import Outcomes
from storage.errors import DatabaseUnavailableError
from storage.keys import DIRECTORY_LOCK
from storage.pool import Connection, Pool, transaction
from storage.snapshot import read_changed, read_sites, read_whole
from storage.statements import load_statements

SQL = load_statements("directory")

# Rows in one statement: below what PostgreSQL takes as one value, and quick enough to be given up.
_LOT_ROWS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import did, or would do.

    Attributes:
        people_changed: Of whom something else is known now: hours, absences, employment.
        version: Of the directory afterwards; None if nothing changed.
    """

    sites_added: int
    sites_changed: int
    sites_unchanged: int
    credentials_added: int
    credentials_changed: int
    credentials_unchanged: int
    people_changed: int = 0
    version: int | None


class _Rollback(Exception):  # noqa: N818 - not an error: the way out of a dry run
    pass


class PostgresDirectoryStore:
    """Implements `routing.ports.DirectoryStore`, and takes imports."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._latest: Directory | None = None

    async def fetch_version(self) -> str:
        """See the port."""
        try:
            async with transaction(self._pool) as connection:
                return str(await connection.fetchval(SQL["select_version"]))
        except DatabaseUnavailableError as error:
            raise CasesUnavailableError(str(error)) from error

    async def fetch_directory(self, *, known_at: datetime | None = None) -> Directory:
        """See the port. What was read before is read again only where it changed.

        Args:
            known_at: A moment (aware): give what was known then, and not what is known now.
        """
        try:
            async with transaction(self._pool) as connection:
                # One snapshot: sites, people and version belong together.
                await connection.execute("set transaction isolation level repeatable read")
                if known_at is not None:
                    version = await connection.fetchval(SQL["select_version_at"], known_at)
                    sites = await read_sites(connection, version=version)
                    return Directory(sites, version=str(version))
                version = str(await connection.fetchval(SQL["select_version"]))
                latest = self._latest
                if latest is None:
                    whole, columns = await read_whole(connection)
                else:
                    sites, gone = await read_changed(connection, version=int(latest.version))
        except DatabaseUnavailableError as error:
            raise CasesUnavailableError(str(error)) from error
        self._latest = (
            Directory(whole, version, arranged=arrange(columns, load_catalogue()))
            if latest is None
            else latest.changed(sites, gone=gone, version=version)
        )
        return self._latest

    async def find_known(self, site_ids: Sequence[str]) -> frozenset[str]:
        """Which of these sites the directory has."""
        async with transaction(self._pool) as connection:
            rows = await connection.fetch(SQL["select_known_sites"], list(site_ids))
        return frozenset(row["site_id"] for row in rows)

    async def import_sites(
        self,
        sites: Sequence[Site],
        *,
        source: str,
        is_dry_run: bool = False,
        are_people_stated: bool = False,
    ) -> Imported:
        """Add or change sites with their people and credentials, all or nothing.

        What the import does not name stays as it is; importing the same again changes nothing.

        Args:
            sites: Each id once. A site that is in the directory and comes without people keeps its
                people.
            source: Where they come from, for the list of versions.
            is_dry_run: Find out what would happen, and leave everything as it is.
            are_people_stated: What the people say of hours, absences and employment counts; if
                not, what is known of those who are in the directory stays.

        Raises:
            DatabaseUnavailableError: Nothing is known to have changed.
        """
        with contextlib.suppress(_Rollback):
            async with transaction(self._pool) as connection:
                done = await import_within(
                    connection, sites, source, are_people_stated=are_people_stated
                )
                if is_dry_run:
                    raise _Rollback
        return done


async def import_within(
    connection: Connection, sites: Sequence[Site], source: str, *, are_people_stated: bool = False
) -> Imported:
    """Do what `PostgresDirectoryStore.import_sites` does, as a part of a transaction."""
    await connection.execute(SQL["one_import_at_a_time"])
    version = int(await connection.fetchval(SQL["insert_version"], source))
    site_rows = [
        row
        for lot in _lots([_site_json(site) for site in sites])
        for row in await connection.fetch(SQL["upsert_sites"], json.dumps(lot), source, version)
    ]
    people_changed = await _import_people(
        connection, sites, version, are_people_stated=are_people_stated
    )
    held = [
        _credential_row(site, person, credential)
        for site in sites
        for person in site.people
        for credential in person.credentials
    ]
    credential_rows = [
        row
        for lot in _lots(held)
        for row in await connection.fetch(SQL["upsert_credentials"], *_columns(lot), version)
    ]
    has_changed = bool(site_rows or credential_rows or people_changed)
    if has_changed:
        await _announce(connection)
    else:
        await connection.execute(SQL["delete_version"], version)
    sites_added = sum(row["is_new"] for row in site_rows)
    credentials_added = sum(row["is_new"] for row in credential_rows)
    return Imported(
        sites_added=sites_added,
        sites_changed=len(site_rows) - sites_added,
        sites_unchanged=len(sites) - len(site_rows),
        credentials_added=credentials_added,
        credentials_changed=len(credential_rows) - credentials_added,
        credentials_unchanged=len(held) - len(credential_rows),
        people_changed=people_changed,
        version=version if has_changed else None,
    )


async def bar_within(connection: Connection, bars: Mapping[str, Bar | None], source: str) -> None:
    """Let sites be on no list from a moment on, or on lists again, as a part of a transaction."""
    await connection.execute(SQL["one_import_at_a_time"])
    version = int(await connection.fetchval(SQL["insert_version"], source))
    texts = ["" if bar is None else _bar_text(bar) for bar in bars.values()]
    if await connection.fetch(SQL["update_bars"], [*bars], texts, version):
        await _announce(connection)
    else:
        await connection.execute(SQL["delete_version"], version)


async def note_outcomes_within(
    connection: Connection, seen: Mapping[str, Outcomes], source: str
) -> int:
    """Let the directory know how repairs went, as a part of a transaction; how many sites changed.

    A record makes nobody eligible, so no case is looked at again for it.
    """
    await connection.execute(SQL["one_import_at_a_time"])
    version = int(await connection.fetchval(SQL["insert_version"], source))
    texts = [*map(outcomes_text, seen.values())]
    changed = await connection.fetch(SQL["update_outcomes"], [*seen], texts, version)
    if not changed:
        await connection.execute(SQL["delete_version"], version)
    return len(changed)


async def _import_people(
    connection: Connection, sites: Sequence[Site], version: int, *, are_people_stated: bool
) -> int:
    """Add people, and change what is known of them if it is stated; how many changed."""
    changed = 0
    people = [_person_row(site, person) for site in sites for person in site.people]
    for lot in _lots(people):
        columns = _columns(lot)
        if are_people_stated:
            rows = await connection.fetch(SQL["upsert_people"], *columns, version)
            changed += sum(not row["is_new"] for row in rows)
        else:
            await connection.execute(SQL["insert_people"], *columns[:2], version)
    return changed


async def _announce(connection: Connection) -> None:
    """Have every case that nobody could take looked at again."""
    # A case that is written now either sees this version or is seen here; storage/cases.py.
    await connection.execute(SQL["own_directory"], DIRECTORY_LOCK)
    await connection.execute(SQL["wake_cases_without_offers"])
    await connection.execute(SQL["notify_work"])


def _lots[Item](items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    return (items[start : start + _LOT_ROWS] for start in range(0, len(items), _LOT_ROWS))


def _columns(rows: Sequence[tuple[object, ...]]) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _site_json(site: Site) -> dict[str, object]:
    return {
        "site_id": site.site_id,
        "name": site.name,
        "lon_deg": site.position.lon_deg,
        "lat_deg": site.position.lat_deg,
        "country": site.country,
        "vehicle_classes": sorted(site.vehicle_classes),
        "makes": sorted(site.makes),
        "equipment": sorted(site.equipment),
        "access": sorted(site.access),
        "opening_hours": site.opening_hours,
        "absences": format_absences(site.absences),
        "service_area": format_service_area(site.service_area) if site.service_area else "",
        "is_van": site.is_van,
        "cases_per_day": site.cases_per_day,
        "hourly_rates": format_rates(site.hourly_rates),
        "languages": sorted(site.languages),
        "networks": sorted(site.networks),
        "insurers": sorted(site.insurers),
        "has_replacement_car": site.has_replacement_car,
    }


def outcomes_text(outcomes: Outcomes) -> str:
    """How a record stands in the directory; `storage.directory_rows` reads it."""
    return f"{outcomes.held} {outcomes.came_back}" if outcomes.count else ""


def _bar_text(bar: Bar) -> str:
    return f"{bar.measure} {bar.cause} {bar.since.astimezone(UTC).isoformat()}"


def _person_row(site: Site, person: Person) -> tuple[object, ...]:
    return (
        site.site_id,
        person.number,
        person.employer,
        person.employed_from,
        person.employed_until,
        person.hours,
        format_absences(person.absences),
    )


def _credential_row(site: Site, person: Person, credential: Credential) -> tuple[object, ...]:
    return (
        site.site_id,
        person.number,
        credential.scheme,
        credential.title,
        credential.valid_from,
        credential.valid_until,
        credential.evidence.value,
        credential.is_revoked,
        credential.revoked_on,
        credential.is_suspended,
        credential.employer,
        credential.edition,
        credential.scope,
    )
