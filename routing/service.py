"""The router's loop: claim vehicles, decide, write.

    claim (a lease) ─▶ plan ─▶ complete (one transaction, only while the leases hold)
       └── what is decided while a group is written makes the next group ──┘

The first verdict goes alone and at once; the farther away the database is, the more of those behind
it go together. A router that dies leaves leases that run out; another one then repeats the decision
and arrives at the same ids. Nothing is remembered here between two claims but the directory.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

from dtc_db.knowledge import Knowledge
from routing.cases import package_rules
from routing.directory.snapshot import Directory
from routing.errors import CasesUnavailableError, VerdictRefusedError
from routing.matching.policy import Policy
from routing.plan import plan
from routing.ports import (
    AddedStore,
    CaseStore,
    Claim,
    Decided,
    DirectoryStore,
    TravelTimes,
    Verdict,
    Wait,
)

CLAIM_VEHICLES_MAX = 50
# Verdicts that wait for their group; while there are as many, nothing more is decided.
GROUP_VERDICTS_MAX = 50
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
    decided: asyncio.Queue[Decided] = asyncio.Queue(GROUP_VERDICTS_MAX)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_write_groups(cases, decided), name="verdicts")
        directory: Directory | None = None
        rules, added_version = package_rules(), ""
        loop, checked_at_s, delay_s = asyncio.get_running_loop(), -DIRECTORY_CHECK_S, RETRY_S_MIN
        while True:
            try:
                if directory is None or loop.time() - checked_at_s >= DIRECTORY_CHECK_S:
                    directory = await _current(directories, directory)
                    if added is not None and await added.fetch_version() != added_version:
                        latest = await added.fetch_added()
                        knowledge = knowledge.with_layers(latest.layers)
                        rules, added_version = rules.with_own(latest.rules), latest.version
                    checked_at_s = loop.time()
                claims = await cases.claim(limit=CLAIM_VEHICLES_MAX, lease_s=LEASE_S)
            except CasesUnavailableError as error:
                delay_s = await _later(error, delay_s)
                continue
            delay_s = RETRY_S_MIN
            decide = partial(
                plan,
                knowledge=knowledge,
                rules=rules,
                directory=directory,
                policy=policy,
                travel=travel,
            )
            for claim in claims:
                # An engine may take a second, and the lease of the others is short.
                step = partial(_verdict, claim, decide, now())
                verdict = step() if travel is None else await asyncio.to_thread(step)
                await decided.put((claim, verdict))
                await asyncio.sleep(0)  # it is on its way before the next is decided
            if not claims:
                await cases.wait_for_work(timeout_s=POLL_S)


def _verdict(claim: Claim, decide: Callable[..., Verdict], at: datetime) -> Verdict:
    """Decide; a mistake of ours about one vehicle must not keep the others waiting."""
    try:
        return decide(claim, at=at)
    except Exception:
        log.exception("plan_failed", extra={"vehicle": str(claim.vehicle_id)})
        return Wait(at + timedelta(seconds=FAILED_WAIT_S))


async def _write_groups(cases: CaseStore, decided: asyncio.Queue[Decided]) -> None:
    """Write what is decided until cancelled, each time all that waits."""
    while True:
        group = [await decided.get()]
        while not decided.empty():
            group.append(decided.get_nowait())
        await _write(cases, group)


async def _write(cases: CaseStore, group: Sequence[Decided]) -> None:
    """Write a group; a verdict that the database refuses is found by halves, and waits alone."""
    try:
        await _complete(cases, group)
    except VerdictRefusedError as error:
        if len(group) > 1:
            middle = len(group) // 2
            await _write(cases, group[:middle])
            await _write(cases, group[middle:])
            return
        ((claim, verdict),) = group
        reason = {"vehicle": str(claim.vehicle_id), "reason": str(error)}
        log.error("verdict_refused", extra=reason)  # noqa: TRY400 - where it came from says nothing
        if not isinstance(verdict, Wait):
            await _write(cases, [(claim, Wait(verdict.at + timedelta(seconds=FAILED_WAIT_S)))])


async def _complete(cases: CaseStore, group: Sequence[Decided]) -> None:
    """Try for as long as the leases may hold; after that it is decided anew."""
    loop, delay_s = asyncio.get_running_loop(), RETRY_S_MIN
    deadline_s = loop.time() + LEASE_S
    while True:
        try:
            await cases.complete(group)
        except CasesUnavailableError as error:
            delay_s = await _later(error, delay_s)
            if loop.time() < deadline_s:
                continue
        return


async def _later(error: CasesUnavailableError, delay_s: float) -> float:
    """Say that the database is away, wait, and give how long to wait the next time."""
    log.warning("cases_unavailable", extra={"reason": str(error), "retry_s": delay_s})
    await asyncio.sleep(delay_s)
    return min(2 * delay_s, RETRY_S_MAX)


async def _current(store: DirectoryStore, directory: Directory | None) -> Directory:
    version = await store.fetch_version()
    if directory is not None and directory.version == version:
        return directory
    directory = await store.fetch_directory()
    log.info("directory_loaded", extra={"version": directory.version, "sites": len(directory)})
    return directory
