"""J1939 active trouble codes (DM1): the message, its packets, and when they are sent.

A control unit says once a second which faults are active, and at once when that changes. Two and
more codes do not fit into one frame: they are announced (BAM) and follow in packets.

Layouts as can-j1939 and the recordings of a real truck have them: lamps in byte 0, flashing in byte
1, then four bytes for each code, suspect parameter least significant bit first (SAE J1939-73);
control byte 0x20, size, packet count, 0xFF, parameter group (SAE J1939-21).
"""

from collections import deque
from collections.abc import Sequence

from dtc_db.codes import J1939Dtc
from simulators.model import Fault, Frame, Lamp

PERIOD_S = 1.0
PACKET_GAP_S = 0.055
"""SAE J1939-21 asks for 50 to 200 ms between the packets of a broadcast; real trucks take 60."""
FAULTS_MAX = 445
"""(1785 - 2) // 4: the longest broadcast is 255 packets of 7 bytes."""

_PGN_DM1 = 0xFECA
_LAMP_BIT = {Lamp.PROTECT: 0, Lamp.WARNING: 2, Lamp.STOP: 4, Lamp.MIL: 6}


def encode_dm1(faults: Sequence[Fault]) -> bytes:
    """Encode what is active.

    Args:
        faults: Those whose code is of J1939 are encoded, the first ``FAULTS_MAX`` of them.

    Returns:
        8 bytes for none or one code (filled with 0xFF), else 2 + 4 for each code.
    """
    lamps = 0
    records = b""
    for fault in faults[:FAULTS_MAX]:
        if isinstance(fault.code, J1939Dtc):
            records += _record(fault.code, count=fault.count)
            if fault.lamp is not Lamp.NONE:
                lamps |= 1 << _LAMP_BIT[fault.lamp]
    # Flash bits 11 with every lamp: steady or off, and no lamp flashes here.
    return (bytes((lamps, 0xFF)) + (records or bytes(4))).ljust(8, b"\xff")


def _record(code: J1939Dtc, *, count: int) -> bytes:
    """Encode one code with conversion method 0 (suspect parameter version 4)."""
    low = code.spn & 0xFFFF
    return low.to_bytes(2, "little") + bytes((code.spn >> 16 << 5 | code.fmi, count & 0x7F))


def dm1_frames(payload: bytes, *, source_address: int) -> tuple[Frame, ...]:
    """Split a DM1 into the frames that carry it: one, or an announcement and its packets."""
    if len(payload) <= 8:
        return (Frame(0x18FECA00 | source_address, payload, is_extended=True),)
    chunks = [payload[at : at + 7].ljust(7, b"\xff") for at in range(0, len(payload), 7)]
    announcement = (
        b"\x20"
        + len(payload).to_bytes(2, "little")
        + bytes((len(chunks), 0xFF))
        + _PGN_DM1.to_bytes(3, "little")
    )
    return (
        Frame(0x1CECFF00 | source_address, announcement, is_extended=True),
        *(
            Frame(0x1CEBFF00 | source_address, bytes((number,)) + chunk, is_extended=True)
            for number, chunk in enumerate(chunks, start=1)
        ),
    )


class Broadcast:
    """When one source address sends which frame. Time is an argument; nothing is sent here."""

    def __init__(self, source_address: int) -> None:
        self._source_address = source_address
        self._said: bytes | None = None
        self._waiting: deque[Frame] = deque()
        self._round_s = 0.0
        self._packet_s = 0.0

    def frames_due(self, payload: bytes, *, now_s: float) -> list[Frame]:
        """Return what is to be sent now, given what is active now.

        A transfer under way is finished first: a change is told by the next one.
        """
        if not self._waiting and (payload != self._said or now_s >= self._round_s):
            self._waiting.extend(dm1_frames(payload, source_address=self._source_address))
            self._said = payload
            self._round_s = now_s + PERIOD_S
            self._packet_s = now_s
        if not self._waiting or now_s < self._packet_s:
            return []
        self._packet_s = now_s + PACKET_GAP_S
        return [self._waiting.popleft()]

    @property
    def deadline_s(self) -> float:
        """When to ask again if nothing changes."""
        return self._packet_s if self._waiting else self._round_s
