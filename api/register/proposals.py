"""Proposals: a business makes them, a reviewer rules on them, with a reason."""

from datetime import UTC, datetime
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from api.access import KEYED, Owner, Party, Responses, Reviewer
from api.cursors import decode_cursor
from api.errors import NotFoundError
from api.register import shapes
from api.register.trust import Trust
from api.routes import PAGE_ITEMS, After, Database, Limit, check_host
from api.schemas import Problem
from routing.register.model import Kind, State
from storage.register import proposals
from storage.register.signed import verify_signed

router = APIRouter(prefix="/v1", dependencies=[Depends(check_host)], tags=["self-service"])
_SAID: Responses = {**KEYED, 409: {"model": Problem}, 429: {"model": Problem}}
_RULED: Responses = {**KEYED, 409: {"model": Problem}}


@router.post(
    "/businesses/{business}/proposals",
    status_code=201,
    response_model_exclude_none=True,
    responses=_SAID,
)
async def make_proposal(
    pool: Database,
    business: UUID,
    _caller: Owner,
    asked: shapes.NewProposal,
    trust: Trust,
    response: Response,
) -> shapes.ProposalShape:
    """Say something of the business, to be reviewed. A signed credential decides itself."""
    now = datetime.now(UTC)
    if asked.kind is Kind.SIGNED_CREDENTIAL:
        made = await verify_signed(
            pool, business_id=business, fields=asked.fields, trust=trust, at=now
        )
    else:
        made = await proposals.propose(
            pool,
            business_id=business,
            kind=asked.kind,
            fields=asked.fields,
            documents=asked.documents,
            at=now,
        )
    found = made.proposal
    response.headers["Location"] = f"/v1/businesses/{business}/proposals/{found.proposal_id}"
    return shapes.ProposalShape.of(made)


@router.get("/businesses/{business}/proposals", response_model_exclude_none=True, responses=KEYED)
async def get_proposals(
    pool: Database,
    business: UUID,
    _caller: Party,
    state: State | None = None,
    after: After = None,
    limit: Limit = PAGE_ITEMS,
) -> shapes.Proposals:
    """What a business said, and what became of it, the newest first."""
    place = None if after is None else decode_cursor(after)
    return shapes.Proposals.of(
        await proposals.list_proposals(
            pool, business_id=business, state=state, after=place, limit=limit
        )
    )


@router.get("/proposals", response_model_exclude_none=True, responses=KEYED)
async def get_all_proposals(
    pool: Database,
    _caller: Reviewer,
    state: State | None = None,
    after: After = None,
    limit: Limit = PAGE_ITEMS,
) -> shapes.Proposals:
    """What all businesses said, the newest first; `state=proposed` is what waits."""
    place = None if after is None else decode_cursor(after)
    return shapes.Proposals.of(
        await proposals.list_proposals(
            pool, business_id=None, state=state, after=place, limit=limit
        )
    )


@router.get(
    "/businesses/{business}/proposals/{proposal}",
    response_model_exclude_none=True,
    responses=KEYED,
)
async def get_proposal(
    pool: Database, business: UUID, proposal: UUID, _caller: Party
) -> shapes.ProposalShape:
    """A proposal and what became of it."""
    found = await proposals.find_proposal(pool, business, proposal)
    if found is None:
        raise NotFoundError("there is no such proposal")
    return shapes.ProposalShape.of(found)


@router.delete("/businesses/{business}/proposals/{proposal}", status_code=204, responses=_RULED)
async def withdraw_proposal(pool: Database, business: UUID, proposal: UUID, _caller: Owner) -> None:
    """Take a proposal back while nothing is decided."""
    await proposals.withdraw(pool, business_id=business, proposal_id=proposal, at=datetime.now(UTC))


@router.post(
    "/businesses/{business}/proposals/{proposal}/ruling",
    response_model_exclude_none=True,
    responses=_RULED,
)
async def rule_on_proposal(
    pool: Database, business: UUID, proposal: UUID, caller: Reviewer, asked: shapes.NewRuling
) -> shapes.ProposalShape:
    """Accept a proposal, or refuse it with a reason. What is accepted counts within seconds."""
    done = await proposals.decide(
        pool,
        business_id=business,
        proposal_id=proposal,
        ruling=asked.ruling(),
        by=caller.key_id,
        at=datetime.now(UTC),
    )
    return shapes.ProposalShape.of(done)
