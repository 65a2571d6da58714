"""The gateway's loop: gather, decode, store, say so, and only then let the broker forget.

    receive ─▶ decode ─▶ store (one transaction) ─COMMIT─▶ receipts ─▶ acknowledgements
       └── the next batch gathers and is decoded while this one is stored ──┘

While the database is away the batch is held and tried again. Nothing is acknowledged, so the
broker's limit of messages in flight stops the stream: we never hold more than that limit, of which
two batches are decoded at most.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

import msgspec

from gateway.errors import ReportRefusedError, StoreUnavailableError
from gateway.model import DeadLetter, Reason, Report
from gateway.ports import ReportStore
from gateway.sources.mqtt import Message

BATCH_REPORTS_MAX = 500
BATCH_AGE_S_MAX = 0.004
# Decoded in one go; then the answers of the database and the broker have their turn.
SLICE_REPORTS = 32
RETRY_S_MIN, RETRY_S_MAX = 0.1, 2.0
# Receipts of one message stay well below what small units can take in one go.
RECEIPT_IDS_MAX = 50

log = logging.getLogger("rightbay.gateway")

Parse = Callable[[str, bytes, datetime], Report | DeadLetter]


class Source(Protocol):
    """Where messages come from and receipts go to; `gateway.sources.mqtt.MqttClient` is one."""

    async def receive(self) -> Message:
        """Wait for the next message."""

    def receive_nowait(self) -> Message | None:
        """Take the next message if it is already here."""

    def acknowledge(self, message: Message) -> bool:
        """Let the source forget a message."""

    def publish(self, topic: str, payload: bytes) -> None:
        """Send without waiting."""


class _Taken(NamedTuple):
    """A message and what was understood of it."""

    message: Message
    parsed: Report | DeadLetter


async def serve(source: Source, store: ReportStore, parse: Parse, *, topic_prefix: str) -> None:
    """Take reports until cancelled.

    Args:
        source: Connected and subscribed.
        store: Where reports become durable.
        parse: Makes a report or a dead letter of topic, payload and time of arrival; never raises.
        topic_prefix: Before ``/{unit}/down/receipt``.

    Raises:
        BrokerLostError: If the source ended; a new connection gets everything unacknowledged again.
    """
    storing = asyncio.ensure_future(asyncio.sleep(0))
    try:
        while True:
            batch = await _gather(source, parse, storing)
            await storing
            answering = _answer(source, store, batch, topic_prefix=topic_prefix)
            storing = asyncio.create_task(answering, name="store")
    finally:
        storing.cancel()
        await asyncio.wait({storing})


async def _answer(
    source: Source, store: ReportStore, batch: Sequence[_Taken], *, topic_prefix: str
) -> None:
    """Store a batch, and only then say so."""
    parsed = [taken.parsed for taken in batch]
    reports = [item for item in parsed if isinstance(item, Report)]
    dead_letters = [item for item in parsed if isinstance(item, DeadLetter)]
    await _store(store, reports, dead_letters)
    for topic, payload in receipts(parsed, topic_prefix=topic_prefix):
        source.publish(topic, payload)
    for taken in batch:
        source.acknowledge(taken.message)


def receipts(
    stored: Iterable[Report | DeadLetter], *, topic_prefix: str
) -> Iterable[tuple[str, bytes]]:
    """Tell each unit which of its messages it may forget.

    A dead letter whose id could be read is answered for as well: it is kept, and sending it again
    would not make it better.
    """
    ids_of_unit: dict[str, list[str]] = defaultdict(list)
    for item in stored:
        if item.unit is not None and item.event_id is not None:
            ids_of_unit[item.unit].append(item.event_id)
    for unit, ids in ids_of_unit.items():
        for start in range(0, len(ids), RECEIPT_IDS_MAX):
            body = {"ids": ids[start : start + RECEIPT_IDS_MAX]}
            yield f"{topic_prefix}/{unit}/down/receipt", msgspec.json.encode(body)


async def _gather(source: Source, parse: Parse, storing: asyncio.Future[None]) -> list[_Taken]:
    """Take what comes until the batch is old enough, and its turn to be stored has come."""
    batch = [_take(await _first(source, storing), parse)]
    loop = asyncio.get_running_loop()
    deadline_s = loop.time() + BATCH_AGE_S_MAX
    while len(batch) < BATCH_REPORTS_MAX:
        message = source.receive_nowait()
        if message is not None:
            batch.append(_take(message, parse))
            if len(batch) % SLICE_REPORTS == 0:
                await asyncio.sleep(0)
            continue
        remaining_s = deadline_s - loop.time()
        if remaining_s <= 0 and storing.done():
            break
        if storing.done():
            await asyncio.sleep(remaining_s)
        else:
            await asyncio.wait({storing}, timeout=max(remaining_s, BATCH_AGE_S_MAX))
    return batch


async def _first(source: Source, storing: asyncio.Future[None]) -> Message:
    """Wait for the next message; what ended the storing of the batch before it is raised."""
    while not storing.done():
        message = source.receive_nowait()
        if message is not None:
            return message
        await asyncio.wait({storing}, timeout=BATCH_AGE_S_MAX)
    storing.result()
    return await source.receive()


def _take(message: Message, parse: Parse) -> _Taken:
    return _Taken(message, parse(message.topic, message.payload, message.received_at))


async def _store(
    store: ReportStore, reports: Sequence[Report], dead_letters: Sequence[DeadLetter]
) -> None:
    try:
        await _store_in_time(store, reports, dead_letters)
    except ReportRefusedError:
        # One report must not hold up the others: find it, and keep it as a dead letter.
        await _store_in_time(store, (), dead_letters)
        for report in reports:
            try:
                await _store_in_time(store, (report,), ())
            except ReportRefusedError as error:
                await _store_in_time(store, (), (_refused(report, str(error)),))


async def _store_in_time(
    store: ReportStore, reports: Sequence[Report], dead_letters: Sequence[DeadLetter]
) -> None:
    delay_s = RETRY_S_MIN
    while True:
        try:
            await store.store(reports, dead_letters)
        except StoreUnavailableError as error:
            log.warning("store_unavailable", extra={"reason": str(error), "retry_s": delay_s})
            await asyncio.sleep(delay_s)
            delay_s = min(2 * delay_s, RETRY_S_MAX)
        else:
            return


def _refused(report: Report, text: str) -> DeadLetter:
    return DeadLetter(
        topic="",
        unit=report.unit,
        event_id=report.event_id,
        reason=Reason.STORE_REFUSED,
        text=text,
        raw=report.payload,
        received_at=report.received_at,
    )
