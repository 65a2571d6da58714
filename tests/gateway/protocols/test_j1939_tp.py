import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from j1939.j1939_21 import J1939_21

from gateway.model import Reason
from gateway.protocols.j1939_tp import SESSIONS_MAX, T1_S, Event, Lost, Transfer, TransferListener

CONTROL, DATA = 0xEC, 0xEB


def run(frames: list[tuple[int, bytes]], listener: TransferListener | None = None) -> list[Event]:
    listener = listener or TransferListener()
    events: list[Event] = []
    for index, (can_id, data) in enumerate(frames):
        take = listener.receive_control if can_id >> 16 & 0xFF == CONTROL else listener.receive_data
        events += take(can_id & 0xFF, can_id >> 8 & 0xFF, data, now_s=index / 100)
    return events


def check(frames: list[str], *expected: str | Reason) -> None:
    """Give frames as ``ID#DATA``; expect ``PGN source destination data`` or reasons."""
    pairs = [one.split("#") for one in frames]
    events = run([(int(can_id, 16), bytes.fromhex(data)) for can_id, data in pairs])
    assert [
        f"{one.pgn:04X} {one.source:02X} {one.destination:02X} {one.data.hex()}"
        if isinstance(one, Transfer)
        else one.dropped.reason
        for one in events
    ] == list(expected)


BAM = "1CECFF00#20 0A00 02 FF CAFE00"
FIRST, SECOND = "1CEBFF00#01 01020304050607", "1CEBFF00#02 08090AFFFFFFFF"
WHOLE = "FECA 00 FF 0102030405060708090a"
RTS = "18EC0100#10 0A00 02 FF CAFE00"
TO_1 = "18EB0100#01 01020304050607", "18EB0100#02 08090AFFFFFFFF"


def test_a_broadcast_is_joined_and_its_filler_left_out() -> None:
    check([BAM, FIRST, SECOND], WHOLE)


def test_a_transfer_is_complete_with_its_last_packet_not_with_its_acknowledgement() -> None:
    check([RTS, *TO_1], "FECA 00 01 0102030405060708090a")
    check([RTS, *TO_1, "18EC0001#13 0A00 02 FF CAFE00"], "FECA 00 01 0102030405060708090a")


def test_the_receiver_may_ask_for_packets_again() -> None:
    check(
        [RTS, TO_1[0], "18EC0001#11 02 01 FFFF CAFE00", *TO_1],
        "FECA 00 01 0102030405060708090a",
    )
    # Asked for what comes next anyway, or told to wait, nothing goes back.
    check(
        [RTS, TO_1[0], "18EC0001#11 01 02 FFFF CAFE00", "18EC0001#11 00 01 FFFF CAFE00", TO_1[1]],
        "FECA 00 01 0102030405060708090a",
    )
    check(["18EC0001#11 02 01 FFFF CAFE00"])


def test_two_control_units_may_send_at_once() -> None:
    def of_other(frame: str) -> str:
        return frame.replace("FF00#", "FF21#")

    check(
        [BAM, of_other(BAM), FIRST, of_other(FIRST), of_other(SECOND), SECOND],
        WHOLE.replace(" 00 FF", " 21 FF"),
        WHOLE,
    )


@pytest.mark.parametrize(
    ("frames", "reason"),
    [
        ([FIRST, SECOND], Reason.OUT_OF_SEQUENCE),
        ([BAM, SECOND, FIRST], Reason.OUT_OF_SEQUENCE),
        ([BAM, FIRST, FIRST, SECOND], Reason.OUT_OF_SEQUENCE),
        ([BAM, FIRST, "1CEBFF00#"], Reason.OUT_OF_SEQUENCE),
        ([BAM, "1CEBFF00#01 0102"], Reason.LENGTH),
        (["1CECFF00#20 0A00 03 FF CAFE00", FIRST], Reason.LENGTH),
        (["1CECFF00#20 0800 02 FF CAFE00"], Reason.LENGTH),
        (["1CECFF00#20 FAFF 02 FF CAFE00"], Reason.LENGTH),
        (["1CEC0100#20 0A00 02 FF CAFE00"], Reason.BAD_FRAME),
        (["1CECFF00#10 0A00 02 FF CAFE00"], Reason.BAD_FRAME),
        (["1CECFF00#20 0A00"], Reason.BAD_FRAME),
        (["1CECFF00#77 0A00 02 FF CAFE00"], Reason.BAD_FRAME),
        ([BAM, "1CECFF00#FF 03 FFFFFF CAFE00", SECOND], Reason.ABORTED),
        ([RTS, "18EC0001#FF 03 FFFFFF CAFE00", TO_1[1]], Reason.ABORTED),
        ([RTS, TO_1[0], "18EC0001#13 0A00 02 FF CAFE00"], Reason.TRUNCATED),
    ],
)
def test_what_cannot_be_is_lost_with_its_reason(frames: list[str], reason: Reason) -> None:
    check(frames, reason)


