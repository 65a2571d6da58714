"""Self-service as tests use it: one line for what takes a caller one request."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from storage.pool import Pool, transaction
from storage.register.access import issue_key

SITE: dict[str, Any] = {
    "name": "Garage 001",
    "lon": 2.35,
    "lat": 48.85,
    "country": "FR",
    "equipment": ["hv.tools"],
    "opening_hours": "24/7",
}
TITLE: dict[str, Any] = {
    "scheme": "trade",
    "title": "light vehicle technician",
    "valid_from": "2012-07-01",
}
PDF = b"%PDF-1.7 a certificate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Somebody with a key.

    Attributes:
        path: Of the business; of nothing for a reviewer.
    """

    client: httpx.AsyncClient
    token: str
    path: str = ""

    async def send(self, method: str, path: str, **more: Any) -> httpx.Response:  # noqa: ANN401 - handed on
        """Send a request with the key; ``path`` counts from the business's own."""
        headers = {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        return await self.client.request(method, self.path + path, headers=headers, **more)

    async def get(self, path: str = "", **query: Any) -> Any:  # noqa: ANN401 - JSON
        """What an answer says.

        Raises:
            AssertionError: If it is none.
        """
        answer = await self.send("GET", path, params=query)
        if answer.status_code != httpx.codes.OK:
            raise AssertionError(answer.text)
        return answer.json()

    async def propose(self, kind: str, *documents: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """Propose, and give the proposal.

        Raises:
            AssertionError: If it was not taken.
        """
        body = {"kind": kind, "fields": fields, "documents": documents}
        answer = await self.send("POST", "/proposals", json=body)
        if answer.status_code != httpx.codes.CREATED:
            raise AssertionError(answer.text)
        made: dict[str, Any] = answer.json()
        return made

    async def document(self, content: bytes = PDF, media_type: str = "application/pdf") -> str:
        """Send a document, and give its digest."""
        answer = await self.send(
            "POST", "/documents", content=content, headers={"Content-Type": media_type}
        )
        return str(answer.json()["document"])


async def new_reviewer(client: httpx.AsyncClient, pool: Pool) -> Party:
    """A reviewer, as the operator makes one."""
    async with transaction(pool) as connection:
        key = await issue_key(connection, business_id=None, note="desk", at=datetime.now(UTC))
    return Party(client=client, token=key.token)


async def new_business(client: httpx.AsyncClient, name: str = "Garage 001") -> Party:
    """A business that registered and was not looked at."""
    body = {"name": name, "country": "FR", "contact": "desk@garage.example"}
    made = (await client.post("/v1/businesses", json=body)).json()
    return Party(client=client, token=made["token"], path=f"/v1/businesses/{made['business']}")


async def rule(
    reviewer: Party,
    proposal: dict[str, Any],
    *,
    accept: bool = True,
    **more: Any,  # noqa: ANN401 - JSON
) -> httpx.Response:
    """Rule on a proposal."""
    path = f"/v1/businesses/{proposal['business']}/proposals/{proposal['proposal']}/ruling"
    return await reviewer.send("POST", path, json={"accept": accept, **more})


async def accept_business(reviewer: Party, business: Party) -> None:
    """Accept what it says of itself."""
    for proposal in (await business.get("/proposals", state="proposed"))["items"]:
        if proposal["kind"] == "business":
            await rule(reviewer, proposal)


async def new_site(reviewer: Party, business: Party, **changes: Any) -> str:  # noqa: ANN401 - JSON
    """A site of an accepted business, and its id."""
    await accept_business(reviewer, business)
    proposal = await business.propose("site", **{**SITE, **changes})
    answer = await rule(reviewer, proposal)
    if answer.status_code != httpx.codes.OK:
        raise AssertionError(answer.text)
    return str(proposal["fields"]["site"])
