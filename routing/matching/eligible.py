"""The hard rules: what a site must have so that it may be on the list, in their published order.

`judge` applies those that depend on the day of arrival alone: `Standing` is its answer, and may be
kept for every case with the same question. What depends on the hour and the way (`closed`,
`too_far`) comes after them. A site that says nothing of its vehicles or equipment is judged by the
policy's published assumptions.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from dtc_db.need import Expression
from dtc_db.requirement import GATEWAY_ACCESS
from dtc_db.vehicle import VehicleClass
from routing.competence.catalogue import Catalogue
from routing.competence.expression import enough, missing
from routing.competence.held import STRENGTH, team_evidence
from routing.decision import NOBODY_CAN, Case, Reason, Rule, SkillEvidence, Word
from routing.directory.opening import Opening, Openness
from routing.matching.policy import Assumed, Policy, Unstated
from routing.model import Evidence, Site


@dataclass(frozen=True, slots=True)
class Failure:
    """The first rule that a site breaks, and what would have satisfied it.

    Attributes:
        words: What the sentence about it needs besides.
    """

    rule: Rule
    missing: tuple[str, ...]
    words: tuple[tuple[str, Word], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What of a case the rules look at, whenever and wherever it arises.

    Attributes:
        vehicle_class: That a site must take; a vehicle of unknown class is asked for as a car,
            the commonest, and a notice says what was assumed.
    """

    skills: Expression
    access: frozenset[str]
    equipment: frozenset[str]
    vehicle_class: VehicleClass
    make: str | None

    @classmethod
    def of(cls, case: Case) -> "Question":
        """The question that a case puts."""
        asked = case.vehicle.vehicle_class
        return cls(
            skills=case.need.skills,
            access=case.need.access,
            equipment=case.need.equipment,
            vehicle_class=VehicleClass.CAR if asked is VehicleClass.UNKNOWN else asked,
            make=case.vehicle.make,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a site stands to a question on the day of arrival.

    Attributes:
        failure: None if the site breaks none of the rules of `judge`.
        weakest: How the weakest title needed is known; of no meaning after a failure.
        evidence: The titles that satisfy the need; empty after a failure.
    """

    failure: Failure | None
    weakest: Evidence = Evidence.DECLARED
    evidence: tuple[SkillEvidence, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """A site, looked at for one case.

    Attributes:
        travel_s: Until the vehicle is there.
        arrives_at: When the vehicle is there and somebody can take it: after opening, if the hours
            are known and the doors open in time.
        failure: The first rule that keeps it off the list; None if it may be on it.
        standing: Towards the question that the case puts.
        road_m: Length of the way by road; None if it was not measured.
    """

    site: Site
    distance_m: int
    travel_s: int
    arrives_at: datetime
    opening: Opening
    failure: Failure | None
    standing: Standing
    road_m: int | None = None


@dataclass(frozen=True)
class _Look:
    """One site and one question, with what the rules have to work out first."""

    site: Site
    question: Question
    unstated: Unstated
    held: Mapping[str, SkillEvidence]

    @cached_property
    def vehicle_classes(self) -> frozenset[VehicleClass]:
        """What it takes, stated or else assumed."""
        assumed = [self.unstated, *self._by_skill]
        return self.site.vehicle_classes or frozenset().union(
            *(one.vehicle_classes for one in assumed)
        )

    @cached_property
    def equipment(self) -> frozenset[str]:
        """What stands there, stated or else assumed."""
        assumed = [self.unstated, *self._by_skill]
        return self.site.equipment or frozenset().union(*(one.equipment for one in assumed))

    @property
    def _by_skill(self) -> list[Assumed]:
        return [more for skill, more in self.unstated.with_skill.items() if skill in self.held]


def judge(  # noqa: PLR0913 - who is asked, what, by which numbers, and when
    site: Site,
    question: Question,
    policy: Policy,
    catalogue: Catalogue,
    *,
    day: date,
    at: datetime,
) -> Standing:
    """Apply the rules that need no clock, in the order of `Rule`; the first broken one counts.

    Args:
        site: Whom to ask.
        question: What is needed.
        policy: For its assumptions.
        catalogue: The schemes.
        day: Of arrival, by UTC: titles must count on it.
        at: The moment of arrival: people must be there.
    """
    if (failure := barred(site, at)) is not None:
        return Standing(failure=failure)
    held = team_evidence(site, day=day, at=at, catalogue=catalogue)
    look = _Look(site, question, policy.unstated, held)
    for rule, find_missing in _RULES:
        missing_things = find_missing(look)
        if missing_things:
            return Standing(failure=Failure(rule, missing_things))
    weakest, evidence = strongest_evidence(held, question.skills)
    return Standing(failure=None, weakest=weakest, evidence=evidence)


def strongest_evidence(
    held: Mapping[str, SkillEvidence], expression: Expression
) -> tuple[Evidence, tuple[SkillEvidence, ...]]:
    """The titles that satisfy the need with the strongest weakest link, and how strong that is.

    Raises:
        ValueError: If the skills held do not satisfy the need.
    """
    for evidence in reversed(Evidence):
        level = STRENGTH[evidence]
        names = enough(
            expression, {name for name, one in held.items() if STRENGTH[one.evidence] >= level}
        )
        if names is not None:
            return evidence, tuple(held[name] for name in names)
    raise ValueError("who is not competent has no evidence")


def may_pass(site: Site, question: Question) -> bool:
    """Whether what the site states of itself leaves it a chance, whoever is there on the day."""
    look = _Look(site, question, _NOTHING_ASSUMED, {})
    return not (
        (site.vehicle_classes and _vehicle_class(look))
        or _make(look)
        or _access(look)
        or (site.equipment and _equipment(look))
        or _capacity(look)
    )


def is_bound_to_hours(site: Site) -> bool:
    """Whether it is barred, or its people come and go: the day of arrival does not settle it."""
    return site.bar is not None or any(
        person.hours is not None
        or person.absences
        or person.employed_from is not None
        or person.employed_until is not None
        for person in site.people
    )


def barred(site: Site, at: datetime) -> Failure | None:
    """The rule `BARRED`: it is neither suspended nor removed at this moment."""
    bar = site.bar
    if bar is None or at < bar.since:
        return None
    words = (
        ("measure", Reason(f"measures.{bar.measure}")),
        ("date", bar.since.date().isoformat()),
        ("cause", Reason(f"causes.{bar.cause}")),
    )
    return Failure(Rule.BARRED, (f"{bar.measure}: {bar.cause}",), words)


def closed(arrives_at: datetime, opening: Opening) -> Failure | None:
    """The rule `CLOSED`: it opens before this urgency can wait no longer; unknown hours pass."""
    if opening.openness is not Openness.CLOSED:
        return None
    return Failure(Rule.CLOSED, (arrives_at.strftime("open on %Y-%m-%d at %H:%M UTC"),))


def too_far(distance_m: int, radius_m: int) -> Failure | None:
    """The rule `DISTANCE`: it lies within the radius of this way of getting there."""
    if distance_m <= radius_m:
        return None
    within = f"within {radius_m // 1000} km"
    return Failure(Rule.DISTANCE, (within,), _within("within", radius_m))


def too_far_by_road(road_m: int | None, road_m_max: int) -> Failure | None:
    """The same rule for the way by road, where that was measured."""
    if road_m is None or road_m <= road_m_max:
        return None
    within = f"within {road_m_max // 1000} km by road"
    return Failure(Rule.DISTANCE, (within,), _within("within_by_road", road_m_max))


def _within(key: str, radius_m: int) -> tuple[tuple[str, Word], ...]:
    return (("within", Reason(f"reasons.{key}", (("radius_m", radius_m),))),)


def skills_short(
    site: Site, question: Question, failure: Failure, policy: Policy
) -> tuple[str, ...]:
    """The skills that, held, would have kept this failure away."""
    match failure.rule:
        case Rule.SKILLS:
            return failure.missing
        case Rule.VEHICLE_CLASS if not site.vehicle_classes:
            by_skill, wanted = policy.unstated.with_skill, question.vehicle_class
            return tuple(name for name in by_skill if wanted in by_skill[name].vehicle_classes)
        case _:
            return ()


_NOTHING_ASSUMED = Unstated()


def _vehicle_class(look: _Look) -> tuple[str, ...]:
    wanted = look.question.vehicle_class
    return () if wanted in look.vehicle_classes else (wanted.value,)


def _make(look: _Look) -> tuple[str, ...]:
    make, makes = look.question.make, look.site.makes
    return () if not makes or make in makes else (make or "unknown make",)


def _skills(look: _Look) -> tuple[str, ...]:
    lacking = missing(look.question.skills, look.held)
    return (NOBODY_CAN,) if lacking is None else lacking


def _access(look: _Look) -> tuple[str, ...]:
    """A word alone counts for every make, ``word:make`` for that one.

    The carmaker's own diagnostic system opens the carmaker's own lock.
    """
    words = (word.partition(":") for word in look.site.access)
    make = look.question.make
    had = {word for word, _, only_make in words if not only_make or only_make == make}
    if "make.diagnostics" in had:
        had.add(GATEWAY_ACCESS)
    return tuple(sorted(look.question.access - had))


def _equipment(look: _Look) -> tuple[str, ...]:
    return tuple(sorted(look.question.equipment - look.equipment))


def _capacity(look: _Look) -> tuple[str, ...]:
    """A site that takes no new case at all; one that does not say may take some."""
    return ("room for a new case",) if look.site.cases_per_day == 0 else ()


_RULES: tuple[tuple[Rule, Callable[[_Look], tuple[str, ...]]], ...] = (
    (Rule.VEHICLE_CLASS, _vehicle_class),
    (Rule.MAKE, _make),
    (Rule.SKILLS, _skills),
    (Rule.ACCESS, _access),
    (Rule.EQUIPMENT, _equipment),
    (Rule.CAPACITY, _capacity),
)
