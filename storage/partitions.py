"""Keeps growing tables in bounds: makes partitions ahead, drops old ones, gives up old letters.

Reports and transitions lie in one partition for each week. A week that nobody made in time costs
nothing but speed: its rows wait in the default partition and are moved when it is made. Any number
of processes may do this; one at a time does.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import asyncpg

from storage.deadletters import prune
from storage.errors import DatabaseUnavailableError
from storage.pool import Connection, Pool, transaction
from storage.statements import load_statements

SQL = load_statements("partitions")

# The parts that are kept by week, and the column that says of which week a row is.
KEYS = {"report": "received_at", "transition": "at"}
WEEKS_AHEAD = 4
RETENTION_DAYS = 400
UPKEEP_S = 600.0
# Rows are deleted one batch to a transaction, so that nobody waits for long.
BATCH_ROWS_MAX = 10_000
BATCHES_MAX = 100
# Making and dropping a week needs a table for itself for a moment; ingest goes before.
LOCK_TIMEOUT = "2s"
# Any constant does: it only has to be the same for everyone who does this.
_LOCK = 0x7265_7465_6E74_696F

log = logging.getLogger("rightbay.storage")


@dataclass(frozen=True, slots=True, kw_only=True)
class Upkeep:
    """What was done.

    Attributes:
        made: Names of new partitions.
        dropped: Names of partitions that are gone, with all that was in them.
        rows_deleted: Ids of messages, and rows of default partitions, that were too old.
        letters_dropped: Dead letters given up.
    """

    made: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    rows_deleted: int = 0
    letters_dropped: int = 0


async def serve(
    pool: Pool, *, retention_days: int = RETENTION_DAYS, now: Callable[[], datetime]
) -> None:
    """Keep the tables in bounds until cancelled; a database that is away is waited for."""
    while True:
        try:
            done = await keep_up(pool, retention_days=retention_days, now=now())
        except (DatabaseUnavailableError, asyncpg.LockNotAvailableError) as error:
            log.warning("upkeep_postponed", extra={"reason": str(error)})
        else:
            if done != Upkeep():
                log.info(
                    "upkeep_done",
                    extra={
                        "made": list(done.made),
                        "dropped": list(done.dropped),
                        "rows_deleted": done.rows_deleted,
                        "letters_dropped": done.letters_dropped,
                    },
                )
        await asyncio.sleep(UPKEEP_S)


async def keep_up(pool: Pool, *, retention_days: int, now: datetime) -> Upkeep:
    """Do once what is due.

    Args:
        pool: Of the database.
        retention_days: Whatever lies further back is dropped: reports, transitions, the ids of
            messages and dead letters. Faults, cases and referrals are kept.
        now: Decides which weeks are ahead and which are old.

    Raises:
        DatabaseUnavailableError: Trying again is safe.
        asyncpg.LockNotAvailableError: Somebody holds a table; trying again is safe.
    """
    oldest = now.astimezone(UTC).date() - timedelta(days=retention_days)
    before = datetime.combine(oldest, time(), UTC)
    made, dropped = await _turn_weeks(pool, now, oldest)
    async with transaction(pool) as connection:
        letters = await prune(connection, before=before) if await _is_alone(connection) else 0
    deleted = 0
    for statement in ("empty_default_reports", "empty_default_transitions", "forget_events"):
        deleted += await _delete(pool, SQL[statement], before)
    return Upkeep(made=made, dropped=dropped, rows_deleted=deleted, letters_dropped=letters)


async def _is_alone(connection: Connection) -> bool:
    """Whether nobody else does the same, until the end of the transaction."""
    return bool(await connection.fetchval(SQL["try_lock"], _LOCK))


async def _turn_weeks(
    pool: Pool, now: datetime, oldest: date
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    today = now.astimezone(UTC).date()
    monday = today - timedelta(days=today.weekday())
    async with transaction(pool) as connection:
        if not await _is_alone(connection):
            return (), ()
        await connection.execute(SQL["be_brief"], LOCK_TIMEOUT)
        made = await connection.fetch(
            SQL["make_weeks"],
            list(KEYS),
            list(KEYS.values()),
            monday,
            monday + timedelta(weeks=WEEKS_AHEAD),
        )
        dropped = await connection.fetch(SQL["drop_weeks"], list(KEYS), oldest)
    return tuple(row["partition"] for row in made), tuple(row["partition"] for row in dropped)


async def _delete(pool: Pool, statement: str, before: datetime) -> int:
    total = 0
    for _ in range(BATCHES_MAX):
        async with transaction(pool) as connection:
            # asyncpg answers with the command's tag, "DELETE 42".
            tag = await connection.execute(statement, before, BATCH_ROWS_MAX)
        count = int(tag.rpartition(" ")[2])
        total += count
        if count < BATCH_ROWS_MAX:
            break
    return total
