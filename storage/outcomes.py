"""Where cases were repaired, as somebody attests it, and what came of it, as the vehicle shows it.

    attested ─▶ the case closes ─┬▶ one of its faults comes back in time ─▶ came_back
                                 └▶ time passes, the vehicle still reports ─▶ held

Silence proves nothing: a vehicle that was not heard of afterwards is not counted at all, and
neither is a case that closed with a fault still on, because somebody chose to ignore it.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from routing.errors import NotNowError
from routing.outcomes import Outcomes
from routing.plan import CAME_BACK_DAYS_MAX
from storage.directory import note_outcomes_within, outcomes_text
from storage.errors import NoSuchProposalError
from storage.pool import Connection, Pool, transaction
from storage.stated import record_stated
from storage.statements import load_statements

SQL = load_statements("outcomes")

SOURCE = "outcomes"  # of what the directory knows by it


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """A case that was repaired at a site.

    Attributes:
        basis: What shows it, such as an invoice that was seen.
        attested_by: The key of whoever says so.
        outcome: ``held`` or ``came_back``; None until it is known.
        closed_at: When the case's faults were gone; None while one is on.
    """

    case_id: UUID
    site_id: str
    basis: str
    attested_by: UUID
    attested_at: datetime
    outcome: str | None = None
    closed_at: datetime | None = None


async def attest(pool: Pool, repair: Repair) -> Repair:
    """Write down where a case was repaired; the same again changes nothing.

    Raises:
        NoSuchProposalError: If there is no such case.
        NotNowError: If another site is attested already, or this one was on no list of the case.
    """
    async with transaction(pool) as connection:
        vehicle_id = await _lock(connection, repair.case_id)
        known = await _find(connection, repair.case_id)
        if known is not None:
            if known.site_id == repair.site_id:
                return known
            raise NotNowError(f"attested for site {known.site_id} already; withdraw that first")
        offer = json.dumps([{"site": repair.site_id}])
        if not await connection.fetchval(SQL["is_referred"], vehicle_id, repair.case_id, offer):
            raise NotNowError("expected a site that stood on a list of this case")
        await connection.execute(
            SQL["insert_repair"],
            vehicle_id,
            repair.case_id,
            repair.site_id,
            repair.basis,
            repair.attested_by,
            repair.attested_at,
        )
        await _log(
            connection, repair, "repair_attested", by=repair.attested_by, at=repair.attested_at
        )
        return await _find(connection, repair.case_id) or repair


async def withdraw(pool: Pool, case_id: UUID, *, by: UUID, at: datetime) -> None:
    """Take back what was attested by mistake; it counts no longer from the next settling on.

    Raises:
        NoSuchProposalError: If nothing is attested of such a case.
    """
    async with transaction(pool) as connection:
        vehicle_id = await _lock(connection, case_id)
        known = await _find(connection, case_id)
        if known is None:
            raise NoSuchProposalError("no repair of this case is attested")
        await connection.execute(SQL["delete_repair"], vehicle_id, case_id)
        await _log(connection, known, "repair_withdrawn", by=by, at=at)


async def find_repair(pool: Pool, case_id: UUID) -> Repair | None:
    """What is attested of a case."""
    async with transaction(pool) as connection:
        return await _find(connection, case_id)


async def settle(pool: Pool, *, now: datetime) -> int:
    """Find out what came of repairs, and let the directory know it as one new version.

    Returns:
        How many sites have another record now.

    Raises:
        DatabaseUnavailableError: Trying again is safe.
    """
    window = timedelta(days=CAME_BACK_DAYS_MAX)
    async with transaction(pool) as connection:
        await connection.execute(SQL["settle_came_back"], now)
        await connection.execute(SQL["settle_held"], now, window)
        rows = await connection.fetch(SQL["count_outcomes"])
        seen = {row["site_id"]: Outcomes(row["held"], row["came_back"]) for row in rows}
        changed = {
            row["site_id"]: seen[row["site_id"]]
            for row in rows
            if row["outcomes"] != outcomes_text(seen[row["site_id"]])
        }
        return await note_outcomes_within(connection, changed, SOURCE) if changed else 0


async def _lock(connection: Connection, case_id: UUID) -> UUID:
    vehicle_id: UUID | None = await connection.fetchval(SQL["lock_case"], case_id)
    if vehicle_id is None:
        raise NoSuchProposalError("there is no such case")
    return vehicle_id


async def _find(connection: Connection, case_id: UUID) -> Repair | None:
    row = await connection.fetchrow(SQL["find_repair"], case_id)
    return None if row is None else Repair(**row)


async def _log(
    connection: Connection, repair: Repair, kind: str, *, by: UUID, at: datetime
) -> None:
    content = {
        "case": str(repair.case_id),
        "site": repair.site_id,
        "basis": repair.basis,
        "by": str(by),
    }
    await record_stated(connection, kind=kind, at=at, content=content)
