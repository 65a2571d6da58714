"""How long a large directory takes to come into memory, and how much of it.

Sites, people and titles are drawn by seed, imported into an empty database through the same door as
any file, and read by a process of their own, so that what it weighs is the directory's weight.
"""

import asyncio
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import perf_counter

from rightbay.errors import StartError
from rightbay.settings import Settings
from rightbay.supervision.stack import Stack
from routing.competence.catalogue import Catalogue, load_catalogue
from routing.model import Credential, Evidence, Person, Position, Site
from storage.directory import PostgresDirectoryStore
from storage.pool import open_pool

# A title was issued on one of so many days before this one, and holds for three years or for ever.
_DAY, _DAYS = date(2026, 11, 23), 1_000
_LOT_SITES = 10_000
_COUNTRIES = {
    "FR": ("fr-nf-c-18-550", "trade", "srs", "adas"),
    "DE": ("de-dguv-209-093", "trade", "srs", "adas"),
    "AT": ("at-ove-r19", "trade", "adas"),
    "GB": ("uk-imi-techsafe", "trade", "adas"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectorySize:
    """How much is drawn: each site has so many people, each person so many titles on average."""

    sites: int = 100_000
    people: int = 4
    titles: float = 2.5


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryResult:
    """What was measured.

    Attributes:
        imported_s: Into the empty database.
        read_s: From the database into values.
        built_s: From values into what matching asks; both together are the load.
        load_cpu_s: Of the load, what our own process took of a processor.
        digested_s: For the digest of a whole directory, which the first decision waits for.
        refreshed_s: From one changed site in the database to a directory that has it in its digest.
        memory_mb: What the reading process weighs more with the directory than without.
        peak_mb: The most it weighed more at any moment until then.
        looked_at_mb: What it weighs more once every site was looked at, for the digest.
    """

    sites: int
    people: int
    credentials: int
    imported_s: float
    read_s: float
    built_s: float
    load_cpu_s: float
    digested_s: float
    refreshed_s: float
    memory_mb: float
    peak_mb: float
    looked_at_mb: float
    load_average: float


async def measure(
    size: DirectorySize, *, say: Callable[[str], None] = lambda _: None
) -> DirectoryResult:
    """Import a drawn directory and read it.

    Raises:
        RightbayError: Something did not start, or the reading process failed.
    """
    load_average = os.getloadavg()[0]
    with TemporaryDirectory(prefix="rightbay-bench-") as folder:
        os.chmod(folder, 0o711)  # noqa: PTH101, S103 - root's servers run as somebody else
        async with Stack(Settings(data=Path(folder, "data"))) as stack:
            await stack.migrate()
            url = str(stack.settings.database_url)
            began_s = perf_counter()
            people, credentials = await _import(url, size, say)
            imported_s = perf_counter() - began_s
            loaded = await _load(url)
    return DirectoryResult(
        sites=size.sites,
        people=people,
        credentials=credentials,
        imported_s=round(imported_s, 1),
        load_average=load_average,
        **loaded,
    )


def document(result: DirectoryResult) -> dict[str, float]:
    """Give it as one flat object."""
    return asdict(result)


def draw_sites(size: DirectorySize, *, seed: int = 1) -> Iterator[Site]:
    """Draw sites all over western Europe, with titles of their countries."""
    rng = Random(seed)  # noqa: S311 - the same sites for everyone, not a secret
    catalogue = load_catalogue()
    choices = {country: _titles(catalogue, country) for country in _COUNTRIES}
    for number in range(size.sites):
        country = rng.choice([*choices])
        yield Site(
            site_id=f"bench:{number}",
            name=f"Garage {number}",
            position=Position(round(rng.uniform(-4.0, 16.0), 6), round(rng.uniform(43.0, 54.0), 6)),
            country=country,
            opening_hours=rng.choice((None, "24/7", "Mo-Fr 08:00-18:00; PH off")),
            people=tuple(
                Person(number=person, credentials=tuple(_draw_titles(rng, choices[country], size)))
                for person in range(1, size.people + 1)
            ),
        )


def _titles(catalogue: Catalogue, country: str) -> list[tuple[str, str]]:
    return [
        (scheme, title.symbol)
        for scheme in _COUNTRIES[country]
        for title in catalogue.schemes[scheme].titles
        if catalogue.is_valid_in(scheme, title.symbol, country)
    ]


def _draw_titles(
    rng: Random, choices: list[tuple[str, str]], size: DirectorySize
) -> Iterator[Credential]:
    count = int(size.titles + rng.random())
    for scheme, title in rng.sample(choices, min(count, len(choices))):
        valid_from = _DAY - timedelta(days=rng.randrange(_DAYS))
        yield Credential(
            scheme=scheme,
            title=title,
            valid_from=valid_from,
            valid_until=None if scheme == "trade" else valid_from + timedelta(days=1_095),
            evidence=rng.choice([*Evidence]),
        )


async def _import(url: str, size: DirectorySize, say: Callable[[str], None]) -> tuple[int, int]:
    """Import in lots; give the numbers of people and titles."""
    people = credentials = 0
    lot: list[Site] = []
    async with open_pool(url, size_max=1) as pool:
        store = PostgresDirectoryStore(pool)
        for number, site in enumerate(draw_sites(size), start=1):
            lot.append(site)
            people += len(site.people)
            credentials += sum(len(person.credentials) for person in site.people)
            if len(lot) == _LOT_SITES or number == size.sites:
                await store.import_sites(lot, source="bench")
                say(f"{number:,} sites imported")
                lot = []
    return people, credentials


async def _load(url: str) -> dict[str, float]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "rightbay.bench.directory_load",
        url,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    if process.returncode != 0:
        raise StartError("the process that reads the directory failed")
    measured: dict[str, float] = json.loads(said)
    return measured
