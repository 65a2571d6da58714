"""The decision: a case and a directory in, a ranked and reasoned list out.

Pure: the same case, snapshot, policy and time give the same decision on any machine. The way:

    arrival mode ─▶ able sites, nearest first ─▶ hard rules ─▶ ranked ─▶ offers
                    nearest sites of any kind ─▶ hard rules ─▶ exclusions with reasons
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from dtc_db.need import Arrival
from dtc_db.urgency import Urgency
from routing.directory.hours import OPENNESS, hours_table
from routing.directory.opening import DAY_S, Opening
from routing.directory.snapshot import Directory
from routing.directory.table import table_for
from routing.geo import unit_vectors
from routing.matching.batch_search import Found, Ring, Scene, look_around, search, start_of
from routing.matching.eligible import (
    Failure,
    Question,
    Weighed,
    closed,
    too_far,
    too_far_by_road,
)
from routing.matching.policy import THOUSAND, Policy
from routing.matching.rank import terms_of
from routing.matching.reasons import Reasons, load_reasons
from routing.matching.roads import RoadTable
from routing.model import Case, Decision, Exclusion, Offer, Rule
from routing.travel.model import Measured

# Titles and calendars say nothing of other times; who takes a time from outside holds it to these.
TIME_MIN = datetime(2000, 1, 1, tzinfo=UTC)
TIME_MAX = datetime(2200, 1, 1, tzinfo=UTC)

_RING_GROWTH = 4
_NEAREST_SPARE = 14  # looked at beyond those that get a reason, so that equally far ones are seen
_ARRIVALS = tuple(Arrival)
_ARRIVAL_OF_URGENCY = {
    Urgency.STOP_NOW: Arrival.TOWED,
    Urgency.TOW: Arrival.TOWED,
    Urgency.LIMP: Arrival.LIMPS,
}


def decide(  # noqa: PLR0913 - all that a list is made of
    case: Case,
    directory: Directory,
    policy: Policy,
    *,
    decided_at: datetime,
    reasons: Reasons | None = None,
    measured: Measured | None = None,
) -> Decision:
    """Make the list for a case. Never raises, and never returns an empty list without a notice.

    Where the vehicle may only limp and nobody competent is that near, it is towed instead, and
    the decision says so.

    Args:
        case: What is wrong, and where the vehicle is.
        directory: The snapshot to choose from.
        policy: The numbers to choose by.
        decided_at: Aware, `TIME_MIN` to `TIME_MAX`; the decision knows no other clock.
        reasons: The words for people; English if None.
        measured: Times by road to those of `roads.shortlist`; straight lines alone if None.
    """
    reasons = reasons or load_reasons()
    arrival, decided_at = arrival_for(case), decided_at.astimezone(UTC)
    undecided = Decision(
        case=case,
        decided_at=decided_at,
        arrival=arrival,
        offers=(),
        excluded=(),
        notices=(),
        directory_version=directory.version,
        policy_version=policy.version,
        directory_digest=directory.digest,
        policy_digest="",
        measured=measured,
    )
    scene = scene_for(case, directory, policy, arrival=arrival, decided_at=decided_at)
    if case.position is None:
        notices = (reasons.no_position(), *reasons.about_case(case, arrival, measured))
        digest = scene.table.policy_digest
        return replace(undecided, notices=notices, policy_digest=digest)
    point = unit_vectors([case.position])
    scene = _arriving(scene, arrival, measured)
    found = search(scene, point, wanted=policy.ranked_max)
    notices = ()
    if arrival is Arrival.LIMPS and not found.count[0]:
        notices = (reasons.towed_instead(policy.arrivals[arrival].radius_m),)
        scene = _arriving(scene, Arrival.TOWED, measured)
        found = search(scene, point, wanted=policy.ranked_max)
    view = _View(scene, found, case, reasons, measured)
    excluded = [*view.failed(_nearest(scene, point)), *view.outranked()]
    excluded.sort(key=lambda one: (one.distance_m, one.site.site_id))
    beyond = view.beyond(point)
    return replace(
        undecided,
        arrival=scene.arrival,
        offers=view.offers(excluded),
        excluded=tuple(excluded),
        beyond=beyond,
        notices=(
            *notices,
            *view.notices(excluded, beyond),
            *reasons.about_case(case, scene.arrival, measured),
        ),
        policy_digest=scene.table.policy_digest,
    )


def arrival_for(case: Case) -> Arrival:
    """The more careful of what the need and what the urgency ask for."""
    by_urgency = _ARRIVAL_OF_URGENCY.get(case.urgency, Arrival.DRIVES)
    return max(case.need.arrival, by_urgency, key=_ARRIVALS.index)


def scene_for(
    case: Case, directory: Directory, policy: Policy, *, arrival: Arrival, decided_at: datetime
) -> Scene:
    """What a search for this case has in common with that for every case like it."""
    day = decided_at.date()
    return Scene(
        directory=directory,
        table=table_for(directory, Question.of(case), policy, day=day),
        hours=hours_table(directory, day),
        policy=policy,
        arrival=arrival,
        vehicle_class=case.vehicle.vehicle_class,
        deadline=policy.deadline(case.urgency),
        decided_at=decided_at,
    )


def weigh(scene: Scene, ring: Ring, place: int, column: int) -> Weighed:
    """One site of a ring as a value, with the first rule that it breaks."""
    row = int(ring.rows[place, column])
    distance_m, travel_s = int(ring.distance_m[place, column]), int(ring.travel_s[place, column])
    wait_s = int(ring.wait_s[place, column])
    opening = Opening(OPENNESS[ring.openness[place, column]], wait_s)
    arrives_at = scene.decided_at + timedelta(seconds=travel_s + wait_s)
    arrives_s = (arrives_at - start_of(scene.decided_at.date())).total_seconds()
    standing = scene.table.standing(row, int(arrives_s // DAY_S), arrives_s)
    return Weighed(
        site=scene.directory.sites[row],
        distance_m=distance_m,
        travel_s=travel_s,
        arrives_at=arrives_at,
        opening=opening,
        failure=standing.failure or closed(arrives_at, opening) or _too_far(scene, row, distance_m),
        standing=standing,
        road_m=scene.road_m_to(row),
    )


def _too_far(scene: Scene, row: int, distance_m: int) -> Failure | None:
    """The rule `DISTANCE`, in a straight line and by road."""
    return too_far(distance_m, scene.radius_m) or too_far_by_road(
        scene.road_m_to(row), scene.road_m_max
    )


def _arriving(scene: Scene, arrival: Arrival, measured: Measured | None) -> Scene:
    """The scene of a vehicle that gets there in this way, with what was measured for it."""
    roads = None
    if measured is not None and measured.times:
        roads = RoadTable.of(
            measured,
            scene.directory,
            scene.policy,
            arrival=arrival,
            vehicle_class=scene.vehicle_class,
        )
    return replace(scene, arrival=arrival, roads=roads)


@dataclass(frozen=True, slots=True)
class _View:
    """What was found around one vehicle, to be put into values and words."""

    scene: Scene
    found: Found
    case: Case
    reasons: Reasons
    measured: Measured | None

    def offers(self, excluded: Sequence[Exclusion]) -> tuple[Offer, ...]:
        """The places on the list; the first also says why not the nearest of all."""
        count = min(self.scene.policy.offers_max, int(self.found.count[0]))
        unmeasured = dict(self.measured.unmeasured) if self.measured is not None else {}
        offers = []
        for column in range(count):
            weighed = weigh(self.scene, self.found.ring, 0, column)
            why = self.reasons.for_offer(
                weighed, self.case, unmeasured=unmeasured.get(weighed.site.site_id)
            )
            if column == 0 and excluded and excluded[0].distance_m < weighed.distance_m:
                why += (self.reasons.nearer(excluded[0]),)
            offers.append(
                Offer(
                    site=weighed.site,
                    distance_m=weighed.distance_m,
                    travel_s=weighed.travel_s,
                    score=int(self.found.total[0, column]) / THOUSAND,
                    terms=terms_of(weighed, self.scene.policy),
                    evidence=weighed.standing.evidence,
                    why=why,
                    road_m=weighed.road_m,
                )
            )
        return tuple(offers)

    def outranked(self) -> Iterator[Exclusion]:
        """Those that competed and lost, with the points they lack to the last place."""
        count, last = int(self.found.count[0]), self.scene.policy.offers_max - 1
        ring, totals = self.found.ring, self.found.total[0].tolist()
        for column in range(last + 1, count):
            points = (totals[last] - totals[column]) / THOUSAND
            yield Exclusion(
                site=self.scene.directory.sites[ring.rows[0, column]],
                distance_m=int(ring.distance_m[0, column]),
                rule=Rule.OUTRANKED,
                missing=(f"{points:g} points",),
                why=self.reasons.outranked(points),
            )

    def failed(self, nearest: Ring | None) -> Iterator[Exclusion]:
        """Those of the nearest sites that break a rule."""
        if nearest is None:
            return
        competing = {*self.found.ring.rows[0, : int(self.found.count[0])].tolist()}
        for column, row in enumerate(nearest.rows[0].tolist()):
            if row not in competing:
                exclusion = self.exclusion(nearest, column)
                if exclusion is not None:
                    yield exclusion

    def exclusion(self, ring: Ring, column: int) -> Exclusion | None:
        """The first rule that a site breaks, in values and words; None if it breaks none."""
        row, distance_m = int(ring.rows[0, column]), int(ring.distance_m[0, column])
        wait_s = int(ring.wait_s[0, column])
        arrives_s = self.scene.now_s + int(ring.travel_s[0, column]) + wait_s
        day, table = int(arrives_s // DAY_S), self.scene.table
        failure = table.standing(row, day, arrives_s).failure
        if failure is not None:
            why = self.reasons.for_failure(failure, table.lapses(row, day, failure))
        else:
            opening = Opening(OPENNESS[ring.openness[0, column]], wait_s)
            arrives_at = start_of(self.scene.decided_at.date()) + timedelta(seconds=arrives_s)
            failure = closed(arrives_at, opening) or _too_far(self.scene, row, distance_m)
            if failure is None:
                return None
            why = self.reasons.for_failure(failure, ())
        return Exclusion(
            site=self.scene.directory.sites[row],
            distance_m=distance_m,
            rule=failure.rule,
            missing=failure.missing,
            why=why,
        )

    def beyond(self, point: NDArray[np.float64]) -> Exclusion | None:
        """If nobody is eligible, the nearest site that is only too far."""
        row = int(self.found.beyond[0])
        if row < 0:
            return None
        alone = self.scene.directory.ground(np.array([row]))
        return self.exclusion(look_around(self.scene, alone, point, 1), 0)

    def notices(self, excluded: Sequence[Exclusion], beyond: Exclusion | None) -> tuple[str, ...]:
        """What must be said of the search itself."""
        scene, policy = self.scene, self.scene.policy
        notices: tuple[str, ...] = ()
        if not self.found.count[0]:
            notices = self.reasons.nobody(
                self.case,
                scene.arrival,
                scene.radius_m,
                excluded,
                beyond,
                is_skilled=scene.table.is_skilled,
            )
        if self.found.is_ended[0]:
            notices += (self.reasons.search_ended(policy.searched_max),)
        if scene.roads is not None and _may_be_sooner(scene, self.found):
            notices += (self.reasons.nearest_measured(policy.ranked_max),)
        return notices


def _may_be_sooner(scene: Scene, found: Found) -> bool:
    """Whether somebody who did not compete could stand on the list, by what is known of them.

    They are at least as far in a straight line as whoever competed, no road is shorter than that,
    and nobody is faster than this way of getting there allows.
    """
    policy, count = scene.policy, int(found.count[0])
    if count < policy.ranked_max:
        return False
    farthest_m = found.ring.distance_m[:1, :count].max(axis=1)
    soonest_s = policy.road_times_s(
        farthest_m,
        np.zeros_like(farthest_m),
        arrival=scene.arrival,
        vehicle_class=scene.vehicle_class,
    )
    best = sum(
        int(term.thousandths(soonest_s)[0])
        if term.name == "travel"
        else round(max(points for _, points in term.curve) * THOUSAND)
        for term in policy.terms
    )
    return best > int(found.total[0, policy.offers_max - 1])


def _nearest(scene: Scene, point: NDArray[np.float64]) -> Ring | None:
    """The nearest sites of any kind, as many as get a reason; None if there are none."""
    ground, wanted = scene.directory.whole, scene.policy.weighed_max
    size = len(ground.rows)
    count = min(size, wanted + _NEAREST_SPARE)
    while count:
        ring = look_around(scene, ground, point, count)
        sure = min(int(ring.is_sure[0].sum()), wanted)
        if sure == wanted or count == size:
            return ring.part(np.array([0]), np.arange(sure)[None, :])
        count = min(size, count * _RING_GROWTH)
    return None
