import isotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import Reason
from gateway.protocols.events import Dropped
from gateway.protocols.isotp import N_CR_S, Addressing, Event, Payload, Reassembler


def run(frames: list[bytes], *, addressing: Addressing = Addressing.NORMAL) -> list[Event]:
    reassembler = Reassembler(addressing)
    events: list[Event] = []
    for index, frame in enumerate(frames):
        events += reassembler.receive(frame, now_s=index / 100)
    return events


def check(
    frames: list[str], *expected: str | Reason, addressing: Addressing = Addressing.NORMAL
) -> None:
    """Give frames in hex; expect payloads in hex and reasons of what was dropped."""
    events = run([bytes.fromhex(one) for one in frames], addressing=addressing)
    assert [one.data.hex(" ") if isinstance(one, Payload) else one.reason for one in events] == [
        one if isinstance(one, Reason) else bytes.fromhex(one).hex(" ") for one in expected
    ]


@pytest.mark.parametrize("padding", ["", "00", "55", "AA", "CC", "FF"])
def test_a_single_frame_ends_at_its_length_whatever_pads_it(padding: str) -> None:
    check(["04 43 01 01 28" + padding * 3], "43 01 01 28")


def test_frames_join_in_sequence_and_the_padding_of_the_last_is_left_out() -> None:
    check(["10 0A 01 02 03 04 05 06", "21 07 08 09 0A AA AA AA"], "01 02 03 04 05 06 07 08 09 0A")


def test_the_sequence_number_goes_from_15_to_0() -> None:
    frames = ["10 FF" + "01" * 6]
    frames += [f"2{number % 16:X}" + "02" * 7 for number in range(1, 37)]
    check(frames, "01" * 6 + "02" * 249)


def test_flow_control_is_for_the_other_side() -> None:
    check(["10 08 01 02 03 04 05 06", "30 00 00", "21 07 08"], "01 02 03 04 05 06 07 08")


def test_a_single_frame_in_between_does_not_end_a_message() -> None:
    check(["10 08 01 02 03 04 05 06", "02 41 00", "21 07 08"], "41 00", "01 02 03 04 05 06 07 08")


@pytest.mark.parametrize(
    ("frames", "reason"),
    [
        (["21 01"], Reason.OUT_OF_SEQUENCE),
        (["10 14 01 02 03 04 05 06", "22 07 08 09 0A 0B 0C 0D"], Reason.OUT_OF_SEQUENCE),
        (["10 14 01 02 03 04 05 06", "21 07 08"], Reason.LENGTH),
        (["00 01 02"], Reason.BAD_FRAME),
        (["01"], Reason.BAD_FRAME),
        (["05 01 02"], Reason.LENGTH),
        (["08 01 02 03 04 05 06 07 08 09"], Reason.LENGTH),
        (["10 05 01 02 03 04 05 06"], Reason.LENGTH),
        (["10 0A 01 02"], Reason.BAD_FRAME),
        (["10 00 00 00 10 00 01 02"], Reason.LIMIT),
        (["10 00 00 00 00 02 01 02"], Reason.LENGTH),
        (["40 00"], Reason.BAD_FRAME),
    ],
)
def test_what_cannot_be_is_dropped_with_its_reason(frames: list[str], reason: Reason) -> None:
    check(frames, reason)


def test_a_repeated_frame_kills_the_message_and_the_rest_of_it_is_skipped_silently() -> None:
    check(
        ["10 14 01 02 03 04 05 06", "21 07 08 09 0A 0B 0C 0D", "21 07 08 09 0A 0B 0C 0D", "22 0E"],
        Reason.OUT_OF_SEQUENCE,
    )


def test_after_a_lost_message_the_next_one_is_read() -> None:
    check(
        ["22 01", "21 02", "01 3E", "21 03", "10 08 01 02 03 04 05 06", "21 07 08"],
        Reason.OUT_OF_SEQUENCE,
        "3E",
        Reason.OUT_OF_SEQUENCE,
        "01 02 03 04 05 06 07 08",
    )


def test_a_new_first_frame_replaces_the_message_in_progress() -> None:
    check(
        ["10 08 01 02 03 04 05 06", "10 08 11 12 13 14 15 16", "21 17 18"],
        Reason.REPLACED,
        "11 12 13 14 15 16 17 18",
    )


