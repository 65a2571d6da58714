"""Whose rules hold for a vehicle is what was stored last, and nothing stored is changed."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from dtc_db.knowledge import Knowledge
from routing.directory.snapshot import Directory
from routing.matching.policy import load_policy
from routing.matching.principal import principal_digest
from routing.model import RegisteredVehicle
from routing.plan import plan
from routing.ports import Claim, Refer, Verdict
from routing.principal import Principal, PrincipalKind
from routing.testing import LIGHT, site
from storage.cases import PostgresCaseStore
from storage.errors import ConflictError
from storage.hints import Hint
from storage.log import sequence_once, verify_log
from storage.migrate import load_migrations, migrate
from storage.pool import Pool, open_pool
from storage.principals import list_principals, store_principal
from storage.testing import claim_one, report
from storage.vehicles import register_vehicles

pytestmark = pytest.mark.integration

NORTH = Principal(
    name="north", version="1", kind=PrincipalKind.INSURER, approved_sites=frozenset({"b"})
)


@pytest.fixture
async def pool(postgres_url: str) -> AsyncIterator[Pool]:
    async with open_pool(postgres_url, size_max=4) as opened:
        await migrate(opened)
        yield opened


async def test_a_new_version_ends_the_one_before_and_both_are_kept(pool: Pool) -> None:
    assert await store_principal(pool, NORTH)
    assert not await store_principal(pool, NORTH)
    assert await store_principal(pool, replace(NORTH, version="2", distance_m_max=9))
    kept = await list_principals(pool)
    assert [(one.version, one.ended_at is None) for one in kept] == [("1", False), ("2", True)]


async def test_a_version_is_never_changed(pool: Pool) -> None:
    await store_principal(pool, NORTH)
    with pytest.raises(ConflictError, match="other rules"):
        await store_principal(pool, replace(NORTH, distance_m_max=9))
    assert [one.version for one in await list_principals(pool)] == ["1"]


async def test_who_stores_the_same_at_once_stores_it_once(pool: Pool) -> None:
    await store_principal(pool, NORTH)
    newer = replace(NORTH, version="2")
    done = await asyncio.gather(*(store_principal(pool, newer) for _ in range(4)))
    assert sum(done) == 1


async def test_a_vehicle_of_a_principal_without_rules_is_not_registered(pool: Pool) -> None:
    with pytest.raises(ConflictError, match="north"):
        await register_vehicles(pool, [RegisteredVehicle(unit="u1", principal="north")])
    assert await pool.fetchval("select count(*) from vehicle") == 0


async def test_the_router_gets_whose_rules_hold_and_refers_by_them(pool: Pool) -> None:
    await store_principal(pool, NORTH)
    vehicle = RegisteredVehicle(
        unit="u1", principal="north", warranty_until=date(2028, 3, 31), lang="de"
    )
    await register_vehicles(pool, [vehicle])
    at = datetime.now(UTC) - timedelta(seconds=1)
    claim = await claim_one(pool, await report(pool, "u1", "P0301", at=at))
    assert (claim.principal, claim.warranty_until, claim.lang) == (NORTH, date(2028, 3, 31), "de")
    verdict = plan(
        claim,
        knowledge=Knowledge.load(),
        directory=Directory([site("a", [LIGHT]), site("b", [LIGHT])], "1"),
        policy=load_policy(),
        at=at,
    )
    assert isinstance(verdict, Refer)
    assert verdict.referral is not None
    assert b'"principal":"north"' in verdict.referral.document
    assert b'"lang":"de"' in verdict.referral.short


async def test_a_vehicle_that_names_nobody_has_no_principal(pool: Pool) -> None:
    """The control: rules of somebody else do not reach it."""
    await store_principal(pool, NORTH)
    claim = await claim_one(pool, await report(pool, "u2", "P0301"))
    assert (claim.principal, claim.warranty_until, claim.lang) == (None, None, "en")


# --- rules that change while a case is open ------------------------------------------------------

GARAGES = [site("a", [LIGHT]), site("b", [LIGHT])]


async def on_the_road(pool: Pool, unit: str = "u1", principal: str | None = "north") -> None:
    """A vehicle of the principal with a fault that was referred."""
    await store_principal(pool, NORTH)
    await register_vehicles(pool, [RegisteredVehicle(unit=unit, principal=principal)])
    at = datetime.now(UTC) - timedelta(seconds=1)
    await report(pool, unit, "P0301", at=at)
    await pool.execute("update vehicle set lon_deg = 2.35, lat_deg = 48.85")
    await route(pool)


async def route(pool: Pool) -> int:
    """Decide about every vehicle that has work, due or not; how many had."""
    store = PostgresCaseStore(pool, work_hint=Hint())
    await pool.execute("update work set due_at = now() - interval '1 second'")
    claims = await store.claim(limit=10, lease_s=60)
    for claim in claims:
        assert await store.complete([(claim, verdict_on(claim))])
    return len(claims)


def verdict_on(claim: Claim) -> Verdict:
    return plan(
        claim,
        knowledge=Knowledge.load(),
        directory=Directory(GARAGES, "1"),
        policy=load_policy(),
        at=datetime.now(UTC),
    )


async def lists(pool: Pool) -> list[tuple[str | None, list[str], list[str]]]:
    """Of each referral: by which version of the rules, the list, the free choice."""
    rows = await pool.fetch("select document from referral order by version")
    documents = [json.loads(row["document"]) for row in rows]
    return [
        (
            one["inputs"].get("principal_version"),
            [offer["site"] for offer in one["offers"]],
            [offer["site"] for offer in one["free_choice"]],
        )
        for one in documents
    ]


async def test_an_open_case_is_referred_anew_when_its_principals_rules_change(pool: Pool) -> None:
    await on_the_road(pool)
    assert await lists(pool) == [("1", ["b"], ["a"])]
    await store_principal(pool, replace(NORTH, version="2", approved_sites=frozenset({"a"})))
    assert await route(pool) == 1
    assert await lists(pool) == [("1", ["b"], ["a"]), ("2", ["a"], ["b"])]
    pushed = await pool.fetch("select payload from outbox order by position")
    assert [json.loads(row["payload"])["version"] for row in pushed] == [1, 2]
    # A list that becomes empty is told as well, with what the driver may choose.
    await store_principal(pool, replace(NORTH, version="3", approved_sites=frozenset({"x"})))
    await route(pool)
    version, offers, free = (await lists(pool))[-1]
    assert (version, offers, sorted(free)) == ("3", [], ["a", "b"])


async def test_rules_that_change_nothing_for_a_case_make_no_other_version(pool: Pool) -> None:
    """The control, for the case and for vehicles of others."""
    await on_the_road(pool)
    await store_principal(pool, replace(NORTH, version="2", distance_m_max=50_000))
    assert await route(pool) == 1
    assert len(await lists(pool)) == 1
    await store_principal(pool, replace(NORTH, name="south"))
    assert await route(pool) == 0


async def test_a_vehicle_of_nobody_is_not_looked_at_again(pool: Pool) -> None:
    await on_the_road(pool, principal=None)
    await store_principal(pool, replace(NORTH, version="2"))
    assert await route(pool) == 0


async def test_rules_that_change_while_it_is_decided_are_not_missed(pool: Pool) -> None:
    await store_principal(pool, NORTH)
    await register_vehicles(pool, [RegisteredVehicle(unit="u1", principal="north")])
    await report(pool, "u1", "P0301", at=datetime.now(UTC) - timedelta(seconds=1))
    await pool.execute("update vehicle set lon_deg = 2.35, lat_deg = 48.85")
    store = PostgresCaseStore(pool, work_hint=Hint())
    (claim,) = await store.claim(limit=1, lease_s=60)
    await store_principal(pool, replace(NORTH, version="2", approved_sites=frozenset({"a"})))
    assert not await store.complete([(claim, verdict_on(claim))]), "by rules that hold no longer"
    await route(pool)
    assert await lists(pool) == [("2", ["a"], ["b"])]


async def test_a_change_of_rules_stands_in_the_log(pool: Pool) -> None:
    await store_principal(pool, NORTH)
    await store_principal(pool, NORTH)
    row = await pool.fetchrow("select kind, document from stated")
    assert row is not None
    assert row["kind"] == "principal_rules_stored"
    told = json.loads(row["document"])
    assert (told["principal"], told["version"], told["digest"]) == (
        *("north", "1"),
        principal_digest(NORTH),
    )
    await sequence_once(pool)
    assert (await verify_log(pool)).flaw is None
    assert await pool.fetchval("select count(*) from log_entry") == 1


async def test_a_referral_from_before_is_known_by_the_rules_in_its_document(pool: Pool) -> None:
    await on_the_road(pool)
    (migration,) = [one for one in load_migrations() if "rules_of_principals" in one.name]
    statement = migration.text[migration.text.index("update referral") :]
    await pool.execute("update referral set agreement = null, listed = null")
    await pool.execute(statement)
    assert await pool.fetchval("select agreement from referral") == principal_digest(NORTH)
