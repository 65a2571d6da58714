"""Suspension and removal: a reason, notice, and the right to reply before either takes effect.

    noticed ──reply──▶ noticed ──upheld──▶ in force from its day ──ended──▶ over
       └──────────────────────────ended──▶ over, and never was in force

A danger to people, or a law or an authority that is named, takes effect with the notice; the reply
comes after, and is ruled on all the same. Nothing else takes effect unless a reviewer upholds it,
having the reply, or after the time for one is over.

References:
    Regulation (EU) 2019/1150, Article 4: a statement of reasons before or with a restriction,
    30 days before termination, but for legal obligations; and an opportunity to clarify. The week
    before a suspension is ours, and longer than the regulation asks.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from routing.errors import NotNowError
from routing.model import Bar
from routing.register.review import check_reason

AHEAD_MAX = timedelta(days=366)


class MeasureKind(StrEnum):
    """What is done; the words are those of exclusions."""

    SUSPENDED = "suspended"
    REMOVED = "removed"


class Cause(StrEnum):
    """Why, in one word that may be told to everybody."""

    SAFETY = "safety"  # people would be in danger
    LAW = "law"  # a law or an authority says so
    EVIDENCE = "evidence"  # what was to prove competence does not
    CONDUCT = "conduct"
    GONE = "gone"  # nobody works there any more


AT_ONCE = frozenset({Cause.SAFETY, Cause.LAW})
NOTICE: Mapping[MeasureKind, timedelta] = {
    MeasureKind.SUSPENDED: timedelta(days=7),
    MeasureKind.REMOVED: timedelta(days=30),
}


class Standing(StrEnum):
    """How a measure stands at a moment."""

    NOTICED = "noticed"
    UPHELD = "upheld"  # and its day has not come
    IN_FORCE = "in_force"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A measure against a business, or against one of its sites.

    Attributes:
        site_id: None for all sites of the business.
        basis: Which danger, or which law or authority; for those that take effect at once.
        effective_at: The day that the notice names.
        upheld_at: When a reviewer upheld it, having the reply or after the time for one.
        ended_at: When it was taken back, or lifted.
    """

    measure_id: UUID
    business_id: UUID
    site_id: str | None
    kind: MeasureKind
    cause: Cause
    reason: str
    basis: str
    noticed_at: datetime
    effective_at: datetime
    reply: str = ""
    replied_at: datetime | None = None
    upheld_at: datetime | None = None
    ended_at: datetime | None = None
    ruling: str = ""

    @property
    def begins_at(self) -> datetime | None:
        """From when it is in force; None while that is not certain."""
        if self.cause in AT_ONCE:
            return self.effective_at
        return None if self.upheld_at is None else max(self.effective_at, self.upheld_at)

    def standing(self, at: datetime) -> Standing:
        """How it stands at a moment (aware)."""
        if self.ended_at is not None and self.ended_at <= at:
            return Standing.ENDED
        begins_at = self.begins_at
        if begins_at is not None and begins_at <= at:
            return Standing.IN_FORCE
        return Standing.NOTICED if self.upheld_at is None else Standing.UPHELD


def earliest(kind: MeasureKind, cause: Cause, *, at: datetime) -> datetime:
    """The first moment that a notice given now may name."""
    return at if cause in AT_ONCE else at + NOTICE[kind]


def check_notice(measure: Measure) -> None:
    """Return if a notice may be given like this.

    Raises:
        NotNowError: If it has no reason, names no danger or law though it is to take effect at
            once, or leaves too little time to reply.
    """
    check_reason(measure.reason)
    if measure.cause in AT_ONCE:
        if not measure.basis.strip():
            raise NotNowError("name the danger, or the law or authority, in `basis`")
    elif measure.effective_at < earliest(measure.kind, measure.cause, at=measure.noticed_at):
        days = NOTICE[measure.kind].days
        raise NotNowError(f"a business is {measure.kind} {days} days after the notice, or later")
    if not measure.noticed_at <= measure.effective_at <= measure.noticed_at + AHEAD_MAX:
        raise NotNowError("expected a moment within a year from now in `effective_at`")


def check_reply(measure: Measure, text: str) -> None:
    """Return if the business may reply like this; it may until the measure is over.

    Raises:
        NotNowError: If it is over, or there is no text.
    """
    check_is_alive(measure)
    check_reason(text)


def check_uphold(measure: Measure, reason: str, *, at: datetime) -> None:
    """Return if a reviewer may uphold it now.

    Raises:
        NotNowError: If it is over or upheld already, without a reason, or while the business may
            still reply and has not.
    """
    check_is_alive(measure)
    check_reason(reason)
    if measure.upheld_at is not None:
        raise NotNowError("it is upheld already")
    if measure.replied_at is None and at < measure.effective_at:
        raise NotNowError(f"the business may reply until {measure.effective_at.isoformat()}")


def check_is_alive(measure: Measure) -> None:
    """Return if it is not over.

    Raises:
        NotNowError: If it is.
    """
    if measure.ended_at is not None:
        raise NotNowError("the measure is over")


def bar_of(measures: Iterable[Measure]) -> Bar | None:
    """What keeps a site off lists, of the measures against it: the one that is in force first.

    Those that will be in force count as well, from the moment from which they are.
    """
    bars = [
        Bar(measure=one.kind.value, cause=one.cause.value, since=one.begins_at)
        for one in measures
        if one.ended_at is None and one.begins_at is not None
    ]
    return min(bars, key=lambda bar: (bar.since, bar.measure), default=None)
