"""Measures: each step in one transaction with its event, its log entry and what it bars.

A bar stands in the directory with the moment from which it counts, so it takes effect on time
whoever is awake then, and what was known on a day can be asked for ever after.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import asyncpg

from routing.errors import NotNowError
from routing.imports.findings import FieldError
from routing.register.measures import (
    Cause,
    Measure,
    MeasureKind,
    bar_of,
    check_is_alive,
    check_notice,
    check_reply,
    check_uphold,
)
from routing.register.review import check_reason
from storage.directory import bar_within
from storage.errors import NoSuchProposalError
from storage.pool import Connection, Pool, transaction
from storage.register.events import record_event
from storage.register.rows import SOURCE, lock_business
from storage.statements import load_statements

SQL = load_statements("measures")

ALIVE_MAX = 50  # of one business; then one has to end first
LISTED_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody says of a measure: a reply or a reason, by whom (the key), and when (aware)."""

    text: str
    by: UUID
    at: datetime


async def give_notice(pool: Pool, measure: Measure, *, by: UUID) -> Measure:
    """Tell a business what will be done, when, and why.

    Raises:
        NotNowError: If it may not be done like this.
        FieldError: If the site is not the business's own.
        NoSuchProposalError: If there is no such business.
    """
    check_notice(measure)
    async with transaction(pool) as connection:
        await lock_business(connection, measure.business_id)
        own = await _sites(connection, measure.business_id)
        if measure.site_id is not None and measure.site_id not in own:
            raise FieldError("site", "expected a site of the business")
        if await connection.fetchval(SQL["count_alive"], measure.business_id) >= ALIVE_MAX:
            raise NotNowError(f"{ALIVE_MAX} measures are open already")
        await connection.execute(
            SQL["insert_measure"],
            measure.measure_id,
            measure.business_id,
            measure.site_id,
            measure.kind.value,
            measure.cause.value,
            measure.reason,
            measure.basis,
            measure.noticed_at,
            measure.effective_at,
        )
        site = {} if measure.site_id is None else {"site": measure.site_id}
        await _record(
            connection,
            measure,
            "noticed",
            Said(measure.reason, by, measure.noticed_at),
            measure_kind=measure.kind.value,
            cause=measure.cause.value,
            basis=measure.basis,
            effective_at=measure.effective_at.isoformat(),
            **site,
        )
        await set_bars(connection, measure.business_id)
    return measure


async def reply(pool: Pool, *, business_id: UUID, measure_id: UUID, said: Said) -> Measure:
    """What the business has to say; a later reply stands beside the earlier one in the history.

    Raises:
        NoSuchProposalError: If this business has no such measure.
        NotNowError: If the measure is over.
    """
    async with transaction(pool) as connection:
        measure = await _locked(connection, business_id, measure_id)
        check_reply(measure, said.text)
        heard = replace(measure, reply=said.text, replied_at=said.at)
        return await _step(connection, heard, "replied", said)


async def uphold(pool: Pool, *, business_id: UUID, measure_id: UUID, said: Said) -> Measure:
    """Let a measure take effect on its day, having heard the business.

    Raises:
        NoSuchProposalError: If this business has no such measure.
        NotNowError: If it may not be upheld now.
    """
    async with transaction(pool) as connection:
        measure = await _locked(connection, business_id, measure_id)
        check_uphold(measure, said.text, at=said.at)
        upheld = replace(measure, upheld_at=said.at, ruling=said.text)
        return await _step(connection, upheld, "upheld", said)


async def end(pool: Pool, *, business_id: UUID, measure_id: UUID, said: Said) -> Measure:
    """Take a notice back, or lift what is in force.

    Raises:
        NoSuchProposalError: If this business has no such measure.
        NotNowError: If it is over already, or there is no reason.
    """
    async with transaction(pool) as connection:
        measure = await _locked(connection, business_id, measure_id)
        check_is_alive(measure)
        check_reason(said.text)
        ended = replace(measure, ended_at=said.at, ruling=said.text)
        return await _step(connection, ended, "ended", said)


async def find_measure(pool: Pool, business_id: UUID, measure_id: UUID) -> Measure | None:
    """A measure against this business; None if there is none of this id."""
    async with transaction(pool) as connection:
        row = await connection.fetchrow(SQL["select_measure"], business_id, measure_id)
    return None if row is None else _measure(row)


async def list_measures(pool: Pool, business_id: UUID) -> tuple[Measure, ...]:
    """The measures against a business, the newest first; at most `LISTED_MAX`."""
    async with transaction(pool) as connection:
        rows = await connection.fetch(SQL["list_measures"], business_id, LISTED_MAX)
    return tuple(map(_measure, rows))


async def _step(connection: Connection, measure: Measure, kind: str, said: Said) -> Measure:
    await connection.execute(
        SQL["update_measure"],
        measure.measure_id,
        measure.reply,
        measure.replied_at,
        measure.upheld_at,
        measure.ended_at,
        measure.ruling,
    )
    await _record(connection, measure, kind, said)
    await set_bars(connection, measure.business_id)
    return measure


async def _record(
    connection: Connection, measure: Measure, kind: str, said: Said, **more: str
) -> None:
    await record_event(
        connection,
        business_id=measure.business_id,
        kind=kind,
        at=said.at,
        content={
            "about": "measure",
            "measure": str(measure.measure_id),
            "reason": said.text,
            "by": str(said.by),
            **more,
        },
    )


async def set_bars(connection: Connection, business_id: UUID) -> None:
    """Let each site of the business be barred by what is alive against it, and by nothing else."""
    rows = await connection.fetch(SQL["list_alive"], business_id)
    alive = [_measure(row) for row in rows]
    bars = {
        site_id: bar_of(one for one in alive if one.site_id in (None, site_id))
        for site_id in await _sites(connection, business_id)
    }
    await bar_within(connection, bars, SOURCE)


async def _sites(connection: Connection, business_id: UUID) -> list[str]:
    return [row["site_id"] for row in await connection.fetch(SQL["select_sites"], business_id)]


async def _locked(connection: Connection, business_id: UUID, measure_id: UUID) -> Measure:
    await lock_business(connection, business_id)
    row = await connection.fetchrow(SQL["select_measure"], business_id, measure_id)
    if row is None:
        raise NoSuchProposalError("there is no such measure")
    return _measure(row)


def _measure(row: asyncpg.Record) -> Measure:
    return Measure(**{**row, "kind": MeasureKind(row["kind"]), "cause": Cause(row["cause"])})
