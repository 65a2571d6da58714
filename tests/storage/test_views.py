from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from gateway.model import DeadLetter, Reason
from storage.log import sequence_once
from storage.migrate import migrate
from storage.pool import Pool, open_pool
from storage.reports import PostgresReportStore
from storage.testing import refer, report
from storage.views import (
    Place,
    count_dead_letters,
    fetch_readiness,
    find_case,
    find_document,
    find_vehicle,
    list_cases,
    list_faults,
    list_referrals,
)

pytestmark = pytest.mark.integration

START = datetime(2026, 3, 1, 8, tzinfo=UTC)


@pytest.fixture
async def pool(postgres_url: str) -> AsyncIterator[Pool]:
    async with open_pool(postgres_url) as pool:
        await migrate(pool)
        yield pool


async def test_a_document_comes_back_byte_for_byte(pool: Pool) -> None:
    referred = await refer(pool, "unit-1", "P0301")
    assert await find_document(pool, referred.referral_id) == referred.document
    assert await find_document(pool, uuid4()) is None


async def test_pages_of_referrals_hold_each_once_although_new_ones_come(pool: Pool) -> None:
    written = [
        # Three of each moment: the key has to order what the time does not.
        (await refer(pool, f"unit-{n}", "P0301", at=START + timedelta(minutes=n // 3))).referral_id
        for n in range(10)
    ]
    found: list[UUID] = []
    after: Place | None = None
    for number in range(10):
        page = await list_referrals(pool, after=after, limit=4)
        found += [item.referral_id for item in page.items]
        after = page.after
        if after is None:
            break
        await refer(pool, f"late-{number}", "P0301", at=START + timedelta(hours=1, minutes=number))
    assert sorted(found) == sorted(written)
    assert len(found) == 10


async def test_cases_are_filtered_by_being_open_and_by_being_unassigned(pool: Pool) -> None:
    mine = await refer(pool, "unit-1", "P0301", at=START, is_unassigned=False)
    nobodys = await refer(pool, "unit-2", "P0301", at=START + timedelta(minutes=1))
    await pool.execute(
        "update repair_case set closed_at = $1 where case_id = $2", START, mine.case_id
    )

    async def cases(**filters: bool) -> list[UUID]:
        page = await list_cases(pool, after=None, limit=10, **filters)
        return [item.case_id for item in page.items]

    assert await cases() == [nobodys.case_id, mine.case_id]
    assert await cases(is_open=True) == [nobodys.case_id]
    assert await cases(is_open=False) == [mine.case_id]
    assert await cases(is_unassigned=False) == [mine.case_id]
    assert await cases(is_unassigned=True, is_open=False) == []


async def test_a_case_holds_its_faults_and_every_referral_it_had(pool: Pool) -> None:
    first = await refer(pool, "unit-1", "P0301", at=START)
    second = await refer(pool, "unit-1", "P0301", "P0700", at=START + timedelta(minutes=1))
    await refer(pool, "unit-2", "P0420", at=START - timedelta(minutes=1))
    case = await find_case(pool, first.case_id)
    assert case is not None
    assert {fault.code for fault in case.faults} == {"P0301", "P0700"}
    assert {fault.case_id for fault in case.faults} == {first.case_id}
    assert [(r.version, r.referral_id) for r in case.referrals] == [
        (2, second.referral_id),
        (1, first.referral_id),
    ]
    (summary, _) = (await list_cases(pool, after=None, limit=10)).items
    assert summary.latest == case.referrals[0]
    assert await find_case(pool, uuid4()) is None


async def test_faults_say_whether_they_are_on(pool: Pool) -> None:
    vehicle_id = await report(pool, "unit-1", "P0301", "P0420", at=START)
    await report(pool, "unit-1", "P0420", at=START + timedelta(minutes=1))

    async def faults(*, is_on: bool | None) -> list[str]:
        page = await list_faults(pool, vehicle_id, after=None, limit=10, is_on=is_on)
        assert page is not None
        return sorted(fault.code for fault in page.items)

    assert await faults(is_on=None) == ["P0301", "P0420"]
    assert await faults(is_on=True) == ["P0420"]
    assert await faults(is_on=False) == ["P0301"]


async def test_a_vehicle_without_faults_is_not_an_unknown_vehicle(pool: Pool) -> None:
    vehicle_id = await report(pool, "unit-1")
    page = await list_faults(pool, vehicle_id, after=None, limit=10)
    assert page is not None
    assert page.items == ()
    assert await list_faults(pool, uuid4(), after=None, limit=10) is None


async def test_a_vehicle_is_found_by_its_unit_and_shown_without_its_vin(pool: Pool) -> None:
    vehicle_id = await report(pool, "unit-1")
    await pool.execute("update vehicle set vin = 'WVWZZZ1JZXW000001', make = 'volkswagen'")
    vehicle = await find_vehicle(pool, "unit-1")
    assert vehicle is not None
    assert (vehicle.vehicle_id, vehicle.make) == (vehicle_id, "volkswagen")
    assert "WVWZZZ1JZXW000001" not in repr(vehicle)
    assert await find_vehicle(pool, "unit-2") is None


async def test_dead_letters_are_counted_by_reason_with_their_repeats(pool: Pool) -> None:
    def letter(raw: bytes, reason: Reason, minute: int) -> DeadLetter:
        return DeadLetter(
            topic="rb/1/u/up/report",
            unit="u",
            event_id=None,
            reason=reason,
            text="",
            raw=raw,
            received_at=START + timedelta(minutes=minute),
        )

    store = PostgresReportStore(pool)
    await store.store((), (letter(b"1", Reason.NOT_JSON, 0), letter(b"2", Reason.NOT_JSON, 1)))
    await store.store((), (letter(b"1", Reason.NOT_JSON, 2), letter(b"3", Reason.TOO_LARGE, 3)))
    not_json, too_large = await count_dead_letters(pool)
    assert (not_json.reason, not_json.letters, not_json.times) == ("not_json", 2, 3)
    assert not_json.last_at - not_json.first_at == timedelta(minutes=2)
    assert (too_large.reason, too_large.letters, too_large.times) == ("too_large", 1, 1)


async def test_readiness_tells_how_old_the_oldest_of_each_backlog_is(pool: Pool) -> None:
    idle = await fetch_readiness(pool)
    assert idle.is_current
    assert (idle.work_age_s, idle.push_age_s, idle.entry_age_s) == (None, None, None)
    await refer(pool, "unit-1", "P0301")
    await report(pool, "unit-2", "P0301", at=datetime.now(UTC) - timedelta(minutes=5))
    await pool.execute("update outbox set created_at = now() - interval '10 minutes'")
    busy = await fetch_readiness(pool)
    assert busy.work_age_s == pytest.approx(300, abs=5)
    assert busy.push_age_s == pytest.approx(600, abs=5)
    assert busy.entry_age_s == pytest.approx(0, abs=5)
    await sequence_once(pool)
    await pool.execute("update outbox set delivered_at = now()")
    await pool.execute("update work set due_at = now() + interval '1 hour'")
    done = await fetch_readiness(pool)
    assert (done.work_age_s, done.push_age_s, done.entry_age_s) == (None, None, None)


async def test_a_database_with_an_edited_or_missing_migration_is_not_current(pool: Pool) -> None:
    await pool.execute("insert into migration (number, name, digest) values (9999, 'newer', '')")
    assert (await fetch_readiness(pool)).is_current
    await pool.execute("update migration set digest = '' where number = 1")
    assert not (await fetch_readiness(pool)).is_current
    await pool.execute("delete from migration where number = 1")
    assert not (await fetch_readiness(pool)).is_current
    await pool.execute("drop table migration")
    assert not (await fetch_readiness(pool)).is_current
