"""A fleet in one process: vehicles with their buses and units, until it is told to stop.

    python -m simulators.fleet --broker mqtt://127.0.0.1:1883 --vehicles 8 --seconds 60

Prints one JSON object per line for everything that happens. Ends after ``--seconds``, on SIGTERM or
SIGINT, and when its standard input, if that is a pipe or a terminal, is closed. Exit code 0 is
done, 1 failed, 2 wrong usage.
"""

import os
import signal
import stat
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import can
import typer

from simulators.account import Teller
from simulators.errors import SettingsError, SimulatorError, SpoolError
from simulators.model import DEMO_BOX, Box, Event, EventKind
from simulators.running import FleetSettings, run_fleet
from simulators.unit.device import TOPIC_PREFIX
from simulators.unit.mqtt import BrokerAddress
from simulators.wire.bus import BusSettings
from simulators.world.roster import SimulatedVehicle, fleet_vehicles

VEHICLES_MAX = 200
"""Vehicles in one process: each has two threads and four open files."""


def main(  # noqa: PLR0913, PLR0917  (a command: every argument is an option)
    broker: Annotated[str, typer.Option(help="mqtt://host:port or mqtts://host:port")],
    vehicles: Annotated[int, typer.Option(min=1, max=VEHICLES_MAX)] = 8,
    seconds: Annotated[float | None, typer.Option(min=0, help="default: until stopped")] = None,
    seed: int = 1,
    bbox: Annotated[str, typer.Option(help="west,south,east,north in degrees")] = DEMO_BOX.text,
    spool: Annotated[
        Path | None, typer.Option(help="folder of the units' memories; default: a passing one")
    ] = None,
    interface: Annotated[str, typer.Option(help="of python-can")] = "virtual",
    channel: Annotated[str, typer.Option(help="with {unit} or {number}")] = "{unit}",
    faults_over: Annotated[
        float, typer.Option(min=0, help="seconds from the first fault to the last one")
    ] = 30.0,
    poll: Annotated[float, typer.Option(min=0.5, help="seconds between two readings")] = 2.0,
    heartbeat: Annotated[
        float, typer.Option(min=1, help="seconds until an unchanged vehicle reports again")
    ] = 300.0,
    account: Annotated[
        Path | None, typer.Option(help="file to which each receipt is appended")
    ] = None,
    prefix: Annotated[str, typer.Option(help="of all topics")] = TOPIC_PREFIX,
) -> None:
    """Drive a fleet of simulated vehicles that report to a broker."""
    with _mistakes_told(), ExitStack() as stack:
        settings = FleetSettings(
            broker=BrokerAddress.parse(broker),
            spool=_spool_folder(spool, stack),
            seed=seed,
            faults_over_s=faults_over,
            bus=BusSettings(interface, channel, is_shared=vehicles > 1),
            prefix=prefix,
            poll_s=poll,
            heartbeat_s=heartbeat,
        )
        fleet = fleet_vehicles(vehicles, seed, Box.parse(bbox))
        is_done = _drive(fleet, settings, account=account, seconds=seconds)
    raise typer.Exit(0 if is_done else 1)


def _drive(
    fleet: Sequence[SimulatedVehicle],
    settings: FleetSettings,
    *,
    account: Path | None,
    seconds: float | None,
) -> bool:
    """Drive, tell, and stop when told to; return whether every vehicle ran to the end."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    _watch_stdin(stopping)
    with Teller(sys.stdout, account=account, lost=stopping.set) as teller:
        is_done = run_fleet(fleet, settings, tell=teller.tell, stopping=stopping, seconds=seconds)
        counts = ", ".join(f"{kind} {count}" for kind, count in teller.counts.items())
        teller.tell(Event(kind=EventKind.STOPPED, at_s=time.monotonic(), text=counts))
    return is_done


@contextmanager
def _mistakes_told() -> Iterator[None]:
    """Say in one line what the user can mend, and exit with the right code."""
    try:
        yield
    except SettingsError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None
    except (SimulatorError, can.CanError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None


def _watch_stdin(stopping: threading.Event) -> None:
    """Stop when standard input is closed by whoever holds its other end.

    A file or /dev/null is always at its end and says nothing of the kind.
    """
    try:
        mode = os.fstat(0).st_mode
    except OSError:
        return  # it was closed from the beginning
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(0)):
        return

    def wait() -> None:
        while os.read(0, 4096):
            pass
        stopping.set()

    threading.Thread(target=wait, name="stdin", daemon=True).start()


def _spool_folder(spool: Path | None, stack: ExitStack) -> Path:
    """Return the folder given, made if it is not there, or one that goes with us.

    Raises:
        SpoolError: If it cannot be made.
    """
    if spool is None:
        return Path(stack.enter_context(TemporaryDirectory(prefix="rightbay-fleet-")))
    try:
        spool.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SpoolError(f"cannot keep reports in {spool}: {error.strerror}") from error
    return spool


if __name__ == "__main__":
    typer.run(main)
