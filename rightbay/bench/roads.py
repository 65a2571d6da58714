"""What it costs to ask OSRM in this process for the ways to fifty sites, beside the straight line.

The map is any that `rightbay roads build` made; places and sites are drawn around a point of it.
Places that no road lies near are left out, and their number is told.
"""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from random import Random
from statistics import median

from dtc_db.vehicle import VehicleClass
from rightbay.bench.matching import NOW, POLICY, draw_cases
from rightbay.bench.turns import Ratio, Run, compare, time_in_turns
from routing.decision import Case
from routing.directory.snapshot import Directory
from routing.geo import distance_m
from routing.matching.shortlist import decide_by_road
from routing.model import Position, Site
from routing.travel.maps import load_manifest
from routing.travel.osrm import OsrmRoads
from simulators.model import Box
from simulators.network import repairer_network

SITES = 50  # as many as compete
PLACES = 200  # drawn; those on a road are asked about
AROUND_DEG = 0.1
BY_ROAD = "OSRM in process, 1 x 50"


@dataclass(frozen=True, slots=True)
class RoadRow:
    """One way to know how far sites are; `times` is how much longer OSRM alone takes."""

    name: str
    us: float
    times: Ratio | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoadResult:
    """What was measured on one map.

    Attributes:
        places: Asked about, of those that were drawn.
        known: Of a hundred ways, how many the map knew.
    """

    version: str
    source: str
    places: int
    known: float
    rows: tuple[RoadRow, ...]


def measure_roads(folder: Path, *, around: Position, rounds: int) -> RoadResult:
    """Measure in turns, by processor time.

    Args:
        folder: With a map.
        around: A place on it.
        rounds: Of which the median counts.

    Raises:
        RoadsError: If there is no map, or OSRM is not installed.
        ValueError: If no place that was drawn lies near a road: another map, or another place.
    """
    manifest = load_manifest(folder)
    ways = _Ways.drawn(OsrmRoads(folder), around)
    runs: dict[str, Run] = {
        BY_ROAD: ways.ask,
        "50 great circles": ways.measure_lines,
        "a list by straight lines": partial(ways.decide, None),
        "a list by road": partial(ways.decide, ways.roads),
    }
    rates = time_in_turns(runs, rounds=rounds, before=lambda: None)
    return RoadResult(
        version=manifest.version,
        source=manifest.source,
        places=len(ways.cases),
        known=ways.known,
        rows=tuple(
            RoadRow(
                name,
                1e6 / median(rate),
                None if name == BY_ROAD else compare(rate, rates[BY_ROAD]),
            )
            for name, rate in rates.items()
        ),
    )


_CAR = VehicleClass.CAR


@dataclass(frozen=True, slots=True)
class _Ways:
    """Cases on a road of the map, and sites around them."""

    roads: OsrmRoads
    sites: tuple[Site, ...]
    cases: tuple[Case, ...]
    known: float
    directory: Directory

    @classmethod
    def drawn(cls, roads: OsrmRoads, around: Position) -> "_Ways":
        sites, cases = _draw(around)
        answers = [(case, roads.measure(_place(case), sites, vehicle_class=_CAR)) for case in cases]
        near = [(case, measured) for case, measured in answers if measured.setback is None]
        if not near:
            raise ValueError("expected roads around that place, found none on this map")
        count = sum(len(measured.times) for _, measured in near)
        return cls(
            roads,
            sites,
            tuple(case for case, _ in near),
            100 * count / (len(near) * len(sites)),
            Directory(sites, "bench"),
        )

    def ask(self) -> int:
        """OSRM alone."""
        for case in self.cases:
            self.roads.measure(_place(case), self.sites, vehicle_class=_CAR)
        return len(self.cases)

    def measure_lines(self) -> int:
        """As many straight lines."""
        for case in self.cases:
            for site in self.sites:
                distance_m(_place(case), site.position)
        return len(self.cases)

    def decide(self, travel: OsrmRoads | None) -> int:
        """Whole lists in words, by road or by straight lines."""
        for case in self.cases:
            decide_by_road(case, self.directory, POLICY, decided_at=NOW, travel=travel)
        return len(self.cases)


def _draw(around: Position) -> tuple[tuple[Site, ...], list[Case]]:
    """Sites and cases around a place; the same every time."""
    random = Random("roads")  # noqa: S311 - a simulation, no secret
    box = Box(
        around.lon_deg - AROUND_DEG,
        around.lat_deg - AROUND_DEG,
        around.lon_deg + AROUND_DEG,
        around.lat_deg + AROUND_DEG,
    )
    sites = repairer_network(box, seed=1, sites=SITES, today=NOW.date())
    cases = [
        replace(
            case,
            position=Position(
                random.uniform(box.west_deg, box.east_deg),
                random.uniform(box.south_deg, box.north_deg),
            ),
        )
        for case in draw_cases(PLACES, ("brakes",))
    ]
    return sites, cases


def _place(case: Case) -> Position:
    if case.position is None:
        raise ValueError("a case of the bench has a place")
    return case.position
