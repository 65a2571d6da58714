from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import Bus, Frame, Reason, Rejection
from gateway.protocols.isotp import Addressing
from gateway.protocols.listener import ROUTES_MAX, STREAMS_MAX, Heard, Listener, Message, Role

SINGLE = "03 59 02 FF"


def frame(text: str, *, t_ms: float = 0.0) -> Frame:
    can_id, data = text.split("#")
    return Frame(t_ms, int(can_id, 16), bytes.fromhex(data), len(can_id) == 8)


def listen(frames: Iterable[str], listener: Listener) -> list[Heard]:
    heard = [
        one
        for index, text in enumerate(frames)
        for one in listener.receive(frame(text, t_ms=index * 10))
    ]
    return [*heard, *listener.finish()]


def check(frames: list[str], *expected: str, listener: Listener | None = None) -> None:
    """Expect ``ecu role payload`` of messages and ``ecu reason`` of rejections."""
    heard = listen(frames, listener or Listener(Bus.CAN))
    assert [
        f"{one.ecu} {one.role} {one.data.hex()}"
        if isinstance(one, Message)
        else f"{one.ecu} {one.reason}"
        for one in heard
    ] == list(expected)


@pytest.mark.parametrize(
    ("can_id", "role"),
    [
        ("7E8", Role.ANSWER),
        ("7EF", Role.ANSWER),
        ("18DAF110", Role.ANSWER),
        ("7DF", Role.REQUEST),
        ("7E0", Role.REQUEST),
        ("18DB33F1", Role.REQUEST),
        ("18DA10F1", Role.REQUEST),
        ("7BB", Role.PERHAPS),
        ("18DAFBEE", Role.PERHAPS),
    ],
)
def test_an_id_tells_who_speaks(can_id: str, role: Role) -> None:
    check([f"{can_id}#{SINGLE}"], f"{can_id} {role} 5902ff")


@pytest.mark.parametrize("can_id", ["0C9", "6FF", "0CF00400", "18FEF100", "000007E8"])
def test_ordinary_traffic_is_passed_over_without_a_word(can_id: str) -> None:
    check([f"{can_id}#{SINGLE}", f"{can_id}#21 00", f"{can_id}#FF"])


def test_a_further_id_is_believed_once_it_is_configured() -> None:
    stray = ["7BB#21 00", "123#21 00", "0CF00400#21 00"]
    check(stray)
    ids = frozenset({0x7BB, 0x123, 0x0CF00400})
    check(
        stray,
        "7BB out_of_sequence",
        "123 out_of_sequence",
        "0CF00400 out_of_sequence",
        listener=Listener(Bus.CAN, answer_ids=ids),
    )


def test_senders_that_take_turns_are_kept_apart() -> None:
    check(
        [
            "7E8#10 08 01 02 03 04 05 06",
            "7E9#10 08 11 12 13 14 15 16",
            "7E9#21 17 18",
            "7E8#21 07 08",
        ],
        "7E9 answer 1112131415161718",
        "7E8 answer 0102030405060708",
    )


def test_control_units_that_share_an_id_are_told_apart_by_their_address_byte() -> None:
    check(
        ["7E8#F1 10 08 01 02 03 04 05", "7E8#F2 02 3E 00", "7E8#F1 21 06 07 08"],
        "7E8 F2 answer 3e00",
        "7E8 F1 answer 0102030405060708",
        listener=Listener(Bus.CAN, addressing=Addressing.EXTENDED),
    )


def test_an_empty_frame_names_nobody_wrongly() -> None:
    check(
        ["7E8#", "7E8#00 02 3E 00"],
        "7E8 00 answer 3e00",
        listener=Listener(Bus.CAN, addressing=Addressing.MIXED),
    )


def test_a_message_whose_end_is_missing_is_truncated_where_an_answer_was_due() -> None:
    first = "10 08 01 02 03 04 05 06"
    check(
        [f"7E8#{first}", f"7BB#{first}", f"7E0#{first}", "1CECFF00#20 0A00 02 FF CAFE00"],
        "7E8 truncated",
        "SA 00 truncated",
    )


