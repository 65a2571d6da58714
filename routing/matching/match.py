"""The decision: a case and a directory in, a ranked and reasoned list out.

Pure: the same case, snapshot, policy and time give the same decision on any machine. The way:

    arrival mode ─▶ able sites, nearest first ─▶ hard rules ─▶ ranked ─▶ offers, free choice
                    nearest sites of any kind ─▶ hard rules ─▶ exclusions with reasons
"""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from dtc_db.need import Arrival
from dtc_db.urgency import Urgency
from routing.decision import Case, Decision, Exclusion, Offer, Reason
from routing.directory.hours import hours_table
from routing.directory.snapshot import Directory
from routing.directory.table import table_for
from routing.geo import unit_vectors
from routing.matching import reach, reasons
from routing.matching.batch_search import Found, Scene, search
from routing.matching.eligible import Question
from routing.matching.explain import View
from routing.matching.laws import load_laws
from routing.matching.policy import Policy
from routing.matching.principal import Agreement
from routing.matching.roads import RoadTable
from routing.travel.model import Measured

# Titles and calendars say nothing of other times; who takes a time from outside holds it to these.
TIME_MIN = datetime(2000, 1, 1, tzinfo=UTC)
TIME_MAX = datetime(2200, 1, 1, tzinfo=UTC)

_ARRIVALS = tuple(Arrival)
_ARRIVAL_OF_URGENCY = {
    Urgency.STOP_NOW: Arrival.TOWED,
    Urgency.TOW: Arrival.TOWED,
    Urgency.LIMP: Arrival.LIMPS,
}


def decide(  # noqa: PLR0913 - a decision is a function of all its inputs
    case: Case,
    directory: Directory,
    policy: Policy,
    *,
    decided_at: datetime,
    measured: Measured | None = None,
    seed: str = "",
) -> Decision:
    """Make the list for a case. Never raises, and never returns an empty list without a notice.

    Where the vehicle may only limp and nobody competent is that near, it is towed instead, and
    the decision says so.

    Args:
        case: What is wrong, and where the vehicle is.
        directory: The snapshot to choose from.
        policy: The numbers to choose by.
        decided_at: Aware, `TIME_MIN` to `TIME_MAX`; the decision knows no other clock.
        measured: Times by road to those of `roads.shortlist`; straight lines alone if None.
        seed: The id of the referral that is made, by which lots are drawn; none are if empty.
    """
    arrival, decided_at = arrival_for(case), decided_at.astimezone(UTC)
    scene = scene_for(case, directory, policy, arrival=arrival, decided_at=decided_at, seed=seed)
    laws = load_laws().on(decided_at.date(), case.principal)
    undecided = Decision(
        case=case,
        decided_at=decided_at,
        arrival=arrival,
        offers=(),
        excluded=(),
        notices=tuple(Reason(f"laws.{law.name}") for law in laws),
        directory_version=directory.version,
        policy_version=policy.version,
        directory_digest=directory.digest,
        policy_digest=scene.table.policy_digest,
        laws=tuple(law.name for law in laws),
        measured=measured,
        seed=seed,
    )
    if case.position is None:
        about = (Reason("notices.no_position"), *reasons.about_case(case, arrival, measured))
        return replace(undecided, notices=(*about, *undecided.notices))
    point = unit_vectors([case.position])
    return _listed(undecided, scene, point, is_narrowing=all(law.narrows for law in laws))


def _listed(
    undecided: Decision, scene: Scene, point: NDArray[np.float64], *, is_narrowing: bool
) -> Decision:
    """The decision with its list; the notices that it has, the laws of the place, come last."""
    case, measured = undecided.case, undecided.measured
    scene, found, farther = _farther_if_nobody(scene, point, measured)
    free = found
    if scene.agreement is not None:
        free = search(replace(scene, agreement=None), point, wanted=scene.policy.ranked_max)
    view = View(scene, found, free, case, measured)
    offers, free_choice = view.offers(), view.free_choice()
    excluded = view.excluded(point, (*offers, *free_choice))
    beyond = view.beyond(point)
    recovery, towing = reach.find_recovery(case, scene, point)
    principal = reasons.about_principal(
        case.principal,
        is_narrowing=is_narrowing,
        is_nobody=bool(free_choice) and not offers,
    )
    return replace(
        undecided,
        arrival=scene.arrival,
        offers=_with_nearer(offers, excluded),
        free_choice=free_choice,
        excluded=tuple(excluded),
        beyond=beyond,
        recovery=recovery,
        notices=(
            *farther,
            *view.notices(excluded, beyond),
            *principal,
            *reach.about_battery(case, scene),
            *towing,
            *reasons.about_case(case, scene.arrival, measured),
            *undecided.notices,
        ),
    )


def arrival_for(case: Case) -> Arrival:
    """The more careful of what the need and what the urgency ask for."""
    by_urgency = _ARRIVAL_OF_URGENCY.get(case.urgency, Arrival.DRIVES)
    return max(case.need.arrival, by_urgency, key=_ARRIVALS.index)


def scene_for(  # noqa: PLR0913 - what is asked, of whom, by which numbers, when, with which lots
    case: Case,
    directory: Directory,
    policy: Policy,
    *,
    arrival: Arrival,
    decided_at: datetime,
    seed: str = "",
) -> Scene:
    """What a search for this case has in common with that for every case like it."""
    day = decided_at.date()
    laws = load_laws().on(day, case.principal)
    is_narrowing = all(law.narrows for law in laws)
    return Scene(
        directory=directory,
        table=table_for(directory, Question.of(case), policy, day=day),
        hours=hours_table(directory, day),
        policy=policy,
        arrival=arrival,
        vehicle_class=case.vehicle.vehicle_class,
        deadline=policy.deadline(case.urgency),
        decided_at=decided_at,
        agreement=Agreement.of(case, at=decided_at) if is_narrowing else None,
        road_reach_m=reach.road_reach_m(case, policy, arrival),
        seed=seed,
    )


def _farther_if_nobody(
    scene: Scene, point: NDArray[np.float64], measured: Measured | None
) -> tuple[Scene, Found, tuple[Reason, ...]]:
    """What is found around the vehicle; and why it is searched for farther than it gets alone."""
    scene = _with_roads(scene, measured)
    found = search(scene, point, wanted=scene.policy.ranked_max)
    beyond = reach.farther(scene)
    if found.count[0] or beyond is None:
        return scene, found, ()
    scene = _with_roads(beyond[0], measured)
    found = search(scene, point, wanted=scene.policy.ranked_max)
    # To charge on the way helps only where there is somebody to go to.
    is_of_use = found.count[0] or scene.arrival is Arrival.TOWED
    return scene, found, (beyond[1],) if is_of_use else ()


def _with_roads(scene: Scene, measured: Measured | None) -> Scene:
    """The scene with what was measured, for the way in which the vehicle gets there."""
    roads = None
    if measured is not None and measured.times:
        roads = RoadTable.of(
            measured,
            scene.directory,
            scene.policy,
            arrival=scene.arrival,
            vehicle_class=scene.vehicle_class,
        )
    return replace(scene, roads=roads)


def _with_nearer(offers: tuple[Offer, ...], excluded: list[Exclusion]) -> tuple[Offer, ...]:
    """The offers; the first also says why not the nearest of all."""
    if not offers or not excluded or excluded[0].distance_m >= offers[0].distance_m:
        return offers
    first = replace(offers[0], why=(*offers[0].why, reasons.nearer(excluded[0])))
    return (first, *offers[1:])
