"""What a site could take and what it lacks, and where in a region nobody holds a skill.

Both are made of what occurred and are answered in counts that may be shown; nothing is stored.
"""

import asyncio
import json
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Response

from api import schemas
from api.errors import NotFoundError
from api.match import Snapshots, snapshots_of
from api.routes import Database, check_host
from dtc_db.skills import load_vocabulary
from routing.assessment.assess import assess
from routing.assessment.coverage import MINUTES_MAX, Box, cover
from routing.assessment.coverage_drawn import geojson, svg
from routing.assessment.report import AdviceReport, AssessmentReport, EndingReport, sentences
from routing.assessment.report import report as report_of
from routing.decision import Case
from routing.imports.findings import FieldError
from routing.matching.policy import load_policy
from routing.model import Position
from storage.occurred import fetch_occurred
from storage.pool import Pool

DAYS, DAYS_MAX = 90, 730
TEXT_LENGTH_MAX = 100
_M_PER_DEG = 110_000  # of latitude, and a little less than anywhere: the sieve may only be too wide

router = APIRouter(prefix="/v1", dependencies=[Depends(check_host)])
Held = Annotated[Snapshots, Depends(snapshots_of)]
Lang = Literal["en", "fr", "de"]
Days = Annotated[int, Query(ge=1, le=DAYS_MAX, description="How far back to look.")]


class AdviceShape(schemas.Shape):
    """One change, and how many cases it opens; no number where it is small."""

    kind: str
    name: str
    scheme: str
    opens: int | None = None
    same: list[str]
    means: str
    issuer: str
    validity: str
    page: str

    @classmethod
    def of(cls, advice: AdviceReport) -> "AdviceShape":
        """The advice as JSON has it."""
        return cls(
            kind=advice.kind.value,
            name=advice.name,
            scheme=advice.scheme,
            opens=advice.opens,
            same=list(advice.same),
            means=advice.means,
            issuer=advice.issuer,
            validity=advice.validity,
            page=advice.page,
        )


class EndingShape(schemas.Shape):
    """A title that ends soon, and how many cases are lost by it; no number where it is small."""

    person: int
    scheme: str
    title: str
    ends: date
    loses: int | None = None

    @classmethod
    def of(cls, ending: EndingReport) -> "EndingShape":
        """The ending as JSON has it."""
        return cls(
            person=ending.person,
            scheme=ending.scheme,
            title=ending.title,
            ends=ending.ends,
            loses=ending.loses,
        )


class AssessmentShape(schemas.Shape):
    """A site beside what occurred within its reach; a number is left out where it is small."""

    site: str
    day: date
    days: int
    total: int | None = None
    able: int | None = None
    unable: int | None = None
    advice: list[AdviceShape]
    endings: list[EndingShape]
    text: list[str]

    @classmethod
    def of(cls, seen: AssessmentReport, *, lang: str) -> "AssessmentShape":
        """The assessment as JSON has it, with its sentences."""
        return cls(
            site=seen.site,
            day=seen.day,
            days=seen.days,
            total=seen.total,
            able=seen.able,
            unable=seen.unable,
            advice=[AdviceShape.of(advice) for advice in seen.advice],
            endings=[EndingShape.of(ending) for ending in seen.endings],
            text=[*sentences(seen, lang=lang)],
        )


@router.get(
    "/sites/{site}/assessment",
    response_model_exclude_none=True,
    responses={404: {"model": schemas.Problem}},
)
async def get_assessment(
    site: Annotated[str, Path(max_length=TEXT_LENGTH_MAX, description="Its id.")],
    snapshots: Held,
    pool: Database,
    days: Days = DAYS,
    lang: Lang = "en",
) -> AssessmentShape:
    """What a site could take of what occurred near it, and which one change would open most."""
    directory, now, policy = await snapshots.current(), datetime.now(UTC), load_policy()
    found = directory.find(site)
    if found is None:
        raise NotFoundError("no such site")
    reach_m = max(way.radius_m for way in policy.arrivals.values())
    cases = await _occurred(pool, now, days, found.position, reach_m / _M_PER_DEG)
    look = partial(assess, policy=policy, catalogue=directory.catalogue, at=now)
    assessed = await asyncio.to_thread(look, found, cases)
    seen = report_of(assessed, day=now.date(), days=days, lang=lang, catalogue=directory.catalogue)
    return AssessmentShape.of(seen, lang=lang)


@router.get(
    "/coverage",
    response_class=Response,
    responses={
        200: {
            "description": "The map: cells by band of travel time, with areas and counts.",
            "content": {
                "application/geo+json": {"schema": {"type": "object"}},
                "image/svg+xml": {"schema": {"type": "string"}},
            },
        }
    },
)
async def get_coverage(  # noqa: PLR0913, PLR0917 - one for each part of the query
    snapshots: Held,
    pool: Database,
    skill: Annotated[str, Query(max_length=TEXT_LENGTH_MAX, description="Of docs/skills.md.")],
    bbox: Annotated[
        str, Query(max_length=TEXT_LENGTH_MAX, description="West, south, east, north in degrees.")
    ],
    minutes: Annotated[int, Query(ge=1, le=MINUTES_MAX)] = 30,
    days: Days = DAYS,
    form: Annotated[Literal["geojson", "svg"], Query(alias="as")] = "geojson",
    lang: Lang = "en",
) -> Response:
    """Where in a region no one within so many minutes holds a skill."""
    if skill not in load_vocabulary().skills:
        raise FieldError("skill", "expected a skill of the vocabulary, such as hv.live")
    box = _box(bbox)
    directory, now = await snapshots.current(), datetime.now(UTC)
    middle = Position(box.west_deg, (box.south_deg + box.north_deg) / 2)
    cases = await _occurred(pool, now, days, middle, (box.north_deg - box.south_deg) / 2)
    draw = partial(
        cover, skill=skill, minutes=minutes, day=now.date(), policy=load_policy(), cases=cases
    )
    found = await asyncio.to_thread(draw, directory, box)
    if form == "svg":
        return Response(svg(found, lang=lang), media_type="image/svg+xml")
    content = json.dumps(geojson(found), ensure_ascii=False)
    return Response(content, media_type="application/geo+json")


async def _occurred(
    pool: Pool, now: datetime, days: int, near: Position, within_deg: float
) -> tuple[Case, ...]:
    since = now - timedelta(days=days)
    return await fetch_occurred(pool, since=since, until=now, near=near, within_deg=within_deg)


def _box(text: str) -> Box:
    try:
        return Box.parse(text)
    except ValueError as error:
        raise FieldError("bbox", str(error)) from error
