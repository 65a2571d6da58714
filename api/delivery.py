"""The delivery role: brings referrals to the cars that wait for them, and entries into the log.

    claim (a lease) ─▶ publish, wait for the broker ─▶ mark delivered
                                    └─ not taken ─▶ due again later

Whatever dies in between, the push is made again under the same id with the same bytes. Beside it
runs the sequencer, which gives the entries of the log their places; neither waits for the other.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol
from uuid import UUID

from audit.errors import AuditError
from gateway.errors import BrokerLostError
from storage.errors import DatabaseUnavailableError
from storage.hints import Hint, listening
from storage.log import BATCH_ENTRIES_MAX, sequence_once
from storage.outbox import Push, claim, settle
from storage.pool import Pool

CLAIM_PUSHES_MAX = 500
# Longer than any push is waited for; after a crash nobody is told anything for this long.
LEASE_S = 15.0
# Both kinds of work announce themselves; this is how late they are noticed if the hint is lost.
POLL_S = 0.5
RETRY_S = 1.0
# A log that does not fit together waits for a person; meanwhile it says so this often.
BROKEN_S = 60.0
CHANNEL = "rightbay_outbox"

log = logging.getLogger("rightbay.delivery")


class Courier(Protocol):
    """Who carries pushes; `gateway.sources.mqtt.MqttClient` is one."""

    async def deliver(self, topic: str, payload: bytes) -> None:
        """Send, and return when the broker has it.

        Raises:
            BrokerLostError: If it may not have it.
        """


async def serve(pool: Pool, courier: Courier, *, database_url: str, topic_prefix: str) -> None:
    """Deliver and number until cancelled.

    Args:
        pool: At least two connections: one for each of the two loops.
        courier: Connected.
        database_url: For the connections on which new work is announced.
        topic_prefix: Before ``/{unit}/down/referral``.
    """

    async def deliver() -> bool:
        return await deliver_once(pool, courier, topic_prefix=topic_prefix) == 0

    async def sequence() -> bool:
        return await sequence_once(pool) < BATCH_ENTRIES_MAX

    async with (
        listening(database_url, CHANNEL) as new_pushes,
        listening(database_url, CHANNEL) as new_entries,
        asyncio.TaskGroup() as group,
    ):
        group.create_task(_repeat(deliver, new_pushes), name="deliver")
        group.create_task(_repeat(sequence, new_entries), name="sequence")


async def _repeat(step: Callable[[], Awaitable[bool]], hint: Hint) -> None:
    """Do a step again and again; when it says that nothing is left, wait for the hint."""
    while True:
        try:
            if await step():
                await hint.wait(timeout_s=POLL_S)
        except DatabaseUnavailableError as error:
            log.warning("database_unavailable", extra={"reason": str(error), "retry_s": RETRY_S})
            await asyncio.sleep(RETRY_S)
        except AuditError as error:
            log.error("log_broken", extra={"reason": str(error)})  # noqa: TRY400 - its text says it all
            await asyncio.sleep(BROKEN_S)


async def deliver_once(
    pool: Pool, courier: Courier, *, topic_prefix: str, lease_s: float = LEASE_S
) -> int:
    """Make the pushes that are due now.

    Returns:
        How many were tried; 0 if none was due.

    Raises:
        DatabaseUnavailableError: Pushes may have been made; they will be made again.
    """
    lease = await claim(pool, limit=CLAIM_PUSHES_MAX, lease_s=lease_s)
    if not lease.pushes:
        return 0
    delivered = await _deliver_all(courier, lease.pushes, topic_prefix=topic_prefix)
    failed = [push.delivery_id for push in lease.pushes if push.delivery_id not in delivered]
    await settle(pool, lease, delivered=list(delivered), failed=failed)
    if failed:
        log.warning("pushes_failed", extra={"failed": len(failed), "delivered": len(delivered)})
    return len(lease.pushes)


async def _deliver_all(
    courier: Courier, pushes: Sequence[Push], *, topic_prefix: str
) -> frozenset[UUID]:
    """All at once: the broker confirms each by itself, and the waiting is shared."""

    async def deliver(push: Push) -> UUID | None:
        try:
            await courier.deliver(f"{topic_prefix}/{push.unit}/down/referral", push.payload)
        except BrokerLostError:
            return None
        return push.delivery_id

    delivered = await asyncio.gather(*map(deliver, pushes))
    return frozenset(delivery_id for delivery_id in delivered if delivery_id is not None)
