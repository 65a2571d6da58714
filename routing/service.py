"""The router's loop: claim vehicles, decide, write.

    claim (a lease) ─▶ plan ─▶ complete (one transaction, only while the lease holds)

A router that dies leaves leases that run out; another one then repeats the decision and arrives at
the same ids. Nothing is remembered here between two claims but the directory.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from dtc_db.knowledge import Knowledge
from routing.cases import package_rules
from routing.directory.snapshot import Directory
from routing.errors import CasesUnavailableError
from routing.matching.policy import Policy
from routing.plan import plan
from routing.ports import AddedStore, CaseStore, Claim, DirectoryStore, TravelTimes, Verdict, Wait

CLAIM_VEHICLES_MAX = 50
# Verdicts on their way to the database at once: no more than it lends us connections.
WRITES_MAX = 4
# Far longer than a claim's work takes, and short enough that a dead router is hardly missed.
LEASE_S = 5.0
POLL_S = 0.5
DIRECTORY_CHECK_S = 1.0
RETRY_S_MIN, RETRY_S_MAX = 0.1, 2.0
FAILED_WAIT_S = 60.0

log = logging.getLogger("rightbay.router")


async def serve(  # noqa: PLR0913 - each is one thing that the router is wired to
    cases: CaseStore,
    directories: DirectoryStore,
    *,
    knowledge: Knowledge,
    policy: Policy,
    now: Callable[[], datetime],
    added: AddedStore | None = None,
    travel: TravelTimes | None = None,
) -> None:
    """Decide until cancelled; customers' lists speak before `knowledge`, their rules after it."""
    directory: Directory | None = None
    rules, added_version = package_rules(), ""
    loop, room = asyncio.get_running_loop(), asyncio.Semaphore(WRITES_MAX)
    checked_at_s, delay_s = -DIRECTORY_CHECK_S, RETRY_S_MIN
    while True:
        reason: str | None = None
        try:
            if directory is None or loop.time() - checked_at_s >= DIRECTORY_CHECK_S:
                directory = await _current(directories, directory)
                if added is not None and await added.fetch_version() != added_version:
                    latest = await added.fetch_added()
                    knowledge = knowledge.with_layers(latest.layers)
                    rules, added_version = rules.with_own(latest.rules), latest.version
                checked_at_s = loop.time()
            claims = await cases.claim(limit=CLAIM_VEHICLES_MAX, lease_s=LEASE_S)
            decide = partial(
                plan,
                knowledge=knowledge,
                rules=rules,
                directory=directory,
                policy=policy,
                travel=travel,
            )
            # What is decided is written while the next is decided: the database may be far away.
            async with asyncio.TaskGroup() as writing:
                for claim in claims:
                    # An engine may take a second, and the lease of the others is short.
                    step = partial(_verdict, claim, decide, now())
                    verdict = step() if travel is None else await asyncio.to_thread(step)
                    writing.create_task(_write(cases, claim, verdict, room))
                    await asyncio.sleep(0)
            delay_s = RETRY_S_MIN
        except* CasesUnavailableError as errors:
            reason = str(errors.exceptions[0])
        if reason is not None:
            log.warning("cases_unavailable", extra={"reason": reason, "retry_s": delay_s})
            await asyncio.sleep(delay_s)
            delay_s = min(2 * delay_s, RETRY_S_MAX)
        elif not claims:
            await cases.wait_for_work(timeout_s=POLL_S)


def _verdict(claim: Claim, decide: Callable[..., Verdict], at: datetime) -> Verdict:
    """Decide; a mistake of ours about one vehicle must not keep the others waiting."""
    try:
        return decide(claim, at=at)
    except Exception:
        log.exception("plan_failed", extra={"vehicle": str(claim.vehicle_id)})
        return Wait(at + timedelta(seconds=FAILED_WAIT_S))


async def _write(cases: CaseStore, claim: Claim, verdict: Verdict, room: asyncio.Semaphore) -> None:
    async with room:
        await cases.complete(claim, verdict)


async def _current(store: DirectoryStore, directory: Directory | None) -> Directory:
    version = await store.fetch_version()
    if directory is not None and directory.version == version:
        return directory
    directory = await store.fetch_directory()
    log.info("directory_loaded", extra={"version": directory.version, "sites": len(directory)})
    return directory
