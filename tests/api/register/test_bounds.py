"""Anybody may register; nobody may fill the house."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest

from api.limits import DOCUMENT_BYTES_MAX
from api.testing import PDF, SITE, accept_business, new_business, new_reviewer, rule
from storage.pool import Pool
from storage.register.businesses import REGISTERED_AN_HOUR_MAX
from storage.register.documents import DOCUMENTS_UNREVIEWED_MAX
from storage.register.proposals import OPEN_UNREVIEWED_MAX
from storage.register.upkeep import DOCUMENTS_DAYS, UNNAMED_DAYS, UNREVIEWED_DAYS, keep_up

pytestmark = pytest.mark.integration

BODY = {"name": "Garage", "country": "FR", "contact": "desk@garage.example"}


async def test_registrations_are_bounded_but_for_reviewers(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    reviewer = await new_reviewer(client, pool)
    for _ in range(REGISTERED_AN_HOUR_MAX):
        business = await new_business(client)
    full = await client.post("/v1/businesses", json=BODY)
    assert (full.status_code, full.json()["type"]) == (429, "/problems/too-many")
    assert "retry-after" in full.headers
    assert (await reviewer.send("POST", "/v1/businesses", json=BODY)).status_code == 201
    again = await business.client.post(
        "/v1/businesses", json=BODY, headers={"Authorization": f"Bearer {business.token}"}
    )
    assert again.status_code == 403


@pytest.mark.parametrize(
    ("change", "where"),
    [({"name": ""}, "name"), ({"country": "France"}, "country"), ({"contact": "x"}, "contact")],
)
async def test_who_registers_is_told_what_is_wrong(
    client: httpx.AsyncClient, change: dict[str, str], where: str
) -> None:
    answer = await client.post("/v1/businesses", json={**BODY, **change})
    assert answer.status_code == 422
    assert [part["where"] for part in answer.json()["errors"]] == [f"body.{where}"]


async def test_who_was_not_looked_at_says_little(client: httpx.AsyncClient) -> None:
    business = await new_business(client)
    for number in range(OPEN_UNREVIEWED_MAX - 1):
        await business.propose("site", **{**SITE, "name": f"Garage {number}"})
    full = await business.send("POST", "/proposals", json={"kind": "site", "fields": SITE})
    assert full.status_code == 429
    for number in range(DOCUMENTS_UNREVIEWED_MAX):
        await business.document(PDF + bytes([number]))
    headers = {"Content-Type": "application/pdf"}
    more = await business.send("POST", "/documents", content=PDF, headers=headers)
    assert more.status_code == 409
    again = await business.send("POST", "/documents", content=PDF + b"\x00", headers=headers)
    assert again.status_code == 201, "what is there already takes no place"


async def test_files_of_other_kinds_and_sizes_are_not_taken(client: httpx.AsyncClient) -> None:
    business = await new_business(client)
    for media_type, content, status in (
        ("text/html", PDF, 415),
        ("", PDF, 415),
        ("application/pdf", b"", 409),
        ("application/pdf", bytes(DOCUMENT_BYTES_MAX + 1), 413),
        ("application/pdf; x=y", bytes(DOCUMENT_BYTES_MAX), 201),
    ):
        answer = await business.send(
            "POST", "/documents", content=content, headers={"Content-Type": media_type}
        )
        assert answer.status_code == status, (media_type, answer.text)


async def test_what_proves_nothing_any_more_is_forgotten(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    reviewer = await new_reviewer(client, pool)
    kept, lapsed = await new_business(client), await new_business(client, "Nobody")
    await accept_business(reviewer, kept)
    named, _ = await kept.document(PDF), await kept.document(PDF + b"unnamed")
    site = await kept.propose("site", named, **SITE)
    now = datetime.now(UTC)

    async def documents_after(days: int) -> int:
        await keep_up(pool, now=now + timedelta(days=days, minutes=1))
        count: int = await pool.fetchval("select count(*) from business_document")
        return count

    assert await documents_after(0) == 2
    assert await documents_after(UNNAMED_DAYS) == 1
    await rule(reviewer, site)
    assert await documents_after(DOCUMENTS_DAYS - 1) == 1
    assert await documents_after(DOCUMENTS_DAYS) == 0
    assert UNREVIEWED_DAYS < DOCUMENTS_DAYS
    assert (await lapsed.send("GET", "")).status_code == 401
    (left,) = await pool.fetch("select business_id from business")
    assert left["business_id"] == UUID(kept.path.rpartition("/")[2])
