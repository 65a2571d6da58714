"""`rightbay coverage`: where in a region no one near holds a skill."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated

import typer

from dtc_db.skills import load_vocabulary
from rightbay.commands.options import DataOption, LangOption
from rightbay.settings import load_settings
from rightbay.supervision.instance import database_url
from routing.assessment.coverage import MINUTES_MAX, Box, Coverage, cover
from routing.assessment.coverage_drawn import geojson, sentences, svg
from routing.matching.policy import load_policy
from routing.model import Position
from storage.directory import PostgresDirectoryStore
from storage.occurred import fetch_occurred
from storage.pool import open_pool


class Form(StrEnum):
    """In which the map is written."""

    TEXT = "text"
    GEOJSON = "geojson"
    SVG = "svg"


def coverage(
    *,
    skill: Annotated[str, typer.Option(help="A word of docs/skills.md, such as hv.live.")],
    bbox: Annotated[str, typer.Option(metavar="W,S,E,N", help="The region, in degrees.")],
    minutes: Annotated[
        int, typer.Option(min=1, max=MINUTES_MAX, help="Within which somebody should be there.")
    ] = 30,
    days: Annotated[
        int, typer.Option(min=1, max=730, help="How far back to look at what occurred.")
    ] = 90,
    form: Annotated[
        Form, typer.Option("--as", help="Words, GeoJSON for a map, or SVG, a picture.")
    ] = Form.TEXT,
    lang: LangOption = "en",
    data: DataOption = None,
) -> None:
    """Say where no one within so many minutes holds a skill, and how many cases arose there.

    Counts are of cases that really occurred; small ones are not shown.
    """
    if skill not in load_vocabulary().skills:
        raise typer.BadParameter(f"no skill {skill!r:.40}; docs/skills.md names them")
    try:
        box = Box.parse(bbox)
    except ValueError as error:
        raise typer.BadParameter(f"--bbox: {error}") from error
    now = datetime.now(UTC)
    found = asyncio.run(
        _cover(database_url(load_settings(data=data)), box, skill, minutes, now, days)
    )
    match form:
        case Form.GEOJSON:
            typer.echo(json.dumps(geojson(found), ensure_ascii=False))
        case Form.SVG:
            typer.echo(svg(found, lang=lang), nl=False)
        case Form.TEXT:
            for sentence in sentences(found, lang=lang):
                typer.echo(sentence)


async def _cover(  # noqa: PLR0917 - what was asked for
    url: str, box: Box, skill: str, minutes: int, now: datetime, days: int
) -> Coverage:
    middle = Position(box.west_deg, (box.south_deg + box.north_deg) / 2)
    async with open_pool(url, size_max=1) as pool:
        directory = await PostgresDirectoryStore(pool).fetch_directory()
        cases = await fetch_occurred(
            pool,
            since=now - timedelta(days=days),
            until=now,
            near=middle,
            within_deg=(box.north_deg - box.south_deg) / 2,
        )
    return cover(
        directory,
        box,
        skill=skill,
        minutes=minutes,
        day=now.date(),
        policy=load_policy(),
        cases=cases,
    )
