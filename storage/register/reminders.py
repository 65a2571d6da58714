"""Reminders that titles end: found out again and again, and kept once each."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from routing.competence.catalogue import load_catalogue
from routing.register.reminders import AHEAD_DAYS, Reminder, due_reminders
from storage.pool import Pool, transaction
from storage.snapshot import read_some
from storage.statements import load_statements

SQL = load_statements("reminders")

LISTED_MAX = 1_000
_LOT_SITES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A reminder, and for whom it is.

    Attributes:
        contact: Of the business. Kept out of ``repr``.
        told_at: When the operator passed it on; None if nobody said so.
    """

    reminder: Reminder
    business_id: UUID
    contact: str = field(repr=False)
    made_at: datetime
    told_at: datetime | None


async def keep_due(pool: Pool, *, now: datetime) -> int:
    """Find out what is due for the sites of businesses, and keep what was not kept yet.

    Returns:
        How many are new.

    Raises:
        DatabaseUnavailableError: Trying again is safe.
    """
    today, made, last = now.date(), 0, ""
    horizon = today + timedelta(days=AHEAD_DAYS[-1] + 1)
    while True:
        async with transaction(pool) as connection:
            rows = await connection.fetch(SQL["select_ending"], last, today, horizon, _LOT_SITES)
            if not rows:
                return made
            last = rows[-1]["site_id"]
            sites = await read_some(connection, [row["site_id"] for row in rows])
            due = [
                reminder
                for site in sites
                for reminder in due_reminders(site, today=today, catalogue=load_catalogue())
            ]
            lost = [";".join(one.lost) for one in due]
            made += len(await connection.fetch(SQL["insert_reminders"], *_keys(due), lost, now))


async def list_reminders(pool: Pool, business_id: UUID) -> tuple[Kept, ...]:
    """The reminders of a business, the newest first; at most `LISTED_MAX`."""
    async with transaction(pool) as connection:
        rows = await connection.fetch(SQL["list_of_business"], business_id, LISTED_MAX)
    return tuple(map(_kept, rows))


async def list_untold(pool: Pool) -> tuple[Kept, ...]:
    """Those that nobody passed on yet, by business; at most `LISTED_MAX`."""
    async with transaction(pool) as connection:
        rows = await connection.fetch(SQL["list_untold"], LISTED_MAX)
    return tuple(map(_kept, rows))


async def mark_told(pool: Pool, told: Sequence[Kept], *, at: datetime) -> None:
    """Note that these were passed on."""
    async with transaction(pool) as connection:
        await connection.execute(SQL["mark_told"], *_keys([one.reminder for one in told]), at)


def _keys(reminders: Sequence[Reminder]) -> list[list[object]]:
    names = ("site_id", "person", "scheme", "title", "ends", "ahead_days")
    return [[getattr(one, name) for one in reminders] for name in names]


def _kept(row: asyncpg.Record) -> Kept:
    return Kept(
        reminder=Reminder(
            site_id=row["site_id"],
            person=row["person"],
            scheme=row["scheme"],
            title=row["title"],
            ends=row["ends"],
            ahead_days=row["ahead_days"],
            lost=tuple(row["lost"]),
        ),
        business_id=row["business_id"],
        contact=row["contact"],
        made_at=row["made_at"],
        told_at=row["told_at"],
    )
