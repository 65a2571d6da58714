"""The routes below ``/v1``: each reads one thing and converts it.

Nothing here changes anything. Whoever reaches the service may read all of it, which is why it
listens on this machine only (`api.server`).
"""

import hashlib
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from api import schemas
from api.cursors import LENGTH_MAX, decode_cursor
from api.errors import ForeignHostError, NotFoundError
from storage import log, views
from storage.pool import Pool

PAGE_ITEMS, PAGE_ITEMS_MAX = 50, 200
UNIT_LENGTH_MAX = 128
# The database's text knows no NUL, and no unit has any other control character.
UNIT_PATTERN = r"^[^\x00-\x1f\x7f]+$"


def pool_of(request: Request) -> Pool:
    """The pool that the application was created with."""
    return request.app.state.pool


def check_host(request: Request) -> None:
    """Refuse requests under a foreign name, whose answer a page of that name could read.

    A web page may let its own name point to 127.0.0.1 after it was loaded; the browser then takes
    us for its own site. The name in the request gives it away.
    """
    if request.url.hostname not in request.app.state.hosts:
        raise ForeignHostError("the Host header names none of this service's names")


Database = Annotated[Pool, Depends(pool_of)]
After = Annotated[
    str | None,
    Query(max_length=LENGTH_MAX, description="`after` of the page before this one."),
]
Limit = Annotated[int, Query(ge=1, le=PAGE_ITEMS_MAX)]
Filter = bool | None

router = APIRouter(prefix="/v1", dependencies=[Depends(check_host)])
get = partial(router.get, response_model_exclude_none=True)
NOT_FOUND: dict[int | str, dict[str, object]] = {404: {"model": schemas.Problem}}
DOCUMENT: dict[int | str, dict[str, object]] = {
    200: {
        "description": "The document.",
        "content": {"application/json": {"schema": {"type": "object"}}},
    },
    304: {"description": "The caller has it already."},
    **NOT_FOUND,
}


@get("/referrals", tags=["referrals"])
async def list_referrals(
    pool: Database, after: After = None, limit: Limit = PAGE_ITEMS
) -> schemas.Referrals:
    """Referrals, newest first."""
    place = None if after is None else decode_cursor(after)
    return schemas.Referrals.of(await views.list_referrals(pool, after=place, limit=limit))


@router.get(
    "/referrals/{referral}", tags=["referrals"], responses=DOCUMENT, response_class=Response
)
async def get_referral(pool: Database, referral: UUID, request: Request) -> Response:
    """The whole decision: the canonical JSON whose digest stands in the log, byte for byte."""
    document = _found(await views.find_document(pool, referral), "referral")
    tag = f'"{hashlib.sha256(document).hexdigest()}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if _has(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=headers)
    return Response(document, media_type="application/json", headers=headers)


@get("/cases", tags=["cases"])
async def list_cases(
    pool: Database,
    after: After = None,
    limit: Limit = PAGE_ITEMS,
    open: Filter = None,  # noqa: A002 - the name of the parameter in the URL
    unassigned: Filter = None,
) -> schemas.Cases:
    """Cases, the last opened first."""
    place = None if after is None else decode_cursor(after)
    page = await views.list_cases(
        pool, after=place, limit=limit, is_open=open, is_unassigned=unassigned
    )
    return schemas.Cases.of(page)


@get("/cases/{case}", tags=["cases"], responses=NOT_FOUND)
async def get_case(pool: Database, case: UUID) -> schemas.CaseDetail:
    """A case with its faults and every referral it had."""
    return schemas.CaseDetail.of(_found(await views.find_case(pool, case), "case"))


@get("/vehicles", tags=["vehicles"])
async def find_vehicles(
    pool: Database,
    unit: Annotated[str, Query(max_length=UNIT_LENGTH_MAX, pattern=UNIT_PATTERN)],
) -> schemas.Vehicles:
    """The vehicle that a unit sits in."""
    vehicle = await views.find_vehicle(pool, unit)
    return schemas.Vehicles(items=[] if vehicle is None else [schemas.Vehicle.of(vehicle)])


@get("/vehicles/{vehicle}/faults", tags=["vehicles"], responses=NOT_FOUND)
async def list_faults(
    pool: Database,
    vehicle: UUID,
    after: After = None,
    limit: Limit = PAGE_ITEMS,
    on: Filter = None,
) -> schemas.Faults:
    """The faults of a vehicle, the last begun first."""
    place = None if after is None else decode_cursor(after)
    page = await views.list_faults(pool, vehicle, after=place, limit=limit, is_on=on)
    return schemas.Faults.of(_found(page, "vehicle"))


@get("/dead-letters", tags=["operation"])
async def count_dead_letters(pool: Database) -> schemas.DeadLetterCounts:
    """What units sent and nobody could read, by reason."""
    counts = await views.count_dead_letters(pool)
    return schemas.DeadLetterCounts(items=[schemas.DeadLetterCount.of(count) for count in counts])


@get("/log/head", tags=["log"])
async def get_log_head(pool: Database) -> schemas.LogHead:
    """How far the log goes."""
    return schemas.LogHead.of(await log.fetch_head(pool))


@get("/log/proof/{entry}", tags=["log"], responses=NOT_FOUND)
async def get_log_proof(pool: Database, entry: UUID) -> schemas.LogProof:
    """That an entry, named by its referral, stands in the log."""
    proof = await log.find_inclusion_proof(pool, entry)
    if proof is None and await log.is_waiting(pool, entry):
        raise NotFoundError("the entry is recorded and waits for its place; ask again in a second")
    return schemas.LogProof.of(_found(proof, "entry in the log"))


def _found[T](value: T | None, name: str) -> T:
    if value is None:
        raise NotFoundError(f"there is no such {name}")
    return value


def _has(if_none_match: str, tag: str) -> bool:
    """Whether the caller has what the tag names (RFC 9110, 13.1.2: weak comparison)."""
    tags = {part.strip().removeprefix("W/") for part in if_none_match.split(",")}
    return bool(tags & {tag, "*"})
