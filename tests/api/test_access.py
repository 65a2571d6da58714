"""Keys: kept as digests, good for what they were issued for, and told apart from guesses."""

import hashlib
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import httpx
import pytest

from api.limits import BODY_BYTES_MAX
from storage.errors import ConflictError, NoSuchKeyError
from storage.pool import Pool, transaction
from storage.register.access import (
    KEYS_OF_ONE_MAX,
    NewKey,
    Role,
    find_caller,
    issue_key,
    list_keys,
    revoke_key,
)

pytestmark = pytest.mark.integration

NOW = datetime(2026, 11, 26, 8, tzinfo=UTC)


async def issue(pool: Pool, business_id: UUID | None = None) -> NewKey:
    async with transaction(pool) as connection:
        return await issue_key(connection, business_id=business_id, note="test", at=NOW)


async def ask(client: httpx.AsyncClient, token: str | None) -> httpx.Response:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return await client.get("/v1/key", headers=headers)


async def test_a_key_is_known_by_its_digest_which_is_all_that_is_kept(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    key = await issue(pool)
    answer = await ask(client, key.token)
    assert answer.json() == {"key": str(key.key_id), "role": "reviewer"}
    (row,) = await pool.fetch("select * from access_key")
    assert row["digest"] == hashlib.sha256(key.token.encode()).digest()
    assert key.token not in str(dict(row)) + repr(key)


async def test_whatever_is_no_key_in_force_gets_the_same_answer(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    key, gone = await issue(pool), await issue(pool)
    await revoke_key(pool, gone.key_id, at=NOW)
    digest = hashlib.sha256(key.token.encode()).hexdigest()
    guesses = [gone.token, key.token[:-1], key.token + "A", key.token.swapcase(), digest, "x" * 999]
    answers = [await ask(client, guess) for guess in guesses]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    assert all(answer.headers["www-authenticate"].startswith("Bearer") for answer in answers)
    assert (await ask(client, None)).status_code == 401
    assert (await ask(client, key.token)).status_code == 200


async def test_a_business_needs_to_exist_and_keys_are_bounded(pool: Pool) -> None:
    with pytest.raises(ConflictError, match="no business"):
        await issue(pool, uuid4())
    for _ in range(KEYS_OF_ONE_MAX):
        last = await issue(pool)
    with pytest.raises(ConflictError, match="revoke one first"):
        await issue(pool)
    await revoke_key(pool, last.key_id, at=NOW)
    await issue(pool)
    with pytest.raises(NoSuchKeyError):
        await revoke_key(pool, uuid4(), at=NOW)
    assert len(await list_keys(pool)) == KEYS_OF_ONE_MAX + 1


async def test_a_business_key_speaks_for_its_business(pool: Pool) -> None:
    business_id = uuid4()
    await pool.execute(
        "insert into business values ($1, 'Garage', 'FR', 'x', 'proposed', now())", business_id
    )
    key = await issue(pool, business_id)
    found = await find_caller(pool, key.token)
    assert found is not None
    assert (found.role, found.business_id) == (Role.BUSINESS, business_id)


async def test_a_key_stands_in_no_log_line(
    client: httpx.AsyncClient, pool: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    key = await issue(pool)
    with caplog.at_level(logging.DEBUG):
        await ask(client, key.token)
        await pool.close()
        assert (await ask(client, key.token)).status_code == 503
    assert "database_unavailable" in caplog.messages
    told = [str(vars(record)) for record in caplog.records if record.name.startswith("rightbay")]
    assert told
    assert not [line for line in told if key.token[4:] in line]


async def test_a_large_body_is_refused_whether_its_length_is_announced_or_not(
    client: httpx.AsyncClient,
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(BODY_BYTES_MAX // 1024 + 1):
            yield b" " * 1024

    headers = {"Content-Type": "application/json"}
    announced = b" " * (BODY_BYTES_MAX + 1)
    for content in (announced, pieces()):
        response = await client.post("/v1/match", content=content, headers=headers)
        assert response.status_code == 413
        assert response.json()["type"] == "/problems/too-large"
    small = await client.post("/v1/match", json={"codes": ["P0301"]})
    assert small.status_code == 200
