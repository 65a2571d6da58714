"""`rightbay up`: the whole service in one terminal, until Ctrl-C."""

import asyncio
import contextlib
import json
import sys

import typer

from rightbay.commands.options import DataOption, JsonOption
from rightbay.logs import start_logging
from rightbay.settings import Settings, load_settings, masked_url
from rightbay.supervision.stack import Stack
from rightbay.supervision.stopping import stop_event


def up(*, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Start PostgreSQL, a broker and every role; stop them all with Ctrl-C.

    Whatever RIGHTBAY_DATABASE_URL and RIGHTBAY_BROKER_URL name is used instead of an embedded
    server. Two instances run side by side if each has its own folder. When everything works, the
    addresses are printed. It also stops when the process that started it ends; `nohup` prevents
    that.
    """
    settings = load_settings(data=data)
    start_logging(settings.log_level)
    asyncio.run(_run(settings, as_json=as_json))


async def _run(settings: Settings, *, as_json: bool) -> None:
    async with stop_event(at_parents_death=True) as stop:
        serving = asyncio.create_task(_serve(settings, as_json=as_json), name="serve")
        stopped = asyncio.create_task(stop.wait(), name="stop")
        await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        serving.cancel()  # nothing happens to it if it failed by itself
        with contextlib.suppress(asyncio.CancelledError):
            await serving


async def _serve(settings: Settings, *, as_json: bool) -> None:
    async with Stack(settings, say=_say) as stack:
        await stack.migrate()
        await stack.start_roles()
        _announce(stack, as_json=as_json)
        await asyncio.Event().wait()


def _say(text: str) -> None:
    """Show progress to somebody who waits at a terminal."""
    if sys.stderr.isatty():
        typer.echo(f"{text} ...", err=True)


def _announce(stack: Stack, *, as_json: bool) -> None:
    settings = stack.settings
    addresses = {
        "api": stack.api_url or "",
        "broker": masked_url(settings.broker_url or ""),
        "database": masked_url(settings.database_url or ""),
        "data": str(settings.data),
    }
    if as_json:
        typer.echo(json.dumps(addresses))
    else:
        for name, address in addresses.items():
            typer.echo(f"{name:<9} {address}")
    sys.stdout.flush()
