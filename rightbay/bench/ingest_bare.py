"""The bare pipe that `rightbay bench ingest` measures the gateway against.

    paho ─▶ batch ─▶ one INSERT ─COMMIT─▶ receipts ─▶ acknowledgements

The same broker, the same database, the same limits of a batch; but nothing is decoded beyond the
id, no message is recognised as repeated, no fault has a history, and an outage ends it.
"""

import asyncio
import contextlib
import json
import time
from collections import defaultdict, deque
from urllib.parse import urlsplit

import asyncpg
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from rightbay.settings import load_settings
from rightbay.supervision.instance import broker_url, database_url
from rightbay.supervision.readiness import say_ready
from rightbay.supervision.stopping import stop_event

BATCH_REPORTS_MAX = 500
BATCH_AGE_S_MAX = 0.004
INFLIGHT_UNLIMITED = 0  # paho is quicker without a limit; see the gateway
TABLE = """
create table if not exists bare_report (unit text, event_id text, payload bytea, at timestamptz)
"""
INSERT = """
insert into bare_report (unit, event_id, payload, at)
select u, e, p, now() from unnest($1::text[], $2::text[], $3::bytea[]) as given (u, e, p)
"""


class BarePipe:
    """One connection to the broker, one to the database."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._arrived: deque[paho.MQTTMessage] = deque()
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id="bare-pipe",
            clean_session=True,
            protocol=paho.MQTTv311,
            manual_ack=True,
        )
        self._client.max_inflight_messages_set(INFLIGHT_UNLIMITED)
        self._client.on_message = self._on_message
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_waiting = False
        self._wake = asyncio.Event()

    async def run(self, broker: str, database: str) -> None:
        """Take reports until cancelled."""
        self._loop = asyncio.get_running_loop()
        address = urlsplit(broker)
        connection = await asyncpg.connect(database)
        try:
            await connection.execute(TABLE)
            self._client.connect(address.hostname or "localhost", address.port or 1883)
            self._client.subscribe(f"{self._prefix}/+/up/report", qos=1)
            self._client.loop_start()
            say_ready()
            while True:
                await self._take(connection)
        finally:
            self._client.disconnect()
            self._client.loop_stop()
            await connection.close()

    def _on_message(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        self._arrived.append(message)
        if self._is_waiting and self._loop is not None:
            self._is_waiting = False
            self._loop.call_soon_threadsafe(self._wake.set)

    async def _until_something_came(self) -> None:
        """Wait without looking again and again, which would cost the other pipe its time."""
        self._wake.clear()
        self._is_waiting = True
        if not self._arrived:  # looked at once more: it may have come before the line above
            await self._wake.wait()
        self._is_waiting = False

    async def _take(self, connection: asyncpg.Connection) -> None:
        await self._until_something_came()
        deadline_s = time.monotonic() + BATCH_AGE_S_MAX
        while len(self._arrived) < BATCH_REPORTS_MAX and time.monotonic() < deadline_s:  # noqa: ASYNC110 - paho's thread fills it
            await asyncio.sleep(0.001)
        count = min(len(self._arrived), BATCH_REPORTS_MAX)
        if not count:
            return
        batch = [self._arrived.popleft() for _ in range(count)]
        units = [message.topic.split("/")[-3] for message in batch]
        ids = [json.loads(message.payload)["id"] for message in batch]
        await connection.execute(INSERT, units, ids, [message.payload for message in batch])
        ids_of_unit: dict[str, list[str]] = defaultdict(list)
        for unit, report_id in zip(units, ids, strict=True):
            ids_of_unit[unit].append(report_id)
        for unit, own in ids_of_unit.items():
            body = json.dumps({"ids": own}).encode()
            self._client.publish(f"{self._prefix}/{unit}/down/receipt", body, qos=1)
        for message in batch:
            self._client.ack(message.mid, message.qos)


async def main() -> None:
    """Run until told to stop."""
    settings = load_settings()
    async with stop_event(at_parents_death=True) as stop:
        pipe = BarePipe(settings.topic_prefix)
        work = asyncio.ensure_future(pipe.run(broker_url(settings), database_url(settings)))
        stopped = asyncio.create_task(stop.wait(), name="stop")
        await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
        work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work


if __name__ == "__main__":
    asyncio.run(main())
