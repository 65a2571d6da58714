"""The router's loop: claim vehicles, decide, write; and the pure step in its middle.

    claim (a lease) ─▶ plan ─▶ complete (one transaction, only while the lease holds)

A router that dies leaves leases that run out; another one then repeats the decision and arrives at
the same ids. Nothing is remembered here between two claims but the directory.
"""

import asyncio
import hashlib
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import rfc8785

from dtc_db.knowledge import Knowledge
from dtc_db.need import Need
from dtc_db.urgency import RANK
from routing.cases import ObservedFault, case_id_of, case_of, covers, referral_id_of
from routing.causes import Sorted, sort_out
from routing.directory.snapshot import Directory
from routing.errors import CasesUnavailableError
from routing.matching.match import decide
from routing.matching.policy import Policy
from routing.model import Case
from routing.ports import (
    CaseStore,
    Claim,
    ClaimedFault,
    Close,
    DirectoryStore,
    ListStore,
    NewReferral,
    OpenCase,
    Refer,
    SetAside,
    Verdict,
    Wait,
)
from routing.referral import canonical, need_document, referral_document, short_referral

CLAIM_VEHICLES_MAX = 50
# Far longer than a claim's work takes, and short enough that a dead router is hardly missed.
LEASE_S = 5.0
POLL_S = 0.5
DIRECTORY_CHECK_S = 1.0
RETRY_S_MIN, RETRY_S_MAX = 0.1, 2.0
FAILED_WAIT_S = 60.0
# A fault that returns within this time after its case was closed came back; docs/cases.md.
CAME_BACK_DAYS_MAX = 90

log = logging.getLogger("rightbay.router")


async def serve(  # noqa: PLR0913 - each is one thing that the router is wired to
    cases: CaseStore,
    directories: DirectoryStore,
    *,
    knowledge: Knowledge,
    policy: Policy,
    now: Callable[[], datetime],
    lists: ListStore | None = None,
) -> None:
    """Decide until cancelled; own lists, where there are any, speak before `knowledge`."""
    directory: Directory | None = None
    lists_version = ""
    loop = asyncio.get_running_loop()
    checked_at_s, delay_s = -DIRECTORY_CHECK_S, RETRY_S_MIN
    while True:
        try:
            if directory is None or loop.time() - checked_at_s >= DIRECTORY_CHECK_S:
                directory = await _current(directories, directory)
                if lists is not None and (latest := await lists.fetch_version()) != lists_version:
                    knowledge = knowledge.with_layers(await lists.fetch_layers())
                    lists_version = latest
                checked_at_s = loop.time()
            claims = await cases.claim(limit=CLAIM_VEHICLES_MAX, lease_s=LEASE_S)
            for claim in claims:
                decide_at = now()
                try:
                    verdict = plan(
                        claim,
                        knowledge=knowledge,
                        directory=directory,
                        policy=policy,
                        at=decide_at,
                    )
                except Exception:
                    # A mistake of ours about one vehicle must not keep the others waiting.
                    log.exception("plan_failed", extra={"vehicle": str(claim.vehicle_id)})
                    verdict = Wait(decide_at + timedelta(seconds=FAILED_WAIT_S))
                await cases.complete(claim, verdict)
            delay_s = RETRY_S_MIN
        except CasesUnavailableError as error:
            log.warning("cases_unavailable", extra={"reason": str(error), "retry_s": delay_s})
            await asyncio.sleep(delay_s)
            delay_s = min(2 * delay_s, RETRY_S_MAX)
            continue
        if not claims:
            await cases.wait_for_work(timeout_s=POLL_S)


