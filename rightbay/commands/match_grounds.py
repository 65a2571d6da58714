"""What `rightbay match` decides on: of whom, by which numbers, under whose rules, and when."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rightbay.errors import RefusedRowsError
from routing.directory.snapshot import Directory
from routing.imports.credentials import read_credentials, with_people
from routing.imports.findings import Verdict
from routing.imports.sites import read_sites
from routing.matching.policy import Policy
from routing.principal import Principal
from storage.directory import PostgresDirectoryStore
from storage.pool import open_pool


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """All that a decision follows from but the case.

    Attributes:
        principal: Whose rules hold; None where nobody's but our own do.
        decided_at: Aware, in UTC.
    """

    directory: Directory
    policy: Policy
    principal: Principal | None
    decided_at: datetime


def read_directory(file: Path, credentials: Path | None, country: str | None) -> Directory:
    """The directory in a file; as with an import, all of it or nothing.

    Args:
        file: Of sites.
        credentials: Of their people; the one beside it of the same name, if there is one, if None.
        country: Of sites that do not say theirs.

    Raises:
        RefusedRowsError: If a row says what cannot be.
    """
    found = read_sites(file, country=country)
    findings, sites = [*found.findings], found.sites
    beside = file.with_name(file.name.partition(".")[0] + ".credentials.csv")
    if credentials is None and beside.is_file():
        credentials = beside
    if credentials is not None:
        held = read_credentials(credentials, known_sites={site.site_id for site in sites})
        findings += held.findings
        sites = with_people(sites, held.people)
    refused = [str(each) for each in findings if each.verdict is Verdict.REFUSED]
    if refused:
        raise RefusedRowsError(file.name, refused)
    return Directory(sites, file.name)


async def fetch_directory(url: str) -> Directory:
    """The directory of an instance, from its database."""
    async with open_pool(url, size_max=1) as pool:
        return await PostgresDirectoryStore(pool).fetch_directory()
