"""A line between two programs that can be cut, made deaf, and slowed: a network's bad days.

    open ──▶ cut      connections are reset, new ones are closed at once
         ──▶ deaf     bytes vanish both ways and nobody is told, as behind a NAT that forgot
         ──▶ open     new connections work; one that lost bytes stays silent for ever

It listens on the loopback address only.
"""

import asyncio
import contextlib
from enum import StrEnum
from pathlib import Path
from typing import Self

HOST = "127.0.0.1"
CHUNK_BYTES_MAX = 1 << 16


class State(StrEnum):
    """What the line does with bytes."""

    OPEN = "open"
    CUT = "cut"
    DEAF = "deaf"


class Proxy:
    """Takes TCP connections and leads each to a server, by TCP or by a Unix socket.

    Attributes:
        port: Where it listens, once entered.
        delay_s: Each way, for bytes that come from now on.
    """

    def __init__(self, server: tuple[str, int] | Path) -> None:
        self.port = 0
        self.delay_s = 0.0
        self._server = server
        self._state = State.OPEN
        self._links: set[_Link] = set()
        self._listener: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._listener = await asyncio.start_server(self._accept, HOST, 0)
        self.port = self._listener.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.become(State.CUT)
        if self._listener is not None:
            self._listener.close()
            await self._listener.wait_closed()

    def become(self, state: State) -> None:
        """Change what happens to bytes from now on."""
        self._state = state
        if state is State.CUT:
            for link in tuple(self._links):
                link.reset()
        elif state is State.DEAF:
            for link in self._links:
                link.is_deaf = True

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = _Link(writer)
        if self._state is State.CUT:
            link.reset()
            return
        self._links.add(link)
        link.is_deaf = self._state is State.DEAF
        try:
            if link.is_deaf:
                await self._swallow(reader)
            else:
                await self._lead(link, reader)
        finally:
            self._links.discard(link)
            link.reset()

    async def _lead(self, link: "_Link", reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(OSError):
            there_reader, there = await self._connect()
            link.ends.append(there)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(link, reader, there))
                group.create_task(self._pump(link, there_reader, link.ends[0]))

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self._server, Path):
            return await asyncio.open_unix_connection(str(self._server))
        return await asyncio.open_connection(*self._server)

    async def _pump(
        self, link: "_Link", reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK_BYTES_MAX):
                if link.is_deaf:
                    continue
                if self.delay_s:
                    loop.call_later(self.delay_s, link.write, writer, data)
                else:
                    link.write(writer, data)
                    await writer.drain()
        if link.is_deaf:
            return  # the other side never hears of the end either
        loop.call_later(self.delay_s, link.reset)

    @staticmethod
    async def _swallow(reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(OSError):
            while await reader.read(CHUNK_BYTES_MAX):
                pass


class _Link:
    """One connection through the proxy: our end towards each side."""

    def __init__(self, here: asyncio.StreamWriter) -> None:
        self.ends = [here]
        self.is_deaf = False

    def write(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        if not self.is_deaf and not writer.is_closing():
            writer.write(data)

    def reset(self) -> None:
        for end in self.ends:
            end.transport.abort()
