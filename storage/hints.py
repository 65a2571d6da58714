"""A hint that there may be work: NOTIFY wakes a waiter early, a time-out wakes it anyway.

Nothing depends on a notification being delivered; losing one costs waiting, never work.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

import asyncpg

from storage.pool import RETRYABLE

RECONNECT_S = 1.0

log = logging.getLogger("rightbay.storage")


class Hint:
    """Listens on one channel."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    async def wait(self, *, timeout_s: float) -> None:
        """Return at the next notification, or after `timeout_s`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._event.wait()
        self._event.clear()

    def _notify(self, *_: object) -> None:
        self._event.set()

    async def _listen(self, url: str, channel: str) -> None:
        while True:
            try:
                connection = await asyncpg.connect(url)
                try:
                    await connection.add_listener(channel, self._notify)
                    lost = asyncio.Event()
                    connection.add_termination_listener(lambda *_, lost=lost: lost.set())
                    await lost.wait()
                finally:
                    connection.terminate()
            except (*RETRYABLE, asyncpg.PostgresError) as error:
                log.info("hint_lost", extra={"channel": channel, "reason": type(error).__name__})
            await asyncio.sleep(RECONNECT_S)


@contextlib.asynccontextmanager
async def listening(url: str, channel: str) -> AsyncIterator[Hint]:
    """A hint that listens on `channel` for as long as the block lasts."""
    hint = Hint()
    task = asyncio.create_task(hint._listen(url, channel), name=f"listen {channel}")  # noqa: SLF001 - its own factory
    try:
        yield hint
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
