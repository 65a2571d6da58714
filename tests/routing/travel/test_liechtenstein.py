"""A whole country: the order by road is held against a search of its map that shares no code.

The reference reads the roads of the map with osmium, gives each kind of road one speed, and finds
the quickest ways by Dijkstra's algorithm (scipy). It knows no turns and no traffic lights, so only
orders that are clear to it are held against OSRM's.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import osmium
import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from dtc_db.vehicle import VehicleClass
from routing.decision import Decision, Offer
from routing.directory.snapshot import Directory
from routing.geo import coarse, distance_m, unit_vectors
from routing.imports.sites import read_sites
from routing.matching.policy import load_policy
from routing.matching.shortlist import decide_by_road
from routing.model import Position, Site
from routing.ports import TravelTimes
from routing.testing import LIGHT, NOW, case, need, team
from routing.travel.build import build
from routing.travel.model import Setback, Unmeasured
from routing.travel.osrm import OsrmRoads

MAP = Path(__file__).parents[4] / "shared" / "data" / "osm" / "liechtenstein.osm.pbf"
PAGE = Path(__file__).parents[3] / "docs" / "roads.md"
pytestmark = pytest.mark.skipif(
    not MAP.is_file(), reason="../shared/data/osm is not there: REAL ROADS NOT DRIVEN"
)

# On the map as places of their own, with a road for cars nearby.
PLACES = (
    "Balzers",
    "Ebenholz",
    "Eschen",
    "Gamprin",
    "Gamprin-Bendern",
    "Grosssteg",
    "Kleinsteg",
    "Malbun",
    "Mauren",
    "Nendeln",
    "Planken",
    "Rotenboden",
    "Ruggell",
    "Schaan",
    "Schaanwald",
    "Schellenberg",
    "Steg",
    "Triesen",
    "Triesenberg",
    "Vaduz",
)
CLEAR = 1.25  # as many times longer that one way has to be, so that the reference is sure

# --- the reference -----------------------------------------------------------------------------

SPEEDS_KMH = {
    "primary": 50,
    "secondary": 45,
    "tertiary": 35,
    "unclassified": 22,
    "residential": 22,
    "living_street": 10,
    "service": 12,
}
CLOSED = {"no", "private", "agricultural", "forestry", "destination", "permit", "customers"}


class Roads(osmium.SimpleHandler):
    """Pieces of road as (from, to, seconds), and where their ends lie."""

    def __init__(self) -> None:
        super().__init__()
        self.at: dict[int, Position] = {}
        self.pieces: list[tuple[int, int, float]] = []
        self.places: dict[str, Position] = {}

    def node(self, node: osmium.osm.Node) -> None:
        if "place" in node.tags and "name" in node.tags:
            place = Position(node.location.lon, node.location.lat)
            self.places[node.tags["name"]] = place

    def way(self, way: osmium.osm.Way) -> None:
        kind = way.tags.get("highway") or ""
        speed_kmh = SPEEDS_KMH.get(kind.removesuffix("_link"))
        access = [way.tags.get(key) for key in ("motorcar", "motor_vehicle", "vehicle", "access")]
        if speed_kmh is None or next((one for one in access if one), "yes") in CLOSED:
            return
        is_one_way = way.tags.get("oneway") == "yes" or way.tags.get("junction") == "roundabout"
        nodes = [(node.ref, Position(node.lon, node.lat)) for node in way.nodes]
        self.at |= dict(nodes)
        for (one, here), (other, there) in pairwise(nodes):
            duration_s = math.dist(*(unit_vectors([p])[0] for p in (here, there))) * 6_371_009
            duration_s *= 3.6 / speed_kmh
            self.pieces.append((one, other, duration_s))
            if not is_one_way:
                self.pieces.append((other, one, duration_s))


@cache
def roads() -> Roads:
    found = Roads()
    found.apply_file(str(MAP), locations=True)
    return found


@cache
def reference() -> Mapping[tuple[str, str], float]:
    """Seconds from each place to each garage."""
    ids = [*roads().at]
    index = {node: number for number, node in enumerate(ids)}
    start, end, duration_s = zip(*roads().pieces, strict=True)
    shape = (len(ids), len(ids))
    rows, columns = ([index[node] for node in nodes] for nodes in (start, end))
    graph = csr_array((np.array(duration_s), (rows, columns)), shape=shape)
    units = unit_vectors([roads().at[node] for node in ids])

    def nearest(position: Position) -> int:
        return int(np.argmax(units @ unit_vectors([position])[0]))

    times = dijkstra(graph, indices=[nearest(roads().places[name]) for name in PLACES])
    return {
        (name, garage.site_id): float(times[row, nearest(garage.position)])
        for row, name in enumerate(PLACES)
        for garage in garages()
    }


# --- the country -------------------------------------------------------------------------------


@cache
def garages() -> tuple[Site, ...]:
    """The repairers on the map, always open, with the same title: only the way counts."""
    return tuple(
        replace(site, people=team([LIGHT]), opening_hours="24/7")
        for site in read_sites(MAP, country="LI").sites
    )


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> OsrmRoads:
    folder = tmp_path_factory.mktemp("liechtenstein")
    build(MAP, folder, say=lambda _: None)
    return OsrmRoads(folder)


def listed(place: Position, travel: TravelTimes | None) -> Decision:
    """The list for a car with a fault of its engine, from where its case says it is."""
    asked = case(need("engine.petrol"), position=coarse(place))
    directory = Directory(garages(), "7")
    return decide_by_road(asked, directory, load_policy(), decided_at=NOW, travel=travel)


def order(name: str, travel: TravelTimes | None) -> list[str]:
    return [offer.site.site_id for offer in listed(roads().places[name], travel).offers]


def wrong_pairs(name: str, found: list[str]) -> Iterator[tuple[str, str]]:
    """Neighbours or not: who stands before whom although the way there is clearly longer."""
    for before, after in combinations(found, 2):
        if reference()[name, before] > CLEAR * reference()[name, after]:
            yield before, after


def test_the_order_by_road_is_right_in_twenty_places(engine: OsrmRoads) -> None:
    assert len(PLACES) == 20
    wrong = {name: [*wrong_pairs(name, order(name, engine))] for name in PLACES}
    assert wrong == {name: [] for name in PLACES}


def test_the_control_straight_lines_are_wrong_in_four_of_them(engine: OsrmRoads) -> None:
    plain = {name: order(name, None) for name in PLACES}
    wrong = {name for name in PLACES if [*wrong_pairs(name, plain[name])]}
    assert wrong == {"Balzers", "Planken", "Triesen", "Vaduz"}
    assert sum(plain[name][0] != order(name, engine)[0] for name in PLACES) == 5
    assert sum(plain[name] != order(name, engine) for name in PLACES) == 14


@pytest.mark.parametrize("name", ["Triesen", "Planken", "Balzers"])
def test_the_page_shows_three_of_them_as_they_are(engine: OsrmRoads, name: str) -> None:
    place = roads().places[name]
    nearest, offers = listed(place, None).offers[0], listed(place, engine).offers
    there = next(offer for offer in offers if offer.site.site_id == nearest.site.site_id)
    row = [name, f"{nearest.site.name}, {km(nearest.distance_m)}", way(there)]
    row += [f"{offers[0].site.name}, {km(offers[0].distance_m)}", way(offers[0])]
    assert f"| {' | '.join(row)} |" in PAGE.read_text("utf-8")


def km(length_m: int | None) -> str:
    assert length_m is not None
    return f"{length_m / 1000:.1f} km"


def way(offer: Offer) -> str:
    return f"{km(offer.road_m)}, {offer.travel_s / 60:.0f} min"


def test_in_a_mountain_valley_the_way_is_twice_the_line(engine: OsrmRoads) -> None:
    """One road leads out of Malbun and Steg: the order there changes, and every way is longer."""
    for name in ("Malbun", "Steg"):
        assert order(name, engine) != order(name, None)
    by_road = listed(roads().places["Steg"], engine).offers[0]
    assert by_road.road_m is not None
    assert by_road.road_m > 1.9 * by_road.distance_m


def test_beyond_the_rhine_the_map_ends_and_the_list_says_so(engine: OsrmRoads) -> None:
    buchs = Position(9.478, 47.167)  # in Switzerland, of which the map has nothing
    decision = listed(buchs, engine)
    assert decision.measured is not None
    assert decision.measured.setback is Setback.VEHICLE_OFF_ROAD
    assert decision.offers == listed(buchs, None).offers
    # And a workshop there, seen from Vaduz, is not put on the road on this side of the river.
    across = replace(garages()[0], site_id="buchs", position=buchs)
    measured = engine.measure(
        coarse(roads().places["Vaduz"]), [across], vehicle_class=VehicleClass.CAR
    )
    assert measured.unmeasured == (("buchs", Unmeasured.OFF_ROAD),)
    assert distance_m(buchs, roads().places["Vaduz"]) < 5_000
