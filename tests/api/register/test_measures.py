"""Suspension and removal, from the notice to the last reason in a decision."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from api.testing import SITE, TITLE, Party, new_business, new_reviewer, new_site, rule
from routing.testing import LIGHT, site
from storage.directory import PostgresDirectoryStore
from storage.log import sequence_once, verify_log
from storage.pool import Pool

pytestmark = pytest.mark.integration

NOW = datetime.now(UTC)
DANGER = {"kind": "suspended", "cause": "safety", "reason": "Until explained.", "basis": "fire"}
DOUBT = {"kind": "removed", "cause": "evidence", "reason": "The register does not know it."}


async def desk(client: httpx.AsyncClient, pool: Pool) -> tuple[Party, Party, str]:
    """A reviewer, an accepted business, and its site, where somebody can mend a thermostat."""
    reviewer, business = await new_reviewer(client, pool), await new_business(client)
    site_id = await new_site(reviewer, business)
    made = await business.propose("credential", site=site_id, person=1, **TITLE)
    await rule(reviewer, made, evidence="register_checked")
    return reviewer, business, site_id


async def notice(reviewer: Party, business: Party, **body: Any) -> httpx.Response:
    return await reviewer.send("POST", f"{business.path}/measures", json=body)


async def rule_on(reviewer: Party, business: Party, measure: str, **body: Any) -> httpx.Response:
    path = f"{business.path}/measures/{measure}/ruling"
    return await reviewer.send("POST", path, json=body)


async def told(client: httpx.AsyncClient, at: datetime = NOW) -> list[tuple[str, str]]:
    """Rule and words for each site that is not on the list."""
    asked = {
        "codes": ["P0128"],
        "pos": [2.35, 48.85],
        "vehicle_class": "car",
        "at": (at + timedelta(minutes=1)).isoformat(),
    }
    answer = (await client.post("/v1/match", json=asked)).json()
    return [(one["rule"], str(one["why"])) for one in answer["excluded"]]


async def test_a_danger_counts_at_once_and_an_explanation_lifts_it(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    reviewer, business, site_id = await desk(client, pool)
    assert await told(client) == []
    assert (await notice(reviewer, business, **{**DANGER, "basis": ""})).status_code == 409
    made = (await notice(reviewer, business, **DANGER, site=site_id)).json()
    assert made["standing"] == "in_force"
    ((rule_name, why),) = await told(client, datetime.now(UTC))
    assert rule_name == "barred"
    assert "suspended since" in why
    assert "people would be in danger" in why
    assert "Until explained" not in why, "the whole reason is for the business"
    # An import changes the site and does not lift the bar.
    again = site(site_id, [LIGHT], lon_deg=2.35, lat_deg=48.85)
    await PostgresDirectoryStore(pool).import_sites([again], source="test")
    assert [one[0] for one in await told(client, datetime.now(UTC))] == ["barred"]
    reply = {"text": "The fire was next door."}
    path = f"/measures/{made['measure']}"
    assert (await business.send("POST", f"{path}/reply", json=reply)).status_code == 200
    ended = await rule_on(reviewer, business, made["measure"], uphold=False, reason="It was.")
    assert (ended.json()["standing"], ended.json()["reply"]) == ("ended", reply["text"])
    assert await told(client, datetime.now(UTC)) == []
    kinds = [event["kind"] for event in (await business.get("/history"))["items"][:3]]
    assert kinds == ["ended", "replied", "noticed"]
    await sequence_once(pool)
    assert (await verify_log(pool)).flaw is None


async def test_a_removal_waits_for_its_day_and_for_the_reply(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    reviewer, business, _ = await desk(client, pool)
    soon = (NOW + timedelta(days=29)).isoformat()
    early = await notice(reviewer, business, **DOUBT, effective_at=soon)
    assert (early.status_code, "30 days" in early.text) == (409, True)
    made = (await notice(reviewer, business, **DOUBT)).json()
    assert made["standing"] == "noticed"
    unheard = await rule_on(reviewer, business, made["measure"], uphold=True, reason="So.")
    assert (unheard.status_code, "may reply until" in unheard.text) == (409, True)
    await business.send("POST", f"/measures/{made['measure']}/reply", json={"text": "It does."})
    upheld = await rule_on(reviewer, business, made["measure"], uphold=True, reason="It does not.")
    assert upheld.json()["standing"] == "upheld"
    assert upheld.json()["begins_at"] == made["effective_at"]
    # Until that day it is offered, and from then on not, whoever asks when.
    assert await told(client, NOW + timedelta(days=29)) == []
    assert [one[0] for one in await told(client, NOW + timedelta(days=31))] == ["barred"]
    # A site that becomes its own meanwhile is no way round.
    other = await business.propose("site", **{**SITE, "name": "Garage 002"})
    await rule(reviewer, other)
    after = await told(client, NOW + timedelta(days=31))
    assert [one[0] for one in after] == ["barred", "barred"]
    # What was known before is known for ever after.
    store = PostgresDirectoryStore(pool)
    assert {one.bar for one in (await store.fetch_directory(known_at=NOW)).sites} <= {None}
    assert all(one.bar for one in (await store.fetch_directory()).sites)


async def test_a_measure_is_the_business_s_own_affair(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    reviewer, business, site_id = await desk(client, pool)
    other = await new_business(client, "Garage 002")
    wrong = await notice(reviewer, other, **DANGER, site=site_id)
    assert wrong.json()["errors"][0]["where"] == "body.fields.site"
    nobody = f"{business.path[:-12]}{'0' * 12}"
    missing = await reviewer.send("POST", f"{nobody}/measures", json=DANGER)
    assert missing.status_code == 404
    await notice(reviewer, business, **DANGER)
    assert len((await business.get("/measures"))["items"]) == 1
    assert (await other.get("/measures"))["items"] == []
    assert [one[0] for one in await told(client, datetime.now(UTC))] == ["barred"]
