"""What becomes of a claimed vehicle: a wait, an end, or a case with its referral.

The pure step between a claim and what is written of it; the loop is `routing/service.py`.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from dtc_db.knowledge import Knowledge
from dtc_db.need import Need
from dtc_db.rules import Role, Rules
from dtc_db.urgency import RANK
from routing.canonical import canonical
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
from routing.decision import Case, Decision
from routing.directory.snapshot import Directory
from routing.matching.policy import Policy
from routing.matching.principal import principal_digest
from routing.matching.shortlist import decide_by_road
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
from routing.referral import need_document, referral_document, short_referral
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
    grounds = _Grounds(
        claim=claim, weighed=weighed, directory=directory, policy=policy, travel=travel, at=at
    )
    if not on:
        return Close(at, set_aside, _withdrawn(grounds))
    latest = _latest(claim, on)
    case_id = case_id_of(on[0].episode_id) if latest is None else latest.case_id
    return Refer(
        case_id=case_id,
        at=at,
        episodes=tuple(fault.episode_id for fault, each in pairs if each.counts),
        referral=_referral(grounds, latest, case_id),
        set_aside=set_aside,
        came_back_from=_came_back_from(on, at) if latest is None else None,
        again_at=min(expected, default=None),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grounds:
    """What a referral follows from: the vehicle, its faults weighed, and of whom one chooses."""

    claim: Claim
    weighed: Weighed
    directory: Directory
    policy: Policy
    travel: TravelTimes | None
    at: datetime

    @property
    def ruled(self) -> Mapping[str, Sequence[str]]:
        """What the customer's rules did to each fault."""
        return ruled_of(self.weighed)

    @property
    def agreement(self) -> str:
        """The principal's rules, as a digest; empty where there is none."""
        principal = self.claim.principal
        return "" if principal is None else principal_digest(principal)

    def case(self, case_id: UUID, later: frozenset[int] = frozenset()) -> Case:
        """The case, with the causes at these places left for another visit."""
        claim = self.claim
        return join(
            self.weighed,
            later,
            case_id=str(case_id),
            is_registered=claim.is_registered,
            position=claim.position,
            soc_pct=claim.soc_pct,
            principal=claim.principal,
            warranty_until=claim.warranty_until,
        )

    def decide(self, case_id: UUID, version: int) -> Decision:
        """Make the list for one visit, of this version of the case's referral."""
        decided = partial(
            decide_by_road,
            directory=self.directory,
            policy=self.policy,
            decided_at=self.at,
            travel=self.travel,
            seed=str(referral_id_of(case_id, version)),
        )
        return decide_visit(self.weighed, joined=partial(self.case, case_id), decided=decided)


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


def _latest(claim: Claim, on: Sequence[ClaimedFault]) -> OpenCase | None:
    """The case that goes on: the open one, or one that closed over a fault that counts again."""
    case = claim.case
    if case is None or not case.closed_over:
        return case
    return case if any(fault.episode_id in case.closed_over for fault in on) else None


def _referral(grounds: _Grounds, latest: OpenCase | None, case_id: UUID) -> NewReferral | None:
    """The next version, or None if the latest one still answers.

    It is told by all that is wrong (`need_digest`), and answers what its list is for (`need`): what
    was left for another visit is referred once the rest is done.
    """
    case = grounds.case(case_id)
    digest = need_digest(case.need)
    if latest is None:
        return _new_referral(grounds, grounds.decide(case_id, 1), case_id, 1, digest)
    is_agreed = latest.agreement in {None, grounds.agreement}
    is_answered = (
        not latest.closed_over
        and not is_ruled_otherwise(latest.ruled, grounds.ruled)
        and _is_answered(latest, grounds.claim, case, digest)
    )
    if is_agreed and is_answered and not _is_worth_a_look(latest, grounds.directory, digest):
        return None
    version = latest.version + 1
    decision = grounds.decide(case_id, version)
    if is_answered and is_agreed and not decision.offers:
        return None  # nobody could do it, and still nobody can
    if is_answered and not is_agreed and latest.listed == listed_of(decision):
        return None  # other rules, and the same places by them
    return _new_referral(grounds, decision, case_id, version, digest)


def _withdrawn(grounds: _Grounds) -> NewReferral | None:
    """The version that takes a referral back; None where the case closes because it is mended.

    A rule that was made since the latest referral has to have set one of its faults aside.
    """
    latest = grounds.claim.case
    if latest is None or latest.closed_over or not latest.version:
        return None
    is_ignored = any(each.judged.role is Role.IGNORED for each in grounds.weighed.faults)
    if not is_ignored or not is_ruled_otherwise(latest.ruled, grounds.ruled):
        return None
    case = grounds.case(latest.case_id)
    decision = withdrawn(case, grounds.directory, grounds.policy, decided_at=grounds.at)
    digest = need_digest(case.need)
    return _new_referral(grounds, decision, latest.case_id, latest.version + 1, digest)


def _new_referral(
    grounds: _Grounds, decision: Decision, case_id: UUID, version: int, digest: bytes
) -> NewReferral:
    referral_id = referral_id_of(case_id, version)
    document = referral_document(decision, referral_id=str(referral_id), version=version)
    return NewReferral(
        referral_id=referral_id,
        version=version,
        decided_at=decision.decided_at,
        need_digest=digest,
        urgency=decision.case.urgency,
        is_unassigned=not grounds.claim.is_registered,
        document=canonical(document),
        short=canonical(short_referral(document)),
        need=decision.case.need,
        offer_count=len(decision.offers),
        directory_version=decision.directory_version,
        ruled=grounds.ruled,
        agreement=grounds.agreement,
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
    return hashlib.sha256(canonical(need_document(need))).digest()


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
