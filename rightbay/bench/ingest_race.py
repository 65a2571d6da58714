"""Several gateways that all hear every report, and race to store it: who wins must not matter.

    units ─▶ broker ─▶ gateway 1 … n ─▶ one database ─▶ router
                              each report is offered n times

Afterwards the database is held against the plan, report by report and fault by fault. Everything
lives in a folder that goes at the end.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from rightbay.bench.ingest_check import Found, check, is_busy
from rightbay.errors import StartError
from rightbay.settings import Settings
from rightbay.supervision.instance import broker_url, database_url
from rightbay.supervision.program import Program
from rightbay.supervision.stack import Stack, role_environment
from simulators.load.account import Account
from simulators.load.plan import Load, Shares
from simulators.load.progress import telling
from simulators.load.sender import Manner, Sender
from simulators.unit.mqtt import BrokerAddress
from storage.pool import open_pool

# As fast as receipts come: what is measured is whether it is right, and then how long it took.
RATE_PER_S = 10_000
OPEN_MAX = 2_000
SETTLE_S = 300
IDLE_S_MAX = 600
SHARES = Shares(duplicates=0.10, reordered=0.10, late=0.02, poison=0.01)


@dataclass(frozen=True, slots=True, kw_only=True)
class RaceSettings:
    """How large the race is."""

    reports: int
    gateways: int
    vehicles: int
    seed: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RaceResult:
    """The units' books, and what the database holds.

    Attributes:
        decided_s: From the last receipt until nothing was left to decide or to push.
    """

    account: Account
    found: Found
    decided_s: float

    @property
    def is_won(self) -> bool:
        """Whether every report has its receipt and nothing was lost, invented or doubled."""
        return self.account.open == 0 and self.found.is_whole

    def document(self) -> dict[str, float | int | None]:
        """Give it as one flat object."""
        return {**self.account.summary(), **asdict(self.found), "decided_s": self.decided_s}


async def race(
    settings: RaceSettings, *, stop: asyncio.Event, say: Callable[[str], None] = lambda _: None
) -> RaceResult:
    """Send the load to all gateways at once, and check.

    Args:
        settings: How large it is.
        stop: Set to end it early; the check then finds reports missing.
        say: Told of progress.

    Raises:
        RightbayError: Something did not start.
    """
    load = Load(
        vehicles=settings.vehicles,
        rate_per_s=RATE_PER_S,
        reports=settings.reports,
        run="race",
        start_at=datetime.now(UTC),
        shares=SHARES,
        seed=settings.seed,
    )
    with TemporaryDirectory(prefix="rightbay-race-") as folder:
        os.chmod(folder, 0o711)  # noqa: PTH101, S103 - root's servers run as somebody else
        async with Stack(Settings(data=Path(folder, "data")), keeps_role_logs=True) as stack:
            await stack.migrate()
            for number in range(settings.gateways):
                await stack.supervisor.start(_gateway(stack, number))
            await stack.start_roles(["router", "deliver"])
            say(f"{settings.gateways} gateways race")
            manner = Manner(
                prefix=stack.settings.topic_prefix, open_max=OPEN_MAX, settle_s=SETTLE_S
            )
            address = BrokerAddress.parse(broker_url(stack.settings))
            sender = Sender(load, manner, address)
            async with telling(sender.account, reports=load.reports, say=say):
                account = await sender.run(stop)
            say(json.dumps(account.summary()))
            return await _settled(stack, load, account)


def _gateway(stack: Stack, number: int) -> Program:
    settings = replace(stack.settings, gateway_id=f"rightbay-gateway-{number}")
    return Program(
        name=f"gateway-{number}",
        argv=(sys.executable, "-m", "rightbay", "gateway", "--stop-at-eof"),
        env=role_environment(os.environ, settings),
        says_ready=True,
        stdin_eof_stops=True,
        log=stack.settings.data / "logs" / f"gateway-{number}.log",
    )


async def _settled(stack: Stack, load: Load, account: Account) -> RaceResult:
    """Wait until everything is decided and pushed, then check."""
    began_s = time.monotonic()
    async with open_pool(database_url(stack.settings), size_max=1) as pool:
        while await is_busy(pool):  # other processes work, and tell us nothing
            if time.monotonic() - began_s > IDLE_S_MAX:
                raise StartError(f"the router was not done after {IDLE_S_MAX} s")
            await asyncio.sleep(0.5)
        decided_s = round(time.monotonic() - began_s, 1)
        found = await check(pool, load)
    return RaceResult(account=account, found=found, decided_s=decided_s)
