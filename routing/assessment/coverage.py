"""Where in a region no one within so many minutes holds a skill, cell by cell.

A cell is asked at its middle: how long it takes a vehicle that drives from there to the nearest
site whose people hold the skill on the day. Hours, holidays, equipment and kinds of vehicle say
nothing here: what is drawn is where nobody has learnt it.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from dtc_db.need import Arrival, Skill
from dtc_db.skills import load_vocabulary
from dtc_db.vehicle import VehicleClass
from routing.assessment.assess import shown
from routing.competence.expression import satisfies
from routing.competence.held import team_evidence
from routing.decision import Case
from routing.directory.snapshot import Directory
from routing.geo import arcs_m, unit_vectors
from routing.matching.policy import Policy
from routing.model import Position, Site

MINUTES_MAX = 600
CELLS_ACROSS = 60  # of the longer side
CELL_DEG_MIN = 0.02  # about 2 km: finer ones would point at single sites
LAT_DEG_MAX = 85.0
_BANDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A part of the world; one over the date line has its east smaller than its west.

    Raises:
        ValueError: If it is empty, or off the earth or near a pole.
    """

    west_deg: float
    south_deg: float
    east_deg: float
    north_deg: float

    def __post_init__(self) -> None:
        if not -LAT_DEG_MAX <= self.south_deg < self.north_deg <= LAT_DEG_MAX:
            raise ValueError(f"expected south below north, within {LAT_DEG_MAX:g} degrees")
        if not (-180 <= self.west_deg <= 180 and -180 <= self.east_deg <= 180):
            raise ValueError("expected west and east from -180 to 180 degrees")
        if self.west_deg == self.east_deg:
            raise ValueError("expected west and east to differ")

    @classmethod
    def parse(cls, text: str) -> "Box":
        """Read west, south, east and north, such as ``5,45,11,48``.

        Raises:
            ValueError: If they are no box.
        """
        try:
            west, south, east, north = map(float, text.split(","))
        except ValueError:
            raise ValueError(f"expected W,S,E,N such as 5,45,11,48, got {text!r:.60}") from None
        return cls(west_deg=west, south_deg=south, east_deg=east, north_deg=north)

    @property
    def width_deg(self) -> float:
        """From west to east."""
        return (self.east_deg - self.west_deg) % 360


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """A region and who holds a skill near each part of it.

    Attributes:
        bands: Shape (rows from the north, columns from the west): 0 within the minutes, 1 within
            twice as many, 2 beyond.
        area_km2: Of all cells in each band.
        sites: How many hold it in or near the region: masked if it is small.
        cases: Of the cases that needed it in the region, how many lie in each band; each may be
            masked. None where nobody gave cases.
    """

    skill: str
    box: Box
    minutes: int
    day: date
    bands: NDArray[np.int8]
    area_km2: tuple[int, ...]
    sites: int | None
    cases: tuple[int | None, ...] | None


def cover(  # noqa: PLR0913 - one question, each part by its name
    directory: Directory,
    box: Box,
    *,
    skill: str,
    minutes: int,
    day: date,
    policy: Policy,
    cases: Sequence[Case] | None = None,
) -> Coverage:
    """Draw up who holds a skill near each part of a region.

    Args:
        directory: Of all sites, also those outside the region: borders cover nobody less.
        box: The region.
        skill: Of the vocabulary.
        minutes: Within which somebody should be there, at most `MINUTES_MAX`.
        day: On which the titles must count.
        policy: For the speed of travel.
        cases: That occurred in a period, to say how many of them nobody was near to; None if
            nobody asks.
    """
    able = directory.able(Skill(skill), first_day=day, last_day=day)
    rows = [row for row in able.tolist() if _holds(directory.sites[row], skill, day, directory)]
    ground = directory.ground(np.array(rows, dtype=np.intp))
    lons, lats = _middles(box)
    middles = [Position(lon, lat) for lat in lats for lon in lons]

    def bands_of(places: Sequence[Position]) -> NDArray[np.int8]:
        if not rows or not places:
            return np.full(len(places), _BANDS - 1, dtype=np.int8)
        chords, _ = ground.tree.query(unit_vectors(places))
        times_s = policy.travel_times_s(
            arcs_m(chords), arrival=Arrival.DRIVES, vehicle_class=VehicleClass.CAR
        )
        late = np.maximum(np.ceil(times_s / (60 * minutes)).astype(np.int64) - 1, 0)
        return np.minimum(late, _BANDS - 1).astype(np.int8)

    bands = bands_of(middles).reshape(len(lats), len(lons))
    near = {
        directory.sites[row].site_id for row in rows if _within(directory.sites[row].position, box)
    }
    return Coverage(
        skill=skill,
        box=box,
        minutes=minutes,
        day=day,
        bands=bands,
        area_km2=_areas(bands, lats, box.width_deg / len(lons)),
        sites=shown(len(near)),
        cases=None if cases is None else _masked(bands_of(_places(cases, box, skill))),
    )


def _holds(site: Site, skill: str, day: date, directory: Directory) -> bool:
    return skill in team_evidence(site, day=day, catalogue=directory.catalogue)


def _middles(box: Box) -> tuple[list[float], list[float]]:
    """Longitudes of the columns and latitudes of the rows; cells are about as wide as high."""
    height_deg = box.north_deg - box.south_deg
    squeeze = math.cos(math.radians((box.north_deg + box.south_deg) / 2))
    cell_deg = max(max(height_deg, box.width_deg * squeeze) / CELLS_ACROSS, CELL_DEG_MIN)
    rows = max(1, round(height_deg / cell_deg))
    columns = max(1, round(box.width_deg * squeeze / cell_deg))
    lons = [box.west_deg + (place + 0.5) * box.width_deg / columns for place in range(columns)]
    lats = [box.north_deg - (place + 0.5) * height_deg / rows for place in range(rows)]
    return [(lon + 180) % 360 - 180 for lon in lons], lats


def _areas(bands: NDArray[np.int8], lats: Sequence[float], width_deg: float) -> tuple[int, ...]:
    """Square kilometres in each band, on the sphere."""
    height_deg = abs(lats[0] - lats[1]) if len(lats) > 1 else width_deg
    km_per_deg = 111.195
    cells = np.cos(np.radians(lats))[:, None] * (width_deg * height_deg * km_per_deg**2)
    return tuple(round(float((cells * (bands == band)).sum())) for band in range(_BANDS))


def _within(place: Position, box: Box) -> bool:
    is_between = (place.lon_deg - box.west_deg) % 360 <= box.width_deg
    return is_between and box.south_deg <= place.lat_deg <= box.north_deg


def _places(cases: Sequence[Case], box: Box, skill: str) -> list[Position]:
    """Where in the region a case arose that could not be mended without the skill."""
    others: Collection[str] = load_vocabulary().skills.keys() - {skill}
    return [
        case.position
        for case in cases
        if case.position is not None
        and _within(case.position, box)
        and not satisfies(case.need.skills, others)
    ]


def _masked(bands: NDArray[np.int8]) -> tuple[int | None, ...]:
    """How many in each band; if one is masked, so are all but nothing: no sum gives it away."""
    counts = np.bincount(bands, minlength=_BANDS).tolist()
    masked = [shown(count) for count in counts]
    if None in masked:
        return tuple(0 if count == 0 else None for count in counts)
    return tuple(masked)
