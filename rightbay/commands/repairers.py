"""`rightbay repairers`: bring repairers and their people into the directory, and list them."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from rightbay.commands.options import DataOption, JsonOption
from rightbay.errors import RefusedRowsError
from rightbay.settings import load_settings
from rightbay.supervision.instance import database_url
from routing.directory.snapshot import Directory
from routing.imports.credentials import CredentialFile, read_credentials, with_people
from routing.imports.export import credentials_csv, people_csv, sites_csv, sites_geojson
from routing.imports.findings import Finding, Verdict
from routing.imports.people import read_people, with_presence
from routing.imports.site_fields import SiteFile
from routing.imports.sites import read_sites
from routing.model import Site
from storage.directory import Imported, PostgresDirectoryStore
from storage.pool import open_pool

FINDINGS_SHOWN_MAX = 20

CREDENTIALS, PEOPLE = ".credentials.csv", ".people.csv"
_WRITERS = {".csv": sites_csv, ".geojson": sites_geojson}

KnownOnOption = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="As it was known at the end of that day (UTC)."),
]

app = typer.Typer(no_args_is_help=True, help="The directory of repairers.")


@dataclass(frozen=True, slots=True)
class Companions:
    """The files beside one of repairers; None where there is none."""

    credentials: Path | None
    people: Path | None


@app.command("import")
def import_(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="OpenStreetMap (.osm.pbf), GeoJSON, CSV or schema.org; see docs/directory.md.",
            exists=True,
            dir_okay=False,
        ),
    ],
    *,
    credentials: Annotated[
        Path | None,
        typer.Option(
            help="CSV of people and their titles; by default NAME.credentials.csv beside FILE.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    country: Annotated[
        str | None, typer.Option(metavar="CC", help="Where sites lie that do not say (ISO 3166).")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")
    ] = False,
    people: Annotated[
        Path | None,
        typer.Option(
            help="CSV of who works when; by default NAME.people.csv beside FILE.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add or change the repairers in FILE, all of them or none; the same again changes nothing.

    What is in the directory and not in FILE stays. A test centre is not a repairer, and is skipped.
    """
    url = database_url(load_settings(data=data))
    found = read_sites(file, country=country)
    beside = Companions(credentials or _beside(file, CREDENTIALS), people or _beside(file, PEOPLE))
    done = asyncio.run(_import(url, file.name, found, beside, is_dry_run=dry_run))
    _show(done, found.findings, is_dry_run=dry_run, as_json=as_json)


@app.command("export")
def export(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="To write: .csv or .geojson.", dir_okay=False)
    ],
    *,
    known_on: KnownOnOption = None,
    data: DataOption = None,
) -> None:
    """Write the directory as `import` reads it: FILE, and beside it titles and people as CSV."""
    write = _WRITERS.get(file.suffix.lower())
    if write is None:
        raise typer.BadParameter(f"{file}: expected a file named .csv or .geojson")
    directory = asyncio.run(_fetch(database_url(load_settings(data=data)), known_on))
    texts = {
        file: write(directory.sites),
        _companion(file, CREDENTIALS): credentials_csv(directory.sites),
        _companion(file, PEOPLE): people_csv(directory.sites),
    }
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8", newline="")
    typer.echo(f"{len(directory)} sites, directory version {directory.version}", err=True)


