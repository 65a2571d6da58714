"""Picks the diagnostic frames out of a bus and joins them into messages.

    11-bit ids   7E8-7EF answers, 7DF and 7E0-7E7 requests (ISO 15765-4), else 700-7FF perhaps
    29-bit ids   18DAF1xx answers, 18DAxxF1 and 18DBxxxx requests, other 18DAxxxx perhaps;
                 J1939: diagnostic messages, their transfers, requests and acknowledgements
    K-line       every message

"Perhaps" are ids where makers also put UDS (seen in recordings: 7BB, 7A8, 79B, 18DAFBEE) and other
things too. What is heard there is believed if it reads as an answer and is no rejection if not.
Everything else on the bus is passed over. What an id carries is worked out once, with its first
frame, and kept as a route; every further frame costs one look-up.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any, NamedTuple

from gateway.model import Bus, Frame, Rejection
from gateway.protocols import isotp, j1939, j1939_tp
from gateway.protocols.isotp import Addressing, Reassembler
from gateway.protocols.j1939 import ecu_name, pgn_of

# All sources of one tester at 29 bits and all of 700-7FF fit; past that the oldest is given up.
STREAMS_MAX = 512
# Ten times what a bus carries; past that all are worked out anew, which costs time and no message.
ROUTES_MAX = 2_048

_TESTER = 0xF1
_PHYSICAL, _FUNCTIONAL = 0xDA, 0xDB
_TRANSFER_DATA, _TRANSFER_CONTROL = 0xEB, 0xEC
_ISOTP = frozenset({_PHYSICAL, _FUNCTIONAL})
_SINGLE_PGNS = frozenset(j1939.SERVICES) | {j1939.REQUEST_PGN, j1939.ACKNOWLEDGE_PGN}


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
class _Route[Event]:
    """What is done with the frames of one id.

    Attributes:
        take: Takes data and the time in seconds, and gives events; most frames give none.
        name: Makes messages and rejections of events and the time in milliseconds.
    """

    take: Callable[[bytes, float], tuple[Event, ...]]
    name: Callable[[tuple[Event, ...], float], Iterable[Heard]]


class _Stream(NamedTuple):
    """One sender of ISO-TP frames."""

    reassembler: Reassembler
    route: _Route[isotp.Event]

    def finish(self) -> Iterable[Heard]:
        return self.route.name(self.reassembler.finish(), 0.0)


class Listener:
    """Follows one bus.

    Memory is bounded by `ROUTES_MAX`, `STREAMS_MAX` and `j1939_tp.SESSIONS_MAX`.

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
        self._routes: dict[int, _Route[Any]] = {}
        self._streams: dict[int, _Stream] = {}
        self._transfers = j1939_tp.TransferListener()

    def hear(self, frames: Iterable[Frame]) -> Iterator[Heard]:
        """Take frames, and give the messages that they complete. Never raises."""
        routes, is_prefixed = self._routes, self._prefix_length > 0
        passed_over = _PASSED_OVER
        for t_ms, can_id, data, is_extended in frames:
            key = ~can_id if is_extended else can_id
            if is_prefixed:  # several control units share one id
                key = key << 8 | (data[0] if data else 0)
            route = routes.get(key)
            if route is None:
                yield from self._begin(key, Frame(t_ms, can_id, data, is_extended))
                route = routes[key]
            if route is passed_over:
                continue
            events = route.take(data, t_ms / 1000)
            if events:
                yield from route.name(events, t_ms)

    def receive(self, frame: Frame) -> tuple[Heard, ...]:
        """Take one frame, as `hear` does."""
        return tuple(self.hear((frame,)))

    def finish(self) -> tuple[Heard, ...]:
        """Set aside what is unfinished, because no more frames will come."""
        streams = [heard for stream in self._streams.values() for heard in stream.finish()]
        self._streams.clear()
        self._routes.clear()
        return (*streams, *_name_transfers("", "", self._transfers.finish(), 0.0))

    def _begin(self, key: int, frame: Frame) -> Iterable[Heard]:
        """Make a route for an id that is new; what had to be given up for it is heard."""
        given_up: Iterable[Heard] = _NOTHING
        if len(self._routes) >= ROUTES_MAX:
            self._routes.clear()
        route = self._route_of(frame)
        if route is None:
            if key not in self._streams:
                if len(self._streams) >= STREAMS_MAX:
                    oldest = next(iter(self._streams))
                    self._routes.pop(oldest, None)
                    given_up = self._streams.pop(oldest).finish()
                self._streams[key] = self._open_stream(frame)
            route = self._streams[key].route
        self._routes[key] = route
        return given_up

    def _route_of(self, frame: Frame) -> _Route[Any] | None:
        """Find what an id carries; None for ISO-TP, whose streams have a memory of their own."""
        can_id = frame.can_id
        if self._bus is Bus.KLINE:
            address = f"{can_id:02X}"
            return _Route(_whole, partial(_name_payloads, address, address, Role.ANSWER))
        if can_id in self._answer_ids and frame.is_extended == (can_id > 0x7FF):
            return None
        if frame.is_extended:
            return self._extended_route_of(frame)
        return _PASSED_OVER if can_id < 0x700 or self._bus is Bus.J1939 else None

    def _extended_route_of(self, frame: Frame) -> _Route[Any] | None:
        can_id = frame.can_id
        pdu_format, destination, source = can_id >> 16 & 0xFF, can_id >> 8 & 0xFF, can_id & 0xFF
        if pdu_format in _ISOTP:
            return None
        name = partial(_name_transfers, format_id(frame), ecu_name(source))
        if pdu_format == _TRANSFER_DATA:
            return _Route(partial(self._transfers.receive_data, source, destination), name)
        if pdu_format == _TRANSFER_CONTROL:
            return _Route(partial(self._transfers.receive_control, source, destination), name)
        pgn = pgn_of(can_id)
        if pgn not in _SINGLE_PGNS:
            return _PASSED_OVER
        is_addressed = pgn & 0xFF00 < 0xF000
        to_whom = destination if is_addressed else j1939_tp.BROADCAST
        return _Route(partial(_whole_group, pgn, source, to_whom), name)

    def _open_stream(self, frame: Frame) -> _Stream:
        ecu = can_id = format_id(frame)
        if self._prefix_length:
            ecu = f"{can_id} {frame.data[0] if frame.data else 0:02X}"
        reassembler = Reassembler(self._addressing)
        name = partial(_name_payloads, can_id, ecu, self._role_of(frame))
        return _Stream(reassembler, _Route(reassembler.receive, name))

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


