"""`rightbay bench dtc`: load the knowledge of codes, and ask it."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from rightbay.bench.knowledge import WARM_CODES, measure_answers, measure_load
from rightbay.commands.options import JsonOption


def dtc(
    *,
    codes: Annotated[int, typer.Option(min=100, max=30_000, help="To ask about.")] = 20_000,
    rounds: Annotated[int, typer.Option(min=1, max=100, help="Of which the median counts.")] = 7,
    as_json: JsonOption = False,
) -> None:
    """Load the tables, and ask meaning, urgency and need of one code after another."""
    loaded = measure_load(rounds=rounds)
    answers = measure_answers(codes=codes, rounds=rounds)
    if as_json:
        document = {"loaded": asdict(loaded), "answers": [asdict(row) for row in answers]}
        typer.echo(json.dumps(document))
        return
    typer.echo(
        f"load  {loaded.wall_ms:.0f} ms, {loaded.processor_ms:.0f} ms of the processor, "
        f"{loaded.memory_mib:.0f} MiB"
    )
    for row in answers:
        slower = row.slower
        typer.echo(
            f"{row.name}  {row.per_s:>11,.0f} codes/s  {1e6 / row.per_s:6.1f} us  a bare "
            f"dictionary is {slower.median:.3g} x as fast ({slower.low:.3g} to {slower.high:.3g})"
        )
    typer.echo(f"warm: {WARM_CODES} codes again and again; cold: {codes:,} codes, each once")
