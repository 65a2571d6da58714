"""Clocks may lie: what is said with them is dated, doubted, and still heard."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import (
    DOUBT_S_MIN,
    FIRST_LAG_S_MAX,
    OLD_S_MIN,
    SETTLE_S_MIN,
    Clock,
    Doubt,
    Reading,
    read_clock,
)
from gateway.model import Report

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
HOUR, DAY, WEEK, YEAR = 3_600, 86_400, 604_800, 31_536_000


def told(at_s: float, lag_s: float | None, *, historical: bool = False) -> Report:
    """A report that arrives at ``at_s``, by a clock that is ``lag_s`` behind ours."""
    received_at = NOW + timedelta(seconds=at_s)
    return Report(
        unit="u1",
        event_id="e",
        digest=b"",
        payload=b"",
        received_at=received_at,
        unit_at=None if lag_s is None else received_at - timedelta(seconds=lag_s),
        is_historical=historical,
    )


def read(*reports: Report, clock: Clock | None = None) -> list[Reading]:
    clock, readings = clock or Clock(), []
    for report in reports:
        reading, clock = read_clock(clock, report)
        readings.append(reading)
    return readings


def check(expected: str, *lags: tuple[float, float]) -> None:
    """``expected``: for each report ``live`` or ``old``, and its doubt: ``"live old:late"``."""
    readings = read(*(told(at_s, lag_s) for at_s, lag_s in lags))
    words = (
        ("live" if one.is_live else "old") + (f":{one.doubt}" if one.doubt else "")
        for one in readings
    )
    assert " ".join(words) == expected


def test_a_clock_that_is_right_is_not_doubted() -> None:
    check("live live", (0, 0.2), (10, 1.5))


@pytest.mark.parametrize("error_s", [600, -600, 5 * HOUR, -10 * HOUR])
def test_a_clock_that_is_off_still_raises_alarms_and_is_flagged(error_s: float) -> None:
    check("live:wrong live:wrong", (0, error_s), (60, error_s + 1))


@pytest.mark.parametrize("year", [1970, 1980, 2000, 2014, 2028, 2038, 9000])
def test_a_clock_that_cannot_be_right_says_nothing_and_is_flagged(year: int) -> None:
    lag_s = (NOW - datetime(year, 1, 1, tzinfo=UTC)).total_seconds()
    check("live:impossible live:impossible", (0, lag_s), (1, lag_s))
    (reading,) = read(told(0, lag_s))
    assert (reading.observed_at, reading.is_ordered) == (NOW, False)


def test_a_report_of_last_week_is_old_and_dated_by_the_unit() -> None:
    check("live old:late live", (0, 1), (60, WEEK), (61, 1))
    reading = read(told(0, 0), told(60, WEEK))[1]
    assert reading.observed_at == NOW + timedelta(seconds=60 - WEEK)


def test_what_waited_for_less_than_six_hours_is_late_and_still_news() -> None:
    check("live live", (0, 0), (60, DOUBT_S_MIN))
    check("live live:late", (0, 0), (60, DOUBT_S_MIN + 1))
    check("live live:late", (0, 0), (60, OLD_S_MIN))
    check("live old:late", (0, 0), (60, OLD_S_MIN + 1))


def test_lateness_is_counted_against_the_units_own_error() -> None:
    check("live:wrong live:late old:late", (0, 2 * HOUR), (9, 8 * HOUR), (10, 8 * HOUR + 1))


def test_a_clock_that_was_set_back_a_little_puts_reports_in_order_again_after_two_minutes() -> None:
    readings = read(told(0, 0), *(told(at_s, HOUR) for at_s in (10, 70, 130, 190)))
    late_s = [
        (NOW + timedelta(seconds=at_s) - reading.observed_at).total_seconds()
        for at_s, reading in zip((0, 10, 70, 130, 190), readings, strict=True)
    ]
    assert late_s == [0, HOUR, HOUR, 0, 0]


def test_of_a_unit_never_heard_before_a_wrong_time_zone_is_no_lateness() -> None:
    check("live:wrong", (0, FIRST_LAG_S_MAX))
    check("old:late", (0, FIRST_LAG_S_MAX + 1))


def test_reports_that_waited_come_in_faster_than_they_were_written_and_stay_old() -> None:
    # Written once a minute for a day, sent ten to the second.
    drained = [(10 + n / 10, WEEK - n * 60) for n in range(1440)]
    check(" ".join(["live"] + ["old:late"] * 1440), (0, 0), *drained)


def test_a_clock_that_was_set_back_raises_alarms_again_after_two_minutes() -> None:
    steps = [(float(at_s), 3.0 * YEAR) for at_s in range(10, 200, 10)]
    readings = read(told(0, 0), *(told(*step) for step in steps))[1:]
    first_live = next(at for at, reading in enumerate(readings) if reading.is_live)
    assert steps[first_live][0] == 10 + SETTLE_S_MIN
    assert readings[first_live].held_back_since == NOW + timedelta(seconds=10)
    assert all(reading.is_live for reading in readings[first_live:])
    assert all(reading.held_back_since is None for reading in readings[first_live + 1 :])


def test_a_unit_whose_clock_is_years_behind_from_the_start_is_believed_after_two_minutes() -> None:
    check("old:late live:wrong", (0, 4 * YEAR), (SETTLE_S_MIN, 4 * YEAR + 3))


def test_old_reports_between_live_ones_never_become_the_clocks_error() -> None:
    mixed = [step for at_s in range(0, 600, 10) for step in ((at_s, 1.0), (at_s + 1, float(WEEK)))]
    check(" ".join(["live old:late"] * 60), *mixed)


def test_the_units_own_word_that_it_is_old_news_is_believed() -> None:
    for lag_s in (None, 0, WEEK, -2 * DAY):
        (reading,) = read(told(0, lag_s, historical=True))
        assert not reading.is_live
    _, clock = read_clock(Clock(), told(0, WEEK, historical=True))
    assert clock == Clock()


def test_without_a_clock_the_time_of_arrival_counts() -> None:
    (reading,) = read(told(0, None))
    assert reading == Reading(observed_at=NOW)


def test_the_control_a_fixed_limit_on_the_clocks_difference_would_silence_a_wrong_clock() -> None:
    """Were lateness the bare difference, a clock seven hours behind would never warn."""
    reports = [told(at_s, 7 * HOUR) for at_s in range(0, 600, 60)]
    assert not any((r.received_at - r.unit_at).seconds <= OLD_S_MIN for r in reports if r.unit_at)
    assert all(reading.is_live for reading in read(*reports))


STEPS = st.lists(
    st.tuples(
        st.floats(0, 4000),
        st.one_of(st.none(), st.floats(-2 * YEAR, 60 * YEAR), st.floats(-300, 300)),
        st.booleans(),
    ),
    max_size=30,
)


@given(STEPS)
def test_whatever_clocks_say_nothing_is_dated_in_the_future_and_what_is_old_has_a_reason(
    steps: list[tuple[float, float | None, bool]],
) -> None:
    clock, at_s = Clock(), 0.0
    for gap_s, lag_s, historical in steps:
        at_s += gap_s
        report = told(at_s, lag_s, historical=historical)
        reading, clock = read_clock(clock, report)
        assert reading.observed_at <= report.received_at
        assert reading.is_live or historical or reading.doubt is Doubt.LATE
        assert not (historical and reading.is_live)


@given(st.floats(-DAY, 40 * YEAR), st.lists(st.floats(0, 60), min_size=1, max_size=20))
def test_a_constant_error_is_always_found_out_in_the_end(
    error_s: float, delays_s: list[float]
) -> None:
    reports = [told(n * 130, error_s + delay) for n, delay in enumerate([0.0, 0.0, *delays_s])]
    if any(r.unit_at is not None and r.unit_at.year < 2015 for r in reports):
        reports = [r._replace(unit_at=None) for r in reports]
    assert all(reading.is_live for reading in read(*reports)[1:])


@given(st.floats(-HOUR, HOUR), st.lists(st.floats(0, 20), min_size=2, max_size=20))
def test_reports_of_one_clock_keep_its_order_however_late_they_come(
    error_s: float, written_s: list[float]
) -> None:
    """Sent in any order, one a minute later: the dates are in the order of writing."""
    reports = []
    for n, at_s in enumerate(written_s):
        received_at = NOW + timedelta(seconds=100 + n)
        unit_at = NOW + timedelta(seconds=at_s - error_s)
        reports.append(told(0, 0)._replace(received_at=received_at, unit_at=unit_at))
    clock = Clock(error_s=error_s)
    dated = [(r.unit_at, read_clock(clock, r)[0].observed_at) for r in reports if r.unit_at]
    for unit_at, observed_at in dated:
        for other_unit_at, other_observed_at in dated:
            if unit_at < other_unit_at:
                assert observed_at <= other_observed_at


def test_an_error_worth_a_flag_is_more_than_slow_messages_make() -> None:
    check("live", (0, DOUBT_S_MIN))
    check("live:wrong", (0, DOUBT_S_MIN + 1))
