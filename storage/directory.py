"""The directory of repairers: imported whole or not at all, read as one snapshot.

Every change has a version, and a decision names the version that it used.
"""

import contextlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import asyncpg

from dtc_db.vehicle import VehicleClass
from routing.directory import Directory
from routing.errors import CasesUnavailableError
from routing.model import Credential, Evidence, Person, Position, Site
from storage.errors import DatabaseUnavailableError
from storage.pool import Connection, Pool, transaction
from storage.statements import load_statements

SQL = load_statements("directory")


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import did, or would do.

    Attributes:
        version: Of the directory afterwards; None if nothing changed.
    """

    sites_added: int
    sites_changed: int
    sites_unchanged: int
    credentials_added: int
    credentials_changed: int
    credentials_unchanged: int
    version: int | None


class _Rollback(Exception):  # noqa: N818 - not an error: the way out of a dry run
    pass


class PostgresDirectoryStore:
    """Implements `routing.ports.DirectoryStore`, and takes imports."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def fetch_version(self) -> str:
        """See the port."""
        try:
            async with transaction(self._pool) as connection:
                return str(await connection.fetchval(SQL["select_version"]))
        except DatabaseUnavailableError as error:
            raise CasesUnavailableError(str(error)) from error

    async def fetch_directory(self) -> Directory:
        """See the port."""
        try:
            async with transaction(self._pool) as connection:
                # One snapshot: sites, people and version belong together.
                await connection.execute("set transaction isolation level repeatable read")
                version = await connection.fetchval(SQL["select_version"])
                people = await _people(connection)
                sites = [_site(row, people) for row in await connection.fetch(SQL["select_sites"])]
        except DatabaseUnavailableError as error:
            raise CasesUnavailableError(str(error)) from error
        return Directory(sites, version=str(version))

    async def find_known(self, site_ids: Sequence[str]) -> frozenset[str]:
        """Which of these sites the directory has."""
        async with transaction(self._pool) as connection:
            rows = await connection.fetch(SQL["select_known_sites"], list(site_ids))
        return frozenset(row["site_id"] for row in rows)

    async def import_sites(
        self, sites: Sequence[Site], *, source: str, is_dry_run: bool = False
    ) -> Imported:
        """Add or change sites with their people and credentials, all or nothing.

        What the import does not name stays as it is; importing the same again changes nothing.

        Args:
            sites: Each id once. A site that is in the directory and comes without people keeps its
                people.
            source: Where they come from, for the list of versions.
            is_dry_run: Find out what would happen, and leave everything as it is.

        Raises:
            DatabaseUnavailableError: Nothing is known to have changed.
        """
        with contextlib.suppress(_Rollback):
            async with transaction(self._pool) as connection:
                done = await _import(connection, sites, source)
                if is_dry_run:
                    raise _Rollback
        return done


async def _import(connection: Connection, sites: Sequence[Site], source: str) -> Imported:
    site_rows = await connection.fetch(
        SQL["upsert_sites"], json.dumps([_site_json(site) for site in sites]), source
    )
    credentials = [
        _credential_json(site, person, credential)
        for site in sites
        for person in site.people
        for credential in person.credentials
    ]
    people = [
        {"site_id": site.site_id, "person": person.number}
        for site in sites
        for person in site.people
    ]
    await connection.execute(SQL["insert_people"], json.dumps(people))
    credential_rows = await connection.fetch(SQL["upsert_credentials"], json.dumps(credentials))
    has_changed = bool(site_rows or credential_rows)
    sites_added = sum(row["is_new"] for row in site_rows)
    credentials_added = sum(row["is_new"] for row in credential_rows)
    return Imported(
        sites_added=sites_added,
        sites_changed=len(site_rows) - sites_added,
        sites_unchanged=len(sites) - len(site_rows),
        credentials_added=credentials_added,
        credentials_changed=len(credential_rows) - credentials_added,
        credentials_unchanged=len(credentials) - len(credential_rows),
        version=await connection.fetchval(SQL["insert_version"], source) if has_changed else None,
    )


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
    }


def _credential_json(site: Site, person: Person, credential: Credential) -> dict[str, object]:
    until = credential.valid_until
    return {
        "site_id": site.site_id,
        "person": person.number,
        "scheme": credential.scheme,
        "title": credential.title,
        "valid_from": credential.valid_from.isoformat(),
        "valid_until": None if until is None else until.isoformat(),
        "evidence": credential.evidence.value,
        "is_revoked": credential.is_revoked,
    }


async def _people(connection: Connection) -> Mapping[str, tuple[Person, ...]]:
    credentials: dict[tuple[str, int], list[Credential]] = defaultdict(list)
    for row in await connection.fetch(SQL["select_credentials"]):
        credentials[row["site_id"], row["person"]].append(_credential(row))
    people: dict[str, list[Person]] = defaultdict(list)
    for row in await connection.fetch(SQL["select_people"]):
        held = tuple(credentials.get((row["site_id"], row["number"]), ()))
        people[row["site_id"]].append(Person(number=row["number"], credentials=held))
    return {site_id: tuple(team) for site_id, team in people.items()}


def _credential(row: asyncpg.Record) -> Credential:
    return Credential(
        scheme=row["scheme"],
        title=row["title"],
        valid_from=row["valid_from"],
        valid_until=row["valid_until"],
        evidence=Evidence(row["evidence"]),
        is_revoked=row["is_revoked"],
    )


def _site(row: asyncpg.Record, people: Mapping[str, tuple[Person, ...]]) -> Site:
    return Site(
        site_id=row["site_id"],
        name=row["name"],
        position=Position(lon_deg=row["lon_deg"], lat_deg=row["lat_deg"]),
        country=row["country"],
        vehicle_classes=frozenset(VehicleClass(name) for name in row["vehicle_classes"]),
        makes=frozenset(row["makes"]),
        equipment=frozenset(row["equipment"]),
        access=frozenset(row["access"]),
        opening_hours=row["opening_hours"],
        people=people.get(row["site_id"], ()),
    )
