"""Ways through a small country, by the real OSRM; and what happens when its map is not there."""

import shutil
import sys
from pathlib import Path

import pytest

from dtc_db.vehicle import VehicleClass
from routing.model import Position, Site
from routing.testing import site
from routing.travel.build import build
from routing.travel.maps import MANIFEST, load_manifest
from routing.travel.model import Measured, Setback, Unmeasured
from routing.travel.osrm import OsrmRoads
from routing.travel.testing import WAYS, write_osm

WEST_NORTH = Position(9.001, 47.010)
WEST_SOUTH = Position(9.001, 47.000)
VALLEY = Position(9.000, 46.981)


def at(name: str, place: Position) -> Site:
    return site(name, lon_deg=place.lon_deg, lat_deg=place.lat_deg)


def ask(
    roads: OsrmRoads,
    origin: Position,
    *sites: Site,
    vehicle_class: VehicleClass = VehicleClass.CAR,
) -> Measured:
    return roads.measure(origin, sites, vehicle_class=vehicle_class)


def road_km(measured: Measured) -> dict[str, int]:
    return {time.site_id: round(time.road_m / 1000) for time in measured.times}


@pytest.fixture(scope="module")
def roads(country: Path) -> OsrmRoads:
    return OsrmRoads(country)


def test_the_way_leads_over_the_bridge(roads: OsrmRoads, country: Path) -> None:
    measured = ask(roads, WEST_NORTH, at("south", WEST_SOUTH))
    assert road_km(measured) == {"south": 9}  # 1.1 km in a straight line
    assert (measured.engine, measured.roads) == ("osrm", load_manifest(country).version)


def test_a_truck_takes_the_bridge_that_it_may_take(roads: OsrmRoads) -> None:
    for heavy in (VehicleClass.TRUCK, VehicleClass.BUS):
        measured = ask(roads, WEST_NORTH, at("south", WEST_SOUTH), vehicle_class=heavy)
        assert road_km(measured) == {"south": 16}


def test_a_one_way_valley_is_near_in_one_direction_only(roads: OsrmRoads) -> None:
    into = ask(roads, Position(9.000, 46.999), at("village", VALLEY))
    out = ask(roads, VALLEY, at("mouth", Position(9.000, 46.999)))
    assert road_km(into) == {"village": 2}
    assert road_km(out) == {"mouth": 16}


def test_what_cannot_be_measured_says_why(roads: OsrmRoads) -> None:
    off = Position(9.02, 47.005)  # 550 m from the nearest road
    measured = ask(
        roads,
        WEST_NORTH,
        at("hut", off),
        at("island", Position(9.305, 47.0)),
        at("south", WEST_SOUTH),
        at("zurich", Position(8.54, 47.38)),
    )
    assert road_km(measured) == {"south": 9}
    assert measured.unmeasured == (
        ("hut", Unmeasured.OFF_ROAD),
        ("island", Unmeasured.NO_WAY),
        ("zurich", Unmeasured.OFF_ROAD),
    )


@pytest.mark.parametrize(
    "origin",
    [
        Position(9.02, 47.005),
        Position(8.54, 47.38),
        Position(0, 90),
        Position(180, 0),
        Position(-180, -90),
    ],
)
def test_a_vehicle_off_the_road_or_beyond_the_edge_is_not_put_on_some_road(
    roads: OsrmRoads, origin: Position
) -> None:
    measured = ask(roads, origin, at("south", WEST_SOUTH))
    assert measured.setback is Setback.VEHICLE_OFF_ROAD
    assert measured.times == ()


def test_two_hundred_sites_are_measured_at_once(roads: OsrmRoads) -> None:
    sites = [at(f"s{n:03}", Position(9.0 + n / 2000, 47.0)) for n in range(200)]
    assert len(ask(roads, WEST_NORTH, *sites).times) == 200


@pytest.fixture
def own(country: Path, tmp_path: Path) -> Path:
    """A copy to be damaged."""
    return Path(shutil.copytree(country, tmp_path / "roads"))


def test_a_map_that_is_cut_short_is_not_opened(own: Path) -> None:
    largest = max(own.rglob("car/map.osrm.*"), key=lambda path: path.stat().st_size)
    largest.write_bytes(largest.read_bytes()[:-1])
    measured = ask(OsrmRoads(own), WEST_NORTH, at("south", WEST_SOUTH))
    assert measured.setback is Setback.NO_ANSWER


def test_files_that_osrm_refuses_are_no_answer(own: Path) -> None:
    for path in own.rglob("car/map.osrm.*"):
        path.write_bytes(bytes(path.stat().st_size))
    measured = ask(OsrmRoads(own), WEST_NORTH, at("south", WEST_SOUTH))
    assert measured.setback is Setback.NO_ANSWER


def test_without_the_library_there_is_no_answer(
    country: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "osrm", None)
    measured = ask(OsrmRoads(country), WEST_NORTH, at("south", WEST_SOUTH))
    assert measured.setback is Setback.NO_ANSWER


def test_a_map_that_comes_later_or_changes_is_taken_without_a_restart(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "road maps"
    roads, south = OsrmRoads(folder), at("south", WEST_SOUTH)
    assert ask(roads, WEST_NORTH, south).setback is Setback.NO_ANSWER
    assert ask(roads, WEST_NORTH, south).setback is Setback.NO_ANSWER
    assert [record.message for record in caplog.records] == ["roads_failed"]
    build(write_osm(tmp_path / "one.osm"), folder, say=lambda _: None)
    first = ask(roads, WEST_NORTH, south)
    assert road_km(first) == {"south": 9}
    build(write_osm(tmp_path / "two.osm", [*WAYS[:3], *WAYS[4:]]), folder, say=lambda _: None)
    second = ask(roads, WEST_NORTH, south)
    assert road_km(second) == {"south": 16}
    assert second.roads != first.roads
    (folder / MANIFEST).unlink()
    assert ask(roads, WEST_NORTH, south).setback is Setback.NO_ANSWER
