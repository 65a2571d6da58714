"""The decision, held against a matcher of few lines that shares no code with it.

The reference knows the rules from docs/ranking.md only: its own distances, titles and points.
"""

import math
from collections.abc import Collection, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from dtc_db.need import AllOf, AnyOf, Arrival, AtLeast, Expression, Need, Skill
from dtc_db.urgency import Urgency
from dtc_db.vehicle import VehicleClass
from routing.competence.catalogue import Catalogue, load_catalogue
from routing.directory.snapshot import Directory
from routing.matching.match import decide
from routing.matching.policy import load_policy
from routing.model import Case, Decision, Evidence, Position, Site
from routing.testing import HERE, NOW, case, held, need, site

FR = "fr-nf-c-18-550"
SMALL = msgspec.structs.replace(
    load_policy(), offers_max=2, weighed_max=3, ranked_max=4, searched_max=1000
)
SKILLS = {
    "BCL": {"hv.aware", "hv.isolate"},
    "B2VL": {"hv.aware", "hv.deenergised"},
    "B2TL": {"hv.aware", "hv.deenergised", "hv.live"},
    "B0L": {"hv.aware"},
}
LEVELS = ["declared", "document_seen", "register_checked", "verified"]

# --- the reference -----------------------------------------------------------------------------


def far(one: Position, other: Position) -> int:
    """Vincenty's formula for the sphere."""
    a, b = math.radians(one.lat_deg), math.radians(other.lat_deg)
    turn = math.radians(other.lon_deg - one.lon_deg)
    east = math.cos(b) * math.sin(turn)
    north = math.cos(a) * math.sin(b) - math.sin(a) * math.cos(b) * math.cos(turn)
    along = math.sin(a) * math.sin(b) + math.cos(a) * math.cos(b) * math.cos(turn)
    return round(6_371_008.8 * math.atan2(math.hypot(east, north), along))


def is_enough(wanted: Expression, skills: Collection[str]) -> bool:
    if isinstance(wanted, Skill):
        return wanted.name in skills
    met = [is_enough(part, skills) for part in wanted.parts]
    least = {AllOf: len(met), AnyOf: 1}.get(type(wanted), getattr(wanted, "count", 0))
    return sum(met) >= least


def shown(garage: Site, day: date, level: int) -> set[str]:
    return {
        skill
        for person in garage.people
        for one in person.credentials
        if garage.country == "FR" and not one.is_revoked
        if one.valid_from <= day <= (one.valid_until or date.max)
        if LEVELS.index(one.evidence) >= level
        for skill in SKILLS[one.title]
    }


def travel_s(distance_m: int, how: Arrival) -> float:
    top, fetch_s = {"drives": (130, 0), "limps": (40, 0), "towed": (70, 2700)}[how]
    left_m, total_s = distance_m * 1.3, float(fetch_s)
    for leg_m, speed in ((5000, 30), (25_000, 55), (math.inf, 85)):
        total_s += min(left_m, leg_m) / (min(speed, top) / 3.6)
        left_m -= min(left_m, leg_m)
    return total_s


def points(value: float, curve: Sequence[tuple[float, float]]) -> float:
    for (x, y), (next_x, next_y) in pairwise(curve):
        if value <= next_x:
            return y + (value - x) / (next_x - x) * (next_y - y)
    return curve[-1][1]


def look(garage: Site, a_case: Case, how: Arrival, radius_m: int) -> tuple[str, float]:
    """The first rule broken ("" for none) and the score."""
    wanted, distance_m = a_case.need, far(HERE, garage.position)
    time_s = round(travel_s(distance_m, how))
    day = (NOW + timedelta(seconds=time_s)).date()
    skills = shown(garage, day, 0)
    tools = garage.equipment or ({"hv.tools"} if "hv.isolate" in skills else set())
    broken = {
        "vehicle_class": a_case.vehicle.vehicle_class
        not in (garage.vehicle_classes or {"car", "van"}),
        "make": bool(garage.makes) and a_case.vehicle.make not in garage.makes,
        "skills": not is_enough(wanted.skills, skills),
        "access": not wanted.access <= garage.access,
        "equipment": not wanted.equipment <= tools,
        "closed": garage.opening_hours == "24/7 off",
        "distance": distance_m > radius_m,
    }
    for rule, is_broken in broken.items():
        if is_broken:
            return rule, 0
    level = max(
        lv for lv in range(4) if lv == 0 or is_enough(wanted.skills, shown(garage, day, lv))
    )
    travel = [(0, 60), (900, 52), (1800, 44), (3600, 28), (7200, 8), (14400, 0)]
    wait = 25 if garage.opening_hours == "24/7" else 0
    return "", round(round(points(time_s, travel), 3) + wait + (0, 6, 11, 15)[level], 3)


def reference(
    sites: list[Site], a_case: Case, how: Arrival
) -> tuple[list[str], list[tuple[str, str]]]:
    """The ids offered, best first; and (id, rule) of all others weighed, nearest first."""
    radius_m = {"drives": 150_000, "limps": 25_000, "towed": 200_000}[how]
    near = sorted(sites, key=lambda one: (far(HERE, one.position), one.site_id))
    looked = {one.site_id: look(one, a_case, how, radius_m) for one in near}
    able = [one.site_id for one in near if not looked[one.site_id][0]][: SMALL.ranked_max]
    if how is Arrival.LIMPS and not able:
        return reference(sites, a_case, Arrival.TOWED)
    best = sorted(able, key=lambda site_id: -looked[site_id][1])  # stable: near ones first
    offered, beaten = best[: SMALL.offers_max], best[SMALL.offers_max :]
    weighed = [one.site_id for one in near[: SMALL.weighed_max]]
    others = [
        (one.site_id, looked[one.site_id][0] or "outranked")
        for one in near
        if one.site_id in beaten or (one.site_id in weighed and looked[one.site_id][0])
    ]
    return offered, others


