"""Asking for a list over HTTP: the same decision as everywhere, and nothing is kept."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.app import create_app
from routing.decision import Rule
from routing.matching.policy import load_policy
from routing.testing import LIGHT, held, site
from storage.directory import PostgresDirectoryStore
from storage.pool import Pool

pytestmark = pytest.mark.integration

FR = "fr-nf-c-18-550"
ABLE = [held(FR, "BCL"), held(FR, "B2TL")]
ASKED: dict[str, Any] = {
    "codes": ["P0AA6"],
    "pos": [2.35, 48.85],
    "powertrain": "bev",
    "vehicle_class": "car",
    "at": "2026-11-23T10:00:00Z",
}


async def ask(client: httpx.AsyncClient, **changes: Any) -> httpx.Response:
    return await client.post("/v1/match", json={**ASKED, **changes})


async def test_a_fault_gets_its_list_with_the_stable_names(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    sites = [site("able", ABLE), site("other", [LIGHT])]
    await PostgresDirectoryStore(pool).import_sites(sites, source="test")
    answer = (await ask(client)).json()
    assert {"need", "offers", "excluded", "notices", "inputs"} <= answer.keys()
    assert [offer["site"] for offer in answer["offers"]] == ["able"]
    names = {"site", "name", "distance_m", "travel_s", "score", "terms"}
    assert names <= answer["offers"][0].keys()
    assert [(one["site"], one["rule"]) for one in answer["excluded"]] == [("other", "skills")]
    assert answer["excluded"][0]["missing"] == ["hv.deenergised", "hv.isolate", "hv.live"]


async def test_a_change_of_the_directory_counts_at_once(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    assert (await ask(client)).json()["offers"] == []
    await PostgresDirectoryStore(pool).import_sites([site("able", ABLE)], source="test")
    assert len((await ask(client)).json()["offers"]) == 1


async def test_the_same_question_gets_the_same_bytes_and_nothing_is_stored(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    await PostgresDirectoryStore(pool).import_sites([site("able", ABLE)], source="test")
    assert (await ask(client)).content == (await ask(client)).content
    for table in ("referral", "repair_case"):
        assert await pool.fetchval(f"select count(*) from {table}") == 0  # noqa: S608 - our names


async def test_without_a_place_or_a_time_there_is_an_answer_too(client: httpx.AsyncClient) -> None:
    answer = (await ask(client, pos=None, at=None)).json()
    assert "where it is" in answer["notices"][0]


async def test_many_who_ask_at_once_are_all_answered_alike(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    sites = [site(f"s{n}", ABLE) for n in range(30)]
    await PostgresDirectoryStore(pool).import_sites(sites, source="test")
    answers = await asyncio.gather(*(ask(client) for _ in range(20)))
    assert len({answer.content for answer in answers}) == 1


async def test_a_database_that_is_away_is_said_to_be(pool: Pool) -> None:
    await pool.close()
    transport = httpx.ASGITransport(create_app(pool))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        assert (await ask(client)).status_code == 503


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"codes": []}, "body.codes"),
        ({"codes": ["P0301", "P538F"]}, "body.codes.1"),
        ({"codes": ["P0301"] * 51}, "body.codes"),
        ({"pos": [2.35]}, "body.pos"),
        ({"pos": [181, 0]}, "body.pos"),
        ({"pos": ["x", 0]}, "body.pos.0"),
        ({"at": "2026-11-23T10:00:00"}, "body.at"),
        ({"powertrain": "steam"}, "body.powertrain"),
        ({"status": "pendign"}, "body.status"),
        ({"bribe": 1}, "body.bribe"),
    ],
)
async def test_a_question_nobody_can_read_is_refused_with_the_place(
    client: httpx.AsyncClient, changes: dict[str, Any], where: str
) -> None:
    response = await ask(client, **changes)
    assert response.status_code == 422
    problem = response.json()
    assert [part["where"] for part in problem["errors"]] == [where]
    assert "P538F" not in response.text


async def test_the_ranking_policy_is_told_in_numbers_and_words(client: httpx.AsyncClient) -> None:
    answer = (await client.get("/v1/ranking-policy")).json()
    policy = load_policy()
    assert (answer["version"], answer["digest"]) == (policy.version, policy.digest)
    assert [rule["rule"] for rule in answer["rules"]] == [rule.value for rule in Rule]
    assert [term["name"] for term in answer["terms"]] == [term.name for term in policy.terms]
    assert all(entry["text"] for entry in (*answer["rules"], *answer["terms"]))
    assert "Nobody can pay" in answer["text"][0]
    assert not any("{" in sentence for sentence in answer["text"])


def test_the_page_on_http_names_both() -> None:
    page = Path(__file__).parents[2].joinpath("docs", "http.md").read_text("utf-8")
    assert "/v1/match" in page
    assert "/v1/ranking-policy" in page
