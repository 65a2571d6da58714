"""What was decided, as others may read it; never a VIN, never a position.

Lists come newest first, a page at a time. The place after a page is named by the last row on it,
not by a number of rows: rows that come meanwhile neither repeat nor hide another.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg

from storage.migrate import load_migrations
from storage.pool import Pool, transaction
from storage.statements import load_statements

SQL = load_statements("views")


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a list that is ordered by time and key, newest first."""

    at: datetime
    key: UUID


@dataclass(frozen=True, slots=True)
class Page[T]:
    """A part of a list.

    Attributes:
        after: Where the next part begins; None if there is none.
    """

    items: tuple[T, ...]
    after: Place | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralSummary:
    """A referral without its document."""

    referral_id: UUID
    case_id: UUID
    vehicle_id: UUID
    version: int
    decided_at: datetime
    urgency: str
    is_unassigned: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseSummary:
    """A case and the latest referral that answers it."""

    case_id: UUID
    vehicle_id: UUID
    opened_at: datetime
    closed_at: datetime | None
    latest: ReferralSummary


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultView:
    """One time that one fault was on.

    Attributes:
        case_id: The case it belongs to, if it made or joined one.
        evidence: ``report``, ``raw``, ``signals``, ``snapshot`` and ``records``, those that are
            known, as `gateway.evidence.Evidence` explains them; bytes in hex.
        off_at: None while it is on.
    """

    episode_id: UUID
    case_id: UUID | None
    code: str
    ecu: str
    ordinal: int
    service: str
    status: str
    lamps: tuple[tuple[str, str], ...]
    occurrence_count: int | None
    is_uncertain: bool
    first_seen_at: datetime
    last_seen_at: datetime
    off_at: datetime | None
    odometer_km: float | None
    evidence: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseView:
    """A case with its faults and every referral it had, the newest first."""

    case_id: UUID
    vehicle_id: UUID
    opened_at: datetime
    closed_at: datetime | None
    faults: tuple[FaultView, ...]
    referrals: tuple[ReferralSummary, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VehicleView:
    """A vehicle without its identity."""

    vehicle_id: UUID
    unit: str
    make: str | None
    model: str | None
    model_year: int | None
    powertrain: str
    vehicle_class: str
    fleet: str | None
    is_registered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterCount:
    """How often messages were set aside for one reason.

    Attributes:
        letters: Different ones that are kept.
        times: How often they came, repeats included.
    """

    reason: str
    letters: int
    times: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """Whether the database can serve, and how far behind the roles are.

    Attributes:
        is_current: Every migration of this version is applied, unedited; a newer version's may be.
        work_age_s: Since the oldest undecided change was due; None if none is.
        push_age_s: Since the oldest push was written that no broker has; None if there is none.
        entry_age_s: Since the oldest entry was recorded that has no place in the log; likewise.
    """

    is_current: bool
    work_age_s: float | None = None
    push_age_s: float | None = None
    entry_age_s: float | None = None


async def find_document(pool: Pool, referral_id: UUID) -> bytes | None:
    """The document of a referral, byte for byte as it was decided and logged."""
    async with transaction(pool) as connection:
        document: bytes | None = await connection.fetchval(SQL["select_document"], referral_id)
    return document


async def list_referrals(pool: Pool, *, after: Place | None, limit: int) -> Page[ReferralSummary]:
    """Referrals, newest first."""
    async with transaction(pool) as connection:
        rows = await connection.fetch(SQL["list_referrals"], *_place(after), limit + 1)
    items = tuple(_referral(row) for row in rows[:limit])
    return Page(items, _after(rows, limit, "decided_at", "referral_id"))


async def list_cases(
    pool: Pool,
    *,
    after: Place | None,
    limit: int,
    is_open: bool | None = None,
    is_unassigned: bool | None = None,
) -> Page[CaseSummary]:
    """Cases, the last opened first; None does not filter."""
    async with transaction(pool) as connection:
        rows = await connection.fetch(
            SQL["list_cases"], *_place(after), is_open, is_unassigned, limit + 1
        )
    items = tuple(
        CaseSummary(
            case_id=row["case_id"],
            vehicle_id=row["vehicle_id"],
            opened_at=row["opened_at"],
            closed_at=row["closed_at"],
            latest=_referral(row),
        )
        for row in rows[:limit]
    )
    return Page(items, _after(rows, limit, "opened_at", "case_id"))


async def find_case(pool: Pool, case_id: UUID) -> CaseView | None:
    """A case with all that belongs to it."""
    async with transaction(pool) as connection:
        row = await connection.fetchrow(SQL["select_case"], case_id)
        if row is None:
            return None
        key = (row["vehicle_id"], case_id)
        faults = await connection.fetch(SQL["select_case_faults"], *key)
        referrals = await connection.fetch(SQL["select_case_referrals"], *key)
    return CaseView(
        case_id=case_id,
        vehicle_id=row["vehicle_id"],
        opened_at=row["opened_at"],
        closed_at=row["closed_at"],
        faults=tuple(map(_fault, faults)),
        referrals=tuple(map(_referral, referrals)),
    )


async def list_faults(
    pool: Pool,
    vehicle_id: UUID,
    *,
    after: Place | None,
    limit: int,
    is_on: bool | None = None,
) -> Page[FaultView] | None:
    """The faults of a vehicle, the last begun first; None if there is no such vehicle."""
    async with transaction(pool) as connection:
        rows = await connection.fetch(
            SQL["list_faults"], vehicle_id, *_place(after), is_on, limit + 1
        )
        if not rows and not await connection.fetchval(SQL["is_vehicle"], vehicle_id):
            return None
    items = tuple(map(_fault, rows[:limit]))
    return Page(items, _after(rows, limit, "first_seen_at", "episode_id"))


async def find_vehicle(pool: Pool, unit: str) -> VehicleView | None:
    """The vehicle that a unit sits in."""
    async with transaction(pool) as connection:
        row = await connection.fetchrow(SQL["select_vehicle_of_unit"], unit)
    return None if row is None else VehicleView(**row)


async def count_dead_letters(pool: Pool) -> tuple[DeadLetterCount, ...]:
    """What was set aside, by reason."""
    async with transaction(pool) as connection:
        rows = await connection.fetch(SQL["count_dead_letters"])
    return tuple(DeadLetterCount(**row) for row in rows)


async def fetch_readiness(pool: Pool) -> Readiness:
    """Look at schema and backlog.

    Raises:
        DatabaseUnavailableError: If the database does not answer.
    """
    async with transaction(pool) as connection:
        if not await connection.fetchval(SQL["has_migrations"]):
            return Readiness(is_current=False)
        rows = await connection.fetch(SQL["select_migrations"])
        applied = {row["number"]: row["digest"] for row in rows}
        if any(applied.get(known.number) != known.digest for known in load_migrations()):
            return Readiness(is_current=False)
        oldest = await connection.fetchrow(SQL["select_oldest"])
    now = datetime.now(UTC)
    return Readiness(
        is_current=True,
        work_age_s=_age_s(oldest["work_due_at"], now),
        push_age_s=_age_s(oldest["push_written_at"], now),
        entry_age_s=_age_s(oldest["entry_recorded_at"], now),
    )


def _age_s(at: datetime | None, now: datetime) -> float | None:
    """Nothing that lies ahead is late."""
    return None if at is None or at > now else (now - at).total_seconds()


def _place(place: Place | None) -> tuple[datetime | None, UUID | None]:
    return (None, None) if place is None else (place.at, place.key)


def _after(rows: list[asyncpg.Record], limit: int, at: str, key: str) -> Place | None:
    """One row more than asked for says that there is a next page."""
    return Place(rows[limit - 1][at], rows[limit - 1][key]) if len(rows) > limit else None


def _referral(row: asyncpg.Record) -> ReferralSummary:
    return ReferralSummary(
        referral_id=row["referral_id"],
        case_id=row["case_id"],
        vehicle_id=row["vehicle_id"],
        version=row["version"],
        decided_at=row["decided_at"],
        urgency=row["urgency"],
        is_unassigned=row["is_unassigned"],
    )


def _fault(row: asyncpg.Record) -> FaultView:
    return FaultView(
        episode_id=row["episode_id"],
        case_id=row["case_id"],
        code=row["code"],
        ecu=row["ecu"],
        ordinal=row["ordinal"],
        service=row["service"],
        status=row["status"],
        lamps=tuple((lamp, state) for lamp, state in json.loads(row["lamps"])),
        occurrence_count=row["occurrence_count"],
        is_uncertain=row["is_uncertain"],
        first_seen_at=row["first_seen_at"],
        last_seen_at=row["seen_at"],
        off_at=row["off_at"],
        odometer_km=row["odometer_km"],
        evidence=json.loads(row["evidence"]),
    )
