from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from j1939.diagnostic_messages import DTC, DtcLamp
from j1939.j1939_21 import J1939_21

from dtc_db.codes import J1939Dtc
from simulators.model import Fault, Frame, Lamp
from simulators.wire.dm1 import PACKET_GAP_S, PERIOD_S, Broadcast, dm1_frames, encode_dm1

if TYPE_CHECKING:
    from collections.abc import Callable

RECORDING = Path(__file__).parents[4] / "shared" / "data" / "logs" / "truck_dm1_bam.log"


def fault(spn: int, fmi: int, *, lamp: Lamp = Lamp.NONE, count: int = 1) -> Fault:
    code = J1939Dtc(spn, fmi)
    return Fault(ecu="engine", code=code, code_text=str(code), lamp=lamp, count=count)


def received_by_peer(frames: tuple[Frame, ...]) -> list[tuple[int, int, bytes]]:
    """Let can-j1939 put the frames together; return group, source and payload."""
    received: list[tuple[int, int, bytes]] = []

    def notify(_priority: int, pgn: int, source: int, *rest: object) -> None:
        received.append((pgn, source, bytes(rest[-1])))  # type: ignore[call-overload]  # a list

    nothing: Callable[..., None] = lambda *_: None  # noqa: E731
    peer = J1939_21(nothing, nothing, notify, 1, None, None, lambda _: True)
    for frame in frames:
        peer.notify(frame.can_id, bytearray(frame.data), 0.0)
    return received


faults = st.lists(
    st.builds(
        fault,
        st.integers(1, 524_286),
        st.integers(0, 31),
        lamp=st.sampled_from(Lamp),
        count=st.integers(0, 126),
    ),
    max_size=60,
)


@given(faults, st.integers(0, 253))
def test_can_j1939_puts_together_what_was_split(active: list[Fault], source: int) -> None:
    payload = encode_dm1(active)
    frames = dm1_frames(payload, source_address=source)
    assert all(len(frame.data) == 8 and frame.is_extended for frame in frames)
    assert received_by_peer(frames) == [(0xFECA, source, payload)]


@given(faults)
def test_can_j1939_reads_the_same_codes_and_lamps(active: list[Fault]) -> None:
    payload = encode_dm1(active)
    codes = [
        DTC(dtc=int.from_bytes(payload[at : at + 4], "little"))
        for at in range(2, 2 + 4 * len(active), 4)
    ]
    assert [(dtc.spn, dtc.fmi, dtc.oc, dtc.cm) for dtc in codes] == [
        (one.code.spn, one.code.fmi, one.count, 0)
        for one in active
        if isinstance(one.code, J1939Dtc)
    ]
    for shift, lamp in ((0, Lamp.PROTECT), (2, Lamp.WARNING), (4, Lamp.STOP), (6, Lamp.MIL)):
        status = DtcLamp().get_status(payload[0] >> shift & 3, payload[1] >> shift & 3)
        is_lit = any(one.lamp is lamp for one in active)
        assert status == (DtcLamp.ON if is_lit else DtcLamp.OFF)


def test_no_fault_is_one_empty_code_and_filler() -> None:
    assert encode_dm1(()).hex() == "00ff00000000ffff"


def test_what_a_real_truck_broadcast_is_what_we_encode() -> None:
    if not RECORDING.exists():
        pytest.skip("NOT RUN: ../shared/data/logs is not beside this checkout")
    recorded = [line.split()[2] for line in RECORDING.read_text("ascii").splitlines()[:4]]
    # Counts as the truck tells them.
    active = [
        fault(980, 9, lamp=Lamp.MIL, count=126),
        fault(3216, 20, count=2),
        fault(609, 9, count=1),
        fault(609, 12, count=3),
    ]
    frames = dm1_frames(encode_dm1(active), source_address=0)
    ours = [f"{frame.id_text}#{frame.data.hex().upper()}" for frame in frames]
    payload = "".join(line.split("#")[1][2:] for line in recorded[1:])
    mine = "".join(line.split("#")[1][2:] for line in ours[1:])
    assert ours[0][4:] == recorded[0][4:]  # the announcement, but for its priority
    assert mine[4:] == payload[4:]  # the codes; the truck keeps other lamp bits


def sent(payload: bytes, *, until_s: float, step_s: float = 0.005) -> list[tuple[float, Frame]]:
    broadcast = Broadcast(0x0B)
    frames = []
    for tick in range(round(until_s / step_s)):
        now_s = tick * step_s
        frames += [(now_s, frame) for frame in broadcast.frames_due(payload, now_s=now_s)]
    return frames


def test_a_short_message_is_sent_once_a_second() -> None:
    times = [at_s for at_s, _ in sent(encode_dm1([fault(100, 1)]), until_s=3.5)]
    assert times == pytest.approx([0, PERIOD_S, 2 * PERIOD_S, 3 * PERIOD_S], abs=0.01)


def test_the_packets_of_a_long_message_keep_their_distance() -> None:
    frames = sent(encode_dm1([fault(100 + n, 1) for n in range(5)]), until_s=0.9)
    gaps_s = [after[0] - before[0] for before, after in pairwise(frames)]
    assert len(frames) == 1 + 4  # 22 bytes, 7 in a packet
    assert all(0.05 <= gap_s <= 0.061 for gap_s in gaps_s)


def test_a_change_is_told_at_once() -> None:
    broadcast = Broadcast(0)
    assert broadcast.frames_due(encode_dm1([]), now_s=0)
    assert not broadcast.frames_due(encode_dm1([]), now_s=0.3)
    (frame,) = broadcast.frames_due(encode_dm1([fault(100, 1)]), now_s=0.3)
    assert frame.data[2] == 100


def test_a_change_never_cuts_a_transfer() -> None:
    broadcast = Broadcast(0)
    first = encode_dm1([fault(100, 1), fault(101, 1), fault(102, 1)])
    second = encode_dm1([fault(190, 0), fault(191, 0)])
    frames = [*broadcast.frames_due(first, now_s=0)]
    for tick in range(1, 20):
        frames += broadcast.frames_due(second, now_s=tick * PACKET_GAP_S)
    assert [payload for _, _, payload in received_by_peer(tuple(frames))] == [first, second]
