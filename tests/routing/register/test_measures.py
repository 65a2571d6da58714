"""Nobody is taken off the lists without a reason, notice and the right to reply."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from routing.errors import NotNowError
from routing.model import Bar
from routing.register.measures import (
    AHEAD_MAX,
    AT_ONCE,
    NOTICE,
    Cause,
    Measure,
    MeasureKind,
    Standing,
    bar_of,
    check_notice,
    check_reply,
    check_uphold,
    earliest,
)

NOW = datetime(2026, 11, 26, 8, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def day(ahead: float) -> datetime:
    return NOW + timedelta(days=ahead)


def measure(
    kind: MeasureKind = MeasureKind.REMOVED,
    cause: Cause = Cause.EVIDENCE,
    *,
    effective: float = 30,
    **more: datetime | str,
) -> Measure:
    plain = Measure(
        measure_id=UUID(int=1),
        business_id=UUID(int=2),
        site_id=None,
        kind=kind,
        cause=cause,
        reason="because",
        basis="",
        noticed_at=NOW,
        effective_at=day(effective),
    )
    return replace(plain, **more)  # type: ignore[arg-type] # a test names only what differs


DANGER = measure(MeasureKind.SUSPENDED, Cause.SAFETY, effective=0, basis="fire")


@pytest.mark.parametrize("kind", MeasureKind)
@pytest.mark.parametrize("cause", Cause)
def test_the_notice_is_as_long_as_it_must_be_and_not_a_second_shorter(
    kind: MeasureKind, cause: Cause
) -> None:
    first = earliest(kind, cause, at=NOW)
    assert first - NOW == (timedelta() if cause in AT_ONCE else NOTICE[kind])
    given = measure(kind, cause, effective_at=first, basis="which one")
    check_notice(given)
    with pytest.raises(NotNowError):
        check_notice(replace(given, effective_at=first - SECOND))


def test_thirty_days_stand_before_a_removal() -> None:
    assert NOTICE[MeasureKind.REMOVED] == timedelta(days=30)
    assert {Cause.SAFETY, Cause.LAW} == AT_ONCE


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (measure(reason=" "), "a reason"),
        (measure(reason="x" * 2_001), "a reason"),
        (replace(DANGER, basis=""), "name the danger"),
        (measure(effective_at=NOW + AHEAD_MAX + SECOND), "within a year"),
        (replace(DANGER, effective_at=NOW - SECOND), "within a year"),
    ],
)
def test_a_notice_that_says_too_little_is_none(wrong: Measure, why: str) -> None:
    with pytest.raises(NotNowError, match=why):
        check_notice(wrong)


REPLIED = measure(reply="no", replied_at=day(3))
UPHELD = replace(REPLIED, upheld_at=day(5))
TABLE = [
    (measure(), 0, Standing.NOTICED),
    (measure(), 400, Standing.NOTICED),  # nobody upheld it: it never takes effect
    (REPLIED, 31, Standing.NOTICED),
    (UPHELD, 29.9, Standing.UPHELD),
    (UPHELD, 30, Standing.IN_FORCE),
    (measure(upheld_at=day(35)), 34.9, Standing.UPHELD),
    (measure(upheld_at=day(35)), 35, Standing.IN_FORCE),
    (replace(UPHELD, ended_at=day(40)), 39.9, Standing.IN_FORCE),
    (replace(UPHELD, ended_at=day(40)), 40, Standing.ENDED),
    (replace(REPLIED, ended_at=day(4)), 31, Standing.ENDED),
    (DANGER, 0, Standing.IN_FORCE),
    (replace(DANGER, effective_at=day(2)), 1, Standing.NOTICED),
    (replace(DANGER, ended_at=day(1)), 1, Standing.ENDED),
]


@pytest.mark.parametrize(("given", "ahead", "expected"), TABLE)
def test_how_a_measure_stands_on_a_day(given: Measure, ahead: float, expected: Standing) -> None:
    assert given.standing(day(ahead)) is expected


def test_it_is_upheld_with_the_reply_or_after_the_time_for_one() -> None:
    check_uphold(REPLIED, "we looked again", at=day(4))
    check_uphold(measure(), "nobody replied", at=day(30))
    for given, at, why in (
        (measure(), day(29.9), "may reply until"),
        (UPHELD, day(31), "upheld already"),
        (replace(REPLIED, ended_at=day(4)), day(5), "is over"),
    ):
        with pytest.raises(NotNowError, match=why):
            check_uphold(given, "because", at=at)
    with pytest.raises(NotNowError, match="a reason"):
        check_uphold(REPLIED, "", at=day(4))


def test_a_reply_is_heard_until_it_is_over() -> None:
    for given in (measure(), REPLIED, UPHELD, DANGER):
        check_reply(given, "no")
    with pytest.raises(NotNowError, match="a reason"):
        check_reply(measure(), " ")
    with pytest.raises(NotNowError, match="is over"):
        check_reply(measure(ended_at=day(1)), "no")


def test_what_bars_a_site_is_what_counts_first_and_nothing_that_is_open_or_over() -> None:
    assert bar_of([measure(), REPLIED, replace(UPHELD, ended_at=day(40))]) is None
    later = Bar(measure="removed", cause="evidence", since=day(30))
    assert bar_of([UPHELD, measure()]) == later
    assert bar_of([UPHELD, DANGER]) == Bar(measure="suspended", cause="safety", since=NOW)
