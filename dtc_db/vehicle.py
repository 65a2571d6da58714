"""What has to be known of a vehicle before a code's meaning, urgency and need can be told."""

from dataclasses import dataclass
from enum import StrEnum


class VehicleClass(StrEnum):
    """The kind of vehicle, as far as it decides which workshop can take it."""

    CAR = "car"
    VAN = "van"
    TRUCK = "truck"
    BUS = "bus"
    MOTORCYCLE = "motorcycle"
    UNKNOWN = "unknown"


HEAVY = frozenset({VehicleClass.TRUCK, VehicleClass.BUS})


class Powertrain(StrEnum):
    """What drives the vehicle, as far as it decides which dangers mending it brings."""

    PETROL = "petrol"
    DIESEL = "diesel"
    GAS = "gas"  # LPG or CNG
    HYBRID = "hybrid"  # with a high-voltage battery, charged or not from outside
    BEV = "bev"
    FCEV = "fcev"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class VehicleKind:
    """A vehicle without its identity. The default is a vehicle nobody knows anything of."""

    vehicle_class: VehicleClass = VehicleClass.UNKNOWN
    powertrain: Powertrain = Powertrain.UNKNOWN
    make: str | None = None
    model_year: int | None = None
