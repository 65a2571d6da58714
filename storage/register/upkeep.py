"""Forgets what proves nothing any more; finds out what to remind of, and how repairs went."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from storage.errors import DatabaseUnavailableError
from storage.outcomes import settle
from storage.pool import Pool, transaction
from storage.register.reminders import keep_due
from storage.register.rows import SQL

UPKEEP_S = 600.0
# A business that nobody looked at is forgotten with all that it said.
UNREVIEWED_DAYS = 30
# A document goes after the last decision about a proposal that names it; unnamed, it goes sooner.
DOCUMENTS_DAYS, UNNAMED_DAYS = 90, 7

log = logging.getLogger("rightbay.storage")


async def serve(pool: Pool, *, now: Callable[[], datetime]) -> None:
    """Do what is due every few minutes until cancelled; a database that is away is waited for."""
    while True:
        try:
            await keep_up(pool, now=now())
        except DatabaseUnavailableError as error:
            log.warning("register_upkeep_postponed", extra={"reason": str(error)})
        await asyncio.sleep(UPKEEP_S)


async def keep_up(pool: Pool, *, now: datetime) -> None:
    """Do once what is due.

    Raises:
        DatabaseUnavailableError: Trying again is safe.
    """
    async with transaction(pool) as connection:
        await connection.execute(
            SQL["forget_documents"],
            now - timedelta(days=UNNAMED_DAYS),
            now - timedelta(days=DOCUMENTS_DAYS),
        )
        await connection.execute(SQL["forget_unreviewed"], now - timedelta(days=UNREVIEWED_DAYS))
    await keep_due(pool, now=now)
    await settle(pool, now=now)
