"""`rightbay deadletters`: what could not be read, why, and once more after a fix."""

import asyncio
import json
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from gateway.model import Reason
from gateway.replay import Parse, Replayed, replay_letter
from gateway.vehicles import Vehicles
from rightbay.commands.options import DataOption, JsonOption
from rightbay.reading import make_registry
from rightbay.settings import Settings, load_settings
from rightbay.signal_files import make_keeper
from rightbay.supervision.instance import database_url
from storage.deadletters import (
    Dropped,
    LetterGroup,
    StoredLetter,
    count_passed_over,
    get_letter,
    list_dropped,
    list_groups,
    mark_tried,
    waiting_letters,
)
from storage.pool import Pool, open_pool
from storage.reports import PostgresReportStore

app = typer.Typer(no_args_is_help=True, help="What could not be read.")

GROUPS_MAX = 1_000
# More of a message is not shown; `--json` gives all of it.
SHOWN_BYTES_MAX = 4_096
LINE_BYTES = 16

ReasonOption = Annotated[
    Reason | None, typer.Option(help="Only those set aside for this reason.", show_default=False)
]
UnitOption = Annotated[
    str | None, typer.Option(metavar="UNIT", help="Only those of this unit.", show_default=False)
]


@app.callback()
def deadletters() -> None:
    """What could not be read."""


@app.command("list")
def list_(
    *,
    reason: ReasonOption = None,
    unit: UnitOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Count dead letters by reason and unit, the last heard of first.

    `newest` is one of them, for `rightbay deadletters show`.
    """
    groups, dropped = asyncio.run(_list(database_url(load_settings(data=data)), reason, unit))
    if as_json:
        for kind, rows in (("kept", groups), ("dropped", dropped)):
            for row in rows:
                typer.echo(json.dumps({"kind": kind, **asdict(row)}, default=datetime.isoformat))
        return
    table = Table(
        "reason", "unit", "letters", "times", "replayed", "first", "last", "newest", box=None
    )
    for group in groups:
        counts = (group.letters, group.times, group.replayed)
        times = (f"{at:%Y-%m-%d %H:%M}" for at in (group.first_at, group.last_at))
        table.add_row(group.reason, group.unit or "-", *map(str, counts), *times, str(group.newest))
    Console().print(table)
    for each in dropped:
        typer.echo(f"given up: {each.letters} {each.reason}, came {each.times} times", err=True)


@app.command()
def show(
    letter: Annotated[int, typer.Argument(metavar="ID", help="As `list` gives it.")],
    *,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one dead letter with its bytes, in hexadecimal and as text."""
    found = asyncio.run(_show(database_url(load_settings(data=data)), letter))
    if as_json:
        row = {**asdict(found), "raw": found.raw.hex()}
        typer.echo(json.dumps(row, default=datetime.isoformat))
        return
    for name, value in asdict(found).items():
        if name != "raw":
            typer.echo(f"{name:<16}{'-' if value in (None, '') else value}")
    typer.echo(f"{'raw':<16}{len(found.raw)} bytes")
    typer.echo(hex_dump(found.raw[:SHOWN_BYTES_MAX]))
    if len(found.raw) > SHOWN_BYTES_MAX:
        typer.echo(f"... and {len(found.raw) - SHOWN_BYTES_MAX} more; --json has all", err=True)


@app.command()
def replay(
    letter: Annotated[
        int | None, typer.Argument(metavar="[ID]", help="Only this one.", show_default=False)
    ] = None,
    *,
    reason: ReasonOption = None,
    unit: UnitOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give messages to the gateway's decoders and store again, after a fix.

    What is taken now is marked; what is still unreadable stays. Doing it again does no harm. Parts
    of reports that are stored, and ids that were used twice, are passed over.
    """
    settings = load_settings(data=data)
    counts = asyncio.run(_replay(settings, letter, reason, unit))
    if as_json:
        typer.echo(json.dumps(counts))
    else:
        typer.echo(", ".join(f"{name.replace('_', ' ')} {count}" for name, count in counts.items()))


def hex_dump(raw: bytes) -> str:
    """Offset, bytes in hexadecimal, and what of them can be read; sixteen in a line."""
    lines = []
    for start in range(0, len(raw), LINE_BYTES):
        part = raw[start : start + LINE_BYTES]
        text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in part)
        lines.append(f"{start:08x}  {part.hex(' '):<47}  {text}")
    return "\n".join(lines)


async def _list(
    url: str, reason: Reason | None, unit: str | None
) -> tuple[tuple[LetterGroup, ...], tuple[Dropped, ...]]:
    async with open_pool(url, size_max=1) as pool:
        groups = await list_groups(pool, reason=reason, unit=unit, limit=GROUPS_MAX)
        return groups, await list_dropped(pool)


async def _show(url: str, letter: int) -> StoredLetter:
    async with open_pool(url, size_max=1) as pool:
        return await get_letter(pool, letter)


async def _replay(
    settings: Settings, letter: int | None, reason: Reason | None, unit: str | None
) -> dict[str, int]:
    vehicles = Vehicles()
    registry = make_registry(settings, vehicles)
    async with open_pool(database_url(settings), size_max=2) as pool:
        if settings.signals is not None:
            await make_keeper(settings.signals, vehicles, pool).look(now_s=0.0)
        take = partial(_replay_one, pool, parse=registry.parse, prefix=settings.topic_prefix)
        counts: Counter[str] = Counter()
        if letter is not None:
            found = await get_letter(pool, letter)
            if found.is_whole and found.reason != Reason.ID_CONFLICT:
                counts[await take(found)] += 1
            return _counted(counts, passed_over=1 - counts.total())
        async for found in waiting_letters(pool, reason=reason, unit=unit):
            counts[await take(found)] += 1
        passed_over = await count_passed_over(pool, reason=reason, unit=unit)
    return _counted(counts, passed_over=passed_over)


async def _replay_one(pool: Pool, found: StoredLetter, *, parse: Parse, prefix: str) -> Replayed:
    now = datetime.now(UTC)
    # A report that the database refused came with no topic of its own: it was one of ours.
    topic = found.topic or f"{prefix}/{found.unit}/up/report"
    done = await replay_letter(
        topic,
        found.raw,
        arrived_at=found.first_at,
        now=now,
        parse=parse,
        store=PostgresReportStore(pool),
    )
    await mark_tried(pool, found.dead_letter_id, at=now, was_taken=done is Replayed.STORED)
    return done


def _counted(counts: Counter[str], *, passed_over: int) -> dict[str, int]:
    return {**{name.value: counts[name] for name in Replayed}, "passed_over": passed_over}
