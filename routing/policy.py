"""The ranking policy: every number that decides who stands where, as versioned data."""

import hashlib
import tomllib
from datetime import timedelta
from functools import cache
from importlib import resources

import msgspec

from dtc_db.need import Arrival
from dtc_db.urgency import Urgency
from dtc_db.vehicle import VehicleClass
from routing.errors import DataFileError
from routing.model import Term

_M_PER_S = 1 / 3.6  # of one km/h
DIGITS = 3  # points are rounded to thousandths, so that a sum is the same everywhere
MEASURED = frozenset({"travel", "wait", "evidence"})  # what `rank` can measure
_HEAVY = frozenset({VehicleClass.TRUCK, VehicleClass.BUS})


class _Data(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the policy file; an unknown key in it is a mistake."""


class Leg(_Data, frozen=True, kw_only=True):
    """A part of the way and the speed on it; the last leg has no end that matters."""

    up_to_m: int
    speed_kmh: int


class Travel(_Data, frozen=True, kw_only=True):
    """How great-circle distances become times."""

    detour: float
    legs: tuple[Leg, ...]
    heavy_speed_kmh_max: int


class Way(_Data, frozen=True, kw_only=True):
    """What one way of getting there allows.

    Attributes:
        radius_m: Great-circle distance.
        fetch_s: Before the vehicle starts to move.
    """

    radius_m: int
    speed_kmh_max: int
    fetch_s: int


class Assumed(_Data, frozen=True, kw_only=True):
    """What is assumed of a site that does not say."""

    vehicle_classes: frozenset[VehicleClass] = frozenset()
    equipment: frozenset[str] = frozenset()


class Unstated(Assumed, frozen=True, kw_only=True):
    """Assumptions for every site, and those that follow from a skill held there."""

    with_skill: dict[str, Assumed] = {}


class TermRule(_Data, frozen=True, kw_only=True):
    """One part of the score.

    Attributes:
        curve: ``(value, points)`` with rising values; straight lines between, level outside.
        unknown: Points where the value is not known; None if it is always known.
    """

    name: str
    unit: str
    curve: tuple[tuple[float, float], ...]
    text: dict[str, str]
    unknown: float | None = None

    def rate(self, value: float | None) -> Term:
        """The term for a value; None stands for unknown and is shown as -1."""
        if value is None:
            return Term(name=self.name, value=-1, points=self.unknown or 0)
        return Term(name=self.name, value=value, points=round(self._points(value), DIGITS))

    def _points(self, value: float) -> float:
        low, low_points = self.curve[0]
        for high, high_points in self.curve:
            if value <= high:
                share = (value - low) / (high - low) if high > low else 0
                return low_points + max(0.0, share) * (high_points - low_points)
            low, low_points = high, high_points
        return low_points


class Policy(_Data, frozen=True, kw_only=True):
    """The whole policy, as its file has it; see the comments there."""

    version: str
    offers_max: int
    ranked_max: int
    weighed_max: int
    searched_max: int
    travel: Travel
    arrivals: dict[Arrival, Way]
    deadline_h: dict[Urgency, int]
    unstated: Unstated
    terms: tuple[TermRule, ...]

    def travel_s(self, distance_m: int, *, arrival: Arrival, vehicle_class: VehicleClass) -> int:
        """Estimated seconds from now until the vehicle is there, help included."""
        way = self.arrivals[arrival]
        speed_kmh_max = way.speed_kmh_max
        if vehicle_class in _HEAVY:
            speed_kmh_max = min(speed_kmh_max, self.travel.heavy_speed_kmh_max)
        road_m, done_m, total_s = distance_m * self.travel.detour, 0.0, float(way.fetch_s)
        for leg in self.travel.legs:
            part_m = min(road_m, leg.up_to_m) - done_m
            if part_m > 0:
                total_s += part_m / (min(leg.speed_kmh, speed_kmh_max) * _M_PER_S)
                done_m += part_m
        return round(total_s)

    def deadline(self, urgency: Urgency) -> timedelta:
        """How long after arrival a site may stay closed and still be an answer."""
        return timedelta(hours=self.deadline_h[urgency])

    def span(self, *, arrival: Arrival, urgency: Urgency, vehicle_class: VehicleClass) -> timedelta:
        """The longest time from the decision until a site within the radius opens its door."""
        radius_m = self.arrivals[arrival].radius_m
        travel_s = self.travel_s(radius_m, arrival=arrival, vehicle_class=vehicle_class)
        return timedelta(seconds=travel_s) + self.deadline(urgency)

    @property
    def digest(self) -> str:
        """SHA-256 over the numbers, hexadecimal; comments in the file do not count."""
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()


def parse_policy(content: str) -> Policy:
    """Read a policy file.

    Raises:
        DataFileError: If it is no TOML, breaks the schema, or leaves a case open.
    """
    try:
        policy = msgspec.convert(tomllib.loads(content), Policy)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise DataFileError(f"ranking policy: {error}") from error
    if set(policy.arrivals) != set(Arrival) or set(policy.deadline_h) != set(Urgency):
        raise DataFileError("ranking policy: every way of arrival and every urgency needs its row")
    if not policy.offers_max <= policy.weighed_max <= policy.ranked_max <= policy.searched_max:
        raise DataFileError("ranking policy: offers, weighed, ranked, searched must not fall")
    for term in policy.terms:
        values = [value for value, _ in term.curve]
        if term.name not in MEASURED:
            raise DataFileError(f"ranking policy: nobody measures {term.name!r}")
        if not values or values != sorted(values):
            raise DataFileError(f"ranking policy: the curve of {term.name} must rise in its values")
    return policy


@cache
def load_policy() -> Policy:
    """The policy that comes with the program."""
    return parse_policy(resources.files("routing.data").joinpath("policy.toml").read_text("utf-8"))
