import base64
import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from api.cursors import encode_cursor
from audit.tree import is_included, leaf_hash
from gateway.model import DeadLetter, Reason
from storage.log import sequence_once
from storage.pool import Pool
from storage.reports import PostgresReportStore
from storage.testing import refer, report
from storage.views import Place

pytestmark = pytest.mark.integration

START = datetime(2026, 3, 1, 8, tzinfo=UTC)
NOBODY = uuid4()
VIN = "WVWZZZ1JZXW000001"


async def ok(client: httpx.AsyncClient, path: str, **query: str | int | bool) -> Any:
    response = await client.get(path, params=query)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    return response.json()


async def test_a_referral_is_the_stored_document_byte_for_byte(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    referred = await refer(pool, "unit-1", "P0301")
    response = await client.get(f"/v1/referrals/{referred.referral_id}")
    assert response.status_code == 200
    assert response.content == referred.document
    assert response.headers["content-type"] == "application/json"
    digest = hashlib.sha256(referred.document).hexdigest()
    assert response.headers["etag"] == f'"{digest}"'


@pytest.mark.parametrize(
    ("form", "status"),
    [("{}", 304), ("W/{}", 304), ('"other", {}', 304), ("*", 304), ('"other"', 200), ("", 200)],
)
async def test_a_referral_that_the_caller_has_is_not_sent_again(
    client: httpx.AsyncClient, pool: Pool, form: str, status: int
) -> None:
    path = f"/v1/referrals/{(await refer(pool, 'unit-1', 'P0301')).referral_id}"
    tag = (await client.get(path)).headers["etag"]
    response = await client.get(path, headers={"If-None-Match": form.format(tag)})
    assert (response.status_code, bool(response.content)) == (status, status == 200)
    assert response.headers["etag"] == tag


async def test_lists_are_walked_by_their_cursor(client: httpx.AsyncClient, pool: Pool) -> None:
    for number in range(5):
        await refer(pool, f"unit-{number}", "P0301", at=START + timedelta(minutes=number))
    for path, key in (("/v1/referrals", "referral"), ("/v1/cases", "case")):
        first = await ok(client, path, limit=3)
        second = await ok(client, path, limit=3, after=first["after"])
        assert "after" not in second
        found = [item[key] for item in first["items"] + second["items"]]
        assert len(found) == len(set(found)) == 5


async def test_cases_are_filtered(client: httpx.AsyncClient, pool: Pool) -> None:
    mine = await refer(pool, "unit-1", "P0301", is_unassigned=False)
    nobodys = await refer(pool, "unit-2", "P0301")
    await pool.execute("update repair_case set closed_at = now() where case_id = $1", mine.case_id)
    for query, expected in (
        ({"open": True}, [nobodys.case_id]),
        ({"open": False}, [mine.case_id]),
        ({"unassigned": True}, [nobodys.case_id]),
        ({"unassigned": False, "open": False}, [mine.case_id]),
        ({"unassigned": False, "open": True}, []),
    ):
        items = (await ok(client, "/v1/cases", **query))["items"]
        assert [UUID(item["case"]) for item in items] == expected


async def test_a_case_tells_all_that_belongs_to_it(client: httpx.AsyncClient, pool: Pool) -> None:
    referred = await refer(pool, "unit-1", "P0301", "P0420")
    case = await ok(client, f"/v1/cases/{referred.case_id}")
    assert case["open"]
    assert "closed_at" not in case
    assert {fault["code"] for fault in case["faults"]} == {"P0301", "P0420"}
    assert [item["referral"] for item in case["referrals"]] == [str(referred.referral_id)]


async def test_the_way_from_a_unit_to_its_faults(client: httpx.AsyncClient, pool: Pool) -> None:
    await report(pool, "truck-1", "SPN 609 FMI 9", "SPN 980 FMI 9", at=START)
    await report(pool, "truck-1", "SPN 609 FMI 9", at=START + timedelta(minutes=1))
    (vehicle,) = (await ok(client, "/v1/vehicles", unit="truck-1"))["items"]
    assert (await ok(client, "/v1/vehicles", unit="truck-2")) == {"items": []}
    path = f"/v1/vehicles/{vehicle['vehicle']}/faults"
    faults = {fault["code"]: fault for fault in (await ok(client, path))["items"]}
    assert {code: fault["on"] for code, fault in faults.items()} == {
        "SPN 609 FMI 9": True,
        "SPN 980 FMI 9": False,
    }
    assert "off_at" not in faults["SPN 609 FMI 9"]
    (on,) = (await ok(client, path, on=True))["items"]
    assert on["code"] == "SPN 609 FMI 9"


async def test_dead_letters_are_counted_by_reason(client: httpx.AsyncClient, pool: Pool) -> None:
    assert await ok(client, "/v1/dead-letters") == {"items": []}
    letter = DeadLetter(
        topic="rb/1/u1/up/report",
        unit="u1",
        event_id=None,
        reason=Reason.NOT_JSON,
        text="expected JSON",
        raw=b"{",
        received_at=START,
    )
    for _ in range(2):
        await PostgresReportStore(pool).store((), (letter,))
    (item,) = (await ok(client, "/v1/dead-letters"))["items"]
    assert (item["reason"], item["letters"], item["times"]) == ("not_json", 1, 2)


async def test_an_entry_of_the_log_is_proved_to_whoever_has_the_answer(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    first, *_ = [await refer(pool, f"unit-{number}", "P0301") for number in range(5)]
    path = f"/v1/log/proof/{first.referral_id}"
    waiting = await client.get(path)
    assert waiting.status_code == 404
    assert "waits for its place" in waiting.json()["detail"]
    await sequence_once(pool)
    proof = await ok(client, path)
    head = await ok(client, "/v1/log/head")
    assert proof["head"] == head
    assert hashlib.sha256(first.document).hexdigest() in proof["body"]
    assert is_included(
        leaf_hash(proof["body"].encode()),
        index=proof["index"],
        size=head["size"],
        proof=[base64.b64decode(item) for item in proof["hashes"]],
        root=base64.b64decode(head["root"]),
    )


async def test_what_is_not_there_is_not_found(client: httpx.AsyncClient) -> None:
    for path in (
        f"/v1/referrals/{NOBODY}",
        f"/v1/cases/{NOBODY}",
        f"/v1/vehicles/{NOBODY}/faults",
        f"/v1/log/proof/{NOBODY}",
        "/v1/nothing",
    ):
        response = await client.get(path)
        assert response.status_code == 404, path
        assert response.json()["type"] == "/problems/not-found"


@pytest.mark.parametrize(
    ("path", "where"),
    [
        ("/v1/referrals/no-uuid", "path.referral"),
        ("/v1/referrals?limit=0", "query.limit"),
        ("/v1/referrals?limit=201", "query.limit"),
        ("/v1/referrals?after=AAAA", "query.after"),
        ("/v1/cases?after=" + "A" * 201, "query.after"),
        ("/v1/cases?open=perhaps", "query.open"),
        ("/v1/vehicles", "query.unit"),
        ("/v1/vehicles?unit=", "query.unit"),
        ("/v1/vehicles?unit=%00", "query.unit"),
        ("/v1/vehicles?unit=" + "u" * 129, "query.unit"),
    ],
)
async def test_what_is_malformed_is_named(client: httpx.AsyncClient, path: str, where: str) -> None:
    response = await client.get(path)
    assert response.status_code == 422
    assert [error["where"] for error in response.json()["errors"]] == [where]


@pytest.mark.parametrize(
    "query",
    [
        {"unit": "\N{REPLACEMENT CHARACTER}"},
        {"unit": "'; drop table vehicle; --"},
        {"unit": "\N{GRINNING FACE}" * 100},
        {"unit": "%"},
    ],
    ids=repr,
)
async def test_odd_names_of_units_are_only_unknown(
    client: httpx.AsyncClient, query: dict[str, str]
) -> None:
    assert await ok(client, "/v1/vehicles", **query) == {"items": []}


@pytest.mark.parametrize(
    ("at", "count"),
    [(datetime.min.replace(tzinfo=UTC), 0), (datetime.max.replace(tzinfo=UTC), 1), (START, 0)],
)
async def test_a_cursor_from_the_ends_of_time_is_a_place_like_others(
    client: httpx.AsyncClient, pool: Pool, at: datetime, count: int
) -> None:
    referred = await refer(pool, "unit-1", "P0301")
    cursor = encode_cursor(Place(at, NOBODY))
    for path in ("/v1/referrals", "/v1/cases", f"/v1/vehicles/{referred.vehicle_id}/faults"):
        items = (await ok(client, path, after=cursor))["items"]
        assert len(items) == count


async def test_no_answer_holds_a_vin_or_a_position(client: httpx.AsyncClient, pool: Pool) -> None:
    referred = await refer(pool, "unit-1", "P0301")
    await pool.execute("update vehicle set vin = $1, lon_deg = 9.5217, lat_deg = 47.1419", VIN)
    await sequence_once(pool)
    paths = [
        "/v1/referrals",
        f"/v1/referrals/{referred.referral_id}",
        "/v1/cases",
        f"/v1/cases/{referred.case_id}",
        "/v1/vehicles?unit=unit-1",
        f"/v1/vehicles/{referred.vehicle_id}/faults",
        "/v1/dead-letters",
        "/v1/log/head",
        f"/v1/log/proof/{referred.referral_id}",
        "/readyz",
    ]
    described = (await ok(client, "/v1/openapi.json"))["paths"]
    elsewhere = {"/healthz", "/v1/key", "/v1/match", "/v1/ranking-policy"}
    # Counts alone, and small ones masked.
    elsewhere |= {"/v1/sites/{site}/assessment", "/v1/coverage", "/v1/cases/{case}/repair"}
    keyed = {path for path in described if path.startswith(("/v1/businesses", "/v1/proposals"))}
    assert len(paths) == len(described.keys() - elsewhere - keyed)
    for path in paths:
        response = await client.get(path)
        assert response.status_code == 200, path
        assert VIN not in response.text
        assert "9.5217" not in response.text


async def test_a_page_of_another_name_cannot_read_us(client: httpx.AsyncClient) -> None:
    for host, status in (
        ("localhost", 200),
        ("127.0.0.1:8080", 200),
        ("[::1]:8080", 200),
        ("rebound.example", 421),
        ("localhost.rebound.example", 421),
        ("127.0.0.2", 421),
    ):
        response = await client.get("/v1/cases", headers={"Host": host})
        assert response.status_code == status, host


async def test_readiness_follows_the_database(client: httpx.AsyncClient, pool: Pool) -> None:
    assert (await ok(client, "/readyz")) == {"ready": True}
    await refer(pool, "unit-1", "P0301")
    ready = await ok(client, "/readyz")
    assert set(ready) == {"ready", "oldest_push_s", "oldest_log_entry_s"}
    await pool.execute("update migration set digest = 'edited'")
    response = await client.get("/readyz")
    assert (response.status_code, response.json()["type"]) == (503, "/problems/not-ready")
    pool.terminate()
    response = await client.get("/readyz")
    assert (response.status_code, response.json()["type"]) == (
        503,
        "/problems/database-unavailable",
    )
    assert (await ok(client, "/healthz")) == {"alive": True}