@app.command("list")
def list_(
    *, known_on: KnownOnOption = None, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """List the directory: who is where, and how many of their titles are in date today."""
    directory = asyncio.run(_fetch(database_url(load_settings(data=data)), known_on))
    today = datetime.now(UTC).date()
    rows = [
        {
            "site": site.site_id,
            "name": site.name,
            "country": site.country,
            "pos": [site.position.lon_deg, site.position.lat_deg],
            "people": len(site.people),
            "titles": sorted(
                {
                    f"{held.scheme} {held.title}"
                    for person in site.people
                    for held in person.credentials
                    if not held.is_revoked
                    and held.valid_from <= today <= (held.valid_until or today)
                }
            ),
        }
        for site in directory.sites
    ]
    if as_json:
        for row in rows:
            typer.echo(json.dumps(row, ensure_ascii=False))
        return
    table = Table("site", "name", "country", "people", "titles in date", box=None)
    for site, row in zip(directory.sites, rows, strict=True):
        titles = ", ".join(row["titles"]) if isinstance(row["titles"], list) else ""
        table.add_row(site.site_id, site.name, site.country, str(row["people"]), titles or "none")
    Console().print(table)
    typer.echo(f"{len(rows)} sites, directory version {directory.version}", err=True)


async def _import(
    url: str, source: str, found: SiteFile, beside: Companions, *, is_dry_run: bool
) -> Imported:
    async with open_pool(url, size_max=1) as pool:
        store = PostgresDirectoryStore(pool)
        sites, refusals = found.sites, _refusals(found.findings)
        if beside.credentials is not None or beside.people is not None:
            directory = await store.fetch_directory()
            known = {site.site_id: site for site in (*directory.sites, *found.sites)}
            sites, more = _with_companions(known, found, beside)
            refusals += more
        if refusals:
            raise RefusedRowsError(source, refusals)
        return await store.import_sites(
            sites,
            source=source,
            is_dry_run=is_dry_run,
            are_people_stated=beside.people is not None,
        )


def _with_companions(
    known: dict[str, Site], found: SiteFile, beside: Companions
) -> tuple[tuple[Site, ...], list[str]]:
    """The sites with their people, and what was refused in the files beside.

    A row about a site whose own row was refused is looked at for itself, so that one run tells all.
    """
    refusals: list[str] = []
    sites, named = found.sites, {*known, *found.refused}
    if beside.credentials is not None:
        titles = read_credentials(beside.credentials, known_sites=named)
        refusals += [f"{beside.credentials.name}: {each}" for each in _refusals(titles.findings)]
        sites = _with_people(known, sites, titles)
    if beside.people is not None:
        stated = read_people(beside.people, known_sites=named)
        refusals += [f"{beside.people.name}: {each}" for each in _refusals(stated.findings)]
        by_id = {site.site_id: site for site in sites}
        by_id.update(
            (name, known[name]) for name in stated.people.keys() & known.keys() - by_id.keys()
        )
        sites = with_presence([*by_id.values()], stated.people)
    return sites, refusals


def _beside(file: Path, ending: str) -> Path | None:
    path = _companion(file, ending)
    return path if path.is_file() else None


def _companion(file: Path, ending: str) -> Path:
    return file.with_name(file.name.partition(".")[0] + ending)


def _with_people(
    known: dict[str, Site], sites: tuple[Site, ...], people: CredentialFile
) -> tuple[Site, ...]:
    """The sites of the file, and those of the directory to which the credentials add people."""
    named = {site.site_id for site in sites} | people.people.keys() & known.keys()
    return with_people([known[site_id] for site_id in sorted(named)], people.people)


def _refusals(findings: Iterable[Finding]) -> list[str]:
    return [str(each) for each in findings if each.verdict is Verdict.REFUSED]


async def _fetch(url: str, known_on: datetime | None) -> Directory:
    """The directory as it is, or as it was known at the end of a day (UTC)."""
    end = None if known_on is None else known_on.replace(tzinfo=UTC) + timedelta(days=1)
    async with open_pool(url, size_max=1) as pool:
        return await PostgresDirectoryStore(pool).fetch_directory(known_at=end)


def _show(
    done: Imported, findings: tuple[Finding, ...], *, is_dry_run: bool, as_json: bool
) -> None:
    if as_json:
        notes = [asdict(each) for each in findings]
        typer.echo(json.dumps({**asdict(done), "findings": notes}, ensure_ascii=False))
        return
    would = "would be " if is_dry_run else ""
    for noun in ("sites", "credentials"):
        added, changed, unchanged = (
            getattr(done, f"{noun}_{what}") for what in ("added", "changed", "unchanged")
        )
        typer.echo(f"{noun}: {would}added {added}, {would}changed {changed}, unchanged {unchanged}")
    if done.people_changed:
        typer.echo(f"people: {would}changed {done.people_changed}")
    for (verdict, reason), times in Counter(
        (each.verdict, f"{each.field}: {each.reason}") for each in findings
    ).most_common(FINDINGS_SHOWN_MAX):
        typer.echo(f"{verdict} {times} x {reason}", err=True)
