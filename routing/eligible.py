"""The hard rules: what a site must have so that it may be on the list, in their published order.

`Inquiry.weigh` gathers what the rules and the ranking look at, `Inquiry.first_failure` applies the
rules. A site that says nothing of its vehicles or equipment is judged by the policy's
published assumptions.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from dtc_db.need import Arrival
from dtc_db.vehicle import VehicleClass
from routing.catalogue import Catalogue
from routing.competence import team_evidence
from routing.directory import Near
from routing.expression import missing
from routing.model import Case, Rule, Site, SkillEvidence
from routing.opening import Opening, Openness, find_opening
from routing.policy import Policy

NOBODY_CAN = "nothing"  # stands for "what is missing" where nothing would satisfy the need


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """A site, looked at for one case.

    Attributes:
        travel_s: Until the vehicle is there.
        arrives_at: When the vehicle is there and somebody can take it: after opening, if the hours
            are known and the doors open in time.
        held: The skills that the people can show on that day, each by its best title.
        vehicle_classes: What it takes, stated or else assumed by the policy.
        equipment: What stands there, stated or else assumed by the policy.
    """

    site: Site
    distance_m: int
    travel_s: int
    arrives_at: datetime
    opening: Opening
    held: Mapping[str, SkillEvidence]
    vehicle_classes: frozenset[VehicleClass]
    equipment: frozenset[str]


@dataclass(frozen=True, slots=True)
class Failure:
    """The first rule that a site breaks, and what would have satisfied it."""

    rule: Rule
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """A case as it is put to one site after the other.

    Attributes:
        arrival: The way of getting there that is tried.
        decided_at: In UTC; titles count by the UTC day on which the vehicle arrives.
    """

    case: Case
    policy: Policy
    arrival: Arrival
    decided_at: datetime
    catalogue: Catalogue

    @property
    def radius_m(self) -> int:
        """How far a site may be."""
        return self.policy.arrivals[self.arrival].radius_m

    def weigh(self, near: Near) -> Weighed:
        """Look at one site: when would the vehicle be there, and who is competent that day."""
        case, site = self.case, near.site
        travel_s = self.policy.travel_s(
            near.distance_m, arrival=self.arrival, vehicle_class=case.vehicle.vehicle_class
        )
        there_at = self.decided_at + timedelta(seconds=travel_s)
        deadline = self.policy.deadline(case.urgency)
        opening = find_opening(site.opening_hours, site.position, at=there_at, deadline=deadline)
        arrives_at = there_at + timedelta(seconds=opening.wait_s)
        held = team_evidence(site, day=arrives_at.date(), catalogue=self.catalogue)
        unstated = self.policy.unstated
        assumed = [
            unstated,
            *(more for skill, more in unstated.with_skill.items() if skill in held),
        ]
        return Weighed(
            site=site,
            distance_m=near.distance_m,
            travel_s=travel_s,
            arrives_at=arrives_at,
            opening=opening,
            held=held,
            vehicle_classes=site.vehicle_classes
            or frozenset().union(*(one.vehicle_classes for one in assumed)),
            equipment=site.equipment or frozenset().union(*(one.equipment for one in assumed)),
        )

    def first_failure(self, weighed: Weighed) -> Failure | None:
        """The first rule, in the order of `Rule`, that keeps the site off the list, if any does."""
        for rule, find_missing in _RULES:
            missing_things = find_missing(self, weighed)
            if missing_things:
                return Failure(rule, missing_things)
        return None

    def skills_short(self, weighed: Weighed, failure: Failure) -> tuple[str, ...]:
        """The skills that, held, would have kept this failure away."""
        match failure.rule:
            case Rule.SKILLS:
                return failure.missing
            case Rule.VEHICLE_CLASS if not weighed.site.vehicle_classes:
                by_skill = self.policy.unstated.with_skill
                wanted = class_wanted(self.case.vehicle.vehicle_class)
                return tuple(name for name in by_skill if wanted in by_skill[name].vehicle_classes)
            case _:
                return ()


def class_wanted(vehicle_class: VehicleClass) -> VehicleClass:
    """The class a site must take; a vehicle of unknown class is asked for as a car.

    That is the commonest, and a notice says what was assumed.
    """
    return VehicleClass.CAR if vehicle_class is VehicleClass.UNKNOWN else vehicle_class


def _vehicle_class(inquiry: Inquiry, weighed: Weighed) -> tuple[str, ...]:
    wanted = class_wanted(inquiry.case.vehicle.vehicle_class)
    return () if wanted in weighed.vehicle_classes else (wanted.value,)


def _make(inquiry: Inquiry, weighed: Weighed) -> tuple[str, ...]:
    make, makes = inquiry.case.vehicle.make, weighed.site.makes
    return () if not makes or make in makes else (make or "unknown make",)


def _skills(inquiry: Inquiry, weighed: Weighed) -> tuple[str, ...]:
    lacking = missing(inquiry.case.need.skills, weighed.held)
    return (NOBODY_CAN,) if lacking is None else lacking


def _access(inquiry: Inquiry, weighed: Weighed) -> tuple[str, ...]:
    """A word alone counts for every make, ``word:make`` for that one."""
    words = (word.partition(":") for word in weighed.site.access)
    make = inquiry.case.vehicle.make
    had = {word for word, _, only_make in words if not only_make or only_make == make}
    return tuple(sorted(inquiry.case.need.access - had))


def _equipment(inquiry: Inquiry, weighed: Weighed) -> tuple[str, ...]:
    return tuple(sorted(inquiry.case.need.equipment - weighed.equipment))


def _closed(_inquiry: Inquiry, weighed: Weighed) -> tuple[str, ...]:
    is_closed = weighed.opening.openness is Openness.CLOSED
    return (weighed.arrives_at.strftime("open on %Y-%m-%d at %H:%M UTC"),) if is_closed else ()


def _distance(inquiry: Inquiry, weighed: Weighed) -> tuple[str, ...]:
    is_far = weighed.distance_m > inquiry.radius_m
    return (f"within {inquiry.radius_m // 1000} km",) if is_far else ()


_RULES: tuple[tuple[Rule, Callable[[Inquiry, Weighed], tuple[str, ...]]], ...] = (
    (Rule.VEHICLE_CLASS, _vehicle_class),
    (Rule.MAKE, _make),
    (Rule.SKILLS, _skills),
    (Rule.ACCESS, _access),
    (Rule.EQUIPMENT, _equipment),
    (Rule.CLOSED, _closed),
    (Rule.DISTANCE, _distance),
)
