"""What becomes of a claimed vehicle: a wait, an end, or a case with its referral.

The pure step between a claim and what is written of it; the loop is `routing/service.py`.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import rfc8785

from dtc_db.knowledge import Knowledge
from dtc_db.need import Need
from dtc_db.rules import Role, Rules
from dtc_db.urgency import RANK
from routing.cases import (
    ObservedFault,
    Weighed,
    WeighedFault,
    case_id_of,
    covers,
    is_ruled_otherwise,
    join,
    referral_id_of,
    ruled_of,
    weigh,
)
from routing.directory.snapshot import Directory
from routing.matching.policy import Policy
from routing.matching.principal import principal_digest
from routing.matching.shortlist import decide_by_road
from routing.model import Case, Decision
from routing.ports import (
    Claim,
    ClaimedFault,
    Close,
    NewReferral,
    OpenCase,
    Refer,
    SetAside,
    TravelTimes,
    Verdict,
    Wait,
)
from routing.referral import canonical, need_document, referral_document, short_referral
from routing.visits import decide_visit
from routing.withdrawal import withdrawn

# A fault that returns within this time after its case was closed came back; docs/cases.md.
CAME_BACK_DAYS_MAX = 90


def plan(  # noqa: PLR0913 - each is one thing that a verdict follows from
    claim: Claim,
    *,
    knowledge: Knowledge,
    directory: Directory,
    policy: Policy,
    at: datetime,
    rules: Rules | None = None,
    travel: TravelTimes | None = None,
) -> Verdict:
    """Decide what becomes of a claimed vehicle: a function of what is given and measured.

    A case keeps its referral for as long as that answers: a further fault that needs nothing more
    and is not graver joins the case silently; otherwise the referral is issued anew, as the next
    version. A fault that went off and may still return counts as being there, so that flickering
    changes nothing. Customers' rules reach the faults that are on already: what they treat
    otherwise than the latest referral said is referred again, and a case that closed because a
    rule set its faults aside goes on when that rule is undone. So is what a principal's rules list
    otherwise than those by which the latest referral was made.
    """
    present = [fault for fault in claim.faults if fault.gone_at is None or fault.gone_at > at]
    weighed = _weighed(claim, present, knowledge, rules)
    pairs = list(zip(present, weighed.faults, strict=True))
    set_aside = tuple(
        _set_aside(fault, each)
        for fault, each in pairs
        if fault.gone_at is None and each.judged.role is not Role.CAUSE
    )
    causes = [fault for fault, each in pairs if each.judged.role is Role.CAUSE]
    on = [fault for fault in causes if fault.gone_at is None]
    expected = [fault.gone_at for fault in causes if fault.gone_at is not None]
    if not on and expected:
        return Wait(max(expected))
    joined = _joining(claim, weighed)
    if not on:
        return Close(at, set_aside, _withdrawn(claim, weighed, joined, directory, policy, at=at))
    latest = _latest(claim, on)
    case_id = case_id_of(on[0].episode_id) if latest is None else latest.case_id
    referral_id = referral_id_of(case_id, 1 if latest is None else latest.version + 1)
    joined = partial(joined, case_id=str(case_id))
    decided = partial(
        decide_by_road,
        directory=directory,
        policy=policy,
        decided_at=at,
        travel=travel,
        seed=str(referral_id),
    )
    referral = _referral(
        claim,
        latest,
        joined(),
        referral_id,
        directory,
        partial(decide_visit, weighed, joined=joined, decided=decided),
        ruled=ruled_of(weighed),
    )
    return Refer(
        case_id=case_id,
        at=at,
        episodes=tuple(fault.episode_id for fault, each in pairs if each.counts),
        referral=referral,
        set_aside=set_aside,
        came_back_from=_came_back_from(on, at) if latest is None else None,
        again_at=min(expected, default=None),
    )


def _weighed(
    claim: Claim, present: Sequence[ClaimedFault], knowledge: Knowledge, rules: Rules | None
) -> Weighed:
    return weigh(
        [_observed(fault) for fault in present],
        vehicle=claim.vehicle,
        knowledge=knowledge,
        rules=rules,
        unit=claim.unit,
        fleet=claim.fleet,
        lang=claim.lang,
        speed_kmh=claim.speed_kmh,
    )


def _joining(claim: Claim, weighed: Weighed) -> Callable[..., Case]:
    """How a case is made of this vehicle's faults, once it has an id."""
    return partial(
        join,
        weighed,
        is_registered=claim.is_registered,
        position=claim.position,
        soc_pct=claim.soc_pct,
        principal=claim.principal,
        warranty_until=claim.warranty_until,
    )


def _latest(claim: Claim, on: Sequence[ClaimedFault]) -> OpenCase | None:
    """The case that goes on: the open one, or one that closed over a fault that counts again."""
    case = claim.case
    if case is None or not case.closed_over:
        return case
    return case if any(fault.episode_id in case.closed_over for fault in on) else None


