"""Chooses the description of signals that fits a vehicle: by make, model and bus.

The list of files is TOML, one table each; what it leaves out fits every vehicle:

    [[file]]
    path = "truck.dbc"
    bus = "j1939"
    make = "Example"

    [file.names]
    isolation_kohm = "HV_Status.IsoResistance"
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gateway.model import Bus
from gateway.signals.database import SignalDatabase
from gateway.signals.errors import SignalFileError

FILES_MAX = 1_000
_KEYS = frozenset({"path", "bus", "make", "model", "names"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One file and the vehicles it is for.

    Attributes:
        path: Below the folder of the list.
        bus: None for any; so are ``make`` and ``model``, which are in lower case.
        names: As in `SignalDatabase.parse`.
    """

    path: str
    bus: Bus | None = None
    make: str | None = None
    model: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)

    def fits(self, *, make: str | None, model: str | None, bus: Bus) -> bool:
        """Whether all that the entry asks for is so."""
        return (
            self.bus in (None, bus)
            and self.make in (None, (make or "").lower())
            and self.model in (None, (model or "").lower())
        )

    @property
    def narrowness(self) -> int:
        """How much the entry asks for; the model says most, then make, then bus."""
        return 4 * (self.model is not None) + 2 * (self.make is not None) + (self.bus is not None)


class Library:
    """All descriptions that are loaded."""

    def __init__(self, loaded: Iterable[tuple[Entry, SignalDatabase]] = ()) -> None:
        self._loaded = sorted(loaded, key=lambda pair: pair[0].narrowness, reverse=True)

    def __len__(self) -> int:
        return len(self._loaded)

    def find(self, *, make: str | None, model: str | None, bus: Bus) -> SignalDatabase | None:
        """Find the narrowest description that fits; of two alike the one that is listed first."""
        for entry, database in self._loaded:
            if entry.fits(make=make, model=model, bus=bus):
                return database
        return None

    def of_vehicle(
        self, *, make: str | None = None, model: str | None = None
    ) -> dict[Bus, SignalDatabase]:
        """Gather what describes the buses of one vehicle, as `BusSettings.signals` takes it."""
        found = {bus: self.find(make=make, model=model, bus=bus) for bus in (Bus.CAN, Bus.J1939)}
        return {bus: database for bus, database in found.items() if database is not None}


def parse_list(text: str) -> tuple[Entry, ...]:
    """Read the list of files.

    Raises:
        SignalFileError: It is no such list; says which entry and why.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SignalFileError(f"the list of signal files: {error}") from error
    listed = document.get("file", [])
    if document.keys() - {"file"} or not isinstance(listed, list):
        raise SignalFileError("the list of signal files: expected tables [[file]] and no others")
    if len(listed) > FILES_MAX:
        raise SignalFileError(f"the list of signal files: expected at most {FILES_MAX}")
    return tuple(_entry(number, table) for number, table in enumerate(listed, 1))


def _entry(number: int, table: Mapping[str, object]) -> Entry:
    texts = {key: table.get(key) for key in ("path", "bus", "make", "model")}
    names = table.get("names", {})
    unknown = table.keys() - _KEYS
    if unknown or not isinstance(names, dict):
        text = f"expected {', '.join(sorted(_KEYS))}"
        raise SignalFileError(f"signal file {number}: {text}, got {', '.join(sorted(unknown))}")
    for key, value in (*texts.items(), *names.items()):
        if value is not None and not isinstance(value, str):
            raise SignalFileError(f"signal file {number}: {key}: expected a text")
    path, bus, make, model = (None if one is None else str(one) for one in texts.values())
    if not path or path.startswith("/") or ".." in path.split("/"):
        raise SignalFileError(
            f"signal file {number}: path: expected a file below the list's folder"
        )
    if bus is not None and bus not in (Bus.CAN, Bus.J1939):
        raise SignalFileError(f"signal file {number}: bus: expected can or j1939")
    return Entry(
        path=path,
        bus=None if bus is None else Bus(bus),
        make=None if make is None else make.lower(),
        model=None if model is None else model.lower(),
        names=names,
    )
