"""The running instance of a data folder: its lock, and the note that says where its parts are.

The lock (``lock``) tells two starts apart and ends with its process, however that dies. The note
(``run.json``) tells other commands where to go; one that a killed instance left is recognised by
the number *and* start of the process that wrote it.
"""

import fcntl
import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from rightbay.errors import AlreadyRunningError, NothingRunsError, StartError
from rightbay.settings import Settings, variable
from rightbay.supervision.processes import ProcessId, end, identify, is_alive

NOTE = "run.json"
ENDING_S_MAX = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """What runs in a data folder.

    Attributes:
        supervisor: The process that keeps it running.
        database_url: May hold a password; the note is readable to its owner only.
        broker_url: Likewise.
        api_url: None until the HTTP service was started.
        children: Name and process of each program.
    """

    supervisor: ProcessId
    database_url: str
    broker_url: str
    api_url: str | None = None
    children: tuple[tuple[str, ProcessId], ...] = ()


@contextmanager
def own(data: Path) -> Iterator[None]:
    """Make the data folder and own it for the length of the block; the note goes at its end.

    What a killed instance left running is ended first.

    Raises:
        AlreadyRunningError: Another process owns it.
        StartError: It cannot be made or written.
    """
    try:
        # Root's servers run as somebody else, who has to pass through.
        data.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
        descriptor = os.open(data / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StartError(
            f"cannot use the data folder {data}: {error.strerror}; "
            f"give --data or {variable('data')} another one"
        ) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunningError(
                f"`rightbay up` runs in {data} already: stop it, or give --data another folder"
            ) from error
        _end_leftovers(data)
        try:
            yield
        finally:
            (data / NOTE).unlink(missing_ok=True)
    finally:
        os.close(descriptor)


def _end_leftovers(data: Path) -> None:
    note = _read(data)
    if note is not None:
        end(
            (process for _, process in note.children),
            stop_signal=signal.SIGTERM,
            grace_s=ENDING_S_MAX,
        )
        (data / NOTE).unlink(missing_ok=True)


def write_note(data: Path, instance: Instance) -> None:
    """Say what runs, at once and as a whole; only the owner may read it."""
    draft = data / (NOTE + ".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(instance), file, indent=2)
    draft.replace(data / NOTE)


def find_instance(settings: Settings) -> Instance | None:
    """Find what runs in the data folder; None if nothing does."""
    instance = _read(settings.data)
    return instance if instance is not None and is_alive(instance.supervisor) else None


def this_process() -> ProcessId:
    """Give the process we are."""
    identity = identify(os.getpid())
    if identity is None:
        raise StartError("this process cannot see itself: is /proc mounted?")
    return identity


def database_url(settings: Settings) -> str:
    """Give the database to use: the one the environment names, else the running instance's.

    Raises:
        NothingRunsError: There is neither.
    """
    return settings.database_url or _running(settings, "database_url").database_url


def broker_url(settings: Settings) -> str:
    """Give the broker to use: the one the environment names, else the running instance's.

    Raises:
        NothingRunsError: There is neither.
    """
    return settings.broker_url or _running(settings, "broker_url").broker_url


def _running(settings: Settings, name: str) -> Instance:
    instance = find_instance(settings)
    if instance is None:
        raise NothingRunsError(
            f"nothing runs in {settings.data}: start `rightbay up`, or set {variable(name)}"
        )
    return instance


def _read(data: Path) -> Instance | None:
    try:
        note = json.loads((data / NOTE).read_text(encoding="utf-8"))
        return Instance(
            supervisor=ProcessId(**note["supervisor"]),
            database_url=note["database_url"],
            broker_url=note["broker_url"],
            api_url=note["api_url"],
            children=tuple((name, ProcessId(**process)) for name, process in note["children"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None  # none, another version's, or one that a full disk cut short
