"""A decision with times by road: who is worth measuring, and whether those were enough.

    shortlist ─▶ an engine measures (or fails) ─▶ decide, with what it measured

Straight lines find who may compete: they need no map, and no road is shorter. Between those who
were measured, the road decides.
"""

from dataclasses import replace
from datetime import UTC, datetime

from routing.decision import Case, Decision
from routing.directory.snapshot import Directory
from routing.geo import unit_vectors
from routing.matching.batch_search import search
from routing.matching.match import arrival_for, decide, scene_for
from routing.matching.policy import Policy
from routing.matching.reach import farther
from routing.model import Site
from routing.ports import TravelTimes


def decide_by_road(  # noqa: PLR0913 - as `decide`, and whom to ask
    case: Case,
    directory: Directory,
    policy: Policy,
    *,
    decided_at: datetime,
    travel: TravelTimes | None,
    seed: str = "",
) -> Decision:
    """Ask for times by road, if there is anybody to ask, and make the list for a case.

    Args:
        case: As for `decide`.
        directory: Likewise.
        policy: Likewise.
        decided_at: Likewise.
        travel: Asked once, for the sites that may compete; straight lines alone if None.
        seed: As for `decide`.
    """
    measured = None
    if travel is not None and case.position is not None:
        sites = shortlist(case, directory, policy, decided_at=decided_at)
        if sites:
            kind = case.vehicle.vehicle_class
            measured = travel.measure(case.position, sites, vehicle_class=kind)
    return decide(case, directory, policy, decided_at=decided_at, measured=measured, seed=seed)


def shortlist(
    case: Case, directory: Directory, policy: Policy, *, decided_at: datetime
) -> tuple[Site, ...]:
    """The sites that may compete for a case, by straight lines, ordered by id.

    As many as the policy lets compete; where somebody's rules narrow the list, also those that
    would without them, and where the vehicle gets not far by itself, those farther away. Empty if
    nobody knows where it is.
    """
    if case.position is None:
        return ()
    arrival, decided_at = arrival_for(case), decided_at.astimezone(UTC)
    point = unit_vectors([case.position])
    rows: set[int] = set()
    near = scene_for(case, directory, policy, arrival=arrival, decided_at=decided_at)
    beyond = farther(near)
    for scene in (near,) if beyond is None else (near, beyond[0]):
        for agreement in {scene.agreement, None}:
            found = search(replace(scene, agreement=agreement), point, wanted=policy.ranked_max)
            rows.update(found.ring.rows[0, : int(found.count[0])].tolist())
    return tuple(directory.sites[row] for row in sorted(rows))
