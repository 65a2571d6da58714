"""`rightbay bench match`: eligible and ranked top five, beside what only finds near points."""

import asyncio
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
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
    if as_json:
        document = {
            "results": [asdict(one) for one in results],
            "postgis": {name: asdict(result) for name, result in beside.items()},
            "postgis_absent": absent or None,
            "roads": None if by_road is None else asdict(by_road),
            "roads_absent": no_roads or None,
        }
        sys.stdout.write(json.dumps(document) + "\n")
        return
    for result in results:
        typer.echo(
            f"{result.sites:,} sites, of which {result.eligible:,} may be eligible,"
            f" in a process of {result.memory_mb:,} MB"
        )
        typer.echo("\n".join(_lines(result.rows)) + "\n")
    for name, result in beside.items():
        one_in = sites / max(result.eligible, 1)
        typer.echo(f"PostGIS beside us, {sites:,} sites, {name}: one in {one_in:,.0f}")
        typer.echo("\n".join(_lines(result.rows)) + "\n")
    if absent:
        typer.echo(f"PostGIS: {absent}")
    typer.echo(f"roads: {no_roads}" if by_road is None else "\n".join(_road_lines(by_road)))
    if growth:
        typer.echo(_growth(results))
    if picture is not None:
        picture.write_text(draw_growth(results), "utf-8")


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
