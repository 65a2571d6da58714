"""How many reports a second the gateway sustains, and how late its receipts are.

Beside it, in the same run and in turn, the bare pipe (`ingest_bare`): the ratio of the two says
more than either, because machines differ. Everything lives in a folder that goes at the end.
"""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import psutil

from rightbay.errors import StartError
from rightbay.settings import Settings
from rightbay.supervision.program import Program, tethered
from rightbay.supervision.stack import Stack, role_environment

OURS, BARE = "ours", "bare"
PREFIX = {OURS: "rb/1", BARE: "bare/1"}
# Enough in flight that neither pipe ever waits for the next report, and few enough that none of
# them waits for so long that its unit would send it again.
WINDOW_REPORTS = 2_000
SATURATING_PER_S = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestSettings:
    """What is measured.

    Attributes:
        rounds: Of each pipe, in turn, after one that does not count.
        reports: In one round of the sustained rate.
        vehicles: That send them.
        latency_s: Length of each open-loop measurement.
    """

    rounds: int = 5
    reports: int = 12_000
    vehicles: int = 2_000
    latency_s: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestResult:
    """What was measured.

    Attributes:
        ours_per_s: Receipted reports a second, median over the rounds.
        bare_per_s: The same of the bare pipe.
        ratio: Median over the rounds of ours by bare.
        ratio_min: The worst round.
        ratio_max: The best one.
        ours_processor_us: Processor time for one report, of gateway, broker and database together;
            unlike the rates, it hardly depends on what else the machine does.
        latency_rate_per_s: Open loop, half of what ours sustains.
        ours_p50_ms: Receipt after the moment at which the report was due.
        load_average: Of the machine before it began, one minute.
    """

    rounds: int
    ours_per_s: float
    bare_per_s: float
    ratio: float
    ratio_min: float
    ratio_max: float
    ours_processor_us: float
    bare_processor_us: float
    latency_rate_per_s: float
    ours_p50_ms: float
    ours_p99_ms: float
    bare_p50_ms: float
    bare_p99_ms: float
    load_average: float

    def document(self) -> dict[str, float | int]:
        """Give it as one flat object."""
        return asdict(self)


async def measure(
    settings: IngestSettings, *, say: Callable[[str], None] = lambda _: None
) -> IngestResult:
    """Measure both pipes in turn.

    Raises:
        RightbayError: Something did not start, or a round ended without all its receipts.
    """
    load_average = os.getloadavg()[0]
    with TemporaryDirectory(prefix="rightbay-bench-") as folder:
        os.chmod(folder, 0o711)  # noqa: PTH101, S103 - root's servers run as somebody else
        async with Stack(Settings(data=Path(folder, "data")), keeps_role_logs=True) as stack:
            await stack.migrate()
            await stack.start_roles(["gateway"])
            await stack.supervisor.start(_bare_program(stack))
            rates: dict[str, list[float]] = {OURS: [], BARE: []}
            spent_us: dict[str, list[float]] = {OURS: [], BARE: []}
            for turn in range(settings.rounds + 1):
                for pipe in (BARE, OURS) if turn % 2 else (OURS, BARE):
                    before_s = _processor_s(stack, pipe)
                    rate_per_s = await _sustained(stack, pipe, settings)
                    report_us = (_processor_s(stack, pipe) - before_s) / settings.reports * 1e6
                    say(
                        f"round {turn}: {pipe} {rate_per_s:,.0f} reports a second,"
                        f" {report_us:.0f} µs of processor for each"
                    )
                    if turn:
                        rates[pipe].append(rate_per_s)
                        spent_us[pipe].append(report_us)
            half_per_s = median(rates[OURS]) / 2
            late = {
                pipe: await _latency(stack, pipe, half_per_s, settings) for pipe in (BARE, OURS)
            }
    ratios = [ours / bare for ours, bare in zip(rates[OURS], rates[BARE], strict=True)]
    return IngestResult(
        rounds=settings.rounds,
        ours_per_s=round(median(rates[OURS])),
        bare_per_s=round(median(rates[BARE])),
        ratio=round(median(ratios), 3),
        ratio_min=round(min(ratios), 3),
        ratio_max=round(max(ratios), 3),
        ours_processor_us=round(median(spent_us[OURS]), 1),
        bare_processor_us=round(median(spent_us[BARE]), 1),
        latency_rate_per_s=round(half_per_s),
        ours_p50_ms=late[OURS][0],
        ours_p99_ms=late[OURS][1],
        bare_p50_ms=late[BARE][0],
        bare_p99_ms=late[BARE][1],
        load_average=load_average,
    )


def _processor_s(stack: Stack, pipe: str) -> float:
    """Processor time spent until now by a pipe and by the servers, with their children."""
    names = {"gateway" if pipe == OURS else "bare", "postgres", "broker"}
    spent_s = 0.0
    for name, identity in stack.supervisor.running:
        if name in names:
            program = psutil.Process(identity.pid)
            for process in (program, *program.children(recursive=True)):
                with contextlib.suppress(psutil.Error):  # it ended in between
                    times = process.cpu_times()
                    spent_s += times.user + times.system
    return spent_s


def _bare_program(stack: Stack) -> Program:
    return Program(
        name="bare",
        argv=(sys.executable, "-m", "rightbay.bench.ingest_bare"),
        env=role_environment(os.environ, _with_prefix(stack, BARE)),
        says_ready=True,
        log=stack.settings.data / "logs" / "bare.log",
    )


def _with_prefix(stack: Stack, pipe: str) -> Settings:
    return replace(stack.settings, topic_prefix=PREFIX[pipe])


async def _sustained(stack: Stack, pipe: str, settings: IngestSettings) -> float:
    """Receipted reports a second while there is always another one waiting."""
    books = await _fleet(
        stack,
        pipe,
        vehicles=settings.vehicles,
        rate=SATURATING_PER_S,
        seconds=settings.reports / SATURATING_PER_S,
        open_max=WINDOW_REPORTS,
    )
    return books["receipted_per_s"]


async def _latency(
    stack: Stack, pipe: str, rate_per_s: float, settings: IngestSettings
) -> tuple[float, float]:
    books = await _fleet(
        stack, pipe, vehicles=settings.vehicles, rate=rate_per_s, seconds=settings.latency_s
    )
    return books["latency_ms_p50"], books["latency_ms_p99"]


async def _fleet(stack: Stack, pipe: str, **options: float) -> dict[str, float]:
    """Send one load from a process of its own, and give its books."""
    words = [word for name, value in options.items() for word in (_option(name), str(value))]
    argv = (sys.executable, "-m", "rightbay", "simulate", "fleet", "--json", *words)
    process = await asyncio.create_subprocess_exec(
        *tethered(Program(name="fleet", argv=argv)),
        env=role_environment(os.environ, _with_prefix(stack, pipe)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise StartError(f"some reports to the pipe {pipe!r} got no receipt")
    books: dict[str, float] = json.loads(said)
    return books


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")
