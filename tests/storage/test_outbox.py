import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from storage.migrate import migrate
from storage.outbox import RETRY_S_MAX, RETRY_S_MIN, Lease, claim, settle
from storage.pool import Pool, open_pool
from storage.testing import refer

pytestmark = pytest.mark.integration


@pytest.fixture
async def pool(postgres_url: str) -> AsyncIterator[Pool]:
    async with open_pool(postgres_url) as pool:
        await migrate(pool)
        yield pool


async def take(pool: Pool, *, limit: int = 10, lease_s: float = 60) -> Lease:
    return await claim(pool, limit=limit, lease_s=lease_s)


async def test_a_referral_is_one_push_with_the_bytes_that_were_decided(pool: Pool) -> None:
    referred = await refer(pool, "unit-1", "P0301")
    (push,) = (await take(pool)).pushes
    assert (push.delivery_id, push.unit) == (referred.referral_id, "unit-1")
    assert push.payload == referred.short


async def test_a_delivered_push_is_never_claimed_again(pool: Pool) -> None:
    referred = await refer(pool, "unit-1", "P0301")
    lease = await take(pool)
    await settle(pool, lease, delivered=[referred.referral_id], failed=[])
    await pool.execute("update outbox set due_at = now() - interval '1 day'")
    assert (await take(pool)).pushes == ()


async def test_a_push_that_is_held_is_not_claimed_by_another(pool: Pool) -> None:
    await refer(pool, "unit-1", "P0301")
    assert len((await take(pool)).pushes) == 1
    assert (await take(pool)).pushes == ()


async def test_a_lease_that_ran_out_gives_the_same_push_again(pool: Pool) -> None:
    await refer(pool, "unit-1", "P0301")
    dead = await take(pool, lease_s=-1)
    living = await take(pool)
    assert living.pushes == dead.pushes
    assert living.token != dead.token
    # What the dead one says when it comes back does not count.
    await settle(pool, dead, delivered=[dead.pushes[0].delivery_id], failed=[])
    assert await pool.fetchval("select delivered_at from outbox") is None


async def test_many_claim_at_once_and_none_twice(pool: Pool) -> None:
    for number in range(40):
        await refer(pool, f"unit-{number}", "P0301")
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(take(pool, limit=4)) for _ in range(12)]
    claimed = [push.unit for task in tasks for push in task.result().pushes]
    assert len(claimed) == len(set(claimed))
    claimed += [push.unit for push in (await take(pool, limit=100)).pushes]
    assert sorted(claimed) == sorted(f"unit-{number}" for number in range(40))


async def test_a_newer_referral_waits_for_the_older_one_of_its_vehicle(pool: Pool) -> None:
    older = await refer(pool, "unit-1", "P0301")
    newer = await refer(pool, "unit-1", "P0301", "P0700")
    lease = await take(pool)
    assert [push.delivery_id for push in lease.pushes] == [older.referral_id]
    await settle(pool, lease, delivered=[], failed=[older.referral_id])
    assert (await take(pool)).pushes == ()
    await pool.execute("update outbox set due_at = now() - interval '1 day'")
    lease = await take(pool)
    await settle(pool, lease, delivered=[older.referral_id], failed=[])
    assert [push.delivery_id for push in (await take(pool)).pushes] == [newer.referral_id]


async def test_a_failed_push_is_due_later_and_later_up_to_a_limit(pool: Pool) -> None:
    referred = await refer(pool, "unit-1", "P0301")
    waits_s = []
    for _ in range(8):
        lease = await take(pool)
        before = datetime.now(UTC)
        await settle(pool, lease, delivered=[], failed=[referred.referral_id])
        due_at = await pool.fetchval("select due_at from outbox")
        waits_s.append(round((due_at - before) / timedelta(seconds=1)))
        await pool.execute("update outbox set due_at = now() - interval '1 day'")
    assert waits_s == [RETRY_S_MIN, 2, 4, 8, 16, RETRY_S_MAX, RETRY_S_MAX, RETRY_S_MAX]
