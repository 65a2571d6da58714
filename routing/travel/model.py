"""What an engine that knows roads found out, as values that a decision can be repeated from."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum

import msgspec

# Of one question to an engine: four times as many as compete, for a vehicle that limps or is to be
# towed, within somebody's rules and without them.
SITES_MAX = 200
# As far from the nearest road of the map as a place may lie; docs/ranking.md.
OFF_ROAD_M = 250
ROAD_M_MAX, DRIVE_S_MAX = 100_000_000, 10_000_000  # no answer of an engine may exceed them


class Unmeasured(StrEnum):
    """Why a site has no time by road; that of a straight line stands in for it."""

    OFF_ROAD = "off_road"  # no road of the map lies near it: too far away, or beyond the map's edge
    NO_WAY = "no_way"  # the map knows no way there


class Setback(StrEnum):
    """Why no site at all has a time by road."""

    VEHICLE_OFF_ROAD = "vehicle_off_road"  # as for a site
    NO_ANSWER = "no_answer"  # the engine failed, or took too long
    PAUSED = "paused"  # it failed just before, and is left alone for a while


@dataclass(frozen=True, slots=True, kw_only=True)
class RoadTime:
    """The way from the vehicle to a site, as a vehicle drives that nothing keeps back.

    Raises:
        ValueError: If no way on earth is that long.
    """

    site_id: str
    road_m: int
    drive_s: int

    def __post_init__(self) -> None:
        if not (0 <= self.road_m <= ROAD_M_MAX and 0 <= self.drive_s <= DRIVE_S_MAX):
            raise ValueError(f"expected a way on earth, got {self.road_m} m in {self.drive_s} s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The answer to one question: an input of the decision, like the directory.

    Attributes:
        engine: Which one was asked, such as ``osrm``.
        roads: Version of its map; empty if it does not say.
        times: Ordered by site.
        unmeasured: Sites that were asked for and have no time, ordered by site.
        setback: Why there are no times at all.
    """

    engine: str
    roads: str
    times: tuple[RoadTime, ...] = ()
    unmeasured: tuple[tuple[str, Unmeasured], ...] = ()
    setback: Setback | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of all of it, hexadecimal."""
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()
