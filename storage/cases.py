"""Cases and referrals: the router's port on PostgreSQL.

A vehicle is claimed by a lease in one short transaction and given back in another, together with
others. The second one writes a verdict only if its lease still holds and no newer knowledge came
in; so a router that stalls, dies or races another can repeat work, but never double a decision.
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg

from audit.entry import referral_entry
from dtc_db.codes import parse_code
from dtc_db.need import need_from_json, need_to_json
from dtc_db.urgency import Urgency
from dtc_db.vehicle import Powertrain, VehicleClass, VehicleKind
from gateway.episodes import return_deadline
from routing.errors import CasesUnavailableError, VerdictRefusedError
from routing.model import Position
from routing.ports import (
    Claim,
    ClaimedFault,
    Close,
    Decided,
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
from storage.pool import Connection, Pool, session, transaction
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
            async with session(self._pool) as connection:
                work = await connection.fetch(SQL["claim_work"], now, limit, token, until)
                if not work:
                    return ()
                # A statement of its own, which sees all that these revisions tell of.
                ids = [row["vehicle_id"] for row in work]
                rows = await connection.fetch(SQL["select_claimed"], ids)
        except DatabaseUnavailableError as error:
            raise CasesUnavailableError(str(error)) from error
        known: dict[UUID, list[asyncpg.Record]] = defaultdict(list)
        for row in rows:
            known[row["vehicle_id"]].append(row)
        return [_claim(known[row["vehicle_id"]], token, row["revision"]) for row in work]

    async def complete(self, decided: Sequence[Decided]) -> frozenset[UUID]:
        """See the port."""
        # Who is here twice was claimed again, and only the later lease can hold.
        latest = {claim.vehicle_id: (claim, verdict) for claim, verdict in decided}
        in_order = [latest[vehicle_id] for vehicle_id in sorted(latest)]
        try:
            if any(_nobody_in(verdict) is not None for _, verdict in in_order):
                async with transaction(self._pool) as connection:
                    # A directory that is changing is waited for, so that the check sees it.
                    await connection.execute(SQL["share_directory"], DIRECTORY_LOCK)
                    return await _write(connection, in_order)
            async with session(self._pool) as connection:
                return await _write(connection, in_order)
        except DatabaseUnavailableError as error:
            raise CasesUnavailableError(str(error)) from error
        except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError) as error:
            raise VerdictRefusedError(type(error).__name__) from error


async def _write(connection: Connection, decided: Sequence[Decided]) -> frozenset[UUID]:
    """Write them by one statement, each if its lease holds; give back what is known better now."""
    issued = [
        (claim.vehicle_id, *_referral_row(*referred))
        for claim, verdict in decided
        if (referred := _referred(claim, verdict)) is not None
    ]
    joined = [
        (claim.vehicle_id, episode_id)
        for claim, verdict in decided
        if isinstance(verdict, Refer)
        for episode_id in verdict.episodes
    ]
    aside = [
        (claim.vehicle_id, fault.episode_id, fault.reason, fault.detail)
        for claim, verdict in decided
        if not isinstance(verdict, Wait)
        for fault in verdict.set_aside
    ]
    rows = await connection.fetch(
        SQL["write_verdicts"],
        *_columns([_verdict_row(claim, verdict) for claim, verdict in decided], 9),
        *_columns(issued, 17),
        *_columns(joined, 2),
        *_columns(aside, 4),
    )
    written = frozenset(row["vehicle_id"] for row in rows)
    late = [claim for claim, _ in decided if claim.vehicle_id not in written]
    if late:
        keys = [(claim.vehicle_id, claim.token) for claim in late]
        await connection.execute(SQL["give_back"], *_columns(keys, 2))
    return written


def _columns(rows: Sequence[tuple[object, ...]], width: int) -> Sequence[Sequence[object]]:
    return list(zip(*rows, strict=True)) if rows else [()] * width


def _verdict_row(claim: Claim, verdict: Verdict) -> tuple[object, ...]:
    """Key, when to look again, when it was decided, the case, whether that is open, and so on."""
    key = (claim.vehicle_id, claim.token, claim.revision)
    nobody_in = _nobody_in(verdict)
    match verdict:
        case Wait():
            return (*key, verdict.until, None, None, None, None, None)
        case Close():
            return (*key, None, verdict.at, None, False, None, nobody_in)
        case Refer():
            case_id, origin = verdict.case_id, verdict.came_back_from
            return (*key, verdict.again_at, verdict.at, case_id, True, origin, nobody_in)


def _referred(claim: Claim, verdict: Verdict) -> tuple[UUID, NewReferral] | None:
    """The case, and what is to be told about it."""
    if isinstance(verdict, Refer) and verdict.referral is not None:
        return verdict.case_id, verdict.referral
    if isinstance(verdict, Close) and verdict.withdrawn is not None and claim.case is not None:
        return claim.case.case_id, verdict.withdrawn
    return None


def _nobody_in(verdict: Verdict) -> str | None:
    """The version of the directory in which a list found nobody; None if it found somebody."""
    if isinstance(verdict, Wait):
        return None
    referral = verdict.referral if isinstance(verdict, Refer) else verdict.withdrawn
    if referral is None or referral.offer_count != 0:
        return None
    return referral.directory_version


def _referral_row(case_id: UUID, referral: NewReferral) -> tuple[object, ...]:
    entry = referral_entry(
        referral_id=referral.referral_id,
        case_id=case_id,
        version=referral.version,
        decided_at=referral.decided_at,
        document=referral.document,
    )
    return (
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
        None if referral.listed is None else json.dumps(referral.listed),
        referral.short,
        entry.body,
    )


def _claim(rows: Sequence[asyncpg.Record], token: UUID, revision: int) -> Claim:
    """A vehicle from its rows, one for each of its faults, or one with none."""
    row = rows[0]
    return Claim(
        vehicle_id=row["vehicle_id"],
        token=token,
        revision=revision,
        vehicle=_vehicle_kind(row),
        is_registered=row["is_registered"],
        position=_position(row),
        soc_pct=row["soc_pct"],
        speed_kmh=row["speed_kmh"],
        faults=tuple(_fault(row) for row in rows if row["episode_id"] is not None),
        case=None if row["case_id"] is None else _open_case(row),
        unit=row["unit"],
        fleet=row["fleet"] or "",
        principal=_principal(row),
        warranty_until=row["warranty_until"],
        lang=row["lang"] or "en",
    )


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


def _fault(row: asyncpg.Record) -> ClaimedFault:
    return ClaimedFault(
        episode_id=row["episode_id"],
        code=parse_code(row["code"]),
        ecu=row["ecu"],
        status=row["status"],
        lamps=tuple((lamp, state) for lamp, state in json.loads(row["lamps"])),
        gone_at=None if row["off_at"] is None else return_deadline(row["off_at"]),
        onset_at=row["onset_at"],
        past=_past(row),
    )
