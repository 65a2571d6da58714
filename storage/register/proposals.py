"""Proposals: taken in, listed, withdrawn, and decided in one transaction with what follows.

propose ─▶ read by the rules for files ─▶ waits
decide  ─▶ may it be ruled so? ─▶ directory · event · log entry · proposal, all or nothing
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from routing.errors import NotNowError
from routing.imports.findings import FieldError
from routing.register import forms
from routing.register.model import Ground, Kind, Proposal, Ruling, State
from routing.register.review import check_is_open, check_ruling
from storage.errors import NoSuchProposalError, TooManyError
from storage.pool import Connection, Pool, transaction
from storage.register.acceptance import accept, held_by, known_evidence
from storage.register.events import record_event
from storage.register.rows import SQL, Decided, insert_proposal, lock_business, proposal_of
from storage.views import Page, Place

# Of one business. Who was not accepted yet has little to say, and fills nobody's queue.
OPEN_MAX, OPEN_UNREVIEWED_MAX = 200, 20
A_DAY_MAX = 500
DOCUMENTS_NAMED_MAX = 10


async def propose(  # noqa: PLR0913 - who says what, about what, with what, when
    pool: Pool,
    *,
    business_id: UUID,
    kind: Kind,
    fields: Mapping[str, object],
    documents: Sequence[str],
    at: datetime,
) -> Decided:
    """Take in what a business says of itself.

    Raises:
        FieldError: For a field that cannot be read.
        NotNowError: If the business may propose nothing, or not this.
        TooManyError: If it has too much open already, or said too much today.
    """
    record = forms.cells(fields, forms.FIELDS[kind])
    async with transaction(pool) as connection:
        state = await lock_business(connection, business_id)
        await check_bounds(connection, business_id, state, at)
        await _check_documents(connection, business_id, documents)
        proposal_id = uuid4()
        if kind is Kind.SITE:
            record = await _with_site_id(connection, business_id, record, proposal_id)
        elif kind is not Kind.BUSINESS:
            await _check_site(connection, business_id, record)
        await _check_fields(connection, kind, record, at)
        proposal = Proposal(
            proposal_id=proposal_id,
            business_id=business_id,
            kind=kind,
            fields={name: record[name] for name in record if name not in forms.PRIVATE},
            documents=tuple(documents),
            state=State.PROPOSED,
            proposed_at=at,
            private={name: record[name] for name in record if name in forms.PRIVATE},
        )
        await insert_proposal(connection, proposal)
    return Decided(proposal=proposal)


async def decide(  # noqa: PLR0913 - who rules how, on what, when
    pool: Pool, *, business_id: UUID, proposal_id: UUID, ruling: Ruling, by: UUID, at: datetime
) -> Decided:
    """Rule on a proposal, and let what is accepted into the directory.

    Raises:
        NoSuchProposalError: If this business has none of this id.
        NotNowError: If it cannot be ruled like this, or does not fit any longer.
    """
    async with transaction(pool) as connection:
        business = await lock_business(connection, business_id)
        proposal = await _locked(connection, business_id, proposal_id)
        check_ruling(proposal, ruling, await _ground(connection, proposal, business))
        if ruling.is_accepted:
            try:
                await accept(connection, proposal, ruling.evidence, at=at)
            except FieldError as error:
                raise NotNowError(f"it does not fit any longer: {error}") from error
        elif proposal.kind is Kind.BUSINESS and business is State.PROPOSED:
            await connection.execute(SQL["refuse_business"], business_id)
        state = State.ACCEPTED if ruling.is_accepted else State.REFUSED
        await _close(connection, proposal, state, ruling, at)
        await record_event(
            connection,
            business_id=business_id,
            kind=state.value,
            at=at,
            content={**_content(proposal, ruling), "by": str(by)},
        )
    return Decided(proposal=replace(proposal, state=state), decided_at=at, ruling=ruling)


async def withdraw(pool: Pool, *, business_id: UUID, proposal_id: UUID, at: datetime) -> None:
    """Take a proposal back before anything was decided.

    Raises:
        NoSuchProposalError: If this business has none of this id.
        NotNowError: If something was decided.
    """
    async with transaction(pool) as connection:
        await lock_business(connection, business_id)
        proposal = await _locked(connection, business_id, proposal_id)
        check_is_open(proposal)
        await _close(connection, proposal, State.WITHDRAWN, Ruling(is_accepted=False), at)


async def find_proposal(pool: Pool, business_id: UUID, proposal_id: UUID) -> Decided | None:
    """A proposal of this business; None if it has none of this id."""
    async with transaction(pool) as connection:
        row = await connection.fetchrow(SQL["select_proposal"], business_id, proposal_id)
    return None if row is None else proposal_of(row)


async def list_proposals(
    pool: Pool, *, business_id: UUID | None, state: State | None, after: Place | None, limit: int
) -> Page[Decided]:
    """Proposals of a business, or of all, the newest first."""
    place = (None, None) if after is None else (after.at, after.key)
    async with transaction(pool) as connection:
        rows = await connection.fetch(SQL["list_proposals"], business_id, state, *place, limit + 1)
    items = tuple(map(proposal_of, rows[:limit]))
    if len(rows) <= limit:
        return Page(items, None)
    last = items[-1].proposal
    return Page(items, Place(last.proposed_at, last.proposal_id))


async def check_bounds(
    connection: Connection, business_id: UUID, state: State, at: datetime
) -> None:
    """Return if a business may say one thing more.

    Raises:
        TooManyError: If it may not, yet.
    """
    row = await connection.fetchrow(SQL["count_proposals"], business_id, at - timedelta(days=1))
    open_max = OPEN_MAX if state is State.ACCEPTED else OPEN_UNREVIEWED_MAX
    if row["open"] >= open_max or row["recent"] >= A_DAY_MAX:
        raise TooManyError(
            f"at most {open_max} proposals may be open, and {A_DAY_MAX} be made in a day"
        )


async def _with_site_id(
    connection: Connection, business_id: UUID, record: dict[str, str], proposal_id: UUID
) -> dict[str, str]:
    """The record with the id of a new site, or of one in the directory that may be its own."""
    site_id = record.get("site")
    if site_id is None:
        return {"site": f"own:{proposal_id.hex[:16]}", **record}
    owner = await connection.fetchval(SQL["select_owner"], site_id)
    is_known = await connection.fetchval(SQL["is_site"], site_id)
    if not is_known or owner not in (None, business_id):
        # One answer for both: whose a site is concerns nobody else.
        raise FieldError("site", "expected a site of the directory without an owner; or leave out")
    return record


async def _check_site(connection: Connection, business_id: UUID, record: Mapping[str, str]) -> None:
    """The site is the business's own, or proposed to be."""
    site_id = record.get("site", "")
    if await connection.fetchval(SQL["select_owner"], site_id) == business_id:
        return
    if not await connection.fetchval(SQL["is_named"], business_id, site_id):
        raise FieldError("site", "expected a site of the business; propose the site first")


