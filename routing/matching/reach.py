"""How far a vehicle gets by itself, and who may fetch one that must not move.

A battery that is nearly empty keeps a vehicle near; where nobody competent is as near as that, it
is told to charge on the way rather than sent nowhere. Whoever tows a vehicle with a high-voltage
fault needs titles of their own, and is looked for as a workshop is: with evidence, in date, now.
"""

from dataclasses import replace
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from dtc_db.need import Arrival, Skill, all_of
from dtc_db.vehicle import Powertrain, VehicleClass
from routing.decision import Case, Reason
from routing.directory.table import table_for
from routing.matching.batch_search import Scene, search
from routing.matching.eligible import Question
from routing.matching.policy import Policy
from routing.model import Site

_NOW = timedelta(minutes=1)  # whose doors open later is not there


def road_reach_m(case: Case, policy: Policy, arrival: Arrival) -> int | None:
    """How far by road the battery is taken to last; None if nothing is known that limits it."""
    if arrival is Arrival.TOWED or not _runs_on_its_battery(case) or case.soc_pct is None:
        return None
    return policy.road_reach_m(case.soc_pct, case.vehicle.vehicle_class)


def farther(scene: Scene) -> tuple[Scene, Reason] | None:
    """The scene to search if nobody was found in this one, and why; None if there is none."""
    radius = (("radius_m", scene.radius_m),)
    if scene.arrival is Arrival.LIMPS:
        towed = replace(scene, arrival=Arrival.TOWED, road_reach_m=None)
        return towed, Reason("notices.towed_instead", radius)
    if scene.road_reach_m is None:
        return None
    return replace(scene, road_reach_m=None), Reason("notices.charge_first", radius)


def about_battery(case: Case, scene: Scene) -> tuple[Reason, ...]:
    """That the battery limits the list, or that nobody knows whether it should."""
    if scene.arrival is Arrival.TOWED or not _runs_on_its_battery(case):
        return ()
    if case.soc_pct is None:
        return (Reason("notices.soc_unknown"),)
    if scene.road_reach_m is None:
        return ()
    words = (("soc", f"{case.soc_pct:g}"), ("road_m", scene.road_reach_m))
    return (Reason("notices.reach", words),)


def find_recovery(
    case: Case, scene: Scene, point: NDArray[np.float64]
) -> tuple[Site | None, tuple[Reason, ...]]:
    """Who may tow this vehicle and is there now, and the words for it; nothing if anybody may."""
    if scene.arrival is not Arrival.TOWED or not case.need.recovery:
        return None, ()
    kind = case.vehicle.vehicle_class
    question = Question(
        skills=all_of(Skill(name) for name in sorted(case.need.recovery)),
        access=frozenset(),
        equipment=frozenset(),
        vehicle_class=VehicleClass.CAR if kind is VehicleClass.UNKNOWN else kind,
        make=None,
    )
    directory, policy = scene.directory, scene.policy
    towing = replace(
        scene,
        table=table_for(directory, question, policy, day=scene.decided_at.date()),
        deadline=_NOW,
        roads=None,
        agreement=None,
    )
    found = search(towing, point, wanted=1)
    things = ("things", tuple(sorted(case.need.recovery)))
    if not found.count[0]:
        words = (("radius_m", towing.radius_m), things)
        return None, (Reason("notices.recovery_nobody", words),)
    site = directory.sites[int(found.ring.rows[0, 0])]
    where = (("name", site.name), ("distance_m", int(found.ring.distance_m[0, 0])))
    return site, (Reason("notices.recovery_by", (*where, things)),)


def _runs_on_its_battery(case: Case) -> bool:
    return case.vehicle.powertrain is Powertrain.BEV
