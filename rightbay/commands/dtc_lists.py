"""`rightbay dtc import`, `lists`, `remove`: lists of codes that are asked before our own tables."""

import asyncio
import getpass
import json
import re
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from dtc_db.layers import ParsedList
from rightbay.code_lists import read_list
from rightbay.commands.options import DataOption, JsonOption
from rightbay.settings import load_settings
from rightbay.supervision.instance import database_url
from storage.knowledge import KeptList, ListImported, PostgresKnowledgeStore
from storage.pool import open_pool

NAME_LENGTH_MAX = 60

ByOption = Annotated[
    str, typer.Option(default_factory=getpass.getuser, help="Who says so.", show_default="you")
]
AllOption = Annotated[
    bool, typer.Option("--all", help="Also those that were replaced, removed or undone.")
]


def import_(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="CSV, JSON or SQLite with code, text, and if you like make and severity.",
            exists=True,
            dir_okay=False,
        ),
    ],
    *,
    by: ByOption,
    name: Annotated[
        str | None, typer.Option(help="Under which it is listed (default: the file's name).")
    ] = None,
    make: Annotated[str, typer.Option(help="Of rows that do not say one.")] = "",
    replace: Annotated[
        bool, typer.Option("--replace", help="Put it in the place of the list of that name.")
    ] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Keep a list of codes, all of it or nothing; it is asked before our own tables.

    A code that each maker fills by itself needs a make, and no other make borrows its text.
    """
    url = database_url(load_settings(data=data))
    parsed = read_list(file, make=make)
    done = asyncio.run(_import(url, name or file.stem, parsed, file.name, by, is_replacing=replace))
    if as_json:
        typer.echo(json.dumps({**asdict(done), "repeats": parsed.repeats}))
        return
    if not done.is_new:
        typer.echo(f"{done.name} version {done.version} says all that already: nothing changed")
        return
    typer.echo(
        f"{done.name} version {done.version}: {done.entries} entries, added {done.added}, "
        f"changed {done.changed}, removed {done.removed}"
    )


def lists(
    *, has_ended: AllOption = False, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """Name the lists that are asked, with version, size, and who imported them when."""
    kept = asyncio.run(_lists(database_url(load_settings(data=data)), has_ended=has_ended))
    for each in kept:
        if as_json:
            typer.echo(json.dumps(asdict(each), default=datetime.isoformat))
            continue
        end = f", ended {each.ended_at:%Y-%m-%d} by {each.ended_by}" if each.ended_at else ""
        typer.echo(
            f"{each.name} version {each.version}: {each.entries} entries from {each.source}, "
            f"{each.imported_at:%Y-%m-%d} by {each.imported_by}{end}"
        )


def remove(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As `rightbay dtc lists` says it.")],
    *,
    by: ByOption,
    data: DataOption = None,
) -> None:
    """Ask a list no more; it stays in `rightbay dtc lists --all`."""
    version = asyncio.run(_remove(database_url(load_settings(data=data)), name, by))
    typer.echo(f"{name} version {version} is asked no more")


async def _import(
    url: str, name: str, parsed: ParsedList, source: str, by: str, *, is_replacing: bool
) -> ListImported:
    if not re.fullmatch(rf"[\w][\w .-]{{0,{NAME_LENGTH_MAX - 1}}}", name):
        raise typer.BadParameter(
            f"--name {name!r}: expected up to {NAME_LENGTH_MAX} letters, digits, . - and blanks"
        )
    async with open_pool(url, size_max=1) as pool:
        return await PostgresKnowledgeStore(pool).import_list(
            name,
            parsed.entries,
            source=source,
            by=by,
            at=datetime.now(UTC),
            is_replacing=is_replacing,
        )


async def _lists(url: str, *, has_ended: bool) -> tuple[KeptList, ...]:
    async with open_pool(url, size_max=1) as pool:
        return await PostgresKnowledgeStore(pool).fetch_lists(has_ended=has_ended)


async def _remove(url: str, name: str, by: str) -> int:
    async with open_pool(url, size_max=1) as pool:
        return await PostgresKnowledgeStore(pool).remove_list(name, by=by, at=datetime.now(UTC))
