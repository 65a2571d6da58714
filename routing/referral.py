"""The referral: a decision as a document that people, partners and auditors read.

Its bytes are canonical JSON (RFC 8785), so that the same decision has the same hash everywhere. It
holds no VIN, no unit and no position of the vehicle; what the decision was made of stands in
``inputs`` by hash.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NotRequired, TypedDict, cast

import rfc8785

from dtc_db.need import Json, Need, need_to_json
from dtc_db.own_rules import rule_to_json
from dtc_db.rules import Role
from routing.decision import (
    Case,
    CaseFault,
    CaseFinding,
    Decision,
    Exclusion,
    Offer,
    Reason,
    SkillEvidence,
    Word,
)
from routing.directory.opening import hours_read_with
from routing.matching.laws import load_laws
from routing.matching.principal import principal_digest
from routing.matching.texts import Texts, load_texts
from routing.travel.model import Measured

SHORT_OFFERS_MAX = 3


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


def referral_document(decision: Decision, *, referral_id: str, version: int) -> ReferralDocument:
    """The whole referral, ready for `canonical`.

    Args:
        decision: What was decided.
        referral_id: Of `routing.cases.referral_id_of`.
        version: 1 for a case's first referral.
    """
    return ReferralDocument(
        **match_document(decision),
        referral=referral_id,
        version=version,
        case=decision.case.case_id,
        unassigned=not decision.case.is_registered,
    )


def match_document(decision: Decision) -> MatchDocument:
    """The decision by itself, in the language of the case, ready for `canonical`."""
    case = decision.case
    texts = load_texts(case.lang)
    document = MatchDocument(
        decided_at=format_time(decision.decided_at),
        vehicle=_vehicle(case),
        faults=[_fault(fault) for fault in case.faults],
        urgency=case.urgency.value,
        driver_action=case.driver_action,
        fleet_action=case.fleet_action,
        need=need_document(case.need),
        arrival=decision.arrival.value,
        offers=[_offer(offer, texts) for offer in decision.offers],
        free_choice=[_free_offer(offer, texts) for offer in decision.free_choice],
        excluded=[_exclusion(exclusion, texts) for exclusion in decision.excluded],
        notices=texts.tell_all(decision.notices),
        said=[_reason(reason) for reason in decision.notices],
        lang=case.lang,
        inputs={
            "case": case_digest(case),
            "directory": decision.directory_version,
            "directory_digest": decision.directory_digest,
            "policy": decision.policy_version,
            "policy_digest": decision.policy_digest,
            "laws": load_laws().version,
            "laws_digest": load_laws().digest,
            **_principal(case),
            **({"seed": decision.seed} if decision.seed else {}),
            **hours_read_with(),
            **_measured_inputs(decision.measured),
            **dict(case.knowledge),
        },
    )
    if case.later:
        document["later"] = [_fault(fault) for fault in case.later]
    if case.set_aside:
        document["set_aside"] = [_fault(fault) for fault in case.set_aside]
    if case.findings:
        document["findings"] = [_finding(finding) for finding in case.findings]
    return document


def short_referral(document: ReferralDocument) -> ShortReferral:
    """What goes into the car: what to do, and the first places with their reasons."""
    return ShortReferral(
        id=document["referral"],
        version=document["version"],
        case=document["case"],
        codes=[fault["code"] for fault in document["faults"]],
        text=document["faults"][0]["text"] if document["faults"] else "",
        urgency=document["urgency"],
        driver_action=document["driver_action"],
        arrival=document["arrival"],
        offers=[_short(offer) for offer in document["offers"][:SHORT_OFFERS_MAX]],
        free_choice=[_short(offer) for offer in document["free_choice"][:SHORT_OFFERS_MAX]],
        notices=document["notices"],
        lang=document["lang"],
    )


def _short(offer: OfferEntry) -> ShortOffer:
    return ShortOffer(
        site=offer["site"],
        name=offer["name"],
        pos=offer["pos"],
        distance_m=offer["distance_m"],
        eta_s=offer["travel_s"],
        why=offer["why"],
    )


def need_document(need: Need) -> dict[str, Json]:
    """The need as it stands in a referral; the same need always gives the same value."""
    return need_to_json(need)


def canonical(document: Mapping[str, object]) -> bytes:
    """The document's one sequence of bytes, by RFC 8785."""
    # The library's own type is a recursive union that no TypedDict fits.
    return rfc8785.dumps(cast("dict[str, Any]", document))


