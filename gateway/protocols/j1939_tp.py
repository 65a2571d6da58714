"""Joins J1939 packets into messages, seen by a listener: SAE J1939-21, BAM and RTS/CTS.

    idle ──BAM or RTS──▶ gathering ──last data packet──▶ idle, and a transfer
                           │   ▲
                           │   └── CTS asks again for an earlier packet: go back to it
                           └── wrong sequence, abort, too late, new announcement ──▶ one `Lost`

One session for each (source, destination): several control units send at the same time. A listener
must not wait for the receiver's acknowledgement, which may not be in the recording: the last data
packet completes the message. Layouts and times as in can-j1939 and j1939-84.
"""

from dataclasses import dataclass
from typing import NamedTuple

from gateway.model import Reason
from gateway.protocols.events import Dropped

BROADCAST = 0xFF
# T1: between two packets of a broadcast. T2 and T3: where the receiver has a say.
T1_S = 0.750
T2_S = 1.250
PACKET_LENGTH = 7
LENGTH_MIN, LENGTH_MAX = 9, 255 * PACKET_LENGTH
# 256 sources that broadcast at once fill it; past that the oldest session is given up.
SESSIONS_MAX = 256

_RTS, _CTS, _ACKNOWLEDGED, _BAM, _ABORT = 0x10, 0x11, 0x13, 0x20, 0xFF


class Transfer(NamedTuple):
    """One whole message of several packets.

    Attributes:
        pgn: Parameter group that the packets carried.
        source: Address of the sender.
        destination: Address of the receiver, 0xFF for all.
    """

    pgn: int
    source: int
    destination: int
    data: bytes


class Lost(NamedTuple):
    """A transfer that did not become a message.

    Attributes:
        pgn: What it would have carried; None if its announcement was not seen.
    """

    pgn: int | None
    source: int
    dropped: Dropped


Event = Transfer | Lost
Events = tuple[Event, ...]
_NOTHING: Events = ()


@dataclass(slots=True)
class _Session:
    """A transfer in progress."""

    pgn: int
    length: int
    wait_s: float
    deadline_s: float
    data: bytearray
    sequence: int = 1  # of the next packet


