"""A telematics unit: reads the vehicle, reports what is new, keeps each report until its receipt.

    bus ─▶ reader ─reading─▶ watch ─news─▶ spool (on disk) ─▶ broker
                                             ▲    └─ again, later and later ─┘
                                             └── receipt: let it go

Everything happens in the thread of the vehicle; what comes by MQTT waits in a queue for it.
"""

import json
import queue
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Protocol

from simulators.model import Event, EventKind, Frame
from simulators.unit.mqtt import Arrival
from simulators.unit.policy import Outbox, Watch
from simulators.unit.spool import Spool
from simulators.wire.reading import Reader, Reading
from simulators.world.roster import SimulatedVehicle, VehicleState

TOPIC_PREFIX = "rb/1"
RESTORED_S_MAX = 4.0
"""After a restart, what was kept is sent again within this time, spread by chance."""
SEND_GAP_S = 0.1
"""Between one batch of reports and the next: a backlog drains without flooding the broker."""
RECEIPT_IDS_MAX = 10_000


class Line(Protocol):
    """What a unit needs of its connection."""

    inbox: queue.Queue[Arrival]

    @property
    def is_ready(self) -> bool:
        """Whether reports can go out and receipts can come in."""

    def publish(self, topic: str, payload: bytes) -> bool:
        """Hand a message to the network; return False if it cannot be taken now."""


