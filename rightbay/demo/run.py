"""The main job in one go: a network of repairers, a small fleet whose faults appear, and referrals.

Everything is real but the vehicles: PostgreSQL, a broker, every role as its own process, CAN frames
on virtual buses, referrals that came back over MQTT. It lives in a folder of its own, which goes at
the end; servers that the environment names are left alone.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from rightbay.errors import StartError
from rightbay.settings import Settings
from rightbay.supervision.instance import broker_url, database_url
from rightbay.supervision.program import Program, tethered
from rightbay.supervision.stack import Stack, role_environment
from routing.model import RegisteredVehicle
from simulators.model import DEMO_BOX
from simulators.network import repairer_network
from simulators.world.roster import SimulatedVehicle, fleet_vehicles
from storage.directory import PostgresDirectoryStore
from storage.pool import open_pool
from storage.vehicles import register_vehicles

SITES_PER_VEHICLE, SITES_MIN, SITES_MAX = 4, 60, 400
STOP_S_MAX = 10.0
LINE_BYTES_MAX = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoSettings:
    """What is shown.

    Attributes:
        vehicles: Size of the fleet.
        seconds: How long it drives.
        seed: The same seed makes the same vehicles, faults and repairers.
    """

    vehicles: int
    seconds: float
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownReferral:
    """A referral as the car got it, with the whole decision behind it.

    Attributes:
        document: The referral as the API gives it.
        since_report_s: From the moment the unit first sent the report.
    """

    unit: str
    document: dict[str, Any]
    since_report_s: float | None


@dataclass(slots=True)
class Summary:
    """What happened, counted.

    Attributes:
        ready_s: From the start until every role did its work.
        first_referral_s: From the start until the first referral was in a car; None if none was.
        latencies_s: From sending a report to having the referral in the car, one for each referral.
    """

    ready_s: float = 0.0
    first_referral_s: float | None = None
    counts: dict[str, int] = field(default_factory=dict)
    with_offers: int = 0
    passed_over_nearer: int = 0
    latencies_s: list[float] = field(default_factory=list)

    def latency_ms(self, percent: int) -> float | None:
        """A percentile of the latencies, 1 to 99; None if there are none."""
        if not self.latencies_s:
            return None
        if len(self.latencies_s) == 1:
            return self.latencies_s[0] * 1000
        return quantiles(self.latencies_s, n=100, method="inclusive")[percent - 1] * 1000


class View:
    """What a demo tells whoever watches; this one says nothing."""

    def starting(self, text: str) -> None:
        """Something that takes a moment begins."""

    def ready(self, *, api_url: str, sites: int, vehicles: int) -> None:
        """Everything runs; faults will appear from now on."""

    def referral(self, shown: ShownReferral) -> None:
        """A referral arrived in a car."""

    def done(self, summary: Summary) -> None:
        """The fleet has stopped, everything is ended."""

    def close(self) -> None:
        """Nothing will be told any more."""


async def run_demo(settings: DemoSettings, view: View, *, stop: asyncio.Event) -> Summary:
    """Start everything, show it, and end everything.

    Args:
        settings: What to show.
        view: Told of everything.
        stop: Set to end it early, in good order.

    Raises:
        RightbayError: Something did not start; nothing is left of the rest.
    """
    started_s, summary = time.monotonic(), Summary()
    with TemporaryDirectory(prefix="rightbay-demo-") as folder:
        # The servers run under another user if we are root, who has to pass through.
        os.chmod(folder, 0o711)  # noqa: PTH101, S103 - the data below stay closed
        own = Settings(data=Path(folder, "data"))
        async with Stack(own, keeps_role_logs=True, say=view.starting) as stack:
            await stack.migrate()
            view.starting("settling repairers and vehicles")
            sites, fleet = await settle(stack.settings, settings)
            await stack.start_roles()
            summary.ready_s = time.monotonic() - started_s
            view.ready(api_url=stack.api_url or "", sites=sites, vehicles=len(fleet))
            async with _fleet(stack, settings, Path(folder)) as process:
                await _until_stopped(_watch(process, stack, view, summary, started_s), stop)
    view.done(summary)
    return summary


async def _until_stopped(watching: Coroutine[None, None, None], stop: asyncio.Event) -> None:
    task = asyncio.ensure_future(watching)
    stopped = asyncio.create_task(stop.wait(), name="stop")
    await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not task.done():
        task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def settle(
    settings: Settings, demo: DemoSettings
) -> tuple[int, tuple[SimulatedVehicle, ...]]:
    """Put repairers into the directory and vehicles into the register."""
    number = min(max(SITES_MIN, SITES_PER_VEHICLE * demo.vehicles), SITES_MAX)
    sites = repairer_network(DEMO_BOX, seed=demo.seed, sites=number)
    fleet = fleet_vehicles(demo.vehicles, demo.seed, DEMO_BOX)
    async with open_pool(database_url(settings), size_max=1) as pool:
        await PostgresDirectoryStore(pool).import_sites(sites, source="simulated network")
        await register_vehicles(pool, [_registered(vehicle) for vehicle in fleet])
    return len(sites), fleet


def _registered(vehicle: SimulatedVehicle) -> RegisteredVehicle:
    return RegisteredVehicle(
        unit=vehicle.unit,
        vin=vehicle.vin,
        make=vehicle.kind.make,
        model_year=vehicle.kind.model_year,
        powertrain=vehicle.kind.powertrain,
        vehicle_class=vehicle.kind.vehicle_class,
        fleet=vehicle.fleet,
    )


@contextlib.asynccontextmanager
async def _fleet(
    stack: Stack, demo: DemoSettings, folder: Path
) -> AsyncIterator[asyncio.subprocess.Process]:
    """The fleet as a child that cannot outlive us."""
    options = {
        "--broker": broker_url(stack.settings),
        "--vehicles": demo.vehicles,
        "--seconds": demo.seconds,
        "--seed": demo.seed,
        "--bbox": DEMO_BOX.text,
        "--faults-over": demo.seconds * 0.8,
        "--prefix": stack.settings.topic_prefix,
    }
    words = [str(word) for option in options.items() for word in option]
    argv = (sys.executable, "-m", "simulators.fleet", *words, "--spool", str(folder / "spool"))
    with (folder / "fleet.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *tethered(Program(name="fleet", argv=argv)),
            env=role_environment(os.environ, stack.settings),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            limit=LINE_BYTES_MAX,
            process_group=0,
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_S_MAX):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


async def _watch(
    process: asyncio.subprocess.Process,
    stack: Stack,
    view: View,
    summary: Summary,
    started_s: float,
) -> None:
    """Read what the fleet tells until it ends, and look each referral up."""
    if process.stdout is None or stack.api_url is None:
        raise StartError("the fleet has no output")
    async with httpx.AsyncClient(base_url=stack.api_url, trust_env=False) as api:
        async for line in process.stdout:
            event = json.loads(line)
            kind = event["event"]
            summary.counts[kind] = summary.counts.get(kind, 0) + 1
            if kind != "referral":
                continue
            if summary.first_referral_s is None:
                summary.first_referral_s = time.monotonic() - started_s
            since_report_s = event.get("since_report_s")
            if since_report_s is not None:
                summary.latencies_s.append(since_report_s)
            answer = await api.get(f"/v1/referrals/{event['id']}")
            document = answer.raise_for_status().json()
            _count(summary, document)
            view.referral(
                ShownReferral(unit=event["unit"], document=document, since_report_s=since_report_s)
            )
    if await process.wait() != 0:
        raise StartError("the simulated fleet failed")


def _count(summary: Summary, document: dict[str, Any]) -> None:
    offers, excluded = document["offers"], document["excluded"]
    if offers:
        summary.with_offers += 1
        nearest_m = min((site["distance_m"] for site in excluded), default=offers[0]["distance_m"])
        summary.passed_over_nearer += nearest_m < offers[0]["distance_m"]
