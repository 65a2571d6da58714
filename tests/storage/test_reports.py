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
from storage.statements import load_statements

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


async def test_the_charge_is_that_of_the_place_and_never_an_older_one(pool: Pool) -> None:
    store = PostgresReportStore(pool)
    here = Position(lon_deg=9.52, lat_deg=47.14)

    async def charge() -> object:
        return await pool.fetchval("select soc_pct from vehicle")

    await store.store([report("a", "P0128", position=here)._replace(soc_pct=40.0)], [])
    assert await charge() == 40.0
    # What changes nothing of the faults tells the router nothing.
    await store.store([report("b", "P0128", at_s=1, position=here)._replace(soc_pct=10.0)], [])
    assert await charge() == 40.0
    read = report("c", "P0128", "P0301", at_s=2, position=here)._replace(signals={"soc_pct": 30.0})
    await store.store([read], [])
    assert await charge() == 30.0
    await store.store([report("d", "P0128", "P0301", "P0302", at_s=3, position=here)], [])
    assert await charge() is None


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


async def test_a_clock_is_remembered_and_every_doubtful_time_is_flagged(pool: Pool) -> None:
    store = PostgresReportStore(pool)
    lags_s = {"right": 1, "late": 604_800, "1970": 1.77e9, "ahead": -600, "none": None}
    await store.store([report("first", unit_at=START)], [])
    for n, (name, lag_s) in enumerate(lags_s.items(), start=1):
        at = START + timedelta(seconds=60 * n)
        unit_at = None if lag_s is None else at - timedelta(seconds=lag_s)
        unit = "u2" if name == "ahead" else "u1"
        await store.store([report(name, "P0128", at_s=60 * n, unit_at=unit_at, unit=unit)], [])
    rows = await pool.fetch("select event_id, time_doubt from report where event_id <> 'first'")
    assert {row["event_id"]: row["time_doubt"] for row in rows} == {
        "right": None,
        "late": "late",
        "1970": "impossible",
        "ahead": "wrong",
        "none": None,
    }
    errors = await pool.fetch("select clock_error_s from vehicle order by unit")
    assert [row["clock_error_s"] for row in errors] == [0, -600]


async def test_a_report_of_last_week_is_kept_with_its_fault_and_wakes_nobody(pool: Pool) -> None:
    store = PostgresReportStore(pool)
    await store.store([report("now", unit_at=START)], [])
    late = report("late", "P0128", at_s=60, unit_at=START - timedelta(days=7))
    await store.store([late], [])
    row = await pool.fetchrow("select is_raised, time_doubt, onset_at from episode")
    assert tuple(row) == (False, "late", START - timedelta(days=7))
    assert await pool.fetchval("select count(*) from work") == 0
    # The control: the same report from a unit without a clock is live.
    await store.store([late._replace(event_id="live", unit_at=None)], [])
    assert await pool.fetchval("select count(*) from work") == 1


async def test_a_batch_that_came_in_the_wrong_order_ends_as_it_was_written(pool: Pool) -> None:
    store = PostgresReportStore(pool)
    written = [report("a", unit_at=START), report("b", "P0128", unit_at=START, at_s=2)]
    empty_before = report("c", at_s=3, unit_at=START - timedelta(seconds=30))
    await store.store([*written, empty_before], [])
    assert await pool.fetchval("select off_at is null from episode")


async def test_only_the_latest_episode_of_a_fault_is_looked_at(pool: Pool) -> None:
    store = PostgresReportStore(pool)
    for n in range(4):
        await store.store([report(f"on{n}", "P0128", at_s=2_000 * n)], [])
        await store.store([report(f"off{n}", at_s=2_000 * n + 1)], [])
    rows = await pool.fetch("select ordinal, is_latest from episode order by ordinal")
    assert [tuple(row) for row in rows] == [(1, False), (2, False), (3, False), (4, True)]
    await store.store(
        [
            report("x", "P0128", at_s=9_000),
            report("y", at_s=9_001),
            report("z", "P0128", at_s=9_999),
        ],
        [],
    )
    assert await pool.fetchval("select array_agg(ordinal) from episode where is_latest") == [6]


async def test_what_an_episode_knows_is_read_back_as_it_was_written(pool: Pool) -> None:
    store = PostgresReportStore(pool)
    told = observation("P0128")._replace(
        codes=(ReportedCode(code=parse_code("P0128"), status=Status.ACTIVE, status_byte=0x2F),)
    )
    await store.store([report("a", observations=(told,), seq=7, odometer_km=12.5)], [])
    before = await pool.fetchrow("select * from episode")
    await store.store([report("b", observations=(told,), at_s=1, seq=8, odometer_km=13)], [])
    assert await pool.fetchrow("select * from episode") == before, "the vehicle's row has the times"
    assert await seen(pool) == {("P0128", START + timedelta(seconds=1))}
    more = told._replace(codes=(*told.codes, *observation("P0301").codes))
    await store.store([report("c", observations=(more,), at_s=2, seq=9)], [])
    after = await pool.fetchrow("select * from episode where code = 'P0128'")
    changed = {name for name in before.keys() if before[name] != after[name]}  # noqa: SIM118 - a record iterates over values
    assert changed == set(), "it stands, with more beside it"
    assert {at for _, at in await seen(pool)} == {START + timedelta(seconds=2)}
    await store.store([report("d", observations=(told,), at_s=3, seq=10, is_historical=True)], [])
    after = await pool.fetchrow("select * from episode where code = 'P0128'")
    changed = {name for name in before.keys() if before[name] != after[name]}  # noqa: SIM118 - a record iterates over values
    assert changed == {"last_seen_at", "observed_at", "seq", "is_standing"}, "nothing stands"
    assert (after["status_byte"], after["odometer_km"], after["seq"]) == (0x2F, 12.5, 9)


async def seen(pool: Pool) -> set[tuple[str, datetime]]:
    """When each fault was last seen, as the API tells it."""
    vehicle = await pool.fetchval("select vehicle_id from vehicle")
    rows = await pool.fetch(load_statements("views")["list_faults"], vehicle, None, None, None, 9)
    return {(row["code"], row["seen_at"]) for row in rows}
