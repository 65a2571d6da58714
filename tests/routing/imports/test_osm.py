"""Car repairers come off the map; inspection centres do not."""

from pathlib import Path

import pytest

from dtc_db.vehicle import VehicleClass
from routing.imports.findings import Verdict
from routing.imports.osm import read_sites
from routing.imports.site_fields import SiteFile

SHARED = Path(__file__).parents[4] / "shared"
MAP = SHARED / "data" / "osm" / "liechtenstein.osm.pbf"


def read(folder: Path, *tags: dict[str, str], country: str | None = "FR") -> SiteFile:
    """Read a map with one node for each set of tags, at 2 degrees east and 40, 41 ... north."""
    nodes = []
    for number, node in enumerate(tags, start=1):
        inner = "".join(f'<tag k="{key}" v="{value}"/>' for key, value in node.items())
        nodes.append(f'<node id="{number}" version="1" lat="{39 + number}" lon="2">{inner}</node>')
    path = folder / "map.osm"
    path.write_text(f'<osm version="0.6">{"".join(nodes)}</osm>')
    return read_sites(path, country=country)


GARAGE = {"shop": "car_repair", "name": "Garage"}


@pytest.mark.parametrize(
    ("tags", "classes"),
    [
        (GARAGE, set()),
        ({"shop": "truck_repair"}, {VehicleClass.TRUCK}),
        ({"shop": "motorcycle_repair"}, {VehicleClass.MOTORCYCLE}),
        ({"shop": "tyres;car_repair"}, set()),
        (
            {**GARAGE, "service:vehicle:truck_repair": "yes"},
            {VehicleClass.CAR, VehicleClass.VAN, VehicleClass.TRUCK},
        ),
        ({"shop": "car", "service:vehicle:car_repair": "yes"}, set()),
        ({"shop": "truck", "service:vehicle:truck_repair": "yes"}, {VehicleClass.TRUCK}),
    ],
)
def test_repairers_are_taken_with_what_they_say_they_take(
    tmp_path: Path, tags: dict[str, str], classes: set[VehicleClass]
) -> None:
    found = read(tmp_path, tags)
    (garage,) = found.sites
    assert garage.site_id == "osm:node/1"
    assert garage.vehicle_classes == frozenset(classes)
    assert found.findings == ()


@pytest.mark.parametrize(
    "tags",
    [
        {"shop": "car"},
        {"shop": "bakery"},
        {"amenity": "fuel"},
        {"amenity": "vehicle_inspection"},
        {"shop": "car_parts", "service:vehicle:car_repair": "yes"},
        {"disused:shop": "car_repair"},
    ],
)
def test_what_is_no_repairer_is_passed_over(tmp_path: Path, tags: dict[str, str]) -> None:
    found = read(tmp_path, tags)
    assert (found.sites, found.findings) == ((), ())


@pytest.mark.parametrize(
    ("tags", "told"),
    [
        ({**GARAGE, "amenity": "vehicle_inspection"}, "amenity=vehicle_inspection"),
        ({**GARAGE, "name": "Centre de contrôle technique du Nord"}, "by its name"),
        ({**GARAGE, "name": "CONTROLE TECHNIQUE 75"}, "by its name"),
        ({**GARAGE, "operator": "DEKRA"}, "by its operator"),
        ({**GARAGE, "name": "TÜV-Station"}, "by its name"),
        ({**GARAGE, "brand": "Autosur"}, "by its brand"),
        ({**GARAGE, "service:vehicle:car_repair": "no"}, "does not repair"),
    ],
)
def test_a_test_centre_is_skipped_with_its_reason(
    tmp_path: Path, tags: dict[str, str], told: str
) -> None:
    found = read(tmp_path, tags)
    assert found.sites == ()
    assert [(one.verdict, one.where) for one in found.findings] == [(Verdict.SKIPPED, "node/1")]
    assert told in found.findings[0].reason


