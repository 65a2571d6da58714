"""A customer's own rules reach the cases that are open already, and every trace of them is kept."""

import hashlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest

from dtc_db.knowledge import Knowledge
from dtc_db.own_rules import Effect, OwnRule, rules_digest
from dtc_db.urgency import Urgency
from routing.cases import package_rules
from routing.directory.snapshot import Directory
from routing.matching.policy import load_policy
from routing.model import RegisteredVehicle
from routing.plan import plan
from routing.ports import Verdict
from storage.cases import PostgresCaseStore
from storage.hints import Hint
from storage.knowledge import PostgresAddedStore, PostgresKnowledgeStore
from storage.log import sequence_once, verify_log
from storage.migrate import migrate
from storage.pool import Pool, open_pool
from storage.testing import report
from storage.vehicles import register_vehicles

pytestmark = pytest.mark.integration


@pytest.fixture
async def pool(postgres_url: str) -> AsyncIterator[Pool]:
    async with open_pool(postgres_url) as pool:
        await migrate(pool)
        yield pool


@cache
def knowledge() -> Knowledge:
    return Knowledge.load()


async def route(pool: Pool) -> list[Verdict]:
    """Decide about every vehicle that has work, due or not, as a router does."""
    store = PostgresCaseStore(pool, work_hint=Hint())
    await pool.execute("update work set due_at = now() - interval '1 second'")
    added = await PostgresAddedStore(pool).fetch_added()
    verdicts: list[Verdict] = []
    for claim in await store.claim(limit=50, lease_s=60):
        verdict = plan(
            claim,
            knowledge=knowledge().with_layers(added.layers),
            rules=package_rules().with_own(added.rules),
            directory=Directory([], "0"),
            policy=load_policy(),
            at=datetime.now(UTC),
        )
        assert await store.complete([(claim, verdict)])
        verdicts.append(verdict)
    return verdicts


async def make(pool: Pool, effect: str, pattern: str, **fields: str) -> str:
    to = fields.pop("to", None)
    rule = OwnRule(
        effect=Effect(effect),
        pattern=pattern,
        by="Ada Manager",
        at=datetime.now(UTC),
        urgency=Urgency(to) if to else None,
        **fields,
    )
    return await PostgresKnowledgeStore(pool).add_rule(rule)


async def undo(pool: Pool, rule_id: str) -> None:
    await PostgresKnowledgeStore(pool).end_rule(rule_id, by="Bo Boss", at=datetime.now(UTC))


async def documents(pool: Pool) -> list[dict[str, Any]]:
    rows = await pool.fetch("select document from referral order by decided_at, version")
    return [json.loads(row["document"]) for row in rows]


async def open_cases(pool: Pool) -> int:
    count: int = await pool.fetchval("select count(*) from repair_case where closed_at is null")
    return count


async def test_a_rule_reaches_an_open_case_and_its_undoing_too(pool: Pool) -> None:
    await report(pool, "u1", "P0335")
    await route(pool)
    rule_id = await make(pool, "lower", "P0335", to="soon", because="two engines")
    await route(pool)
    before, lowered = await documents(pool)
    assert (before["urgency"], lowered["urgency"]) == ("limp", "soon")
    entry = lowered["faults"][0]
    assert entry["before"] == {"text": before["faults"][0]["text"], "urgency": "limp"}
    assert entry["own_rules"][0]["rule"]["by"] == "Ada Manager"
    assert entry["own_rules"][0]["rule"]["because"] == "two engines"
    kept = await PostgresKnowledgeStore(pool).fetch_rules()
    assert lowered["inputs"]["rules_digest"] == rules_digest([each.rule for each in kept])
    # To look again at the same rules changes nothing, nor does a rule about something else.
    await make(pool, "ignore", "P0420", make="kia")
    assert len(await route(pool)) == 1
    await pool.execute(
        "insert into work (vehicle_id, due_at) select vehicle_id, now() from vehicle"
    )
    assert len(await route(pool)) == 1
    assert len(await documents(pool)) == 2
    await undo(pool, rule_id)
    await route(pool)
    undone = (await documents(pool))[-1]
    assert (undone["version"], undone["urgency"]) == (3, "limp")
    assert "rules_digest" not in undone["inputs"]
    assert await open_cases(pool) == 1


async def test_an_ignored_case_closes_and_goes_on_as_the_same_case_when_that_is_undone(
    pool: Pool,
) -> None:
    await report(pool, "u1", "P0420")
    await route(pool)
    rule_id = await make(pool, "ignore", "P0420")
    await route(pool)
    assert await open_cases(pool) == 0
    assert await route(pool) == [], "taken back once"
    aside = await pool.fetchrow("select reason, detail, ended_at from set_aside")
    assert (aside["reason"], aside["ended_at"]) == ("ignored", None)
    assert "by Ada Manager on" in aside["detail"]
    await undo(pool, rule_id)
    await route(pool)
    assert await open_cases(pool) == 1
    assert await pool.fetchval("select count(*) from repair_case") == 1
    first, taken_back, again = await documents(pool)
    assert [one["version"] for one in (first, taken_back, again)] == [1, 2, 3]
    assert await pool.fetchval("select ended_at is not null from set_aside")
    # The car hears of it in the order in which it was decided, and what it heard last holds.
    pushed = await pool.fetch("select payload from outbox order by position")
    heard = [json.loads(row["payload"]) for row in pushed]
    assert [one["version"] for one in heard] == [1, 2, 3]
    assert heard[1]["driver_action"] == heard[1]["notices"][0] == taken_back["notices"][0]
    assert heard[1]["driver_action"].startswith("What was recommended is taken back")
    assert (heard[1]["offers"], heard[1]["codes"]) == ([], ["P0420"])
    assert not any(one["driver_action"].startswith("What was") for one in (heard[0], heard[2]))


