"""Gathers the faults of a vehicle into a case; derives the ids of cases and referrals.

    faults ─▶ weigh (the knowledge of each code, then the rules on all of them) ─▶ join ─▶ case

Ids are derived, so that whoever repeats a step makes the same row, the same push, the same entry.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from dtc_db.codes import Code, J1939Dtc
from dtc_db.need import AllOf, Arrival, Expression, Need, combine, format_expression
from dtc_db.own_rules import rules_digest
from dtc_db.rules import Finding, Judged, Role, Rules, Sign, apply
from dtc_db.urgency import ORDER, Urgency, gravest
from dtc_db.vehicle import VehicleClass, VehicleKind
from routing.decision import Case, CaseFault, CaseFinding
from routing.geo import coarse
from routing.model import Position
from routing.principal import Principal

if TYPE_CHECKING:
    from dtc_db.knowledge import Assessment, Knowledge

# Drawn once at random; the names under it are the ids given to the functions below.
_NAMESPACE = UUID("6f0d1b1e-9a53-4b0f-8a3a-2f6b0c6f4c1d")
_ARRIVALS = tuple(Arrival)
_COUNTING = frozenset({Role.CAUSE, Role.FOLLOWS})


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedFault:
    """A fault that is on, as a control unit reported it.

    Attributes:
        status: In the words of the gateway's statuses.
        lamps: Lamp name and state, as the same control unit sent them.
        onset_at: When it came on; None if nobody knows.
    """

    code: Code
    ecu: str
    status: str
    lamps: tuple[tuple[str, str], ...] = ()
    onset_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WeighedFault:
    """A fault with what it means for its vehicle.

    Attributes:
        before: By the knowledge alone.
        after: With what the rules made of it.
    """

    fault: ObservedFault
    before: "Assessment"
    after: "Assessment"
    judged: Judged

    @property
    def counts(self) -> bool:
        """Whether it is of the case: mending its cause is what the visit is for."""
        return self.judged.role in _COUNTING


@dataclass(frozen=True, slots=True, kw_only=True)
class Felt:
    """What something that a person noticed asks for besides the faults."""

    urgency: Urgency
    need: Need
    driver_action: str
    fleet_action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """The faults of a vehicle, each weighed, in the order given.

    Attributes:
        felt: For each symptom.
        vehicle: As far as it is known, its faults included.
        knowledge: As in `routing.decision.Case`.
    """

    vehicle: VehicleKind
    faults: tuple[WeighedFault, ...]
    findings: tuple[Finding, ...]
    felt: tuple[Felt, ...]
    knowledge: tuple[tuple[str, str], ...]
    lang: str


def case_id_of(first_episode_id: UUID) -> UUID:
    """The id of the case that an episode opened."""
    return uuid5(_NAMESPACE, f"case {first_episode_id}")


def referral_id_of(case_id: UUID, version: int) -> UUID:
    """The id of a case's referral; the first one is version 1."""
    return uuid5(_NAMESPACE, f"referral {case_id} {version}")


@cache
def package_rules() -> Rules:
    """The rules that come with the package, none of a customer's."""
    return Rules.load()


def case_of(  # noqa: PLR0913 - each is one fact of the case, given by name
    faults: Sequence[ObservedFault],
    *,
    case_id: str,
    vehicle: VehicleKind,
    is_registered: bool,
    position: Position | None,
    knowledge: "Knowledge",
    rules: Rules | None = None,
    unit: str = "",
    fleet: str = "",
    symptoms: Collection[str] = (),
    speed_kmh: float | None = None,
    principal: Principal | None = None,
    warranty_until: date | None = None,
    lang: str = "en",
) -> Case:
    """Weigh the faults and join them: everything needed, the gravest urgency and its actions.

    Args:
        faults: In any order; the case lists the gravest first. At least one, or a symptom.
        case_id: Of `case_id_of`.
        vehicle: As far as it is known.
        is_registered: Whether somebody registered the unit.
        position: Where the vehicle was when it last reported a change; the case keeps it to a
            thousandth of a degree.
        knowledge: What codes mean.
        rules: On top of it; those that come with the package if None.
        unit: Name of the telematics unit.
        fleet: Whose vehicle it is.
        symptoms: What a person noticed, by the names of the rules; it only ever asks for more.
        speed_kmh: Of the vehicle when it told the faults; None if it did not say.
        principal: Whose rules hold for the vehicle.
        warranty_until: Last day of its maker's warranty.
        lang: In which language whoever asks is answered.
    """
    weighed = weigh(
        faults,
        vehicle=vehicle,
        knowledge=knowledge,
        rules=rules,
        unit=unit,
        fleet=fleet,
        symptoms=symptoms,
        speed_kmh=speed_kmh,
        lang=lang,
    )
    return join(
        weighed,
        case_id=case_id,
        is_registered=is_registered,
        position=position,
        principal=principal,
        warranty_until=warranty_until,
    )


