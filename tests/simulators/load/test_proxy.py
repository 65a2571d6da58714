"""The line in our hands does what it is told, and forgets nothing that it swallowed."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import pytest

from simulators.load.proxy import HOST, Proxy, State

pytestmark = pytest.mark.integration

SILENT_S = 0.15


@contextlib.asynccontextmanager
async def echo() -> AsyncIterator[Proxy]:
    """A proxy before a server that says what it hears."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1000):
                writer.write(data)
        writer.close()

    async with (
        await asyncio.start_server(serve, HOST, 0) as server,
        Proxy(server.sockets[0].getsockname()[:2]) as proxy,
    ):
        yield proxy


@contextlib.asynccontextmanager
async def connected(
    proxy: Proxy,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(HOST, proxy.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def ask(proxy: Proxy, text: bytes) -> bytes:
    """Say something on a new connection; give what comes back, empty for the end of it."""
    async with connected(proxy) as (reader, writer):
        return await say(reader, writer, text)


async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, text: bytes) -> bytes:
    with contextlib.suppress(ConnectionError):
        writer.write(text)
        return await reader.read(1000)
    return b""


async def hears_nothing(reader: asyncio.StreamReader) -> bool:
    try:
        async with asyncio.timeout(SILENT_S):
            await reader.read(1000)
    except TimeoutError:
        return True
    return False


async def test_an_open_line_carries_bytes_both_ways() -> None:
    async with echo() as proxy:
        assert await ask(proxy, b"hello") == b"hello"


async def test_a_cut_line_ends_what_runs_and_takes_nothing_new_until_it_is_mended() -> None:
    async with echo() as proxy, connected(proxy) as (reader, writer):
        assert await say(reader, writer, b"one") == b"one"
        proxy.become(State.CUT)
        assert await say(reader, writer, b"two") == b""
        assert await ask(proxy, b"three") == b""
        proxy.become(State.OPEN)
        assert await ask(proxy, b"four") == b"four"


async def test_a_deaf_line_tells_nobody_and_what_lost_bytes_stays_silent() -> None:
    async with echo() as proxy, connected(proxy) as (reader, writer):
        assert await say(reader, writer, b"one") == b"one"
        proxy.become(State.DEAF)
        async with connected(proxy) as (late_reader, late_writer):
            late_writer.write(b"late")
            writer.write(b"two")
            assert await hears_nothing(reader)
            proxy.become(State.OPEN)
            writer.write(b"three")
            assert await hears_nothing(reader)
            assert await hears_nothing(late_reader)
            assert await ask(proxy, b"four") == b"four"


async def test_a_slow_line_takes_its_time_each_way_and_keeps_the_order() -> None:
    async with echo() as proxy:
        proxy.delay_s = 0.05
        async with connected(proxy) as (reader, writer):
            began_s = time.monotonic()
            writer.write(b"one")
            await asyncio.sleep(0.01)
            writer.write(b"two")
            assert await reader.readexactly(6) == b"onetwo"
            assert time.monotonic() - began_s >= 2 * proxy.delay_s
