"""Joins the CAN frames of one sender into messages: ISO 15765-2, seen by a listener.

    idle ──first frame──▶ gathering ──last consecutive frame──▶ idle, and a payload
      │                      │
      │                      └── wrong sequence, bad length, too late ──▶ astray, and one `Dropped`
      └── single frame ──▶ a payload (also while gathering, which goes on)

Astray means that more frames of a lost message may follow; they are skipped without a word until a
first or a single frame starts anew. Frame formats as in can-isotp and in the recordings that the
tests use; padding is told by length, never by value.
"""

from enum import StrEnum
from typing import NamedTuple

from gateway.model import Reason
from gateway.protocols.events import Dropped

# The longest wait for the next consecutive frame, N_Cr (ISO 15765-2; the default of can-isotp).
N_CR_S = 1.0
# What 12 bits can say. The 32-bit length could ask for 4 GiB; no list of codes comes near.
LENGTH_MAX = 4095
_CLASSIC_FRAME_LENGTH = 8
_CONSECUTIVE = 0x20
_IDLE = -1  # no frame begins with it


class Addressing(StrEnum):
    """Where the protocol byte stands. It is configured: guessing it makes messages out of noise."""

    NORMAL = "normal"
    EXTENDED = "extended"  # one byte of target address before it
    MIXED = "mixed"  # one byte of address extension before it

    @property
    def prefix_length(self) -> int:
        """How many address bytes lead each frame."""
        return 0 if self is Addressing.NORMAL else 1


class Payload(NamedTuple):
    """One whole message."""

    data: bytes


Event = Payload | Dropped
Events = tuple[Event, ...]
_NOTHING: Events = ()


class Reassembler:
    """Joins the frames of one sender: one CAN id, and one address byte where there is one."""

    __slots__ = (
        "_buffer",
        "_deadline_s",
        "_expected",
        "_frame_length",
        "_is_astray",
        "_length",
        "_prefix_length",
        "_segment_length",
    )

    def __init__(self, addressing: Addressing = Addressing.NORMAL) -> None:
        self._prefix_length = addressing.prefix_length
        self._frame_length = _CLASSIC_FRAME_LENGTH - self._prefix_length
        self._buffer = bytearray()
        self._length = 0
        self._segment_length = 0
        # First byte of the next consecutive frame while gathering.
        self._expected = _IDLE
        self._deadline_s = 0.0
        self._is_astray = False

    @property
    def deadline_s(self) -> float | None:
        """When to call `tick` if no frame comes first; None while idle."""
        return None if self._expected == _IDLE else self._deadline_s

    def receive(self, frame: bytes, now_s: float) -> Events:
        """Take one CAN data field and say what follows from it. Never raises.

        Args:
            frame: 0 to 64 bytes, address byte included where there is one.
            now_s: Monotonic; a clock that stands still only means that nothing is ever late.
        """
        if self._prefix_length:
            frame = frame[self._prefix_length :]
        if not frame:
            return _NOTHING
        lead = frame[0]
        if lead == self._expected and now_s <= self._deadline_s:
            if self._segment_length < len(frame) <= self._length - len(self._buffer):
                # The middle of a message, which most frames are: nothing else is asked of it.
                self._buffer += frame[1:]
                self._expected = _CONSECUTIVE | (lead + 1 & 0x0F)
                self._deadline_s = now_s + N_CR_S
                return _NOTHING
            return self._last(frame)
        return self.tick(now_s=now_s) + self._begin(frame, now_s)

    def tick(self, *, now_s: float) -> Events:
        """Drop the message in progress if its next frame is late."""
        if self._expected == _IDLE or now_s <= self._deadline_s:
            return _NOTHING
        return self._lose(Reason.TRUNCATED, f"no frame for more than {N_CR_S:g} s")

    def finish(self) -> Events:
        """Drop the message in progress, because no more frames will come."""
        if self._expected == _IDLE:
            return _NOTHING
        return self._lose(Reason.TRUNCATED, "the frames end here")

    def _begin(self, body: bytes, now_s: float) -> Events:
        """Take a frame that does not go on with the message in progress."""
        match body[0] >> 4:
            case 0:
                return self._single(body)
            case 1:
                return self._first(body, now_s)
            case 2:
                return self._unexpected(body)
            case 3:  # flow control is for the sender of the other direction
                return _NOTHING
            case kind:
                return (Dropped(Reason.BAD_FRAME, f"no frame type {kind:X} exists", body),)

    def _single(self, body: bytes) -> Events:
        length, start = body[0] & 0x0F, 1
        if length == 0 and len(body) > self._frame_length:  # CAN FD: the length has a byte
            length, start = body[1], 2
        data = body[start : start + length]
        if not data:
            return (Dropped(Reason.BAD_FRAME, "a single frame without data", body),)
        if len(data) < length or (start == 1 and length >= _CLASSIC_FRAME_LENGTH):
            text = f"expected {length} bytes, got {len(data)}"
            return (Dropped(Reason.LENGTH, text, body),)
        # A sender that answers another request in between makes the rest no less readable: its
        # sequence numbers and length still have to fit. (A strict receiver would give up here.)
        if self._expected == _IDLE:
            self._is_astray = False
        return (Payload(data),)

    def _first(self, body: bytes, now_s: float) -> Events:
        events = _NOTHING
        if self._expected != _IDLE:
            events = self._lose(Reason.REPLACED, "a new message began before this one ended")
        self._is_astray = True  # unless all that follows is right
        if len(body) < self._frame_length:
            return (*events, Dropped(Reason.BAD_FRAME, "a first frame that is not full", body))
        length, start = (body[0] & 0x0F) << 8 | body[1], 2
        if length == 0:
            length, start = int.from_bytes(body[2:6]), 6
        if length > LENGTH_MAX:
            text = f"expected at most {LENGTH_MAX} bytes, got {length} announced"
            return (*events, Dropped(Reason.LIMIT, text, body))
        if length <= len(body) - start:
            text = f"{length} bytes announced, which need no second frame"
            return (*events, Dropped(Reason.LENGTH, text, body))
        self._buffer = bytearray(body[start:])
        self._length = length
        self._segment_length = len(body) - 1
        self._expected = _CONSECUTIVE | 1
        self._deadline_s = now_s + N_CR_S
        self._is_astray = False
        return events

    def _last(self, body: bytes) -> Events:
        missing, length = self._length - len(self._buffer), len(body) - 1
        if length < missing:
            text = f"expected {min(missing, self._segment_length)} bytes, got {length}"
            return self._lose(Reason.LENGTH, text, body)
        self._expected = _IDLE
        return (Payload(bytes(self._buffer) + body[1 : 1 + missing]),)

    def _unexpected(self, body: bytes) -> Events:
        """Take a consecutive frame that is not the next one of a message."""
        if self._expected != _IDLE:
            text = f"expected frame {self._expected & 0x0F:X}, got {body[0] & 0x0F:X}"
            return self._lose(Reason.OUT_OF_SEQUENCE, text, body)
        if self._is_astray:
            return _NOTHING
        self._is_astray = True
        return (Dropped(Reason.OUT_OF_SEQUENCE, "a message whose beginning is missing", body),)

    def _lose(self, reason: Reason, text: str, body: bytes = b"") -> Events:
        raw = bytes(self._buffer) + body
        text = f"{text} ({len(self._buffer)} of {self._length} bytes)"
        self._buffer = bytearray()
        self._expected = _IDLE
        self._is_astray = True
        return (Dropped(reason, text, raw),)