def test_hours_nobody_can_read_count_as_unknown_and_are_told(tmp_path: Path) -> None:
    found = read(
        tmp_path, {**GARAGE, "opening_hours": "on request"}, {**GARAGE, "opening_hours": "24/7"}
    )
    assert [one.opening_hours for one in found.sites] == [None, "24/7"]
    assert [(one.verdict, one.where) for one in found.findings] == [(Verdict.REPAIRED, "node/1")]
    assert "on request" in found.findings[0].reason


def test_a_brand_is_diagnostics_of_that_make_and_no_refusal_of_others(tmp_path: Path) -> None:
    garage = read(tmp_path, {**GARAGE, "brand": "VW; Škoda;"}).sites[0]
    assert garage.access == {"make.diagnostics:volkswagen", "make.diagnostics:skoda"}
    assert garage.makes == frozenset()


def test_an_object_off_the_earth_is_refused_and_the_rest_is_read(tmp_path: Path) -> None:
    path = tmp_path / "map.osm"
    path.write_text(
        '<osm version="0.6"><node id="1" version="1" lat="95" lon="2">'
        '<tag k="shop" v="car_repair"/></node><node id="2" version="1" lat="47" lon="2">'
        '<tag k="shop" v="car_repair"/></node></osm>'
    )
    found = read_sites(path, country="FR")
    assert [one.site_id for one in found.sites] == ["osm:node/2"]
    assert [(one.verdict, one.where) for one in found.findings] == [(Verdict.REFUSED, "node/1")]


@pytest.mark.parametrize(
    ("tags", "name"),
    [
        ({"name": "Garage", "operator": "X"}, "Garage"),
        ({"operator": "X", "brand": "VW"}, "X"),
        ({"brand": "VW"}, "VW"),
        ({}, "unnamed garage (node/1)"),
    ],
)
def test_every_site_has_a_name(tmp_path: Path, tags: dict[str, str], name: str) -> None:
    assert read(tmp_path, {"shop": "car_repair", **tags}).sites[0].name == name


def test_the_country_comes_from_the_tag_then_the_option_and_is_never_guessed(
    tmp_path: Path,
) -> None:
    tagged = {**GARAGE, "addr:country": "CH"}
    assert [one.country for one in read(tmp_path, tagged, GARAGE).sites] == ["CH", "FR"]
    found = read(tmp_path, tagged, GARAGE, country=None)
    assert [one.country for one in found.sites] == ["CH"]
    assert [(one.verdict, one.where, one.field) for one in found.findings] == [
        (Verdict.REFUSED, "node/2", "country")
    ]


def test_a_building_stands_in_the_middle_of_its_outline(tmp_path: Path) -> None:
    corners = [(9.0, 47.0), (9.002, 47.0), (9.002, 47.001), (9.0, 47.001)]
    nodes = "".join(
        f'<node id="{number}" version="1" lon="{lon}" lat="{lat}"/>'
        for number, (lon, lat) in enumerate(corners, start=1)
    )
    refs = "".join(f'<nd ref="{number}"/>' for number in (1, 2, 3, 4, 1))
    tags = '<tag k="shop" v="car_repair"/><tag k="building" v="yes"/>'
    path = tmp_path / "map.osm"
    path.write_text(f'<osm version="0.6">{nodes}<way id="5" version="1">{refs}{tags}</way></osm>')
    found = read_sites(path, country="LI")
    assert [(one.site_id, one.position.lon_deg, one.position.lat_deg) for one in found.sites] == [
        ("osm:way/5", 9.001, 47.0005)
    ]


@pytest.mark.skipif(not MAP.is_file(), reason="../shared/data/osm is not there: REAL MAP NOT READ")
def test_the_repairers_of_a_whole_country_are_read() -> None:
    found = read_sites(MAP, country="LI")
    assert [one.site_id for one in found.sites] == [
        "osm:node/1369051337",
        "osm:node/1417092269",
        "osm:node/3358834800",
        "osm:node/572519925",
        "osm:way/122143081",
        "osm:way/332253470",
    ]
    assert all(9.4 < one.position.lon_deg < 9.7 for one in found.sites)
    assert all(47.0 < one.position.lat_deg < 47.3 for one in found.sites)
    assert found.findings == ()
    assert read_sites(MAP, country="LI") == found
