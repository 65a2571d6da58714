"""The same made-up frames joined by us, by can-isotp and by can-j1939, some lost or out of turn.

The suite compares a few thousand messages; RIGHTBAY_DIFFERENTIAL=100000 compares so many.
"""

import os
from collections import deque
from collections.abc import Iterator
from random import Random
from typing import Any

import isotp
import pytest
from j1939 import Dm1
from j1939.j1939_21 import J1939_21

from dtc_db.codes import J1939Dtc
from gateway.model import Observation, Rejection
from gateway.protocols import j1939
from gateway.protocols.isotp import Payload, Reassembler
from gateway.protocols.j1939_tp import Transfer, TransferListener

COUNT = int(os.environ.get("RIGHTBAY_DIFFERENTIAL", "2000"))
LAMPS = ("off", "on", "slow_flash", "fast_flash", "not_supported")


def disturb(frames: list[bytes], rng: Random) -> list[bytes]:
    """Lose, repeat or swap a frame of every third message."""
    changed = list(frames)
    at = rng.randrange(len(changed))
    match rng.randrange(9):
        case 0:
            del changed[at]
        case 1:
            changed.insert(at, changed[at])
        case 2 if at:
            changed[at - 1], changed[at] = changed[at], changed[at - 1]
    return changed


def isotp_frames(payload: bytes, rng: Random) -> list[bytes]:
    if len(payload) <= 7:
        return [
            (bytes((len(payload),)) + payload).ljust(rng.choice((8, len(payload) + 1)), b"\xaa")
        ]
    frames = [bytes((0x10 | len(payload) >> 8, len(payload) & 0xFF)) + payload[:6]]
    for number, at in enumerate(range(6, len(payload), 7), 1):
        frames.append((bytes((0x20 | number & 0x0F,)) + payload[at : at + 7]).ljust(8, b"\x55"))
    return frames


class IsoTpPeer:
    """can-isotp, fed by hand."""

    def __init__(self) -> None:
        self._waiting: deque[isotp.CanMessage] = deque()
        self._layer = isotp.TransportLayerLogic(
            rxfn=lambda _timeout: self._waiting.popleft() if self._waiting else None,
            txfn=lambda _message: None,
            address=isotp.Address(txid=0x7E0, rxid=0x7E8),
            params={"wait_func": lambda _seconds: None, "rx_consecutive_frame_timeout": 60_000},
        )

    def receive(self, data: bytes) -> list[bytes]:
        self._waiting.append(isotp.CanMessage(arbitration_id=0x7E8, data=data, dlc=len(data)))
        self._layer.process()
        found = []
        while (payload := self._layer.recv()) is not None:
            found.append(bytes(payload))
        return found


def test_can_isotp_joins_the_same() -> None:
    rng = Random(1)  # noqa: S311 - the same frames every time
    peer, ours = IsoTpPeer(), Reassembler()
    joined = 0
    for _ in range(COUNT):
        length = rng.choice((rng.randint(1, 7), rng.randint(8, 120), rng.randint(8, 120), 4095))
        length = min(length, 4095 if rng.randrange(200) == 0 else 120)
        for frame in disturb(isotp_frames(rng.randbytes(length), rng), rng):
            if frame[0] >> 4 == 0 and ours.deadline_s is not None:
                # A single frame within a message ends it for the peer and not for us, so it is
                # left out here; test_isotp says what we make of it.
                continue
            theirs = peer.receive(frame)
            found = [one.data for one in ours.receive(frame, 0.0) if isinstance(one, Payload)]
            assert found == theirs, frame.hex()
            joined += len(found)
    assert COUNT / 2 < joined < COUNT


