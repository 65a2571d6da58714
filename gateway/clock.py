"""What a unit's clock is worth, and when what it reports was true: a pure function of both clocks.

Decisions use our clock. The unit's own only tells how *late* a report is, and only against itself:
the least that its clock ever lagged behind ours is taken for its error, and what lags more than
that has waited somewhere. So a clock that is simply wrong still raises alarms, and a report of
last week does not.

    lag      = our time - the unit's time
    error    = the least lag so far (`Clock.error_s`)
    lateness = lag - error

A clock that is set back makes every report look late. What has waited comes in faster than it was
written, so its lateness shrinks; a lag that stays the same for `SETTLE_S_MIN` is no waiting but the
clock's new error. The numbers, and why these, are published in docs/time.md.
"""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from gateway.model import Report

# No unit that speaks to us was built before; clocks without a battery start at 1970, 1980 or 2000.
POSSIBLE_FROM = datetime(2015, 1, 1, tzinfo=UTC)
# Further ahead than any time zone: such a clock was never set.
AHEAD_S_MAX = 86_400
# What comes later than this is old: the drive is over, and nobody is warned of the past.
OLD_S_MIN = 21_600
# Of a unit never heard before: as much as a wrong time zone makes.
FIRST_LAG_S_MAX = 43_200
# Beyond this a clock is called wrong and a report late; below it, messages may simply be slow.
DOUBT_S_MIN = 120
SETTLE_S_MIN = 120
# Two lags that differ by less are the same.
SAME_LAG_S_MAX = 10


class Doubt(StrEnum):
    """Why a report's time is not to be trusted; stands on the report and on what it began."""

    IMPOSSIBLE = "impossible"  # the unit's clock cannot be right, so it was not used
    LATE = "late"  # it waited longer than `DOUBT_S_MIN`, as far as its clock can tell
    WRONG = "wrong"  # the unit's clock is off by more than `DOUBT_S_MIN`; that was allowed for


class Clock(NamedTuple):
    """What is remembered of a unit's clock; a tuple, as reports are. Named arguments.

    Attributes:
        error_s: How far it is behind ours, negative if ahead; None before it was ever of use.
        lag_s: A lag beyond that, which may turn out to be its new error; None while in step.
        lag_since: When that lag was first seen, by our clock.
    """

    error_s: float | None = None
    lag_s: float | None = None
    lag_since: datetime | None = None


class Reading(NamedTuple):
    """One report's time, as far as it can be told; a tuple as well.

    Attributes:
        observed_at: When it was true, by our clock; never later than its arrival.
        is_ordered: Whether `observed_at` is of the unit's clock; else it is the time of arrival.
        is_live: Whether it may raise an alarm.
        held_back_since: If with this report the clock turns out to have a new error: what was taken
            for late from then on was no old news.
    """

    observed_at: datetime
    is_ordered: bool = False
    is_live: bool = True
    doubt: Doubt | None = None
    held_back_since: datetime | None = None


def read_clock(clock: Clock, report: Report) -> tuple[Reading, Clock]:
    """Say when a report was true, and what its unit's clock is known to be worth afterwards.

    Args:
        clock: What was known before it.
        report: As it arrived.
    """
    if report.unit_at is None:
        return Reading(observed_at=report.received_at, is_live=not report.is_historical), clock
    lag_s = (report.received_at - report.unit_at).total_seconds()
    if report.unit_at < POSSIBLE_FROM or lag_s < -AHEAD_S_MAX:
        return _unusable(report), clock
    if report.is_historical:  # it waited, by the unit's own word; that tells nothing of its clock
        observed_at = _dated_at(report, lag_s - (clock.error_s or 0.0))
        return Reading(observed_at=observed_at, is_ordered=True, is_live=False), clock
    known = _learn(clock, lag_s, report.received_at)
    error_s = known.error_s or 0.0
    late_s = lag_s - error_s
    observed_at = _dated_at(report, late_s)
    if late_s > DOUBT_S_MIN:
        is_live = late_s <= OLD_S_MIN
        reading = Reading(
            observed_at=observed_at, is_ordered=True, is_live=is_live, doubt=Doubt.LATE
        )
        return reading, known
    return Reading(
        observed_at=observed_at,
        is_ordered=True,
        doubt=Doubt.WRONG if abs(error_s) > DOUBT_S_MIN else None,
        held_back_since=clock.lag_since if _is_same(known.error_s, clock.lag_s) else None,
    ), known


def _unusable(report: Report) -> Reading:
    return Reading(
        observed_at=report.received_at,
        is_live=not report.is_historical,
        doubt=Doubt.IMPOSSIBLE,
    )


def _dated_at(report: Report, late_s: float) -> datetime:
    """When it was true, by our clock; never later than its arrival."""
    return report.received_at - timedelta(seconds=late_s) if late_s > 0 else report.received_at


def _learn(clock: Clock, lag_s: float, now: datetime) -> Clock:
    """Lower the error to the least lag, or follow a lag that will not go away."""
    if clock.error_s is None:
        if lag_s <= FIRST_LAG_S_MAX:
            return Clock(error_s=lag_s)
    elif lag_s - clock.error_s <= DOUBT_S_MIN:
        # In step with what was known, so a lag that was followed was waiting after all.
        is_as_before = lag_s >= clock.error_s and clock.lag_s is None and clock.lag_since is None
        return clock if is_as_before else Clock(error_s=min(lag_s, clock.error_s))
    if clock.lag_s is None or clock.lag_since is None or lag_s < clock.lag_s - SAME_LAG_S_MAX:
        return clock._replace(lag_s=lag_s, lag_since=now)
    if not _is_same(lag_s, clock.lag_s) or (now - clock.lag_since).total_seconds() < SETTLE_S_MIN:
        return clock
    return Clock(error_s=min(lag_s, clock.lag_s))


def _is_same(lag_s: float | None, other_s: float | None) -> bool:
    if lag_s is None or other_s is None:
        return False
    return abs(lag_s - other_s) <= SAME_LAG_S_MAX
