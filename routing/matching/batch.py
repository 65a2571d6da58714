"""Many cases at once: capacity is shared over all of them, and what that costs is told.

Each case is searched for by itself, all with the same question together. Then each gets at most one
place: *greedily*, in the order of urgency and then as given, the best place that still has room;
or by *assignment*, which makes the sum of all scores as large as it can be. Both serve as many
cases as their orders allow; the result says what the one costs beside the other.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

from dtc_db.urgency import RANK
from routing.decision import Case
from routing.directory.snapshot import Directory
from routing.geo import unit_vectors
from routing.matching.batch_search import Found, search
from routing.matching.eligible import Question
from routing.matching.match import arrival_for, scene_for
from routing.matching.policy import THOUSAND, Policy
from routing.matching.reach import farther, road_reach_m

CASES_MAX = 10_000  # of one batch; more are to be given in several
# What serving a case is worth beside any score, so that nobody is left out for a better sum.
_SERVED = 1_000_000 * THOUSAND
_UNSERVED = 3 * _SERVED  # the cost of no place; costs have to be positive
_BLOCK = 1_000  # cases searched for together, so that the arrays stay small


@dataclass(frozen=True, slots=True)
class Candidate:
    """A place that a case could get: row in the directory, and score in thousandths."""

    row: int
    total: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Who goes where.

    Attributes:
        rows: For each case its place in the directory; None for a case that gets none.
        total: Sum of the scores, in thousandths.
    """

    rows: tuple[int | None, ...]
    total: int

    @property
    def served(self) -> int:
        """How many cases get a place."""
        return sum(row is not None for row in self.rows)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The two plans for the same cases, and each case's own best place.

    Attributes:
        alone: What each would get if it were the only one; capacity is not kept.
    """

    alone: Plan
    greedy: Plan
    assigned: Plan

    @property
    def price_of_greed(self) -> float:
        """The share of the best sum that the greedy order forgoes, 0 to 1."""
        return 1 - self.greedy.total / self.assigned.total if self.assigned.total else 0.0

    @property
    def price_of_sharing(self) -> float:
        """The share of points that the cases forgo because others need places too, 0 to 1."""
        return 1 - self.assigned.total / self.alone.total if self.alone.total else 0.0


def candidates(
    cases: Sequence[Case],
    directory: Directory,
    policy: Policy,
    *,
    decided_at: datetime,
    progress: Callable[[int], None] = lambda _done: None,
) -> tuple[tuple[Candidate, ...], ...]:
    """The places that each case could get, best first: those that `decide` would let compete.

    Args:
        cases: At most `CASES_MAX`; one without a position has no candidate.
        directory: The snapshot to choose from.
        policy: The numbers to choose by.
        decided_at: Aware; the same for all.
        progress: Told after each block how many cases have been searched for.

    Raises:
        ValueError: If there are more cases than that.
    """
    if len(cases) > CASES_MAX:
        raise ValueError(f"expected at most {CASES_MAX} cases, got {len(cases)}")
    decided_at = decided_at.astimezone(UTC)
    groups: defaultdict[object, list[int]] = defaultdict(list)
    for number, case in enumerate(cases):
        if case.position is not None:
            arrival = arrival_for(case)
            key = (
                *(Question.of(case), case.vehicle.vehicle_class, case.urgency, arrival),
                *(case.principal, case.warranty_until, road_reach_m(case, policy, arrival)),
            )
            groups[key].append(number)
    result: list[tuple[Candidate, ...]] = [()] * len(cases)
    done = 0
    for numbers in groups.values():
        for start in range(0, len(numbers), _BLOCK):
            block = numbers[start : start + _BLOCK]
            _search(block, cases, directory, policy, decided_at, result)
            done += len(block)
            progress(done)
    return tuple(result)


def plan(  # noqa: PLR0913 - what is decided, from what, when, and how much room there is
    cases: Sequence[Case],
    directory: Directory,
    policy: Policy,
    *,
    decided_at: datetime,
    capacity: Mapping[str, int],
    default_capacity: int = 1,
    progress: Callable[[int], None] = lambda _done: None,
) -> Comparison:
    """Share the sites' capacity over all cases.

    Args:
        cases: As for `candidates`.
        directory: Likewise.
        policy: Likewise.
        decided_at: Likewise.
        capacity: How many of these cases a site can take, by its id.
        default_capacity: Of a site that is not named.
        progress: As for `candidates`.
    """
    choices = candidates(cases, directory, policy, decided_at=decided_at, progress=progress)
    rows = sorted({one.row for several in choices for one in several})
    room = {row: capacity.get(directory.sites[row].site_id, default_capacity) for row in rows}
    order = sorted(range(len(cases)), key=lambda number: (RANK[cases[number].urgency], number))
    return Comparison(
        alone=_plan(choices, {n: several[0].row for n, several in enumerate(choices) if several}),
        greedy=_plan(choices, _greedy(choices, order, dict(room))),
        assigned=_plan(choices, _assigned(choices, room)),
    )


def stated_capacity(directory: Directory, *, days: int) -> dict[str, int]:
    """How many cases each site takes within so many open days, of those that say it."""
    return {
        site.site_id: site.cases_per_day * days
        for site in directory.sites
        if site.cases_per_day is not None
    }


def _search(  # noqa: PLR0913, PLR0917 - one group of the cases above
    numbers: list[int],
    cases: Sequence[Case],
    directory: Directory,
    policy: Policy,
    decided_at: datetime,
    result: list[tuple[Candidate, ...]],
) -> None:
    """Write the candidates of cases with the same question into the result."""
    first = cases[numbers[0]]
    scene = scene_for(first, directory, policy, arrival=arrival_for(first), decided_at=decided_at)
    while numbers:
        points = unit_vectors([place for n in numbers if (place := cases[n].position)])
        found = search(scene, points, wanted=policy.ranked_max)
        for index, number in enumerate(numbers):
            result[number] = _candidates(found, index)
        # Who does not get far and finds nobody looks farther, as in a decision by itself.
        beyond = farther(scene)
        if beyond is None:
            return
        numbers = [number for number in numbers if not result[number]]
        scene, _ = beyond


def _candidates(found: Found, index: int) -> tuple[Candidate, ...]:
    count = int(found.count[index])
    rows, totals = found.ring.rows[index, :count], found.total[index, :count]
    return tuple(map(Candidate, rows.tolist(), totals.tolist()))


def _greedy(
    choices: Sequence[Sequence[Candidate]], order: Sequence[int], room: dict[int, int]
) -> dict[int, int]:
    chosen: dict[int, int] = {}
    for number in order:
        row = next((one.row for one in choices[number] if room[one.row] > 0), None)
        if row is not None:
            room[row] -= 1
            chosen[number] = row
    return chosen


def _assigned(choices: Sequence[Sequence[Candidate]], room: Mapping[int, int]) -> dict[int, int]:
    """The assignment of the least cost, with a bay of its own for each case that gets no place."""
    wanting = Counter(one.row for several in choices for one in several)
    bays: list[int | None] = []
    columns: dict[int, range] = {}
    for row in sorted(wanting):
        count = min(room[row], wanting[row])
        columns[row] = range(len(bays), len(bays) + count)
        bays += [row] * count
    costs = [
        (number, column, _UNSERVED - _SERVED - one.total)
        for number, several in enumerate(choices)
        for one in several
        for column in columns[one.row]
    ]
    costs += [(number, len(bays) + number, _UNSERVED) for number in range(len(choices))]
    bays += [None] * len(choices)
    if not choices:
        return {}
    numbers, at, cost = (np.array(part) for part in zip(*costs, strict=True))
    matrix = csr_array((cost.astype(float), (numbers, at)), shape=(len(choices), len(bays)))
    pairs = zip(*min_weight_full_bipartite_matching(matrix), strict=True)
    return {int(number): row for number, column in pairs if (row := bays[column]) is not None}


def _plan(choices: Sequence[Sequence[Candidate]], chosen: Mapping[int, int]) -> Plan:
    total = sum(
        one.total for number, row in chosen.items() for one in choices[number] if one.row == row
    )
    return Plan(tuple(chosen.get(number) for number in range(len(choices))), total)
