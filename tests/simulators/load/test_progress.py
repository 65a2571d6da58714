"""Who waits for a load is told how far it is."""

import asyncio

from simulators.load.account import Account
from simulators.load.progress import telling


async def test_who_waits_is_told_until_the_end_and_no_longer() -> None:
    account, told, first = Account(due=5), list[str](), asyncio.Event()

    def say(text: str) -> None:
        told.append(text)
        first.set()

    async with telling(account, reports=1_000, say=say, every_s=0.01):
        account.let_go, account.unanswerable = 2, 1
        await first.wait()
    count = len(told)
    await asyncio.sleep(0.05)
    assert told[0] == "3 of 1,000 reports done, 2 on their way"
    assert len(told) == count
