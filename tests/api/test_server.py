import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator

import httpx
import pytest

from api.errors import ListenError
from api.server import serve
from storage.pool import Pool

pytestmark = pytest.mark.integration


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        number: int = listener.getsockname()[1]
    return number


@contextlib.asynccontextmanager
async def serving(pool: Pool, host: str, port: int) -> AsyncIterator[httpx.AsyncClient]:
    task = asyncio.create_task(serve(pool, host=host, port=port))
    transport = httpx.AsyncHTTPTransport(retries=3)
    base_url = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(transport=transport, base_url=base_url) as client:
        try:
            yield client
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def test_it_answers_on_its_port_and_frees_it_at_the_end(pool: Pool, port: int) -> None:
    for _ in range(2):
        async with serving(pool, "127.0.0.1", port) as client:
            response = await client.get("/readyz")
            assert response.json() == {"ready": True}
            assert "server" not in response.headers
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)


async def test_a_taken_port_is_said_in_one_line(pool: Pool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ListenError) as caught:
            await serve(pool, host="127.0.0.1", port=port)
    assert str(port) in str(caught.value)
    assert "RIGHTBAY_API_PORT" in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_listening_elsewhere_is_warned_of_and_opens_nothing(
    pool: Pool, port: int, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "rightbay.api"):
        async with serving(pool, "0.0.0.0", port) as client:  # noqa: S104 - the case in question
            assert (await client.get("/v1/cases")).status_code == 200
            foreign = await client.get("/v1/cases", headers={"Host": "machine.example"})
    assert caplog.messages == ["api_is_open"]
    assert foreign.status_code == 421