def tp_frames(data: bytes) -> list[bytes]:
    packets = -(-len(data) // 7)
    announcement = bytes((0x20, len(data) & 0xFF, len(data) >> 8, packets, 0xFF, 0xCA, 0xFE, 0x00))
    return [
        announcement,
        *(bytes((n + 1,)) + data[7 * n : 7 * n + 7].ljust(7, b"\xff") for n in range(packets)),
    ]


class J1939Peer:
    """can-j1939 without its threads: its transport, and its reader of DM1."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.dm1: list[tuple[dict[str, int], list[dict[str, int]]]] = []
        self.node = J1939_21(
            lambda *_: None, lambda: None, self._notify, 255, None, None, lambda _address: True
        )
        Dm1(self).subscribe(lambda _source, lamps, codes, _at: self.dm1.append((lamps, codes)))

    def subscribe(self, callback: Any) -> None:
        self._read = callback

    def _notify(
        self, priority: int, pgn: int, source: int, _destination: int, at: float, data: Any
    ) -> None:
        self.messages.append(bytes(data))
        self._read(priority, pgn, source, at, data)

    def receive(self, can_id: int, data: bytes) -> list[bytes]:
        self.messages.clear()
        self.node.notify(can_id, bytearray(data), 0.0)
        return list(self.messages)


def test_can_j1939_joins_the_same() -> None:
    rng = Random(2)  # noqa: S311
    joined = 0
    for _ in range(COUNT):
        # A peer of its own for each message: it keeps what it lost until a clock says otherwise.
        peer, ours = J1939Peer(), TransferListener()
        source, data = rng.randrange(254), rng.randbytes(rng.randint(9, 60))
        sent = tp_frames(data)
        frames = disturb(sent, rng)
        theirs, found = [], []
        for frame in frames:
            is_control = frame is sent[0]
            can_id = (0x1CECFF00 if is_control else 0x1CEBFF00) | source
            theirs += peer.receive(can_id, frame)
            take = ours.receive_control if is_control else ours.receive_data
            found += [
                one.data for one in take(source, 0xFF, frame, 0.0) if isinstance(one, Transfer)
            ]
        if frames == sent:
            assert found == theirs == [data]
            joined += 1
        else:
            # It does not look at the numbers of packets, and so joins wrongly what came wrongly. We
            # give what was sent, or nothing.
            assert found in ([], [data]), [one.hex() for one in frames]
    assert joined > COUNT / 2


def dm1_payloads(rng: Random) -> Iterator[bytes]:
    for _ in range(COUNT):
        number = rng.choice((0, 1, 1, 2, 3, rng.randrange(30)))
        records = [
            rng.choice((rng.randbytes(4), rng.randbytes(4), bytes(4), b"\xff" * 4))
            for _ in range(number)
        ]
        payload = rng.randbytes(2) + (b"".join(records) or bytes(4))
        yield (
            payload.ljust(8, b"\xff")
            if len(payload) < 8
            else payload + rng.choice((b"", b"", b"\xff" * rng.randint(1, 3)))
        )


def test_can_j1939_reads_the_same(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("CRITICAL", logger="j1939")
    rng = Random(3)  # noqa: S311
    compared = 0
    for payload in dm1_payloads(rng):
        peer = J1939Peer()
        peer.receive(0x18FECA00, payload)
        found = j1939.decode(0xFECA, payload, source=0)
        if isinstance(found, Rejection) or (len(payload) != 8 and (len(payload) - 2) % 4):
            # Bytes after the last whole code are filler for us; it drops the whole message.
            continue
        assert isinstance(found, Observation)
        ((lamps, codes),) = peer.dm1
        check_lamps(payload, found, lamps)
        # It lists fillers, and a code as often as it is sent; both readings of 127 are "unknown".
        theirs = [
            (J1939Dtc(one["spn"], one["fmi"]), None if one["oc"] == 127 else one["oc"])
            for one in codes
            if one["spn"] not in (0, 0x7FFFF)
        ]
        ours = [(one.code, one.occurrence_count) for one in found.codes]
        assert list(dict.fromkeys(ours)) == list(dict.fromkeys(theirs)), payload.hex()
        compared += 1
    assert compared > COUNT / 2


def check_lamps(payload: bytes, found: Observation, lamps: dict[str, int]) -> None:
    for place, name in enumerate(("pl", "awl", "rsl", "mil")):
        ours, theirs = dict(found.lamps)[name], LAMPS[lamps[name]]
        lit, flash = (one >> 2 * place & 3 for one in payload[:2])
        if (lit, flash) == (1, 2):  # a reserved way of flashing: the lamp is lit all the same
            assert (ours, theirs) == ("on", "not_supported")
        else:
            assert ours == theirs, payload.hex()
