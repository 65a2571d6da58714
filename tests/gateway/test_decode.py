from pathlib import Path
from time import process_time

import can
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtc_db.codes import J1939Dtc
from gateway.decode import OBSERVATIONS_MAX, PIECES_MAX, REJECTIONS_MAX, Decoded, decode_frames
from gateway.model import Bus, Frame, Observation, Outcome, Reason, Rejection
from gateway.protocols.exchange import OPEN_MAX
from gateway.protocols.j1939 import Conversion
from gateway.protocols.messages import BusSettings

LOGS = Path(__file__).parents[2].parent / "shared" / "data" / "logs"


def decode(frames: list[str], *, bus: Bus = Bus.CAN) -> Decoded:
    parsed = [one.split("#") for one in frames]
    return decode_frames(
        (
            Frame(index * 10.0, int(can_id, 16), bytes.fromhex(data), len(can_id) == 8)
            for index, (can_id, data) in enumerate(parsed)
        ),
        bus=bus,
    )


def check(frames: list[str], *expected: str, bus: Bus = Bus.CAN) -> None:
    """Expect ``ecu service outcome codes`` of each observation, and no rejection."""
    observations, rejections = decode(frames, bus=bus)
    assert not rejections
    assert [
        " ".join([one.ecu, one.service, one.outcome, *(str(code.code) for code in one.codes)])
        for one in observations
    ] == list(expected)


def test_each_control_unit_answers_for_itself() -> None:
    check(
        ["7DF#0103", "7E8#0443010128AAAAAA", "7E9#024300", "18DAF110#024300"],
        "7E8 03 codes P0128",
        "7E9 03 none_found",
        "18DAF110 03 none_found",
    )


def test_what_only_repeats_the_latest_is_said_once() -> None:
    one, other = "18FECA00#07FF6F001201FFFF", "18FECA00#00FF00000000FFFF"
    check([one] * 30, "SA 00 DM1 codes SPN 111 FMI 18")
    # It went away and came back: that is not a repetition.
    check(
        [one, one, other, other, one],
        "SA 00 DM1 codes SPN 111 FMI 18",
        "SA 00 DM1 none_found",
        "SA 00 DM1 codes SPN 111 FMI 18",
    )


def test_of_values_of_now_the_last_state_counts() -> None:
    observations, _ = decode(["7E8#03410D50", "7E8#0341057B", "7E8#03410D51", "7E8#03410D51"])
    assert [one.signals for one in observations] == [
        (("speed_kmh", 81.0),),
        (("coolant_c", 83.0),),
    ]


def test_k_line_messages_of_one_list_are_one_answer() -> None:
    check(
        ["010#43010301040105", "010#43010600000000", "011#43000000000000"],
        "10 03 codes P0103 P0104 P0105 P0106",
        "11 03 none_found",
        bus=Bus.KLINE,
    )
    check(
        ["010#43000000000000", "010#43010600000000", "010#43010600000000"],
        "10 03 codes P0106",
        bus=Bus.KLINE,
    )


VIN = ["490201000000 31", "4902024D3847 44", "4902034D3941 58", "4902044B5030 34", "49020532373838"]


def identity(pieces: list[str], *, bus: Bus = Bus.KLINE) -> list[tuple[tuple[str, str], ...]]:
    observations, rejections = decode([f"010#{piece}" for piece in pieces], bus=bus)
    assert not rejections
    return [one.identity for one in observations]


def test_pieces_of_a_k_line_text_are_joined_in_whatever_order_they_came() -> None:
    whole = (("vin", "1M8GDM9AXKP042788"),)
    assert identity(VIN) == [whole]
    assert identity([VIN[2], *VIN[:2], VIN[4], VIN[3], VIN[3]]) == [whole]
    calibrations = [f"4904{n:02X}{65 + n:02X}424344" for n in range(1, 9)]
    assert [name for name, _ in identity(calibrations)[0]] == ["calibration_id"] * 2
    assert identity(["49060112345678"]) == [(("cvn", "12345678"),)]


def test_a_k_line_text_of_which_a_piece_is_missing_is_none() -> None:
    for missing in range(5):
        assert identity(VIN[:missing] + VIN[missing + 1 :]) == [()]
    assert identity([*VIN, "490206 41414141"]) == [()]
    assert identity(["490001 55400000", "490801 00000000"]) == [(), ()]


def test_pieces_without_end_are_not_kept() -> None:
    ((joined,), _) = decode([f"010#4906{n:02X}00000000" for n in range(1, 200)], bus=Bus.KLINE)
    assert len(joined.raw) == 7 * PIECES_MAX


