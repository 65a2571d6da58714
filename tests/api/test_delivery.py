import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

import pytest

from api.delivery import Courier, deliver_once, serve
from gateway.errors import BrokerLostError
from gateway.sources.mqtt import MqttClient
from storage.log import fetch_head
from storage.pool import Connection, Pool
from storage.testing import refer

pytestmark = pytest.mark.integration

PREFIX = "rb/1"


class Carrier:
    """Takes every push, except those to units in `lost`."""

    def __init__(self, *lost: str) -> None:
        self.lost = set(lost)
        self.taken: list[tuple[str, bytes]] = []
        self.took = asyncio.Event()

    async def deliver(self, topic: str, payload: bytes) -> None:
        if topic.split("/")[2] in self.lost:
            raise BrokerLostError("not today")
        self.taken.append((topic, payload))
        self.took.set()

    async def next(self) -> tuple[str, bytes]:
        async with asyncio.timeout(10):
            await self.took.wait()
        self.took.clear()
        return self.taken[-1]


class Hanging:
    """Never hears from its broker."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def deliver(self, topic: str, payload: bytes) -> None:
        assert topic
        assert payload
        self.asked.set()
        await asyncio.Event().wait()


@contextlib.asynccontextmanager
async def serving(pool: Pool, courier: Courier, url: str) -> AsyncIterator[None]:
    task = asyncio.create_task(serve(pool, courier, database_url=url, topic_prefix=PREFIX))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def ended(connection: Connection, query: str) -> None:
    """Wait for connections that answer to a query, and end them."""
    async with asyncio.timeout(10):
        while not await connection.fetchval(  # noqa: ASYNC110 - the database sets no event
            f"select bool_or(pg_terminate_backend(pid)) from ({query}) as found"  # noqa: S608 - our own
        ):
            await asyncio.sleep(0.01)


async def logged(pool: Pool, size: int) -> None:
    async with asyncio.timeout(10):
        while (await fetch_head(pool)).size < size:  # noqa: ASYNC110 - the database sets no event
            await asyncio.sleep(0.01)


async def test_a_referral_reaches_the_topic_of_its_unit(pool: Pool) -> None:
    referred = await refer(pool, "unit-1", "P0301")
    carrier = Carrier()
    assert await deliver_once(pool, carrier, topic_prefix=PREFIX) == 1
    assert await deliver_once(pool, carrier, topic_prefix=PREFIX) == 0
    assert carrier.taken == [("rb/1/unit-1/down/referral", referred.short)]


async def test_what_the_broker_did_not_take_comes_again_with_the_same_bytes(pool: Pool) -> None:
    lost = await refer(pool, "unit-1", "P0301")
    carrier = Carrier("unit-1")
    await refer(pool, "unit-2", "P0301")
    assert await deliver_once(pool, carrier, topic_prefix=PREFIX) == 2
    assert [topic for topic, _ in carrier.taken] == ["rb/1/unit-2/down/referral"]
    carrier.lost.clear()
    await pool.execute("update outbox set due_at = now()")
    assert await deliver_once(pool, carrier, topic_prefix=PREFIX) == 1
    assert carrier.taken[1:] == [("rb/1/unit-1/down/referral", lost.short)]


async def test_a_delivery_that_dies_leaves_the_push_to_the_next_one(pool: Pool) -> None:
    referred = await refer(pool, "unit-1", "P0301")
    dying, carrier = Hanging(), Carrier()
    task = asyncio.create_task(deliver_once(pool, dying, topic_prefix=PREFIX, lease_s=0.2))
    await dying.asked.wait()
    assert await deliver_once(pool, carrier, topic_prefix=PREFIX) == 0
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await asyncio.sleep(0.2)
    assert await deliver_once(pool, carrier, topic_prefix=PREFIX) == 1
    assert carrier.taken == [("rb/1/unit-1/down/referral", referred.short)]


async def test_new_referrals_are_delivered_and_logged_as_they_come(
    pool: Pool, postgres_url: str
) -> None:
    carrier = Carrier()
    async with serving(pool, carrier, postgres_url):
        for number in range(3):
            referred = await refer(pool, f"unit-{number}", "P0301")
            assert (await carrier.next())[1] == referred.short
        await logged(pool, 3)


async def test_a_database_that_goes_away_is_waited_for(
    pool: Pool, postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    carrier = Carrier()
    async with serving(pool, carrier, postgres_url):
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("lock table outbox")
            await ended(connection, "select pid from pg_locks where not granted")
        referred = await refer(pool, "unit-1", "P0301")
        assert (await carrier.next())[1] == referred.short
    assert "database_unavailable" in caplog.messages


async def test_a_broken_log_does_not_stop_deliveries(
    pool: Pool, postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    await pool.execute("update log_head set root = 'other'")
    carrier = Carrier()
    with caplog.at_level(logging.ERROR, "rightbay.delivery"):
        async with serving(pool, carrier, postgres_url):
            await refer(pool, "unit-1", "P0301")
            await carrier.next()
    assert caplog.messages == ["log_broken"]
    assert (await fetch_head(pool)).size == 0


async def test_a_unit_hears_its_referral_from_a_real_broker(
    pool: Pool, postgres_url: str, broker_url: str
) -> None:
    unit = MqttClient(broker_url, client_id="u1", subscriptions=["rb/1/u1/down/referral"])
    courier = MqttClient(broker_url, client_id="deliver", is_durable=False)
    async with unit.running(), courier.running(), serving(pool, courier, postgres_url):
        referred = await refer(pool, "u1", "P0301")
        async with asyncio.timeout(10):
            message = await unit.receive()
    assert (message.topic, message.payload) == ("rb/1/u1/down/referral", referred.short)


async def test_many_pushes_at_once_all_reach_a_real_broker(pool: Pool, broker_url: str) -> None:
    units = [f"u{number}" for number in range(100)]
    for unit in units:
        await refer(pool, unit, "P0301")
    courier = MqttClient(broker_url, client_id="deliver", is_durable=False)
    async with courier.running():
        assert await deliver_once(pool, courier, topic_prefix=PREFIX) == len(units)
    assert await pool.fetchval("select count(*) from outbox where delivered_at is null") == 0
