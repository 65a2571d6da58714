"""The decision, held against a matcher of few lines that shares no code with it.

The reference knows the rules from docs/ranking.md only: its own distances, titles and points.
The suite compares some hundred worlds; RIGHTBAY_WORLDS=100000 compares so many.
"""

import hashlib
import math
import os
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from itertools import pairwise
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtc_db.need import AllOf, AnyOf, Arrival, AtLeast, Expression, Need, Skill
from dtc_db.urgency import Urgency
from dtc_db.vehicle import VehicleClass
from routing.competence.catalogue import Catalogue, load_catalogue
from routing.decision import Case, Decision
from routing.directory.snapshot import Directory
from routing.matching.match import decide
from routing.matching.policy import Policy, Prior, Slots, Turn, load_policy
from routing.model import Bar, Credential, Evidence, Position, ServiceArea, Site
from routing.outcomes import Outcomes
from routing.testing import NOW, case, held, need, site

WORLDS = int(os.environ.get("RIGHTBAY_WORLDS", "600"))
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
HALF = Fraction(1, 2)
LEVELS = ["declared", "document_seen", "register_checked", "verified"]
EVENING = "Mo-Su 20:00-22:00"  # in winter, from 19:00 to 21:00 by UTC
FRIDAY = "Fr 20:00-22:00"
DEADLINE_H = {"unknown": 96, "soon": 168, "stop_now": 72, "tow": 72, "limp": 72}  # 720 for others

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


def opens(hours: str | None, there_at: datetime) -> datetime:
    """When the doors open; at once where nobody knows, in a year where they never do."""
    if hours == "24/7 off":
        return there_at + timedelta(days=365)
    days = {EVENING: range(7), FRIDAY: [4]}.get(hours or "", [])
    for later in range(8) if days else ():
        opens_at = datetime.combine(there_at.date(), time(19), UTC) + timedelta(days=later)
        if opens_at.weekday() in days and opens_at + timedelta(hours=2) > there_at:
            return max(there_at, opens_at)
    return there_at


def travel_s(distance_m: int, how: Arrival) -> float:
    top, fetch_s = {"drives": (130, 0), "limps": (40, 0), "towed": (70, 2700)}[how]
    left_m, total_s = distance_m * 1.3, float(fetch_s)
    for leg_m, speed in ((5000, 30), (25_000, 55), (math.inf, 85)):
        total_s += min(left_m, leg_m) / (min(speed, top) / 3.6)
        left_m -= min(left_m, leg_m)
    return total_s


def points(value: int, curve: Sequence[tuple[int, int]]) -> int:
    """In thousandths; halves go up."""
    for (x, y), (next_x, next_y) in pairwise(curve):
        if value <= next_x:
            return math.floor(1000 * (y + Fraction((value - x) * (next_y - y), next_x - x)) + HALF)
    return 1000 * curve[-1][1]


def likely(seen: Outcomes) -> int:
    """The lower root of (seen - share)² = z² share (1 - share) / n, with 4 of 5 beside."""
    n, z = seen.held + seen.came_back + 5, 1.282
    share, slack = (seen.held + 4) / n, z * z / n
    half = share + slack / 2
    root = half - math.sqrt(half * half - (1 + slack) * share * share)
    return round(1000 * root / (1 + slack))


def lot(referral: str, garage: Site) -> int:
    def number(text: str) -> int:
        return int(hashlib.sha256(text.encode("utf-8")).hexdigest()[:16], 16)

    if not referral:
        return 0
    seen = garage.outcomes
    is_new = not seen or seen.held + seen.came_back < 10
    favour = 8000 if is_new and number(referral) % 10 == 0 else 0
    return favour + points(number(f"{referral} {garage.site_id}") % 10_000, [(0, 0), (9999, 2)])


