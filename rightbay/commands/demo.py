"""`rightbay demo`: a fleet, its faults and their referrals, in one terminal."""

import asyncio
import sys
from typing import Annotated

import typer
from rich.console import Console

from rightbay.commands.options import JsonOption
from rightbay.demo.run import DemoSettings, run_demo
from rightbay.demo.view import JsonView, TerminalView
from rightbay.logs import start_logging
from rightbay.settings import LogLevel
from rightbay.supervision.stopping import stop_event

VEHICLES_MAX = 200


def demo(
    *,
    vehicles: Annotated[int, typer.Option(min=1, max=VEHICLES_MAX, help="Size of the fleet.")] = 8,
    seconds: Annotated[float, typer.Option(min=1, help="How long it drives.")] = 30,
    seed: Annotated[int, typer.Option(help="The same seed makes the same faults.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Start everything with simulated vehicles and repairers, and show each referral as it happens.

    It uses a folder and ports of its own and removes what it made; nothing that runs is touched.
    """
    start_logging(LogLevel.ERROR)
    asyncio.run(_run(DemoSettings(vehicles=vehicles, seconds=seconds, seed=seed), as_json=as_json))


async def _run(settings: DemoSettings, *, as_json: bool) -> None:
    view = JsonView(Console(file=sys.stdout)) if as_json else TerminalView(Console())
    async with stop_event(at_parents_death=True) as stop:
        try:
            await run_demo(settings, view, stop=stop)
        finally:
            view.close()
