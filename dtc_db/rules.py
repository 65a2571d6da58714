"""Rules on top of single codes: what several faults, a make, a unit or a person add.

`apply` is given the faults of one vehicle with the urgency of each, and says of each which part it
plays: it is what the visit is for, it follows from another, the unit provoked it, it is no fault,
or its owner wants it ignored. Findings say what to look at first. The order:

    speed ─▶ own rules ─▶ codes that are no faults ─▶ what the unit provokes
          ─▶ combinations ─▶ symptoms

A fault for which one must stop or be towed is never set aside or talked down by any of them,
what a unit is said to provoke must be no graver than `soon`, and what follows from another keeps
its urgency.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase

from dtc_db.codes import Code
from dtc_db.languages import Words, column_of
from dtc_db.makes import make_key
from dtc_db.own_rules import Effect, OwnRule
from dtc_db.patterns import Pattern, parse_pattern
from dtc_db.rule_tables import Combination, InMotion, Note, RuleTables, Symptom
from dtc_db.urgency import GRAVE, RANK, Urgency, gravest
from dtc_db.vehicle import Powertrain, VehicleKind

# The gravest urgency that a code may have which a unit is said to provoke.
INDUCED_URGENCY_MAX = Urgency.SOON

_MAYBE_ELECTRIFIED = frozenset(
    {Powertrain.HYBRID, Powertrain.BEV, Powertrain.FCEV, Powertrain.UNKNOWN}
)


class Role(StrEnum):
    """Which part a fault plays."""

    CAUSE = "cause"
    FOLLOWS = "follows"
    INDUCED = "induced"
    NOT_A_FAULT = "not_a_fault"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class Sign:
    """A fault that is on, as far as rules look at it.

    Attributes:
        onset_at: When it came on; None if nobody knows.
    """

    code: Code
    urgency: Urgency
    onset_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Spoken:
    """A customer's rule that means a fault.

    Attributes:
        is_applied: False if it may not do what it says: the fault is too grave for it.
    """

    rule: OwnRule
    is_applied: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What the rules made of one fault.

    Attributes:
        text: The customer's own name of it; empty if it keeps ours.
        because: A line for each rule that spoke.
        spoken: The customer's rules among them.
        finding: Name of the finding from whose causes it follows.
    """

    code: Code
    role: Role
    urgency: Urgency
    text: str = ""
    because: tuple[str, ...] = ()
    spoken: tuple[Spoken, ...] = ()
    finding: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that several faults, or a person, say together.

    Attributes:
        causes: Positions of the faults to begin with, in the order given to `apply`.
        follows: Positions of those that go away with them.
        trade: The work that a symptom takes besides; empty if the faults say it all.
        urgency: The least that it asks for; None if the faults say it all.
    """

    name: str
    words: Words
    source: str
    causes: tuple[int, ...] = ()
    follows: tuple[int, ...] = ()
    trade: str = ""
    urgency: Urgency | None = None

    def text(self, lang: str) -> str:
        """One line in ``lang``, English where the language is not kept."""
        return self.words[column_of(lang)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the rules made of a vehicle's faults.

    Attributes:
        faults: One for each that was given, in their order.
    """

    faults: tuple[Judged, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def urgency(self) -> Urgency:
        """The gravest of all that still counts: what follows does, what is set aside does not."""
        return gravest(
            (
                *(
                    fault.urgency
                    for fault in self.faults
                    if fault.role in {Role.CAUSE, Role.FOLLOWS}
                ),
                *(finding.urgency for finding in self.findings if finding.urgency),
            )
        )


class Rules:
    """The rules that come with the package and those of customers."""

    def __init__(self, tables: RuleTables, own: Iterable[OwnRule] = ()) -> None:
        self.tables = tables
        # The most exact speaks first: one code before many, one make before all, new before old.
        self.own: tuple[OwnRule, ...] = tuple(
            sorted(
                own,
                key=lambda rule: (
                    not parse_pattern(rule.pattern).is_exact,
                    not rule.make,
                    not rule.fleet,
                    -rule.at.timestamp(),
                    rule.rule_id,
                ),
            )
        )

    @classmethod
    def load(cls) -> "Rules":
        """Read the rules that come with the package.

        Raises:
            TableError: If one has a mistake; names it.
        """
        return cls(RuleTables.load())

    def own_of(self, fleet: str, make: str | None) -> list[OwnRule]:
        """The customers' rules that may speak of a vehicle of this fleet and make, in order."""
        key = make_key(make or "")
        return [r for r in self.own if r.make in {"", key} and r.fleet in {"", fleet}]

    def with_own(self, own: Iterable[OwnRule]) -> "Rules":
        """The same with these rules of customers instead of the present ones."""
        return Rules(self.tables, own)


def apply(  # noqa: PLR0913 - each is one thing that a rule may look at, given by name
    faults: Sequence[Sign],
    vehicle: VehicleKind,
    rules: Rules,
    *,
    unit: str = "",
    fleet: str = "",
    symptoms: Collection[str] = (),
    speed_kmh: float | None = None,
) -> Judgement:
    """Say which part each fault plays, and what to look at first. Never raises.

    Args:
        faults: Of one vehicle at one time, each with the urgency that the knowledge gives it.
        vehicle: As far as it is known; a rule for a make needs that make.
        rules: All rules; those of other fleets are passed over.
        unit: Name of the telematics unit, for what units provoke.
        fleet: Whose vehicle it is.
        symptoms: Names of the table of symptoms; others are passed over.
        speed_kmh: Of the vehicle when it told the faults; None if it did not say.
    """
    make = make_key(vehicle.make or "")
    own = rules.own_of(fleet, vehicle.make)
    judged = [
        _by_own_rules(_moving(sign, rules.tables.in_motion, speed_kmh or 0), own) for sign in faults
    ]
    notes = [note for note in rules.tables.not_a_fault if not note.makes or make in note.makes]
    judged = [_set_aside(fault, notes, Role.NOT_A_FAULT) for fault in judged]
    notes = [
        note
        for note in rules.tables.induced
        if any(fnmatchcase(unit, pattern) for pattern in note.units)
    ]
    judged = [_set_aside(fault, notes, Role.INDUCED) for fault in judged]
    findings: list[Finding] = []
    for combination in rules.tables.combinations:
        if not combination.makes or make in combination.makes:
            finding = _combine(judged, faults, combination)
            if finding is not None:
                findings.append(finding)
                judged = _follow(judged, finding, combination)
    is_electrified = vehicle.powertrain in _MAYBE_ELECTRIFIED
    findings += [
        _felt(symptom, is_electrified=is_electrified)
        for symptom in rules.tables.symptoms
        if symptom.name in symptoms
    ]
    return Judgement(faults=tuple(judged), findings=tuple(findings))


def _moving(sign: Sign, table: Sequence[InMotion], speed_kmh: float) -> Judged:
    fault = Judged(code=sign.code, role=Role.CAUSE, urgency=sign.urgency)
    for entry in table:
        is_graver = RANK[entry.urgency] < RANK[fault.urgency]
        if speed_kmh >= entry.from_kmh and is_graver and _matches(entry.codes, sign.code):
            line = f"at {speed_kmh:.0f} km/h: {fault.urgency} becomes {entry.urgency}"
            fault = replace(fault, urgency=entry.urgency, because=(f"{line} ({entry.source})",))
    return fault


def _by_own_rules(fault: Judged, rules: Sequence[OwnRule]) -> Judged:
    is_weighed = False
    for rule in rules:
        if not parse_pattern(rule.pattern).matches(fault.code):
            continue
        if rule.effect is Effect.RENAME:
            if not fault.text:
                fault = replace(_heard(fault, rule), text=rule.text)
        elif not is_weighed:
            is_weighed = True
            fault = _weigh(fault, rule)
    return fault


def _weigh(fault: Judged, rule: OwnRule) -> Judged:
    wanted = rule.urgency
    if rule.effect is Effect.RAISE and wanted is not None:
        return replace(_heard(fault, rule), urgency=gravest((fault.urgency, wanted)))
    if fault.urgency in GRAVE:
        refused = f"own rule not applied, for {fault.urgency} is never talked down: {rule}"
        return replace(
            fault,
            because=(*fault.because, refused),
            spoken=(*fault.spoken, Spoken(rule, is_applied=False)),
        )
    if wanted is None:
        return replace(_heard(fault, rule), role=Role.IGNORED)
    return replace(_heard(fault, rule), urgency=max(fault.urgency, wanted, key=RANK.__getitem__))


def _heard(fault: Judged, rule: OwnRule) -> Judged:
    return replace(
        fault,
        because=(*fault.because, f"own rule: {rule}"),
        spoken=(*fault.spoken, Spoken(rule, is_applied=True)),
    )


def _set_aside(fault: Judged, notes: Sequence[Note], role: Role) -> Judged:
    if fault.role is not Role.CAUSE or fault.urgency in GRAVE:
        return fault
    if role is Role.INDUCED and RANK[fault.urgency] < RANK[INDUCED_URGENCY_MAX]:
        return fault
    for note in notes:
        if _matches(note.codes, fault.code):
            urgency = Urgency.INFO if role is Role.NOT_A_FAULT else fault.urgency
            because = (*fault.because, f"{note.words[0]} ({note.source})")
            return replace(fault, role=role, urgency=urgency, because=because)
    return fault


def _combine(
    faults: Sequence[Judged], signs: Sequence[Sign], combination: Combination
) -> Finding | None:
    """The finding, if every cause is there and enough that follows from it."""
    causes: set[int] = set()
    for alternatives in combination.causes:
        met = {
            place
            for place, fault in enumerate(faults)
            if fault.role is Role.CAUSE and _matches(alternatives, fault.code)
        }
        if not met:
            return None
        causes |= met
    follows = [
        place
        for place, fault in enumerate(faults)
        if fault.role is Role.CAUSE
        and place not in causes
        and _matches(combination.follows, fault.code)
        and any(_came_together(signs[place], signs[cause], combination) for cause in causes)
    ]
    if len(follows) < combination.follows_min:
        return None
    return Finding(
        name=combination.name,
        words=combination.words,
        source=combination.source,
        causes=tuple(sorted(causes)),
        follows=tuple(follows),
    )


def _came_together(one: Sign, other: Sign, combination: Combination) -> bool:
    if not combination.within_s:
        return True
    if one.onset_at is None or other.onset_at is None:
        return False
    return abs(one.onset_at - other.onset_at) <= timedelta(seconds=combination.within_s)


def _follow(faults: Sequence[Judged], finding: Finding, combination: Combination) -> list[Judged]:
    if not combination.sets_aside:
        return list(faults)
    because = f"follows from {' and '.join(str(faults[place].code) for place in finding.causes)}"
    return [
        replace(
            fault,
            role=Role.FOLLOWS,
            because=(*fault.because, because),
            finding=finding.name,
        )
        if place in finding.follows
        else fault
        for place, fault in enumerate(faults)
    ]


def _felt(symptom: Symptom, *, is_electrified: bool) -> Finding:
    trade = symptom.electrified_trade if is_electrified else ""
    return Finding(
        name=symptom.name,
        words=symptom.words,
        source=symptom.source,
        trade=trade or symptom.trade,
        urgency=symptom.urgency,
    )


def _matches(patterns: Iterable[Pattern], code: Code) -> bool:
    return any(pattern.matches(code) for pattern in patterns)
