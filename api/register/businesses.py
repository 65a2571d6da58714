"""Businesses: anybody may register one, and sees what became of it."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from fastapi.exceptions import RequestValidationError

from api.access import KEYED, OptionalCaller, Party, Reviewer
from api.cursors import decode_cursor
from api.errors import ForbiddenError, NotFoundError
from api.register import shapes
from api.routes import PAGE_ITEMS, After, Database, Limit, check_host
from api.schemas import Problem
from routing.imports.findings import FieldError
from routing.register import forms
from routing.register.model import Kind, State
from storage.register.acceptance import list_sites
from storage.register.access import Role
from storage.register.businesses import find_business, list_businesses, register
from storage.register.events import list_events

router = APIRouter(prefix="/v1", dependencies=[Depends(check_host)], tags=["self-service"])


@router.post(
    "/businesses",
    status_code=201,
    response_model_exclude_none=True,
    responses={401: KEYED[401], 403: KEYED[403], 429: {"model": Problem}},
)
async def register_business(
    pool: Database, caller: OptionalCaller, asked: shapes.NewBusiness, response: Response
) -> shapes.RegisteredShape:
    """Register a business, to be reviewed. Needs no key; a reviewer's lifts the bounds."""
    if caller is not None and caller.role is not Role.REVIEWER:
        raise ForbiddenError("this key speaks for a business already")
    try:
        record = forms.cells(asked.model_dump(), forms.FIELDS[Kind.BUSINESS])
        named = forms.read_business(record)
    except FieldError as error:
        wrong = {"type": "value_error", "loc": ("body", error.field), "msg": error.reason}
        raise RequestValidationError([wrong]) from error
    done = await register(pool, named, at=datetime.now(UTC), is_bounded=caller is None)
    response.headers["Location"] = f"/v1/businesses/{done.business_id}"
    response.headers["Cache-Control"] = "no-store"
    return shapes.RegisteredShape(
        business=done.business_id,
        proposal=done.proposal_id,
        key=done.key.key_id,
        token=done.key.token,
    )


@router.get("/businesses", response_model_exclude_none=True, responses=KEYED)
async def get_businesses(
    pool: Database,
    _caller: Reviewer,
    state: State | None = None,
    after: After = None,
    limit: Limit = PAGE_ITEMS,
) -> shapes.Businesses:
    """Businesses, the last registered first."""
    place = None if after is None else decode_cursor(after)
    return shapes.Businesses.of(await list_businesses(pool, state=state, after=place, limit=limit))


@router.get("/businesses/{business}", response_model_exclude_none=True, responses=KEYED)
async def get_business(pool: Database, business: UUID, _caller: Party) -> shapes.BusinessDetail:
    """A business with its sites, people and titles as the directory has them."""
    found = await find_business(pool, business)
    if found is None:
        raise NotFoundError("there is no such business")
    return shapes.BusinessDetail.whole(found, await list_sites(pool, found.sites))


@router.get("/businesses/{business}/history", response_model_exclude_none=True, responses=KEYED)
async def get_history(
    pool: Database,
    business: UUID,
    _caller: Party,
    before: Annotated[int | None, Query(ge=1, le=2**62)] = None,
    limit: Limit = PAGE_ITEMS,
) -> shapes.EventsShape:
    """What was decided about a business, the newest first; each stands in the log by its digest."""
    found = await list_events(pool, business, before=before, limit=limit)
    return shapes.EventsShape(items=[dict(item) for item in found.items], before=found.before)
