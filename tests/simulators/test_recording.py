"""A recording is cut into reports where no transfer is under way."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from simulators.recording import (
    FRAMES_MAX,
    QUIET_S_MIN,
    RecordedFrame,
    diagnostic_bursts,
    wire_frames,
)


def frame(at_s: float, can_id: int = 0x7E8, *, extended: bool = False) -> RecordedFrame:
    return RecordedFrame(at_s=at_s, can_id=can_id, is_extended=extended, data=b"\x02\x43\x00")


def cut(*frames: RecordedFrame) -> list[int]:
    return [len(burst) for burst in diagnostic_bursts(frames)]


def test_a_pause_ends_a_report() -> None:
    assert cut(frame(0), frame(0.2), frame(0.2 + QUIET_S_MIN), frame(0.5)) == [2, 2]


def test_a_clock_that_jumps_back_ends_a_report() -> None:
    assert cut(frame(5), frame(0), frame(0.1)) == [1, 2]


def test_ordinary_traffic_is_left_out_and_does_not_fill_a_pause() -> None:
    chatter = [frame(tenth / 10, 0x123) for tenth in range(10)]
    broadcast = [frame(tenth / 10, 0x18FEF100, extended=True) for tenth in range(10)]
    assert cut(frame(0), *chatter, *broadcast, frame(1)) == [1, 1]


def test_diagnostic_broadcasts_and_transfers_of_a_truck_are_kept() -> None:
    ids = (0x18FECA00, 0x1CECFF00, 0x1CEBFF00, 0x18DAF110)
    assert cut(*(frame(0, can_id, extended=True) for can_id in ids)) == [4]


def test_two_buses_in_one_recording_are_kept_apart() -> None:
    one, other = frame(0), replace(frame(0), channel="can1")
    assert list(diagnostic_bursts([one, other, one])) == [(one, one), (other,)]


def test_without_a_pause_the_longest_gap_is_taken() -> None:
    before = [frame(index / 1000) for index in range(FRAMES_MAX - 10)]
    after = [frame(before[-1].at_s + 0.2 + index / 1000) for index in range(20)]
    assert cut(*before, *after) == [len(before), len(after)]


def test_times_count_from_the_start_of_the_report() -> None:
    burst = (frame(100.0), frame(100.0125, 0x18DAF110, extended=True))
    assert wire_frames(burst) == [[0.0, "7E8", "024300"], [12.5, "18DAF110", "024300"]]


@given(st.lists(st.floats(0, 1), max_size=3 * FRAMES_MAX))
def test_no_frame_is_lost_and_no_report_is_too_long(gaps_s: list[float]) -> None:
    at_s, frames = 0.0, []
    for gap_s in gaps_s:
        at_s += gap_s
        frames.append(frame(at_s))
    bursts = list(diagnostic_bursts(frames))
    assert [each for burst in bursts for each in burst] == frames
    assert all(0 < len(burst) <= FRAMES_MAX for burst in bursts)