class TransferListener:
    """Follows all transfers of one bus."""

    def __init__(self) -> None:
        self._sessions: dict[tuple[int, int], _Session] = {}
        # Where stray packets were reported already: the rest of a lost transfer says nothing new.
        self._astray: set[tuple[int, int]] = set()

    @property
    def deadline_s(self) -> float | None:
        """When to call `tick` if nothing comes first; None while idle."""
        return min((one.deadline_s for one in self._sessions.values()), default=None)

    def receive_control(self, source: int, destination: int, data: bytes, now_s: float) -> Events:
        """Take the 8 bytes of a connection management message (TP.CM, PGN EC00). Never raises."""
        if len(data) < 8:
            return (self._stray(source, Reason.BAD_FRAME, "a control message that is short", data),)
        control, key, pgn = data[0], (source, destination), data[5] | data[6] << 8 | data[7] << 16
        if control in (_BAM, _RTS):
            return self._begin(key, data, pgn, now_s)
        if control == _CTS:
            self._go_back((destination, source), data, now_s)
            return _NOTHING
        if control == _ABORT:  # either side may, and a broadcast's sender too
            ended = key if key in self._sessions else (destination, source)
            return self._lose(ended, Reason.ABORTED, f"aborted with reason {data[1]}", data)
        if control == _ACKNOWLEDGED:
            return self._lose(
                (destination, source), Reason.TRUNCATED, "ended before its last packet"
            )
        return (
            self._stray(source, Reason.BAD_FRAME, f"no control byte {control:02X} exists", data),
        )

    def receive_data(self, source: int, destination: int, data: bytes, now_s: float) -> Events:
        """Take a data packet (TP.DT, PGN EB00): its number and up to 7 bytes. Never raises."""
        key = (source, destination)
        session = self._sessions.get(key)
        if session is None:
            return self._set_aside(key, data)
        if now_s > session.deadline_s:
            lost = self._lose(key, Reason.TRUNCATED, f"no packet for {session.wait_s:g} s")
            return lost + self._set_aside(key, data)
        if not data or data[0] != session.sequence:
            got = f"{data[0]}" if data else "nothing"
            text = f"expected packet {session.sequence}, got {got}"
            return self._lose(key, Reason.OUT_OF_SEQUENCE, text, data)
        gathered, length = session.data, len(data)
        missing = session.length - len(gathered)
        if length > PACKET_LENGTH < missing:  # more follows
            gathered += data[1 : 1 + PACKET_LENGTH]
            session.sequence += 1
            session.deadline_s = now_s + session.wait_s
            return _NOTHING
        if length <= missing:
            return self._lose(key, Reason.LENGTH, f"packet {data[0]} is short", data)
        del self._sessions[key]
        return (
            Transfer(session.pgn, source, destination, bytes(gathered) + data[1 : 1 + missing]),
        )

    def tick(self, *, now_s: float) -> Events:
        """Drop the transfers whose next packet is late."""
        late = [key for key, one in self._sessions.items() if now_s > one.deadline_s]
        return tuple(
            event
            for key in late
            for event in self._lose(key, Reason.TRUNCATED, "the next packet is late")
        )

    def finish(self) -> Events:
        """Drop all transfers in progress, because no more packets will come."""
        return tuple(
            event
            for key in list(self._sessions)
            for event in self._lose(key, Reason.TRUNCATED, "the frames end here")
        )

    def _begin(self, key: tuple[int, int], data: bytes, pgn: int, now_s: float) -> Events:
        source, destination = key
        events = _NOTHING
        if key in self._sessions:
            events = self._lose(key, Reason.REPLACED, "a new transfer began before this one ended")
        self._astray.add(key)  # unless the announcement is sound
        is_broadcast = data[0] == _BAM
        length, packets = data[1] | data[2] << 8, data[3]
        if is_broadcast != (destination == BROADCAST):
            text = f"control byte {data[0]:02X} to address {destination:02X}"
            return (*events, Lost(pgn, source, Dropped(Reason.BAD_FRAME, text, data)))
        if not LENGTH_MIN <= length <= LENGTH_MAX or packets != -(-length // PACKET_LENGTH):
            text = f"{length} bytes in {packets} packets contradict each other"
            return (*events, Lost(pgn, source, Dropped(Reason.LENGTH, text, data)))
        if len(self._sessions) >= SESSIONS_MAX:
            text = f"more than {SESSIONS_MAX} transfers at once"
            events += self._lose(next(iter(self._sessions)), Reason.LIMIT, text)
        wait_s = T1_S if is_broadcast else T2_S
        self._sessions[key] = _Session(pgn, length, wait_s, now_s + wait_s, bytearray())
        self._astray.discard(key)
        return events

    def _go_back(self, key: tuple[int, int], data: bytes, now_s: float) -> None:
        session = self._sessions.get(key)
        if session is None:
            return
        session.deadline_s = now_s + session.wait_s
        wanted = data[2]
        if data[1] and 1 <= wanted < session.sequence:  # 0 packets means "wait"
            del session.data[(wanted - 1) * PACKET_LENGTH :]
            session.sequence = wanted

    def _set_aside(self, key: tuple[int, int], data: bytes) -> Events:
        if key in self._astray:
            return _NOTHING
        if len(self._astray) >= SESSIONS_MAX:
            self._astray.clear()
        self._astray.add(key)
        text = "a transfer whose announcement is missing"
        return (self._stray(key[0], Reason.OUT_OF_SEQUENCE, text, data),)

    def _lose(self, key: tuple[int, int], reason: Reason, text: str, data: bytes = b"") -> Events:
        session = self._sessions.pop(key, None)
        if session is None:
            return _NOTHING
        self._astray.add(key)
        text = f"{text} ({len(session.data)} of {session.length} bytes)"
        return (Lost(session.pgn, key[0], Dropped(reason, text, bytes(session.data) + data)),)

    @staticmethod
    def _stray(source: int, reason: Reason, text: str, data: bytes) -> Lost:
        return Lost(None, source, Dropped(reason, text, data))