def test_the_bus_decides_how_the_same_bytes_are_read() -> None:
    check(["010#43010301040105"], "10 03 codes P0103 P0104 P0105", bus=Bus.KLINE)
    observations, rejections = decode(["7E8#0743010301040105"])
    assert observations == ()
    assert [one.reason for one in rejections] == [Reason.AMBIGUOUS]


def test_no_answer_busy_refused_and_none_found_are_four_results() -> None:
    check(["7DF#0103"], " 03 no_answer")
    check(["18DB33F1#0103"], " 03 no_answer")
    check(["7E0#0103"], "7E8 03 no_answer")
    check(["18DA10F1#031902FF"], "18DAF110 19 02 no_answer")
    check(["7E0#0103", "7E8#037F0321"], "7E8 03 busy")
    check(["7E0#0103", "7E8#037F0311"], "7E8 03 refused")
    check(["7E0#0103", "7E8#024300"], "7E8 03 none_found")
    check(["18EA00F9#CBFE00"], "SA 00 DM2 no_answer", bus=Bus.J1939)
    check(["18EAFFF9#CBFE00"], " DM2 no_answer", bus=Bus.J1939)
    check(["18EA00F9#CBFE00", "18E8FF00#01FFFFFFF9CBFE00"], "SA 00 DM2 refused", bus=Bus.J1939)


def test_busy_is_forgotten_once_the_answer_comes() -> None:
    check(
        ["7E0#031902FF", "7E8#037F1978", "7E8#0359023F"],
        "7E8 19 02 none_found",
    )
    check(["7E0#031902FF", "7E8#037F1978", "7E9#0359023F"], "7E9 19 02 none_found", "7E8 19 busy")


@pytest.mark.parametrize(
    ("frames", "masks"),
    [
        (["7E0#031902 0D", "7E8#035902FF"], [0x0D]),
        (["7DF#031902 09", "7E8#035902FF", "7E9#035902FF"], [0x09, 0x09]),
        (["7DF#031902 09", "7E0#031902 0D", "7E8#035902FF", "7E9#035902FF"], [0x0D, 0x09]),
        (["7E0#031902 0D", "7DF#031902 09", "7E8#035902FF"], [0x09]),
        (["7E0#031902 0D", "7E8#0359022F", "7E0#021902", "7E8#035902FF"], [0x0D, None]),
        (["7E1#031902 0D", "7E8#035902FF"], [None, None]),  # the other one never answered
        (["7E0#02190A", "7E0#031902 0D", "7E8#03590AFF"], [None, None]),
        (["7E0#031902 0D", "7E8#037F1911"], [None]),
        (["7E8#035902FF"], [None]),
    ],
)
def test_a_list_bears_the_mask_that_was_asked_for(
    frames: list[str], masks: list[int | None]
) -> None:
    observations, rejections = decode(frames)
    assert not rejections
    assert [one.mask for one in observations] == masks


def test_an_answer_that_came_damaged_is_not_no_answer() -> None:
    observations, rejections = decode(["7E0#0103", "7E8#100843030120"])
    assert observations == ()
    assert [one.reason for one in rejections] == [Reason.BAD_FRAME]


@pytest.mark.parametrize(
    "request_frame",
    ["7DF#02010C", "7E0#023E80", "7E0#031982FF", "7E0#300000", "18EA00F9#EBFE00", "7E0#0119"],
)
def test_silence_after_other_requests_says_nothing(request_frame: str) -> None:
    check([request_frame])


def test_requests_past_the_limit_are_not_followed() -> None:
    asked = [f"7E0#0319{number:02X}FF" for number in range(128)]
    assert len(decode(asked[:10] * 3)[0]) == 10
    assert len(decode(asked)[0]) == OPEN_MAX


def test_a_request_to_forget_codes_is_noticed() -> None:
    check(["18EA00F9#D3FE00"], "SA 00 DM11 data", bus=Bus.J1939)
    check(["18EAFFF9#CCFE00"], " DM3 data", bus=Bus.J1939)


def test_beside_the_standard_ids_only_what_reads_as_uds_is_believed() -> None:
    check(
        ["7BB#0759022F12345608", "7BB#0443010128", "7BB#037F0311", "7BB#0359FF00", "7BB#037F1911"],
        "7BB 19 02 codes P1234-56",
        "7BB 19 refused",
    )


def test_settings_of_the_vehicle_reach_the_decoders() -> None:
    frame = Frame(0.0, 0x18FECA00, bytes.fromhex("00FF34124381FFFF"), is_extended=True)
    settings = BusSettings(conversion=Conversion.V2)
    ((observation,), _) = decode_frames([frame], bus=Bus.CAN, settings=settings)
    assert [one.code for one in observation.codes] == [J1939Dtc(0x12 << 11 | 0x34 << 3 | 2, 3)]


