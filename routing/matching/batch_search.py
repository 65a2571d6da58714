"""The nearest eligible sites around many places at once, ranked.

Ring by ring: the nearest sites of the table's ground are looked at for all places together, as
arrays; the places that have not got enough by then get a ring four times as large. One row of an
array is one place, one column one site.

    ground ▸ distances ▸ travel ▸ doors ▸ titles on that day ▸ eligible ▸ points ▸ best first
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from dtc_db.need import Arrival
from dtc_db.vehicle import VehicleClass
from routing.directory.hours import IS_CLOSED, IS_UNKNOWN, HoursTable
from routing.directory.opening import DAY_S
from routing.directory.snapshot import Directory, Ground
from routing.directory.table import UNABLE_LEVEL, Table
from routing.geo import arcs_m
from routing.matching.known import known_of
from routing.matching.policy import THOUSAND, Policy
from routing.matching.principal import Agreement
from routing.matching.roads import RoadTable

_RING_SPARE = 14  # beyond those that may be offered: some of the near ones fail
_RING_GROWTH = 4
# A sort key is the points missing from _POINTS_MAX, then the column; nobody is _NOBODY.
_COLUMN_BITS = 20
_POINTS_MAX = 1 << 30  # thousandths
_NOBODY = np.iinfo(np.int64).max
_OF_HOURS = frozenset({"wait", "slot"})

type Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What all places of one search have in common.

    Attributes:
        roads: What was measured by road from the one place that is searched around; None if
            nothing was, or there are several.
        seed: Of the lots that are drawn around the one place: the id of the referral; empty if
            none are, as where there are several.
        road_reach_m: How far by road the battery lasts; None if that limits nothing.
    """

    directory: Directory
    table: Table
    hours: HoursTable
    policy: Policy
    arrival: Arrival
    vehicle_class: VehicleClass
    deadline: timedelta
    decided_at: datetime
    roads: RoadTable | None = None
    agreement: Agreement | None = None
    road_reach_m: int | None = None
    seed: str = ""

    @property
    def ground(self) -> Ground:
        """The sites that are worth being asked, and that what was agreed to leaves in."""
        return self.table.ground_for(self.agreement)

    @property
    def now_s(self) -> float:
        """From the beginning of the day on which it is decided, by UTC."""
        return (self.decided_at - start_of(self.decided_at.date())).total_seconds()

    @property
    def free_radius_m(self) -> int:
        """How far a site may be, whatever was agreed to."""
        radius_m = self.policy.arrivals[self.arrival].radius_m
        if self.road_reach_m is None:
            return radius_m
        return min(radius_m, round(self.road_reach_m / self.policy.travel.detour))

    @property
    def radius_m(self) -> int:
        """How far a site may be."""
        free_m = self.free_radius_m
        return free_m if self.agreement is None else self.agreement.radius_m(free_m)

    @property
    def road_m_max(self) -> int:
        """How far a site may be by road."""
        road_m_max = self.policy.road_m_max(self.arrival)
        return road_m_max if self.road_reach_m is None else min(road_m_max, self.road_reach_m)

    def road_m_to(self, row: int) -> int | None:
        """The length of the way to a site; None if it was not measured."""
        return None if self.roads is None else self.roads.road_m_to(row)


@dataclass(frozen=True, slots=True)
class Ring:
    """Sites around places; all arrays have the shape (places, sites).

    Attributes:
        rows: Places in the directory; nearest first, equally far ones by row.
        is_sure: False for the last ones, as near as which there may be others outside the ring.
        level: Of the evidence; `UNABLE_LEVEL` if a rule that needs no clock is broken.
    """

    rows: NDArray[np.intp]
    is_sure: NDArray[np.bool_]
    distance_m: Ints
    travel_s: Ints
    wait_s: Ints
    openness: NDArray[np.int8]
    level: NDArray[np.int8]

    def part(self, places: NDArray[np.intp], columns: NDArray[np.intp]) -> "Ring":
        """The sites in these columns for these places, ``columns`` being of the new shape."""
        chosen = places[:, None], columns
        return Ring(*(getattr(self, name)[chosen] for name in Ring.__slots__))


