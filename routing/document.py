"""What stands in a referral: the shapes of its document, and of the short one for the car.

`routing.referral` makes them. A key that may be absent is left out of documents that have nothing
to say there, so that a field which is added changes no earlier document.
"""

from typing import Any, NotRequired, TypedDict

from dtc_db.need import Json


class BeforeEntry(TypedDict):
    """What a fault said before the customer's own rules spoke."""

    text: str
    urgency: str


class OwnRuleEntry(TypedDict):
    """A customer's own rule, whole, and whether it was applied or refused as too much."""

    rule: dict[str, str]
    applied: bool


class FaultEntry(TypedDict):
    """A fault of the case, or one that was set aside.

    `role` stands there unless the visit is for this fault, the rest if a rule spoke of it.
    """

    code: str
    ecu: str
    status: str
    text: str
    urgency: str
    role: NotRequired[str]
    because: NotRequired[list[str]]
    before: NotRequired[BeforeEntry]
    own_rules: NotRequired[list[OwnRuleEntry]]


class FindingEntry(TypedDict):
    """What several faults say together, and what to look at first."""

    name: str
    text: str
    causes: list[str]
    follows: list[str]
    source: str


class EvidenceEntry(TypedDict):
    """Who holds a skill at a place, by which title, and until which day (None: without end)."""

    skill: str
    person: int
    scheme: str
    title: str
    evidence: str
    valid_until: str | None


class TermEntry(TypedDict):
    """A part of a score; -1 is a value that nobody knows."""

    name: str
    value: float
    points: float


class ReasonEntry(TypedDict):
    """A sentence as data: which one, and what is filled in."""

    key: str
    words: dict[str, Any]


class OfferEntry(TypedDict):
    """A place on the list; `pos` is its own longitude and latitude.

    `distance_m` is in a straight line; `road_m` is None where `travel_s` is an estimate from that.
    `why` says in words what `reasons` says as data.
    """

    site: str
    name: str
    pos: list[float]
    distance_m: int
    road_m: int | None
    travel_s: int
    score: float
    terms: list[TermEntry]
    evidence: list[EvidenceEntry]
    reasons: list[ReasonEntry]
    why: list[str]


class FreeOfferEntry(OfferEntry):
    """A competent place that only a principal's rules keep off the list, with the first of them."""

    rule: str
    missing: list[str]


class ExclusionEntry(TypedDict):
    """A place that was weighed and is not on the list."""

    site: str
    name: str
    distance_m: int
    rule: str
    missing: list[str]
    lapses: list[ReasonEntry]
    why: str


class MatchDocument(TypedDict):
    """A decision by itself: who may be recommended, who may not, and why.

    `later`, `set_aside` and `findings` stand there only if there are any; `later` are the faults
    that another visit is for, and `need` does not ask for them.
    """

    decided_at: str
    vehicle: dict[str, str | int | None]
    faults: list[FaultEntry]
    urgency: str
    driver_action: str
    fleet_action: str
    need: dict[str, Json]
    arrival: str
    offers: list[OfferEntry]
    free_choice: list[FreeOfferEntry]
    excluded: list[ExclusionEntry]
    notices: list[str]
    said: list[ReasonEntry]
    lang: str
    inputs: dict[str, str]
    later: NotRequired[list[FaultEntry]]
    set_aside: NotRequired[list[FaultEntry]]
    findings: NotRequired[list[FindingEntry]]


class ReferralDocument(MatchDocument):
    """The whole referral: a decision that belongs to a case."""

    referral: str
    version: int
    case: str
    unassigned: bool


class ShortOffer(TypedDict):
    """A place, as far as a driver wants to know it."""

    site: str
    name: str
    pos: list[float]
    distance_m: int
    eta_s: int
    why: list[str]


class ShortReferral(TypedDict):
    """What goes into the car."""

    id: str
    version: int
    case: str
    codes: list[str]
    text: str
    urgency: str
    driver_action: str
    arrival: str
    offers: list[ShortOffer]
    free_choice: list[ShortOffer]
    notices: list[str]
    lang: str
