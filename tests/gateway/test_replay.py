"""A dead letter that can be read after a fix is stored as if it had been readable at once."""

from datetime import UTC, datetime, timedelta

import pytest

from gateway.clock import OLD_S_MIN
from gateway.dialects.registry import Registry
from gateway.dialects.rightbay import RightbayDialect
from gateway.errors import ReportRefusedError, StoreUnavailableError
from gateway.replay import Replayed, replay_letter
from gateway.testing import InMemoryReportStore

ARRIVED = datetime(2026, 11, 23, 8, tzinfo=UTC)
PARSE = Registry([RightbayDialect("rb/1")]).parse
GOOD = b'{"id": "a", "codes": ["P0128"]}'


async def replay(
    store: InMemoryReportStore, raw: bytes, *, after_s: float = 1, topic: str = "rb/1/u1/up/report"
) -> Replayed:
    now = ARRIVED + timedelta(seconds=after_s)
    return await replay_letter(topic, raw, arrived_at=ARRIVED, now=now, parse=PARSE, store=store)


async def test_what_can_be_read_now_is_stored_with_the_time_of_its_arrival() -> None:
    store = InMemoryReportStore()
    assert await replay(store, GOOD) is Replayed.STORED
    assert store.reports["u1", "a"].received_at == ARRIVED


async def test_doing_it_again_stores_it_once() -> None:
    store = InMemoryReportStore()
    for _ in range(3):
        assert await replay(store, GOOD) is Replayed.STORED
    assert len(store.reports) == 1


@pytest.mark.parametrize(("raw", "topic"), [(b"{", "rb/1/u1/up/report"), (GOOD, "elsewhere")])
async def test_what_still_cannot_be_read_is_not_kept_a_second_time(raw: bytes, topic: str) -> None:
    store = InMemoryReportStore()
    assert await replay(store, raw, topic=topic) is Replayed.UNREADABLE
    assert (store.reports, store.dead_letters) == ({}, [])


async def test_what_came_long_ago_is_old_news() -> None:
    for after_s, is_old in ((OLD_S_MIN, False), (OLD_S_MIN + 1, True)):
        store = InMemoryReportStore()
        await replay(store, GOOD, after_s=after_s)
        assert store.reports["u1", "a"].is_historical is is_old


async def test_a_report_that_the_database_refuses_is_told_apart_from_one_that_is_away() -> None:
    store = InMemoryReportStore()
    store.fail_next.extend([ReportRefusedError("no"), StoreUnavailableError("away")])
    assert await replay(store, GOOD) is Replayed.REFUSED
    with pytest.raises(StoreUnavailableError):
        await replay(store, GOOD)
    assert await replay(store, GOOD) is Replayed.STORED
