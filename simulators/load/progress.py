"""Says how far a load is, to somebody who waits for it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from simulators.load.account import Account

TELL_EVERY_S = 5.0


@asynccontextmanager
async def telling(
    account: Account, *, reports: int, say: Callable[[str], None], every_s: float = TELL_EVERY_S
) -> AsyncIterator[None]:
    """Tell now and then, until the end of the block.

    Args:
        account: The books, which somebody else keeps.
        reports: Distinct ones that will have been sent in the end.
        say: Told each time, in one line.
        every_s: How long between two.
    """

    async def tell() -> None:
        while True:
            await asyncio.sleep(every_s)
            done = account.let_go + account.unanswerable
            say(f"{done:,} of {reports:,} reports done, {account.open:,} on their way")

    task = asyncio.create_task(tell(), name="progress")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})
