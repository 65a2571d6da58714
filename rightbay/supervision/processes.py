"""Processes by number and start: a number alone may have passed to a stranger."""

import os
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class ProcessId:
    """One process, and no later one with the same number.

    Attributes:
        pid: Its number.
        start: When it began, in a form that only equality can be asked of.
    """

    pid: int
    start: str


def identify(pid: int) -> ProcessId | None:
    """Find a living process by its number; a zombie does not live."""
    try:
        if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return None
        return ProcessId(pid, _start(pid))
    except (psutil.NoSuchProcess, OSError):
        return None


def _start(pid: int) -> str:
    # Ticks since boot do not move when somebody sets the clock; psutil's time of day does.
    stat = Path("/proc", str(pid), "stat")
    if stat.exists():
        # Field 22; the second one is a name in parentheses that may hold spaces (proc_pid_stat(5)).
        return stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]
    return str(psutil.Process(pid).create_time())


def is_alive(process: ProcessId) -> bool:
    """Say whether this very process still runs."""
    return identify(process.pid) == process


def end(processes: Iterable[ProcessId], *, stop_signal: int, grace_s: float) -> None:
    """Ask processes to end, kill those that do not, and return when none is left.

    Blocks for up to ``grace_s``; used before anything was started, when waiting harms nobody.
    """
    left = [process for process in processes if is_alive(process)]
    for process in left:
        _send(process, stop_signal)
    deadline_s = time.monotonic() + grace_s
    while left:
        if time.monotonic() > deadline_s:
            for process in left:
                _send(process, signal.SIGKILL)
        time.sleep(POLL_S)
        left = [process for process in left if is_alive(process)]


def _send(process: ProcessId, signal_number: int) -> None:
    try:
        os.kill(process.pid, signal_number)
    except ProcessLookupError:
        return  # it went by itself in the meantime


def find_in_folder(name: str, folder: Path) -> list[ProcessId]:
    """Find processes of a program by the folder they work in.

    PostgreSQL's processes all work in their data folder, whoever started them, so this finds the
    orphans of a server that was killed, and no other server's.
    """
    place = folder.resolve()
    candidates = (process.pid for process in psutil.process_iter() if _is_named(process, name))
    found = [identify(pid) for pid in candidates if _works_in(pid) == place]
    return [process for process in found if process is not None]


def may_be(pid: int, name: str, folder: Path) -> bool:
    """Say whether a number belongs to a living process that may be this program in this folder.

    Who hides the folder it works in gets the benefit of the doubt.
    """
    if identify(pid) is None or not _is_named(psutil.Process(pid), name):
        return False
    place = _works_in(pid)
    return place is None or place == folder.resolve()


def _is_named(process: psutil.Process, name: str) -> bool:
    try:
        return process.name() == name
    except psutil.Error:
        return False


def _works_in(pid: int) -> Path | None:
    """Find the folder a process works in; None if it ended, or hides it from us."""
    try:
        return Path(psutil.Process(pid).cwd())
    except (psutil.Error, OSError):
        return None


def listens(pid: int, port: int) -> bool:
    """Say whether a process of ours listens on a TCP port itself."""
    try:
        connections = psutil.Process(pid).net_connections("tcp")
    except psutil.Error:
        return False
    return any(
        connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
        for connection in connections
    )
