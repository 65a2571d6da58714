"""What a business says counts when a reviewer says so, and never before."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from api.testing import (
    PDF,
    SITE,
    TITLE,
    Party,
    accept_business,
    new_business,
    new_reviewer,
    new_site,
    rule,
)
from storage.log import sequence_once, verify_log
from storage.pool import Pool

pytestmark = pytest.mark.integration

ASKED: dict[str, Any] = {
    "codes": ["P0128"],
    "pos": [2.35, 48.85],
    "vehicle_class": "car",
    "powertrain": "petrol",
}


@pytest.fixture
async def reviewer(client: httpx.AsyncClient, pool: Pool) -> Party:
    return await new_reviewer(client, pool)


async def offered(client: httpx.AsyncClient) -> list[tuple[str, str]]:
    """The sites on the list, and how the weakest title needed is known."""
    answer = (await client.post("/v1/match", json=ASKED)).json()
    return [(one["site"], one["evidence"][0]["evidence"]) for one in answer["offers"]]


async def test_nothing_counts_that_was_only_proposed(
    client: httpx.AsyncClient, reviewer: Party
) -> None:
    business = await new_business(client)
    site = await business.propose("site", **SITE)
    site_id = site["fields"]["site"]
    title = await business.propose("credential", site=site_id, person=1, **TITLE)
    assert await offered(client) == []
    # Not in another order either: each rests on the one before.
    for early in (title, site):
        answer = await rule(reviewer, early, evidence="declared" if early is title else None)
        assert answer.status_code == 409
        assert "accepted first" in answer.json()["detail"]
    await accept_business(reviewer, business)
    assert (await rule(reviewer, site)).status_code == 200
    assert await offered(client) == []
    assert (await rule(reviewer, title, evidence="declared")).status_code == 200
    assert await offered(client) == [(site_id, "declared")]
    known = await business.get()
    assert (known["state"], known["sites"]) == ("accepted", [site_id])
    (held,) = known["detail"][0]["people"][0]["titles"]
    assert (held["evidence"], bool(held["skills"])) == ("declared", True)


async def test_what_is_refused_never_counts_and_the_reason_names_its_field(
    client: httpx.AsyncClient, reviewer: Party
) -> None:
    business = await new_business(client)
    site_id = await new_site(reviewer, business)
    title = await business.propose("credential", site=site_id, person=1, **TITLE)
    for body in ({}, {"reason": "  "}, {"reason": "no", "about": "shoe_size"}):
        assert (await rule(reviewer, title, accept=False, **body)).status_code == 409
    why = {"reason": "The certificate names another day.", "about": "valid_from"}
    assert (await rule(reviewer, title, accept=False, **why)).status_code == 200
    again = await rule(reviewer, title, evidence="declared")
    assert (again.status_code, again.json()["detail"]) == (409, "the proposal is refused already")
    assert await offered(client) == []
    (told,) = (await business.get("/proposals", state="refused"))["items"]
    assert (told["reason"], told["about"]) == (why["reason"], why["about"])
    # The control: mended, the same counts.
    mended = {**TITLE, "valid_from": "2013-07-01"}
    title = await business.propose("credential", site=site_id, person=1, **mended)
    await rule(reviewer, title, evidence="register_checked")
    assert await offered(client) == [(site_id, "register_checked")]


async def test_a_document_is_seen_only_if_there_is_one(
    client: httpx.AsyncClient, reviewer: Party
) -> None:
    business = await new_business(client)
    site_id = await new_site(reviewer, business)
    about = {"site": site_id, "person": 1, **TITLE}
    bare = await business.propose("credential", **about)
    assert (await rule(reviewer, bare, evidence="document_seen")).status_code == 409
    assert (await rule(reviewer, bare, evidence="verified")).status_code == 409
    assert (await rule(reviewer, bare)).status_code == 409
    digest = await business.document()
    shown = await business.propose("credential", digest, **about)
    answer = await reviewer.send("GET", f"{business.path}/documents/{digest}")
    assert (answer.content, answer.headers["content-type"]) == (PDF, "application/pdf")
    assert answer.headers["content-disposition"] == "attachment"
    assert (await rule(reviewer, shown, evidence="document_seen")).status_code == 200
    assert await offered(client) == [(site_id, "document_seen")]
    # What is known well is not forgotten for a weaker word.
    weaker = await rule(reviewer, bare, evidence="declared")
    assert "known better" in weaker.json()["detail"]
    named = {"kind": "credential", "fields": about, "documents": ["0" * 64]}
    assert (await business.send("POST", "/proposals", json=named)).status_code == 409


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("site", {**SITE, "lon": 200}, "lon"),
    ("site", {**SITE, "opening_hours": "whenever"}, "opening_hours"),
    ("site", {**SITE, "makes": ["x"] * 51}, "makes"),
    ("site", {**SITE, "site": "osm:node/1"}, "site"),
    ("site", {**SITE, "evidence": "verified"}, "evidence"),
    ("site", {**SITE, "name": "a\x00b"}, "name"),
    ("credential", {"person": 1, **TITLE, "site": "nowhere"}, "site"),
    ("credential", {"person": 1, **TITLE, "title": "wizard"}, "title"),
    ("credential", {"person": 0, **TITLE}, "person"),
    ("credential", {"person": 1, **TITLE, "valid_until": "2011-01-01"}, "valid_until"),
    ("credential", {"person": 1, **TITLE, "valid_until": "2020-01-01"}, "valid_until"),
    ("credential", {"person": 1, **TITLE, "revoked": "no"}, "revoked"),
    ("person", {"person": 1, "holder": "two words"}, "holder"),
    ("person", {"person": 1, "hours": "24/7"}, "hours"),
]


async def test_a_field_is_read_by_the_rules_for_files_and_named(client: httpx.AsyncClient) -> None:
    business = await new_business(client)
    site = (await business.propose("site", **SITE))["fields"]["site"]
    for kind, given, where in WRONG:
        fields = given if kind == "site" else {"site": site, **given}
        answer = await business.send("POST", "/proposals", json={"kind": kind, "fields": fields})
        assert answer.status_code == 422, given
        assert [part["where"] for part in answer.json()["errors"]] == [f"body.fields.{where}"]
    assert len((await business.get("/proposals"))["items"]) == 2


async def test_a_site_of_the_directory_can_become_the_business_s_own_but_not_another_s(
    client: httpx.AsyncClient, pool: Pool, reviewer: Party
) -> None:
    one, other = await new_business(client), await new_business(client, "Garage 002")
    site_id = await new_site(reviewer, one)
    await accept_business(reviewer, other)
    taken = {"kind": "site", "fields": {**SITE, "site": site_id, "name": "Mine now"}}
    assert (await other.send("POST", "/proposals", json=taken)).status_code == 422
    await pool.execute("delete from business_site")
    claims = [await each.propose("site", **{**SITE, "site": site_id}) for each in (other, one)]
    assert (await rule(reviewer, claims[0])).status_code == 200
    late = await rule(reviewer, claims[1])
    assert (late.status_code, "another business" in late.text) == (409, True)


async def test_every_decision_stands_in_the_history_and_in_the_log(
    client: httpx.AsyncClient, pool: Pool, reviewer: Party
) -> None:
    business = await new_business(client)
    site_id = await new_site(reviewer, business)
    title = await business.propose("credential", site=site_id, person=1, **TITLE)
    await rule(reviewer, title, accept=False, reason="No.")
    first = await business.get("/history", limit=2)
    rest = await business.get("/history", before=first["before"])
    events = first["items"] + rest["items"]
    assert [(event["kind"], event["about"]) for event in events] == [
        ("refused", "credential"),
        ("accepted", "site"),
        ("accepted", "business"),
    ]
    assert "desk@garage.example" not in str(events)
    await sequence_once(pool)
    proof = await client.get(f"/v1/log/proof/{events[0]['event']}")
    assert proof.json()["index"] == 2
    assert (await verify_log(pool)).flaw is None
    with pytest.raises(Exception, match="only ever added to"):
        await pool.execute("delete from register_event")
    # The control: a history that was changed all the same is seen.
    await pool.execute("alter table register_event disable trigger all")
    await pool.execute("update register_event set at = $1", datetime(2026, 1, 1, tzinfo=UTC))
    flaw = (await verify_log(pool)).flaw
    assert flaw is not None
    assert "not what is stored now" in flaw.text


async def test_what_was_said_can_be_taken_back_until_something_is_decided(
    client: httpx.AsyncClient, reviewer: Party
) -> None:
    business = await new_business(client)
    site = await business.propose("site", **SITE)
    path = f"/proposals/{site['proposal']}"
    assert (await business.send("DELETE", path)).status_code == 204
    assert (await business.get(path))["state"] == "withdrawn"
    assert (await business.send("DELETE", path)).status_code == 409
    assert (await rule(reviewer, site)).status_code == 409
