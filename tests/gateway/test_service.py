"""Nothing is said to be stored before it is, and one bad message holds up no other."""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256

import pytest

from gateway import service
from gateway.errors import BrokerLostError, ReportRefusedError, StoreUnavailableError
from gateway.model import DeadLetter, Reason, Report
from gateway.testing import InMemoryReportStore, ScriptedSource

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def parse(topic: str, payload: bytes, received_at: datetime) -> Report | DeadLetter:
    """A dialect in three lines: the payload is the event id, and ``!`` is rubbish."""
    unit = topic.split("/")[2]
    if payload.startswith(b"!"):
        return DeadLetter(
            topic=topic,
            unit=unit,
            event_id=payload[1:].decode() or None,
            reason=Reason.SCHEMA,
            text="rubbish",
            raw=payload,
            received_at=received_at,
        )
    return Report(
        unit=unit,
        event_id=payload.decode(),
        digest=sha256(payload).digest(),
        payload=payload,
        received_at=received_at,
    )


def message(unit: str, body: str) -> tuple[str, bytes]:
    return f"rb/1/{unit}/up/report", body.encode()


async def run(store: InMemoryReportStore, *messages: tuple[str, bytes]) -> list[str]:
    """What the gateway did, in order."""
    source = ScriptedSource(messages)
    with pytest.raises(BrokerLostError):
        await service.serve(source, store, parse, topic_prefix="rb/1")
    return source.done


async def test_receipts_come_before_acknowledgements_and_both_after_the_commit() -> None:
    store = InMemoryReportStore()
    done = await run(store, message("u1", "a"), message("u2", "b"), message("u1", "c"))
    assert done == [
        'rb/1/u1/down/receipt {"ids":["a","c"]}',
        'rb/1/u2/down/receipt {"ids":["b"]}',
        "ack 1",
        "ack 2",
        "ack 3",
    ]
    assert set(store.reports) == {("u1", "a"), ("u2", "b"), ("u1", "c")}


async def test_while_the_database_is_away_nothing_is_said_and_the_batch_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(service, "RETRY_S_MIN", 0)
    store = InMemoryReportStore()
    store.fail_next.extend(StoreUnavailableError("away") for _ in range(3))
    done = await run(store, message("u1", "a"))
    assert done == ['rb/1/u1/down/receipt {"ids":["a"]}', "ack 1"]
    assert store.batches == [1]


async def test_a_store_that_never_commits_gets_no_receipt_sent() -> None:
    """The control: an error that the loop does not know ends it before anything was said."""
    store = InMemoryReportStore()
    store.fail_next.append(RuntimeError("a mistake of ours"))
    source = ScriptedSource([message("u1", "a")])
    with pytest.raises(RuntimeError):
        await service.serve(source, store, parse, topic_prefix="rb/1")
    assert source.done == []


async def test_a_message_sent_twice_is_answered_for_twice() -> None:
    done = await run(InMemoryReportStore(), message("u1", "a"), message("u1", "a"))
    assert done[0] == 'rb/1/u1/down/receipt {"ids":["a","a"]}'


async def test_a_report_that_the_database_refuses_becomes_a_dead_letter_alone() -> None:
    store = InMemoryReportStore()
    store.refuse = lambda report: ReportRefusedError("no") if report.event_id == "b" else None
    done = await run(store, *(message("u1", name) for name in "abc"), message("u1", "!d"))
    assert set(store.reports) == {("u1", "a"), ("u1", "c")}
    assert [(d.event_id, d.reason) for d in store.dead_letters] == [
        ("d", Reason.SCHEMA),
        ("b", Reason.STORE_REFUSED),
    ]
    assert done[0] == 'rb/1/u1/down/receipt {"ids":["a","b","c","d"]}'


async def test_rubbish_without_an_id_is_acknowledged_and_gets_no_receipt() -> None:
    assert await run(InMemoryReportStore(), message("u1", "!")) == ["ack 1"]


async def test_the_next_batch_is_decoded_while_one_is_stored_and_answered_for_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(service, "BATCH_REPORTS_MAX", 2)
    third_is_decoded, decoded = asyncio.Event(), []

    def decode(topic: str, payload: bytes, received_at: datetime) -> Report | DeadLetter:
        decoded.append(payload)
        if len(decoded) == 3:
            third_is_decoded.set()
        return parse(topic, payload, received_at)

    class WaitingStore(InMemoryReportStore):
        async def store(
            self, reports: Sequence[Report], dead_letters: Sequence[DeadLetter]
        ) -> None:
            async with asyncio.timeout(5):
                await third_is_decoded.wait()
            await super().store(reports, dead_letters)

    source = ScriptedSource([message("u1", name) for name in "abcd"])
    with pytest.raises(BrokerLostError):
        await service.serve(source, WaitingStore(), decode, topic_prefix="rb/1")
    assert source.done == [
        'rb/1/u1/down/receipt {"ids":["a","b"]}',
        "ack 1",
        "ack 2",
        'rb/1/u1/down/receipt {"ids":["c","d"]}',
        "ack 3",
        "ack 4",
    ]


async def test_a_batch_has_a_limit() -> None:
    store = InMemoryReportStore()
    total = service.BATCH_REPORTS_MAX + 3
    await run(store, *(message("u1", str(n)) for n in range(total)))
    assert store.batches == [service.BATCH_REPORTS_MAX, 3]


def test_a_receipt_has_a_limit() -> None:
    reports = [
        parse("rb/1/u1/up/report", str(n).encode(), NOW) for n in range(service.RECEIPT_IDS_MAX + 1)
    ]
    sizes = [len(json.loads(body)["ids"]) for _, body in service.receipts(reports, topic_prefix="")]
    assert sizes == [service.RECEIPT_IDS_MAX, 1]
