"""The referral: a decision as a document that people, partners and auditors read.

Its bytes are canonical JSON (RFC 8785), so that the same decision has the same hash everywhere. It
holds no VIN, no unit and no position of the vehicle; what the decision was made of stands in
``inputs`` by hash.
"""

import hashlib
from datetime import datetime
from typing import Any

from dtc_db.need import Json, Need, need_to_json
from dtc_db.own_rules import rule_to_json
from dtc_db.rules import Role
from routing.canonical import canonical
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
from routing.document import (
    BeforeEntry,
    EvidenceEntry,
    ExclusionEntry,
    FaultEntry,
    FindingEntry,
    FreeOfferEntry,
    MatchDocument,
    OfferEntry,
    OwnRuleEntry,
    ReasonEntry,
    ReferralDocument,
    ShortOffer,
    ShortReferral,
    TermEntry,
)
from routing.matching.laws import load_laws
from routing.matching.principal import principal_digest
from routing.matching.texts import Texts, load_texts
from routing.travel.model import Measured

SHORT_OFFERS_MAX = 3


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
