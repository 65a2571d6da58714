"""Why a place is on the list or not, and what else must be said: as data, in no language.

`routing.matching.texts` makes sentences of it.
"""

from collections import Counter
from collections.abc import Sequence

from dtc_db.need import Arrival, skills_of
from dtc_db.vehicle import VehicleClass
from routing.competence.held import Lapse, earliest_end
from routing.decision import Case, Exclusion, Reason, Rule, Term, Word
from routing.directory.opening import Openness
from routing.matching.eligible import Question, Standing, Weighed
from routing.matching.policy import Policy
from routing.matching.turn import DRAWS
from routing.model import Site
from routing.outcomes import Outcomes
from routing.principal import Principal
from routing.travel.model import Measured, Unmeasured

_LAPSES_MAX = 2  # told of one site; more would bury the reason


def for_offer(
    weighed: Weighed, case: Case, policy: Policy, *, unmeasured: Unmeasured | None = None
) -> tuple[Reason, ...]:
    """Why a place is on the list, and why its way is not told by road if others' are.

    Of capacity and outcomes only what the policy weighs is told.
    """
    reasons = [
        _near(weighed),
        *(() if unmeasured is None else (Reason(f"reasons.{unmeasured.value}"),)),
        _on_arrival(weighed),
        *(() if policy.slots is None else _room(weighed.site)),
        *_competence(weighed.standing),
    ]
    assumed = _assumed(weighed, case)
    if assumed:
        reasons.append(Reason("reasons.assumed", (("things", assumed),)))
    if policy.prior is not None:
        reasons.append(_outcomes(weighed.site.outcomes))
    return tuple(reasons)


def about_lot(terms: Sequence[Term], policy: Policy) -> Reason:
    """Why a place stands higher than its other points would put it."""
    lot = max((term.value for term in terms if term.name == "turn"), default=0)
    if policy.turn is None or lot < DRAWS:
        return Reason("reasons.lot")
    return Reason("reasons.lot_new", (("one_in", policy.turn.new_one_in),))


def nearer(exclusion: Exclusion) -> Reason:
    """Why not the nearer one."""
    words = (
        ("name", exclusion.site.name),
        ("distance_m", exclusion.distance_m),
        ("why", exclusion.why),
    )
    return Reason("reasons.nearer", words)


def lapses_told(lapses: Sequence[Lapse]) -> tuple[Reason, ...]:
    """The first few titles that almost would have done; one that shows several skills once."""
    by_title = {(lapse.person, lapse.credential): lapse for lapse in reversed(lapses)}
    return tuple(map(_lapse, [*reversed(by_title.values())][:_LAPSES_MAX]))


def nobody(  # noqa: PLR0913 - all that an empty list has to explain
    case: Case,
    arrival: Arrival,
    radius_m: int,
    excluded: Sequence[Exclusion],
    beyond: Exclusion | None,
    *,
    is_skilled: bool,
) -> tuple[Reason, ...]:
    """Why the list is empty, how far the nearest competent place is, what to do meanwhile.

    Args:
        case: Nobody may mend it.
        arrival: How it was to get there.
        radius_m: How far.
        excluded: The nearest sites.
        beyond: The nearest of those that are only too far.
        is_skilled: Whether people somewhere hold the skills.
    """
    if beyond is not None:
        words = (("name", beyond.site.name), ("distance_m", beyond.distance_m))
        farther = Reason("notices.beyond", words)
    elif is_skilled:
        farther = Reason("notices.beyond_fails")
    else:
        farther = Reason("notices.beyond_none", (("things", _sorted(skills_of(case.need.skills))),))
    meanwhile = Reason(f"notices.meanwhile_{arrival.value}")
    return (_counts(excluded, radius_m), farther, meanwhile)


def about_case(
    case: Case, arrival: Arrival, measured: Measured | None = None
) -> tuple[Reason, ...]:
    """What the reader must know whatever the list says."""
    keys = []
    if arrival is not Arrival.DRIVES:
        keys.append(arrival.value)
    if case.vehicle.vehicle_class is VehicleClass.UNKNOWN:
        keys.append("class_unknown")
    if not case.is_registered:
        keys.append("unregistered")
    reasons = [Reason(f"notices.{key}") for key in keys]
    if case.later:
        codes = tuple(fault.code for fault in case.later)
        reasons.insert(0, Reason("notices.another_visit", (("codes", codes),)))
    if arrival is Arrival.TOWED and case.need.recovery:
        reasons.append(Reason("notices.recovery", (("things", _sorted(case.need.recovery)),)))
    times = Reason(f"notices.{_times_from(measured)}")
    return (*reasons, times, Reason("notices.free_choice"))


