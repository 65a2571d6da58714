"""Whose rules hold for a vehicle is what was stored last, and nothing stored is changed."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from dtc_db.knowledge import Knowledge
from routing.directory.snapshot import Directory
from routing.matching.policy import load_policy
from routing.model import RegisteredVehicle
from routing.ports import Refer
from routing.principal import Principal, PrincipalKind
from routing.service import plan
from routing.testing import LIGHT, site
from storage.errors import ConflictError
from storage.migrate import migrate
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
