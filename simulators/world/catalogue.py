"""The kinds of vehicle and what goes wrong in them, read from the two data files beside this."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from dtc_db.vehicle import Powertrain, VehicleClass, VehicleKind
from simulators.model import (
    BusType,
    CarKind,
    EcuKind,
    Fault,
    Lamp,
    Make,
    Scenario,
    Stage,
)
from simulators.world.codes import parse_code

Table = Mapping[str, Any]
"""A TOML table as the reader of the standard library gives it."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What can be simulated.

    Attributes:
        kinds: By name, in the order of the file.
        scenarios: In the order of the file.
    """

    kinds: Mapping[str, CarKind]
    scenarios: tuple[Scenario, ...]

    def scenarios_of(self, kind: str) -> tuple[Scenario, ...]:
        """Return what can go wrong in one kind of vehicle, the most telling first."""
        return tuple(scenario for scenario in self.scenarios if kind in scenario.kinds)


@cache
def load_catalogue() -> Catalogue:
    """Load both files, once for each process."""
    return Catalogue(
        {name: _kind(name, table) for name, table in _load("vehicles.toml").items()},
        tuple(_scenario(table) for table in _load("scenarios.toml")["scenario"]),
    )


def _load(name: str) -> Table:
    return tomllib.loads(files("simulators.world").joinpath(name).read_text("utf-8"))


def _kind(name: str, table: Table) -> CarKind:
    return CarKind(
        name=name,
        vehicle=VehicleKind(
            vehicle_class=VehicleClass(table["vehicle_class"]),
            powertrain=Powertrain(table["powertrain"]),
        ),
        bus=BusType(table["bus"]),
        functional_id=table.get("functional_id", 0),
        is_extended=table.get("is_extended", False),
        system_v=table["system_v"],
        makes=tuple(Make(**make) for make in table["makes"]),
        ecus=tuple(_ecu(ecu) for ecu in table["ecus"]),
    )


def _ecu(table: Table) -> EcuKind:
    dormant = tuple(
        _fault({"ecu": table["name"], "code": code, "stage": Stage.DORMANT, "lamp": Lamp.NONE})
        for code in table.get("dormant", ())
    )
    return EcuKind(**{**table, "dormant": dormant})


def _scenario(table: Table) -> Scenario:
    return Scenario(
        name=table["name"],
        kinds=tuple(table["kinds"]),
        faults=tuple(_fault(fault) for fault in table["faults"]),
        lasts_s=table.get("lasts_s"),
    )


def _fault(table: Table) -> Fault:
    return Fault(
        ecu=table["ecu"],
        code=parse_code(table["code"]),
        code_text=table["code"],
        stage=Stage(table.get("stage", Stage.CONFIRMED)),
        lamp=Lamp(table.get("lamp", Lamp.MIL)),
        count=table.get("count", 1),
    )
