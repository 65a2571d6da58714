"""Chooses what fits a vehicle: the description of its signals, and how to read its buses.

The list is TOML. A file has a table each; what it leaves out fits every vehicle:

    [[file]]
    path = "truck.dbc"
    bus = "j1939"
    make = "Example"

    [file.names]
    isolation_kohm = "HV_Status.IsoResistance"

Tables ``[[bus]]`` are explained in `gateway.signals.rules`.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from gateway.model import Bus
from gateway.signals.errors import SignalFileError
from gateway.signals.rules import RULES_MAX, BusRule, parse_rule

if TYPE_CHECKING:
    from gateway.signals.database import SignalDatabase

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


class Listed(NamedTuple):
    """What a list says."""

    entries: tuple[Entry, ...] = ()
    rules: tuple[BusRule, ...] = ()


class Library:
    """All descriptions that are loaded, and the rules beside them."""

    def __init__(
        self,
        loaded: Iterable[tuple[Entry, "SignalDatabase"]] = (),
        rules: Iterable[BusRule] = (),
    ) -> None:
        self._loaded = sorted(loaded, key=lambda pair: pair[0].narrowness, reverse=True)
        self._rules = sorted(rules, key=lambda rule: rule.narrowness, reverse=True)

    def __len__(self) -> int:
        return len(self._loaded) + len(self._rules)

    @property
    def makes(self) -> tuple[str, ...]:
        """Whose vehicles have to be looked up; in lower case and in order."""
        asked = {entry.make for entry, _ in self._loaded} | {rule.make for rule in self._rules}
        return tuple(sorted(make for make in asked if make is not None))

    def find_rule(self, unit: str, *, make: str | None, model: str | None) -> BusRule | None:
        """Find the narrowest rule that fits; of two alike the one that is listed first."""
        for rule in self._rules:
            if rule.fits(unit, make=make, model=model):
                return rule
        return None

    def find(self, *, make: str | None, model: str | None, bus: Bus) -> "SignalDatabase | None":
        """Find the narrowest description that fits; of two alike the one that is listed first."""
        for entry, database in self._loaded:
            if entry.fits(make=make, model=model, bus=bus):
                return database
        return None

    def of_vehicle(
        self, *, make: str | None = None, model: str | None = None
    ) -> "dict[Bus, SignalDatabase]":
        """Gather what describes the buses of one vehicle, as `BusSettings.signals` takes it."""
        found = {bus: self.find(make=make, model=model, bus=bus) for bus in (Bus.CAN, Bus.J1939)}
        return {bus: database for bus, database in found.items() if database is not None}


def parse_list(text: str) -> Listed:
    """Read the list of files and rules.

    Raises:
        SignalFileError: It is no such list; says which entry and why.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SignalFileError(f"the list of signal files: {error}") from error
    if document.keys() - {"file", "bus"}:
        raise SignalFileError("the list of signal files: expected tables [[file]] and [[bus]] only")
    files = _tables(document, "file", count_max=FILES_MAX)
    rules = _tables(document, "bus", count_max=RULES_MAX)
    return Listed(
        tuple(_entry(number, table) for number, table in enumerate(files, 1)),
        tuple(parse_rule(number, table) for number, table in enumerate(rules, 1)),
    )


def _tables(
    document: Mapping[str, object], name: str, *, count_max: int
) -> list[Mapping[str, object]]:
    listed = document.get(name, [])
    if not isinstance(listed, list) or not all(isinstance(one, Mapping) for one in listed):
        raise SignalFileError(f"the list of signal files: expected tables [[{name}]]")
    if len(listed) > count_max:
        raise SignalFileError(f"the list of signal files: expected at most {count_max} of {name}")
    return listed


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
    if model is not None and make is None:
        raise SignalFileError(f"signal file {number}: model: expected make beside it")
    if bus is not None and bus not in (Bus.CAN, Bus.J1939):
        raise SignalFileError(f"signal file {number}: bus: expected can or j1939")
    return Entry(
        path=path,
        bus=None if bus is None else Bus(bus),
        make=None if make is None else make.lower(),
        model=None if model is None else model.lower(),
        names=names,
    )
