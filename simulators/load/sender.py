"""Sends a load, keeps each report until its receipt, and keeps the books.

plan ─due─▶ send ─▶ waiting ─receipt─▶ let go
              ▲        │
              └─ again ┘  after 4 to 8 s, doubling, with chance in it
"""

import asyncio
import heapq
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from simulators.load.account import Account
from simulators.load.line import Line
from simulators.load.plan import UNANSWERABLE, Kind, Load, Sending, sendings
from simulators.load.report import body_of, id_of, number_of, unit_of
from simulators.unit.device import TOPIC_PREFIX
from simulators.unit.mqtt import BrokerAddress
from simulators.unit.policy import resend_wait_s

TICK_S = 0.002
TURN_S = 0.02
NO_LINE_S = 0.25
READY_S_MAX = 15.0
CHUNK = 200
"""Messages sent before the lines are read again: receipts are not to wait behind sending."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a load is sent.

    Attributes:
        prefix: Before ``/{unit}/up/report``.
        connections: To send on; one more listens.
        open_max: Reports without a receipt; beyond it nothing new goes out. A bound of our memory,
            and where it is small, what makes an open loop a closed one.
        sending_s_max: When to stop sending, though not all is sent; None sends all.
        settle_s: How long to wait for the last receipts.
        wants_receipts: False for devices that know none and take the broker's word instead.
        let_go: Told of each report that its unit forgets, as unit and id.
    """

    prefix: str = TOPIC_PREFIX
    connections: int = 2
    open_max: int = 200_000
    sending_s_max: float | None = None
    settle_s: float = 60.0
    wants_receipts: bool = True
    let_go: Callable[[str, str], None] = lambda _unit, _id: None


@dataclass(slots=True)
class _Waiting:
    """A report in a unit's memory."""

    sending: Sending
    body: bytes
    attempts: int = 0


