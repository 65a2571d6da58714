"""What the router finds to do, and what becomes of its verdicts."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID, uuid5

import asyncpg
import pytest

from dtc_db.codes import parse_code
from dtc_db.need import Need, Skill
from dtc_db.urgency import Urgency
from gateway.episodes import RETURN_S_MAX
from gateway.model import Observation, Outcome, Position, Report, ReportedCode, Status
from routing.model import Position as RoutingPosition
from routing.model import Site
from routing.ports import Claim, Close, NewReferral, PastCase, Refer, SetAside, Wait
from storage.cases import PostgresCaseStore
from storage.directory import PostgresDirectoryStore
from storage.hints import Hint
from storage.migrate import migrate
from storage.pool import Pool, open_pool
from storage.reports import PostgresReportStore

pytestmark = pytest.mark.integration

LEASE_S = 30.0


@pytest.fixture
async def pool(postgres_url: str) -> AsyncIterator[Pool]:
    async with open_pool(postgres_url, size_max=8) as opened:
        await migrate(opened)
        yield opened


async def tell(pool: Pool, *codes: str, unit: str = "u1", ago_s: float = 1) -> None:
    at = datetime.now(UTC) - timedelta(seconds=ago_s)
    payload = f"{unit}{codes}{at}".encode()
    told = Report(
        unit=unit,
        event_id=payload.hex(),
        digest=sha256(payload).digest(),
        payload=payload,
        received_at=at,
        position=Position(9.52, 47.14),
        soc_pct=55.0,
        speed_kmh=90.0,
        observations=(
            Observation(
                ecu="7E8",
                protocol="obd",
                service="03",
                outcome=Outcome.CODES if codes else Outcome.NONE_FOUND,
                codes=tuple(ReportedCode(code=parse_code(c), status=Status.ACTIVE) for c in codes),
            ),
        ),
    )
    await PostgresReportStore(pool).store([told], [])


def router(pool: Pool) -> PostgresCaseStore:
    return PostgresCaseStore(pool, work_hint=Hint())


async def claim_one(pool: Pool, *, lease_s: float = LEASE_S) -> Claim:
    (claim,) = await router(pool).claim(limit=10, lease_s=lease_s)
    return claim


def refer(claim: Claim, *, version: int = 1) -> Refer:
    case_id = claim.case.case_id if claim.case else uuid5(claim.vehicle_id, "case")
    at = datetime.now(UTC)
    return Refer(
        case_id=case_id,
        at=at,
        episodes=tuple(fault.episode_id for fault in claim.faults),
        referral=NewReferral(
            referral_id=uuid5(case_id, str(version)),
            version=version,
            decided_at=at,
            need_digest=b"need",
            urgency=Urgency.SOON,
            is_unassigned=False,
            document=b'{"referral":"whole"}',
            short=b'{"referral":"short"}',
        ),
    )


async def test_a_vehicle_that_is_held_is_not_given_twice(pool: Pool) -> None:
    await tell(pool, "P0128", unit="u1")
    await tell(pool, "P0128", unit="u2")
    first = await router(pool).claim(limit=1, lease_s=LEASE_S)
    second = await router(pool).claim(limit=10, lease_s=LEASE_S)
    assert len(first) == len(second) == 1
    assert first[0].vehicle_id != second[0].vehicle_id
    assert await router(pool).claim(limit=10, lease_s=LEASE_S) == ()


async def test_a_claim_holds_what_is_known_of_the_vehicle_and_its_faults(pool: Pool) -> None:
    await tell(pool, "P0128", "P0301")
    claim = await claim_one(pool)
    assert (claim.is_registered, claim.case) == (False, None)
    assert claim.position is not None
    assert (claim.position.lon_deg, claim.position.lat_deg) == (9.52, 47.14)
    assert (claim.soc_pct, claim.speed_kmh) == (55.0, 90.0)
    assert {str(f.code) for f in claim.faults} == {"P0128", "P0301"}
    assert [(f.ecu, f.status, f.gone_at) for f in claim.faults] == [("7E8", "active", None)] * 2


async def test_a_referral_its_push_and_its_log_entry_are_written_together(pool: Pool) -> None:
    await tell(pool, "P0128")
    claim = await claim_one(pool)
    assert await router(pool).complete(claim, refer(claim))
    referral = await pool.fetchval("select referral_id from referral")
    assert await pool.fetchval("select delivery_id from outbox") == referral
    assert await pool.fetchval("select entry_id from log_pending") == referral
    assert await pool.fetchval("select count(*) from work") == 0


async def test_if_one_of_them_cannot_be_written_none_is(pool: Pool) -> None:
    await tell(pool, "P0128")
    claim = await claim_one(pool)
    await pool.execute("alter table log_pending add constraint refuse check (false) not valid")
    with pytest.raises(asyncpg.CheckViolationError):
        await router(pool).complete(claim, refer(claim))
    for table in ("repair_case", "referral", "outbox", "log_pending"):
        assert await pool.fetchval(f"select count(*) from {table}") == 0  # noqa: S608 - our own names
    assert await pool.fetchval("select count(*) from work") == 1


async def test_a_verdict_after_the_lease_ran_out_does_not_count(pool: Pool) -> None:
    await tell(pool, "P0128")
    late, again = await claim_one(pool, lease_s=0), await claim_one(pool)
    assert not await router(pool).complete(late, refer(late))
    assert await pool.fetchval("select count(*) from referral") == 0
    assert await router(pool).complete(again, refer(again))


async def test_a_verdict_on_older_knowledge_does_not_count_and_the_vehicle_is_due_again(
    pool: Pool,
) -> None:
    await tell(pool, "P0128", ago_s=2)
    old = await claim_one(pool)
    await tell(pool, "P0128", "P0301")
    assert not await router(pool).complete(old, refer(old))
    new = await claim_one(pool)
    assert {str(fault.code) for fault in new.faults} == {"P0128", "P0301"}


async def test_an_open_case_is_claimed_with_the_version_of_its_latest_referral(pool: Pool) -> None:
    await tell(pool, "P0128", ago_s=3)
    for version, codes in ((1, ("P0128", "P0301")), (2, ("P0128", "P0301", "P0302"))):
        claim = await claim_one(pool)
        assert await router(pool).complete(claim, refer(claim, version=version))
        await tell(pool, *codes)
    last = await claim_one(pool)
    assert last.case is not None
    assert (last.case.version, last.case.need_digest) == (2, b"need")


async def test_one_vehicle_cannot_have_two_open_cases(pool: Pool) -> None:
    await tell(pool, "P0128", ago_s=3)
    claim = await claim_one(pool)
    await router(pool).complete(claim, refer(claim))
    await tell(pool, "P0128", "P0301")
    second = await claim_one(pool)
    other = replace(refer(second), case_id=UUID(int=7))
    with pytest.raises(asyncpg.UniqueViolationError):
        await router(pool).complete(second, other)


async def test_a_fault_that_went_off_is_looked_at_when_it_can_no_longer_return(pool: Pool) -> None:
    await tell(pool, "P0128", ago_s=3)
    claim = await claim_one(pool)
    await router(pool).complete(claim, refer(claim))
    await tell(pool, ago_s=2)
    assert await router(pool).claim(limit=10, lease_s=LEASE_S) == ()
    due_in_s = await pool.fetchval("select extract(epoch from due_at - now())::float from work")
    assert RETURN_S_MAX - 10 < due_in_s <= RETURN_S_MAX


async def test_a_closed_case_is_not_claimed_and_its_fault_begins_anew(pool: Pool) -> None:
    await tell(pool, "P0128", ago_s=RETURN_S_MAX + 20)
    claim = await claim_one(pool)
    await router(pool).complete(claim, refer(claim))
    await tell(pool, ago_s=RETURN_S_MAX + 10)
    gone = await claim_one(pool)
    assert [fault.gone_at is not None for fault in gone.faults] == [True]
    assert await router(pool).complete(gone, Close(datetime.now(UTC)))
    await tell(pool, "P0128")
    new = await claim_one(pool)
    assert new.case is None
    assert {fault.episode_id for fault in new.faults}.isdisjoint(
        fault.episode_id for fault in claim.faults
    )


async def test_a_vehicle_that_has_to_wait_is_given_back_until_then(pool: Pool) -> None:
    await tell(pool, "P0128")
    claim = await claim_one(pool)
    assert await router(pool).complete(claim, Wait(datetime.now(UTC) + timedelta(hours=1)))
    assert await router(pool).claim(limit=10, lease_s=LEASE_S) == ()
    await pool.execute("update work set due_at = now()")
    assert (await claim_one(pool)).vehicle_id == claim.vehicle_id


async def test_a_fault_that_came_back_is_claimed_with_the_case_it_was_in(pool: Pool) -> None:
    await tell(pool, "P0128", ago_s=RETURN_S_MAX + 20)
    claim = await claim_one(pool)
    first = refer(claim)
    await router(pool).complete(claim, first)
    await tell(pool, ago_s=RETURN_S_MAX + 10)
    gone = await claim_one(pool)
    closed_at = datetime.now(UTC)
    assert await router(pool).complete(gone, Close(closed_at))
    await tell(pool, "P0128", "P0301")
    back = await claim_one(pool)
    past = {str(fault.code): fault.past for fault in back.faults}
    assert past == {"P0128": PastCase(first.case_id, closed_at), "P0301": None}
    again = replace(refer(back), case_id=UUID(int=7), referral=None, came_back_from=first.case_id)
    assert await router(pool).complete(back, again)
    rows = await pool.fetch("select case_id, came_back_from, closed_at from repair_case")
    assert {tuple(row) for row in rows} == {
        (first.case_id, None, closed_at),
        (UUID(int=7), first.case_id, None),
    }


async def test_a_referral_is_claimed_with_what_it_asked_for_and_whom_it_found(pool: Pool) -> None:
    await tell(pool, "P0128", ago_s=3)
    claim = await claim_one(pool)
    assert claim.unit == "u1"
    need = Need(skills=Skill("brakes"), equipment=frozenset({"lift.heavy"}))
    verdict = refer(claim)
    assert verdict.referral is not None
    found_nobody = replace(
        verdict.referral, need=need, offer_count=0, directory_version="0", is_unassigned=True
    )
    await router(pool).complete(claim, replace(verdict, referral=found_nobody))
    await tell(pool, "P0128", "P0301")
    case = (await claim_one(pool)).case
    assert case is not None
    assert (case.need, case.has_offers, case.directory_version, case.is_unassigned) == (
        need,
        False,
        "0",
        True,
    )


async def test_a_verdict_may_ask_to_look_again_later(pool: Pool) -> None:
    await tell(pool, "P0128")
    claim = await claim_one(pool)
    again_at = datetime.now(UTC) + timedelta(hours=1)
    assert await router(pool).complete(claim, replace(refer(claim), again_at=again_at))
    assert await pool.fetchval("select due_at from work") == again_at
    assert await pool.fetchval("select lease_token from work") is None


async def test_what_makes_no_case_is_noted_with_its_reason_until_that_is_over(pool: Pool) -> None:
    await tell(pool, "P0128", "U0100", ago_s=3)
    claim = await claim_one(pool)
    aside, kept = claim.faults
    noted = (SetAside(aside.episode_id, "communication_storm"),)
    verdict = replace(refer(claim), episodes=(kept.episode_id,), set_aside=noted)
    assert await router(pool).complete(claim, verdict)
    row = await pool.fetchrow("select episode_id, reason, ended_at from set_aside")
    assert tuple(row) == (aside.episode_id, "communication_storm", None)
    await tell(pool, "P0128", "U0100", "P0301")
    later = await claim_one(pool)
    assert await router(pool).complete(later, replace(refer(later), referral=None))
    assert await pool.fetchval("select ended_at is not null from set_aside")


async def found_nobody(pool: Pool, *, unit: str, version: str) -> None:
    await tell(pool, "P0128", unit=unit)
    claim = await claim_one(pool)
    verdict = refer(claim)
    assert verdict.referral is not None
    referral = replace(verdict.referral, offer_count=0, directory_version=version)
    assert await router(pool).complete(claim, replace(verdict, referral=referral))


SITE = Site(site_id="s1", name="Garage 1", position=RoutingPosition(9.5, 47.1))


async def test_a_change_of_the_directory_wakes_the_cases_that_nobody_could_take(
    pool: Pool,
) -> None:
    await found_nobody(pool, unit="u1", version="0")
    await tell(pool, "P0128", unit="u2")
    taken = await claim_one(pool)
    assert await router(pool).complete(taken, refer(taken))
    directory = PostgresDirectoryStore(pool)
    await directory.import_sites([SITE], source="a test", is_dry_run=True)
    assert await router(pool).claim(limit=10, lease_s=LEASE_S) == ()
    await directory.import_sites([SITE], source="a test")
    assert (await claim_one(pool)).unit == "u1"


async def test_a_list_made_while_the_directory_changed_is_looked_at_again(pool: Pool) -> None:
    await PostgresDirectoryStore(pool).import_sites([SITE], source="a test")
    await found_nobody(pool, unit="u1", version="0")
    assert (await claim_one(pool)).unit == "u1"
    # The control: made from the directory as it is, the case rests.
    await pool.execute("delete from work")
    await found_nobody(pool, unit="u2", version="1")
    assert await router(pool).claim(limit=10, lease_s=LEASE_S) == ()
