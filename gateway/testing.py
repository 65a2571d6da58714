"""Fakes for tests of the gateway's loop: a source with a script, and a store in memory."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

from gateway.errors import BrokerLostError
from gateway.model import DeadLetter, Report
from gateway.sources.mqtt import Message


class InMemoryReportStore:
    """A store that remembers; `fail_next` makes it fail first."""

    def __init__(self) -> None:
        self.reports: dict[tuple[str, str], Report] = {}
        self.dead_letters: list[DeadLetter] = []
        self.batches: list[int] = []
        self.fail_next: deque[Exception] = deque()
        self.refuse: Callable[[Report], Exception | None] = lambda _: None

    async def store(self, reports: Sequence[Report], dead_letters: Sequence[DeadLetter]) -> None:
        """See `gateway.ports.ReportStore`."""
        await asyncio.sleep(0)
        if self.fail_next:
            raise self.fail_next.popleft()
        for report in reports:
            if error := self.refuse(report):
                raise error
        self.batches.append(len(reports))
        for report in reports:
            self.reports.setdefault((report.unit, report.event_id), report)
        self.dead_letters += dead_letters


class ScriptedSource:
    """Gives its messages at once, ends when all are acknowledged, and notes what is asked of it."""

    def __init__(self, messages: Iterable[tuple[str, bytes]]) -> None:
        self._waiting = deque(
            Message(topic, payload, datetime.now(UTC), mid, 1, 1)
            for mid, (topic, payload) in enumerate(messages, 1)
        )
        self._held = 0
        self.done: list[str] = []

    async def receive(self) -> Message:
        """See `gateway.service.Source`."""
        if (message := self.receive_nowait()) is not None:
            return message
        if self._held:
            await asyncio.Event().wait()
        raise BrokerLostError("the script is at its end")

    def receive_nowait(self) -> Message | None:
        """See `gateway.service.Source`."""
        if not self._waiting:
            return None
        self._held += 1
        return self._waiting.popleft()

    def acknowledge(self, message: Message) -> bool:
        """See `gateway.service.Source`."""
        self._held -= 1
        self.done.append(f"ack {message.mid}")
        return True

    def publish(self, topic: str, payload: bytes) -> None:
        """See `gateway.service.Source`."""
        self.done.append(f"{topic} {payload.decode()}")