def _referral(  # noqa: PLR0913, PLR0917 - each is one thing that a referral is made of
    claim: Claim,
    latest: OpenCase | None,
    case: Case,
    referral_id: UUID,
    directory: Directory,
    decided: Callable[[], Decision],
    *,
    ruled: Mapping[str, Sequence[str]],
) -> NewReferral | None:
    """The next version, or None if the latest one still answers.

    It is told by all that is wrong (`need_digest`), and answers what its list is for (`need`): what
    was left for another visit is referred once the rest is done.
    """
    digest = need_digest(case.need)
    is_agreed = latest is None or latest.agreement in {None, _agreement(claim)}
    is_same_to_rules = latest is not None and not (
        latest.closed_over or is_ruled_otherwise(latest.ruled, ruled)
    )
    is_answered = (
        latest is not None and is_same_to_rules and _is_answered(latest, claim, case, digest)
    )
    stands = is_agreed and is_answered
    if latest is not None and stands and not _is_worth_a_look(latest, directory, digest):
        return None
    decision = decided()
    if latest is not None and is_answered:
        if is_agreed and not decision.offers:
            return None  # nobody could do it, and still nobody can
        if not is_agreed and latest.listed == listed_of(decision):
            return None  # other rules, and the same places by them
    version = 1 if latest is None else latest.version + 1
    return _new_referral(claim, decision, referral_id, version, digest, ruled)


def _withdrawn(  # noqa: PLR0913 - each is one thing that a referral is made of
    claim: Claim,
    weighed: Weighed,
    joined: Callable[..., Case],
    directory: Directory,
    policy: Policy,
    *,
    at: datetime,
) -> NewReferral | None:
    """The version that takes a referral back; None where the case closes because it is mended.

    A rule that was made since the latest referral has to have set one of its faults aside.
    """
    latest, ruled = claim.case, ruled_of(weighed)
    if latest is None or latest.closed_over or not latest.version:
        return None
    is_ignored = any(each.judged.role is Role.IGNORED for each in weighed.faults)
    if not is_ignored or not is_ruled_otherwise(latest.ruled, ruled):
        return None
    version = latest.version + 1
    case = joined(case_id=str(latest.case_id))
    decision = withdrawn(case, directory, policy, decided_at=at)
    referral_id = referral_id_of(latest.case_id, version)
    return _new_referral(claim, decision, referral_id, version, need_digest(case.need), ruled)


def _new_referral(  # noqa: PLR0913, PLR0917 - likewise
    claim: Claim,
    decision: Decision,
    referral_id: UUID,
    version: int,
    digest: bytes,
    ruled: Mapping[str, Sequence[str]],
) -> NewReferral:
    document = referral_document(decision, referral_id=str(referral_id), version=version)
    return NewReferral(
        referral_id=referral_id,
        version=version,
        decided_at=decision.decided_at,
        need_digest=digest,
        urgency=decision.case.urgency,
        is_unassigned=not claim.is_registered,
        document=canonical(document),
        short=canonical(short_referral(document)),
        need=decision.case.need,
        offer_count=len(decision.offers),
        directory_version=decision.directory_version,
        ruled=ruled,
        agreement=_agreement(claim),
        listed=listed_of(decision),
    )


def listed_of(decision: Decision) -> tuple[str, ...]:
    """The sites that may be gone to: those of the list, an empty word, those of the free choice."""
    on_list, beside = decision.offers, decision.free_choice
    return (
        *(offer.site.site_id for offer in on_list),
        "",
        *(offer.site.site_id for offer in beside),
    )


def _agreement(claim: Claim) -> str:
    return "" if claim.principal is None else principal_digest(claim.principal)


def _is_answered(latest: OpenCase, claim: Claim, case: Case, digest: bytes) -> bool:
    """Whether the latest referral still fits the case."""
    if RANK[case.urgency] < RANK[latest.urgency]:
        return False
    if latest.need_digest == digest:
        return True
    # Once the vehicle is known its need is told better.
    is_known_now = latest.is_unassigned and claim.is_registered
    return latest.need is not None and not is_known_now and covers(latest.need, case.need)


def _is_worth_a_look(latest: OpenCase, directory: Directory, digest: bytes) -> bool:
    """Whether a list that was empty may fill: others are in the directory now, or less is asked."""
    if latest.has_offers:
        return False
    return (latest.directory_version, latest.need_digest) != (directory.version, digest)


def _came_back_from(faults: Sequence[ClaimedFault], at: datetime) -> UUID | None:
    """The latest closed case that had one of these faults, if it closed not too long ago."""
    past = [
        fault.past
        for fault in faults
        if fault.past is not None
        and at - fault.past.closed_at <= timedelta(days=CAME_BACK_DAYS_MAX)
    ]
    latest = max(past, key=lambda case: (case.closed_at, case.case_id), default=None)
    return None if latest is None else latest.case_id


def need_digest(need: Need) -> bytes:
    """SHA-256 of a need's canonical form: two needs are the same if this is."""
    return hashlib.sha256(rfc8785.dumps(need_document(need))).digest()


def _observed(fault: ClaimedFault) -> ObservedFault:
    return ObservedFault(
        code=fault.code,
        ecu=fault.ecu,
        status=fault.status,
        lamps=fault.lamps,
        onset_at=fault.onset_at,
    )


def _set_aside(fault: ClaimedFault, each: WeighedFault) -> SetAside:
    judged = each.judged
    reason = {Role.FOLLOWS: judged.finding, Role.INDUCED: "device_induced"}.get(
        judged.role, judged.role.value
    )
    return SetAside(fault.episode_id, reason, "; ".join(judged.because))