def test_a_new_announcement_replaces_the_transfer_in_progress() -> None:
    check([BAM, FIRST, BAM, FIRST, SECOND], Reason.REPLACED, WHOLE)


def test_an_abort_of_nothing_is_nothing() -> None:
    check(["1CECFF00#FF 03 FFFFFF CAFE00"])


def test_a_late_packet_ends_the_transfer() -> None:
    listener = TransferListener()
    announcement = bytes.fromhex("200A0002FFCAFE00")
    listener.receive_control(0, 0xFF, announcement, now_s=1.0)
    assert listener.deadline_s == 1.0 + T1_S
    assert listener.tick(now_s=1.0 + T1_S) == ()
    (lost,) = listener.receive_data(0, 0xFF, bytes(8), now_s=1.1 + T1_S)
    assert isinstance(lost, Lost)
    assert (lost.pgn, lost.dropped.reason) == (0xFECA, Reason.TRUNCATED)
    listener.receive_control(0, 0xFF, announcement, now_s=3.0)
    (lost,) = listener.tick(now_s=9.0)
    assert isinstance(lost, Lost)
    assert lost.dropped.reason is Reason.TRUNCATED
    assert listener.deadline_s is None


def test_transfers_in_progress_at_the_end_are_truncated() -> None:
    listener = TransferListener()
    for source in (1, 2):
        listener.receive_control(source, 0xFF, bytes.fromhex("200A0002FFCAFE00"), now_s=0.0)
    reasons = [one.dropped.reason for one in listener.finish() if isinstance(one, Lost)]
    assert reasons == [Reason.TRUNCATED, Reason.TRUNCATED]
    assert listener.finish() == ()


def test_memory_is_bounded_whoever_announces_and_whoever_strays() -> None:
    announcements = [
        (0x18EC0000 | address << 8 | source, bytes.fromhex("100A0002FFCAFE00"))
        for address in range(4)
        for source in range(256)
    ]
    listener = TransferListener()
    events = run(announcements, listener)
    assert len(listener._sessions) == SESSIONS_MAX
    reasons = {one.dropped.reason for one in events if isinstance(one, Lost)}
    assert Reason.LIMIT in reasons
    run([(0x18EB0000 | number, bytes(8)) for number in range(0x1000)], listener)
    assert len(listener._astray) <= SESSIONS_MAX


ids = st.builds(
    lambda kind, destination, source: 0x18000000 | kind << 16 | destination << 8 | source,
    st.sampled_from([CONTROL, DATA]),
    st.sampled_from([0x00, 0x01, 0xFF]),
    st.sampled_from([0x00, 0x01]),
)
packets = st.one_of(
    st.binary(max_size=64),
    st.sampled_from([bytes.fromhex(one.split("#")[1]) for one in (BAM, RTS, FIRST, SECOND)]),
)


@given(st.lists(st.tuples(ids, packets)))
def test_no_frames_in_any_order_raise(frames: list[tuple[int, bytes]]) -> None:
    listener = TransferListener()
    for event in (*run(frames, listener), *listener.tick(now_s=1e9), *listener.finish()):
        assert isinstance(event, Transfer | Lost)


def frames_of_peer(data: bytes, *, pgn: int, destination: int) -> list[tuple[int, bytes]]:
    """Let can-j1939 send from address 0 to another of its kind at address 1, and listen in."""
    frames: list[tuple[int, bytes]] = []

    def node() -> J1939_21:
        return J1939_21(
            lambda can_id, _is_extended, data: frames.append((can_id, bytes(data))),
            lambda: None,
            lambda *_: None,
            255,
            None,
            None,
            lambda _address: True,
        )

    sender, receiver = node(), node()
    sender.send_pgn(0, pgn >> 8, destination, 6, 0, list(data), 0, 0)
    at = 0
    while sender._snd_buffer:
        for can_id, packet in frames[at:]:
            other = receiver if can_id & 0xFF == 0 else sender
            other.notify(can_id, bytearray(packet), 0.0)
            at += 1
        # Half a second ahead: past its pauses between packets, and before its time-outs.
        sender.async_job_thread(time.time() + 0.5)
    return frames


@given(st.binary(min_size=9, max_size=400), st.sampled_from([(0xFECA, 0xCA), (0xEF00, 0x01)]))
@settings(deadline=None, max_examples=30)
def test_what_can_j1939_sends_is_joined_again(data: bytes, kind: tuple[int, int]) -> None:
    pgn, specific = kind
    destination = 0xFF if pgn == 0xFECA else specific
    frames = frames_of_peer(data, pgn=pgn, destination=specific)
    assert run(frames) == [Transfer(pgn, 0, destination, data)]
