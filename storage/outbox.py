"""The outbox: pushes that were decided on, until somebody has taken them.

A push is written in the transaction of its decision, claimed under a lease, and marked once the
broker has it. A process that dies in between leaves a lease to run out, and the push is made again:
the same bytes under the same id, so the receiver can tell a repeat from news.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from storage.pool import Pool, transaction
from storage.statements import load_statements

SQL = load_statements("outbox")

# Published in docs/mqtt.md: a push that failed is due again after 1, 2, 4, … seconds, at most 30.
RETRY_S_MIN, RETRY_S_MAX = 1.0, 30.0


@dataclass(frozen=True, slots=True)
class Push:
    """One message to one unit."""

    delivery_id: UUID
    unit: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Lease:
    """Pushes that one process holds for a while, at most one for each vehicle."""

    token: UUID
    pushes: tuple[Push, ...]


async def claim(pool: Pool, *, limit: int, lease_s: float) -> Lease:
    """Take up to `limit` pushes that are due and that nobody else holds.

    Raises:
        DatabaseUnavailableError: Trying again is safe.
    """
    token, now = uuid4(), datetime.now(UTC)
    until = now + timedelta(seconds=lease_s)
    async with transaction(pool) as connection:
        rows = await connection.fetch(SQL["claim"], now, limit, token, until)
    pushes = (Push(row["delivery_id"], row["unit"], row["payload"]) for row in rows)
    return Lease(token, tuple(pushes))


async def settle(
    pool: Pool, lease: Lease, *, delivered: Sequence[UUID], failed: Sequence[UUID]
) -> None:
    """Give a lease back: what was delivered is done, what failed is due again later.

    Pushes whose lease ran out meanwhile are left to whoever holds them now.

    Raises:
        DatabaseUnavailableError: The lease runs out by itself; the pushes are then made again.
    """
    now = datetime.now(UTC)
    async with transaction(pool) as connection:
        if delivered:
            await connection.execute(SQL["mark_delivered"], delivered, lease.token, now)
        if failed:
            await connection.execute(
                SQL["postpone"], failed, lease.token, now, RETRY_S_MIN, RETRY_S_MAX
            )
