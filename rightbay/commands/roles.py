"""`rightbay gateway`, `router`, `deliver`, `api`: one role each, until it is told to stop."""

import asyncio
from collections.abc import Callable
from typing import Annotated

import typer

from rightbay import roles
from rightbay.commands.options import DataOption
from rightbay.logs import start_logging
from rightbay.settings import Settings, load_settings
from rightbay.supervision.stopping import stop_event

EofOption = Annotated[
    bool, typer.Option("--stop-at-eof", hidden=True, help="Stop when standard input ends.")
]


def gateway(*, data: DataOption = None, stop_at_eof: EofOption = False) -> None:
    """Take reports from the broker, store them, and send receipts."""
    _run("gateway", load_settings(data=data), stop_at_eof=stop_at_eof)


def router(*, data: DataOption = None, stop_at_eof: EofOption = False) -> None:
    """Turn stored faults into cases, and cases into referrals."""
    _run("router", load_settings(data=data), stop_at_eof=stop_at_eof)


def deliver(*, data: DataOption = None, stop_at_eof: EofOption = False) -> None:
    """Bring referrals to the vehicles and to whoever subscribed."""
    _run("deliver", load_settings(data=data), stop_at_eof=stop_at_eof)


def api(*, data: DataOption = None, stop_at_eof: EofOption = False) -> None:
    """Serve HTTP: the pages and the programming interface."""
    _run("api", load_settings(data=data), stop_at_eof=stop_at_eof)


def _run(role: str, settings: Settings, *, stop_at_eof: bool) -> None:
    start_logging(settings.log_level)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_until_stopped(role, settings, stop_at_eof=stop_at_eof))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Choose the loop of libuv, which spends less on each message, where there is one."""
    try:
        from uvloop import new_event_loop  # noqa: PLC0415 - not made for every platform
    except ImportError:
        return None
    return new_event_loop


async def _until_stopped(role: str, settings: Settings, *, stop_at_eof: bool) -> None:
    async with stop_event(at_eof=stop_at_eof) as stop:
        await roles.run(role, settings, stop=stop)
