"""The ranking policy: every number that decides who stands where, as versioned data."""

import hashlib
import tomllib
from datetime import timedelta
from functools import cache, cached_property, lru_cache
from importlib import resources
from itertools import pairwise

import msgspec
import numpy as np
from numpy.typing import NDArray

from dtc_db.need import Arrival
from dtc_db.urgency import Urgency
from dtc_db.vehicle import VehicleClass
from routing.decision import Term
from routing.errors import DataFileError
from routing.matching.turn import draw
from routing.model import Site
from routing.outcomes import least_share_per_mille

_M_PER_S = 1 / 3.6  # of one km/h
THOUSAND = 1000  # scores are counted in thousandths of a point
DEADLINE_H_MAX = 720  # as far ahead as opening hours are read
TERMS_MAX = 7  # more than that nobody weighs in the head
CURVE_VALUE_MAX = 10_000_000  # where a curve may end
_TRAVEL_M_MAX = 250_000  # as far, times are looked up; farther than any published radius
WISHES = frozenset({"preference", "price"})  # what only a principal can want; of a site, on any day
# What `rank` can measure. `wait` is of policies before 2026-13, and of referrals made by them.
MEASURED = frozenset({"travel", "wait", "slot", "outcomes", "evidence", "turn"}) | WISHES
type Ints = NDArray[np.int64]

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


class Battery(_Data, frozen=True, kw_only=True):
    """What a battery-electric vehicle of a class is taken to have, and to need."""

    kwh: int
    kwh_per_100_km: int


class Reach(_Data, frozen=True, kw_only=True):
    """How far a battery is taken to last; a class that is not named is not limited."""

    reserve_pct: int
    batteries: dict[VehicleClass, Battery]


class Assumed(_Data, frozen=True, kw_only=True):
    """What is assumed of a site that does not say."""

    vehicle_classes: frozenset[VehicleClass] = frozenset()
    equipment: frozenset[str] = frozenset()


class Unstated(Assumed, frozen=True, kw_only=True):
    """Assumptions for every site, and those that follow from a skill held there."""

    with_skill: dict[str, Assumed] = {}


class Slots(_Data, frozen=True, kw_only=True):
    """How soon a site that is open takes the next vehicle.

    Attributes:
        day_s: Over how much of an open day its new cases are spread.
        unstated_per_day: How many a site takes that does not say.
    """

    day_s: int
    unstated_per_day: int

    def intake_s(self, cases_per_day: int | None) -> int:
        """Seconds until it takes one, on average: half of the time between two of them."""
        return self.day_s // (2 * max(1, cases_per_day or self.unstated_per_day))


class Prior(_Data, frozen=True, kw_only=True):
    """What stands beside the verified repairs of every site.

    Attributes:
        repairs: How many more are taken to be known of it.
        held: How many of these held.
        z: How careful the share is read; see `routing.outcomes.least_share_per_mille`.
    """

    repairs: int
    held: int
    z: float

    def measure(self, site: Site) -> int | None:
        """The least share of repairs likely to hold there, in thousandths; None if unknown."""
        seen = site.outcomes
        if seen is None or not seen.count:
            return None
        return least_share_per_mille(seen.held + self.held, seen.count + self.repairs, z=self.z)


class Turn(_Data, frozen=True, kw_only=True):
    """How lots are drawn; see `routing.matching.turn`."""

    new_below: int
    new_one_in: int


class TermRule(_Data, frozen=True, kw_only=True, dict=True):
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

    def rate(self, value: int | None) -> Term:
        """The term for a value; None stands for unknown and is shown as -1."""
        if value is None:
            return Term(name=self.name, value=-1, points=self.unknown or 0)
        thousandths: int = self._table.item(min(max(value, 0), len(self._table) - 1))
        return Term(name=self.name, value=value, points=thousandths / THOUSAND)

    def thousandths(self, values: NDArray[np.int64]) -> NDArray[np.int64]:
        """Points of whole values, in thousandths: integers, so that a sum is the same everywhere.

        Values outside the curve count as its nearest end.
        """
        return self._table.take(values, mode="clip")

    @cached_property
    def _table(self) -> Ints:
        return _curve_table(self.curve)


