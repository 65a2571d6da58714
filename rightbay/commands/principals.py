"""`rightbay principals`: whose rules hold for vehicles."""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from rightbay.commands.options import DataOption, JsonOption
from rightbay.settings import load_settings
from rightbay.supervision.instance import database_url
from routing.matching.principal import parse_principal
from routing.principal import Principal
from storage.pool import open_pool
from storage.principals import KeptPrincipal, list_principals, store_principal

app = typer.Typer(no_args_is_help=True, help="Whose rules hold for vehicles.")


@app.callback()
def principals() -> None:
    """Whose rules hold for vehicles."""


@app.command("import")
def import_(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="TOML; docs/ranking.md.", exists=True, dir_okay=False),
    ],
    *,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let the rules in FILE hold from now on for the vehicles that name this principal.

    Referrals that were made keep the rules they were made under.
    """
    principal = parse_principal(file.read_text("utf-8"))
    is_new = asyncio.run(_store(database_url(load_settings(data=data)), principal))
    if as_json:
        told = {"name": principal.name, "version": principal.version, "is_new": is_new}
        typer.echo(json.dumps(told))
    else:
        what = "hold from now on" if is_new else "were stored before"
        typer.echo(f"the rules {principal.version} of {principal.name} {what}")


@app.command("list")
def list_(*, data: DataOption = None, as_json: JsonOption = False) -> None:
    """List every version of everybody's rules."""
    for one in asyncio.run(_list(database_url(load_settings(data=data)))):
        if as_json:
            told = {"name": one.name, "version": one.version, "digest": one.digest}
            typer.echo(json.dumps({**told, "holds": one.ended_at is None}))
        else:
            until = "" if one.ended_at is None else f" until {one.ended_at:%Y-%m-%d %H:%M}"
            typer.echo(f"{one.name}  {one.version}  from {one.stored_at:%Y-%m-%d %H:%M}{until}")


async def _store(url: str, principal: Principal) -> bool:
    async with open_pool(url, size_max=1) as pool:
        return await store_principal(pool, principal)


async def _list(url: str) -> list[KeptPrincipal]:
    async with open_pool(url, size_max=1) as pool:
        return await list_principals(pool)