@dataclass(frozen=True, slots=True)
class Found:
    """The ranked sites of each place.

    Attributes:
        ring: Shape (places, most wanted), best first.
        count: How many of its columns are filled, for each place.
        total: Scores in thousandths, in the shape of the ring.
        beyond: For each place without any: the row of the nearest site that breaks no rule but
            that of distance; -1 if there is none, or somebody was found.
        is_ended: Whether the search ended at the policy's limit before it was through.
    """

    ring: Ring
    count: Ints
    total: Ints
    beyond: NDArray[np.intp]
    is_ended: NDArray[np.bool_]


def start_of(day: date) -> datetime:
    """The beginning of a day, by UTC."""
    return datetime.combine(day, time(), UTC)


def look_around(scene: Scene, ground: Ground, points: NDArray[np.float64], count: int) -> Ring:
    """Look at the nearest sites around each place.

    Args:
        scene: What is asked of them.
        ground: Where to look; not empty.
        points: Unit vectors, shape (places, 3).
        count: How many sites, at most those of the ground.
    """
    shape = len(points), count
    chords, near = (found.reshape(shape) for found in ground.tree.query(points, k=count))
    rows, distance_m = ground.rows.take(near), arcs_m(chords)
    is_tied = distance_m[:, 1:] == distance_m[:, :-1]
    if is_tied.any():
        tied = np.flatnonzero(is_tied.any(axis=1))
        order = np.lexsort((rows[tied], distance_m[tied]))
        rows[tied] = np.take_along_axis(rows[tied], order, axis=-1)
    # One metre for rounding: chords and whole metres may disagree about the last one.
    is_sure = (
        distance_m < distance_m[:, -1:] - 1
        if count < len(ground.rows)
        else np.ones(rows.shape, dtype=np.bool_)
    )
    now_s = scene.now_s
    travel_s = scene.policy.travel_times_s(
        distance_m, arrival=scene.arrival, vehicle_class=scene.vehicle_class
    )
    if scene.roads is not None:
        travel_s = scene.roads.over(rows, travel_s)
    there_s = travel_s + np.float64(now_s)
    openness, wait_s = scene.hours.look(rows, there_s, deadline=scene.deadline)
    days = (travel_s + wait_s + int(now_s)) // DAY_S  # all but now are whole seconds
    level = scene.table.levels(rows, days, there_s + wait_s)
    areas = scene.directory.areas
    if areas.vans is not None:
        level[areas.unserved(rows, distance_m, points)] = UNABLE_LEVEL
    return Ring(rows, is_sure, distance_m, travel_s, wait_s, openness, level)


def search(scene: Scene, points: NDArray[np.float64], *, wanted: int) -> Found:
    """Find and rank the eligible sites within the radius around each place.

    Args:
        scene: What is asked of them.
        points: Unit vectors, shape (places, 3).
        wanted: The best so many, of the nearest that compete.
    """
    places, policy, ground = len(points), scene.policy, scene.ground
    found = _nothing(places, wanted)
    size = min(len(ground.rows), policy.searched_max)
    count = min(size, policy.ranked_max + _RING_SPARE)
    pending = np.arange(places if count else 0)
    while len(pending):
        ring = look_around(scene, ground, points[pending], count)
        is_able = (ring.level != UNABLE_LEVEL) & (ring.openness != IS_CLOSED) & ring.is_sure
        is_near = ring.distance_m <= scene.radius_m
        eligible = is_able & is_near
        if scene.roads is not None:
            eligible &= scene.roads.is_within(ring.rows, scene.road_m_max)
        is_done = np.count_nonzero(eligible, axis=1) >= policy.ranked_max
        if is_done.all() and len(pending) == places and count >= wanted:  # as a rule
            return _rank(scene, ring, eligible, is_able, wanted)
        is_past = (ring.is_sure & ~is_near).any(axis=1) & eligible.any(axis=1)
        is_done |= is_past | (is_able & ~is_near).any(axis=1)
        if count == size:
            found.is_ended[pending[~is_done]] = size < len(ground.rows)
            is_done[:] = True
        done = np.flatnonzero(is_done)
        if len(done):
            part = ring.part(done, np.arange(count)[None, :])
            ranked = _rank(scene, part, eligible[done], is_able[done], wanted)
            _put(found, ranked, pending[done])
        pending = pending[~is_done]
        count = min(size, count * _RING_GROWTH)
    return found


