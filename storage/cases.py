"""Cases and referrals: the router's port on PostgreSQL.

A vehicle is claimed by a lease in one short transaction and given back in another. The second one
writes the verdict only if the lease still holds and no newer knowledge came in; so a router that
stalls, dies or races another can repeat work, but never double a decision.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg

from audit.entry import referral_entry
from dtc_db.codes import parse_code
from dtc_db.need import need_from_json, need_to_json
from dtc_db.urgency import Urgency
from dtc_db.vehicle import Powertrain, VehicleClass, VehicleKind
from gateway.episodes import return_deadline
from routing.errors import CasesUnavailableError
from routing.model import Position
from routing.ports import (
    Claim,
    ClaimedFault,
    Close,
    NewReferral,
    OpenCase,
    PastCase,
    Refer,
    Verdict,
    Wait,
)
from routing.principal import Principal
from storage.errors import DatabaseUnavailableError
from storage.hints import Hint
from storage.keys import DIRECTORY_LOCK
from storage.pool import Connection, Pool, transaction
from storage.principals import read_rules
from storage.statements import load_statements

SQL = load_statements("cases")


class PostgresCaseStore:
    """Implements `routing.ports.CaseStore`."""

    def __init__(self, pool: Pool, *, work_hint: Hint) -> None:
        self._pool = pool
        self._work_hint = work_hint

    async def wait_for_work(self, *, timeout_s: float) -> None:
        """See the port."""
        await self._work_hint.wait(timeout_s=timeout_s)

    async def claim(self, *, limit: int, lease_s: float) -> Sequence[Claim]:
        """See the port."""
        token, now = uuid4(), datetime.now(UTC)
        until = now + timedelta(seconds=lease_s)
        try:
            async with transaction(self._pool) as connection:
                work = await connection.fetch(SQL["claim_work"], now, limit, token, until)
                return await _claims(connection, work, token) if work else ()
        except DatabaseUnavailableError as error:
            raise CasesUnavailableError(str(error)) from error

    async def complete(self, claim: Claim, verdict: Verdict) -> bool:
        """See the port."""
        try:
            async with transaction(self._pool) as connection:
                # The gateway takes this lock too: what it changes is seen whole, or after us.
                has_set_aside = await connection.fetchval(SQL["lock_vehicle"], claim.vehicle_id)
                if not await _give_back(connection, claim, verdict):
                    return False
                if isinstance(verdict, Refer):
                    await _write_case(connection, claim, verdict)
                elif isinstance(verdict, Close):
                    await _withdraw(connection, claim, verdict)
                    await connection.execute(SQL["close_case"], claim.vehicle_id, verdict.at)
                if not isinstance(verdict, Wait) and (has_set_aside or verdict.set_aside):
                    await _set_aside(connection, claim, verdict)
        except DatabaseUnavailableError as error:
            raise CasesUnavailableError(str(error)) from error
        return True


async def _give_back(connection: Connection, claim: Claim, verdict: Verdict) -> bool:
    key = (claim.vehicle_id, claim.token, claim.revision)
    again_at = verdict.until if isinstance(verdict, Wait) else None
    if isinstance(verdict, Refer):
        again_at = verdict.again_at
    if again_at is not None:
        done = await connection.fetchval(SQL["release_work"], *key, again_at)
    else:
        done = await connection.fetchval(SQL["finish_work"], *key)
    if done is None:
        await connection.execute(SQL["give_back"], claim.vehicle_id, claim.token)
    return done is not None


async def _write_case(connection: Connection, claim: Claim, verdict: Refer) -> None:
    await connection.execute(
        SQL["insert_case"], claim.vehicle_id, verdict.case_id, verdict.at, verdict.came_back_from
    )
    await connection.execute(
        SQL["insert_case_episodes"], claim.vehicle_id, verdict.case_id, list(verdict.episodes)
    )
    if verdict.referral is not None:
        await _write_referral(connection, claim.vehicle_id, verdict.case_id, verdict.referral)


async def _withdraw(connection: Connection, claim: Claim, verdict: Close) -> None:
    """Take back what was recommended, as the last version of the case that closes."""
    if verdict.withdrawn is not None and claim.case is not None:
        await _write_referral(connection, claim.vehicle_id, claim.case.case_id, verdict.withdrawn)


async def _set_aside(connection: Connection, claim: Claim, verdict: Refer | Close) -> None:
    """Note which faults make no case of their own, and since when that is over for others."""
    episodes = [fault.episode_id for fault in verdict.set_aside]
    await connection.execute(SQL["end_set_aside"], claim.vehicle_id, episodes, verdict.at)
    if episodes:
        reasons = [fault.reason for fault in verdict.set_aside]
        details = [fault.detail for fault in verdict.set_aside]
        await connection.execute(
            SQL["set_aside"], claim.vehicle_id, episodes, reasons, details, verdict.at
        )


async def _write_referral(
    connection: Connection, vehicle_id: UUID, case_id: UUID, referral: NewReferral
) -> None:
    await connection.execute(
        SQL["insert_referral"],
        vehicle_id,
        case_id,
        referral.version,
        referral.referral_id,
        referral.decided_at,
        referral.need_digest,
        referral.urgency.value,
        referral.is_unassigned,
        referral.document,
        None if referral.need is None else json.dumps(need_to_json(referral.need)),
        referral.offer_count,
        referral.directory_version,
        None if referral.ruled is None else json.dumps(dict(referral.ruled)),
        referral.agreement,
        None if referral.listed is None else list(referral.listed),
    )
    if referral.offer_count == 0:
        await _watch_directory(connection, vehicle_id, referral)
    await connection.execute(
        SQL["insert_outbox"],
        referral.referral_id,
        vehicle_id,
        referral.short,
        referral.decided_at,
    )
    entry = referral_entry(
        referral_id=referral.referral_id,
        case_id=case_id,
        version=referral.version,
        decided_at=referral.decided_at,
        document=referral.document,
    )
    await connection.execute(
        SQL["insert_log_pending"], entry.entry_id, entry.body, referral.decided_at
    )
    await connection.execute(SQL["notify_outbox"])


async def _watch_directory(connection: Connection, vehicle_id: UUID, referral: NewReferral) -> None:
    """A list that found nobody is looked at again if the directory changed while it was made."""
    await connection.execute(SQL["share_directory"], DIRECTORY_LOCK)
    await connection.execute(
        SQL["wake_if_directory_changed"],
        vehicle_id,
        referral.directory_version,
        referral.decided_at,
    )


async def _claims(
    connection: Connection, work: Sequence[asyncpg.Record], token: UUID
) -> list[Claim]:
    ids = [row["vehicle_id"] for row in work]
    vehicles = {
        row["vehicle_id"]: row for row in await connection.fetch(SQL["select_vehicles"], ids)
    }
    cases = {
        row["vehicle_id"]: _open_case(row)
        for row in await connection.fetch(SQL["select_cases"], ids)
    }
    faults = _faults(await connection.fetch(SQL["select_faults"], ids))
    return [
        Claim(
            vehicle_id=row["vehicle_id"],
            token=token,
            revision=row["revision"],
            vehicle=_vehicle_kind(vehicles[row["vehicle_id"]]),
            is_registered=vehicles[row["vehicle_id"]]["is_registered"],
            position=_position(vehicles[row["vehicle_id"]]),
            soc_pct=vehicles[row["vehicle_id"]]["soc_pct"],
            speed_kmh=vehicles[row["vehicle_id"]]["speed_kmh"],
            faults=tuple(faults.get(row["vehicle_id"], ())),
            case=cases.get(row["vehicle_id"]),
            unit=vehicles[row["vehicle_id"]]["unit"],
            fleet=vehicles[row["vehicle_id"]]["fleet"] or "",
            principal=_principal(vehicles[row["vehicle_id"]]),
            warranty_until=vehicles[row["vehicle_id"]]["warranty_until"],
            lang=vehicles[row["vehicle_id"]]["lang"] or "en",
        )
        for row in work
    ]


def _vehicle_kind(row: asyncpg.Record) -> VehicleKind:
    return VehicleKind(
        vehicle_class=VehicleClass(row["vehicle_class"]),
        powertrain=Powertrain(row["powertrain"]),
        make=row["make"],
        model_year=row["model_year"],
    )


def _principal(row: asyncpg.Record) -> Principal | None:
    return None if row["rules"] is None else read_rules(row["rules"])


def _position(row: asyncpg.Record) -> Position | None:
    if row["lon_deg"] is None:
        return None
    return Position(lon_deg=row["lon_deg"], lat_deg=row["lat_deg"])


def _open_case(row: asyncpg.Record) -> OpenCase:
    return OpenCase(
        case_id=row["case_id"],
        version=row["version"],
        need_digest=row["need_digest"],
        urgency=Urgency(row["urgency"]),
        need=None if row["need"] is None else need_from_json(json.loads(row["need"])),
        has_offers=row["has_offers"],
        directory_version=row["directory_version"] or "",
        is_unassigned=row["is_unassigned"],
        ruled=None if row["ruled"] is None else json.loads(row["ruled"]),
        closed_over=frozenset(row["closed_over"]),
        agreement=row["agreement"],
        listed=None if row["listed"] is None else tuple(row["listed"]),
    )


def _past(row: asyncpg.Record) -> PastCase | None:
    if row["past_case_id"] is None:
        return None
    return PastCase(row["past_case_id"], row["past_closed_at"])


def _faults(rows: Sequence[asyncpg.Record]) -> Mapping[UUID, list[ClaimedFault]]:
    faults: dict[UUID, list[ClaimedFault]] = defaultdict(list)
    for row in rows:
        faults[row["vehicle_id"]].append(
            ClaimedFault(
                episode_id=row["episode_id"],
                code=parse_code(row["code"]),
                ecu=row["ecu"],
                status=row["status"],
                lamps=tuple((lamp, state) for lamp, state in json.loads(row["lamps"])),
                gone_at=None if row["off_at"] is None else return_deadline(row["off_at"]),
                onset_at=row["onset_at"],
                past=_past(row),
            )
        )
    return faults