def test_lost_transfers_of_other_groups_are_nobodys_fault() -> None:
    check(["1CECFF00#20 0A00 02 FF EBFE00"])


def test_a_transfer_that_its_receiver_aborts_is_its_senders() -> None:
    check(
        ["18EC0100#10 0A00 02 FF CAFE00", "18EC0001#FF 03 FFFFFF CAFE00"],
        "SA 00 aborted",
        listener=Listener(Bus.J1939),
    )


def test_diagnostic_messages_come_in_one_frame_or_in_several() -> None:
    check(
        [
            "18FECA00#07FF6F001201FFFF",
            "1CECFF21#20 0A00 02 FF CAFE00",
            "1CEBFF21#01 43FF3404050130",
            "1CEBFF21#02 021301FFFFFFFF",
        ],
        "SA 00 answer 07ff6f001201ffff",
        "SA 21 answer 43ff3404050130021301",
    )


def test_groups_and_addresses_come_along() -> None:
    (request,) = listen(["18EA00F9#CAFE00"], Listener(Bus.J1939))
    assert isinstance(request, Message)
    assert (request.role, request.pgn) == (Role.REQUEST, 0xEA00)
    assert (request.source, request.destination) == (0xF9, 0x00)
    (answer,) = listen(["18FECB00#00FF00000000FFFF"], Listener(Bus.J1939))
    assert isinstance(answer, Message)
    assert (answer.pgn, answer.destination) == (0xFECB, 0xFF)


def test_a_truck_bus_has_no_11_bit_answers() -> None:
    check([f"7E8#{SINGLE}"], listener=Listener(Bus.J1939))


def test_every_k_line_message_is_whole() -> None:
    check(["010#43010300000000"], "10 answer 43010300000000", listener=Listener(Bus.KLINE))


def test_a_stream_past_the_limit_gives_the_oldest_up() -> None:
    listener = Listener(Bus.CAN, addressing=Addressing.MIXED)
    oldest = listener.receive(frame("7E8#00 10 08 01 02 03 04 05"))
    assert oldest == ()
    heard = [
        one
        for number in range(STREAMS_MAX)
        for one in listener.receive(
            Frame(0.0, 0x7E8 + number // 255, bytes((1 + number % 255, 0x01, 0x3E)))
        )
    ]
    rejections = [one for one in heard if isinstance(one, Rejection)]
    assert [(one.ecu, one.reason) for one in rejections] == [("7E8 00", Reason.TRUNCATED)]
    assert len(listener._streams) == STREAMS_MAX


def test_ids_past_the_limit_cost_no_message() -> None:
    listener = Listener(Bus.CAN)
    first, rest = frame("7E8#10 08 01 02 03 04 05 06"), frame("7E8#21 07 08")
    idle = [Frame(0.0, can_id, b"", True) for can_id in range(2 * ROUTES_MAX)]
    (heard,) = listener.hear([first, *idle, rest])
    assert isinstance(heard, Message)
    assert heard.data.hex() == "0102030405060708"
    assert len(listener._routes) <= ROUTES_MAX


can_ids = st.sampled_from(
    [0x7E8, 0x7DF, 0x7BB, 0x123, 0x18DAF110, 0x18FECA00, 0x18ECFF00, 0x18EBFF00, 0x18EA00F9]
)
frames = st.builds(
    lambda t_ms, can_id, data: Frame(t_ms, can_id, data, can_id > 0x7FF),
    st.floats(0, 10_000),
    can_ids,
    st.binary(max_size=64),
)


@given(st.lists(frames), st.sampled_from(Bus), st.sampled_from(Addressing))
def test_no_frames_in_any_order_raise(
    given_frames: list[Frame], bus: Bus, addressing: Addressing
) -> None:
    listener = Listener(bus, addressing=addressing)
    heard = [one for each in given_frames for one in listener.receive(each)]
    for one in (*heard, *listener.finish()):
        assert isinstance(one, Message | Rejection)