def look(garage: Site, world: "World", how: Arrival, radius_m: int) -> tuple[str, int]:
    """The first rule broken ("" for none) and the score in thousandths."""
    a_case, wanted = world.case, world.case.need
    distance_m = far(world.here, garage.position)
    time_s = round(travel_s(distance_m, how))
    there_at = world.now + timedelta(seconds=time_s)
    opens_at = opens(garage.opening_hours, there_at)
    wait_s = int((opens_at - there_at).total_seconds())
    is_closed = wait_s >= DEADLINE_H.get(a_case.urgency, 720) * 3600
    at = there_at if is_closed else opens_at
    skills = shown(garage, at.date(), 0)
    tools = garage.equipment or ({"hv.tools"} if "hv.isolate" in skills else set())
    area_m = garage.service_area.radius_m if garage.service_area else 0
    broken = {
        "barred": garage.bar is not None and garage.bar.since <= at,
        "vehicle_class": a_case.vehicle.vehicle_class
        not in (garage.vehicle_classes or {"car", "van"}),
        "make": bool(garage.makes) and a_case.vehicle.make not in garage.makes,
        "skills": not is_enough(wanted.skills, skills),
        "access": not wanted.access <= garage.access,
        "equipment": not wanted.equipment <= tools,
        "capacity": garage.cases_per_day == 0,
        "closed": is_closed,
        "distance": distance_m > radius_m,
        "service_area": garage.is_van and distance_m > (area_m or 0),
    }
    for rule, is_broken in broken.items():
        if is_broken:
            return rule, 0
    level = max(
        lv for lv in range(4) if lv == 0 or is_enough(wanted.skills, shown(garage, at.date(), lv))
    )
    travel = [(0, 60), (900, 52), (1800, 44), (3600, 28), (7200, 8), (14400, 0)]
    slots = [(0, 30), (14_400, 25), (18_000, 22), (28_800, 15), (72_000, 8), (273_600, 0)]
    slot_s = wait_s + 4 * 3600 // (garage.cases_per_day or 1)
    slot = 0 if garage.opening_hours is None else points(slot_s, slots)
    went = 6000
    if (seen := garage.outcomes) and seen.held + seen.came_back:
        went = points(max(200, likely(seen)), [(200, 0), (513, 6), (950, 15)])
    evidence = (0, 6000, 11_000, 15_000)[level]
    return "", points(time_s, travel) + slot + went + evidence + lot(world.referral, garage)


def reference(world: "World", how: Arrival) -> tuple[list[str], list[tuple[str, str]]]:
    """The ids offered, best first; and (id, rule) of all others weighed, nearest first."""
    radius_m = {"drives": 150_000, "limps": 25_000, "towed": 200_000}[how]
    near = sorted(world.sites, key=lambda one: (far(world.here, one.position), one.site_id))
    looked = {one.site_id: look(one, world, how, radius_m) for one in near}
    able = [one.site_id for one in near if not looked[one.site_id][0]][: SMALL.ranked_max]
    if how is Arrival.LIMPS and not able:
        return reference(world, Arrival.TOWED)
    best = sorted(able, key=lambda site_id: -looked[site_id][1])  # stable: near ones first
    offered, beaten = best[: SMALL.offers_max], best[SMALL.offers_max :]
    weighed = [one.site_id for one in near[: SMALL.weighed_max]]
    others = [
        (one.site_id, looked[one.site_id][0] or "outranked")
        for one in near
        if one.site_id in beaten or (one.site_id in weighed and looked[one.site_id][0])
    ]
    return offered, others


def arrival(a_case: Case) -> Arrival:
    urgent = {"stop_now": Arrival.TOWED, "tow": Arrival.TOWED, "limp": Arrival.LIMPS}
    by_urgency = urgent.get(a_case.urgency, Arrival.DRIVES)
    return max(a_case.need.arrival, by_urgency, key=["drives", "limps", "towed"].index)


# --- worlds ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class World:
    """Some sites, and a case among them."""

    sites: list[Site]
    case: Case
    here: Position
    now: datetime
    referral: str

    def decide(self, policy: Policy = SMALL) -> Decision:
        directory = Directory(self.sites, "1")
        return decide(self.case, directory, policy, decided_at=self.now, seed=self.referral)


