"""Tables that grow are kept by week, made ahead and dropped whole."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from storage.migrate import migrate
from storage.partitions import WEEKS_AHEAD, Upkeep, keep_up, serve
from storage.pool import Pool, open_pool
from storage.testing import report

pytestmark = pytest.mark.integration

# A Wednesday, two years on: no partition of its week exists.
THEN = datetime(2028, 11, 22, 12, tzinfo=UTC)
DAYS = 30


@pytest.fixture
async def pool(postgres_url: str) -> AsyncIterator[Pool]:
    async with open_pool(postgres_url) as opened:
        await migrate(opened)
        yield opened


async def partitions(pool: Pool, parent: str = "report") -> list[str]:
    rows = await pool.fetch(
        "select inhrelid::regclass::text as name from pg_inherits "
        "where inhparent = $1::text::regclass order by 1",
        parent,
    )
    return [row["name"] for row in rows]


async def places(pool: Pool, table: str = "report") -> set[str]:
    rows = await pool.fetch(f"select distinct tableoid::regclass::text as name from {table}")  # noqa: S608 - our own names
    return {row["name"] for row in rows}


async def test_a_fresh_database_has_this_week_and_the_next_ones(pool: Pool) -> None:
    now = datetime.now(UTC)
    await report(pool, "u1", "P0128", at=now)
    await report(pool, "u1", "P0301", at=now + timedelta(weeks=WEEKS_AHEAD))
    assert len(await partitions(pool)) == WEEKS_AHEAD + 2
    assert not {name for name in await places(pool) if "default" in name}
    assert not {name for name in await places(pool, "transition") if "default" in name}


async def test_weeks_are_made_ahead_once_and_old_ones_dropped_whole(pool: Pool) -> None:
    done = await keep_up(pool, retention_days=DAYS, now=THEN)
    assert len(done.made) == 2 * (WEEKS_AHEAD + 1)
    assert "report_20281120" in done.made
    assert len(done.dropped) == 2 * (WEEKS_AHEAD + 1)  # those of the day of this test
    assert await keep_up(pool, retention_days=DAYS, now=THEN) == Upkeep()
    next_week = await keep_up(pool, retention_days=DAYS, now=THEN + timedelta(weeks=1))
    assert next_week.made == ("report_20281225", "transition_20281225")


async def test_what_is_older_than_the_retention_is_gone_and_what_is_not_stays(pool: Pool) -> None:
    for days in (80, 50, 20, 0):
        await keep_up(pool, retention_days=10_000, now=THEN - timedelta(days=days))
        await report(pool, f"u{days}", "P0128", at=THEN - timedelta(days=days))
    done = await keep_up(pool, retention_days=DAYS, now=THEN)
    assert "report_20280828" in done.dropped
    for table in ("report", "transition", "event"):
        assert await pool.fetchval(f"select count(*) from {table}") == 2  # noqa: S608 - our own names
    # Faults and what was decided on them are no log: they stay.
    assert await pool.fetchval("select count(*) from episode") == 4
    # The control: with a longer retention nothing would have gone.
    assert await keep_up(pool, retention_days=10_000, now=THEN) == Upkeep()


async def test_a_week_that_nobody_made_in_time_loses_nothing(pool: Pool) -> None:
    await report(pool, "u1", "P0128", at=THEN)
    assert await places(pool) == {"report_default"}
    await keep_up(pool, retention_days=DAYS, now=THEN)
    assert await places(pool) == {"report_20281120"}
    assert await places(pool, "transition") == {"transition_20281120"}
    assert await pool.fetchval("select count(*) from report") == 1


async def test_old_rows_outside_every_week_are_deleted_too(pool: Pool) -> None:
    await report(pool, "u1", "P0128", at=THEN - timedelta(days=300))
    done = await keep_up(pool, retention_days=DAYS, now=THEN)
    assert done.rows_deleted == 3  # the report, its transition, its id
    assert await pool.fetchval("select count(*) from report") == 0


async def test_several_processes_that_do_it_at_once_do_it_once(pool: Pool) -> None:
    done = await asyncio.gather(*(keep_up(pool, retention_days=DAYS, now=THEN) for _ in range(4)))
    assert sum(len(each.made) for each in done) == 2 * (WEEKS_AHEAD + 1)


async def test_a_message_id_is_unique_whatever_week_it_falls_in(pool: Pool) -> None:
    """The report's own key has to hold the time; that the same id comes in once is the event's."""
    await report(pool, "u1", "P0128", at=THEN)
    with pytest.raises(asyncpg.UniqueViolationError):
        await pool.execute(
            "insert into event select unit, event_id, digest, received_at + interval '30 days' "
            "from event"
        )


async def test_upkeep_waits_for_a_database_that_is_away(
    pool: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    await pool.close()
    task = asyncio.create_task(serve(pool, retention_days=DAYS, now=lambda: THEN))
    await asyncio.sleep(0.1)
    assert not task.done()
    task.cancel()
    assert "upkeep_postponed" in caplog.text
