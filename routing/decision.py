"""A decision and what it is made for: the case, who is on its list and who is not, and why."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from dtc_db.need import Arrival, Need
from dtc_db.rules import Role, Spoken
from dtc_db.urgency import Urgency
from dtc_db.vehicle import VehicleKind
from routing.model import Evidence, Position, Site
from routing.principal import Principal
from routing.travel.model import Measured


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFault:
    """One fault of a case, as the decision sees it.

    Attributes:
        role: Which part it plays: the visit is for a cause, the others need no work of their own.
        because: A line for each rule that spoke of it.
        own_rules: The customer's rules that spoke of it, applied or refused.
        text_before: What it said before the customer's rules spoke; empty if none did.
        urgency_before: Likewise; None if none did.
    """

    code: str
    ecu: str
    status: str
    text: str
    urgency: Urgency
    role: Role = Role.CAUSE
    because: tuple[str, ...] = ()
    own_rules: tuple[Spoken, ...] = ()
    text_before: str = ""
    urgency_before: Urgency | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFinding:
    """What several faults, or a person, say together.

    Attributes:
        text: What to look at first, in the language of the case.
        causes: The codes to begin with.
        follows: The codes that go away with them.
        source: Where the rule comes from and how sure it is.
    """

    name: str
    text: str
    causes: tuple[str, ...]
    follows: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is wrong with one vehicle now, and what mending it takes.

    Attributes:
        case_id: Derived from the first episode, so that a retry makes the same one.
        vehicle: What is known of the vehicle, without its identity.
        is_registered: False if nobody registered the unit: the case is unassigned.
        position: Where the vehicle was when it reported; None if it did not say.
        need: Of all faults together.
        urgency: The gravest of all faults.
        principal: Whose rules hold; None where nobody's but our own do.
        warranty_until: Last day of the maker's warranty; None if there is none that is known.
        lang: In which language whoever asks is answered, such as ``fr``.
        later: Faults that no one place near can take along: another visit is for them. Not among
            ``faults``, and not in ``need`` but for how the vehicle gets there.
        soc_pct: What the traction battery still holds; None if nobody said.
        set_aside: Faults that are on and count for nothing: ignored, provoked by the unit, or none.
        findings: What the faults say together.
        knowledge: What else the reading of the codes rests on, name and version or digest: the
            customer's rules and lists. Empty where there are none.
    """

    case_id: str
    vehicle: VehicleKind
    is_registered: bool
    position: Position | None
    faults: tuple[CaseFault, ...]
    need: Need
    urgency: Urgency
    driver_action: str
    fleet_action: str
    principal: Principal | None = None
    warranty_until: date | None = None
    lang: str = "en"
    later: tuple[CaseFault, ...] = ()
    set_aside: tuple[CaseFault, ...] = ()
    findings: tuple[CaseFinding, ...] = ()
    knowledge: tuple[tuple[str, str], ...] = ()
    soc_pct: float | None = None


NOBODY_CAN = "nothing"  # stands for "what is missing" where nothing would satisfy the need

type Word = str | int | tuple[str, ...] | Reason | tuple[Reason, ...]


class Reason(NamedTuple):
    """One sentence as data; `routing.matching.texts` makes it one in a language.

    Attributes:
        key: Table and sentence of the texts, such as ``reasons.near``.
        words: Names and values of what is filled in; the end of a name says how it is written:
            ``_m`` a distance, ``_s`` a duration.
    """

    key: str
    words: tuple[tuple[str, Word], ...] = ()


class Rule(StrEnum):
    """Why a site that was weighed is not on the list; checked in this order, the first counts."""

    BARRED = "barred"  # suspended or removed, after notice
    VEHICLE_CLASS = "vehicle_class"
    MAKE = "make"
    SKILLS = "skills"
    ACCESS = "access"
    EQUIPMENT = "equipment"
    CAPACITY = "capacity"
    CLOSED = "closed"
    DISTANCE = "distance"
    SERVICE_AREA = "service_area"
    WARRANTY = "warranty"  # from here on: what the principal agreed to; the driver may choose more
    APPROVED = "approved"
    PRICE = "price"
    AGREED_DISTANCE = "agreed_distance"
    OUTRANKED = "outranked"  # eligible, but others stand before it and the list is full


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One part of a site's score.

    Attributes:
        name: Of the ranking policy.
        value: In the unit that the policy names.
        points: What the policy's curve makes of it; the score is the sum.
    """

    name: str
    value: float
    points: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A site on the list: eligible, and ranked.

    Attributes:
        distance_m: In a straight line.
        evidence: Which titles satisfied which skill, ``(skill, person, scheme, title, until)``.
        why: Reasons for its place.
        road_m: Length of the way by road; None if ``travel_s`` is an estimate from the straight
            line.
        outside: Of a free choice: the rule of the principal that it breaks.
        missing: Likewise: what would have satisfied it.
    """

    site: Site
    distance_m: int
    travel_s: int
    score: float
    terms: tuple[Term, ...]
    evidence: tuple["SkillEvidence", ...]
    why: tuple[Reason, ...]
    road_m: int | None = None
    outside: Rule | None = None
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SkillEvidence:
    """Who holds one skill at a site, by which title, and until when."""

    skill: str
    person: int
    scheme: str
    title: str
    evidence: Evidence
    valid_until: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """A site that was weighed and is not on the list.

    Attributes:
        rule: The first rule that failed.
        missing: What would have satisfied it, in the words of the need.
        words: What the sentence about it needs besides.
        lapses: Titles that would have done but for a date, a border or the like.
    """

    site: Site
    distance_m: int
    rule: Rule
    missing: tuple[str, ...]
    words: tuple[tuple[str, Word], ...] = ()
    lapses: tuple[Reason, ...] = ()

    @property
    def why(self) -> Reason:
        """The same as a sentence."""
        is_possible = self.missing != (NOBODY_CAN,)
        key = f"excluded.{self.rule}" if is_possible else "excluded.skills_impossible"
        words: tuple[tuple[str, Word], ...] = (("missing", self.missing), *self.words)
        return Reason(key, (*words, ("lapses", self.lapses)) if self.lapses else words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The list for a case, with a reason for everyone who was weighed.

    Attributes:
        offers: Best first; empty if nobody is eligible.
        free_choice: Best first: competent and near as well, but outside the principal's rules.
        excluded: Nearest first.
        notices: What the reader must know: no position, nobody eligible, law of the place.
        arrival: How the vehicle is to get there.
        beyond: If nobody is eligible, the nearest site that breaks no rule but that of distance.
        recovery: Who may tow it, of those that are there; None if anybody may, or nobody.
        measured: What an engine that knows roads found out; None if none was asked.
        directory_version: Of the snapshot that was used.
        policy_version: Of the ranking policy that was used.
        directory_digest: Of all its sites and of the schemes, SHA-256 in hexadecimal.
        policy_digest: Of the policy, likewise.
        laws: What the law asks to be said, by the name of the law.
        seed: Of the lots that were drawn: the referral's id; empty where none is issued.
    """

    case: Case
    decided_at: datetime
    arrival: Arrival
    offers: tuple[Offer, ...]
    excluded: tuple[Exclusion, ...]
    notices: tuple[Reason, ...]
    directory_version: str
    policy_version: str
    directory_digest: str = ""
    policy_digest: str = ""
    beyond: Exclusion | None = None
    measured: Measured | None = None
    recovery: Site | None = None
    free_choice: tuple[Offer, ...] = ()
    laws: tuple[str, ...] = ()
    seed: str = ""
