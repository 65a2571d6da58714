"""`rightbay bench ingest`: the way of a report to its receipt, beside the bare pipe."""

import asyncio
import json
import sys
from typing import Annotated

import typer

from rightbay.bench.ingest import IngestResult, IngestSettings, measure
from rightbay.commands.options import JsonOption
from rightbay.logs import start_logging
from rightbay.settings import LogLevel


def ingest(
    *,
    rounds: Annotated[int, typer.Option(min=1, max=50, help="Of which the median counts.")] = 5,
    reports: Annotated[
        int, typer.Option(min=5_000, max=1_000_000, help="In one round of the sustained rate.")
    ] = 12_000,
    vehicles: Annotated[int, typer.Option(min=1, max=100_000, help="That send them.")] = 2_000,
    latency_s: Annotated[
        float, typer.Option(min=1, max=600, help="Seconds of each open-loop measurement.")
    ] = 10,
    as_json: JsonOption = False,
) -> None:
    """Send reports through broker, gateway and database to their receipts, and through a bare pipe.

    It uses a folder, a database and a broker of its own and removes what it made.
    """
    start_logging(LogLevel.ERROR)
    settings = IngestSettings(
        rounds=rounds, reports=reports, vehicles=vehicles, latency_s=latency_s
    )
    result = asyncio.run(measure(settings, say=_say))
    typer.echo(json.dumps(result.document()) if as_json else _text(result))


def _say(text: str) -> None:
    if sys.stderr.isatty():
        typer.echo(text, err=True)


def _text(result: IngestResult) -> str:
    sustained = (
        f"sustained   {result.ours_per_s:,.0f} reports a second, the bare pipe"
        f" {result.bare_per_s:,.0f}: {result.ratio:.2f} of it"
        f" ({result.ratio_min:.2f} to {result.ratio_max:.2f} in {result.rounds} rounds)"
    )
    processor = (
        f"processor   {result.ours_processor_us:,.0f} µs for each report, with broker and database;"
        f" the bare pipe {result.bare_processor_us:,.0f}"
    )
    receipts = (
        f"receipts    at {result.latency_rate_per_s:,.0f} a second, open loop:"
        f" p50 {result.ours_p50_ms:.1f} ms, p99 {result.ours_p99_ms:.1f} ms; the bare pipe"
        f" {result.bare_p50_ms:.1f} and {result.bare_p99_ms:.1f}"
    )
    machine = f"machine     load average {result.load_average:.1f} before it began"
    return f"{sustained}\n{processor}\n{receipts}\n{machine}"
