"""What was read of a short stretch is remembered, and never tells from reading it once more."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.decode import decode_frames
from gateway.dialects import traffic as module
from gateway.dialects.traffic import FRAMES_REMEMBERED_MAX, TIME_OUT_MS_MIN, read_traffic
from gateway.model import Bus, Frame, Reason
from gateway.protocols.messages import DEFAULTS, BusSettings

# Requests, whole answers, the parts of long ones, a busy control unit, and a truck's transfers.
WORDS = (
    *("7DF#0103", "7E8#0443010128", "7E9#024300", "7E8#037F0378", "7E0#0219020D"),
    *("7E8#1008430303010420", "7E8#2101710000000000", "7E8#2202", "7A8#065902FF012800"),
    *("18FECA00#00FF6F001201FFFF", "18ECFF00#200A0002FFCAFE00", "18EBFF00#0104FF6F00120170"),
    *("18EBFF00#02001201FFFFFFFF", "18DAF110#0443010128"),
)


def frame(text: str, t_ms: float) -> Frame:
    can_id, _, data = text.partition("#")
    return Frame(t_ms, int(can_id, 16), bytes.fromhex(data), len(can_id) == 8)


STRETCHES = st.lists(
    st.builds(frame, st.sampled_from(WORDS), st.sampled_from((0.0, 5.0, 700.0, 900.0, 2_000.0))),
    max_size=FRAMES_REMEMBERED_MAX + 2,
)
LATE_END = (frame("7E8#1008430303010420", 0.0), frame("7E8#2101710000000000", 2_000.0))


@given(stretch=STRETCHES, bus=st.sampled_from((Bus.CAN, Bus.J1939)))
def test_what_is_remembered_is_what_would_be_read(stretch: list[Frame], bus: Bus) -> None:
    read = decode_frames(stretch, bus=bus)
    for _ in range(2):
        traffic = read_traffic(stretch, bus=bus, settings=DEFAULTS)
        assert (traffic.observations, traffic.rejections) == read


def test_a_short_stretch_is_read_once() -> None:
    module._decode_at_once.cache_clear()
    for start_ms in (0.0, 1e9):  # the same a while later
        read_traffic([frame(WORDS[1], start_ms)], bus=Bus.CAN, settings=DEFAULTS)
    assert module._decode_at_once.cache_info().hits == 1


def test_what_holds_many_codes_is_not_kept() -> None:
    module._decode_at_once.cache_clear()
    many = [Frame(0.0, 0x10, b"\x43" + bytes(range(1, 255)))]
    assert len(read_traffic(many, bus=Bus.KLINE, settings=DEFAULTS).observations[0].codes) > 100
    assert module._decode_at_once.cache_info().currsize == 0


def test_the_end_of_a_transfer_that_comes_too_late_is_not_taken_for_one_that_came_in_time() -> None:
    in_time = [each._replace(t_ms=0.0) for each in LATE_END]
    whole = read_traffic(in_time, bus=Bus.CAN, settings=DEFAULTS)
    late = read_traffic(LATE_END, bus=Bus.CAN, settings=DEFAULTS)
    assert [str(each.code) for each in whole.observations[0].codes] == ["P0301", "P0420", "P0171"]
    assert not late.observations
    assert late.rejections[0].reason is Reason.TRUNCATED


def test_a_memory_that_passes_over_the_time_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TIME_OUT_MS_MIN", inf)
    wrong = read_traffic(LATE_END, bus=Bus.CAN, settings=DEFAULTS)
    assert wrong.observations != decode_frames(LATE_END, bus=Bus.CAN)[0]


def test_what_was_read_as_one_vehicle_says_nothing_of_another() -> None:
    stretch = [frame("5A0#0443010128", TIME_OUT_MS_MIN)]
    answers = BusSettings(answer_ids=frozenset({0x5A0}))
    assert not read_traffic(stretch, bus=Bus.CAN, settings=DEFAULTS).observations
    assert read_traffic(stretch, bus=Bus.CAN, settings=answers).observations
    assert not read_traffic(stretch, bus=Bus.CAN, settings=DEFAULTS).observations
