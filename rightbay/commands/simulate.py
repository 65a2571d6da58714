"""`rightbay simulate`: load on the real way over MQTT, and proofs that need one."""

import asyncio
import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer

from rightbay.bench.ingest_race import RaceResult, RaceSettings
from rightbay.bench.ingest_race import race as run_race
from rightbay.commands.options import DataOption, JsonOption
from rightbay.errors import SettingsError
from rightbay.logs import start_logging
from rightbay.settings import LogLevel, load_settings
from rightbay.supervision.instance import broker_url
from rightbay.supervision.stopping import stop_event
from simulators.load.account import Account
from simulators.load.ledger import ledger
from simulators.load.plan import LATE_S_MAX, Load, Shares
from simulators.load.progress import telling
from simulators.load.sender import Manner, Sender
from simulators.unit.mqtt import BrokerAddress

VEHICLES_MAX = 1_000_000
RATE_MAX = 50_000
SECONDS_MAX = 86_400
# Each stands for a report whose bytes are in memory: about a gigabyte.
OPEN_MAX = 1_000_000

app = typer.Typer(help="Put load on the service, the way vehicles do.", no_args_is_help=True)

Percent = Annotated[float, typer.Option(min=0, max=100, metavar="PERCENT")]


@app.callback()
def simulate() -> None:
    """Put load on the service, the way vehicles do."""


@app.command()
def fleet(
    *,
    vehicles: Annotated[int, typer.Option(min=1, max=VEHICLES_MAX, help="Units.")] = 1_000,
    rate: Annotated[
        float, typer.Option(min=0.1, max=RATE_MAX, help="Distinct reports a second, all together.")
    ] = 100,
    seconds: Annotated[float, typer.Option(min=0.1, max=SECONDS_MAX, help="How long.")] = 10,
    duplicates: Percent = 0,
    reordered: Percent = 0,
    late: Percent = 0,
    poison: Percent = 0,
    onset: Annotated[
        float,
        typer.Option(
            min=0,
            max=100,
            metavar="PERCENT",
            help="Part of the time over which vehicles get their first faults; 0: at once.",
        ),
    ] = 0,
    seed: Annotated[int, typer.Option(help="The same seed makes the same plan.")] = 1,
    connections: Annotated[int, typer.Option(min=1, max=64, help="To send on.")] = 2,
    open_max: Annotated[
        int, typer.Option(min=1, max=OPEN_MAX, help="Reports without a receipt; then it waits.")
    ] = 200_000,
    settle: Annotated[
        float, typer.Option(min=0, max=3_600, help="Seconds to wait for the last receipts.")
    ] = 60,
    on_time: Annotated[
        bool, typer.Option(help="Leave out what could not be sent within the seconds.")
    ] = False,
    without_receipts: Annotated[
        bool, typer.Option(help="Units that take the broker's word, as many devices do.")
    ] = False,
    account: Annotated[
        Path | None, typer.Option(help="File to which each report is noted that a unit lets go.")
    ] = None,
    run: Annotated[
        str | None,
        typer.Option(
            help="Begins the ids; a name used twice repeats them.", show_default="a new one"
        ),
    ] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let many units report over a few connections, and count their receipts.

    Reports are due at fixed times whatever becomes of the earlier ones, and latency counts from
    then. Units without a receipt send again after 4 to 8 s, doubling. Exit code 1 if some report
    was still without a receipt at the end.
    """
    settings = load_settings(data=data)
    try:
        shares = Shares(
            duplicates=duplicates / 100,
            reordered=reordered / 100,
            late=late / 100,
            poison=poison / 100,
        )
    except ValueError as error:
        raise SettingsError(str(error)) from error
    load = Load(
        vehicles=vehicles,
        rate_per_s=rate,
        reports=max(1, round(rate * seconds)),
        run=run or uuid4().hex[:8],
        start_at=datetime.now(UTC),
        shares=shares,
        seed=seed,
        onset=onset / 100,
    )
    with ledger(account) as note:
        manner = Manner(
            prefix=settings.topic_prefix,
            connections=connections,
            open_max=open_max,
            sending_s_max=seconds + LATE_S_MAX if on_time else None,
            settle_s=settle,
            wants_receipts=not without_receipts,
            let_go=note,
        )
        address = BrokerAddress.parse(broker_url(settings))
        books = asyncio.run(_send(Sender(load, manner, address), reports=load.reports))
    _show(books.summary(), as_json=as_json)
    raise typer.Exit(1 if books.open else 0)


@app.command()
def race(
    *,
    reports: Annotated[int, typer.Option(min=1, max=10_000_000, help="Distinct ones.")] = 100_000,
    gateways: Annotated[int, typer.Option(min=1, max=32, help="Which all hear all of them.")] = 8,
    vehicles: Annotated[int, typer.Option(min=1, max=VEHICLES_MAX, help="Units.")] = 5_000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same plan.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Let gateways race for the same reports, and hold the database against the plan.

    A tenth comes twice, a tenth out of order, one in a hundred is poison. It uses a folder, a
    database and a broker of its own. Exit code 1 if anything was lost or doubled.
    """
    start_logging(LogLevel.ERROR)
    settings = RaceSettings(reports=reports, gateways=gateways, vehicles=vehicles, seed=seed)
    result = asyncio.run(_race(settings))
    _show(result.document(), as_json=as_json)
    raise typer.Exit(0 if result.is_won else 1)


async def _race(settings: RaceSettings) -> RaceResult:
    async with stop_event(at_parents_death=True) as stop:
        return await run_race(settings, stop=stop, say=_say)


def _say(text: str) -> None:
    """Show progress to somebody who waits at a terminal."""
    if sys.stderr.isatty():
        typer.echo(text, err=True)


async def _send(sender: Sender, *, reports: int) -> Account:
    async with (
        stop_event(at_parents_death=True) as stop,
        telling(sender.account, reports=reports, say=_say),
    ):
        return await sender.run(stop)


def _show(summary: Mapping[str, float | int | None], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(summary))
        return
    for name, value in summary.items():
        typer.echo(f"{name:<26} {'-' if value is None else value}")
