"""Ways to fill a database for tests, through the same doors as the service itself."""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4, uuid5

from dtc_db.codes import parse_code
from dtc_db.urgency import Urgency
from gateway.model import Observation, Outcome, Position, Report, ReportedCode, Status
from routing.ports import Claim, NewReferral, Refer
from storage.cases import PostgresCaseStore
from storage.hints import Hint
from storage.keys import vehicle_id_of
from storage.pool import Pool
from storage.reports import PostgresReportStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Referred:
    """What `refer` wrote."""

    vehicle_id: UUID
    case_id: UUID
    referral_id: UUID
    document: bytes
    short: bytes


async def report(
    pool: Pool,
    unit: str,
    *codes: str,
    at: datetime | None = None,
    position: Position | None = None,
) -> UUID:
    """Store one report in which one control unit lists all of `codes`; none means "none found".

    Returns:
        The vehicle's id.
    """
    event_id = str(uuid4())
    payload = json.dumps({"id": event_id, "codes": codes}).encode()
    observation = Observation(
        ecu="7E8",
        protocol="obd",
        service="03",
        outcome=Outcome.CODES if codes else Outcome.NONE_FOUND,
        codes=tuple(ReportedCode(code=parse_code(code), status=Status.CONFIRMED) for code in codes),
    )
    stored = Report(
        unit=unit,
        event_id=event_id,
        digest=hashlib.sha256(payload).digest(),
        payload=payload,
        received_at=at or datetime.now(UTC),
        position=position,
        observations=(observation,),
    )
    await PostgresReportStore(pool).store((stored,), ())
    return vehicle_id_of(unit)


async def claim_one(pool: Pool, vehicle_id: UUID) -> Claim:
    """Take the one vehicle that is due."""
    store = PostgresCaseStore(pool, work_hint=Hint())
    (claim,) = await store.claim(limit=1, lease_s=60)
    if claim.vehicle_id != vehicle_id:
        raise ValueError("another vehicle is due")
    return claim


async def refer(
    pool: Pool, unit: str, *codes: str, at: datetime | None = None, is_unassigned: bool = True
) -> Referred:
    """Report faults and answer them with a referral, the next one of the vehicle's case."""
    decided_at = at or datetime.now(UTC)
    vehicle_id = await report(pool, unit, *codes, at=decided_at - timedelta(milliseconds=1))
    claim = await claim_one(pool, vehicle_id)
    version = 1 if claim.case is None else claim.case.version + 1
    case_id = (
        uuid5(claim.faults[0].episode_id, "case") if claim.case is None else claim.case.case_id
    )
    referral_id = uuid5(case_id, str(version))
    document = json.dumps({"referral": str(referral_id), "faults": codes}).encode()
    short = json.dumps({"id": str(referral_id)}).encode()
    verdict = Refer(
        case_id=case_id,
        at=decided_at,
        episodes=tuple(fault.episode_id for fault in claim.faults),
        referral=NewReferral(
            referral_id=referral_id,
            version=version,
            decided_at=decided_at,
            need_digest=hashlib.sha256(document).digest(),
            urgency=Urgency.SOON,
            is_unassigned=is_unassigned,
            document=document,
            short=short,
        ),
    )
    if not await PostgresCaseStore(pool, work_hint=Hint()).complete([(claim, verdict)]):
        raise ValueError("newer knowledge came in meanwhile")
    return Referred(
        vehicle_id=vehicle_id,
        case_id=case_id,
        referral_id=referral_id,
        document=document,
        short=short,
    )
