"""Whatever process is killed: what a unit holds a receipt for is stored, and no case is doubled.

Fifty vehicles report while gateway and router are killed again and again. The same test against a
gateway that answers before COMMIT, and against a router that forgets what it did, must fail.
"""

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from rightbay.demo import DemoSettings, settle
from rightbay.instance import broker_url, database_url
from rightbay.program import Program, tethered
from rightbay.settings import Settings
from rightbay.stack import Stack, role_environment
from simulators.model import DEMO_BOX, Stage
from simulators.world.plan import plan_faults
from simulators.world.roster import fleet_vehicles
from storage.pool import open_pool

pytestmark = pytest.mark.chaos

VEHICLES = 50
SEED = 7
FAULTS_OVER_S = 6.0
KILLS = 4
KILL_EVERY_S = 0.8
# Units wait 4 to 8 s before they send a report again.
SETTLE_S = 14.0
BROKEN = Path(__file__).parent / "broken"


@dataclass(frozen=True)
class Found:
    """What the units were told, held against what is stored.

    Attributes:
        receipted: Reports for which a unit holds a receipt.
        lost: Of these, how many are not stored.
        doubled: Vehicles with two open cases, or with a referral that only repeats another.
        referred: Vehicles with a referral.
        referrals: Stored ones.
        pushed: Distinct referrals that arrived in a vehicle.
    """

    kills: int
    receipted: int
    lost: int
    doubled: int
    referred: int
    referrals: int
    pushed: int


async def drive(folder: Path, *, broken: str = "", settle_s: float = SETTLE_S) -> Found:
    """Let a fleet drive while roles are killed, and count what came of it."""
    demo = DemoSettings(vehicles=VEHICLES, seconds=FAULTS_OVER_S + settle_s, seed=SEED)
    async with Stack(Settings(data=folder / "data"), keeps_role_logs=True) as stack:
        await stack.migrate()
        await settle(stack.settings, demo)
        if broken == "forgetful_router":
            await forget_the_constraint(stack)
        for role in ("gateway", "router", "deliver"):
            await start(stack, role, broken)
        async with fleet(stack, demo, folder) as process:
            assert process.stdout is not None
            pushed = asyncio.create_task(read_pushes(process.stdout))
            kills = await kill_again_and_again(stack)
            await process.wait()
        return await count(stack, folder / "account", kills, await pushed)


async def start(stack: Stack, role: str, broken: str) -> None:
    stand_in = {"early_receipts": "gateway", "forgetful_router": "router"}.get(broken)
    if role != stand_in:
        await stack.start_roles([role])
        return
    await stack.supervisor.start(
        Program(
            name=role,
            argv=(sys.executable, str(BROKEN / f"{broken}.py")),
            env=role_environment(os.environ, stack.settings),
            says_ready=True,
        )
    )


async def forget_the_constraint(stack: Stack) -> None:
    async with open_pool(database_url(stack.settings), size_max=1) as pool:
        await pool.execute("drop index repair_case_one_open")


@asynccontextmanager
async def fleet(
    stack: Stack, demo: DemoSettings, folder: Path
) -> AsyncIterator[asyncio.subprocess.Process]:
    options = {
        "--broker": broker_url(stack.settings),
        "--vehicles": demo.vehicles,
        "--seconds": demo.seconds,
        "--seed": demo.seed,
        "--bbox": DEMO_BOX.text,
        "--faults-over": FAULTS_OVER_S,
        "--poll": 1,
        "--heartbeat": 2,
        "--spool": folder / "spool",
        "--account": folder / "account",
    }
    words = [str(word) for option in options.items() for word in option]
    argv = (sys.executable, "-m", "simulators.fleet", *words)
    process = await asyncio.create_subprocess_exec(
        *tethered(Program(name="fleet", argv=argv)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 20,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def read_pushes(lines: asyncio.StreamReader) -> set[str]:
    """Ids of the referrals that arrived; reads on to the end so that the fleet never waits."""
    events = [json.loads(line) async for line in lines]
    return {event["id"] for event in events if event["event"] == "referral"}


async def kill_again_and_again(stack: Stack) -> int:
    kills = 0
    for role in ("gateway", "router") * KILLS:
        await asyncio.sleep(KILL_EVERY_S)
        for name, identity in stack.supervisor.running:
            if name == role:
                os.kill(identity.pid, signal.SIGKILL)
                kills += 1
    return kills


async def count(stack: Stack, account: Path, kills: int, pushed: set[str]) -> Found:
    text = await asyncio.to_thread(account.read_text)
    lines = [json.loads(line) for line in text.splitlines()]
    receipted = {(line["unit"], line["id"]) for line in lines}
    async with open_pool(database_url(stack.settings), size_max=1) as pool:
        events = await pool.fetch("select unit, event_id from event")
        open_cases = Counter(
            row["vehicle_id"]
            for row in await pool.fetch(
                "select vehicle_id from repair_case where closed_at is null"
            )
        )
        referrals = await pool.fetch(
            "select vehicle_id, case_id, need_digest, urgency from referral"
        )
    answers = Counter(
        (row["vehicle_id"], row["case_id"], row["need_digest"], row["urgency"]) for row in referrals
    )
    stored = {(row["unit"], row["event_id"]) for row in events}
    return Found(
        kills=kills,
        receipted=len(receipted),
        lost=len(receipted - stored),
        doubled=sum(times > 1 for times in (*open_cases.values(), *answers.values())),
        referred=len({row["vehicle_id"] for row in referrals}),
        referrals=len(referrals),
        pushed=len(pushed),
    )


def vehicles_with_a_sure_fault() -> set[str]:
    """Those of the fleet in which more than a pending code is set; these have to be referred."""
    vehicles = fleet_vehicles(VEHICLES, SEED, DEMO_BOX)
    return {
        planned.unit
        for planned in plan_faults(vehicles, seed=SEED, over_s=FAULTS_OVER_S)
        if any(fault.stage is not Stage.PENDING for fault in planned.scenario.faults)
    }


async def test_kills_lose_no_receipted_report_and_double_no_case(tmp_path: Path) -> None:
    found = await drive(tmp_path)
    assert found.kills >= 2 * KILLS - 2  # one that was just dead cannot be killed
    assert found.receipted > VEHICLES
    assert found.lost == 0
    assert found.doubled == 0
    assert found.referred == len(vehicles_with_a_sure_fault())
    assert found.pushed == found.referrals


async def test_a_gateway_that_answers_before_the_commit_is_found_out(tmp_path: Path) -> None:
    found = await drive(tmp_path, broken="early_receipts", settle_s=4)
    assert found.lost > 0


async def test_a_router_that_forgets_what_it_did_is_found_out(tmp_path: Path) -> None:
    found = await drive(tmp_path, broken="forgetful_router", settle_s=4)
    assert found.doubled > 0
