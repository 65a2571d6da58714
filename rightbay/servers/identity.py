"""Under which user the embedded servers run, and with how little power."""

import os
import pwd
import stat
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rightbay.errors import StartError
from rightbay.supervision.tether import CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH

NOBODY_UID = 65534  # the user without rights on Linux (Linux Standard Base names it "nobody")
_WAY_OUT = "run Rightbay as an ordinary user, or set RIGHTBAY_DATABASE_URL to a real server"


@dataclass(frozen=True, slots=True)
class ServerUser:
    """A user without rights, and the capabilities it keeps nevertheless.

    Attributes:
        uid: User and group.
        capabilities: Numbers of capabilities(7), at most one of them: to pass closed folders.
    """

    uid: int
    capabilities: tuple[int, ...] = ()


def server_user(folder: Path, programs: Iterable[Path]) -> ServerUser | None:
    """Choose the user for servers that refuse to run as root.

    Args:
        folder: Where their data live.
        programs: What they have to execute.

    Returns:
        None for an ordinary user: the servers run as that user. As root, the user without rights,
        with the weakest capability that lets it reach its data and its programs; no folder of
        anybody is opened for it.

    Raises:
        StartError: As root on a system where this cannot be done.
    """
    if os.geteuid() != 0:
        return None
    if sys.platform != "linux":
        raise StartError(f"the embedded PostgreSQL does not run as root here: {_WAY_OUT}")
    try:
        pwd.getpwuid(NOBODY_UID)
    except KeyError as error:
        raise StartError(
            f"PostgreSQL refuses to run as root, and user {NOBODY_UID} has no name here: {_WAY_OUT}"
        ) from error
    needed = _needed_capabilities(folder, tuple(programs))
    if not needed:
        return ServerUser(NOBODY_UID)
    for capability in needed:
        if capability in _held_capabilities():
            return ServerUser(NOBODY_UID, (capability,))
    raise StartError(
        f"PostgreSQL refuses to run as root, and user {NOBODY_UID} cannot reach {folder} or the "
        f"programs without a capability that this container withholds: {_WAY_OUT}"
    )


def _needed_capabilities(folder: Path, programs: tuple[Path, ...]) -> tuple[int, ...]:
    """Say which capabilities would do, weakest first; none if everybody may pass anyway."""
    if any(not _lets_others(program, stat.S_IXOTH | stat.S_IROTH) for program in programs):
        return (CAP_DAC_OVERRIDE,)  # only this one executes a file that is closed to others
    parents = {*folder.parents, *(parent for program in programs for parent in program.parents)}
    if all(_lets_others(parent, stat.S_IXOTH) for parent in parents):
        return ()
    return (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE)


def _lets_others(path: Path, bits: int) -> bool:
    return path.stat().st_mode & bits == bits


def _held_capabilities() -> frozenset[int]:
    """Read which capabilities this process may hand on (proc_pid_status(5), ``CapPrm``)."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(":")
        if name == "CapPrm":
            mask = int(value, 16)
            return frozenset(number for number in range(mask.bit_length()) if mask >> number & 1)
    return frozenset()


def give(path: Path, user: ServerUser | None) -> None:
    """Make a folder or file the server user's own."""
    if user is not None:
        os.chown(path, user.uid, user.uid)
