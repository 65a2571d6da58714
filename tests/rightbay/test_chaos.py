"""Whatever is killed: what a unit holds a receipt for is stored, and nothing is counted twice.

A thousand reports a second, while gateway, router, delivery, broker and PostgreSQL are killed in
turn by chance. The same against a gateway that answers before COMMIT, units that take the broker's
word, a gateway that acknowledges in the name of an older connection, and a router that forgets what
it did: each of these must fail.

    CHAOS_KILLS=300 CHAOS_BROKER=nats-server pytest tests/rightbay/test_chaos.py -k kills_lose

is the long run, and says at its end what it found; with CHAOS_EVERY_S there are other pauses
between two kills, with CHAOS_RATE other numbers of reports a second.
"""

import asyncio
import json
import os
import random
import signal
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rightbay.bench.ingest_check import Found, check, is_busy
from rightbay.demo.run import DemoSettings, settle
from rightbay.servers import broker
from rightbay.servers.broker import BrokerKind
from rightbay.settings import Settings
from rightbay.supervision.instance import database_url
from rightbay.supervision.program import Program, tethered
from rightbay.supervision.stack import Stack, role_environment
from simulators.load.plan import Load, Shares
from storage.pool import Pool, open_pool

pytestmark = pytest.mark.chaos

KILLS = int(os.environ.get("CHAOS_KILLS", "20"))
BROKER = os.environ.get("CHAOS_BROKER", BrokerKind.MOSQUITTO)
SEED = int(os.environ.get("CHAOS_SEED", "7"))
VICTIMS = ("gateway", "router", "deliver", "broker", "postgres")
KILL_EVERY_S = float(os.environ.get("CHAOS_EVERY_S", "2.2"))
QUIET_S = 3.0  # before the first kill and after the last one
RATE_PER_S = float(os.environ.get("CHAOS_RATE", "1000"))
VEHICLES = 1_500
# Of the long way through: every second, three quarters of these get a first fault, and some more.
NEW_VEHICLES_PER_S = 30
SETTLE_S_MAX = 120
# A machine too slow for the rate is not to drown in what is sent again: units wait then, and
# what they could not send in time is left out.
OPEN_MAX = 6_000
IDLE_S_MAX = 30
SHARES = Shares(duplicates=0.05, reordered=0.05, late=0.02)
BROKEN = Path(__file__).parent / "broken"
ROLES = ("gateway", "router", "deliver")


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What is done to the service.

    Attributes:
        victims: Killed one after the other, evenly over the time.
        seconds: For how long reports are due.
        broken: The stand-in that takes its role's place.
        wants_receipts: False for units that take the broker's word.
        settle_s: How long the units wait for their last receipts.
        vehicles: Which report in turn.
        onset: Over which part of the time their first faults come, so that there is always
            something to decide.
    """

    victims: Sequence[str]
    seconds: float
    settle_s: float = 4.0
    broken: str = ""
    wants_receipts: bool = True
    vehicles: int = VEHICLES
    onset: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of it: the units' own books beside what the database holds."""

    kills: int
    books: dict[str, float]
    found: Found


async def drive(folder: Path, trial: Trial) -> Outcome:
    load = Load(
        vehicles=trial.vehicles,
        rate_per_s=RATE_PER_S,
        reports=round(RATE_PER_S * trial.seconds),
        run="chaos",
        start_at=datetime.now(UTC),
        shares=SHARES,
        seed=SEED,
        onset=trial.onset,
    )
    async with Stack(Settings(data=folder / "data"), keeps_role_logs=True) as stack:
        await stack.migrate()
        await settle(stack.settings, DemoSettings(vehicles=1, seconds=1, seed=SEED))
        if trial.broken == "forgetful_router":
            await forget_the_constraint(stack)
        for role in ROLES:
            await start(stack, role, trial.broken)
        async with fleet(stack, load, trial) as units:
            kills = await kill_in_turn(stack, trial)
            books = json.loads(await units.stdout.read()) if units.stdout else {}
        async with open_pool(database_url(stack.settings), size_max=1) as pool:
            deadline_s = time.monotonic() + IDLE_S_MAX
            while not trial.broken and await is_busy(pool) and time.monotonic() < deadline_s:  # noqa: ASYNC110 - other processes work
                await asyncio.sleep(0.2)
            found = await check(pool, load, due=books["due"])
    return Outcome(kills=kills, books=books, found=found)