def about_principal(
    principal: Principal | None, *, is_narrowing: bool, is_nobody: bool
) -> tuple[Reason, ...]:
    """In whose name the list is made, and what that does not take from the driver.

    Args:
        principal: Whose rules hold.
        is_narrowing: Whether the law of the contract lets them narrow the list.
        is_nobody: Whether nobody is within their rules, but somebody outside.
    """
    if principal is None:
        return ()
    key = "principal_nobody" if is_nobody else "principal"
    name = (("name", principal.name),)
    return (Reason(f"notices.{key if is_narrowing else 'not_narrowed'}", name),)


def _near(weighed: Weighed) -> Reason:
    travel: tuple[str, Word] = ("travel_s", weighed.travel_s)
    if weighed.road_m is None:
        return Reason("reasons.near", (("distance_m", weighed.distance_m), travel))
    return Reason("reasons.near_by_road", (("road_m", weighed.road_m), travel))


def _times_from(measured: Measured | None) -> str:
    if measured is None:
        return "estimate"
    return "by_road" if measured.setback is None else measured.setback.value


def _on_arrival(weighed: Weighed) -> Reason:
    match weighed.opening.openness:
        case Openness.OPEN:
            return Reason("reasons.open")
        case Openness.LATER:
            return Reason("reasons.later", (("wait_s", weighed.opening.wait_s),))
        case _:
            return Reason("reasons.hours_unknown")


def _room(site: Site) -> tuple[Reason, ...]:
    count = site.cases_per_day
    return () if count is None else (Reason("reasons.room", (("count", count),)),)


def _outcomes(outcomes: Outcomes | None) -> Reason:
    if outcomes is None or not outcomes.count:
        return Reason("reasons.outcomes_none")
    words = (("held", outcomes.held), ("count", outcomes.count))
    return Reason("reasons.outcomes", words)


def _competence(standing: Standing) -> list[Reason]:
    if not standing.evidence:
        return []
    skills = _sorted({found.skill for found in standing.evidence})
    reasons = [
        Reason("reasons.competent", (("things", skills),)),
        Reason("reasons.weakest", (("evidence", standing.weakest.value),)),
    ]
    end = earliest_end(standing.evidence)
    if end is not None:
        reasons.append(Reason("reasons.until", (("date", end.isoformat()),)))
    return reasons


def _assumed(weighed: Weighed, case: Case) -> tuple[str, ...]:
    """What the case needs and the site never stated."""
    names = [] if weighed.site.equipment else [*case.need.equipment]
    if not weighed.site.vehicle_classes:
        wanted = Question.of(case).vehicle_class
        names += [] if wanted is VehicleClass.CAR else [wanted.value]
    return _sorted(names)


def _lapse(lapse: Lapse) -> Reason:
    credential = lapse.credential
    day = credential.valid_until if lapse.shortfall == "expired" else credential.valid_from
    words = [("title", credential.title), ("person", str(lapse.person))]
    if day is not None:
        words.append(("date", day.isoformat()))
    return Reason(f"lapses.{lapse.shortfall.value}", tuple(words))


def _counts(excluded: Sequence[Exclusion], radius_m: int) -> Reason:
    if not excluded:
        return Reason("notices.nobody_at_all")
    by_rule = Counter(one.rule for one in excluded)
    lacking = Counter(name for one in excluded if one.rule is Rule.SKILLS for name in one.missing)
    # Most common first; `sorted` by name keeps equal counts in a fixed order.
    most = tuple(sorted(lacking, key=lambda name: (-lacking[name], name))[:1])
    counts = tuple(
        Reason(f"rules.{rule.value}", (("count", by_rule[rule]), ("things", most)))
        for rule in Rule
        if by_rule[rule]
    )
    words = (("radius_m", radius_m), ("weighed", len(excluded)), ("counts", counts))
    return Reason("notices.nobody", words)


def _sorted(names: frozenset[str] | set[str] | list[str]) -> tuple[str, ...]:
    return tuple(sorted(names))
