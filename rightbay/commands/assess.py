"""`rightbay assess`: what a site could take of the faults that occurred, and what it lacks."""

import asyncio
import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from rightbay.commands.options import DataOption, JsonOption, LangOption
from rightbay.settings import load_settings
from rightbay.supervision.instance import database_url
from routing.assessment.assess import Assessment
from routing.assessment.assess import assess as assess_site
from routing.assessment.report import report, sentences
from routing.competence.catalogue import load_catalogue
from routing.matching.policy import load_policy
from storage.directory import PostgresDirectoryStore
from storage.occurred import fetch_occurred
from storage.pool import open_pool

_M_PER_DEG = 110_000  # of latitude, and a little less than anywhere: the sieve may only be too wide


def assess(
    site: Annotated[str, typer.Argument(metavar="SITE", help="Its id in the directory.")],
    *,
    lang: LangOption = "en",
    days: Annotated[
        int, typer.Option(min=1, max=730, help="How far back to look at what occurred.")
    ] = 90,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say which faults within reach a site could take, and which one change would open most.

    Counts are of cases that really occurred; small ones are not shown.
    """
    now = datetime.now(UTC)
    found = asyncio.run(_assess(database_url(load_settings(data=data)), site, now, days))
    seen = report(found, day=now.date(), days=days, lang=lang, catalogue=load_catalogue())
    if as_json:
        typer.echo(json.dumps(asdict(seen), ensure_ascii=False, default=str))
        return
    for sentence in sentences(seen, lang=lang):
        typer.echo(sentence)


async def _assess(url: str, site_id: str, now: datetime, days: int) -> Assessment:
    policy = load_policy()
    reach_m = max(rule.radius_m for rule in policy.arrivals.values())
    async with open_pool(url, size_max=1) as pool:
        directory = await PostgresDirectoryStore(pool).fetch_directory()
        site = directory.find(site_id)
        if site is None:
            raise typer.BadParameter(
                f"no site {site_id!r:.100} in the directory; `rightbay repairers list` names them"
            )
        cases = await fetch_occurred(
            pool,
            since=now - timedelta(days=days),
            until=now,
            near=site.position,
            within_deg=reach_m / _M_PER_DEG,
        )
    return assess_site(site, cases, policy=policy, catalogue=directory.catalogue, at=now)
