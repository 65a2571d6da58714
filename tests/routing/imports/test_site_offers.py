"""What sites say of their service comes in whole: where they go, when they close, what it costs."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.imports.findings import Finding, Verdict
from routing.imports.rates import format_rates, parse_rates
from routing.imports.service_area import (
    CLOSED,
    CUT,
    POINTS_MAX,
    format_service_area,
    load_service_area,
    parse_service_area,
)
from routing.imports.site_fields import SiteFile, gather_sites
from routing.imports.sites import read_sites
from routing.model import Absence, HourlyRate, Position, Ring, ServiceArea, Site

PAGE = Path(__file__).parents[3].joinpath("docs", "directory.md").read_text("utf-8")
PLAIN = {"site": "g-1", "name": "Garage 1", "lon": "9.52", "lat": "47.14", "country": "LI"}
SUVA = Position(178.44, -18.14)
VADUZ = Position(9.52, 47.14)
SQUARE = "9 47, 10 47, 10 48, 9 48, 9 47"


def read(**fields: str) -> SiteFile:
    return gather_sites([("line 2", PLAIN | fields)], country=None)


def written(folder: Path, name: str, content: str) -> SiteFile:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return read_sites(path)


def test_the_further_columns_of_the_page_import_as_they_stand(tmp_path: Path) -> None:
    blocks = PAGE.split("```csv\n")[1:]
    (block,) = (one.partition("```")[0] for one in blocks if "service_area" in one)
    found = written(tmp_path, "a.csv", block)
    assert found.findings == ()
    garage, van, other_van = found.sites
    assert garage.absences == (Absence(date(2026, 12, 24), date(2027, 1, 2)),)
    assert garage.hourly_rates == (
        HourlyRate(name="T1", amount_minor=7_200, currency="EUR"),
        HourlyRate(name="T2", amount_minor=8_950, currency="EUR"),
    )
    assert (garage.service_area, garage.is_van, garage.cases_per_day) == (None, False, 12)
    assert garage.languages == {"fr", "en"}
    assert garage.networks == {"network a", "network b"}
    assert garage.insurers == {"insurer a"}
    assert (van.service_area, van.is_van) == (ServiceArea(radius_m=25_000), True)
    assert van.hourly_rates[0].is_net
    assert [one.has_replacement_car for one in found.sites] == [True, False, None]
    assert other_van.service_area is not None
    assert len(other_van.service_area.polygons[0][0]) == 5


def test_a_feature_may_have_its_area_as_a_geometry(tmp_path: Path) -> None:
    block = next(one for one in PAGE.split("```json\n")[1:] if one.startswith('{\n  "type"'))
    (one,) = written(tmp_path, "a.geojson", block.partition("```")[0]).sites
    assert one.service_area is not None
    assert one.service_area.polygons[0][0][0] == (9.47, 47.05)
    assert one.has_replacement_car is True
    document = json.loads(block.partition("```")[0])
    for wrong in (
        {"type": "Point"},
        {"type": "Polygon"},
        {"type": "MultiPolygon", "coordinates": [[[[1]]]]},
    ):
        document["features"][0]["properties"]["service_area"] = wrong
        (finding,) = written(tmp_path, "b.geojson", json.dumps(document)).findings
        assert (finding.verdict, finding.field) == (Verdict.REFUSED, "service_area")


def test_a_page_of_schema_org_says_where_when_and_for_how_much(tmp_path: Path) -> None:
    block = PAGE.split('```json\n{\n  "@context"')[1].partition("```")[0]
    (one,) = written(tmp_path, "a.jsonld", '{"@context"' + block).sites
    assert one.absences == (Absence(date(2026, 12, 24), date(2027, 1, 2)),)
    assert one.service_area == ServiceArea(radius_m=15_000)
    assert one.languages == {"de", "fr"}
    assert one.networks == {"network a"}
    assert one.hourly_rates == (
        HourlyRate(name="Mechanics", amount_minor=9_850, currency="CHF", is_net=True),
    )


CIRCLE = {"@type": "GeoCircle", "geoRadius": "12 km"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"areaServed": ["Vaduz", CIRCLE]}, ServiceArea(radius_m=12_000)),
        ({"serviceArea": {"@type": "Place", "geo": CIRCLE}}, ServiceArea(radius_m=12_000)),
        (
            {"areaServed": CIRCLE | {"geoMidpoint": {"latitude": 47.14, "longitude": 9.521}}},
            ServiceArea(radius_m=12_000),
        ),
        (
            {"areaServed": {"polygon": "47,9 47,10 48,10 47,9"}},
            ServiceArea(polygons=((((9, 47), (10, 47), (10, 48), (9, 47)),),)),
        ),
        ({"areaServed": "Liechtenstein"}, None),
        ({"areaServed": {"@type": "Country", "name": "Liechtenstein"}}, None),
        ({"areaServed": [CIRCLE, CIRCLE]}, "areaServed"),
        ({"areaServed": CIRCLE | {"geoRadius": "wide"}}, "areaServed"),
        ({"areaServed": CIRCLE | {"geoMidpoint": {"latitude": 47, "longitude": 9}}}, "areaServed"),
        ({"areaServed": {"polygon": "47 9 47"}}, "areaServed"),
        ({"areaServed": {"polygon": "47 9"}}, "service_area"),
        ({"specialOpeningHoursSpecification": ["x"]}, "specialOpeningHoursSpecification"),
        (
            {"specialOpeningHoursSpecification": {"validFrom": "2026-12-24", "opens": "10:00"}},
            "specialOpeningHoursSpecification",
        ),
        (
            {"makesOffer": ["x", {"priceSpecification": ["x", {"unitCode": "HUR", "price": "?"}]}]},
            "hourly_rates",
        ),
        ({"knowsLanguage": ["Deutsch", {"@type": "Language", "alternateName": "de"}]}, None),
    ],
)
def test_the_forms_that_schema_org_allows_are_read_or_refused_by_field(
    tmp_path: Path, changes: dict[str, Any], expected: ServiceArea | str | None
) -> None:
    garage = {
        "@type": "AutoRepair",
        "@id": "x:1",
        "name": "Garage",
        "geo": {"latitude": 47.14, "longitude": 9.52},
        "address": {"addressCountry": "LI"},
    }
    found = written(tmp_path, "a.jsonld", json.dumps(garage | changes))
    if isinstance(expected, str):
        assert [one.field for one in found.findings] == [expected]
    else:
        assert [one.service_area for one in found.sites] == [expected]


@pytest.mark.parametrize(
    ("fields", "field", "told"),
    [
        ({"absences": "2026-12-24/2026-12-01"}, "absences", "cannot end before it begins"),
        ({"absences": "Christmas"}, "absences", "expected days"),
        ({"service_area": "nearby"}, "service_area", "expected 25 km"),
        ({"service_area": "POINT (9 47)"}, "service_area", "expected 25 km"),
        ({"service_area": "POLYGON EMPTY"}, "service_area", "expected 25 km"),
        ({"service_area": "0 km"}, "service_area", "up to 1000 km"),
        ({"service_area": "1001 km"}, "service_area", "up to 1000 km"),
        (
            {"service_area": "POLYGON ((9 47, 10 48, 10 47, 9 48, 9 47))"},
            "service_area",
            "self-intersection at 9.5 47.5",
        ),
        (
            {"service_area": f"POLYGON (({SQUARE}), (1 1, 2 1, 2 2, 1 1))"},
            "service_area",
            "hole lies outside shell",
        ),
        (
            {"service_area": "POLYGON ((47 9, 47 10, 48 10, 48 9, 47 9))"},
            "service_area",
            "longitude comes first",
        ),
        ({"service_area": "POLYGON ((9 97, 10 47, 10 48, 9 97))"}, "service_area", "in degrees"),
        (
            {"service_area": "POLYGON ((nan 47, 9 47, 9 48, nan 47))"},
            "service_area",
            "expected 25 km",
        ),
        (
            {"service_area": "POLYGON ((0 80, 90 80, 180 80, -90 80, 0 80))"},
            "service_area",
            "round a pole",
        ),
        (
            {"service_area": f"POLYGON (({'9 47,' * (POINTS_MAX + 1)}9 47))"},
            "service_area",
            "at most 10000 points",
        ),
        ({"van": "yes"}, "service_area", "a van needs one"),
        ({"van": "maybe"}, "van", "yes or no"),
        ({"cases_per_day": "-1"}, "cases_per_day", "0 to 1000"),
        ({"cases_per_day": "1001"}, "cases_per_day", "0 to 1000"),
        ({"hourly_rates": "cheap"}, "hourly_rates", "78.50 EUR"),
        ({"hourly_rates": "0 EUR"}, "hourly_rates", "above nothing"),
        ({"hourly_rates": "7.5 JPY"}, "hourly_rates", "0 digits"),
        ({"hourly_rates": "70 EUR; 80 EUR"}, "hourly_rates", "two rates are named ''"),
        (
            {"hourly_rates": ";".join(f"T{n}: 9 EUR" for n in range(21))},
            "hourly_rates",
            "at most 20",
        ),
        ({"languages": "french"}, "languages", "ISO 639"),
        ({"networks": "n" * 81}, "networks", "at most 80"),
        ({"insurers": "a\x07"}, "insurers", "printable"),
        ({"replacement_car": "2"}, "replacement_car", "yes or no"),
    ],
)
def test_what_a_site_cannot_mean_is_refused_by_field_and_reason(
    fields: dict[str, str], field: str, told: str
) -> None:
    (finding,) = read(**fields).findings
    assert (finding.verdict, finding.where, finding.field) == (Verdict.REFUSED, "line 2", field)
    assert told in finding.reason


def lons(ring: Ring) -> tuple[float, float]:
    return min(lon for lon, _ in ring), max(lon for lon, _ in ring)


@pytest.mark.parametrize(
    "ring",
    [
        "178 -18, -179 -18, -179 -17, 178 -17, 178 -18",
        "178 -18, 181 -18, 181 -17, 178 -17, 178 -18",
        "-182 -18, -179 -18, -179 -17, -182 -17, -182 -18",
        "178 -18, -179 -18, -179 -17, 178 -17",
    ],
)
def test_a_polygon_over_the_date_line_is_cut_there_and_that_is_said(ring: str) -> None:
    area, repairs = parse_service_area(f"POLYGON (({ring}))", SUVA)
    assert repairs[-1] == CUT
    east, west = sorted((lons(polygon[0]) for polygon in area.polygons), reverse=True)
    assert (east, west) == ((178, 180), (-180, -179))
    again, nothing = parse_service_area(format_service_area(area), SUVA)
    assert (load_service_area(format_service_area(area)), again, nothing) == (area, area, ())


def test_a_polygon_within_one_half_of_the_world_is_not_cut() -> None:
    area, repairs = parse_service_area(f"POLYGON (({SQUARE}))", VADUZ)
    assert repairs == ()
    assert lons(area.polygons[0][0]) == (9, 10)


def test_a_ring_that_is_not_closed_is_closed_and_the_row_is_taken_with_that_said() -> None:
    found = read(service_area="POLYGON ((9 47, 10 47, 10 48))")
    assert found.findings == (
        Finding(verdict=Verdict.REPAIRED, where="line 2", field="service_area", reason=CLOSED),
    )
    (one,) = found.sites
    assert one.service_area == ServiceArea(polygons=((((9, 47), (10, 47), (10, 48), (9, 47)),),))


@given(st.text(max_size=40) | st.text("POLYGN()0123456789 .,-kmz", max_size=40))
def test_no_text_raises_anything_but_a_reason(text: str) -> None:
    for parse in (parse_rates, lambda cell: parse_service_area(cell, VADUZ)):
        try:
            parse(text)
        except ValueError as error:
            assert str(error)  # noqa: PT017 - some texts are read


@pytest.mark.parametrize(
    ("text", "again"),
    [
        ("72,5 €", "72.50 EUR"),
        ("T2: 95 EUR net; T1 :72.00 EUR", "T1: 72.00 EUR;T2: 95.00 EUR net"),
        ("9000 JPY", "9000 JPY"),
        ("12.345 TND", "12.345 TND"),
        ("", ""),
    ],
)
def test_rates_are_read_as_people_write_them_and_written_in_one_way(text: str, again: str) -> None:
    assert format_rates(parse_rates(text)) == again


@pytest.mark.parametrize("polygons", [(), ((((0, 0), (1, 0), (1, 1), (0, 0)),),)])
def test_an_area_is_either_a_circle_or_polygons(
    polygons: tuple[tuple[Ring, ...], ...],
) -> None:
    with pytest.raises(ValueError, match="either a radius or polygons"):
        ServiceArea(radius_m=5 if polygons else None, polygons=polygons)


def test_a_workshop_may_go_out_too_and_is_no_van() -> None:
    (one,) = read(service_area="25.5 km", van="no").sites
    assert isinstance(one, Site)
    assert (one.service_area, one.is_van) == (ServiceArea(radius_m=25_500), False)
