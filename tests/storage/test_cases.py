"""What the router finds to do, and what becomes of its verdicts."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from uuid import UUID, uuid5

import pytest

from dtc_db.codes import parse_code
from dtc_db.knowledge import Knowledge
from dtc_db.need import Need, Skill
from dtc_db.urgency import Urgency
from gateway.episodes import RETURN_S_MAX
from gateway.model import Observation, Outcome, Position, Report, ReportedCode, Status
from routing import service
from routing.errors import VerdictRefusedError
from routing.matching.policy import load_policy
from routing.model import Position as RoutingPosition
from routing.model import Site
from routing.ports import Claim, Close, Decided, NewReferral, PastCase, Refer, SetAside, Wait
from storage import cases
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
    assert await router(pool).complete([(claim, refer(claim))])
    referral = await pool.fetchval("select referral_id from referral")
    assert await pool.fetchval("select delivery_id from outbox") == referral
    assert await pool.fetchval("select entry_id from log_pending") == referral
    assert await pool.fetchval("select count(*) from work") == 0


async def test_if_one_of_them_cannot_be_written_none_is(pool: Pool) -> None:
    await tell(pool, "P0128")
    claim = await claim_one(pool)
    await pool.execute("alter table log_pending add constraint refuse check (false) not valid")
    with pytest.raises(VerdictRefusedError, match="CheckViolation"):
        await router(pool).complete([(claim, refer(claim))])
    for table in ("repair_case", "referral", "outbox", "log_pending"):
        assert await pool.fetchval(f"select count(*) from {table}") == 0  # noqa: S608 - our own names
    assert await pool.fetchval("select count(*) from work") == 1


async def test_a_verdict_after_the_lease_ran_out_does_not_count(pool: Pool) -> None:
    await tell(pool, "P0128")
    late, again = await claim_one(pool, lease_s=0), await claim_one(pool)
    assert not await router(pool).complete([(late, refer(late))])
    assert await pool.fetchval("select count(*) from referral") == 0
    assert await router(pool).complete([(again, refer(again))])


async def test_a_verdict_on_older_knowledge_does_not_count_and_the_vehicle_is_due_again(
    pool: Pool,
) -> None:
    await tell(pool, "P0128", ago_s=2)
    old = await claim_one(pool)
    await tell(pool, "P0128", "P0301")
    assert not await router(pool).complete([(old, refer(old))])
    new = await claim_one(pool)
    assert {str(fault.code) for fault in new.faults} == {"P0128", "P0301"}


async def test_an_open_case_is_claimed_with_the_version_of_its_latest_referral(pool: Pool) -> None:
    await tell(pool, "P0128", ago_s=3)
    for version, codes in ((1, ("P0128", "P0301")), (2, ("P0128", "P0301", "P0302"))):
        claim = await claim_one(pool)
        assert await router(pool).complete([(claim, refer(claim, version=version))])
        await tell(pool, *codes)
    last = await claim_one(pool)
    assert last.case is not None
    assert (last.case.version, last.case.need_digest) == (2, b"need")


async def test_one_vehicle_cannot_have_two_open_cases(pool: Pool) -> None:
    await tell(pool, "P0128", ago_s=3)
    claim = await claim_one(pool)
    await router(pool).complete([(claim, refer(claim))])
    await tell(pool, "P0128", "P0301")
    second = await claim_one(pool)
    other = replace(refer(second), case_id=UUID(int=7), referral=None)
    with pytest.raises(VerdictRefusedError, match="UniqueViolation"):
        await router(pool).complete([(second, other)])


async def test_a_fault_that_went_off_is_looked_at_when_it_can_no_longer_return(pool: Pool) -> None:
    await tell(pool, "P0128", ago_s=3)
    claim = await claim_one(pool)
    await router(pool).complete([(claim, refer(claim))])
    await tell(pool, ago_s=2)
    assert await router(pool).claim(limit=10, lease_s=LEASE_S) == ()
    due_in_s = await pool.fetchval("select extract(epoch from due_at - now())::float from work")
    assert RETURN_S_MAX - 10 < due_in_s <= RETURN_S_MAX


async def test_a_closed_case_is_not_claimed_and_its_fault_begins_anew(pool: Pool) -> None:
    await tell(pool, "P0128", ago_s=RETURN_S_MAX + 20)
    claim = await claim_one(pool)
    await router(pool).complete([(claim, refer(claim))])
    await tell(pool, ago_s=RETURN_S_MAX + 10)
    gone = await claim_one(pool)
    assert [fault.gone_at is not None for fault in gone.faults] == [True]
    assert await router(pool).complete([(gone, Close(datetime.now(UTC)))])
    await tell(pool, "P0128")
    new = await claim_one(pool)
    assert new.case is None
    assert {fault.episode_id for fault in new.faults}.isdisjoint(
        fault.episode_id for fault in claim.faults
    )


async def test_a_vehicle_that_has_to_wait_is_given_back_until_then(pool: Pool) -> None:
    await tell(pool, "P0128")
    claim = await claim_one(pool)
    assert await router(pool).complete([(claim, Wait(datetime.now(UTC) + timedelta(hours=1)))])
    assert await router(pool).claim(limit=10, lease_s=LEASE_S) == ()
    await pool.execute("update work set due_at = now()")
    assert (await claim_one(pool)).vehicle_id == claim.vehicle_id


async def test_a_fault_that_came_back_is_claimed_with_the_case_it_was_in(pool: Pool) -> None:
    await tell(pool, "P0128", ago_s=RETURN_S_MAX + 20)
    claim = await claim_one(pool)
    first = refer(claim)
    await router(pool).complete([(claim, first)])
    await tell(pool, ago_s=RETURN_S_MAX + 10)
    gone = await claim_one(pool)
    closed_at = datetime.now(UTC)
    assert await router(pool).complete([(gone, Close(closed_at))])
    await tell(pool, "P0128", "P0301")
    back = await claim_one(pool)
    past = {str(fault.code): fault.past for fault in back.faults}
    assert past == {"P0128": PastCase(first.case_id, closed_at), "P0301": None}
    again = replace(refer(back), case_id=UUID(int=7), referral=None, came_back_from=first.case_id)
    assert await router(pool).complete([(back, again)])
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
    await router(pool).complete([(claim, replace(verdict, referral=found_nobody))])
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
    assert await router(pool).complete([(claim, replace(refer(claim), again_at=again_at))])
    assert await pool.fetchval("select due_at from work") == again_at
    assert await pool.fetchval("select lease_token from work") is None


async def test_what_makes_no_case_is_noted_with_its_reason_until_that_is_over(pool: Pool) -> None:
    await tell(pool, "P0128", "U0100", ago_s=3)
    claim = await claim_one(pool)
    aside, kept = claim.faults
    noted = (SetAside(aside.episode_id, "communication_storm"),)
    verdict = replace(refer(claim), episodes=(kept.episode_id,), set_aside=noted)
    assert await router(pool).complete([(claim, verdict)])
    row = await pool.fetchrow("select episode_id, reason, ended_at from set_aside")
    assert tuple(row) == (aside.episode_id, "communication_storm", None)
    await tell(pool, "P0128", "U0100", "P0301")
    later = await claim_one(pool)
    assert await router(pool).complete([(later, replace(refer(later), referral=None))])
    assert await pool.fetchval("select ended_at is not null from set_aside")


# --- groups --------------------------------------------------------------------------------------


async def claim_each(pool: Pool, *codes: str, count: int) -> list[Claim]:
    """Vehicles with the same faults, in the order of their ids."""
    for number in range(count):
        await tell(pool, *codes, unit=f"u{number}", ago_s=2)
    claims = await router(pool).claim(limit=count, lease_s=LEASE_S)
    assert len(claims) == count
    return sorted(claims, key=lambda claim: claim.vehicle_id)


async def numbers(pool: Pool) -> dict[str, int]:
    """How many rows each table has that a referral is written into."""
    tables = ("repair_case", "case_episode", "referral", "outbox", "log_pending")
    return {name: await pool.fetchval(f"select count(*) from {name}") for name in tables}  # noqa: S608 - our own names


async def test_verdicts_of_every_kind_are_written_in_one_transaction(pool: Pool) -> None:
    first = await claim_each(pool, "P0128", count=4)
    await router(pool).complete([(claim, refer(claim)) for claim in first[1:]])
    await pool.execute("update work set lease_until = now()")
    for claim in first:
        await tell(pool, "P0128", "P0301", unit=claim.unit)
    claims = await router(pool).claim(limit=4, lease_s=LEASE_S)
    new, quiet, gone, waits = sorted(claims, key=lambda claim: claim.vehicle_id)
    again_at, closed_at = datetime.now(UTC) + timedelta(hours=1), datetime.now(UTC)
    verdict, withdrawn = refer(quiet), refer(gone, version=2).referral
    assert withdrawn is not None
    decided: list[Decided] = [
        (waits, Wait(again_at)),
        (gone, Close(closed_at, (SetAside(gone.faults[0].episode_id, "ignored"),), withdrawn)),
        (new, refer(new)),
        (quiet, replace(verdict, referral=None)),
    ]
    assert await router(pool).complete(decided) == {claim.vehicle_id for claim in claims}
    rows = await pool.fetch("select vehicle_id, closed_at, xmin from repair_case")
    assert {row["vehicle_id"]: row["closed_at"] for row in rows} == {
        new.vehicle_id: None,
        quiet.vehicle_id: None,
        gone.vehicle_id: closed_at,
        waits.vehicle_id: None,
    }
    versions = await pool.fetch("select vehicle_id, max(version) as last from referral group by 1")
    assert {row["vehicle_id"]: row["last"] for row in versions} == {
        **{claim.vehicle_id: 1 for claim in (new, quiet, waits)},
        gone.vehicle_id: 2,
    }
    assert await pool.fetchval("select vehicle_id from set_aside") == gone.vehicle_id
    left = await pool.fetchrow("select vehicle_id, due_at, lease_token from work")
    assert left is not None
    assert tuple(left) == (waits.vehicle_id, again_at, None)
    assert await numbers(pool) == {
        "repair_case": 4,
        "case_episode": 6,
        "referral": 5,
        "outbox": 5,
        "log_pending": 5,
    }
    together = "select xmin from work union select xmin from set_aside union select xmin from"
    one = f"{together} repair_case where closed_at is not null or vehicle_id = $1"
    assert len(await pool.fetch(one, new.vehicle_id)) == 1
    # Told again, it changes nothing.
    assert not await router(pool).complete(decided)
    assert (await numbers(pool))["referral"] == 5


async def test_a_lost_lease_and_newer_knowledge_harm_no_other_of_the_group(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    late, old, *others = claims = await claim_each(pool, "P0128", count=6)
    stolen = "update work set lease_token = gen_random_uuid() where vehicle_id = $1"
    await pool.execute(stolen, late.vehicle_id)
    await tell(pool, "P0128", "P0301", unit=old.unit)
    decided = [(claim, refer(claim)) for claim in claims]
    assert await router(pool).complete(decided) == {claim.vehicle_id for claim in others}
    assert set((await numbers(pool)).values()) == {len(others)}
    # Who is known better now is due at once; who is held by another stays with that one.
    assert (await claim_one(pool)).vehicle_id == old.vehicle_id
    assert await pool.fetchval("select count(*) from work where lease_token is not null") == 2
    # The control: without the question for its lease the late verdict would have been written.
    careless = cases.SQL["write_verdicts"].replace("and work.lease_token = given.token", "")
    monkeypatch.setattr(cases, "SQL", {**cases.SQL, "write_verdicts": careless})
    assert late.vehicle_id in await router(pool).complete([(late, refer(late))])


async def test_a_verdict_that_the_database_refuses_takes_its_group_back(pool: Pool) -> None:
    claims = await claim_each(pool, "P0128", count=3)
    refused = f"check (vehicle_id <> '{claims[1].vehicle_id}') not valid"
    await pool.execute(f"alter table referral add constraint refuse {refused}")
    decided = [(claim, refer(claim)) for claim in claims]
    with pytest.raises(VerdictRefusedError, match="CheckViolation"):
        await router(pool).complete(decided)
    assert set((await numbers(pool)).values()) == {0}
    assert await router(pool).complete([decided[0], decided[2]])
    assert set((await numbers(pool)).values()) == {2}
    assert await router(pool).complete([(claims[1], Wait(datetime.now(UTC)))])


async def test_a_group_waits_for_a_gateway_in_the_order_of_ids_and_sees_what_that_wrote(
    pool: Pool,
) -> None:
    claims = await claim_each(pool, "P0128", count=2)
    first, second = (claim.vehicle_id for claim in claims)
    hold = "select from vehicle where vehicle_id = $1 for no key update nowait"
    waiting = "select from pg_stat_activity where datname = current_database() and "
    async with pool.acquire() as gateway, gateway.transaction():
        await gateway.execute(hold, first)
        decided = [(claim, refer(claim)) for claim in reversed(claims)]
        writing = asyncio.create_task(router(pool).complete(decided))
        async with asyncio.timeout(10):
            while not await pool.fetch(waiting + "wait_event_type = 'Lock'"):  # noqa: ASYNC110 - the server waits
                await asyncio.sleep(0.01)
        await gateway.execute(hold, second)  # nobody who waits for the first holds it
        await gateway.execute(
            "update work set revision = revision + 1 where vehicle_id = $1", first
        )
    assert await writing == {second}
    assert await pool.fetchval("select lease_token from work where vehicle_id = $1", first) is None


async def test_routers_that_race_for_the_same_vehicles_on_failing_lines_decide_each_once(
    pool: Pool, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "LEASE_S", 0.02)  # what one holds the other may take soon
    monkeypatch.setattr(service, "POLL_S", 0.01)
    count, knowledge = 40, Knowledge.load()
    for number in range(count):
        await tell(pool, "P0128", unit=f"u{number}")
    written: list[int] = []

    class Noted(PostgresCaseStore):
        async def complete(self, decided: Sequence[Decided]) -> frozenset[UUID]:
            done = await super().complete(decided)
            written.append(len(done) - len(decided))
            return done

    async with open_pool(postgres_url) as lines, asyncio.TaskGroup() as routers:
        tasks = [
            routers.create_task(
                service.serve(
                    Noted(lines, work_hint=Hint()),
                    PostgresDirectoryStore(pool),
                    knowledge=knowledge,
                    policy=load_policy(),
                    now=partial(datetime.now, UTC),
                )
            )
            for _ in range(2)
        ]
        async with asyncio.timeout(30):
            for _ in range(3):
                await pool.execute(BREAK_LINES)
                await asyncio.sleep(0.1)
            while await pool.fetchval("select count(*) from work"):  # noqa: ASYNC110 - they work
                await asyncio.sleep(0.05)
        for task in tasks:
            task.cancel()
    assert min(written) < 0, "they never met: this shows nothing"
    assert set((await numbers(pool)).values()) == {count}


BREAK_LINES = """
select pg_terminate_backend(pid)
from pg_stat_activity
where datname = current_database() and query like 'with given as%'
"""


async def found_nobody(pool: Pool, *, unit: str, version: str) -> None:
    await tell(pool, "P0128", unit=unit)
    claim = await claim_one(pool)
    verdict = refer(claim)
    assert verdict.referral is not None
    referral = replace(verdict.referral, offer_count=0, directory_version=version)
    assert await router(pool).complete([(claim, replace(verdict, referral=referral))])


SITE = Site(site_id="s1", name="Garage 1", position=RoutingPosition(9.5, 47.1))


async def test_a_change_of_the_directory_wakes_the_cases_that_nobody_could_take(
    pool: Pool,
) -> None:
    await found_nobody(pool, unit="u1", version="0")
    await tell(pool, "P0128", unit="u2")
    taken = await claim_one(pool)
    assert await router(pool).complete([(taken, refer(taken))])
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
