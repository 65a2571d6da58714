"""Every route of self-service, tried with every kind of key on everybody's things.

The routes are those that the service describes: one that is new and not in the table fails here.
"""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from api.testing import SITE, Party, new_business, new_reviewer
from storage.pool import Pool

pytestmark = pytest.mark.integration

OPEN, ANY, REVIEWER, PARTY, OWNER = "open", "any", "reviewer", "party", "owner"
ROUTES = {
    ("get", "/v1/key"): ANY,
    ("post", "/v1/businesses"): OPEN,
    ("get", "/v1/businesses"): REVIEWER,
    ("get", "/v1/proposals"): REVIEWER,
    ("get", "/v1/businesses/{business}"): PARTY,
    ("get", "/v1/businesses/{business}/history"): PARTY,
    ("get", "/v1/businesses/{business}/proposals"): PARTY,
    ("post", "/v1/businesses/{business}/proposals"): OWNER,
    ("get", "/v1/businesses/{business}/proposals/{proposal}"): PARTY,
    ("delete", "/v1/businesses/{business}/proposals/{proposal}"): OWNER,
    ("post", "/v1/businesses/{business}/proposals/{proposal}/ruling"): REVIEWER,
    ("post", "/v1/businesses/{business}/documents"): OWNER,
    ("get", "/v1/businesses/{business}/documents/{document}"): PARTY,
    ("put", "/v1/businesses/{business}/presence"): OWNER,
    ("get", "/v1/businesses/{business}/reminders"): PARTY,
    ("post", "/v1/businesses/{business}/measures"): REVIEWER,
    ("get", "/v1/businesses/{business}/measures"): PARTY,
    ("get", "/v1/businesses/{business}/measures/{measure}"): PARTY,
    ("post", "/v1/businesses/{business}/measures/{measure}/reply"): OWNER,
    ("post", "/v1/businesses/{business}/measures/{measure}/ruling"): REVIEWER,
}
# Who gets past the check of keys; what the route then says of the request is another matter.
PASSES = {
    OPEN: {"nobody", "reviewer"},
    ANY: {"own", "other", "reviewer"},
    REVIEWER: {"reviewer"},
    PARTY: {"own", "reviewer"},
    OWNER: {"own"},
}


async def ids_of(reviewer: Party, business: Party) -> dict[str, str]:
    """The ids that stand in paths, of things of this business."""
    made = await business.propose("site", **SITE)
    notice = {"kind": "removed", "cause": "gone", "reason": "Nobody opens."}
    measure = await reviewer.send("POST", f"{business.path}/measures", json=notice)
    return {
        "business": business.path.rpartition("/")[2],
        "proposal": made["proposal"],
        "measure": measure.json()["measure"],
        "document": await business.document(),
    }


async def try_route(
    client: httpx.AsyncClient, method: str, path: str, token: str | None
) -> httpx.Response:
    bodies: dict[str, Any] = {
        "ruling": {"uphold": True, "reason": ""}
        if "/measures/" in path
        else {"accept": False, "reason": ""},
        "businesses": {"name": "Garage", "country": "FR", "contact": "desk@garage.example"},
        "proposals": {"kind": "site", "fields": {}},
        "presence": {"fields": {}},
        "measures": {"kind": "removed", "cause": "gone", "reason": ""},
        "reply": {"text": ""},
    }
    body = bodies.get(path.rpartition("/")[2]) if method != "get" else None
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return await client.request(method, path, headers=headers, json=body)


def is_keyed(operation: dict[str, Any]) -> bool:
    return "self-service" in operation.get("tags", ())


async def test_every_route_by_every_key_on_everybodys_things(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    document = (await client.get("/v1/openapi.json")).json()
    described = {
        (method, path)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if is_keyed(operation)
    }
    assert described == set(ROUTES)
    reviewer = await new_reviewer(client, pool)
    own, other = await new_business(client), await new_business(client, "Garage 002")
    ids = await ids_of(reviewer, own)
    await ids_of(reviewer, other)
    keys = {
        "nobody": None,
        "a guess": "rbk_" + "A" * 43,
        "own": own.token,
        "other": other.token,
        "reviewer": reviewer.token,
    }
    before = await pool.fetch("select * from proposal order by proposal_id")
    for (method, path), needs in ROUTES.items():
        for who, token in keys.items():
            if who in PASSES[needs] and (method, needs) != ("get", ANY):
                continue
            answer = await try_route(client, method, path.format(**ids), token)
            expected = 401 if token is None or who == "a guess" else 403
            if who == "other" and needs in (PARTY, OWNER):
                expected = 404
            if who in PASSES[needs]:
                expected = 200
            assert answer.status_code == expected, (method, path, who, answer.text)
    # Nobody changed anything; and who is let in, is let in.
    assert await pool.fetch("select * from proposal order by proposal_id") == before
    for (method, path), needs in ROUTES.items():
        for who in PASSES[needs] - {"nobody"}:
            if method == "delete":
                continue
            answer = await try_route(client, method, path.format(**ids), keys[who])
            assert answer.status_code not in (401, 403, 404), (method, path, who, answer.text)


async def test_under_its_own_path_a_business_finds_nothing_of_another(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    reviewer = await new_reviewer(client, pool)
    own, other = await new_business(client), await new_business(client, "Garage 002")
    await other.document(b"%PDF another one")
    foreign = {**await ids_of(reviewer, other), "business": own.path.rpartition("/")[2]}
    foreign["document"] = await other.document(b"%PDF theirs")
    unknown = {**foreign, "proposal": str(uuid4()), "measure": str(uuid4()), "document": "0" * 64}
    for (method, path), needs in ROUTES.items():
        if needs in (PARTY, OWNER) and path.count("{") == 2:
            answers = [
                await try_route(client, method, path.format(**ids), own.token)
                for ids in (foreign, unknown)
            ]
            assert [answer.status_code for answer in answers] == [404, 404], (method, path)
            assert answers[0].text == answers[1].text, "theirs and nothing are told apart"