# --- worlds ------------------------------------------------------------------------------------

titles = st.builds(
    held,
    st.just(FR),
    st.sampled_from([*SKILLS]),
    valid_from=st.sampled_from([NOW.date() + timedelta(days=n) for n in (-900, 0, 1)]),
    until=st.sampled_from([None, *(NOW.date() + timedelta(days=n) for n in (-1, 0, 1, 300))]),
    evidence=st.sampled_from(Evidence),
    is_revoked=st.sampled_from([False, False, False, True]),
)


@st.composite
def garages(draw: st.DrawFn) -> list[Site]:
    def subset(*words: Any) -> Any:
        return draw(st.frozensets(st.sampled_from(words)) | st.just(frozenset()))

    return [
        site(
            f"s{number}",
            *draw(st.lists(st.lists(titles, max_size=3), max_size=2)),
            lon_deg=HERE.lon_deg + draw(st.sampled_from([0, 0.1, 0.5, 1.5, 2.5, 100])),
            lat_deg=HERE.lat_deg + draw(st.sampled_from([0, 0.05, -0.05, 1])),
            country=draw(st.sampled_from(["FR", "FR", "FR", "BE", ""])),
            vehicle_classes=subset(VehicleClass.CAR, VehicleClass.TRUCK),
            makes=subset("renault", "kia"),
            equipment=subset("hv.tools", "ac.station"),
            access=subset("make.diagnostics", "sermi"),
            opening_hours=draw(st.sampled_from(["24/7", "24/7", None, "24/7 off"])),
        )
        for number in range(draw(st.integers(0, 9)))
    ]


skills = st.sampled_from([Skill(name) for name in sorted(SKILLS["B2TL"] | SKILLS["BCL"])])
expressions = st.recursive(
    skills,
    lambda parts: (
        st.builds(AllOf, st.lists(parts, max_size=3).map(tuple))
        | st.builds(AnyOf, st.lists(parts, max_size=3).map(tuple))
        | st.builds(AtLeast, st.just(2), st.lists(parts, min_size=2, max_size=3).map(tuple))
    ),
    max_leaves=4,
)
cases = st.builds(
    case,
    st.builds(
        Need,
        skills=expressions,
        access=st.sampled_from([frozenset(), frozenset({"make.diagnostics"})]),
        equipment=st.sampled_from([frozenset(), frozenset({"hv.tools"})]),
        arrival=st.sampled_from(Arrival),
    ),
    make=st.sampled_from([None, "renault"]),
    urgency=st.sampled_from(Urgency),
)


@settings(max_examples=150, deadline=None)
@given(garages(), cases)
def test_the_list_is_that_of_the_plain_reading_of_the_rules(
    sites: list[Site], a_case: Case
) -> None:
    decision = decide(a_case, Directory(sites, "1"), SMALL, decided_at=NOW)
    urgent = {"stop_now": Arrival.TOWED, "tow": Arrival.TOWED, "limp": Arrival.LIMPS}
    how = max(
        a_case.need.arrival,
        urgent.get(a_case.urgency, Arrival.DRIVES),
        key=["drives", "limps", "towed"].index,
    )
    offered, others = reference(sites, a_case, how)
    assert [offer.site.site_id for offer in decision.offers] == offered
    assert [(one.site.site_id, one.rule.value) for one in decision.excluded] == others
    for one in decision.excluded:
        assert one.missing
        assert one.why


# --- promise 3: nobody without evidence ---------------------------------------------------------


def unproven(decision: Decision) -> list[str]:
    """Offers whose people cannot show, by the titles as they are, what the case needs."""
    return [
        offer.site.site_id
        for offer in decision.offers
        if not is_enough(
            decision.case.need.skills,
            shown(offer.site, (decision.decided_at + timedelta(seconds=offer.travel_s)).date(), 0),
        )
    ]


@settings(max_examples=100, deadline=None)
@given(garages(), cases)
def test_no_site_without_full_evidence_is_ever_listed(sites: list[Site], a_case: Case) -> None:
    decision = decide(a_case, Directory(sites, "1"), SMALL, decided_at=NOW)
    assert unproven(decision) == []
    for offer in decision.offers:
        assert is_enough(a_case.need.skills, {found.skill for found in offer.evidence})


def test_a_catalogue_that_gives_every_title_every_skill_is_found_out() -> None:
    """The control of the test above: it fails where it must."""
    scheme = load_catalogue().schemes[FR]
    every = frozenset().union(*SKILLS.values())
    titles = tuple(msgspec.structs.replace(one, skills=every) for one in scheme.titles)
    generous = Catalogue({FR: msgspec.structs.replace(scheme, titles=titles)})
    directory = Directory([site("a", [held(FR, "B0L")])], "1", catalogue=generous)
    decision = decide(case(need("hv.live")), directory, SMALL, decided_at=NOW)
    assert unproven(decision) == ["a"]
