"""Listens to what the control units of a truck say by themselves (J1939 DM1).

Whole messages only: an announced transfer counts when its last packet came in order. A reading
holds the latest message of every source address that still speaks. The first one is made when all
had time to speak; another one when a message differs from its predecessor and the bus had a moment
to settle, and otherwise once a period.
"""

from dataclasses import dataclass, field

from simulators.model import BusType, Frame
from simulators.wire.reading import FRAMES_MAX, Reading, TimedFrame

SETTLE_S = 0.3
"""After a change others often follow at once; they belong into the same report."""
SILENCE_S_MAX = 5.0
"""Five missed rounds: a source address that is silent so long says nothing any more."""
SOURCES_MAX = 254

_DM1, _ANNOUNCEMENT, _PACKET = 0x00FECA00, 0x00ECFF00, 0x00EBFF00
_PGN_MASK = 0x03FFFF00
_PGN_DM1 = b"\xca\xfe\x00"


@dataclass(slots=True)
class _Transfer:
    """An announced message of which packets are missing."""

    length: int
    packets: int
    frames: list[TimedFrame]
    data: bytearray = field(default_factory=bytearray)


@dataclass(frozen=True, slots=True)
class _Said:
    """The latest whole message of one source address."""

    payload: bytes
    frames: tuple[TimedFrame, ...]


class Listener:
    """A reader for J1939."""

    def __init__(self, *, period_s: float, first_s: float) -> None:
        """Begin to listen.

        Args:
            period_s: Between two readings while nothing changes.
            first_s: When to make the first reading, monotonic.
        """
        self._period_s = period_s
        self._next_s = first_s
        self._transfers: dict[int, _Transfer] = {}
        self._said: dict[int, _Said] = {}
        self._has_read = False
        self._reading: Reading | None = None

    def receive(self, frame: Frame, *, now_s: float) -> None:
        """Take a frame of the bus; what is no DM1 is not kept."""
        if not frame.is_extended:
            return
        group, source = frame.can_id & _PGN_MASK, frame.can_id & 0xFF
        timed = TimedFrame(now_s, frame)
        if group == _DM1:
            self._complete(source, _Said(frame.data, (timed,)), now_s=now_s)
        elif group == _ANNOUNCEMENT and frame.data[:1] == b"\x20" and frame.data[5:8] == _PGN_DM1:
            length = int.from_bytes(frame.data[1:3], "little")
            self._transfers[source] = _Transfer(length, frame.data[3], [timed])
        elif group == _PACKET and (transfer := self._transfers.get(source)):
            self._receive_packet(source, transfer, timed)

    def _receive_packet(self, source: int, transfer: _Transfer, timed: TimedFrame) -> None:
        transfer.frames.append(timed)
        transfer.data += timed.frame.data[1:]
        if timed.frame.data[:1] != bytes((len(transfer.frames) - 1,)):
            del self._transfers[source]  # a packet was lost: the next round brings it again
        elif len(transfer.frames) > transfer.packets:
            del self._transfers[source]
            payload = bytes(transfer.data[: transfer.length])
            self._complete(source, _Said(payload, tuple(transfer.frames)), now_s=timed.at_s)

    def _complete(self, source: int, said: _Said, *, now_s: float) -> None:
        before = self._said.get(source)
        if before is None and len(self._said) >= SOURCES_MAX:
            return
        self._said[source] = said
        if self._has_read and (before is None or before.payload != said.payload):
            self._next_s = min(self._next_s, now_s + SETTLE_S)

    def tick(self, *, now_s: float) -> None:
        """Make a reading if it is time for one."""
        if now_s < self._next_s:
            return
        self._next_s = now_s + self._period_s
        self._said = {
            source: said
            for source, said in self._said.items()
            if now_s - said.frames[-1].at_s <= SILENCE_S_MAX
        }
        frames: list[TimedFrame] = []
        answers = set()
        for source, said in self._said.items():
            if len(frames) + len(said.frames) <= FRAMES_MAX:
                frames += said.frames
                answers.add((source, said.payload))
        if frames:
            self._has_read = True
            frames.sort(key=lambda timed: timed.at_s)
            self._reading = Reading(
                bus=BusType.J1939, frames=tuple(frames), answers=frozenset(answers)
            )

    @property
    def deadline_s(self) -> float:
        """When the next reading is due."""
        return self._next_s

    def take(self) -> Reading | None:
        """Return the latest reading once."""
        reading, self._reading = self._reading, None
        return reading