def test_what_is_past_the_limits_is_said_to_be_missing() -> None:
    flicker = ["18FECA00#07FF6F001201FFFF", "18FECA00#00FF00000000FFFF"] * OBSERVATIONS_MAX
    observations, rejections = decode(flicker)
    assert len(observations) == OBSERVATIONS_MAX
    assert [one.reason for one in rejections] == [Reason.LIMIT]
    _, rejections = decode([f"7E8#4{number % 16:X}{number:06X}" for number in range(1000)])
    assert len(rejections) == REJECTIONS_MAX + 1
    assert rejections[-1].reason is Reason.LIMIT


def read(name: str) -> list[Frame]:
    path = LOGS / name
    if not path.exists():
        pytest.skip(f"NOT RUN: ../shared/data/logs/{name} is not beside this checkout")
    with can.LogReader(path) as messages:
        return [
            Frame(one.timestamp * 1000, one.arbitration_id, bytes(one.data), one.is_extended_id)
            for one in messages
        ]


@pytest.mark.parametrize("bus", [Bus.CAN, Bus.J1939])
def test_thirty_sessions_of_a_truck_are_four_faults(bus: Bus) -> None:
    frames = read("truck_dm1_bam.log")
    ((observation,), rejections) = decode_frames(frames, bus=bus)
    assert rejections == ()
    assert observation.ecu == "SA 00"
    assert [one.code for one in observation.codes] == [
        J1939Dtc(980, 9),
        J1939Dtc(3216, 20),
        J1939Dtc(609, 9),
        J1939Dtc(609, 12),
    ]
    assert dict(observation.lamps)["mil"] == "on"


def test_the_answer_of_a_car_is_one_fault() -> None:
    ((observation,), rejections) = decode_frames(read("mercedes_cla250_obd.log"), bus=Bus.CAN)
    assert rejections == ()
    assert (observation.ecu, observation.outcome) == ("7E8", Outcome.CODES)
    assert [str(one.code) for one in observation.codes] == ["P0128"]


frames = st.lists(
    st.builds(
        lambda can_id, data: Frame(0.0, can_id, data, can_id > 0x7FF),
        st.sampled_from([0x7E0, 0x7E8, 0x7BB, 0x18DAF110, 0x18FECA00, 0x18E8FF00, 0x18EA00F9]),
        st.one_of(
            st.binary(max_size=8),
            st.builds(
                lambda start, rest: start + rest,
                st.sampled_from(
                    [bytes.fromhex(one) for one in ("0359", "0443", "037F", "0319", "1014", "21")]
                ),
                st.binary(max_size=6),
            ),
        ),
    )
)


@given(frames, st.sampled_from(Bus))
def test_no_frames_in_any_order_raise(given_frames: list[Frame], bus: Bus) -> None:
    observations, rejections = decode_frames(given_frames, bus=bus)
    assert all(isinstance(one, Observation) for one in observations)
    assert all(isinstance(one, Rejection) for one in rejections)


def numbered(count: int) -> list[Frame]:
    return [
        Frame(float(at), 0x10, b"\x43" + (at + 1).to_bytes(2) + bytes(4)) for at in range(count)
    ]


def test_a_k_line_list_of_ten_thousand_messages_takes_no_square_of_the_time() -> None:
    began_s = process_time()
    ((observation,), rejections) = decode_frames(numbered(10_000), bus=Bus.KLINE)
    assert process_time() - began_s < 3  # twenty seconds when each was joined with all before it
    assert rejections == ()
    assert len(observation.codes) == 10_000
    assert len(observation.raw) == 70_000


def test_a_repeated_k_line_message_adds_neither_codes_nor_bytes() -> None:
    first, second = numbered(2)
    empty = Frame(0.0, 0x10, b"\x43" + bytes(6))
    ((observation,), _) = decode_frames([empty, first, second, first, empty], bus=Bus.KLINE)
    assert [str(one.code) for one in observation.codes] == ["P0001", "P0002"]
    assert observation.outcome is Outcome.CODES
    assert observation.raw == empty.data + first.data + second.data


def test_of_more_busy_control_units_than_are_followed_each_is_told_all_the_same() -> None:
    busy = [
        Frame(0.0, 0x18DAF100 | ecu, bytes.fromhex("037F0378"), is_extended=True)
        for ecu in range(OPEN_MAX + 10)
    ]
    observations, _ = decode_frames(busy, bus=Bus.CAN)
    assert [one.outcome for one in observations] == [Outcome.BUSY] * (OPEN_MAX + 10)
