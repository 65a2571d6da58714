"""What is known of the vehicle behind each unit, so that its frames can be read.

    rules and signal files of the operator's list ─┐
    make and model of the register                ─┴─▶ `Facts` ─▶ settings of a unit's buses

Nothing here is guessed from traffic. All of it may change while the gateway runs: `Vehicles` then
holds other facts, and the next report is read by them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from gateway.protocols.messages import DEFAULTS, BusSettings
from gateway.signals.library import Library

# Past that all are worked out anew, which costs time and changes nothing.
UNITS_REMEMBERED_MAX = 100_000
# Vehicles whose make some file or rule asks for; further ones are read as of no known make.
KINDS_MAX = 1_000_000


class Kind(NamedTuple):
    """What the register says of a vehicle, as it was written there."""

    make: str | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that is known at one time.

    Attributes:
        library: Signal files and rules.
        kinds: Unit to what the register says, for the makes that the library asks for.
    """

    library: Library = field(default_factory=Library)
    kinds: Mapping[str, Kind] = field(default_factory=dict)

    def settings_of(self, unit: str) -> BusSettings:
        """Gather what holds for one unit."""
        make, model = self.kinds.get(unit, Kind())
        rule = self.library.find_rule(unit, make=make, model=model)
        signals = self.library.of_vehicle(make=make, model=model)
        settings = DEFAULTS if rule is None else rule.settings
        return replace(settings, signals=signals) if signals else settings


class Vehicles:
    """What is known now."""

    def __init__(self, facts: Facts | None = None) -> None:
        self._remembered: dict[str, BusSettings] = {}
        self._facts = facts or Facts()

    @property
    def facts(self) -> Facts:
        """What is known; others count from the next report on."""
        return self._facts

    @facts.setter
    def facts(self, facts: Facts) -> None:
        self._facts = facts
        self._remembered.clear()

    def settings_of(self, unit: str) -> BusSettings:
        """Give the same settings as long as the facts are the same."""
        settings = self._remembered.get(unit)
        if settings is None:
            if len(self._remembered) >= UNITS_REMEMBERED_MAX:
                self._remembered.clear()
            settings = self._remembered[unit] = self._facts.settings_of(unit)
        return settings
