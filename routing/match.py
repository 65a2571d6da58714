"""The decision: a case and a directory in, a ranked and reasoned list out.

Pure: the same case, snapshot, policy and time give the same decision on any machine. The way:

    arrival mode ─▶ able sites, nearest first ─▶ hard rules ─▶ ranked ─▶ offers
                    nearest sites of any kind ─▶ hard rules ─▶ exclusions with reasons
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice

from dtc_db.need import Arrival
from dtc_db.urgency import Urgency
from routing.competence import find_lapses
from routing.directory import Directory, Near
from routing.eligible import Failure, Inquiry, Weighed
from routing.model import Case, Decision, Exclusion, Offer, Position, Rule
from routing.policy import DIGITS, Policy
from routing.rank import Ranked, rank
from routing.reasons import Reasons, load_reasons

_ARRIVALS = tuple(Arrival)
_ARRIVAL_OF_URGENCY = {
    Urgency.STOP_NOW: Arrival.TOWED,
    Urgency.TOW: Arrival.TOWED,
    Urgency.LIMP: Arrival.LIMPS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Search:
    """What was found around one vehicle for one way of getting there.

    Attributes:
        eligible: Nearest first, all within the radius.
        excluded: Of the nearest sites, those that broke a rule; nearest first.
        beyond: The nearest site that breaks no rule but the one of distance.
    """

    eligible: tuple[Weighed, ...]
    excluded: tuple[tuple[Weighed, Failure], ...]
    beyond: Weighed | None


def decide(
    case: Case,
    directory: Directory,
    policy: Policy,
    *,
    decided_at: datetime,
    reasons: Reasons | None = None,
) -> Decision:
    """Make the list for a case. Never raises, and never returns an empty list without a notice.

    Where the vehicle may only limp and nobody competent is that near, it is towed instead, and
    the decision says so.

    Args:
        case: What is wrong, and where the vehicle is.
        directory: The snapshot to choose from.
        policy: The numbers to choose by.
        decided_at: Aware; the decision knows no other clock.
        reasons: The words for people; English if None.
    """
    reasons = reasons or load_reasons()
    inquiry = Inquiry(
        case=case,
        policy=policy,
        arrival=arrival_for(case),
        decided_at=decided_at.astimezone(UTC),
        catalogue=directory.catalogue,
    )
    if case.position is None:
        return _decision(inquiry, directory, reasons, notices=(reasons.no_position(),))
    search = _Finder(inquiry, case.position, directory).search()
    notices: tuple[str, ...] = ()
    if inquiry.arrival is Arrival.LIMPS and not search.eligible:
        notices = (reasons.towed_instead(inquiry.radius_m),)
        inquiry = replace(inquiry, arrival=Arrival.TOWED)
        search = _Finder(inquiry, case.position, directory).search()
    ranked = rank(search.eligible, case, policy)
    offered, outranked = ranked[: policy.offers_max], ranked[policy.offers_max :]
    if not offered:
        notices += reasons.nobody(inquiry, search.excluded, search.beyond)
    excluded = [
        *(_excluded(weighed, failure, inquiry, reasons) for weighed, failure in search.excluded),
        *(_outranked(one, offered[-1], reasons) for one in outranked),
    ]
    excluded.sort(key=lambda one: (one.distance_m, one.site.site_id))
    offers = _offers(offered, excluded, case, reasons)
    return _decision(
        inquiry, directory, reasons, offers=offers, excluded=tuple(excluded), notices=notices
    )


def arrival_for(case: Case) -> Arrival:
    """The more careful of what the need and what the urgency ask for."""
    by_urgency = _ARRIVAL_OF_URGENCY.get(case.urgency, Arrival.DRIVES)
    return max(case.need.arrival, by_urgency, key=_ARRIVALS.index)


@dataclass(frozen=True, slots=True)
class _Finder:
    """Looks around one vehicle for one way of getting there."""

    inquiry: Inquiry
    position: Position
    directory: Directory

    def search(self) -> _Search:
        """The sites that break no rule, and those of the nearest ones that do."""
        eligible, beyond = self._eligible()
        known = {weighed.site.site_id for weighed in eligible}
        nearest = islice(self.directory.nearest(self.position), self.inquiry.policy.weighed_max)
        others = [self._look(near) for near in nearest if near.site.site_id not in known]
        return _Search(
            eligible=tuple(eligible),
            excluded=tuple((one, failure) for one, failure in others if failure is not None),
            beyond=beyond,
        )

    def _eligible(self) -> tuple[list[Weighed], Weighed | None]:
        """Up to `ranked_max` within the radius; if there is none, the first one beyond it."""
        case, policy, decided_at = self.inquiry.case, self.inquiry.policy, self.inquiry.decided_at
        span = policy.span(
            arrival=self.inquiry.arrival,
            urgency=case.urgency,
            vehicle_class=case.vehicle.vehicle_class,
        )
        able = self.directory.nearest_able(
            self.position,
            case.need.skills,
            first_day=decided_at.date(),
            last_day=(decided_at + span).date(),
        )
        eligible: list[Weighed] = []
        for near in islice(able, policy.searched_max):
            if len(eligible) == policy.ranked_max:
                break
            if eligible and near.distance_m > self.inquiry.radius_m:
                break
            weighed, failure = self._look(near)
            if failure is None:
                eligible.append(weighed)
            elif failure.rule is Rule.DISTANCE:
                return eligible, weighed
        return eligible, None

    def _look(self, near: Near) -> tuple[Weighed, Failure | None]:
        weighed = self.inquiry.weigh(near)
        return weighed, self.inquiry.first_failure(weighed)


def _decision(  # noqa: PLR0913 - what was asked, of whom, in which words, and what came of it
    inquiry: Inquiry,
    directory: Directory,
    reasons: Reasons,
    *,
    offers: tuple[Offer, ...] = (),
    excluded: tuple[Exclusion, ...] = (),
    notices: tuple[str, ...],
) -> Decision:
    return Decision(
        case=inquiry.case,
        decided_at=inquiry.decided_at,
        arrival=inquiry.arrival,
        offers=offers,
        excluded=excluded,
        notices=(*notices, *reasons.about_case(inquiry.case, inquiry.arrival)),
        directory_version=directory.version,
        policy_version=inquiry.policy.version,
        directory_digest=directory.digest,
        policy_digest=inquiry.policy.digest,
    )


def _offers(
    offered: Sequence[Ranked], excluded: Sequence[Exclusion], case: Case, reasons: Reasons
) -> tuple[Offer, ...]:
    """The places on the list; the first also says why not the nearest of all."""
    offers = []
    for number, one in enumerate(offered):
        why = reasons.for_offer(one, case)
        if number == 0 and excluded and excluded[0].distance_m < one.weighed.distance_m:
            why += (reasons.nearer(excluded[0]),)
        offers.append(
            Offer(
                site=one.weighed.site,
                distance_m=one.weighed.distance_m,
                travel_s=one.weighed.travel_s,
                score=one.score,
                terms=one.terms,
                evidence=one.evidence,
                why=why,
            )
        )
    return tuple(offers)


def _excluded(weighed: Weighed, failure: Failure, inquiry: Inquiry, reasons: Reasons) -> Exclusion:
    lapses = find_lapses(
        weighed.site,
        inquiry.skills_short(weighed, failure),
        day=weighed.arrives_at.date(),
        catalogue=inquiry.catalogue,
    )
    return Exclusion(
        site=weighed.site,
        distance_m=weighed.distance_m,
        rule=failure.rule,
        missing=failure.missing,
        why=reasons.for_failure(failure, lapses),
    )


def _outranked(one: Ranked, last: Ranked, reasons: Reasons) -> Exclusion:
    points = round(last.score - one.score, DIGITS)
    return Exclusion(
        site=one.weighed.site,
        distance_m=one.weighed.distance_m,
        rule=Rule.OUTRANKED,
        missing=(f"{points:g} points",),
        why=reasons.outranked(points),
    )