async def _check_documents(
    connection: Connection, business_id: UUID, documents: Sequence[str]
) -> None:
    if len(documents) > DOCUMENTS_NAMED_MAX:
        raise NotNowError(f"expected at most {DOCUMENTS_NAMED_MAX} documents")
    rows = await connection.fetch(SQL["select_digests"], business_id, list(documents))
    if {row["digest"] for row in rows} != set(documents):
        raise NotNowError("a document that is named is not there: send it first")


async def _check_fields(
    connection: Connection, kind: Kind, record: Mapping[str, str], at: datetime
) -> None:
    match kind:
        case Kind.BUSINESS:
            forms.read_business(record)
        case Kind.SITE:
            forms.read_site(record)
        case Kind.PERSON:
            forms.read_person(record)
        case _:
            held = forms.read_credential(record, await held_by(connection, record))
            forms.check_title_day(held, today=at.date())


async def _ground(connection: Connection, proposal: Proposal, business: State) -> Ground:
    site_id = proposal.site_id
    if site_id is None:
        return Ground(business=business)
    owner = await connection.fetchval(SQL["select_owner"], site_id)
    return Ground(
        business=business,
        is_owned=owner == proposal.business_id,
        is_elsewhere=owner not in (None, proposal.business_id),
        known=await known_evidence(connection, proposal),
    )


async def _locked(connection: Connection, business_id: UUID, proposal_id: UUID) -> Proposal:
    row = await connection.fetchrow(SQL["lock_proposal"], business_id, proposal_id)
    if row is None:
        raise NoSuchProposalError("there is no such proposal")
    return proposal_of(row).proposal


async def _close(
    connection: Connection, proposal: Proposal, state: State, ruling: Ruling, at: datetime
) -> None:
    await connection.execute(
        SQL["decide_proposal"],
        proposal.proposal_id,
        state.value,
        at,
        ruling.reason,
        ruling.about,
        ruling.evidence,
    )


def _content(proposal: Proposal, ruling: Ruling) -> dict[str, object]:
    content: dict[str, object] = {
        "proposal": str(proposal.proposal_id),
        "about": proposal.kind.value,
        "fields": dict(proposal.fields),
        "documents": list(proposal.documents),
        "reason": ruling.reason,
    }
    return content if ruling.evidence is None else {**content, "evidence": ruling.evidence.value}