def case_digest(case: Case) -> str:
    """SHA-256 of everything a decision takes from a case, its position included; hexadecimal."""
    place = case.position
    content = {
        "case": case.case_id,
        "vehicle": _vehicle(case),
        "is_registered": case.is_registered,
        "position": None if place is None else [place.lon_deg, place.lat_deg],
        "faults": [_fault(fault) for fault in case.faults],
        "need": need_document(case.need),
        "urgency": case.urgency.value,
        "driver_action": case.driver_action,
        "fleet_action": case.fleet_action,
        "principal": None if case.principal is None else principal_digest(case.principal),
        "warranty_until": None if case.warranty_until is None else case.warranty_until.isoformat(),
        "lang": case.lang,
    }
    if case.later:
        content["later"] = [_fault(fault) for fault in case.later]
    if case.soc_pct is not None:
        content["soc_pct"] = case.soc_pct
    if case.set_aside:
        content["set_aside"] = [_fault(fault) for fault in case.set_aside]
    if case.findings:
        content["findings"] = [_finding(finding) for finding in case.findings]
    return hashlib.sha256(canonical(content)).hexdigest()


def format_time(at: datetime) -> str:
    """RFC 3339 with milliseconds; ``at`` is in UTC."""
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def _vehicle(case: Case) -> dict[str, str | int | None]:
    kind = case.vehicle
    return {
        "vehicle_class": kind.vehicle_class.value,
        "powertrain": kind.powertrain.value,
        "make": kind.make,
        "model_year": kind.model_year,
    }


def _fault(fault: CaseFault) -> FaultEntry:
    entry = FaultEntry(
        code=fault.code,
        ecu=fault.ecu,
        status=fault.status,
        text=fault.text,
        urgency=fault.urgency.value,
    )
    if fault.role is not Role.CAUSE:
        entry["role"] = fault.role.value
    if fault.because:
        entry["because"] = [*fault.because]
    if fault.urgency_before is not None:
        entry["before"] = BeforeEntry(text=fault.text_before, urgency=fault.urgency_before.value)
    if fault.own_rules:
        entry["own_rules"] = [
            OwnRuleEntry(rule=rule_to_json(spoken.rule), applied=spoken.is_applied)
            for spoken in fault.own_rules
        ]
    return entry


def _finding(finding: CaseFinding) -> FindingEntry:
    return FindingEntry(
        name=finding.name,
        text=finding.text,
        causes=[*finding.causes],
        follows=[*finding.follows],
        source=finding.source,
    )


def _measured_inputs(measured: Measured | None) -> dict[str, str]:
    if measured is None:
        return {}
    return {"travel": measured.digest, "travel_engine": measured.engine, "roads": measured.roads}


def _principal(case: Case) -> dict[str, str]:
    principal = case.principal
    if principal is None:
        return {}
    return {
        "principal": principal.name,
        "principal_version": principal.version,
        "principal_digest": principal_digest(principal),
    }


def _reason(reason: Reason) -> ReasonEntry:
    return ReasonEntry(key=reason.key, words={name: _word(word) for name, word in reason.words})


def _word(word: Word) -> Any:  # noqa: ANN401 - whatever JSON has
    if isinstance(word, Reason):
        return _reason(word)
    if isinstance(word, tuple):
        return [_word(one) for one in word]
    return word


def _free_offer(offer: Offer, texts: Texts) -> FreeOfferEntry:
    rule = "" if offer.outside is None else offer.outside.value
    return FreeOfferEntry(**_offer(offer, texts), rule=rule, missing=[*offer.missing])


def _offer(offer: Offer, texts: Texts) -> OfferEntry:
    position = offer.site.position
    return OfferEntry(
        site=offer.site.site_id,
        name=offer.site.name,
        pos=[position.lon_deg, position.lat_deg],
        distance_m=offer.distance_m,
        road_m=offer.road_m,
        travel_s=offer.travel_s,
        score=offer.score,
        terms=[
            TermEntry(name=term.name, value=term.value, points=term.points) for term in offer.terms
        ],
        evidence=[_evidence(found) for found in offer.evidence],
        reasons=[_reason(reason) for reason in offer.why],
        why=texts.tell_all(offer.why),
    )


def _evidence(found: SkillEvidence) -> EvidenceEntry:
    return EvidenceEntry(
        skill=found.skill,
        person=found.person,
        scheme=found.scheme,
        title=found.title,
        evidence=found.evidence.value,
        valid_until=found.valid_until.isoformat() if found.valid_until else None,
    )


def _exclusion(exclusion: Exclusion, texts: Texts) -> ExclusionEntry:
    return ExclusionEntry(
        site=exclusion.site.site_id,
        name=exclusion.site.name,
        distance_m=exclusion.distance_m,
        rule=exclusion.rule.value,
        missing=[*exclusion.missing],
        lapses=[_reason(lapse) for lapse in exclusion.lapses],
        why=texts.tell(exclusion.why),
    )
