"""Businesses: registered by anybody, within bounds; known as such once a reviewer said so."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import asyncpg

from routing.register.forms import Named
from routing.register.model import Kind, Proposal, State
from storage.errors import TooManyError
from storage.keys import REGISTRATION_LOCK
from storage.pool import Pool, transaction
from storage.register.access import NewKey, issue_key
from storage.register.rows import SQL, insert_proposal
from storage.views import Page, Place

# Anybody may register: what nobody has looked at yet is bounded, and forgotten after a while.
WAITING_MAX = 200
REGISTERED_AN_HOUR_MAX = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Business:
    """A business.

    Attributes:
        contact: Where notices go. Kept out of ``repr``.
        sites: Ids of those that are its own.
    """

    business_id: UUID
    name: str
    country: str
    contact: str = field(repr=False)
    state: State
    registered_at: datetime
    sites: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A business that has just registered, with the one key that it gets without being asked."""

    business_id: UUID
    proposal_id: UUID
    key: NewKey


async def register(pool: Pool, named: Named, *, at: datetime, is_bounded: bool) -> Registered:
    """Take a business in, to be reviewed.

    Args:
        pool: Of the database.
        named: As it names itself.
        at: Aware.
        is_bounded: Whether the bounds for strangers hold.

    Raises:
        TooManyError: If too many wait already.
    """
    business_id = uuid4()
    proposal = Proposal(
        proposal_id=uuid4(),
        business_id=business_id,
        kind=Kind.BUSINESS,
        fields={"name": named.name, "country": named.country},
        documents=(),
        state=State.PROPOSED,
        proposed_at=at,
        private={"contact": named.contact},
    )
    async with transaction(pool) as connection:
        if is_bounded:
            await connection.execute(SQL["one_registration_at_a_time"], REGISTRATION_LOCK)
            row = await connection.fetchrow(SQL["count_waiting"], at - timedelta(hours=1))
            if row["count"] >= WAITING_MAX or row["recent"] >= REGISTERED_AN_HOUR_MAX:
                raise TooManyError("too many businesses wait to be reviewed; try again later")
        await connection.execute(
            SQL["insert_business"], business_id, named.name, named.country, named.contact, at
        )
        await insert_proposal(connection, proposal)
        key = await issue_key(connection, business_id=business_id, note="registration", at=at)
    return Registered(business_id=business_id, proposal_id=proposal.proposal_id, key=key)


async def find_business(pool: Pool, business_id: UUID) -> Business | None:
    """A business; None if there is none."""
    async with transaction(pool) as connection:
        row = await connection.fetchrow(SQL["select_business"], business_id)
    return None if row is None else _business(row)


async def list_businesses(
    pool: Pool, *, state: State | None, after: Place | None, limit: int
) -> Page[Business]:
    """Businesses, the last registered first."""
    at, key = (None, None) if after is None else (after.at, after.key)
    async with transaction(pool) as connection:
        rows = await connection.fetch(SQL["list_businesses"], state, at, key, limit + 1)
    items = tuple(map(_business, rows[:limit]))
    last = items[-1] if len(rows) > limit else None
    return Page(items, None if last is None else Place(last.registered_at, last.business_id))


def _business(row: asyncpg.Record) -> Business:
    return Business(
        business_id=row["business_id"],
        name=row["name"],
        country=row["country"],
        contact=row["contact"],
        state=State(row["state"]),
        registered_at=row["registered_at"],
        sites=tuple(row["sites"]),
    )