class Sender:
    """All units of one load."""

    def __init__(self, load: Load, manner: Manner, address: BrokerAddress) -> None:
        self.account = Account()
        self._load, self._manner = load, manner
        self._random = Random()  # noqa: S311 - jitter
        self._waiting: dict[int, _Waiting] = {}
        self._again: list[tuple[float, int]] = []
        self._start_s = 0.0
        self._is_over = False
        name = f"load-{load.run}"
        down = tuple(f"{manner.prefix}/+/down/{what}" for what in ("receipt", "referral"))
        self._ear_line = Line(address, client_id=f"{name}-ear", filters=down, ear=self)
        self._lines = [
            Line(address, client_id=f"{name}-{nth}", filters=(), ear=self)
            for nth in range(manner.connections)
        ]

    async def run(self, stop: asyncio.Event) -> Account:
        """Send everything, wait for the receipts, and give the books.

        Args:
            stop: Set to end early.

        Raises:
            ExceptionGroup: A broker that refuses us, as `SettingsError`.
        """
        async with asyncio.TaskGroup() as group:
            runs = [group.create_task(line.run()) for line in (*self._lines, self._ear_line)]
            await self._until_ready(stop)
            self._start_s, processor_s = time.monotonic(), time.process_time()
            await self._send_all(stop)
            self.account.sending_s = self._now_s()
            await self._settle(stop)
            self.account.total_s = self._now_s()
            self.account.processor_s = time.process_time() - processor_s
            for run in runs:
                run.cancel()
        lines = (*self._lines, self._ear_line)
        self.account.connections = sum(line.connections for line in lines)
        return self.account

    def heard(self, topic: str, payload: bytes) -> None:
        """Take a receipt, or count a referral."""
        if topic.endswith("/referral"):
            self.account.referrals += 1
            return
        at_s = self._now_s()
        for report_id in _ids(payload):
            number = number_of(self._load, report_id)
            waiting = None if number is None else self._waiting.get(number)
            if waiting is None or not self._manner.wants_receipts:
                continue
            self.account.receipted += 1
            if waiting.sending.kind is Kind.LIVE:
                self.account.latencies_s.append(at_s - waiting.sending.due_s)
            self._let_go(waiting.sending.number)

    def confirmed(self, number: int) -> None:
        """Take a PUBACK: no more than the broker's word."""
        self.account.confirmed += 1
        waiting = self._waiting.get(number)
        if waiting is None:
            return
        if waiting.sending.kind in UNANSWERABLE:
            self._waiting.pop(number)
        elif not self._manner.wants_receipts:
            self._let_go(number)

    def _let_go(self, number: int) -> None:
        # Told before it is forgotten, as a unit does.
        self._manner.let_go(unit_of(self._load, number), id_of(self._load, number))
        self.account.let_go += 1
        del self._waiting[number]

    async def _until_ready(self, stop: asyncio.Event) -> None:
        deadline_s = time.monotonic() + READY_S_MAX
        lines: Sequence[Line] = (*self._lines, self._ear_line)
        while not all(line.is_ready for line in lines) and time.monotonic() < deadline_s:
            if stop.is_set():
                return
            await asyncio.sleep(TICK_S)

    async def _send_all(self, stop: asyncio.Event) -> None:
        in_chunk = 0
        for sending in sendings(self._load):
            in_chunk += 1
            early_s = sending.due_s - self._now_s()
            if early_s > 0 or in_chunk >= CHUNK:
                await self._pause(early_s)
                in_chunk = 0
            while len(self._waiting) >= self._manner.open_max and not stop.is_set():
                if self._is_late():
                    return
                self.account.held_back_s += TICK_S
                await self._pause(TICK_S)
            if stop.is_set() or self._is_late():
                return
            self._send_first(sending)

    def _is_late(self) -> bool:
        limit_s = self._manner.sending_s_max
        return limit_s is not None and self._now_s() > limit_s

    async def _settle(self, stop: asyncio.Event) -> None:
        deadline_s = self._now_s() + self._manner.settle_s
        while self._waiting and self._now_s() < deadline_s and not stop.is_set():
            await self._pause(TICK_S)

    async def _pause(self, for_s: float) -> None:
        """Let the lines work, and send again what is due for it."""
        until_s = self._now_s() + for_s
        while True:
            self._send_again()
            for line in self._lines:
                line.flush()
            left_s = until_s - self._now_s()
            # At least a tick, so that what is due within one goes out together.
            await asyncio.sleep(max(TICK_S if left_s > 0 else 0, min(left_s, TURN_S)))
            if left_s <= TURN_S:
                return

    def _send_first(self, sending: Sending) -> None:
        now_s = self._now_s()
        self.account.behind_s_max = max(self.account.behind_s_max, now_s - sending.due_s)
        body = body_of(self._load, sending.number, sending.kind)
        if sending.is_repeat:
            if self._publish(sending.number, body):
                self.account.duplicates += 1
            else:
                self.account.dropped += 1
            return
        self.account.due += 1
        self.account.unanswerable += sending.kind in UNANSWERABLE
        self._waiting[sending.number] = waiting = _Waiting(sending, body)
        self._try(waiting, now_s)

    def _send_again(self) -> None:
        now_s = self._now_s()
        for _ in range(CHUNK):
            if not self._again or self._again[0][0] > now_s:
                return
            _, number = heapq.heappop(self._again)
            waiting = self._waiting.get(number)
            if waiting is not None:
                self.account.resent += self._try(waiting, now_s) and waiting.attempts > 1

    def _try(self, waiting: _Waiting, now_s: float) -> bool:
        is_sent = self._publish(waiting.sending.number, waiting.body)
        chance = self._random.random()
        if is_sent:
            waiting.attempts += 1
            wait_s = resend_wait_s(waiting.attempts, chance=chance)
        else:
            wait_s = NO_LINE_S * (1 + chance)
        heapq.heappush(self._again, (now_s + wait_s, waiting.sending.number))
        return is_sent

    def _publish(self, number: int, body: bytes) -> bool:
        unit = unit_of(self._load, number)
        # A unit keeps to its line, so that what it sends in order arrives in order.
        line = self._lines[number % self._load.vehicles % len(self._lines)]
        topic = f"{self._manner.prefix}/{unit}/up/report".encode()
        is_sent = line.publish(topic, body, number=number)
        self.account.sent += is_sent
        return is_sent

    def _now_s(self) -> float:
        return time.monotonic() - self._start_s


def _ids(payload: bytes) -> list[str]:
    """Read a receipt; what is none names nothing."""
    try:
        ids = json.loads(payload)["ids"]
    except (ValueError, KeyError, TypeError):
        return []
    return [one for one in ids if isinstance(one, str)] if isinstance(ids, list) else []
