"""What is looked up for each report and each decision is found by an index, however much there is.

The database is filled by the statements of ``scripts/fill_database.sql``, far enough that the
planner would read a whole table only if it had to.
"""

import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from storage.keys import vehicle_id_of
from storage.migrate import migrate
from storage.pool import Connection, Pool, open_pool
from storage.statements import load_statements, parse_statements

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parent.parent.parent
VEHICLES = 20_000
NOW = datetime.now(UTC)
LARGE = (
    "work",
    "vehicle",
    "event",
    "report",
    "episode",
    "transition",
    "repair_case",
    "case_episode",
    "outbox",
    "log_pending",
)
# The index of just those that a statement is about.
ALL_WANTED = "repair_case_without_offers"
SOME = [UUID(int=n) for n in range(50)]
ONE = SOME[0]
NAMES = [f"unit-{n}" for n in range(50)]

LOOK_UPS: dict[tuple[str, str], tuple[Any, ...]] = {
    ("reports", "insert_events"): (NAMES, NAMES, [b""] * 50, [NOW] * 50),
    ("reports", "select_digests"): (NAMES, NAMES),
    ("reports", "lock_vehicles"): (SOME,),
    ("reports", "update_vehicles"): (
        *(SOME, [0.0] * 50, *([None] * 50 for _ in range(6))),
        *([True] * 50, [9.5] * 50, [47.1] * 50, [80.0] * 50, [50.0] * 50),
    ),
    ("reports", "move_standings"): (SOME, [NOW] * 50, [NOW] * 50, [1] * 50),
    ("episodes", "select_latest_episodes"): (SOME,),
    ("episodes", "retire_episodes"): (SOME, ["7E8"] * 50, ["P0300"] * 50),
    ("cases", "claim_work"): (NOW, 50, ONE, NOW),
    ("cases", "select_claimed"): (SOME,),
    ("cases", "write_verdicts"): (
        *(SOME, SOME, [1] * 50, [None] * 50, [NOW] * 50, SOME, [True] * 50, SOME, [None] * 50),
        *(SOME, SOME, [1] * 50, SOME, [NOW] * 50, [b""] * 50, ["soon"] * 50, [True] * 50),
        *([b""] * 50, ["{}"] * 50, [0] * 50, ["1"] * 50, ["{}"] * 50, [""] * 50, ["[]"] * 50),
        *([b""] * 50, [b""] * 50, SOME, SOME, SOME, SOME, [""] * 50, [""] * 50),
    ),
    ("cases", "give_back"): (SOME, SOME),
    ("directory", "wake_cases_without_offers"): (),
    ("views", "select_case_faults"): (ONE, ONE),
}
# Of the delivery role, whose tables are filled by nobody but a router.
DELIVERY: dict[tuple[str, str], tuple[Any, ...]] = {
    ("outbox", "claim"): (NOW, 50, ONE, NOW),
    ("outbox", "mark_delivered"): (SOME, ONE, NOW),
    ("outbox", "postpone"): (SOME, ONE, NOW, 1.0, 30.0),
    ("log", "take_pending"): (50,),
}


@pytest.fixture
async def pool(postgres_url: str) -> AsyncIterator[Pool]:
    async with open_pool(postgres_url) as opened:
        await migrate(opened)
        text = (ROOT / "scripts" / "fill_database.sql").read_text(encoding="utf-8")
        units = [f"unit-{n}" for n in range(VEHICLES)]
        vehicles = [vehicle_id_of(unit) for unit in units]
        async with opened.acquire() as connection:
            await connection.execute("set session_replication_role = replica")  # no key is checked
            for statement in parse_statements(text, source="fill_database.sql").values():
                await connection.execute(statement, vehicles, units, timeout=120)
            await connection.execute("set session_replication_role = origin")
        await opened.execute("analyze", timeout=120)
        yield opened


async def read_whole(pool: Pool, statement: str, arguments: tuple[Any, ...]) -> set[str]:
    """The tables that the statement's plan reads from end to end."""
    return _read_by(await pool.fetchval(f"explain (format json) {statement}", *arguments))


async def read_whatever_comes(connection: Connection, statement: str, arguments: int) -> set[str]:
    """The same of the plan that is kept for whatever arguments come."""
    await connection.execute("set plan_cache_mode = force_generic_plan")
    await connection.execute(f"prepare look_up as {statement}")
    nothing = f"({', '.join(['null'] * arguments)})" if arguments else ""
    plan = await connection.fetchval(f"explain (format json) execute look_up{nothing}")
    await connection.execute("deallocate look_up")
    return _read_by(plan)


def _read_by(plan: str) -> set[str]:
    return {
        name
        for node in _nodes(json.loads(plan)[0]["Plan"])
        # A bitmap knows only its index, which begins with the name of its table.
        if _is_whole(node)
        and (name := node.get("Relation Name") or node["Index Name"]).startswith(LARGE)
        and name != ALL_WANTED
    }


def _nodes(node: dict[str, Any], *, is_bounded: bool = False) -> Iterator[dict[str, Any]]:
    """All nodes of a plan, but not what is read in order and only up to a limit."""
    kind, parts = node["Node Type"], node.get("Plans", ())
    if parts or not is_bounded:
        yield node
    goes_on = kind == "Limit" or (is_bounded and kind not in ("Sort", "Aggregate", "Hash"))
    for part in parts:
        yield from _nodes(part, is_bounded=goes_on and part["Parent Relationship"] == "Outer")


def _is_whole(node: dict[str, Any]) -> bool:
    """Whether a node reads its table, or an index of it, without a key."""
    return node["Node Type"] == "Seq Scan" or (
        node["Node Type"].endswith(("Index Scan", "Index Only Scan")) and "Index Cond" not in node
    )


async def test_every_look_up_of_ingest_and_router_uses_an_index(pool: Pool) -> None:
    found = {
        (room, name): await read_whole(pool, load_statements(room)[name], arguments)
        for (room, name), arguments in LOOK_UPS.items()
    }
    assert {key: tables for key, tables in found.items() if tables} == {}
    # The control: what is searched without an index is seen.
    assert await read_whole(pool, "select from episode where service = $1", ("07",)) == {"episode"}
    await pool.execute("drop index episode_one_latest")
    await pool.execute("alter table episode drop constraint episode_pkey cascade")
    await pool.execute(
        "alter table episode drop constraint episode_vehicle_id_ecu_code_ordinal_key"
    )
    latest = load_statements("episodes")["select_latest_episodes"]
    assert await read_whole(pool, latest, (SOME,)) == {"episode"}


async def generic_reads(url: str, *, is_by_key: bool) -> set[str]:
    """What the roles read from end to end if that is planned on empty tables."""
    async with open_pool(url, size_max=1, is_by_key=is_by_key) as opened:
        await migrate(opened)
        async with opened.acquire() as connection:
            read: set[str] = set()
            for (room, name), arguments in (LOOK_UPS | DELIVERY).items():
                if room in ("reports", "episodes", "cases", "outbox", "log"):
                    statement = load_statements(room)[name]
                    read |= await read_whatever_comes(connection, statement, len(arguments))
            return read


async def test_a_service_that_began_with_empty_tables_looks_up_by_key_as_well(
    postgres_url: str,
) -> None:
    assert await generic_reads(postgres_url, is_by_key=True) == set()


async def test_without_that_it_would_read_all_of_them_for_each_batch(postgres_url: str) -> None:
    assert await generic_reads(postgres_url, is_by_key=False) >= {"vehicle", "event_0"}
