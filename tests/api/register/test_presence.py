"""Who is away is not offered, and is told of what ends."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from api.testing import TITLE, Party, new_business, new_reviewer, new_site, rule
from storage.pool import Pool
from storage.register import presence
from storage.register.reminders import keep_due, list_untold, mark_told
from storage.register.upkeep import keep_up

pytestmark = pytest.mark.integration

NOW = datetime.now(UTC)


def day(ahead: int) -> str:
    return (NOW + timedelta(days=ahead)).date().isoformat()


async def state(business: Party, **fields: Any) -> httpx.Response:
    return await business.send("PUT", "/presence", json={"fields": fields})


async def working_site(client: httpx.AsyncClient, pool: Pool, **title: str) -> tuple[Party, str]:
    """An accepted business whose one person holds what a thermostat takes."""
    reviewer, business = await new_reviewer(client, pool), await new_business(client)
    site_id = await new_site(reviewer, business)
    made = await business.propose("credential", site=site_id, person=1, **{**TITLE, **title})
    await rule(reviewer, made, evidence="register_checked")
    return business, site_id


async def reasons(client: httpx.AsyncClient) -> list[str]:
    """Why the one site is not on the list; empty if it is."""
    asked = {"codes": ["P0128"], "pos": [2.35, 48.85], "vehicle_class": "car"}
    answer = (await client.post("/v1/match", json=asked)).json()
    assert len(answer["offers"]) + len(answer["excluded"]) == 1
    return [one["rule"] for one in answer["excluded"]]


async def test_an_absence_counts_from_the_next_case_until_it_is_over(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    business, site_id = await working_site(client, pool)
    assert await reasons(client) == []
    away = f"{day(-1)}/{day(60)}"
    assert (await state(business, site=site_id, person=1, absences=[away])).status_code == 204
    assert await reasons(client) == ["skills"]
    assert (await state(business, site=site_id, person=1)).status_code == 204
    assert await reasons(client) == []
    assert (await state(business, site=site_id, absences=away)).status_code == 204
    assert await reasons(client) == ["closed"]
    assert (await state(business, site=site_id)).status_code == 204
    assert await reasons(client) == []
    left = {"site": site_id, "person": 1, "employed_until": day(-1), "hours": "Mo-Fr 08:00-17:00"}
    assert (await state(business, **left)).status_code == 204
    assert await reasons(client) == ["skills"]
    (person,) = (await business.get())["detail"][0]["people"]
    assert (person["employed_until"], person["hours"]) == (left["employed_until"], left["hours"])
    assert len(person["titles"]) == 1
    # The same again is no event; each of the others is one.
    assert (await state(business, **left)).status_code == 204
    kinds = [event["kind"] for event in (await business.get("/history"))["items"]]
    assert kinds.count("stated") == 5


async def test_an_absence_of_what_is_not_there_or_another_s_is_refused(
    client: httpx.AsyncClient, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    business, site_id = await working_site(client, pool)
    other = await new_business(client, "Garage 002")
    for who, fields, where in (
        (other, {"site": site_id, "absences": [day(1)]}, "site"),
        (business, {"site": "nowhere"}, "site"),
        (business, {"site": site_id, "person": 2}, "person"),
        (business, {"site": site_id, "person": 1, "absences": ["soon"]}, "absences"),
        (business, {"site": site_id, "hours": "24/7"}, "hours"),
        (business, {"site": site_id, "person": 1, "employer": "x"}, "employer"),
    ):
        answer = await state(who, **fields)
        assert answer.status_code == 422
        assert [part["where"] for part in answer.json()["errors"]] == [f"body.fields.{where}"]
    assert await reasons(client) == []
    monkeypatch.setattr(presence, "A_DAY_MAX", 0)
    assert (await state(business, site=site_id, person=1)).status_code == 429


async def test_reminders_are_kept_once_and_told_once(client: httpx.AsyncClient, pool: Pool) -> None:
    business, site_id = await working_site(client, pool, valid_until=day(60))
    await keep_up(pool, now=NOW)
    assert await keep_due(pool, now=NOW) == 0
    (one,) = (await business.get("/reminders", lang="fr"))["items"]
    assert (one["site"], one["ends"], one["ahead_days"]) == (site_id, day(60), 90)
    assert one["skills"] == one["lost"] != []
    assert one["issuer"]
    assert one["issuer"] != (await business.get("/reminders"))["items"][0]["issuer"]
    # The next mark is another reminder; a day between is none.
    assert await keep_due(pool, now=NOW + timedelta(days=29)) == 0
    assert await keep_due(pool, now=NOW + timedelta(days=30)) == 1
    untold = await list_untold(pool)
    assert {kept.contact for kept in untold} == {"desk@garage.example"}
    assert "desk@garage.example" not in repr(untold)
    await mark_told(pool, untold[:1], at=NOW)
    assert len(await list_untold(pool)) == 1
    assert json.dumps(await business.get("/reminders")).count(day(60)) == 2
    other = await new_business(client, "Garage 002")
    assert (await other.get("/reminders"))["items"] == []