def points_of(scene: Scene, ring: Ring) -> tuple[Ints, ...]:
    """Points in thousandths: an array for each term of the policy, and one for a principal's.

    Without those of the lot, which is drawn for the few that compete.
    """
    known = known_of(scene.directory, scene.policy, scene.table.policy_digest)
    intake_s, outcomes = known.of(ring.rows)
    measured: dict[str, Ints] = {
        "travel": ring.travel_s,
        "wait": ring.wait_s,
        "slot": ring.wait_s + intake_s,
        "evidence": ring.level.astype(np.int64),
    }
    points: list[Ints] = [outcomes.astype(np.int64)]
    is_unknown = ring.openness == IS_UNKNOWN
    for term in scene.policy.terms:
        if term.name not in measured:
            continue
        thousandths = term.thousandths(measured[term.name])
        if term.name in _OF_HOURS:
            thousandths[is_unknown] = round((term.unknown or 0) * THOUSAND)
        points.append(thousandths)
    if scene.agreement is not None:
        points.append(scene.table.wishes_for(scene.agreement)[ring.rows])
    return tuple(points)


def drawn(scene: Scene, rows: NDArray[np.intp], competing: NDArray[np.bool_]) -> Ints:
    """Points of the lots of those who compete, in thousandths; 0 for everybody else.

    Args:
        scene: With a seed.
        rows: Places in the directory.
        competing: In the same shape.
    """
    points = np.zeros(rows.shape, dtype=np.int64)
    term = next((term for term in scene.policy.terms if term.name == "turn"), None)
    if term is not None:
        sites = scene.directory.sites
        for place in zip(*np.nonzero(competing), strict=True):
            lot = scene.policy.draw(scene.seed, sites[rows[place]])
            points[place] = round(term.rate(lot).points * THOUSAND)
    return points


def _rank(
    scene: Scene,
    ring: Ring,
    eligible: NDArray[np.bool_],
    is_able: NDArray[np.bool_],
    wanted: int,
) -> Found:
    """Rank those who compete around these places; as many columns as wanted, or as the ring has."""
    competing = eligible & (eligible.cumsum(axis=1) <= scene.policy.ranked_max)
    total = reduce(np.add, points_of(scene, ring))
    if scene.seed:
        total += drawn(scene, ring.rows, competing)
    places, size = total.shape
    keys = np.where(competing, (_POINTS_MAX - total << _COLUMN_BITS) | np.arange(size), _NOBODY)
    keys.sort(axis=1)
    best = keys[:, :wanted]
    chosen = np.where(best == _NOBODY, 0, best & (1 << _COLUMN_BITS) - 1)
    chosen += np.arange(0, total.size, size)[:, None]
    count = np.minimum(np.count_nonzero(competing, axis=1), best.shape[1])
    beyond = np.full(places, -1, dtype=np.intp)
    alone = np.flatnonzero((count == 0) & is_able.any(axis=1))
    beyond[alone] = ring.rows[alone, np.argmax(is_able[alone], axis=1)]
    return Found(
        ring=Ring(*(getattr(ring, name).take(chosen) for name in Ring.__slots__)),
        count=count,
        total=total.take(chosen),
        beyond=beyond,
        is_ended=np.zeros(places, dtype=np.bool_),
    )


def _put(found: Found, ranked: Found, places: NDArray[np.intp]) -> None:
    """Write what was ranked around some places into what was found around all."""
    columns = ranked.total.shape[1]
    for name in Ring.__slots__:
        getattr(found.ring, name)[places, :columns] = getattr(ranked.ring, name)
    found.total[places, :columns] = ranked.total
    found.count[places] = ranked.count
    found.beyond[places] = ranked.beyond


def _nothing(places: int, wanted: int) -> Found:
    shape = (places, wanted)
    return Found(
        ring=Ring(
            rows=np.zeros(shape, dtype=np.intp),
            is_sure=np.zeros(shape, dtype=np.bool_),
            distance_m=np.zeros(shape, dtype=np.int64),
            travel_s=np.zeros(shape, dtype=np.int64),
            wait_s=np.zeros(shape, dtype=np.int64),
            openness=np.zeros(shape, dtype=np.int8),
            level=np.zeros(shape, dtype=np.int8),
        ),
        count=np.zeros(places, dtype=np.int64),
        total=np.zeros(shape, dtype=np.int64),
        beyond=np.full(places, -1, dtype=np.intp),
        is_ended=np.zeros(places, dtype=np.bool_),
    )
