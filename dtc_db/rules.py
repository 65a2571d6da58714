"""Rules on top of single codes: what several faults, a make, a unit or a person add.

`apply` is given the faults of one vehicle with the urgency of each, and says of each which part it
plays: it is what the visit is for, it follows from another, the unit provoked it, it is no fault,
or its owner wants it ignored. Findings say what to look at first. The order:

    own rules ─▶ codes that are no faults ─▶ what the unit provokes ─▶ combinations ─▶ symptoms

A fault for which one must stop or be towed is never set aside or talked down by the first three,
and what follows from another keeps its urgency. When faults came on is not looked at here: whoever
calls gives those that belong together.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from fnmatch import fnmatchcase

from dtc_db.codes import Code
from dtc_db.errors import MalformedRuleError
from dtc_db.makes import make_key
from dtc_db.meaning import LANGUAGES, Words
from dtc_db.patterns import Pattern, parse_pattern
from dtc_db.rule_tables import Combination, Note, RuleTables, Symptom
from dtc_db.urgency import GRAVE, RANK, Urgency, gravest
from dtc_db.vehicle import Powertrain, VehicleKind

OWN_RULES_MAX = 10_000
TEXT_LENGTH_MAX = 300

_MAYBE_ELECTRIFIED = frozenset(
    {Powertrain.HYBRID, Powertrain.BEV, Powertrain.FCEV, Powertrain.UNKNOWN}
)


class Effect(StrEnum):
    """What a customer's own rule does."""

    IGNORE = "ignore"
    RAISE = "raise"
    LOWER = "lower"
    RENAME = "rename"


class Role(StrEnum):
    """Which part a fault plays."""

    CAUSE = "cause"
    FOLLOWS = "follows"
    INDUCED = "induced"
    NOT_A_FAULT = "not_a_fault"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRule:
    """What a customer wants otherwise, and who said so when.

    Attributes:
        rule_id: Under which it is listed and undone; empty before it is kept.
        pattern: In the form of `dtc_db.patterns`.
        make: Of which makes; empty for all. In the form of `make_key`.
        fleet: Whose vehicles; empty for all.
        urgency: To which a rule raises or lowers.
        text: What a rule renames to.

    Raises:
        MalformedRuleError: On creation, if it says too little, too much or nothing.
    """

    effect: Effect
    pattern: str
    by: str
    at: datetime
    rule_id: str = ""
    make: str = ""
    fleet: str = ""
    urgency: Urgency | None = None
    text: str = ""
    because: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "pattern", parse_pattern(self.pattern).text)
        object.__setattr__(self, "make", make_key(self.make))
        if self.at.tzinfo is None:
            raise ValueError("expected a time with its zone")
        if not self.by.strip():
            raise MalformedRuleError("a rule needs the name of who made it")
        if (self.urgency is not None) != (self.effect in {Effect.RAISE, Effect.LOWER}):
            raise MalformedRuleError("raise and lower need an urgency, and nothing else takes one")
        if self.effect is Effect.LOWER and self.urgency is Urgency.UNKNOWN:
            raise MalformedRuleError("unknown is no urgency to lower to")
        if bool(self.text.strip()) != (self.effect is Effect.RENAME):
            raise MalformedRuleError("rename needs a text, and nothing else takes one")
        if max(map(len, (self.text, self.because, self.by))) > TEXT_LENGTH_MAX:
            raise MalformedRuleError(f"a text of a rule has at most {TEXT_LENGTH_MAX} characters")

    def __str__(self) -> str:
        to = f" to {self.urgency or self.text}" if self.urgency or self.text else ""
        of = f" of {self.make}" if self.make else ""
        return f"{self.effect} {self.pattern}{of}{to}, by {self.by} on {self.at:%Y-%m-%d}"


@dataclass(frozen=True, slots=True)
class Sign:
    """A fault that is on, as far as rules look at it."""

    code: Code
    urgency: Urgency


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What the rules made of one fault.

    Attributes:
        text: The customer's own name of it; empty if it keeps ours.
        because: A line for each rule that spoke.
    """

    code: Code
    role: Role
    urgency: Urgency
    text: str = ""
    because: tuple[str, ...] = ()


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
        return self.words[LANGUAGES.index(lang) if lang in LANGUAGES else 0]


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
        self.own = tuple(
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
) -> Judgement:
    """Say which part each fault plays, and what to look at first. Never raises.

    Args:
        faults: Of one vehicle at one time, each with the urgency that the knowledge gives it.
        vehicle: As far as it is known; a rule for a make needs that make.
        rules: All rules; those of other fleets are passed over.
        unit: Name of the telematics unit, for what units provoke.
        fleet: Whose vehicle it is.
        symptoms: Names of the table of symptoms; others are passed over.
    """
    make = make_key(vehicle.make or "")
    own = [rule for rule in rules.own if rule.make in {"", make} and rule.fleet in {"", fleet}]
    judged = [_by_own_rules(sign, own) for sign in faults]
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
            finding = _combine(judged, combination)
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


def _by_own_rules(sign: Sign, rules: Sequence[OwnRule]) -> Judged:
    fault = Judged(code=sign.code, role=Role.CAUSE, urgency=sign.urgency)
    is_weighed = False
    for rule in rules:
        if not parse_pattern(rule.pattern).matches(sign.code):
            continue
        if rule.effect is Effect.RENAME:
            if not fault.text:
                fault = replace(
                    fault, text=rule.text, because=(*fault.because, f"own rule: {rule}")
                )
        elif not is_weighed:
            is_weighed = True
            fault = _weigh(fault, rule)
    return fault


def _weigh(fault: Judged, rule: OwnRule) -> Judged:
    because = (*fault.because, f"own rule: {rule}")
    wanted = rule.urgency
    if rule.effect is Effect.RAISE and wanted is not None:
        return replace(fault, urgency=gravest((fault.urgency, wanted)), because=because)
    if fault.urgency in GRAVE:
        refused = f"own rule not applied, for {fault.urgency} is never talked down: {rule}"
        return replace(fault, because=(*fault.because, refused))
    if wanted is None:
        return replace(fault, role=Role.IGNORED, because=because)
    return replace(fault, urgency=max(fault.urgency, wanted, key=RANK.__getitem__), because=because)


def _set_aside(fault: Judged, notes: Sequence[Note], role: Role) -> Judged:
    if fault.role is not Role.CAUSE or fault.urgency in GRAVE:
        return fault
    for note in notes:
        if _matches(note.codes, fault.code):
            urgency = Urgency.INFO if role is Role.NOT_A_FAULT else fault.urgency
            because = (*fault.because, f"{note.words[0]} ({note.source})")
            return replace(fault, role=role, urgency=urgency, because=because)
    return fault


def _combine(faults: Sequence[Judged], combination: Combination) -> Finding | None:
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


def _follow(faults: Sequence[Judged], finding: Finding, combination: Combination) -> list[Judged]:
    if not combination.sets_aside:
        return list(faults)
    because = f"follows from {' and '.join(str(faults[place].code) for place in finding.causes)}"
    return [
        replace(fault, role=Role.FOLLOWS, because=(*fault.because, because))
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
