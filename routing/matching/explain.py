"""What was found around one vehicle, as values: the offers, and a reason for everyone else."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from routing.decision import Case, Exclusion, Offer, Reason, Rule
from routing.directory.hours import OPENNESS
from routing.directory.opening import DAY_S, Opening
from routing.matching import reasons
from routing.matching.batch_search import Found, Ring, Scene, drawn, look_around, start_of
from routing.matching.eligible import Failure, Weighed, closed, too_far, too_far_by_road
from routing.matching.policy import THOUSAND, WISHES
from routing.matching.principal import Agreement
from routing.matching.rank import terms_of
from routing.travel.model import Measured

_RING_GROWTH = 4
_NEAREST_SPARE = 14  # looked at beyond those that get a reason, so that equally far ones are seen


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
    failure, road_m = too_far(distance_m, scene.free_radius_m), scene.road_m_to(row)
    if failure is not None or road_m is None:
        return failure
    return too_far_by_road(road_m, scene.road_m_max)


@dataclass(frozen=True, slots=True)
class View:
    """What was found around one vehicle, within what was agreed to and without it.

    Attributes:
        free: The same as `found` where nothing was agreed to.
    """

    scene: Scene
    found: Found
    free: Found
    case: Case
    measured: Measured | None

    def offers(self) -> tuple[Offer, ...]:
        """The places on the list."""
        count = min(self.scene.policy.offers_max, int(self.found.count[0]))
        return tuple(
            self._offer(self.found, column, self.scene.agreement) for column in range(count)
        )

    def free_choice(self) -> tuple[Offer, ...]:
        """The best places that only what was agreed to keeps off the list."""
        if self.scene.agreement is None:
            return ()
        offers: list[Offer] = []
        for column in range(int(self.free.count[0])):
            if len(offers) == self.scene.policy.free_choice_max:
                break
            row = int(self.free.ring.rows[0, column])
            failure = self._outside(row, int(self.free.ring.distance_m[0, column]))
            if failure is not None:
                offers.append(self._free(self._offer(self.free, column, None), failure))
        return tuple(offers)

    def excluded(self, point: NDArray[np.float64], shown: Sequence[Offer]) -> list[Exclusion]:
        """Everyone else who was weighed, nearest first.

        Args:
            point: Where the vehicle is, as a unit vector, shape (1, 3).
            shown: The offers and the free choice.
        """
        named = {offer.site.site_id for offer in shown}
        excluded = [*self._failed(_nearest(self.scene, point), named), *self._outranked()]
        excluded.sort(key=lambda one: (one.distance_m, one.site.site_id))
        return excluded

    def beyond(self, point: NDArray[np.float64]) -> Exclusion | None:
        """If nobody is eligible, the nearest site that is only too far."""
        row = int(self.found.beyond[0])
        if row < 0:
            return None
        alone = self.scene.directory.ground(np.array([row]))
        return self._exclusion(look_around(self.scene, alone, point, 1), 0)

    def notices(
        self, excluded: Sequence[Exclusion], beyond: Exclusion | None
    ) -> tuple[Reason, ...]:
        """What must be said of the search itself."""
        scene = self.scene
        notices: tuple[Reason, ...] = ()
        # Somebody free to choose is no empty answer; whose rules left them out is said elsewhere.
        if not self.found.count[0] and not self.free.count[0]:
            notices = reasons.nobody(
                self.case,
                scene.arrival,
                scene.radius_m,
                excluded,
                beyond,
                is_skilled=scene.table.is_skilled,
            )
        if self.found.is_ended[0]:
            searched = (("searched", scene.policy.searched_max),)
            notices += (Reason("notices.search_ended", searched),)
        if scene.roads is not None and _may_be_sooner(scene, self.found):
            competing = (("competing", scene.policy.ranked_max),)
            notices += (Reason("notices.nearest_measured", competing),)
        return notices

    def _offer(self, found: Found, column: int, agreement: Agreement | None) -> Offer:
        weighed = weigh(self.scene, found.ring, 0, column)
        terms = terms_of(weighed, self.scene.policy, agreement, seed=self.scene.seed)
        unmeasured = () if self.measured is None else self.measured.unmeasured
        why = reasons.for_offer(
            weighed,
            self.case,
            self.scene.policy,
            unmeasured=dict(unmeasured).get(weighed.site.site_id),
        )
        if _is_ahead_by_lot(self.scene, found, column):
            why += (reasons.about_lot(terms, self.scene.policy),)
        return Offer(
            site=weighed.site,
            distance_m=weighed.distance_m,
            travel_s=weighed.travel_s,
            score=int(found.total[0, column]) / THOUSAND,
            terms=terms,
            evidence=weighed.standing.evidence,
            why=why,
            road_m=weighed.road_m,
        )

    def _free(self, offer: Offer, failure: Failure) -> Offer:
        why = Exclusion(
            site=offer.site,
            distance_m=offer.distance_m,
            rule=failure.rule,
            missing=failure.missing,
            words=failure.words,
        ).why
        outside = Reason("reasons.free", (("why", why),))
        return replace(
            offer, outside=failure.rule, missing=failure.missing, why=(outside, *offer.why)
        )

    def _outside(self, row: int, distance_m: int) -> Failure | None:
        """The first rule of what was agreed to that a site breaks."""
        agreement = self.scene.agreement
        if agreement is None:
            return None
        return agreement.failure(self.scene.directory.sites[row]) or agreement.too_far(
            distance_m, self.scene.free_radius_m
        )

    def _unserved(self, row: int, distance_m: int) -> Failure | None:
        """The rule `SERVICE_AREA`: a van does not come to where the vehicle is."""
        position = self.case.position
        if position is None or self.scene.directory.areas.serves(row, distance_m, position):
            return None
        return Failure(Rule.SERVICE_AREA, ("vehicle in its area",))

    def _outranked(self) -> Iterator[Exclusion]:
        """Those that competed and lost, with the points they lack to the last place."""
        count, last = int(self.found.count[0]), self.scene.policy.offers_max - 1
        ring, totals = self.found.ring, self.found.total[0].tolist()
        for column in range(last + 1, count):
            lacks = totals[last] - totals[column]
            yield Exclusion(
                site=self.scene.directory.sites[ring.rows[0, column]],
                distance_m=int(ring.distance_m[0, column]),
                rule=Rule.OUTRANKED,
                missing=(f"{lacks / THOUSAND:g} points",),
                words=(("points", lacks),),
            )

    def _failed(self, nearest: Ring | None, named: set[str]) -> Iterator[Exclusion]:
        """Those of the nearest sites that break a rule."""
        if nearest is None:
            return
        competing = {*self.found.ring.rows[0, : int(self.found.count[0])].tolist()}
        for column, row in enumerate(nearest.rows[0].tolist()):
            if row not in competing and self.scene.directory.sites[row].site_id not in named:
                exclusion = self._exclusion(nearest, column)
                if exclusion is not None:
                    yield exclusion

    def _exclusion(self, ring: Ring, column: int) -> Exclusion | None:
        """The first rule that a site breaks; None if it breaks none."""
        row, distance_m = int(ring.rows[0, column]), int(ring.distance_m[0, column])
        wait_s = int(ring.wait_s[0, column])
        arrives_s = self.scene.now_s + int(ring.travel_s[0, column]) + wait_s
        day, table = int(arrives_s // DAY_S), self.scene.table
        lapses: tuple[Reason, ...] = ()
        failure = table.standing(row, day, arrives_s).failure
        if failure is not None:
            lapses = reasons.lapses_told(table.lapses(row, day, failure))
        else:
            opening = Opening(OPENNESS[ring.openness[0, column]], wait_s)
            arrives_at = start_of(self.scene.decided_at.date()) + timedelta(seconds=arrives_s)
            failure = (
                closed(arrives_at, opening)
                or _too_far(self.scene, row, distance_m)
                or self._unserved(row, distance_m)
                or self._outside(row, distance_m)
            )
            if failure is None:
                return None
        return Exclusion(
            site=self.scene.directory.sites[row],
            distance_m=distance_m,
            rule=failure.rule,
            missing=failure.missing,
            words=failure.words,
            lapses=lapses,
        )


def _is_ahead_by_lot(scene: Scene, found: Found, column: int) -> bool:
    """Whether a place stands before one that it would stand behind if no lots were drawn."""
    if not scene.seed:
        return False
    ranked = np.s_[:1, column : int(found.count[0])]
    rows, distances_m = found.ring.rows[ranked], found.ring.distance_m[ranked][0].tolist()
    lots = drawn(scene, rows, np.ones(rows.shape, dtype=np.bool_))
    bare = (found.total[ranked] - lots)[0].tolist()
    keys = [*zip((-total for total in bare), distances_m, rows[0].tolist(), strict=True)]
    return min(keys) < keys[0]


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
        if scene.agreement is not None or term.name not in WISHES
        if scene.seed or term.name != "turn"
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