def weigh(  # noqa: PLR0913 - each is one thing that a rule may look at, given by name
    faults: Sequence[ObservedFault],
    *,
    vehicle: VehicleKind,
    knowledge: "Knowledge",
    rules: Rules | None = None,
    unit: str = "",
    fleet: str = "",
    symptoms: Collection[str] = (),
    speed_kmh: float | None = None,
    lang: str = "en",
) -> Weighed:
    """Say what each fault means for this vehicle and which part it plays; as for `case_of`."""
    rules = package_rules() if rules is None else rules
    vehicle = _kind(vehicle, faults)
    before = [
        knowledge.assess(fault.code, vehicle, status=fault.status, lamps=fault.lamps, lang=lang)
        for fault in faults
    ]
    judgement = apply(
        [
            Sign(fault.code, assessment.urgency, fault.onset_at)
            for fault, assessment in zip(faults, before, strict=True)
        ],
        vehicle,
        rules,
        unit=unit,
        fleet=fleet,
        symptoms=symptoms,
        speed_kmh=speed_kmh,
    )
    return Weighed(
        vehicle=vehicle,
        faults=tuple(
            WeighedFault(
                fault=fault,
                before=assessment,
                after=knowledge.revise(
                    assessment, vehicle, urgency=judged.urgency, text=judged.text, lang=lang
                ),
                judged=judged,
            )
            for fault, assessment, judged in zip(faults, before, judgement.faults, strict=True)
        ),
        findings=judgement.findings,
        felt=tuple(_felt(judgement.findings, vehicle, knowledge, lang)),
        knowledge=tuple(_knowledge(knowledge, rules, vehicle, fleet)),
        lang=lang,
    )


def join(  # noqa: PLR0913 - each is one fact of the case, given by name
    weighed: Weighed,
    later: frozenset[int] = frozenset(),
    *,
    case_id: str,
    is_registered: bool,
    position: Position | None,
    principal: Principal | None = None,
    warranty_until: date | None = None,
    soc_pct: float | None = None,
) -> Case:
    """Make a case of weighed faults.

    What follows from others is listed, and what it means for the way to a workshop counts, but
    mending it takes no skill of its own. What is set aside is listed apart, and counts for nothing;
    if there is nothing else, whoever asks all the same is answered about that. What is left for
    another visit asks for nothing at this one, and yet the vehicle has it on its way.

    Args:
        weighed: As `weigh` gives it.
        later: Places of causes in it that another visit is for; never all of them.
        case_id: As for `case_of`.
        is_registered: Likewise.
        position: Likewise.
        principal: Likewise.
        warranty_until: Likewise.
        soc_pct: What the traction battery still holds.
    """
    counting = sorted((each for each in weighed.faults if each.counts), key=gravest_first)
    aside = sorted((each for each in weighed.faults if not each.counts), key=gravest_first)
    left = [weighed.faults[place] for place in later]
    causes = [each for each in counting if each.judged.role is Role.CAUSE and each not in left]
    if not counting and not weighed.felt:
        aside, causes, counting = [], aside, aside
    needs = [felt.need for felt in weighed.felt]
    need = combine([*(each.after.need for each in causes), *needs])
    whole = combine([*(each.after.need for each in counting), *needs])
    said = [each.after for each in counting] + [*weighed.felt]
    first = min(said, key=lambda each: ORDER.index(each.urgency), default=None)
    return Case(
        case_id=case_id,
        vehicle=weighed.vehicle,
        is_registered=is_registered,
        # Exactly where it stands is nobody's business who reads the list.
        position=None if position is None else coarse(position),
        faults=tuple(_case_fault(each) for each in counting if each not in left),
        need=replace(need, arrival=whole.arrival, recovery=whole.recovery),
        urgency=gravest(each.urgency for each in said),
        driver_action="" if first is None else first.driver_action,
        fleet_action="" if first is None else first.fleet_action,
        principal=principal,
        warranty_until=warranty_until,
        soc_pct=soc_pct,
        lang=weighed.lang,
        later=tuple(_case_fault(each) for each in counting if each in left),
        set_aside=tuple(map(_case_fault, aside)),
        findings=tuple(_case_finding(finding, weighed) for finding in weighed.findings),
        knowledge=weighed.knowledge,
    )