@lru_cache(maxsize=64)
def _curve_table(curve: tuple[tuple[float, float], ...]) -> NDArray[np.int64]:
    """Points in thousandths for each whole value from 0 to the end of the curve; halves go up."""
    table = np.full(int(curve[-1][0]) + 1, _thousandths(curve[0][1]), dtype=np.int64)
    for (low, low_points), (high, high_points) in pairwise(curve):
        width = int(high) - int(low)
        steps = np.arange(width + 1, dtype=np.int64)
        rise = _thousandths(high_points) - _thousandths(low_points)
        table[int(low) : int(high) + 1] = _thousandths(low_points) + (2 * steps * rise + width) // (
            2 * width
        )
    return table


def _thousandths(points: float) -> int:
    return round(points * THOUSAND)


@lru_cache(maxsize=16)
def _travel_table(travel: Travel, fetch_s: int, speed_kmh_max: int) -> Ints:
    """Seconds for each whole metre up to `_TRAVEL_M_MAX`."""
    return _travel_times_s(np.arange(_TRAVEL_M_MAX), travel, fetch_s, speed_kmh_max)


def _travel_times_s(distances_m: Ints, travel: Travel, fetch_s: int, speed_kmh_max: int) -> Ints:
    roads_m, done_m = distances_m * travel.detour, 0
    total_s = np.full(distances_m.shape, float(fetch_s))
    for leg in travel.legs:
        parts_m = np.clip(roads_m, done_m, leg.up_to_m) - done_m
        total_s += parts_m / (min(leg.speed_kmh, speed_kmh_max) * _M_PER_S)
        done_m = leg.up_to_m
    return np.rint(total_s).astype(np.int64)


