"""Repairers come in from what garages' own pages say in schema.org's words."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtc_db.vehicle import VehicleClass
from routing.directory.opening import is_readable
from routing.errors import UnreadableFileError
from routing.imports import jsonld
from routing.imports.geojson import FILE_BYTES_MAX
from routing.imports.site_fields import SiteFile
from routing.imports.sites import read_sites

GARAGE: dict[str, Any] = {
    "@type": "AutoRepair",
    "@id": "https://garage.example/#shop",
    "name": "Garage Beispiel",
    "geo": {"@type": "GeoCoordinates", "latitude": 47.14, "longitude": "9.52"},
    "address": {"@type": "PostalAddress", "addressCountry": "LI"},
    "brand": [{"@type": "Brand", "name": "VW"}, "Toyota", {}],
    "openingHoursSpecification": [
        {
            "dayOfWeek": ["https://schema.org/Monday", "Tuesday"],
            "opens": "08:00:00",
            "closes": "17:30",
        },
        {"dayOfWeek": "PublicHolidays", "opens": "00:00", "closes": "00:00"},
    ],
}


def read(folder: Path, document: object, country: str | None = None) -> SiteFile:
    path = folder / "a.jsonld"
    path.write_text(json.dumps(document), encoding="utf-8")
    return read_sites(path, country=country)


def test_the_example_of_the_page_imports_as_it_stands(tmp_path: Path) -> None:
    page = Path(__file__).parents[3].joinpath("docs", "directory.md").read_text("utf-8")
    block = page.split('```json\n{\n  "@context"')[1].partition("```")[0]
    path = tmp_path / "a.jsonld"
    path.write_text('{"@context"' + block, encoding="utf-8")
    found = read_sites(path)
    assert found.findings == ()
    assert [(one.site_id, one.opening_hours) for one in found.sites] == [
        ("https://garage.example/#workshop", "Mo,Tu 08:00-17:30")
    ]


@pytest.mark.parametrize(
    "document",
    [
        GARAGE,
        [GARAGE],
        {"@context": "https://schema.org", "@graph": [{"@type": "WebSite"}, GARAGE, "text", 1]},
        {"@type": "Organization", "department": {"subOrganization": [GARAGE]}},
        GARAGE | {"@type": ["LocalBusiness", "AutoRepair"]},
    ],
)
def test_a_repairer_is_found_wherever_it_stands(tmp_path: Path, document: object) -> None:
    found = read(tmp_path, document)
    assert found.findings == ()
    (one,) = found.sites
    assert (one.site_id, one.name, one.country) == (
        "https://garage.example/#shop",
        "Garage Beispiel",
        "LI",
    )
    assert (one.position.lon_deg, one.position.lat_deg) == (9.52, 47.14)
    assert one.access == {"make.diagnostics:volkswagen", "make.diagnostics:toyota"}
    assert one.opening_hours == "Mo,Tu 08:00-17:30; PH off"
    assert one.vehicle_classes == frozenset()
    assert one.people == ()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"openingHoursSpecification": None, "openingHours": "Mo-Fr 08:00-18:00"}, True),
        (
            {"openingHoursSpecification": [], "openingHours": ["Mo-Fr 08:00-18:00", "Sa 09:00+"]},
            True,
        ),
        ({"openingHoursSpecification": None}, False),
    ],
)
def test_hours_in_the_short_form_are_read_too(
    tmp_path: Path, changes: dict[str, Any], *, expected: bool
) -> None:
    (one,) = read(tmp_path, GARAGE | changes).sites
    assert bool(one.opening_hours and is_readable(one.opening_hours)) is expected


def test_the_page_stands_for_an_id_and_places_and_countries_are_taken_where_they_stand(
    tmp_path: Path,
) -> None:
    thing = {
        "@type": ["MotorcycleRepair"],
        "url": "https://bikes.example/",
        "name": "Bikes",
        "latitude": 48,
        "longitude": 2.5,
        "address": {"addressCountry": {"@type": "Country", "name": "fr"}},
    }
    (one,) = read(tmp_path, thing).sites
    assert (one.site_id, one.country) == ("https://bikes.example/", "FR")
    assert one.vehicle_classes == {VehicleClass.MOTORCYCLE}
    (other,) = read(tmp_path, thing | {"address": "somewhere"}, country="CH").sites
    assert other.country == "CH"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"@id": 5 * [1]}, "site"),
        ({"name": True}, "name"),
        ({"geo": None}, "lon"),
        ({"address": None}, "country"),
        ({"openingHours": "whenever", "openingHoursSpecification": None}, "opening_hours"),
        ({"openingHoursSpecification": ["Mo"]}, "openingHoursSpecification"),
        ({"openingHoursSpecification": {"opens": "08:00"}}, "openingHoursSpecification"),
        (
            {"openingHoursSpecification": {"dayOfWeek": "Montag", "opens": "08:00"}},
            "openingHoursSpecification",
        ),
        (
            {"openingHoursSpecification": {"dayOfWeek": "Monday", "validFrom": "2026-07-01"}},
            "openingHoursSpecification",
        ),
    ],
)
def test_a_repairer_that_cannot_be_read_is_refused_by_field(
    tmp_path: Path, changes: dict[str, Any], field: str
) -> None:
    found = read(tmp_path, [GARAGE, GARAGE | {"@id": "x:2"} | changes])
    assert [(one.where, one.field) for one in found.findings] == [("repairer 2", field)]


@pytest.mark.parametrize("content", ["{", "[" * 100_000])
def test_what_is_no_json_is_one_error(tmp_path: Path, content: str) -> None:
    path = tmp_path / "a.jsonld"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UnreadableFileError, match="not JSON"):
        read_sites(path)


def test_files_that_are_not_there_or_too_large_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UnreadableFileError, match="No such file"):
        read_sites(tmp_path / "a.jsonld")
    huge = tmp_path / "b.jsonld"
    huge.touch()
    os.truncate(huge, FILE_BYTES_MAX + 1)
    with pytest.raises(UnreadableFileError, match="split the file"):
        read_sites(huge)
    monkeypatch.setattr(jsonld, "ROWS_MAX", 1)
    with pytest.raises(UnreadableFileError, match="more than 1 repairers"):
        read(tmp_path, [GARAGE, GARAGE])


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=9), parts),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([*GARAGE][1:]), json_values, max_size=4))
def test_no_document_raises_and_each_repairer_is_a_site_or_a_finding(
    tmp_path_factory: pytest.TempPathFactory, changes: dict[str, Any]
) -> None:
    found = read(tmp_path_factory.mktemp("jsonld"), GARAGE | changes)
    assert len(found.sites) + len(found.findings) == 1
