"""Picks the diagnostic frames out of a bus and joins them into messages.

    11-bit ids   7E8-7EF answers, 7DF and 7E0-7E7 requests (ISO 15765-4), else 700-7FF perhaps
    29-bit ids   18DAF1xx answers, 18DAxxF1 and 18DBxxxx requests, other 18DAxxxx perhaps;
                 J1939: diagnostic messages, their transfers, requests and acknowledgements
    K-line       every message

"Perhaps" are ids where makers also put UDS (seen in recordings: 7BB, 7A8, 79B, 18DAFBEE) and other
things too. What is heard there is believed if it reads as an answer and is no rejection if not.
Everything else on the bus is passed over; a frame of it costs two comparisons.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from gateway.model import Bus, Frame, Rejection
from gateway.protocols import isotp, j1939, j1939_tp
from gateway.protocols.isotp import Addressing, Reassembler
from gateway.protocols.j1939 import ecu_name, pgn_of

# All sources of one tester at 29 bits and all of 700-7FF fit; past that the oldest is given up.
STREAMS_MAX = 512

_TESTER = 0xF1
_PHYSICAL, _FUNCTIONAL = 0xDA, 0xDB
_TRANSFER_DATA, _TRANSFER_CONTROL = 0xEB, 0xEC
_ISOTP = frozenset({_PHYSICAL, _FUNCTIONAL})
_TRANSFER = frozenset({_TRANSFER_DATA, _TRANSFER_CONTROL})
_SINGLE_PGNS = frozenset(j1939.SERVICES) | {j1939.REQUEST_PGN, j1939.ACKNOWLEDGE_PGN}
# The byte that tells groups apart (PF), so that most traffic is passed over at one look.
_FORMATS = _ISOTP | _TRANSFER | {pgn >> 8 & 0xFF for pgn in _SINGLE_PGNS}


class Role(StrEnum):
    """What an id is known to carry."""

    ANSWER = "answer"
    REQUEST = "request"
    PERHAPS = "perhaps"


class Message(NamedTuple):
    """One whole message of one sender; a tuple, as `Frame` is.

    Attributes:
        can_id: Of the frame that completed it, ``7E8`` or ``18DAF110``.
        pgn: J1939 parameter group; None elsewhere.
        source: J1939 source address; None elsewhere.
        destination: J1939 destination address, 0xFF for all and elsewhere.
    """

    t_ms: float
    can_id: str
    ecu: str
    data: bytes
    role: Role = Role.ANSWER
    pgn: int | None = None
    source: int | None = None
    destination: int = j1939_tp.BROADCAST


Heard = Message | Rejection
_NOTHING: tuple[Heard, ...] = ()


@dataclass(frozen=True, slots=True)
class _Stream:
    """One sender of ISO-TP frames."""

    can_id: str
    ecu: str
    role: Role
    reassembler: Reassembler


class Listener:
    """Follows one bus. Memory is bounded by `STREAMS_MAX` and `j1939_tp.SESSIONS_MAX`.

    Args:
        bus: What the frames come from.
        addressing: Of ISO-TP, for the whole bus.
        answer_ids: Further ids that are known to answer; above 0x7FF they have 29 bits.
    """

    def __init__(
        self,
        bus: Bus,
        *,
        addressing: Addressing = Addressing.NORMAL,
        answer_ids: frozenset[int] = frozenset(),
    ) -> None:
        self._bus = bus
        self._addressing = addressing
        self._prefix_length = addressing.prefix_length
        self._answer_ids = answer_ids
        self._streams: dict[tuple[int, bool, bytes], _Stream] = {}
        self._transfers = j1939_tp.TransferListener()

    def receive(self, frame: Frame) -> tuple[Heard, ...]:
        """Take one frame and say which messages it completes. Never raises."""
        can_id = frame.can_id
        if self._bus is Bus.KLINE:
            name = f"{can_id:02X}"
            return (Message(t_ms=frame.t_ms, can_id=name, ecu=name, data=frame.data),)
        if frame.is_extended:
            return self._receive_extended(frame)
        if (can_id < 0x700 and can_id not in self._answer_ids) or self._bus is Bus.J1939:
            return _NOTHING
        return self._receive_isotp(frame)

    def finish(self) -> tuple[Heard, ...]:
        """Set aside what is unfinished, because no more frames will come."""
        streams = [heard for one in self._streams.values() for heard in _unfinished(one)]
        self._streams.clear()
        return (*streams, *self._of_transfers(self._transfers.finish(), 0.0, ""))

    def _receive_extended(self, frame: Frame) -> tuple[Heard, ...]:
        pdu_format = frame.can_id >> 16 & 0xFF
        if pdu_format in _ISOTP or frame.can_id in self._answer_ids:
            return self._receive_isotp(frame)
        if pdu_format not in _FORMATS:
            return _NOTHING
        if pdu_format in _TRANSFER:
            return self._receive_transfer(frame, pdu_format)
        return self._receive_single(frame)

    def _receive_isotp(self, frame: Frame) -> tuple[Heard, ...]:
        prefix = frame.data[: self._prefix_length] if self._prefix_length else b""
        key = (frame.can_id, frame.is_extended, prefix)
        stream = self._streams.get(key)
        evicted = _NOTHING
        if stream is None:
            stream = self._open_stream(frame)
            if len(self._streams) >= STREAMS_MAX:
                evicted = _unfinished(self._streams.pop(next(iter(self._streams))))
            self._streams[key] = stream
        events = stream.reassembler.receive(frame.data, now_s=frame.t_ms / 1000)
        if not events and not evicted:
            return _NOTHING
        return (*evicted, *_of_stream(events, stream, frame.t_ms))

    def _open_stream(self, frame: Frame) -> _Stream:
        ecu = can_id = format_id(frame)
        if self._prefix_length:  # several control units share one id
            ecu = f"{can_id} {frame.data[: self._prefix_length].hex().upper()}"
        return _Stream(can_id, ecu, self._role_of(frame), Reassembler(self._addressing))

    def _role_of(self, frame: Frame) -> Role:
        can_id = frame.can_id
        if can_id in self._answer_ids:
            return Role.ANSWER
        if not frame.is_extended:
            if 0x7E8 <= can_id <= 0x7EF:
                return Role.ANSWER
            return Role.REQUEST if can_id == 0x7DF or 0x7E0 <= can_id <= 0x7E7 else Role.PERHAPS
        to_address, from_address = can_id >> 8 & 0xFF, can_id & 0xFF
        if can_id >> 16 & 0xFF == _FUNCTIONAL or from_address == _TESTER:
            return Role.REQUEST
        return Role.ANSWER if to_address == _TESTER else Role.PERHAPS

    def _receive_transfer(self, frame: Frame, pdu_format: int) -> tuple[Heard, ...]:
        source, destination = frame.can_id & 0xFF, frame.can_id >> 8 & 0xFF
        take = (
            self._transfers.receive_data
            if pdu_format == _TRANSFER_DATA
            else self._transfers.receive_control
        )
        events = take(source, destination, frame.data, now_s=frame.t_ms / 1000)
        if not events:
            return _NOTHING
        return tuple(self._of_transfers(events, frame.t_ms, format_id(frame)))

    def _receive_single(self, frame: Frame) -> tuple[Heard, ...]:
        pgn = pgn_of(frame.can_id)
        if pgn not in _SINGLE_PGNS:
            return _NOTHING
        source = frame.can_id & 0xFF
        is_addressed = pgn & 0xFF00 < 0xF000
        return (
            Message(
                t_ms=frame.t_ms,
                can_id=format_id(frame),
                ecu=ecu_name(source),
                data=frame.data,
                role=Role.REQUEST if pgn == j1939.REQUEST_PGN else Role.ANSWER,
                pgn=pgn,
                source=source,
                destination=frame.can_id >> 8 & 0xFF if is_addressed else j1939_tp.BROADCAST,
            ),
        )

    @staticmethod
    def _of_transfers(events: j1939_tp.Events, t_ms: float, can_id: str) -> Iterator[Heard]:
        for event in events:
            ecu = ecu_name(event.source)
            if isinstance(event, j1939_tp.Transfer):
                yield Message(
                    t_ms=t_ms,
                    can_id=can_id,
                    ecu=ecu,
                    data=event.data,
                    pgn=event.pgn,
                    source=event.source,
                    destination=event.destination,
                )
            elif event.pgn is None or event.pgn in j1939.SERVICES:
                dropped = event.dropped
                yield Rejection(reason=dropped.reason, text=dropped.text, raw=dropped.raw, ecu=ecu)


def format_id(frame: Frame) -> str:
    """Write an id as reports do: 3 hex digits for 11 bits, 8 for 29."""
    return f"{frame.can_id:08X}" if frame.is_extended else f"{frame.can_id:03X}"


def _of_stream(events: isotp.Events, stream: _Stream, t_ms: float) -> Iterator[Heard]:
    for event in events:
        if isinstance(event, isotp.Payload):
            yield Message(t_ms, stream.can_id, stream.ecu, event.data, stream.role)
        elif stream.role is Role.ANSWER:
            yield Rejection(reason=event.reason, text=event.text, raw=event.raw, ecu=stream.ecu)


def _unfinished(stream: _Stream) -> tuple[Heard, ...]:
    """Give up a stream; loud only where an answer was expected."""
    return tuple(_of_stream(stream.reassembler.finish(), stream, 0.0))