async def test_a_case_that_is_mended_takes_nothing_back(pool: Pool) -> None:
    """The control: a fault that was ignored before, or goes away, makes no such push."""
    await make(pool, "ignore", "P0420")
    await report(pool, "u1", "P0420", "P0301", at=datetime.now(UTC) - timedelta(hours=2))
    await route(pool)
    await report(pool, "u1", "P0420", at=datetime.now(UTC) - timedelta(hours=1))
    await route(pool)
    assert await open_cases(pool) == 0
    assert len(await documents(pool)) == 1


async def test_who_makes_and_undoes_a_rule_stands_in_the_log(pool: Pool) -> None:
    rule_id = await make(pool, "ignore", "P0420", because="known")
    await undo(pool, rule_id)
    rows = await pool.fetch("select kind, document from stated order by at")
    made, undone = (json.loads(row["document"]) for row in rows)
    assert (made["kind"], made["rule"]["because"]) == ("rule_made", "known")
    assert (undone["kind"], undone["rule"]["id"], undone["by"]) == (
        *("rule_undone", rule_id),
        "Bo Boss",
    )
    await sequence_once(pool)
    assert (await verify_log(pool)).flaw is None
    assert await pool.fetchval("select count(*) from log_entry") == 2


async def test_a_fault_that_was_ignored_from_the_first_opens_a_case_when_that_is_undone(
    pool: Pool,
) -> None:
    rule_id = await make(pool, "ignore", "P0420")
    await report(pool, "u1", "P0420")
    await route(pool)
    assert (await documents(pool), await open_cases(pool)) == ([], 0)
    await undo(pool, rule_id)
    await route(pool)
    (document,) = await documents(pool)
    assert [fault["code"] for fault in document["faults"]] == ["P0420"]


async def test_a_rule_reaches_its_own_fleet_and_no_other_and_stands_in_the_document(
    pool: Pool,
) -> None:
    fleets = {"u1": "north", "u2": "south"}
    await register_vehicles(
        pool, [RegisteredVehicle(unit=unit, fleet=fleet) for unit, fleet in fleets.items()]
    )
    for unit in fleets:
        await report(pool, unit, "P0420", "C0035")
    await route(pool)
    await make(pool, "ignore", "P0420", fleet="north")
    woken = await pool.fetch("select unit from work join vehicle using (vehicle_id)")
    assert [row["unit"] for row in woken] == ["u1"]
    await route(pool)
    latest = (await documents(pool))[-1]
    assert latest["version"] == 2
    assert [fault["code"] for fault in latest["faults"]] == ["C0035"]
    (aside,) = latest["set_aside"]
    assert (aside["code"], aside["role"]) == ("P0420", "ignored")
    assert aside["own_rules"][0]["rule"]["by"] == "Ada Manager"
    assert await open_cases(pool) == 2


async def test_no_rule_talks_down_what_must_be_towed_and_the_attempt_is_on_record(
    pool: Pool,
) -> None:
    await report(pool, "u1", "P0AA6")
    await route(pool)
    await make(pool, "ignore", "P0AA6")
    await route(pool)
    await make(pool, "lower", "P0AA6", to="info", make="")
    await route(pool)
    first, *others = await documents(pool)
    for other in others:
        assert first["urgency"] == other["urgency"] == "tow"
        assert first["need"] == other["need"]
        assert other["faults"][0]["own_rules"][0]["applied"] is False
    assert others
    assert await open_cases(pool) == 1


async def test_who_changes_a_rule_or_a_document_afterwards_is_found_out(pool: Pool) -> None:
    await report(pool, "u1", "P0335")
    rule_id = await make(pool, "lower", "P0335", to="soon")
    await route(pool)
    (document,) = await documents(pool)
    digest = document["inputs"]["rules_digest"]
    kept = await PostgresKnowledgeStore(pool).fetch_rules()
    assert rules_digest([each.rule for each in kept]) == digest
    await pool.execute("update own_rule set made_by = 'nobody' where rule_id = $1", int(rule_id))
    kept = await PostgresKnowledgeStore(pool).fetch_rules()
    assert rules_digest([each.rule for each in kept]) != digest
    written = await pool.fetchval("select document from referral")
    bodies = [json.loads(row["body"]) for row in await pool.fetch("select body from log_pending")]
    (entry,) = [body for body in bodies if body["type"] == "referral"]
    assert entry["document_sha256"] == hashlib.sha256(written).hexdigest()
