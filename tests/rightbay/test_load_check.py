"""The check that proofs rely on finds what is lost, invented and doubled; and a race is won."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gateway.dialects.registry import Registry
from gateway.dialects.rightbay import RightbayDialect
from gateway.model import DeadLetter, Report
from rightbay.bench.ingest_check import Found, check
from simulators.load.plan import Load, Shares, sendings
from simulators.load.report import body_of, unit_of
from storage.migrate import migrate
from storage.pool import Pool, open_pool
from storage.reports import PostgresReportStore

LOAD = Load(
    vehicles=20,
    rate_per_s=100,
    reports=200,
    run="check",
    start_at=datetime(2026, 3, 1, tzinfo=UTC),
    shares=Shares(duplicates=0.2, reordered=0.2, late=0.05, poison=0.1),
)


@pytest.fixture
async def pool(postgres_url: str) -> AsyncIterator[Pool]:
    """A database that has taken the whole load, without a router."""
    async with open_pool(postgres_url, size_max=1) as pool:
        await migrate(pool)
        parse = Registry([RightbayDialect()]).parse
        taken = [
            parse(
                f"rb/1/{unit_of(LOAD, one.number)}/up/report",
                body_of(LOAD, one.number, one.kind),
                LOAD.start_at,
            )
            for one in sendings(LOAD)
        ]
        await PostgresReportStore(pool).store(
            [one for one in taken if isinstance(one, Report)],
            [one for one in taken if isinstance(one, DeadLetter)],
        )
        yield pool


async def checked(pool: Pool, damage: str) -> Found:
    await pool.execute(damage)
    return await check(pool, LOAD)


@pytest.mark.integration
async def test_a_load_that_was_taken_whole_is_found_whole(pool: Pool) -> None:
    found = await check(pool, LOAD)
    assert found.planned == 200 == found.stored + found.dead_letters
    assert found.dead_letters > 5
    assert found.without_case > 0  # there was no router
    assert replace(found, without_case=0).is_whole


@pytest.mark.integration
@pytest.mark.parametrize(
    ("damage", "field", "count"),
    [
        ("delete from event where event_id = (select min(event_id) from event)", "lost", 1),
        ("delete from dead_letter where reason = 'too_large'", "lost", None),
        ("update event set event_id = 'check-ffffff' where event_id = 'check-0'", "strange", 1),
        (
            """
            insert into event (unit, event_id, digest, received_at)
            select unit, event_id, digest, last_at
            from dead_letter
            where reason = 'too_large'
            limit 1
            """,
            "misfiled",
            1,
        ),
        (
            """
            update episode
            set code = 'P0999'
            where episode_id = (select episode_id from episode order by episode_id limit 1)
            """,
            "episodes_wrong",
            2,
        ),
    ],
)
async def test_what_was_lost_invented_or_doubled_is_found(
    pool: Pool, damage: str, field: str, count: int | None
) -> None:
    found = await checked(pool, damage)
    assert not replace(found, without_case=0).is_whole
    assert getattr(found, field) == count or (count is None and getattr(found, field) > 0)


@pytest.mark.chaos
async def test_four_gateways_race_and_nothing_is_lost_or_doubled() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "rightbay", "simulate", "race", "--json"),
        *("--reports", "4000", "--gateways", "4", "--vehicles", "400"),
        stdout=subprocess.PIPE,
    )
    said, _ = await process.communicate()
    found = json.loads(said)
    assert process.returncode == 0, found
    assert found["stored"] + found["dead_letters"] == found["planned"] == 4000
    assert (found["lost"], found["doubled"], found["without_case"], found["open"]) == (0, 0, 0, 0)
    assert found["episodes"] == 600
