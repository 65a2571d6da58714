"""What a load sends and when: fixed before the first byte goes out, a function of the seed.

Open loop: the n-th report is due at n / rate whatever becomes of the earlier ones, so a service
that stalls is not spared the reports that come meanwhile.
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from random import Random
from typing import NamedTuple

REORDERED_S_MAX = 60.0
DUPLICATE_S_MAX = 3.0
LATE_S_MIN, LATE_S_MAX = 2.0, 10.0


class Kind(StrEnum):
    """What a report is."""

    LIVE = "live"
    LATE = "late"  # read hours ago, kept in a unit without a network, sent after the live ones
    # Poison. These three cannot be answered: no id can be read in them.
    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"
    NO_ID = "no_id"
    # And these can.
    HUGE = "huge"  # 256 kB of codes
    WRONG_TYPES = "wrong_types"
    CUT_TRANSFER = "cut_transfer"  # a report like others, but for a transfer without its end


POISON = (
    Kind.NOT_UTF8,
    Kind.NOT_JSON,
    Kind.NO_ID,
    Kind.HUGE,
    Kind.WRONG_TYPES,
    Kind.CUT_TRANSFER,
)
UNANSWERABLE = frozenset((Kind.NOT_UTF8, Kind.NOT_JSON, Kind.NO_ID))
REFUSED = UNANSWERABLE | {Kind.HUGE, Kind.WRONG_TYPES}
"""No reports at all: these end as dead letters; all others are stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """Which part of the reports is not plain, each from 0 to 1.

    Attributes:
        duplicates: Sent a second time within ``DUPLICATE_S_MAX``.
        reordered: Held back until its unit has sent a later one.
        late: `Kind.LATE`.
        poison: Of the kinds in `POISON`, in equal parts.
    """

    duplicates: float = 0.0
    reordered: float = 0.0
    late: float = 0.0
    poison: float = 0.0

    def __post_init__(self) -> None:
        for share in (self.duplicates, self.reordered, self.late, self.poison):
            if not 0 <= share <= 1:
                raise ValueError(f"a share is 0 to 1, not {share}")
        if self.late + self.poison > 1:
            raise ValueError("a report is late or poison, not both: together at most 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """All there is to know about a load.

    Attributes:
        vehicles: Units, which report in turn.
        rate_per_s: Distinct reports that are due in one second.
        reports: Distinct reports in all.
        run: Begins every id, so that a second run is not taken for a repetition of the first.
        start_at: The units' clocks at the first report; aware.
        onset: Over which part of the load, from 0 to 1, the vehicles' first faults come; 0 has all
            of them there from the beginning.
    """

    vehicles: int
    rate_per_s: float
    reports: int
    run: str
    start_at: datetime
    shares: Shares = field(default_factory=Shares)
    seed: int = 1
    onset: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.onset <= 1:
            raise ValueError(f"an onset is 0 to 1, not {self.onset}")

    @property
    def turns(self) -> int:
        """How often each vehicle reports."""
        return -(-self.reports // self.vehicles)


class Sending(NamedTuple):
    """One message that goes out.

    Attributes:
        due_s: From the start.
        number: Of the report, from 0; its unit is ``number % vehicles``.
        is_repeat: The same report was due before.
    """

    due_s: float
    number: int
    is_repeat: bool
    kind: Kind


def sendings(load: Load) -> Iterator[Sending]:
    """Plan every message of a load, in the order in which they are due."""
    random, shares = Random(load.seed), load.shares  # noqa: S311 - a plan has to repeat
    period_s = min(load.vehicles / load.rate_per_s, REORDERED_S_MAX / 2)
    waiting: list[Sending] = []
    for number in range(load.reports):
        due_s = number / load.rate_per_s
        while waiting and waiting[0].due_s <= due_s:
            yield heapq.heappop(waiting)
        kind = _kind(random, shares)
        if kind is Kind.LATE:
            due_s += random.uniform(LATE_S_MIN, LATE_S_MAX)
        elif random.random() < shares.reordered:
            due_s += period_s * random.uniform(1, 2)
        heapq.heappush(waiting, Sending(due_s, number, False, kind))
        if random.random() < shares.duplicates:
            again_s = due_s + random.uniform(0, DUPLICATE_S_MAX)
            heapq.heappush(waiting, Sending(again_s, number, True, kind))
    while waiting:
        yield heapq.heappop(waiting)


def _kind(random: Random, shares: Shares) -> Kind:
    chance = random.random()
    if chance < shares.poison:
        return random.choice(POISON)
    return Kind.LATE if chance < shares.poison + shares.late else Kind.LIVE
