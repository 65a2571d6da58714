"""Loads signal files from a folder, and again when they change: no restart.

`Watch` decides and is pure; `SignalFolder` reads the disk when its owner calls `refresh`. A file
that is being written is left alone until it has come to rest, and one that is broken changes
nothing: what was loaded before goes on being used.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.model import Bus
from gateway.signals.database import FILE_LENGTH_MAX, SignalDatabase
from gateway.signals.errors import SignalFileError
from gateway.signals.library import Entry, Library, Listed, parse_list

LIST = "signals.toml"
SETTLE_S = 2.0


@dataclass(frozen=True, slots=True)
class FileState:
    """What tells that a file changed."""

    length: int
    modified_ns: int


States = Mapping[str, FileState]


class Watch:
    """Says when to load, from what the files looked like at each look."""

    def __init__(self) -> None:
        self._taken: States | None = None
        self._seen: States | None = None
        self._since_s = 0.0

    def is_due(self, states: States, *, now_s: float) -> bool:
        """Whether files changed and have not changed since; at the first look always."""
        if self._taken is None:
            return True
        if states != self._seen:
            self._seen, self._since_s = dict(states), now_s
        return states != self._taken and now_s - self._since_s >= SETTLE_S

    def take(self, states: States) -> None:
        """Note that these were tried: broken ones are not tried again until they change."""
        self._taken = self._seen = dict(states)


class SignalFolder:
    """The signal files of one folder.

    Attributes:
        library: What is in use.
    """

    def __init__(self, folder: Path) -> None:
        self.library = Library()
        self._folder = folder
        self._watch = Watch()
        self._paths: tuple[str, ...] = ()

    def refresh(self, *, now_s: float) -> bool:
        """Look at the files, and load them if they changed.

        Returns:
            Whether `library` is another one now.

        Raises:
            SignalFileError: Some file cannot be used; `library` stays as it was.
        """
        states = self._states()
        if not self._watch.is_due(states, now_s=now_s):
            return False
        self._watch.take(states)
        listed = parse_list(self._read(LIST)) if LIST in states else Listed()
        self._paths = tuple(entry.path for entry in listed.entries)
        self._watch.take(self._states())
        loaded = [(entry, self._load(entry)) for entry in listed.entries]
        self.library = Library(loaded, listed.rules)
        return True

    def _states(self) -> States:
        states: dict[str, FileState] = {}
        for name in (LIST, *self._paths):
            try:
                stat = (self._folder / name).stat()
            except OSError:
                continue
            states[name] = FileState(stat.st_size, stat.st_mtime_ns)
        return states

    def _load(self, entry: Entry) -> SignalDatabase:
        try:
            return SignalDatabase.parse(
                self._read(entry.path),
                file_format=Path(entry.path).suffix.lstrip(".").lower(),
                names=entry.names,
                is_j1939=entry.bus is Bus.J1939,
            )
        except SignalFileError as error:
            raise SignalFileError(f"{entry.path}: {error}") from error

    def _read(self, name: str) -> str:
        try:
            data = (self._folder / name).read_bytes()
        except OSError as error:
            raise SignalFileError(f"{name} cannot be read: {error.strerror}") from error
        if len(data) > FILE_LENGTH_MAX:
            raise SignalFileError(f"{name}: expected at most {FILE_LENGTH_MAX} bytes")
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError:
            return data.decode("cp1252", errors="replace")  # what makers' tools write
