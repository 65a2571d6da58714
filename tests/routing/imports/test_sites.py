"""Repairers come in whole from CSV and GeoJSON, or are refused by line, field and reason."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtc_db.vehicle import VehicleClass
from routing.errors import UnreadableFileError
from routing.imports.credentials import read_credentials, with_people
from routing.imports.csv_file import ROWS_MAX, read_rows
from routing.imports.findings import Verdict
from routing.imports.geojson import FILE_BYTES_MAX
from routing.imports.site_fields import gather_sites
from routing.imports.sites import read_sites
from routing.imports.vehicles import read_vehicles

PAGE = Path(__file__).parents[3].joinpath("docs", "directory.md").read_text("utf-8")
HEADER = "site,name,lon,lat,country,vehicle_classes,makes,equipment,access,opening_hours\n"
GOOD = "g-1,Garage 1,2.35,48.85,FR,car;van,,hv.tools,make.diagnostics:VW,Mo-Fr 08:00-18:00\n"


def example(language: str, start: str) -> str:
    """The code block of the page in this language that begins so."""
    blocks = PAGE.split(f"```{language}\n")[1:]
    return next(block.partition("```")[0] for block in blocks if block.startswith(start))


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_the_examples_of_the_page_import_as_they_stand(tmp_path: Path) -> None:
    csv_sites = read_sites(written(tmp_path, "a.csv", example("csv", "site,name")))
    json_sites = read_sites(written(tmp_path, "b.geojson", example("json", "{")))
    assert [one.site_id for one in csv_sites.sites] == ["g-001", "g-002", "g-003"]
    assert [one.site_id for one in json_sites.sites] == ["g-004"]
    assert csv_sites.findings == json_sites.findings == ()
    assert csv_sites.sites[0].access == {"make.diagnostics:renault"}
    assert csv_sites.sites[1].vehicle_classes == {VehicleClass.TRUCK, VehicleClass.BUS}
    assert csv_sites.sites[2].opening_hours is None
    assert json_sites.sites[0].equipment == {"wheel.aligner"}
    people = read_credentials(
        written(tmp_path, "c.csv", example("csv", "site,person")),
        known_sites={one.site_id for one in csv_sites.sites},
    )
    assert people.findings == ()
    teams = {one.site_id: len(one.people) for one in with_people(csv_sites.sites, people.people)}
    assert teams == {"g-001": 2, "g-002": 1, "g-003": 0}
    vehicles = read_vehicles(written(tmp_path, "d.csv", example("csv", "unit,")), year_max=2027)
    assert vehicles.findings == ()
    assert [one.unit for one in vehicles.vehicles] == ["van-7", "truck-1", "car-3"]
    assert (vehicles.vehicles[2].make, vehicles.vehicles[2].model_year) == ("honda", 2003)


@pytest.mark.parametrize(
    ("row", "field", "told"),
    [
        (GOOD.replace("g-1", ""), "site", "printable characters without blanks"),
        (GOOD.replace("g-1", "g 1"), "site", "without blanks"),
        (GOOD.replace("Garage 1", " "), "name", "1 to 200"),
        (GOOD.replace("2.35", "181"), "lon", "-180 to 180"),
        (GOOD.replace("2.35", "nan"), "lon", "-180 to 180"),
        (GOOD.replace("48.85", "north"), "lat", "'north'"),
        (GOOD.replace("48.85", "-90.01"), "lat", "-90 to 90"),
        (GOOD.replace("FR", "France"), "country", "two letters"),
        (GOOD.replace("FR", ""), "country", "--country"),
        (GOOD.replace("car;van", "car;ship"), "vehicle_classes", "'ship'"),
        (GOOD.replace("car;van", "unknown"), "vehicle_classes", "'unknown'"),
        (GOOD.replace("hv.tools", "hammer"), "equipment", "'hammer'"),
        (GOOD.replace("hv.tools", "hv.tools:vw"), "equipment", "'hv.tools:vw'"),
        (GOOD.replace("make.diagnostics:VW", "keys"), "access", "'keys'"),
        (GOOD.replace("Mo-Fr", "Mo-Sunday"), "opening_hours", "Mo-Sunday"),
        (GOOD.replace("car;van", ";".join(["car"] * 51)), "vehicle_classes", "at most 50 entries"),
        (GOOD.strip() + ",more\n", "row", "at most 10 cells, got 11"),
        (GOOD + GOOD, "site", "g-1 stands in this file twice"),
    ],
)
def test_a_malformed_row_is_refused_by_line_field_and_reason(
    tmp_path: Path, row: str, field: str, told: str
) -> None:
    found = read_sites(written(tmp_path, "a.csv", HEADER + row))
    assert [(one.verdict, one.field) for one in found.findings] == [(Verdict.REFUSED, field)]
    assert told in found.findings[0].reason
    assert str(found.findings[0]).startswith(f"line {2 if row != GOOD + GOOD else 3}: {field}: ")


@pytest.mark.parametrize(
    "content",
    [
        HEADER + GOOD,
        "\ufeff" + HEADER + GOOD,
        (HEADER + GOOD).replace("\n", "\r\n"),
        HEADER.upper() + GOOD + "\n\n,,,\n",
        "lat,lon,site,name,country\n48.85,2.35,g-1,Garage 1,fr\n",
        "site;name;lon;lat;country\ng-1;Garage 1;2.35;48.85;FR\n",
    ],
)
def test_the_forms_in_which_programs_write_csv_are_read(tmp_path: Path, content: str) -> None:
    found = read_sites(written(tmp_path, "a.csv", content))
    assert found.findings == ()
    assert [(one.site_id, one.country, one.position.lon_deg) for one in found.sites] == [
        ("g-1", "FR", 2.35)
    ]


def test_the_country_of_the_option_is_for_rows_that_say_none(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", HEADER + GOOD + GOOD.replace("g-1", "g-2").replace("FR", ""))
    assert [one.country for one in read_sites(path, country="LI").sites] == ["FR", "LI"]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.csv", "", "no column 'site'"),
        ("a.csv", "site,name,lon\n", "no column 'lat'"),
        ("a.csv", "site,name,lon,lat,stars\n", "unknown column 'stars'"),
        ("a.csv", "site,name,lon,lat,lat\n", "named twice"),
        ("a.csv", b"site,name,lon,lat\n\xff\xfe", "not UTF-8 at byte"),
        ("a.csv", 'site,name,lon,lat\n"open', "line 2"),
        ("a.geojson", "{", "not JSON"),
        ("a.geojson", "[" * 100_000, "not JSON"),
        ("a.geojson", "[]", "FeatureCollection"),
        ("a.json", '{"type": "FeatureCollection"}', "FeatureCollection"),
        ("a.pbf", b"nonsense", "not an OpenStreetMap file"),
        ("a.osm", "<osm", "not an OpenStreetMap file"),
        ("a.xlsx", "", "expected a file named"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_one_error_that_names_it(
    tmp_path: Path, name: str, content: str | bytes, told: str
) -> None:
    path = written(tmp_path, name, content)
    with pytest.raises(UnreadableFileError) as caught:
        read_sites(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["a.csv", "a.geojson", "a.pbf"])
def test_a_file_that_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnreadableFileError, match=r"a\..*[Nn]o such file"):
        read_sites(tmp_path / name)


def test_files_larger_than_any_directory_are_refused(tmp_path: Path) -> None:
    rows = written(tmp_path, "a.csv", "site\n" + "a\n" * 11)
    with pytest.raises(UnreadableFileError, match="more than 10 rows; split the file"):
        [*read_rows(rows, required=["site"], optional=[], rows_max=10)]
    features = ",".join("0" * (ROWS_MAX + 1))
    with pytest.raises(UnreadableFileError, match="more than 2000000 features"):
        read_sites(written(tmp_path, "b.json", f'{{"features": [{features}]}}'))
    huge = written(tmp_path, "c.json", "{}")
    os.truncate(huge, FILE_BYTES_MAX + 1)  # a hole in the file system, no bytes
    with pytest.raises(UnreadableFileError, match="larger than 1073741824 bytes"):
        read_sites(huge)


def feature(**changes: object) -> dict[str, object]:
    whole: dict[str, object] = {
        "type": "Feature",
        "id": "g-1",
        "geometry": {"type": "Point", "coordinates": [2.35, 48.85, 35.0]},
        "properties": {"name": "Garage 1", "country": "FR", "makes": ["VW", "Citroën"], "stars": 5},
    }
    return whole | changes


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"geometry": None}, "geometry"),
        ({"geometry": {"type": "Polygon", "coordinates": []}}, "geometry"),
        ({"properties": None}, "geometry"),
        ({"geometry": {"type": "Point", "coordinates": ["x", 1]}}, "lon"),
        ({"geometry": {"type": "Point", "coordinates": [True, 1]}}, "lon"),
        ({"geometry": {"type": "Point", "coordinates": [1, {}]}}, "lat"),
        ({"id": None}, "site"),
        ({"properties": {"name": {"en": "x"}, "country": "FR"}}, "name"),
        ({"properties": {"name": "x", "country": "FR", "makes": [1]}}, "makes"),
    ],
)
def test_a_malformed_feature_is_refused(
    tmp_path: Path, changes: dict[str, object], field: str
) -> None:
    document = {"type": "FeatureCollection", "features": [feature(), feature(**changes)]}
    found = read_sites(written(tmp_path, "a.geojson", json.dumps(document)))
    assert [(one.where, one.field) for one in found.findings] == [("feature 2", field)]
    assert [one.makes for one in found.sites] == [{"volkswagen", "citroen"}]


cells = st.text(max_size=20) | st.sampled_from(["FR", "1.5", "car", "24/7", "inf", "-0"])
fields = ["site", "name", "lon", "lat", "country", "vehicle_classes", "access", "opening_hours"]


@given(st.lists(st.dictionaries(st.sampled_from(fields), cells), max_size=5))
def test_no_record_raises_and_each_is_a_site_or_a_finding(records: list[dict[str, str]]) -> None:
    found = gather_sites([(f"line {n}", one) for n, one in enumerate(records)], country=None)
    assert len(found.sites) + len(found.findings) == len(records)
