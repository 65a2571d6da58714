"""`rightbay bench match`: eligible and ranked top five, beside what only finds near points."""

import asyncio
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import asyncpg
import psutil
import typer

from rightbay.bench.growth_picture import draw_growth
from rightbay.bench.matching import NEEDS, Result, Row, measure, measure_postgis
from rightbay.bench.roads import BY_ROAD, RoadResult, measure_roads
from rightbay.commands.options import JsonOption, parse_place
from routing.errors import RoadsError
from routing.model import Position

GROWTH = (10_000, 100_000, 1_000_000)
LIECHTENSTEIN = Position(9.53, 47.15)


def match(
    *,
    sites: Annotated[int, typer.Option(min=100, max=1_000_000, help="To draw.")] = 100_000,
    rounds: Annotated[int, typer.Option(min=1, max=100, help="Of which the median counts.")] = 7,
    growth: Annotated[
        bool, typer.Option("--growth", help="Also with 10,000 and 1,000,000 sites.")
    ] = False,
    postgis: Annotated[
        str | None,
        typer.Option(metavar="URL", help="A database with PostGIS on this machine."),
    ] = None,
    roads: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Also times by road, on this map.", file_okay=False),
    ] = None,
    around: Annotated[
        Position | None,
        typer.Option(
            parser=parse_place, metavar="LON,LAT", help="Where on it; Liechtenstein by default."
        ),
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(metavar="SVG", help="Draw the growth into this file.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Find and rank repairers for the same cases with us, a bare tree, plain arrays and PostGIS.

    Temporary tables are all that is made in a database.
    """
    sizes = sorted({sites, *(GROWTH if growth else ())})
    if picture is not None and len(sizes) < 2:
        raise typer.BadParameter("--picture shows growth: it needs --growth")
    results = [measure(sites=size, rounds=rounds) for size in sizes]
    beside, absent = _beside(postgis, sites=sites, rounds=rounds)
    by_road, no_roads = _by_road(roads, around=around or LIECHTENSTEIN, rounds=rounds)
    seen = Seen(
        results=results,
        sites=sites,
        beside=beside,
        absent=absent,
        by_road=by_road,
        no_roads=no_roads,
    )
    if as_json:
        sys.stdout.write(json.dumps(seen.document()) + "\n")
        return
    typer.echo("\n".join(seen.lines()))
    if picture is not None:
        picture.write_text(draw_growth(results), "utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was measured in one run.

    Attributes:
        results: For each number of sites, rising.
        sites: How many PostGIS was asked with.
        beside: PostGIS for each need.
        absent: Why it is not there for all of them; empty if it is.
        by_road: Times by road.
        no_roads: Why there are none.
    """

    results: list[Result]
    sites: int
    beside: dict[str, Result]
    absent: str
    by_road: RoadResult | None
    no_roads: str

    def document(self) -> dict[str, object]:
        """For machines; the names are stable."""
        return {
            "results": [asdict(one) for one in self.results],
            "postgis": {name: asdict(result) for name, result in self.beside.items()},
            "postgis_absent": self.absent or None,
            "roads": None if self.by_road is None else asdict(self.by_road),
            "roads_absent": self.no_roads or None,
        }

    def lines(self) -> Iterator[str]:
        """For people."""
        for result in self.results:
            yield (
                f"{result.sites:,} sites, of which {result.eligible:,} may be eligible,"
                f" in a process of {result.memory_mb:,} MB"
            )
            yield from (*_lines(result.rows), "")
        for name, result in self.beside.items():
            one_in = self.sites / max(result.eligible, 1)
            yield f"PostGIS beside us, {self.sites:,} sites, {name}: one in {one_in:,.0f}"
            yield from (*_lines(result.rows), "")
        if self.absent:
            yield f"PostGIS: {self.absent}"
        if self.by_road is None:
            yield f"roads: {self.no_roads}"
        else:
            yield from _road_lines(self.by_road)
        if len(self.results) > 1:
            yield _growth(self.results)


def _beside(url: str | None, *, sites: int, rounds: int) -> tuple[dict[str, Result], str]:
    """PostGIS beside us for each need; and why not, if it cannot be asked."""
    beside: dict[str, Result] = {}
    if url is None:
        return beside, "not measured: no --postgis URL was given"
    try:
        for name, skills, thinned in NEEDS:
            beside[name] = asyncio.run(
                measure_postgis(url, sites=sites, rounds=rounds, skills=skills, thinned=thinned)
            )
    except (OSError, asyncpg.PostgresError, psutil.Error) as error:
        return beside, f"not measured: {error}"
    return beside, ""


def _by_road(
    folder: Path | None, *, around: Position, rounds: int
) -> tuple[RoadResult | None, str]:
    """Times by road; and why not, if there are none."""
    if folder is None:
        return None, "not measured: no --roads FOLDER was given"
    try:
        return measure_roads(folder, around=around, rounds=rounds), ""
    except (RoadsError, ValueError) as error:
        return None, f"not measured: {error}"


def _road_lines(result: RoadResult) -> Iterator[str]:
    yield f"by road, map {result.version} from {result.source}: {result.places} places on a road,"
    yield f"of a hundred ways {result.known:.0f} are known"
    for row in result.rows:
        line = f"  {row.name:32}{row.us:>12,.0f} us"
        if row.times is not None:
            line += f"   {BY_ROAD} takes {row.times.median:.3g} x as long"
            line += f" ({row.times.low:.3g} to {row.times.high:.3g})"
        yield line


def _lines(rows: tuple[Row, ...]) -> Iterator[str]:
    for row in rows:
        line = f"  {row.name:32}{row.per_s:>12,.0f} cases/s"
        if row.slower is not None:
            slower = row.slower
            line += f"   ours in batches is {slower.median:.3g} x as fast"
            line += f" ({slower.low:.3g} to {slower.high:.3g})"
        yield line


def _growth(results: list[Result]) -> str:
    times_us = [1e6 / result.rows[0].per_s for result in results]
    curve = ", ".join(
        f"{result.sites:,}: {us:.1f} us" for result, us in zip(results, times_us, strict=True)
    )
    return f"growth in batches: {curve} ({times_us[-1] / times_us[0]:.2f} x)"
