"""Who drives in a simulated fleet: the same vehicles for the same seed, box and number."""

from dataclasses import dataclass, replace
from math import hypot
from random import Random

from dtc_db.vehicle import VehicleKind
from routing.model import Position
from simulators.model import Box, CarKind
from simulators.world.catalogue import load_catalogue

VEHICLES_MAX = 10_000
"""Units are numbered with four digits, serial numbers with six."""

MIX = ("petrol", "bev", "truck", "van")
"""Kinds in turn, so that even a fleet of four has one of each."""
FLEETS = 3

# ISO 3779 leaves the check digit to North America (49 CFR 565.15): weights by place, digit 9 of 17.
_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_VALUES = {
    **{str(digit): digit for digit in range(10)},
    **dict(zip("ABCDEFGH", range(1, 9), strict=True)),
    **dict(zip("JKLMN", range(1, 6), strict=True)),
    "P": 7,
    "R": 9,
    **dict(zip("STUVWXYZ", range(2, 10), strict=True)),
}
_YEAR_CODES = "ABCDEFGHJKLMNPRSTVWXY"
"""Model years from 2010 on; I, O, Q, U and Z are not used, nor is 0."""

DEGREE_KM = 111.32
"""A degree of latitude; of longitude only at the equator: good enough to make up a trip."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VehicleState:
    """A vehicle at one moment, as its unit measures it."""

    position: Position
    speed_kmh: float
    odometer_km: float
    battery_v: float
    soc_pct: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedVehicle:
    """One vehicle of the fleet, before anything happens to it.

    Attributes:
        unit: Its telematics unit.
        car: What it is built of.
        kind: What may be told of it: class, powertrain, make, model year.
        fleet: A number with a word, no name.
        vin: 17 characters with a right check digit, made from the seed; no vehicle has it but by
            accident.
        start: Where it stands when the simulation starts.
        north_kmh: How fast it goes north; negative is south.
        east_kmh: How fast it goes east; negative is west.
        soc_pct: State of charge of the traction battery; None if it has none.
    """

    unit: str
    number: int
    car: CarKind
    kind: VehicleKind
    fleet: str
    vin: str
    box: Box
    start: Position
    north_kmh: float
    east_kmh: float
    odometer_km: float
    soc_pct: float | None

    def state_after(self, elapsed_s: float) -> VehicleState:
        """Return where and how it is; at the edge of its box it turns round."""
        box, hours = self.box, elapsed_s / 3600
        east_deg = self.start.lon_deg + self.east_kmh * hours / DEGREE_KM
        north_deg = self.start.lat_deg + self.north_kmh * hours / DEGREE_KM
        speed_kmh = round(hypot(self.north_kmh, self.east_kmh), 1)
        return VehicleState(
            position=Position(
                round(_fold(east_deg, box.west_deg, box.east_deg), 5),
                round(_fold(north_deg, box.south_deg, box.north_deg), 5),
            ),
            speed_kmh=speed_kmh,
            odometer_km=round(self.odometer_km + speed_kmh * hours, 1),
            battery_v=self.car.system_v,
            soc_pct=self.soc_pct,
        )


def fleet_vehicles(n: int, seed: int, bbox: Box) -> tuple[SimulatedVehicle, ...]:
    """List a mixed fleet.

    Args:
        n: How many, 1 to ``VEHICLES_MAX``; the first vehicles of a larger fleet are those of a
            smaller one.
        seed: Decides everything but the number.
        bbox: Where they drive.

    Raises:
        ValueError: If ``n`` is out of range.
    """
    if not 1 <= n <= VEHICLES_MAX:
        raise ValueError(f"a fleet has 1 to {VEHICLES_MAX} vehicles, not {n}")
    return tuple(_vehicle(number, seed, bbox) for number in range(1, n + 1))


def _vehicle(number: int, seed: int, box: Box) -> SimulatedVehicle:
    random = Random(f"vehicle {seed} {number}")  # noqa: S311  (a simulation, no secret)
    car = load_catalogue().kinds[MIX[(number - 1) % len(MIX)]]
    make = random.choice(car.makes)
    year = random.randint(2017, 2025)
    age = 2026 - year
    per_year_km = 90_000 if car.name == "truck" else 18_000
    fastest_kmh = 55.0
    return SimulatedVehicle(
        unit=f"{car.name}-{number:04}",
        number=number,
        car=car,
        kind=replace(car.vehicle, make=make.name, model_year=year),
        fleet=f"fleet {1 + (number - 1) % FLEETS}",
        vin=make_vin(make.wmi, year, serial=random.randrange(1_000_000)),
        box=box,
        start=box.place(random.uniform(0.1, 0.9), random.uniform(0.1, 0.9)),
        north_kmh=round(random.uniform(-fastest_kmh, fastest_kmh), 1),
        east_kmh=round(random.uniform(-fastest_kmh, fastest_kmh), 1),
        odometer_km=round(age * per_year_km * random.uniform(0.6, 1.4), 1),
        soc_pct=round(random.uniform(25, 90), 1) if car.name == "bev" else None,
    )


def make_vin(wmi: str, year: int, *, serial: int) -> str:
    """Make a vehicle identification number with European filler and a right check digit.

    Args:
        wmi: World manufacturer identifier, 3 characters.
        year: Model year, 2010 to 2030.
        serial: 0 to 999999.
    """
    blank = f"{wmi}ZZZ9A0{_YEAR_CODES[year - 2010]}S{serial:06}"
    total = sum(
        weight * _VALUES[character] for weight, character in zip(_WEIGHTS, blank, strict=True)
    )
    return blank[:8] + "0123456789X"[total % 11] + blank[9:]


def _fold(value: float, low: float, high: float) -> float:
    """Reflect a value at both edges until it lies between them."""
    span = high - low
    offset = (value - low) % (2 * span)
    return low + min(offset, 2 * span - offset)