class Policy(_Data, frozen=True, kw_only=True, omit_defaults=True):
    """The whole policy, as its file has it; see the comments there.

    What an older one does not have is left out of its digest, so that it stays what it was.
    """

    version: str
    offers_max: int
    free_choice_max: int
    ranked_max: int
    weighed_max: int
    searched_max: int
    travel: Travel
    arrivals: dict[Arrival, Way]
    deadline_h: dict[Urgency, int]
    unstated: Unstated
    terms: tuple[TermRule, ...]
    reach: Reach | None = None
    slots: Slots | None = None
    prior: Prior | None = None
    turn: Turn | None = None

    def travel_s(self, distance_m: int, *, arrival: Arrival, vehicle_class: VehicleClass) -> int:
        """Estimated seconds from now until the vehicle is there, help included."""
        times_s = self.travel_times_s(
            np.array([distance_m]), arrival=arrival, vehicle_class=vehicle_class
        )
        return int(times_s[0])

    def travel_times_s(
        self, distances_m: NDArray[np.int64], *, arrival: Arrival, vehicle_class: VehicleClass
    ) -> NDArray[np.int64]:
        """The same for many distances, in the shape given."""
        how = (
            self.travel,
            self.arrivals[arrival].fetch_s,
            self._speed_kmh_max(arrival, vehicle_class),
        )
        if distances_m.max(initial=0) >= _TRAVEL_M_MAX:
            return _travel_times_s(distances_m, *how)
        return _travel_table(*how).take(distances_m)

    def road_times_s(
        self, road_m: Ints, drive_s: Ints, *, arrival: Arrival, vehicle_class: VehicleClass
    ) -> Ints:
        """Seconds until the vehicle is there, from what a free vehicle needs on the same roads.

        It is not faster than this way of getting there allows, and help has to come first.
        """
        slowest_s = -(-road_m * 18 // (5 * self._speed_kmh_max(arrival, vehicle_class)))
        return np.maximum(drive_s, slowest_s) + self.arrivals[arrival].fetch_s

    def road_reach_m(self, soc_pct: float, vehicle_class: VehicleClass) -> int | None:
        """How far by road a battery lasts down to the reserve; None if nothing is assumed of it."""
        if self.reach is None or vehicle_class not in self.reach.batteries:
            return None
        battery = self.reach.batteries[vehicle_class]
        left_kwh = max(soc_pct - self.reach.reserve_pct, 0) / 100 * battery.kwh
        return round(left_kwh / battery.kwh_per_100_km * 100_000)

    def road_m_max(self, arrival: Arrival) -> int:
        """How long a way may be: as long as roads within the radius are taken to be."""
        return round(self.arrivals[arrival].radius_m * self.travel.detour)

    def _speed_kmh_max(self, arrival: Arrival, vehicle_class: VehicleClass) -> int:
        speed_kmh_max = self.arrivals[arrival].speed_kmh_max
        if vehicle_class in _HEAVY:
            speed_kmh_max = min(speed_kmh_max, self.travel.heavy_speed_kmh_max)
        return speed_kmh_max

    def intake_s(self, site: Site) -> int:
        """How long an open site takes to take the next vehicle."""
        return 0 if self.slots is None else self.slots.intake_s(site.cases_per_day)

    def outcomes(self, site: Site) -> int | None:
        """How many repairs of a thousand hold there at least; None if nobody knows."""
        return None if self.prior is None else self.prior.measure(site)

    def draw(self, seed: str, site: Site) -> int | None:
        """The lot of a site in a referral; None if none is drawn."""
        if self.turn is None:
            return None
        numbers = self.turn
        return draw(seed, site, new_below=numbers.new_below, new_one_in=numbers.new_one_in)

    def deadline(self, urgency: Urgency) -> timedelta:
        """How long after arrival a site may stay closed and still be an answer."""
        return timedelta(hours=self.deadline_h[urgency])

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
    check_policy(policy)
    return policy


def check_policy(policy: Policy) -> None:
    """Refuse a policy whose numbers leave a case open or contradict each other.

    Raises:
        DataFileError: If it does.
    """
    if set(policy.arrivals) != set(Arrival) or set(policy.deadline_h) != set(Urgency):
        raise DataFileError("ranking policy: every way of arrival and every urgency needs its row")
    if max(policy.deadline_h.values()) > DEADLINE_H_MAX:
        raise DataFileError(f"ranking policy: no deadline may exceed {DEADLINE_H_MAX} h")
    if not policy.offers_max <= policy.weighed_max <= policy.ranked_max <= policy.searched_max:
        raise DataFileError("ranking policy: offers, weighed, ranked, searched must not fall")
    if len(policy.terms) > TERMS_MAX:
        raise DataFileError(f"ranking policy: no more than {TERMS_MAX} terms")
    _check_tables(policy)
    for term in policy.terms:
        values = [value for value, _ in term.curve]
        if term.name not in MEASURED:
            raise DataFileError(f"ranking policy: nobody measures {term.name!r}")
        if not values or values != sorted(set(values)):
            raise DataFileError(f"ranking policy: the curve of {term.name} must rise in its values")
        if any(value != int(value) or not 0 <= value <= CURVE_VALUE_MAX for value in values):
            raise DataFileError(f"ranking policy: the curve of {term.name} needs whole values")


def _check_tables(policy: Policy) -> None:
    """Each term that needs numbers of its own has them, and they can be reckoned with."""
    names = {term.name for term in policy.terms}
    slots, prior, turns = policy.slots, policy.prior, policy.turn
    for name, table in (("slot", slots), ("outcomes", prior), ("turn", turns)):
        if name in names and table is None:
            raise DataFileError(f"ranking policy: the term {name} needs its table")
    if slots is not None and (slots.day_s < 0 or slots.unstated_per_day < 1):
        raise DataFileError("ranking policy: slots need a day, and one case on it at least")
    if prior is not None and not (0 <= prior.held <= prior.repairs and prior.z >= 0):
        raise DataFileError("ranking policy: prior: held is at most repairs, and z not negative")
    if prior is not None and not prior.repairs:
        raise DataFileError("ranking policy: prior: expected at least one repair")
    if turns is not None and min(turns.new_below, turns.new_one_in) < 1:
        raise DataFileError("ranking policy: turn: expected whole numbers from 1")


@cache
def load_policy() -> Policy:
    """The policy that comes with the program."""
    return parse_policy(resources.files("routing.data").joinpath("policy.toml").read_text("utf-8"))