@dataclass(frozen=True, slots=True)
class Topics:
    """Where one unit speaks and hears."""

    report: str
    receipt: str
    referral: str

    @classmethod
    def of(cls, unit: str, *, prefix: str = TOPIC_PREFIX) -> "Topics":
        """Name the topics of a unit."""
        base = f"{prefix}/{unit}"
        return cls(f"{base}/up/report", f"{base}/down/receipt", f"{base}/down/referral")


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What a unit works with.

    Attributes:
        line: Its connection.
        topics: Where it speaks and hears.
        tell: Hears of everything that happens.
        heartbeat_s: After so long even an unchanged vehicle is reported.
        random: For the back-off.
        new_id: Makes an id that no report had before.
        wall_clock: For the time in a report; aware.
    """

    line: Line
    topics: Topics
    tell: Callable[[Event], None]
    heartbeat_s: float
    random: Random
    new_id: Callable[[], str]
    wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC)


class TelematicsUnit:
    """The device in one vehicle; a node on its bus."""

    def __init__(
        self,
        vehicle: SimulatedVehicle,
        *,
        reader: Reader,
        spool: Spool,
        means: Means,
        start_s: float,
    ) -> None:
        """Take up the unit's work where it was left.

        Args:
            vehicle: What it is built into.
            reader: Its way to read the bus.
            spool: Its memory; reports in it are sent again.
            means: What else it works with.
            start_s: Now, monotonic.
        """
        self._vehicle = vehicle
        self._reader = reader
        self._spool = spool
        self._means = means
        self._topics = means.topics
        self._start_s = start_s
        self._watch = Watch(heartbeat_s=means.heartbeat_s)
        self._outbox = Outbox()
        self._first_sent_s: dict[str, float] = {}
        self._latest_sent_s: float | None = None
        self._send_again_s = start_s
        for report_id in spool.pending():
            due_s = start_s + RESTORED_S_MAX * means.random.random()
            self._outbox.add(report_id, due_s=due_s)

    def receive(self, frame: Frame, *, now_s: float) -> None:
        """Take a frame of the bus."""
        self._reader.receive(frame, now_s=now_s)

    def tick(self, *, now_s: float) -> None:
        """Read, report, send again, and take what came from the broker."""
        self._reader.tick(now_s=now_s)
        reading = self._reader.take()
        if reading is not None and self._watch.judge(reading.answers, now_s=now_s):
            self._report(reading, now_s=now_s)
        self._take_arrivals()
        self._send_due(now_s=now_s)

    @property
    def deadline_s(self) -> float | None:
        """When the reader or a report is due."""
        reader_s, outbox_s = self._reader.deadline_s, self._outbox.deadline_s
        if outbox_s is None or not self._means.line.is_ready:
            return reader_s
        send_s = max(outbox_s, self._send_again_s)
        return send_s if reader_s is None else min(reader_s, send_s)

    def _report(self, reading: Reading, *, now_s: float) -> None:
        report_id, seq = self._means.new_id(), self._spool.next_seq()
        body = encode_report(
            reading,
            self._vehicle.state_after(now_s - self._start_s),
            report_id=report_id,
            seq=seq,
            at=self._means.wall_clock(),
        )
        dropped = self._spool.keep(report_id, body, seq=seq)
        self._forget(dropped)
        for old_id in dropped:
            self._say(EventKind.DROPPED, now_s, report_id=old_id)
        self._outbox.add(report_id, due_s=now_s)

    def _send_due(self, *, now_s: float) -> None:
        if not self._means.line.is_ready or now_s < self._send_again_s:
            return
        for report_id in self._outbox.due(now_s=now_s):
            body = self._spool.body(report_id)
            if body is None:
                self._forget((report_id,))
                continue
            # Whether it is taken or not, the next one waits its turn.
            self._send_again_s = now_s + SEND_GAP_S
            if not self._means.line.publish(self._topics.report, body):
                return
            attempts = self._outbox.sent(report_id, now_s=now_s, chance=self._means.random.random())
            self._first_sent_s.setdefault(report_id, now_s)
            self._latest_sent_s = now_s
            kind = EventKind.REPORT_SENT if attempts == 1 else EventKind.RESEND
            self._say(kind, now_s, report_id=report_id)

    def _take_arrivals(self) -> None:
        for _ in range(self._means.line.inbox.qsize()):
            try:
                arrival = self._means.line.inbox.get_nowait()
            except queue.Empty:
                return
            if arrival.topic == self._topics.receipt:
                self._take_receipt(parse_receipt(arrival.payload), at_s=arrival.at_s)
            elif arrival.topic == self._topics.referral:
                self._take_referral(arrival)

    def _take_receipt(self, report_ids: Sequence[str], *, at_s: float) -> None:
        # Told before it is forgotten: whoever keeps account hears of it even if we die in between.
        kept = set(self._spool.pending())
        held = [report_id for report_id in report_ids if report_id in kept]
        for report_id in held:
            since_s = self._since(self._first_sent_s.get(report_id), at_s)
            self._say(EventKind.RECEIPT, at_s, report_id=report_id, since_report_s=since_s)
        self._forget(self._spool.forget(held))

    def _take_referral(self, arrival: Arrival) -> None:
        self._means.tell(
            Event(
                kind=EventKind.REFERRAL,
                at_s=arrival.at_s,
                unit=self._vehicle.unit,
                body=arrival.payload,
                since_report_s=self._since(self._latest_sent_s, arrival.at_s),
            )
        )

    def _forget(self, report_ids: Iterable[str]) -> None:
        self._outbox.forget(report_ids)
        for report_id in report_ids:
            self._first_sent_s.pop(report_id, None)

    def _say(
        self,
        kind: EventKind,
        at_s: float,
        *,
        report_id: str,
        since_report_s: float | None = None,
    ) -> None:
        unit = self._vehicle.unit
        self._means.tell(
            Event(kind=kind, at_s=at_s, unit=unit, id=report_id, since_report_s=since_report_s)
        )

    @staticmethod
    def _since(then_s: float | None, now_s: float) -> float | None:
        return None if then_s is None else now_s - then_s


def encode_report(
    reading: Reading, state: VehicleState, *, report_id: str, seq: int, at: datetime
) -> bytes:
    """Encode a report by the contract of ``rb/1``.

    Args:
        reading: Frames, told in milliseconds from the first one.
        state: Where and how the vehicle is.
        report_id: Unique for the unit.
        seq: Higher than that of any report before.
        at: The unit's clock, aware.
    """
    start_s = reading.frames[0].at_s if reading.frames else 0.0
    report = {
        "id": report_id,
        "at": at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "seq": seq,
        "bus": str(reading.bus),
        "frames": [
            [round((seen.at_s - start_s) * 1000), seen.frame.id_text, seen.frame.data.hex().upper()]
            for seen in reading.frames
        ],
        "pos": [state.position.lon_deg, state.position.lat_deg],
        "speed_kmh": state.speed_kmh,
        "odometer_km": state.odometer_km,
        "signals": {"battery_v": state.battery_v},
    }
    if state.soc_pct is not None:
        report["soc_pct"] = state.soc_pct
    return json.dumps(report, separators=(",", ":")).encode()


def parse_receipt(payload: bytes) -> list[str]:
    """Read which reports are safe; what is no receipt names none."""
    try:
        body = json.loads(payload)
    except ValueError:
        return []
    ids = body.get("ids") if isinstance(body, dict) else None
    if not isinstance(ids, list):
        return []
    return [report_id for report_id in ids[:RECEIPT_IDS_MAX] if isinstance(report_id, str)]