def draw_world(rng: Random) -> World:
    is_paris = rng.random() < 0.9  # or Taveuni, which the date line crosses
    here = Position(2.35, 48.85) if is_paris else Position(179.95, -16.8)
    now = datetime.combine(NOW.date(), time(), UTC) + timedelta(seconds=rng.randrange(86_400))
    a_case = case(
        Need(
            skills=_draw_expression(rng, 2),
            access=_draw_some(rng, "make.diagnostics", much=0.2),
            equipment=_draw_some(rng, "hv.tools", much=0.3),
            arrival=rng.choice([*Arrival]),
        ),
        position=here,
        make=rng.choice([None, "renault"]),
        urgency=rng.choice([*Urgency]),
    )
    sites = [_draw_site(rng, f"s{n:02}", here, now) for n in range(rng.randint(1, 12))]
    referral = f"r-{rng.randrange(10**9)}" if rng.random() < 0.7 else ""
    return World(sites, a_case, here, now, referral)


def _draw_site(rng: Random, site_id: str, here: Position, now: datetime) -> Site:
    # Some stand in the same places and so equally far away; most stand anywhere.
    east = rng.choice([0, 0.1, 0.5, rng.random(), 3 * rng.random(), 100])
    north = rng.choice([0, 0.05, -0.05, rng.uniform(-1, 1)])
    is_abroad = here.lat_deg < 0 or east == 100  # where these hours are others by UTC
    hours = ["24/7", "24/7", "24/7", None, "24/7 off", *([] if is_abroad else [EVENING, FRIDAY])]
    # Every second one has somebody who can do all, so that there is an order to compare.
    able = [_draw_title(rng, title, 0) for title in ("BCL", "B2TL")] * rng.randint(0, 1)
    others = [
        [_draw_title(rng) for _ in range(rng.randint(0, 3))] for _ in range(rng.randint(0, 2))
    ]
    drawn = site(
        site_id,
        able,
        *others,
        lon_deg=(here.lon_deg + east + 180) % 360 - 180,
        lat_deg=here.lat_deg + north,
        country=rng.choice(["FR", "FR", "FR", "FR", "BE", ""]),
        vehicle_classes=_draw_some(rng, VehicleClass.CAR, VehicleClass.TRUCK, much=0.25),
        makes=_draw_some(rng, "renault", "kia", much=0.15),
        equipment=_draw_some(rng, "hv.tools", "ac.station", much=0.2),
        access=_draw_some(rng, "make.diagnostics", "sermi", much=0.7),
        opening_hours=rng.choice(hours),
    )
    since = now + timedelta(hours=rng.choice([-1, 1, 30]))
    return replace(
        drawn,
        cases_per_day=rng.choice([None, None, None, None, 1, 4, 100, 0]),
        outcomes=Outcomes(rng.randrange(60), rng.randrange(20)) if rng.random() < 0.5 else None,
        bar=Bar(measure="removed", cause="closed_down", since=since)
        if rng.random() < 0.1
        else None,
        is_van=(is_van := rng.random() < 0.2),
        service_area=ServiceArea(radius_m=rng.randrange(1, 40_000)) if is_van else None,
    )


def _draw_title(rng: Random, title: str = "", doubt: float = 0.4) -> Credential:
    """One of the titles, doubtful in so many cases: begun or ended about now, or revoked."""
    starts, ends = (-900, rng.choice([None, 300]))
    if rng.random() < doubt:
        starts, ends = rng.choice([-900, 0, 1]), rng.choice([-1, 0, 1])
    return held(
        FR,
        title or rng.choice([*SKILLS]),
        valid_from=NOW.date() + timedelta(days=starts),
        until=None if ends is None else NOW.date() + timedelta(days=ends),
        evidence=rng.choice([*Evidence]),
        is_revoked=rng.random() < doubt / 4,
    )


def _draw_expression(rng: Random, depth: int) -> Expression:
    kind = rng.choice(["skill", "skill", "all", "any", "least"]) if depth else "skill"
    if kind == "skill":
        return Skill(rng.choice(["hv.aware", "hv.deenergised", "hv.isolate", "hv.live"]))
    parts = tuple(_draw_expression(rng, depth - 1) for _ in range(rng.choice([0, 1, 2, 2, 3])))
    if kind == "least":
        return AtLeast(2, (*parts, Skill("hv.aware"), Skill("hv.isolate")))
    return AllOf(parts) if kind == "all" else AnyOf(parts)


def _draw_some(rng: Random, *words: Any, much: float) -> frozenset[Any]:
    return frozenset(word for word in words if rng.random() < much)


def draw_worlds(part: int, parts: int) -> Iterator[tuple[int, World]]:
    """One part of all worlds, each with the seed that draws it again."""
    for seed in range(part, WORLDS, parts):
        yield seed, draw_world(Random(seed))  # noqa: S311 - the same every time


