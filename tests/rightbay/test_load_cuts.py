"""The network between any two parts may be cut, fall silent or be slow: nothing is lost, and all of
it goes on within ten seconds after the network does.

    CUT_S=60 pytest -m load tests/rightbay/test_load_cuts.py

is the long run: a minute for each line and each way to fail.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from rightbay.bench.ingest_check import check, is_busy
from rightbay.servers import broker, postgres
from rightbay.settings import Settings
from rightbay.supervision.instance import database_url
from rightbay.supervision.program import Program, tethered
from rightbay.supervision.stack import Stack, role_environment
from simulators.load.plan import Load
from simulators.load.proxy import HOST, Proxy, State
from storage.pool import Pool, open_pool

pytestmark = [pytest.mark.chaos, pytest.mark.load]

IS_LONG = "CUT_S" in os.environ
CUT_S = float(os.environ.get("CUT_S", "1"))
RATE_PER_S = 150
RECOVERY_S_MAX = 10.0
DELAY_S = 0.2
SETTLE_S_MAX = 60
IDLE_S_MAX = 90
# Each line and what shows that it carries again: a count that grows.
EVENTS = "select count(*) from event"
CASES = "select count(*) from repair_case"
PUSHED = "select count(*) from outbox where delivered_at is not null"
LINES: Mapping[str, str] = {
    "unit-broker": EVENTS,
    "gateway-broker": EVENTS,
    "gateway-database": EVENTS,
    "router-database": CASES,
    "deliver-broker": PUSHED,
    "deliver-database": PUSHED,
}
ROLES = ("gateway", "router", "deliver")


@dataclass(frozen=True)
class Network:
    """An instance whose parts are joined by lines that we hold.

    Attributes:
        pool: To look into the database, on a line that always works.
    """

    lines: Mapping[str, Proxy]
    pool: Pool


@asynccontextmanager
async def network(folder: Path, load: Load) -> AsyncIterator[Network]:
    """Start everything and the load; at the end nothing may be lost or left to do."""
    async with AsyncExitStack() as exits:
        stack = await exits.enter_async_context(
            Stack(Settings(data=folder / "data"), keeps_role_logs=True)
        )
        await stack.migrate()
        to_broker = (HOST, urlsplit(stack.settings.broker_url or "").port or 0)
        to_database = socket_of(stack.settings.database_url or "")
        lines = {
            name: await exits.enter_async_context(
                Proxy(to_broker if name.endswith("broker") else to_database)
            )
            for name in LINES
        }
        for role in ROLES:
            await stack.supervisor.start(stack._role(role, joined(stack, role, lines)))
        pool = await exits.enter_async_context(open_pool(database_url(stack.settings), size_max=1))
        units = await exits.enter_async_context(fleet(joined(stack, "unit", lines), load))
        yield Network(lines, pool)
        books = json.loads(await units.stdout.read()) if units.stdout else {}
        assert books["open"] == 0
        deadline_s = time.monotonic() + IDLE_S_MAX
        while await is_busy(pool) and time.monotonic() < deadline_s:  # noqa: ASYNC110 - others work
            await asyncio.sleep(0.2)
        found = await check(pool, load)
        assert found.is_whole, found


def joined(stack: Stack, part: str, lines: Mapping[str, Proxy]) -> Settings:
    """Give the settings of a part that reaches the servers by its own lines."""
    settings = stack.settings
    if proxy := lines.get(f"{part}-broker"):
        settings = replace(settings, broker_url=broker.broker_url(proxy.port))
    if proxy := lines.get(f"{part}-database"):
        url = f"postgresql://{postgres.NAME}@{HOST}:{proxy.port}/{postgres.NAME}"
        settings = replace(settings, database_url=url)
    return settings


def socket_of(url: str) -> Path:
    query = parse_qs(urlsplit(url).query)
    return Path(query["host"][0], f".s.PGSQL.{query['port'][0]}")


@asynccontextmanager
async def fleet(settings: Settings, load: Load) -> AsyncIterator[asyncio.subprocess.Process]:
    options = {
        "--vehicles": load.vehicles,
        "--rate": load.rate_per_s,
        "--seconds": load.reports / load.rate_per_s,
        "--seed": load.seed,
        "--run": load.run,
        "--settle": SETTLE_S_MAX,
    }
    words = [str(word) for option in options.items() for word in option]
    argv = (sys.executable, "-m", "rightbay", "simulate", "fleet", "--json", *words)
    process = await asyncio.create_subprocess_exec(
        *tethered(Program(name="fleet", argv=argv)),
        env=role_environment(os.environ, settings),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def load_for(seconds: float) -> Load:
    """Every report comes from a vehicle of its own: new cases and pushes all the time."""
    reports = round(RATE_PER_S * seconds)
    return Load(
        vehicles=reports,
        rate_per_s=RATE_PER_S,
        reports=reports,
        run="cuts",
        start_at=datetime.now(UTC),
    )


async def recovery_s(net: Network, query: str) -> float:
    """Wait until a count grows; give how long that took."""
    began_s, before = time.monotonic(), await net.pool.fetchval(query)
    while await net.pool.fetchval(query) == before:
        await asyncio.sleep(0.05)
        if time.monotonic() - began_s > 3 * RECOVERY_S_MAX:
            break
    return time.monotonic() - began_s


async def break_each(net: Network, state: State) -> dict[str, float]:
    """Break one line after the other; give how long each needed after it was whole again."""
    took = {}
    for name, query in LINES.items():
        net.lines[name].become(state)
        await asyncio.sleep(CUT_S)
        net.lines[name].become(State.OPEN)
        took[name] = round(await recovery_s(net, query), 2)
    return took


async def break_all(net: Network, state: State) -> dict[str, float]:
    """Break all lines at once."""
    for line in net.lines.values():
        line.become(state)
    await asyncio.sleep(CUT_S)
    for line in net.lines.values():
        line.become(State.OPEN)
    began_s = time.monotonic()
    took = {}
    for name in ("gateway-database", "router-database", "deliver-broker"):
        await recovery_s(net, LINES[name])
        took[name] = round(time.monotonic() - began_s, 2)
    return took


Break = Callable[[Network, State], Awaitable[dict[str, float]]]


@pytest.mark.parametrize(
    ("state", "breaking", "seconds"),
    [
        pytest.param(State.CUT, break_each, 6 * (CUT_S + 2), id="each cut"),
        pytest.param(State.DEAF, break_all, CUT_S + 9, id="all deaf"),
        *(
            [pytest.param(State.DEAF, break_each, 6 * (CUT_S + 8), id="each deaf")]
            if IS_LONG
            else []
        ),
    ],
)
async def test_after_a_broken_line_everything_goes_on_and_nothing_is_lost(
    tmp_path: Path, state: State, breaking: Break, seconds: float
) -> None:
    async with network(tmp_path, load_for(seconds)) as net:
        assert await recovery_s(net, PUSHED) < RECOVERY_S_MAX  # all of it works
        took = await breaking(net, state)
        if IS_LONG:
            sys.stderr.write(f"{state}: {json.dumps(took)}\n")
    assert max(took.values()) <= RECOVERY_S_MAX, took


async def test_a_slow_network_costs_time_and_nothing_else(tmp_path: Path) -> None:
    # Few vehicles: each answer of the database takes 0.4 s now, and a new statement needs two.
    # What is to hold stands at the end of `network`.
    load = replace(load_for(6), vehicles=8, rate_per_s=20, reports=120)
    async with network(tmp_path, load) as net:
        for name, line in net.lines.items():
            # Half a minute for the few decisions is for the long run.
            line.delay_s = DELAY_S if name != "router-database" or IS_LONG else 0.0
