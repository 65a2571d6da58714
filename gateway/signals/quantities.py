"""The values that the router uses, each in one unit, and how others write that unit."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """One value of a vehicle.

    Attributes:
        low: What is less cannot be.
        high: What is more cannot be.
        units: Factor and offset by unit, as files write it in lower case.
        spns: J1939 suspect parameters that carry it; files for trucks name them.
    """

    low: float
    high: float
    units: Mapping[str, tuple[float, float]]
    spns: tuple[int, ...] = ()

    def conversion_of(self, unit: str) -> tuple[float, float] | None:
        """Find factor and offset of a unit; None if it is none of this quantity."""
        return self.units.get(unit.strip().lower())

    def is_possible(self, value: float) -> bool:
        """Whether a vehicle can have this value; not-a-number is none."""
        return self.low <= value <= self.high


_KM_PER_MILE = 1.609344
_DEGREES = dict.fromkeys(("deg", "°", "degree", "degrees"), (1.0, 0.0))

# SPN: 84 wheel-based speed, 917 and 245 total distance, 110 coolant, 168 and 158 battery,
# 584 latitude, 585 longitude. Seen in
# public DBC files for J1939; the standard's own list was not read.
QUANTITIES: Final = {
    "speed_kmh": Quantity(
        low=0,
        high=500,
        units={
            **dict.fromkeys(("km/h", "kph", "kmh"), (1, 0)),
            "mph": (_KM_PER_MILE, 0),
            "m/s": (3.6, 0),
        },
        spns=(84,),
    ),
    "odometer_km": Quantity(
        low=0,
        high=10_000_000,
        units={"km": (1, 0), "m": (0.001, 0), "mi": (_KM_PER_MILE, 0), "miles": (_KM_PER_MILE, 0)},
        spns=(917, 245),
    ),
    "coolant_c": Quantity(
        low=-60,
        high=250,
        units={
            **dict.fromkeys(("c", "°c", "degc", "deg c", "celsius"), (1, 0)),
            **dict.fromkeys(("f", "°f", "degf", "deg f"), (5 / 9, -160 / 9)),
        },
        spns=(110,),
    ),
    "battery_v": Quantity(low=0, high=100, units={"v": (1, 0), "mv": (0.001, 0)}, spns=(168, 158)),
    "soc_pct": Quantity(low=0, high=100, units={"%": (1, 0), "pct": (1, 0), "percent": (1, 0)}),
    "lon_deg": Quantity(low=-180, high=180, units=_DEGREES, spns=(585,)),
    "lat_deg": Quantity(low=-90, high=90, units=_DEGREES, spns=(584,)),
    "isolation_kohm": Quantity(
        low=0,
        high=1_000_000,
        units={
            **dict.fromkeys(("kohm", "kω", "kiloohm"), (1, 0)),
            **dict.fromkeys(("ohm", "ω"), (0.001, 0)),
            # Milliohm is no unit of isolation, so every spelling means megaohm.
            **dict.fromkeys(("mohm", "mω", "megaohm"), (1000, 0)),
        },
    ),
}

_NO_VALUE = re.compile(
    r"\b(sna|n/?a|not[ _]?avail\w*|unavail\w*|invalid|error|fault|init\w*|undefined)\b",
    re.IGNORECASE,
)


def is_no_value(text: str) -> bool:
    """Whether a file's name for a number says that it is none, such as ``SNA``."""
    return _NO_VALUE.search(text.replace("_", " ")) is not None