async def start(stack: Stack, role: str, broken: str) -> None:
    stand_in = {"early_receipts": "gateway", "forgetful_router": "router"}.get(broken)
    if role == stand_in:
        await stack.supervisor.start(stand_in_program(stack, role, f"{broken}.py"))
    else:
        await stack.start_roles([role])


def stand_in_program(stack: Stack, role: str, *words: str) -> Program:
    script, *arguments = words
    return Program(
        name=role,
        argv=(sys.executable, str(BROKEN / script), *arguments),
        env=role_environment(os.environ, stack.settings),
        says_ready=True,
    )


async def forget_the_constraint(stack: Stack) -> None:
    async with open_pool(database_url(stack.settings), size_max=1) as pool:
        await pool.execute("drop index repair_case_one_open")


@asynccontextmanager
async def fleet(
    stack: Stack, load: Load, trial: Trial
) -> AsyncIterator[asyncio.subprocess.Process]:
    options = {
        "--vehicles": load.vehicles,
        "--rate": load.rate_per_s,
        "--seconds": load.reports / load.rate_per_s,
        "--duplicates": 100 * load.shares.duplicates,
        "--reordered": 100 * load.shares.reordered,
        "--late": 100 * load.shares.late,
        "--onset": 100 * load.onset,
        "--seed": load.seed,
        "--run": load.run,
        "--settle": trial.settle_s,
        "--open-max": OPEN_MAX,
    }
    words = [str(word) for option in options.items() for word in option]
    argv = (sys.executable, "-m", "rightbay", "simulate", "fleet", "--json", "--on-time", *words)
    process = await asyncio.create_subprocess_exec(
        *tethered(Program(name="fleet", argv=argv)),
        *(() if trial.wants_receipts else ("--without-receipts",)),
        env=role_environment(os.environ, stack.settings),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def kill_in_turn(stack: Stack, trial: Trial) -> int:
    kills, every_s = 0, (trial.seconds - 2 * QUIET_S) / max(1, len(trial.victims))
    await asyncio.sleep(QUIET_S)
    for victim in trial.victims:
        kills += kill(stack, victim)
        await asyncio.sleep(every_s)
    return kills


def kill(stack: Stack, victim: str) -> int:
    """Kill one program; 0 if it is dead just now."""
    for name, identity in stack.supervisor.running:
        if name == victim:
            os.kill(identity.pid, signal.SIGKILL)
            return 1
    return 0


def use_broker(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = {found.kind: found for found in broker.find_brokers()}.get(BrokerKind(kind))
    if chosen is not None:
        monkeypatch.setattr(broker, "choose_broker", lambda: chosen)
        return
    pytest.skip(f"NOT TESTED: {kind} is not installed on this machine")


@pytest.fixture
def _forgetful_mosquitto(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker that forgets sessions and messages when it is killed, at whatever moment."""
    use_broker(BrokerKind.MOSQUITTO, monkeypatch)
    monkeypatch.setattr(broker, "AUTOSAVE_S", 3_600)


async def test_kills_lose_no_report_and_double_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = [found.kind for found in broker.find_brokers()]
    use_broker(BROKER if "CHAOS_BROKER" in os.environ else kinds[0], monkeypatch)
    chance = random.Random(SEED)  # noqa: S311 - a test that fails has to repeat
    # Each in every round, in an order that changes: none is spared for long.
    rounds = [chance.sample(VICTIMS, len(VICTIMS)) for _ in range(-(-KILLS // len(VICTIMS)))]
    victims = [victim for one in rounds for victim in one][:KILLS]
    seconds = KILLS * KILL_EVERY_S + 2 * QUIET_S
    trial = Trial(
        victims=victims,
        seconds=seconds,
        settle_s=SETTLE_S_MAX,
        vehicles=round(NEW_VEHICLES_PER_S * seconds),
        onset=0.9,
    )
    outcome = await drive(tmp_path, trial)
    if "CHAOS_KILLS" in os.environ:
        told = {"kills": outcome.kills, **outcome.books, **asdict(outcome.found)}
        sys.stderr.write(json.dumps(told, indent=2) + "\n")
    assert outcome.kills >= 0.8 * KILLS  # one that is just dead cannot be killed
    assert outcome.books["open"] == 0
    assert outcome.books["receipted"] == outcome.books["due"] > 0
    assert outcome.found.is_whole, outcome.found
    assert outcome.found.stored == outcome.found.planned
    assert outcome.found.cases > 0


async def test_a_gateway_that_answers_before_the_commit_is_found_out(tmp_path: Path) -> None:
    trial = Trial(victims=["gateway"] * 3, seconds=7.5, broken="early_receipts")
    outcome = await drive(tmp_path, trial)
    assert outcome.books["let_go"] > outcome.found.stored
    assert outcome.found.lost > 0


@pytest.mark.usefixtures("_forgetful_mosquitto")
async def test_units_that_take_the_brokers_word_lose_reports_with_the_broker(
    tmp_path: Path,
) -> None:
    trial = Trial(victims=["broker"] * 2, seconds=8, wants_receipts=False)
    outcome = await drive(tmp_path, trial)
    assert outcome.books["let_go"] > outcome.found.stored
    assert outcome.found.lost > 0


async def test_a_router_that_forgets_what_it_did_is_found_out(tmp_path: Path) -> None:
    outcome = await drive(
        tmp_path, Trial(victims=["router"] * 3, seconds=7.5, broken="forgetful_router")
    )
    assert outcome.found.doubled > 0


UNASKED = Trial(victims=(), seconds=1, wants_receipts=False)
AFTER = Load(vehicles=50, rate_per_s=300, reports=300, run="after", start_at=datetime.now(UTC))


async def lost_behind_late_acknowledgements(folder: Path, *words: str, within_s: float) -> int:
    """Count what is lost of 300 reports that units without receipts sent to a living broker.

    Before, the broker died while the gateway held a batch; now the batch is stored and
    acknowledged, late, and then the gateway dies with the 300 in its hands.
    """
    before = Load(vehicles=50, rate_per_s=300, reports=60, run="before", start_at=AFTER.start_at)
    is_back = folder / "back"
    async with Stack(Settings(data=folder / "data"), keeps_role_logs=True) as stack:
        await stack.migrate()
        program = stand_in_program(
            stack, "gateway", "late_acknowledgements.py", str(folder), *words
        )
        await stack.supervisor.start(program)
        async with fleet(stack, before, UNASKED) as units:
            await units.wait()
        kill(stack, "broker")
        async with asyncio.timeout(20):
            while not is_back.exists():  # noqa: ASYNC110 - another process makes it
                await asyncio.sleep(0.05)
        async with fleet(stack, AFTER, UNASKED) as units:
            assert await units.wait() == 0
        (folder / "sent").touch()
        async with open_pool(database_url(stack.settings), size_max=1) as pool:
            return await missing(pool, within_s=within_s)


async def missing(pool: Pool, *, within_s: float) -> int:
    """Wait for them to arrive after all; give how many did not."""
    deadline_s, count = time.monotonic() + within_s, AFTER.reports
    while count and time.monotonic() < deadline_s:
        await asyncio.sleep(0.1)
        stored = await pool.fetchval("select count(*) from event where event_id like 'after-%'")
        count = AFTER.reports - stored
    return count


@pytest.mark.usefixtures("_forgetful_mosquitto")
async def test_what_a_living_broker_has_is_not_lost_by_late_acknowledgements(
    tmp_path: Path,
) -> None:
    assert await lost_behind_late_acknowledgements(tmp_path, within_s=30) == 0


@pytest.mark.usefixtures("_forgetful_mosquitto")
async def test_a_gateway_without_epochs_is_found_out(tmp_path: Path) -> None:
    assert await lost_behind_late_acknowledgements(tmp_path, "--without-epochs", within_s=5) > 0