# --- the same set, in the same order, and nobody without evidence --------------------------------


def check(world: World, decision: Decision) -> None:
    offered, others = reference(world, arrival(world.case))
    assert [offer.site.site_id for offer in decision.offers] == offered
    assert [(one.site.site_id, one.rule.value) for one in decision.excluded] == others
    for one in decision.excluded:
        assert one.missing
        assert one.why
    assert unproven(decision) == []
    for offer in decision.offers:
        assert is_enough(world.case.need.skills, {found.skill for found in offer.evidence})


def unproven(decision: Decision) -> list[str]:
    """Offers whose people cannot show, by the titles as they are, what the case needs."""
    there = [decision.decided_at + timedelta(seconds=one.travel_s) for one in decision.offers]
    return [
        offer.site.site_id
        for offer, there_at in zip(decision.offers, there, strict=True)
        if not is_enough(
            decision.case.need.skills,
            shown(offer.site, opens(offer.site.opening_hours, there_at).date(), 0),
        )
    ]


def check_all(worlds: list[World], policy: Policy) -> None:
    for world in worlds:
        check(world, world.decide(policy))


@pytest.mark.parametrize(("part", "spare"), [(0, 14), (1, 0)])
def test_the_list_is_that_of_the_plain_reading_and_nobody_on_it_lacks_evidence(
    part: int, spare: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With rings that hold all of these few sites, and with such that have to grow."""
    monkeypatch.setattr("routing.matching.batch_search._RING_SPARE", spare)
    monkeypatch.setattr("routing.matching.explain._NEAREST_SPARE", spare)
    seen: Counter[str] = Counter()
    for seed, world in draw_worlds(part, 2):
        decision = world.decide()
        try:
            check(world, decision)
        except AssertionError as error:
            error.add_note(f"world {seed}")
            raise
        seen.update(["listed"] * bool(decision.offers))
        seen.update({one.rule.value for one in decision.excluded})
    # That worlds are worth comparing: most list somebody, and every rule keeps somebody off.
    assert seen["listed"] > WORLDS / 2 * 0.3
    assert len(seen) == 12


@settings(max_examples=20, deadline=None)
@given(st.randoms(use_true_random=False))
def test_a_world_in_which_the_list_is_another_is_made_small(rng: Random) -> None:
    """The same worlds, drawn so that hypothesis can say which is the smallest that differs."""
    world = draw_world(rng)
    check(world, world.decide())


def test_a_policy_that_differs_in_one_number_is_found_out() -> None:
    """The control of the tests above: another weight, radius, turn, prior and slot."""
    terms = tuple(
        msgspec.structs.replace(term, curve=((0, 0), (3, 40))) if term.name == "evidence" else term
        for term in SMALL.terms
    )
    near = {
        how: msgspec.structs.replace(way, radius_m=way.radius_m // 2)
        for how, way in SMALL.arrivals.items()
    }
    always, never = Turn(new_below=10, new_one_in=1), Prior(repairs=1, held=1, z=0.0)
    others: tuple[dict[str, Any], ...] = (
        *({"terms": terms}, {"arrivals": near}, {"turn": always}, {"prior": never}),
        {"slots": Slots(day_s=200_000, unstated_per_day=1)},
    )
    for changes in others:
        other = msgspec.structs.replace(SMALL, **changes)
        worlds = [world for _, world in draw_worlds(0, max(1, WORLDS // 600))]
        with pytest.raises(AssertionError):
            check_all(worlds, other)


def test_a_catalogue_that_gives_every_title_every_skill_is_found_out() -> None:
    """The control of what is said of evidence: it fails where it must."""
    scheme = load_catalogue().schemes[FR]
    every = frozenset().union(*SKILLS.values())
    titles = tuple(msgspec.structs.replace(one, skills=every) for one in scheme.titles)
    generous = Catalogue({FR: msgspec.structs.replace(scheme, titles=titles)})
    directory = Directory([site("a", [held(FR, "B0L")])], "1", catalogue=generous)
    decision = decide(case(need("hv.live")), directory, SMALL, decided_at=NOW)
    assert unproven(decision) == ["a"]
