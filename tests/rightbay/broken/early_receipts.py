"""A gateway that breaks the first promise: it answers for reports before they are committed.

Started in the place of the gateway by the chaos test, which must notice.
"""

import asyncio
from collections.abc import Sequence

from gateway.model import DeadLetter, Report
from rightbay import roles
from rightbay.settings import load_settings
from storage.reports import PostgresReportStore

COMMIT_LATE_S = 0.4

_store = PostgresReportStore.store
_pending: set[asyncio.Task[None]] = set()


async def store_later(
    self: PostgresReportStore, reports: Sequence[Report], dead_letters: Sequence[DeadLetter]
) -> None:
    async def later() -> None:
        await asyncio.sleep(COMMIT_LATE_S)
        await _store(self, reports, dead_letters)

    task = asyncio.create_task(later())
    _pending.add(task)
    task.add_done_callback(_pending.discard)


if __name__ == "__main__":
    PostgresReportStore.store = store_later  # type: ignore[method-assign] # that is the point
    asyncio.run(roles.run("gateway", load_settings(), stop=asyncio.Event()))
