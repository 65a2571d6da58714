"""From an attested repair to a record in the directory: what the vehicle shows, no more."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from api.testing import Party, new_business, new_reviewer
from dtc_db.knowledge import Knowledge
from gateway.model import Position
from routing.matching.policy import load_policy
from routing.outcomes import Outcomes
from routing.plan import CAME_BACK_DAYS_MAX, plan
from routing.ports import Close, Refer
from routing.testing import LIGHT, site
from storage.cases import PostgresCaseStore
from storage.directory import PostgresDirectoryStore
from storage.hints import Hint
from storage.log import sequence_once, verify_log
from storage.outcomes import settle
from storage.pool import Pool
from storage.testing import report

pytestmark = pytest.mark.integration

NOW = datetime.now(UTC)
START = NOW - timedelta(days=CAME_BACK_DAYS_MAX + 30)
INVOICE = {"site": "a", "basis": "invoice seen"}


async def tell(pool: Pool, unit: str, *codes: str, at: datetime) -> None:
    await report(pool, unit, *codes, at=at, position=Position(2.35, 48.85))


async def decide(pool: Pool, *, at: datetime) -> Refer | Close:
    """What the router does for the one vehicle that is due, as if it were that late."""
    store = PostgresCaseStore(pool, work_hint=Hint())
    await pool.execute("update work set due_at = now() - interval '1 s'")
    (claim,) = await store.claim(limit=2, lease_s=60)
    directory = await PostgresDirectoryStore(pool).fetch_directory()
    verdict = plan(
        claim, knowledge=Knowledge.load(), directory=directory, policy=load_policy(), at=at
    )
    assert isinstance(verdict, Refer | Close)
    assert await store.complete([(claim, verdict)])
    return verdict


async def opened(pool: Pool, unit: str) -> UUID:
    """A case that was referred to the only site, long ago."""
    await PostgresDirectoryStore(pool).import_sites([site("a", [LIGHT])], source="test")
    await tell(pool, unit, "P0128", at=START)
    verdict = await decide(pool, at=START + timedelta(seconds=1))
    assert isinstance(verdict, Refer)
    return verdict.case_id


async def closed(pool: Pool, unit: str) -> UUID:
    """The same, an hour later: the fault is gone."""
    case_id = await opened(pool, unit)
    await tell(pool, unit, at=START + timedelta(hours=1))
    assert isinstance(await decide(pool, at=START + timedelta(hours=2)), Close)
    return case_id


async def known(pool: Pool) -> Outcomes | None:
    """What the directory knows of the site, read whole and read by what changed."""
    store = PostgresDirectoryStore(pool)
    found = (await store.fetch_directory()).find("a")
    again = (await store.fetch_directory()).find("a")
    assert found == again
    assert found is not None
    return found.outcomes


async def attest(reviewer: Party, case: UUID, **body: Any) -> httpx.Response:
    return await reviewer.send("PUT", f"/v1/cases/{case}/repair", json={**INVOICE, **body})


async def outcome(reviewer: Party, case: UUID) -> str:
    return str((await reviewer.get(f"/v1/cases/{case}/repair"))["outcome"])


async def test_a_repair_that_held_is_told_in_the_next_list(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    reviewer, case = await new_reviewer(client, pool), await closed(pool, "u1")
    assert (await attest(reviewer, case)).json()["outcome"] == "waiting"
    # The control: time alone proves nothing while the vehicle is silent.
    assert await settle(pool, now=NOW) == 0
    assert await known(pool) is None
    before = await PostgresDirectoryStore(pool).fetch_version()
    await tell(pool, "u1", at=NOW - timedelta(hours=1))
    assert await settle(pool, now=NOW) == 1
    assert await outcome(reviewer, case) == "held"
    assert await known(pool) == Outcomes(1, 0)
    version = await PostgresDirectoryStore(pool).fetch_version()
    assert await settle(pool, now=NOW) == 0, "settled once"
    assert await PostgresDirectoryStore(pool).fetch_version() == version
    asked = {"codes": ["P0301"], "powertrain": "petrol", "pos": [2.35, 48.85]}
    (offer,) = (await client.post("/v1/match", json=asked)).json()["offers"]
    terms = {term["name"]: term["value"] for term in offer["terms"]}
    assert terms["outcomes"] == 575
    assert "1 of 1 verified repairs there held" in offer["why"]
    # What was known before is still to be read, and an import leaves the record alone.
    old = await PostgresDirectoryStore(pool).fetch_directory(known_at=START)
    assert len(old) == 0
    assert before != await PostgresDirectoryStore(pool).fetch_version()
    await PostgresDirectoryStore(pool).import_sites([site("a", [LIGHT], country="BE")], source="x")
    assert await known(pool) == Outcomes(1, 0)
    await sequence_once(pool)
    assert (await verify_log(pool)).flaw is None


async def test_a_fault_that_came_back_counts_against_the_site_at_once(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    reviewer, case = await new_reviewer(client, pool), await closed(pool, "u1")
    await attest(reviewer, case)
    await tell(pool, "u1", "P0128", at=START + timedelta(days=20))
    again = await decide(pool, at=START + timedelta(days=20, seconds=1))
    assert isinstance(again, Refer)
    assert again.came_back_from == case
    assert await settle(pool, now=START + timedelta(days=21)) == 1
    assert (await outcome(reviewer, case), await known(pool)) == ("came_back", Outcomes(0, 1))
    # That somebody attests the second visit does not take the first one back.
    await tell(pool, "u1", at=NOW)
    assert await settle(pool, now=NOW + timedelta(days=200)) == 0


async def test_what_is_open_or_closed_over_a_fault_that_is_on_is_not_counted(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    reviewer, case = await new_reviewer(client, pool), await opened(pool, "u1")
    assert (await attest(reviewer, case)).json()["outcome"] == "open"
    await tell(pool, "u1", "P0128", at=NOW)
    assert await settle(pool, now=NOW) == 0
    # As a customer's rule that ignores the fault closes it.
    await pool.execute("update repair_case set closed_at = $1", START + timedelta(days=1))
    assert await settle(pool, now=NOW) == 0
    # The control: with the fault off it counts.
    await pool.execute("update episode set off_at = $1", START + timedelta(days=1))
    assert await settle(pool, now=NOW) == 1


async def test_only_a_reviewer_attests_and_only_for_a_site_that_was_on_the_list(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    reviewer, business = await new_reviewer(client, pool), await new_business(client)
    case = await closed(pool, "u1")
    path = f"/v1/cases/{case}/repair"
    assert (await client.put(path, json=INVOICE)).status_code == 401
    own = await client.put(
        path, json=INVOICE, headers={"Authorization": f"Bearer {business.token}"}
    )
    assert own.status_code == 403
    assert (await attest(reviewer, case, site="b")).status_code == 409
    assert (await attest(reviewer, case, basis="")).status_code == 422
    assert (await attest(reviewer, UUID(int=9))).status_code == 404
    assert (await reviewer.send("GET", path)).status_code == 404
    first = (await attest(reviewer, case)).json()
    assert (await attest(reviewer, case, basis="told again")).json() == first


async def test_what_was_attested_by_mistake_is_taken_back_and_counts_no_more(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    reviewer, case = await new_reviewer(client, pool), await closed(pool, "u1")
    await attest(reviewer, case)
    await tell(pool, "u1", at=NOW)
    await settle(pool, now=NOW)
    assert await known(pool) == Outcomes(1, 0)
    path = f"/v1/cases/{case}/repair"
    assert (await reviewer.send("DELETE", path)).status_code == 204
    assert (await reviewer.send("DELETE", path)).status_code == 404
    assert await settle(pool, now=NOW) == 1
    assert await known(pool) is None
    told = [
        (row["kind"], json.loads(row["document"])["site"])
        for row in await pool.fetch("select kind, document from stated order by at")
    ]
    assert told == [("repair_attested", "a"), ("repair_withdrawn", "a")]
    await sequence_once(pool)
    assert (await verify_log(pool)).flaw is None
    # The control: a statement that somebody changes is found out.
    await pool.execute("alter table stated disable trigger stated_stays")
    await pool.execute("update stated set document = document || ' '")
    assert (await verify_log(pool)).flaw is not None
