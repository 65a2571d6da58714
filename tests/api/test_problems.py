"""Every error has one shape, whoever raises it."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from api import problems
from api.errors import (
    ApiError,
    BadCursorError,
    ForbiddenError,
    ForeignHostError,
    ListenError,
    MediaTypeError,
    NotFoundError,
    NotReadyError,
    UnknownCallerError,
)
from routing.errors import NotNowError
from routing.imports.findings import FieldError
from storage.errors import DatabaseUnavailableError, NoSuchProposalError, TooManyError

PRIVATE = "WVWZZZ1JZXW000001"

RAISED: dict[str, tuple[Exception, int]] = {
    "not-found": (NotFoundError("there is no such case"), 404),
    "malformed-request": (BadCursorError("no"), 422),
    "unknown-caller": (UnknownCallerError("no"), 401),
    "forbidden": (ForbiddenError("no"), 403),
    "not-now": (NotNowError("no"), 409),
    "media-type": (MediaTypeError("no"), 415),
    "too-many": (TooManyError("no"), 429),
    "not-found-there": (NoSuchProposalError(PRIVATE), 404),
    "wrong-field": (FieldError("lon", "expected degrees"), 422),
    "foreign-host": (ForeignHostError("no"), 421),
    "database-unavailable": (DatabaseUnavailableError(f"at 10.1.2.3 as {PRIVATE}"), 503),
    "not-ready": (NotReadyError("no"), 503),
    "internal": (RuntimeError(PRIVATE), 500),
}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    problems.install(app)

    @app.get("/raise/{name}")
    async def fail(name: str, count: int = 0) -> None:
        assert count == 0
        raise RAISED[name][0]

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


def check(response: httpx.Response, *, status: int, name: str) -> None:
    body = response.json()
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert set(body) - {"errors"} == {"type", "title", "status", "detail"}
    assert body["type"] == f"/problems/{name}"
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    assert PRIVATE not in response.text
    assert ("retry-after" in response.headers) == (status in {429, 503})


@pytest.mark.parametrize("name", RAISED)
async def test_an_error_is_told_in_the_one_shape(client: httpx.AsyncClient, name: str) -> None:
    kind = {"not-found-there": "not-found", "wrong-field": "malformed-request"}.get(name, name)
    check(await client.get(f"/raise/{name}"), status=RAISED[name][1], name=kind)


async def test_what_cannot_be_read_is_named_and_not_repeated(client: httpx.AsyncClient) -> None:
    response = await client.get("/raise/internal", params={"count": PRIVATE})
    check(response, status=422, name="malformed-request")
    (error,) = response.json()["errors"]
    assert error["where"] == "query.count"
    assert "integer" in error["text"]


async def test_a_field_that_breaks_the_rules_for_directories_is_named(
    client: httpx.AsyncClient,
) -> None:
    response = await client.get("/raise/wrong-field")
    assert response.json()["errors"] == [{"where": "body.fields.lon", "text": "expected degrees"}]


async def test_what_the_framework_refuses_has_the_same_shape(client: httpx.AsyncClient) -> None:
    check(await client.get("/nowhere"), status=404, name="not-found")
    response = await client.post("/raise/internal")
    check(response, status=405, name="refused")
    assert response.headers["allow"] == "GET"


def test_every_error_of_the_routes_is_in_the_table() -> None:
    raised_by_routes = set(ApiError.__subclasses__()) - {ListenError}
    assert raised_by_routes <= set(problems.KINDS)
    assert [kind for kind in problems.KINDS.values() if kind.status == 422] == [
        problems.MALFORMED,
        problems.MALFORMED,
        problems.MALFORMED,
    ]