def plan(
    claim: Claim, *, knowledge: Knowledge, directory: Directory, policy: Policy, at: datetime
) -> Verdict:
    """Decide what becomes of a claimed vehicle: a pure function of what is given.

    A case keeps its referral for as long as that answers: a further fault that needs nothing more
    and is not graver joins the case silently; otherwise the referral is issued anew, as the next
    version. A fault that went off and may still return counts as being there, so that flickering
    changes nothing.
    """
    present = [fault for fault in claim.faults if fault.gone_at is None or fault.gone_at > at]
    sorted_out = _sort_out(claim, present, knowledge)
    set_aside = tuple(
        SetAside(fault.episode_id, reason.value)
        for fault, reason in sorted_out.set_aside
        if fault.gone_at is None
    )
    expected = [fault.gone_at for fault in sorted_out.causes if fault.gone_at is not None]
    on = [fault for fault in sorted_out.causes if fault.gone_at is None]
    if not on:
        return Wait(max(expected)) if expected else Close(at, set_aside)
    case_id = case_id_of(on[0].episode_id) if claim.case is None else claim.case.case_id
    case = _case(claim, sorted_out, str(case_id), knowledge)
    return Refer(
        case_id=case_id,
        at=at,
        episodes=tuple(fault.episode_id for fault in (*sorted_out.causes, *sorted_out.storm)),
        referral=_referral(claim, case, directory, policy, case_id=case_id, at=at),
        set_aside=set_aside,
        came_back_from=_came_back_from(on, at) if claim.case is None else None,
        again_at=min(expected, default=None),
    )


def _referral(  # noqa: PLR0913 - each is one thing that a referral is made of
    claim: Claim, case: Case, directory: Directory, policy: Policy, *, case_id: UUID, at: datetime
) -> NewReferral | None:
    """The next version, or None if the latest one still answers."""
    digest = need_digest(case.need)
    latest = claim.case
    is_answered = latest is not None and _is_answered(latest, claim, case, digest)
    if latest is not None and is_answered and not _is_worth_a_look(latest, directory, digest):
        return None
    version = 1 if latest is None else latest.version + 1
    referral_id = referral_id_of(case_id, version)
    decision = decide(case, directory, policy, decided_at=at)
    if is_answered and not decision.offers:
        return None  # nobody could do it, and still nobody can
    document = referral_document(decision, referral_id=str(referral_id), version=version)
    return NewReferral(
        referral_id=referral_id,
        version=version,
        decided_at=at,
        need_digest=digest,
        urgency=case.urgency,
        is_unassigned=not claim.is_registered,
        document=canonical(document),
        short=canonical(short_referral(document)),
        need=case.need,
        offer_count=len(decision.offers),
        directory_version=decision.directory_version,
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
    return hashlib.sha256(rfc8785.dumps(need_document(need))).digest()


def _sort_out(claim: Claim, faults: Sequence[ClaimedFault], knowledge: Knowledge) -> Sorted:
    urgencies = [
        knowledge.assess(fault.code, claim.vehicle, status=fault.status, lamps=fault.lamps).urgency
        for fault in faults
    ]
    return sort_out(faults, unit=claim.unit, urgencies=urgencies)


def _case(claim: Claim, sorted_out: Sorted, case_id: str, knowledge: Knowledge) -> Case:
    return case_of(
        _observed(sorted_out.causes),
        case_id=case_id,
        vehicle=claim.vehicle,
        is_registered=claim.is_registered,
        position=claim.position,
        knowledge=knowledge,
        consequences=_observed(sorted_out.storm),
        principal=claim.principal,
        warranty_until=claim.warranty_until,
        lang=claim.lang,
    )


def _observed(faults: Sequence[ClaimedFault]) -> list[ObservedFault]:
    return [
        ObservedFault(code=fault.code, ecu=fault.ecu, status=fault.status, lamps=fault.lamps)
        for fault in faults
    ]


async def _current(store: DirectoryStore, directory: Directory | None) -> Directory:
    version = await store.fetch_version()
    if directory is not None and directory.version == version:
        return directory
    directory = await store.fetch_directory()
    log.info("directory_loaded", extra={"version": directory.version, "sites": len(directory)})
    return directory