def format_id(frame: Frame) -> str:
    """Write an id as reports do: 3 hex digits for 11 bits, 8 for 29."""
    return f"{frame.can_id:08X}" if frame.is_extended else f"{frame.can_id:03X}"


_PASSED_OVER: _Route[Any] = _Route(lambda _data, _now_s: (), lambda _events, _t_ms: _NOTHING)


def _whole(data: bytes, _now_s: float) -> isotp.Events:
    return (isotp.Payload(data),)


def _whole_group(
    pgn: int, source: int, destination: int, data: bytes, _now_s: float
) -> j1939_tp.Events:
    return (j1939_tp.Transfer(pgn, source, destination, data),)


def _name_payloads(
    can_id: str, ecu: str, role: Role, events: isotp.Events, t_ms: float
) -> list[Heard]:
    heard: list[Heard] = []
    for event in events:
        if isinstance(event, isotp.Payload):
            heard.append(Message(t_ms, can_id, ecu, event.data, role))
        elif role is Role.ANSWER:  # elsewhere nobody knows that an answer was due
            reason, text, raw = event
            heard.append(Rejection(reason=reason, text=text, raw=raw, ecu=ecu))
    return heard


def _name_transfers(can_id: str, ecu: str, events: j1939_tp.Events, t_ms: float) -> list[Heard]:
    heard: list[Heard] = []
    for event in events:
        if isinstance(event, j1939_tp.Transfer):
            pgn, source, destination, data = event
            role = Role.REQUEST if pgn == j1939.REQUEST_PGN else Role.ANSWER
            heard.append(Message(t_ms, can_id, ecu, data, role, pgn, source, destination))
        elif event.pgn is None or event.pgn in j1939.SERVICES:
            # Its receiver may have ended it, so the frame does not tell whose it was.
            reason, text, raw = event.dropped
            name = ecu_name(event.source)
            heard.append(Rejection(reason=reason, text=text, raw=raw, ecu=name))
    return heard
