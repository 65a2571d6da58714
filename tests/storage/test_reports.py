"""What a batch of reports leaves in the database."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest

from dtc_db.codes import parse_code
from gateway.errors import ReportRefusedError, StoreUnavailableError
from gateway.model import (
    DeadLetter,
    Observation,
    Outcome,
    Position,
    Reason,
    Rejection,
    Report,
    ReportedCode,
    Status,
)
from storage.migrate import migrate
from storage.pool import Pool, open_pool
from storage.reports import PostgresReportStore

pytestmark = pytest.mark.integration

START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


@pytest.fixture
async def pool(postgres_url: str) -> AsyncIterator[Pool]:
    async with open_pool(postgres_url, size_max=8) as opened:
        await migrate(opened)
        yield opened


def observation(*codes: str, ecu: str = "7E8") -> Observation:
    return Observation(
        ecu=ecu,
        protocol="obd",
        service="03",
        outcome=Outcome.CODES if codes else Outcome.NONE_FOUND,
        codes=tuple(ReportedCode(code=parse_code(c), status=Status.CONFIRMED) for c in codes),
    )


def report(
    event_id: str, *codes: str, unit: str = "u1", at_s: float = 0, body: str = "", **more: Any
) -> Report:
    payload = f"{event_id}{codes}{body}".encode()
    return Report(
        unit=unit,
        event_id=event_id,
        digest=sha256(payload).digest(),
        payload=payload,
        received_at=START + timedelta(seconds=at_s),
        **{"observations": (observation(*codes),), **more},
    )


async def counted(pool: Pool) -> dict[str, int]:
    tables = ("event", "report", "episode", "transition", "work", "dead_letter", "vehicle")
    counts = {table: await pool.fetchval(f"select count(*) from {table}") for table in tables}  # noqa: S608 - our own names
    return {table: count for table, count in counts.items() if count}


async def test_a_message_that_comes_twice_is_stored_once(pool: Pool) -> None:
    store, sent = PostgresReportStore(pool), report("a", "P0128")
    await store.store([sent, sent], [])
    await store.store([sent], [])
    assert await counted(pool) == {
        **dict.fromkeys(("event", "report", "episode", "transition", "work", "vehicle"), 1)
    }


async def test_a_fault_reported_thirty_times_is_one_episode_and_one_transition(pool: Pool) -> None:
    store = PostgresReportStore(pool)
    for second in range(30):
        await store.store([report(f"r{second}", "P0128", at_s=second)], [])
    counts = await counted(pool)
    assert (counts["report"], counts["episode"], counts["transition"]) == (30, 1, 1)


async def test_an_id_used_for_another_payload_is_a_dead_letter_and_the_first_one_counts(
    pool: Pool,
) -> None:
    store = PostgresReportStore(pool)
    await store.store([report("a", "P0128")], [])
    await store.store([report("a", "P0301")], [])
    assert await pool.fetchval("select array_agg(code) from episode") == ["P0128"]
    row = await pool.fetchrow("select reason, unit, event_id from dead_letter")
    assert tuple(row) == (Reason.ID_CONFLICT, "u1", "a")


async def test_the_same_id_of_two_units_is_two_reports(pool: Pool) -> None:
    await PostgresReportStore(pool).store(
        [report("a", "P0128", unit="u1"), report("a", "P0128", unit="u2")], []
    )
    assert (await counted(pool))["report"] == 2


async def test_gateways_that_race_on_the_same_messages_store_each_once(pool: Pool) -> None:
    reports = [report(f"r{n}", "P0128", "P0301", unit=f"u{n % 7}", at_s=n / 10) for n in range(200)]
    stores = [PostgresReportStore(pool) for _ in range(8)]
    orders = [reports[n:] + reports[:n] for n in range(0, 200, 25)]
    for start in range(0, 200, 50):
        await asyncio.gather(
            *(
                _until_stored(store, order[start : start + 50])
                for store, order in zip(stores, orders, strict=True)
            )
        )
    counts = await counted(pool)
    assert (counts["event"], counts["report"], counts["vehicle"]) == (200, 200, 7)
    assert (counts["episode"], counts["transition"]) == (14, 14)


async def _until_stored(store: PostgresReportStore, reports: list[Report]) -> None:
    while True:
        try:
            await store.store(reports, [])
        except StoreUnavailableError:
            continue
        else:
            return


async def test_without_the_key_on_message_ids_a_race_would_be_seen(pool: Pool) -> None:
    """The control: take the promise's constraint away, and the same message comes in twice."""
    await pool.execute("alter table event drop constraint event_pkey")
    store, sent = PostgresReportStore(pool), report("a", "P0128")
    await store.store([sent], [])
    with pytest.raises(ReportRefusedError):
        await store.store([sent], [])


async def test_what_was_not_understood_is_kept_beside_what_was(pool: Pool) -> None:
    rejected = Rejection(reason=Reason.TRUNCATED, text="frame 2 of 3 is missing", raw=b"\x10\x0e")
    await PostgresReportStore(pool).store([report("a", "P0128", rejections=(rejected,))], [])
    row = await pool.fetchrow("select reason, unit, event_id, raw from dead_letter")
    assert tuple(row) == ("truncated", "u1", "a", b"\x10\x0e")
    assert (await counted(pool))["episode"] == 1


async def test_rubbish_that_repeats_is_one_dead_letter_that_counts(pool: Pool) -> None:
    rubbish = DeadLetter(
        topic="rb/1/u\x00/up/report",
        unit=None,
        event_id=None,
        reason=Reason.NOT_UTF8,
        text="byte 0xff \ud800",
        raw=b"\xff\x00",
        received_at=START,
    )
    store = PostgresReportStore(pool)
    for _ in range(3):
        await store.store([], [rubbish, replace(rubbish, raw=b"\xfe")])
    rows = await pool.fetch("select raw, times from dead_letter order by raw")
    assert [tuple(row) for row in rows] == [(b"\xfe", 3), (b"\xff\x00", 3)]


async def test_a_fault_that_goes_and_returns_in_one_batch_is_two_episodes(pool: Pool) -> None:
    store = PostgresReportStore(pool)
    await store.store(
        [
            report("a", "P0128"),
            report("b", at_s=1),
            report("c", "P0128", at_s=1000),
        ],
        [],
    )
    rows = await pool.fetch("select ordinal, off_at is null as is_open from episode order by 1")
    assert [tuple(row) for row in rows] == [(1, False), (2, True)]


async def test_a_change_wakes_the_router_and_says_where_the_vehicle_is(pool: Pool) -> None:
    store = PostgresReportStore(pool)
    here = Position(lon_deg=9.52, lat_deg=47.14)
    await store.store([report("a", "P0128", position=here)], [])
    await store.store([report("b", "P0128", at_s=1, position=Position(0, 0))], [])
    row = await pool.fetchrow(
        "select revision, due_at, lon_deg, lat_deg from work join vehicle using (vehicle_id)"
    )
    assert tuple(row) == (1, START, 9.52, 47.14)


async def test_a_database_that_goes_away_is_told_apart_from_a_report_it_refuses(
    pool: Pool,
) -> None:
    store = PostgresReportStore(pool)
    with pytest.raises(ReportRefusedError):
        await store.store([report("nul\x00", "P0128")], [])
    assert await counted(pool) == {}
    await pool.close()
    with pytest.raises(StoreUnavailableError):
        await store.store([report("a", "P0128")], [])
