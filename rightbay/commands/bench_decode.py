"""`rightbay bench decode`: our decoders beside every peer, on the same frames."""

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from rightbay.bench import decoding
from rightbay.bench.decoding import Memory, Row
from rightbay.bench.turns import Ratio
from rightbay.commands.options import JsonOption


def decode(
    *,
    messages: Annotated[
        int, typer.Option(min=10, max=100_000, help="Of each kind and round.")
    ] = 2_000,
    rounds: Annotated[int, typer.Option(min=1, max=100, help="Of which the median counts.")] = 7,
    recording: Annotated[
        Path | None,
        typer.Option(help="A real recording of DM1 broadcasts, too.", exists=True, dir_okay=False),
    ] = None,
    memory_frames: Annotated[
        int, typer.Option(min=1_000, max=100_000_000, help="For the measurement of memory.")
    ] = decoding.MEMORY_FRAMES,
    as_json: JsonOption = False,
) -> None:
    """Decode the same frames with us and with every peer that is installed."""
    rows = list(decoding.measure_speed(messages=messages, rounds=rounds, recording=recording))
    memory = decoding.measure_memory(frames=memory_frames)
    absent = decoding.absent_peers()
    if as_json:
        document = {"rows": [asdict(row) for row in rows], "memory": asdict(memory)}
        sys.stdout.write(json.dumps(document | {"absent": absent}) + "\n")
        return
    typer.echo("\n".join(_lines(rows, memory, absent)))


def _lines(rows: Iterable[Row], memory: Memory, absent: list[str]) -> Iterator[str]:
    yield _line("traffic", "codes", "who", "messages/s", "frames/s", "we are faster")
    kind = ""
    for row in rows:
        if kind not in ("", f"{row.kind} {row.codes}"):
            yield ""
        kind = f"{row.kind} {row.codes}"
        yield _line(
            row.kind,
            row.codes,
            row.name,
            f"{row.per_s:,.0f}",
            f"{row.frames_per_s:,.0f}",
            "" if row.slower is None else _ratio(row.slower),
        )
    yield ""
    yield (
        f"memory: {memory.growth_kib} KiB more after {memory.frames:,} frames of {memory.ids:,} ids"
    )
    if absent:
        yield f"not installed here: {', '.join(absent)}"


def _line(*cells: str) -> str:
    kind, codes, who, messages, frames, faster = cells
    return f"{kind:13} {codes:5} {who:30} {messages:>10} {frames:>10}  {faster}".rstrip()


def _ratio(ratio: Ratio) -> str:
    return f"{ratio.median:.1f} times ({ratio.low:.1f} to {ratio.high:.1f})"
