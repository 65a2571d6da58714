"""Turns a kind of work and a vehicle into a need.

The level follows the *fault*, not the vehicle: a wheel speed sensor of an electric car needs no
high-voltage title, an insulation fault of the same car needs the highest.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from dtc_db.errors import TableError
from dtc_db.gateways import Lock, SecureGateway, SecureGateways
from dtc_db.need import Arrival, Need, Skill, all_of
from dtc_db.tables import FOLDER
from dtc_db.urgency import Urgency
from dtc_db.vehicle import HEAVY, Powertrain, VehicleKind

ELECTRIFIED = frozenset({Powertrain.HYBRID, Powertrain.BEV, Powertrain.FCEV})
MAYBE_ELECTRIFIED = ELECTRIFIED | {Powertrain.UNKNOWN}

ISOLATED_WORK = ("hv.isolate", "hv.deenergised")
LIVE_WORK = (*ISOLATED_WORK, "hv.live")
GATEWAY_ACCESS = "security.gateway"

ARRIVALS = {
    Urgency.STOP_NOW: Arrival.TOWED,
    Urgency.TOW: Arrival.TOWED,
    Urgency.LIMP: Arrival.LIMPS,
    Urgency.UNKNOWN: Arrival.LIMPS,  # nobody knows, so nobody is sent far
}


class HighVoltage(StrEnum):
    """How a kind of work meets the high-voltage system."""

    NONE = "none"
    NEAR = "near"
    MAY = "may"
    WORK = "work"
    LIVE = "live"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """A kind of work; the fields are those of ``data/trades.toml``, which explains them."""

    name: str
    skills: tuple[str, ...]
    equipment: frozenset[str] = frozenset()
    heavy_equipment: frozenset[str] = frozenset()
    access: frozenset[str] = frozenset()
    high_voltage: HighVoltage = HighVoltage.NONE
    fuel: bool = False
    ends_with: Lock | None = None
    hazard: str = ""

    def is_locked_by(self, gateway: SecureGateway | None) -> bool:
        """Whether this work is not finished without being let in."""
        if gateway is None or self.ends_with is None:
            return False
        return gateway.locks is Lock.TESTS or self.ends_with is Lock.WRITING


def load_trades(name: str = "trades.toml") -> dict[str, Trade]:
    """The kinds of work by name.

    Raises:
        TableError: If an entry has a field or a value that does not exist.
    """
    document = tomllib.loads((FOLDER / name).read_text(encoding="utf-8"))
    trades: dict[str, Trade] = {}
    for key, fields in document.items():
        try:
            trades[key] = Trade(
                name=key,
                skills=tuple(fields.pop("skills")),
                equipment=frozenset(fields.pop("equipment", ())),
                heavy_equipment=frozenset(fields.pop("heavy_equipment", ())),
                access=frozenset(fields.pop("access", ())),
                high_voltage=HighVoltage(fields.pop("high_voltage", "none")),
                ends_with=Lock(fields.pop("ends_with")) if "ends_with" in fields else None,
                **fields,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise TableError(name, 0, f"[{key}] {error}") from error
    return trades


class Requirements:
    """Says what a kind of work takes on a vehicle; remembers its answers."""

    def __init__(self, trades: Mapping[str, Trade], gateways: SecureGateways | None = None) -> None:
        self.trades = trades
        self._gateways = SecureGateways() if gateways is None else gateways
        # Bounded by what exists: trades x powertrains x arrivals x light or heavy x locked or not.
        self._of = lru_cache(maxsize=8192)(self._build)

    def of(self, trade: str, vehicle: VehicleKind, urgency: Urgency) -> Need:
        """The need of this work on this vehicle, arriving as the urgency allows."""
        return self._of(
            trade,
            vehicle.powertrain,
            ARRIVALS.get(urgency, Arrival.DRIVES),
            is_heavy=vehicle.vehicle_class in HEAVY,
            is_locked=self.trades[trade].is_locked_by(self._gateways.find(vehicle)),
        )

    def find_lock(self, trade: str, vehicle: VehicleKind) -> SecureGateway | None:
        """What keeps this work on this vehicle from being finished without being let in."""
        gateway = self._gateways.find(vehicle)
        return gateway if self.trades[trade].is_locked_by(gateway) else None

    def _build(
        self,
        name: str,
        powertrain: Powertrain,
        arrival: Arrival,
        *,
        is_heavy: bool,
        is_locked: bool,
    ) -> Need:
        trade = self.trades[name]
        skills = [
            skill
            for word in trade.skills
            for skill in _resolve(word, powertrain, is_heavy=is_heavy)
        ]
        skills += _fuel_skills(trade, powertrain)
        high_voltage = _high_voltage_skills(trade, powertrain)
        is_in_high_voltage = len(high_voltage) > 1
        equipment = trade.equipment
        if is_heavy:
            equipment |= trade.heavy_equipment
        if is_in_high_voltage:
            equipment |= {"hv.tools"}
        is_towed_as_hv = arrival is Arrival.TOWED and (
            is_in_high_voltage or powertrain in ELECTRIFIED
        )
        return Need(
            skills=all_of(Skill(skill) for skill in (*skills, *high_voltage)),
            access=trade.access | {GATEWAY_ACCESS} if is_locked else trade.access,
            equipment=equipment,
            arrival=arrival,
            recovery=frozenset({"tow.hv"}) if is_towed_as_hv else frozenset(),
        )


def _resolve(word: str, powertrain: Powertrain, *, is_heavy: bool) -> tuple[str, ...]:
    match word:
        case "@engine":
            return _engine_skills(powertrain, is_heavy=is_heavy)
        case "@electrics":
            return ("electrics.24v",) if is_heavy else ("electrics.12v",)
        case "@brakes":
            return ("brakes.air",) if is_heavy else ("brakes",)
        case "@heavy":
            return ("truck.general",) if is_heavy else ()
        case _:
            return (word,)


def _engine_skills(powertrain: Powertrain, *, is_heavy: bool) -> tuple[str, ...]:
    """Who mends this engine; where the fuel is not known, whoever can mend either."""
    match powertrain:
        case Powertrain.DIESEL:
            return ("engine.diesel",)
        case Powertrain.PETROL | Powertrain.GAS:
            return ("engine.petrol",)
        case Powertrain.HYBRID:
            return ("engine.diesel",) if is_heavy else ("engine.petrol",)
        case Powertrain.BEV | Powertrain.FCEV:
            # It has no engine: the control unit means a drive or cooling function.
            return ("diagnostics.general",)
        case _:
            return ("engine.diesel",) if is_heavy else ("engine.diesel", "engine.petrol")


def _fuel_skills(trade: Trade, powertrain: Powertrain) -> tuple[str, ...]:
    if trade.fuel and powertrain is Powertrain.GAS:
        return ("gas.lpg_cng",)
    if trade.fuel and powertrain is Powertrain.FCEV:
        return ("hydrogen",)
    return ()


def _high_voltage_skills(trade: Trade, powertrain: Powertrain) -> tuple[str, ...]:
    match trade.high_voltage:
        case HighVoltage.LIVE:
            return LIVE_WORK
        case HighVoltage.WORK:
            return ISOLATED_WORK
        case HighVoltage.MAY:
            return ISOLATED_WORK if powertrain in MAYBE_ELECTRIFIED else ()
        case HighVoltage.NEAR:
            return ("hv.aware",) if powertrain in ELECTRIFIED else ()
        case _:
            return ()
