"""The router's loop: claim vehicles, decide, write; and the pure step in its middle.

    claim (a lease) ─▶ plan ─▶ complete (one transaction, only while the lease holds)

A router that dies leaves leases that run out; another one then repeats the decision and arrives at
the same ids. Nothing is remembered here between two claims but the directory.
"""

import asyncio
import hashlib
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

import rfc8785

from dtc_db.knowledge import Knowledge
from dtc_db.need import Need
from dtc_db.urgency import RANK
from routing.cases import ObservedFault, case_id_of, case_of, referral_id_of
from routing.directory import Directory
from routing.errors import CasesUnavailableError
from routing.match import decide
from routing.model import Case
from routing.policy import Policy
from routing.ports import (
    CaseStore,
    Claim,
    ClaimedFault,
    Close,
    DirectoryStore,
    NewReferral,
    Refer,
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

log = logging.getLogger("rightbay.router")


async def serve(
    cases: CaseStore,
    directories: DirectoryStore,
    *,
    knowledge: Knowledge,
    policy: Policy,
    now: Callable[[], datetime],
) -> None:
    """Decide until cancelled."""
    directory: Directory | None = None
    loop = asyncio.get_running_loop()
    checked_at_s, delay_s = -DIRECTORY_CHECK_S, RETRY_S_MIN
    while True:
        try:
            if directory is None or loop.time() - checked_at_s >= DIRECTORY_CHECK_S:
                directory = await _current(directories, directory)
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
    version.
    """
    faults = [fault for fault in claim.faults if fault.gone_at is None]
    if not faults:
        gone_at = max((fault.gone_at for fault in claim.faults if fault.gone_at), default=at)
        return Wait(gone_at) if gone_at > at else Close(at)
    case_id = case_id_of(faults[0].episode_id) if claim.case is None else claim.case.case_id
    case = _case(claim, faults, str(case_id), knowledge)
    digest = need_digest(case.need)
    episodes = tuple(fault.episode_id for fault in faults)
    if (
        claim.case is not None
        and claim.case.need_digest == digest
        and RANK[case.urgency] >= RANK[claim.case.urgency]
    ):
        return Refer(case_id=case_id, at=at, episodes=episodes, referral=None)
    version = 1 if claim.case is None else claim.case.version + 1
    referral_id = referral_id_of(case_id, version)
    decision = decide(case, directory, policy, decided_at=at)
    document = referral_document(decision, referral_id=str(referral_id), version=version)
    return Refer(
        case_id=case_id,
        at=at,
        episodes=episodes,
        referral=NewReferral(
            referral_id=referral_id,
            version=version,
            decided_at=at,
            need_digest=digest,
            urgency=case.urgency,
            is_unassigned=not claim.is_registered,
            document=canonical(document),
            short=canonical(short_referral(document)),
        ),
    )


def need_digest(need: Need) -> bytes:
    """SHA-256 of a need's canonical form: two needs are the same if this is."""
    return hashlib.sha256(rfc8785.dumps(need_document(need))).digest()


def _case(claim: Claim, faults: list[ClaimedFault], case_id: str, knowledge: Knowledge) -> Case:
    return case_of(
        [
            ObservedFault(code=fault.code, ecu=fault.ecu, status=fault.status, lamps=fault.lamps)
            for fault in faults
        ],
        case_id=case_id,
        vehicle=claim.vehicle,
        is_registered=claim.is_registered,
        position=claim.position,
        knowledge=knowledge,
    )


async def _current(store: DirectoryStore, directory: Directory | None) -> Directory:
    version = await store.fetch_version()
    if directory is not None and directory.version == version:
        return directory
    directory = await store.fetch_directory()
    log.info("directory_loaded", extra={"version": directory.version, "sites": len(directory)})
    return directory