def ruled_of(weighed: Weighed) -> dict[str, list[str]]:
    """What the customer's rules did to each fault: the id of each, ``!`` before a refused one."""
    return {
        _key(each.fault): [
            f"{'' if spoken.is_applied else '!'}{spoken.rule.rule_id}"
            for spoken in each.judged.spoken
        ]
        for each in weighed.faults
    }


def is_ruled_otherwise(
    before: Mapping[str, Sequence[str]] | None, now: Mapping[str, Sequence[str]]
) -> bool:
    """Whether the customer's rules treat a fault otherwise than a referral said it.

    Only faults that were in it already are looked at; with none known, whether any rule speaks.
    """
    if before is None:
        return any(now.values())
    return any([*before[key]] != [*spoken] for key, spoken in now.items() if key in before)


def covers(given: Need, wanted: Need) -> bool:
    """Whether whoever satisfies one need satisfies another one too.

    Only what can be seen part by part: two expressions that mean the same in different forms may
    be told apart, which costs a further version of a referral and never a wrong one.
    """
    return (
        _parts(wanted.skills) <= _parts(given.skills)
        and wanted.access <= given.access
        and wanted.equipment <= given.equipment
        and wanted.recovery <= given.recovery
        and _ARRIVALS.index(wanted.arrival) <= _ARRIVALS.index(given.arrival)
    )


def _parts(expression: Expression) -> frozenset[str]:
    parts = expression.parts if isinstance(expression, AllOf) else (expression,)
    return frozenset(map(format_expression, parts))


def _kind(vehicle: VehicleKind, faults: Sequence[ObservedFault]) -> VehicleKind:
    """A vehicle of unknown class that speaks J1939 is taken for a truck, the careful reading.

    Cars do not speak it; a workshop for cars could not take what does.
    """
    if vehicle.vehicle_class is VehicleClass.UNKNOWN and any(
        isinstance(fault.code, J1939Dtc) for fault in faults
    ):
        return replace(vehicle, vehicle_class=VehicleClass.TRUCK)
    return vehicle


def gravest_first(each: WeighedFault) -> tuple[int, str, str]:
    """Orders faults: the gravest first, and the same for whoever orders them."""
    return ORDER.index(each.after.urgency), str(each.fault.code), each.fault.ecu


def _case_fault(each: WeighedFault) -> CaseFault:
    judged = each.judged
    return CaseFault(
        code=str(each.fault.code),
        ecu=each.fault.ecu,
        status=each.fault.status,
        text=each.after.text,
        urgency=each.after.urgency,
        role=judged.role,
        because=judged.because,
        own_rules=judged.spoken,
        text_before=each.before.text if judged.spoken else "",
        urgency_before=each.before.urgency if judged.spoken else None,
    )


def _case_finding(finding: Finding, weighed: Weighed) -> CaseFinding:
    codes = [str(each.fault.code) for each in weighed.faults]
    return CaseFinding(
        name=finding.name,
        text=finding.text(weighed.lang),
        causes=tuple(codes[place] for place in finding.causes),
        follows=tuple(codes[place] for place in finding.follows),
        source=finding.source,
    )


def _felt(
    findings: Sequence[Finding], vehicle: VehicleKind, knowledge: "Knowledge", lang: str
) -> Iterator[Felt]:
    for finding in findings:
        if finding.trade and finding.urgency is not None:
            driver_action, fleet_action = knowledge.say(finding.trade, finding.urgency, lang)
            yield Felt(
                urgency=finding.urgency,
                need=knowledge.need_of(finding.trade, vehicle, finding.urgency),
                driver_action=driver_action,
                fleet_action=fleet_action,
            )


def _knowledge(
    knowledge: "Knowledge", rules: Rules, vehicle: VehicleKind, fleet: str
) -> Iterator[tuple[str, str]]:
    own = rules.own_of(fleet, vehicle.make)
    if own:
        yield "rules_digest", rules_digest(own)
    if lists := knowledge.meanings.layers.version:
        yield "lists", lists


def _key(fault: ObservedFault) -> str:
    return f"{fault.ecu} {fault.code}"
