"""Fills a database of its own and says how long the look-ups of ingest and router take in it.

    python scripts/fill_database.py 10000 100000 1000000

fills up to each number of vehicles (ten faults and twenty messages each) and measures there. It
stops at a time or a size limit, says where, and removes the database; needs nothing that runs.
"""

import argparse
import asyncio
import json
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from uuid import UUID, uuid4

from dtc_db.codes import parse_code
from gateway.model import Observation, Outcome, Report, ReportedCode, Status
from rightbay.settings import Settings
from rightbay.supervision.instance import database_url
from rightbay.supervision.stack import Stack
from storage.cases import PostgresCaseStore
from storage.hints import Hint
from storage.keys import vehicle_id_of
from storage.pool import Connection, Pool, open_pool
from storage.reports import PostgresReportStore
from storage.statements import load_statements, parse_statements

STEP_VEHICLES = 5_000
BATCH = 50
REPEATS = 200
FILLING = Path(__file__).with_suffix(".sql")


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where filling stops."""

    seconds: float
    bytes: int


def main() -> None:
    """Read the command line and do it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("vehicles", type=int, nargs="+", help="measure at each of these")
    parser.add_argument("--minutes", type=float, default=10, help="of filling, at most")
    parser.add_argument("--gigabytes", type=float, default=15, help="of database, at most")
    asked = parser.parse_args()
    bounds = Bounds(asked.minutes * 60, int(asked.gigabytes * 1e9))
    with tempfile.TemporaryDirectory(prefix="rb") as folder:
        Path(folder).chmod(0o755)
        asyncio.run(run(Path(folder), asked.vehicles, bounds))


async def run(folder: Path, goals: list[int], bounds: Bounds) -> None:
    """Do it in a database of its own."""
    async with Stack(Settings(data=folder)) as stack:
        await stack.migrate()
        async with open_pool(database_url(stack.settings), size_max=2) as pool:
            await fill_and_measure(pool, goals, bounds)


async def fill_and_measure(pool: Pool, goals: list[int], bounds: Bounds) -> None:
    """Fill up to each goal and measure there."""
    done, started = 0, time.monotonic()
    for goal in sorted(goals):
        while done < goal:
            size = await pool.fetchval("select pg_database_size(current_database())")
            if time.monotonic() - started > bounds.seconds or size > bounds.bytes:
                break
            last = min(done + STEP_VEHICLES, goal)
            async with pool.acquire() as connection:
                await fill(connection, [f"unit-{n}" for n in range(done + 1, last + 1)])
            done = last
        spent_s = time.monotonic() - started
        await pool.execute("vacuum analyze", timeout=3600)
        await measure(pool, done, spent_s)
        if done < goal:
            print(f"stopped at {done} vehicles, short of {goal}: the limit was reached")
            return


async def fill(connection: Connection, units: list[str]) -> None:
    """Add vehicles with all that belongs to them."""
    await connection.execute("set session_replication_role = replica")  # no key is checked
    vehicles = [vehicle_id_of(unit) for unit in units]
    statements = parse_statements(FILLING.read_text(encoding="utf-8"), source=FILLING.name)
    async with connection.transaction():
        await connection.execute("set local synchronous_commit = off")
        for statement in statements.values():
            await connection.execute(statement, vehicles, units, timeout=3600)
    await connection.execute("set session_replication_role = origin")


async def measure(pool: Pool, vehicles: int, spent_s: float) -> None:
    """Time what ingest and router look up."""
    size = await pool.fetchval("select pg_database_size(current_database())")
    print(
        f"{vehicles} vehicles, {vehicles * 10} faults, {vehicles * 20} messages, "
        f"{size / 1e9:.1f} GB, filled in {spent_s:.0f} s",
        flush=True,
    )
    episodes, cases, reports = map(load_statements, ("episodes", "cases", "reports"))

    look_ups = (
        (f"latest episodes of {BATCH} vehicles", episodes["select_latest_episodes"], 1),
        (f"faults of {BATCH} vehicles for the router", cases["select_faults"], 1),
        (f"digests of {BATCH} messages", reports["select_digests"], 2),
    )
    for name, statement, arguments in look_ups:

        async def look_up(statement: str = statement, arguments: int = arguments) -> None:
            await pool.fetch(statement, *some(vehicles, arguments))

        pages = await count_pages(pool, statement, some(vehicles, arguments))
        await clock(f"{name} ({pages} pages)", look_up)

    async def batch() -> None:
        await PostgresReportStore(pool).store([report(vehicles) for _ in range(BATCH)], ())

    async def claim() -> None:
        await PostgresCaseStore(pool, work_hint=Hint()).claim(limit=BATCH, lease_s=60)

    for name, work in (
        (f"a batch of {BATCH} reports, committed", batch),
        (f"a claim of {BATCH} vehicles", claim),
    ):
        await clock(name, work)


async def clock(name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Do something again and again, and print how long it took."""
    times_ms = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        await work()
        times_ms.append((time.perf_counter() - started) * 1e3)
    p99 = statistics.quantiles(times_ms, n=100)[98]
    print(f"  {name:<58} p50 {statistics.median(times_ms):6.1f} ms  p99 {p99:6.1f} ms", flush=True)


async def count_pages(pool: Pool, statement: str, arguments: tuple[object, ...]) -> int:
    """How many pages of 8 kB one look-up touches: the same however busy the machine is."""
    explain = f"explain (analyze, buffers, format json) {statement}"
    plan = json.loads(await pool.fetchval(explain, *arguments))[0]["Plan"]
    return int(plan["Shared Hit Blocks"]) + int(plan["Shared Read Blocks"])


def some(vehicles: int, arguments: int) -> tuple[list[UUID]] | tuple[list[str], list[str]]:
    """Some vehicles' ids; or, for two arguments, their units and one message of each."""
    units = [f"unit-{random.randint(1, vehicles)}" for _ in range(BATCH)]  # noqa: S311 - a sample
    if arguments == 1:
        return ([vehicle_id_of(unit) for unit in units],)
    return units, ["e7"] * BATCH


def report(vehicles: int) -> Report:
    """One new fault of one vehicle."""
    event_id = str(uuid4())
    code = ReportedCode(code=parse_code("C0035"), status=Status.CONFIRMED)
    return Report(
        unit=f"unit-{random.randint(1, vehicles)}",  # noqa: S311 - a sample
        event_id=event_id,
        digest=sha256(event_id.encode()).digest(),
        payload=b"{}",
        received_at=datetime.now(UTC),
        observations=(
            Observation(
                ecu="7E8",
                protocol="obd",
                service="03",
                outcome=Outcome.CODES,
                codes=(code,),
                is_complete=False,  # the other faults stay as they were filled in
            ),
        ),
    )


if __name__ == "__main__":
    main()