def test_can_fd_frames_carry_their_own_lengths() -> None:
    check(["00 09 01 02 03 04 05 06 07 08 09 CC"], "01 02 03 04 05 06 07 08 09")
    body = "".join(f"{number:02X}" for number in range(62))
    check(["10 40" + body, "21 3E 3F"], body + "3E 3F")


def test_a_length_of_32_bits_is_read_within_the_limit() -> None:
    check(["10 00 00 00 00 08 01 02", "21 03 04 05 06 07 08"], "01 02 03 04 05 06 07 08")


@pytest.mark.parametrize("addressing", [Addressing.EXTENDED, Addressing.MIXED])
def test_an_address_byte_comes_first_where_it_is_configured(addressing: Addressing) -> None:
    frames = ["F1 10 08 01 02 03 04 05", "F1 21 06 07 08 AA AA AA"]
    check(frames, "01 02 03 04 05 06 07 08", addressing=addressing)
    check(["F1"], addressing=addressing)
    # The control: read as normal addressing the same frames are no message.
    check(frames, Reason.BAD_FRAME, Reason.BAD_FRAME)


def test_a_late_frame_ends_the_message_and_counts_as_stray() -> None:
    reassembler = Reassembler()
    deadlines_s = [reassembler.deadline_s]
    reassembler.receive(bytes.fromhex("1008010203040506"), now_s=10.0)
    deadlines_s.append(reassembler.deadline_s)
    assert reassembler.tick(now_s=10.0 + N_CR_S) == ()
    (dropped,) = reassembler.receive(b"\x21\x07\x08", now_s=10.1 + N_CR_S)
    deadlines_s.append(reassembler.deadline_s)
    assert deadlines_s == [None, 10.0 + N_CR_S, None]
    assert isinstance(dropped, Dropped)
    assert dropped.reason is Reason.TRUNCATED
    assert dropped.raw == bytes.fromhex("010203040506")


def test_a_message_in_progress_at_the_end_is_truncated() -> None:
    reassembler = Reassembler()
    assert reassembler.finish() == ()
    reassembler.receive(bytes.fromhex("1008010203040506"), now_s=0.0)
    (dropped,) = reassembler.finish()
    assert isinstance(dropped, Dropped)
    assert dropped.reason is Reason.TRUNCATED
    assert reassembler.finish() == ()


@given(st.lists(st.binary(max_size=64)), st.sampled_from(Addressing))
def test_no_frames_in_any_order_raise(frames: list[bytes], addressing: Addressing) -> None:
    for event in run(frames, addressing=addressing):
        assert isinstance(event, Payload | Dropped)


def frames_of_peer(payload: bytes, *, data_length: int) -> list[bytes]:
    """Let can-isotp send a payload to a receiver of its own and listen in."""
    wires: dict[int, list[isotp.CanMessage]] = {0x7E0: [], 0x7E8: []}
    sent: list[bytes] = []

    def layer(receives: int, sends: int) -> isotp.TransportLayerLogic:
        def send(message: isotp.CanMessage) -> None:
            wires[sends].append(message)
            if sends == 0x7E8:
                sent.append(bytes(message.data))

        return isotp.TransportLayerLogic(
            rxfn=lambda _timeout: wires[receives].pop(0) if wires[receives] else None,
            txfn=send,
            address=isotp.Address(rxid=receives, txid=sends),
            params={
                "tx_padding": 0xCC,
                "tx_data_length": data_length,
                "can_fd": data_length > 8,
                "stmin": 0,
                "blocksize": 0,
            },
        )

    control_unit, tester = layer(0x7E0, 0x7E8), layer(0x7E8, 0x7E0)
    control_unit.send(payload)
    for _ in range(10):
        control_unit.process()
        tester.process()
    assert bytes(tester.recv() or b"") == payload
    return sent


@given(st.binary(min_size=1, max_size=300), st.sampled_from([8, 64]))
def test_what_can_isotp_sends_is_joined_again(payload: bytes, data_length: int) -> None:
    frames = frames_of_peer(payload, data_length=data_length)
    assert run(frames) == [Payload(payload)]
