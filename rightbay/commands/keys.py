"""`rightbay keys`: who may review, and who may speak for a business, over HTTP."""

import asyncio
import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table

from rightbay.commands.options import DataOption, JsonOption
from rightbay.settings import load_settings
from rightbay.supervision.instance import database_url
from storage.pool import open_pool, transaction
from storage.register.access import IssuedKey, NewKey, issue_key, list_keys, revoke_key

NOTE_LENGTH_MAX = 100

app = typer.Typer(no_args_is_help=True, help="Keys of reviewers and of businesses.")


@app.command("issue")
def issue(
    note: Annotated[str, typer.Argument(metavar="NOTE", help="Whose it is, in your words.")],
    *,
    business: Annotated[
        UUID | None,
        typer.Option(help="The business that it speaks for; a reviewer's if not given."),
    ] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key and show it, this once: only its digest is kept."""
    if not note.strip() or len(note) > NOTE_LENGTH_MAX or not note.isprintable():
        raise typer.BadParameter(f"expected a note of 1 to {NOTE_LENGTH_MAX} printable characters")
    key = asyncio.run(_issue(database_url(load_settings(data=data)), business, note))
    if as_json:
        typer.echo(json.dumps({"key": str(key.key_id), "token": key.token}))
        return
    typer.echo(key.token)
    typer.echo(f"key {key.key_id}; it is not shown again", err=True)


@app.command("list")
def list_(*, data: DataOption = None, as_json: JsonOption = False) -> None:
    """List keys, the newest first; what they are good for, never the keys themselves."""
    keys = asyncio.run(_list(database_url(load_settings(data=data))))
    if as_json:
        for key in keys:
            typer.echo(json.dumps(asdict(key), default=str))
        return
    table = Table("key", "role", "business", "issued", "revoked", "note", box=None)
    for key in keys:
        times = (f"{at:%Y-%m-%d %H:%M}" if at else "-" for at in (key.issued_at, key.revoked_at))
        table.add_row(
            str(key.key_id), key.role.value, str(key.business_id or "-"), *times, key.note
        )
    Console().print(table)


@app.command("revoke")
def revoke(
    key: Annotated[UUID, typer.Argument(metavar="ID", help="As `list` gives it.")],
    *,
    data: DataOption = None,
) -> None:
    """Let a key count no longer, from the next request on."""
    asyncio.run(_revoke(database_url(load_settings(data=data)), key))
    typer.echo(f"key {key} is revoked", err=True)


async def _issue(url: str, business: UUID | None, note: str) -> NewKey:
    async with open_pool(url, size_max=1) as pool, transaction(pool) as connection:
        return await issue_key(connection, business_id=business, note=note, at=datetime.now(UTC))


async def _list(url: str) -> tuple[IssuedKey, ...]:
    async with open_pool(url, size_max=1) as pool:
        return await list_keys(pool)


async def _revoke(url: str, key: UUID) -> None:
    async with open_pool(url, size_max=1) as pool:
        await revoke_key(pool, key, at=datetime.now(UTC))
