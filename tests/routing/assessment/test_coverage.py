"""A coverage map shows where nobody near holds a skill, and nothing that points at anybody."""

import json
from dataclasses import replace
from datetime import date
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from dtc_db.need import AnyOf, Arrival, Skill
from dtc_db.vehicle import VehicleClass
from routing.assessment.coverage import CELLS_ACROSS, Box, Coverage, cover
from routing.assessment.coverage_drawn import geojson, sentences, svg
from routing.decision import Case
from routing.directory.snapshot import Directory
from routing.geo import distance_m
from routing.matching.policy import load_policy
from routing.model import Position, Site
from routing.testing import HERE, LIGHT, case, held, need, site

DAY = date(2026, 11, 23)
POLICY = load_policy()
FR = "fr-nf-c-18-550"
AROUND = Box(west_deg=1.35, south_deg=48.35, east_deg=3.35, north_deg=49.35)  # HERE in the middle


def able(name: str = "a", **where: float) -> Site:
    return site(name, [held(FR, "BCL")], **where)  # type: ignore[arg-type] # a place only


def look(
    *sites: Site, box: Box = AROUND, minutes: int = 30, cases: list[Case] | None = None
) -> Coverage:
    return cover(
        Directory(sites, "1"),
        box,
        skill="hv.isolate",
        minutes=minutes,
        day=DAY,
        policy=POLICY,
        cases=cases,
    )


def occurred(count: int, position: Position | None, *skills: str) -> list[Case]:
    wanted = need(*(skills or ("hv.isolate",)))
    return [replace(case(wanted, position=position), case_id=f"{n}") for n in range(count)]


def test_each_cell_is_as_far_as_a_vehicle_drives_from_its_middle() -> None:
    found = look(able())
    rows, columns = found.bands.shape
    assert max(rows, columns) <= CELLS_ACROSS
    assert set(np.unique(found.bands).tolist()) == {0, 1, 2}
    for row in range(rows):
        for column in range(columns):
            middle = Position(
                AROUND.west_deg + (column + 0.5) * 2 / columns,
                AROUND.north_deg - (row + 0.5) / rows,
            )
            minutes = (
                POLICY.travel_s(
                    distance_m(middle, HERE),
                    arrival=Arrival.DRIVES,
                    vehicle_class=VehicleClass.CAR,
                )
                / 60
            )
            expected = 0 if minutes <= 30 else 1 if minutes <= 60 else 2
            assert found.bands[row, column] == expected


@pytest.mark.parametrize(
    "nobody",
    [
        [],
        [site("other", [LIGHT])],
        [site("ended", [held(FR, "BCL", until=date(2026, 11, 22))])],
        [site("abroad", [held(FR, "BCL")], country="DE")],
        [site("empty")],
        [
            replace(
                able("left"),
                people=tuple(
                    replace(one, employed_until=date(2026, 11, 22)) for one in able().people
                ),
            )
        ],
    ],
)
def test_where_nobody_holds_it_today_everything_is_uncovered(nobody: list[Site]) -> None:
    assert (look(*nobody).bands == 2).all()


def test_somebody_across_the_border_of_the_region_covers_its_edge() -> None:
    found = look(able(lon_deg=3.4))
    assert (found.bands[:, -1] == 0).any()
    assert (found.bands[:, 0] == 2).all()
    assert found.sites == 0


def test_a_region_over_the_date_line_is_one_region() -> None:
    box = Box(west_deg=178.0, south_deg=-19.0, east_deg=-179.0, north_deg=-17.0)
    found = look(able(lon_deg=-179.9, lat_deg=-18.0), box=box)
    middle = found.bands[found.bands.shape[0] // 2]
    covered = np.flatnonzero(middle == 0)
    assert 0 < covered[0] <= len(middle) * 2 / 3 < covered[-1] < len(middle) - 1
    lons = [
        lon
        for feature in geojson(found)["features"]  # type: ignore[attr-defined] # JSON
        for polygon in feature["geometry"]["coordinates"]
        for lon, _ in polygon[0]
    ]
    assert (min(lons), max(lons)) == (178, 181)


def test_areas_add_up_to_the_region_on_the_sphere() -> None:
    found = look(able())
    width_km = 2 * 111.195 * np.cos(np.radians(48.85))
    assert sum(found.area_km2) == pytest.approx(width_km * 111.195, rel=0.001)


FAR = Position(1.4, 48.4)


@pytest.mark.parametrize(
    ("cases", "shown"),
    [
        (occurred(6, HERE) + occurred(7, FAR), (6, 0, 7)),
        (occurred(6, HERE) + occurred(4, FAR), (None, 0, None)),
        (occurred(6, HERE) + occurred(9, FAR, "brakes"), (6, 0, 0)),
        (occurred(5, Position(9.0, 48.85)) + occurred(5, None), (0, 0, 0)),
        ([], (0, 0, 0)),
        (None, None),
    ],
)
def test_cases_that_needed_it_are_counted_and_small_counts_masked(
    cases: list[Case] | None, shown: tuple[int | None, ...] | None
) -> None:
    assert look(able(), cases=cases).cases == shown


def test_a_case_that_could_be_mended_without_the_skill_does_not_count() -> None:
    either = need(AnyOf((Skill("hv.isolate"), Skill("brakes"))))
    cases = [replace(case(either), case_id=f"{n}") for n in range(9)]
    assert look(able(), cases=cases).cases == (0, 0, 0)


@pytest.mark.parametrize(("count", "shown"), [(1, None), (4, None), (5, 5)])
def test_few_sites_are_not_counted_out(count: int, shown: int | None) -> None:
    assert look(*(able(f"s{n}") for n in range(count))).sites == shown


@pytest.mark.parametrize("lang", ["en", "fr", "de", "xx"])
def test_words_and_picture_say_it_in_every_language_and_name_no_site(lang: str) -> None:
    found = look(able("secret"), cases=occurred(6, HERE) + occurred(2, FAR))
    text = "\n".join(sentences(found, lang=lang))
    picture = svg(found, lang=lang)
    colours = {one.get("fill") for one in ET.fromstring(picture).iter()}  # noqa: S314 - our own
    assert len(colours & {"#d9ecf7", "#f2a65a", "#8c1c13"}) == 3
    whole = text + picture + json.dumps(geojson(found))
    assert "{" not in text
    assert "secret" not in whole
    assert "2.35," not in text
    assert "30 min" in picture
    assert "60 min" in picture


def test_cells_of_the_map_cover_the_region_once() -> None:
    found = look(able())
    features = geojson(found)["features"]
    cells = sum(
        round((ring[1][0] - ring[0][0]) * found.bands.shape[1] / 2)
        for feature in features  # type: ignore[attr-defined] # JSON
        for (ring,) in feature["geometry"]["coordinates"]
    )
    assert cells == found.bands.size


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("5,45,11", "expected W,S,E,N"),
        ("a,b,c,d", "expected W,S,E,N"),
        ("5,48,11,45", "south below north"),
        ("5,-86,11,45", "south below north"),
        ("5,nan,11,45", "south below north"),
        ("181,45,11,48", "from -180 to 180"),
        ("5,45,5,48", "to differ"),
    ],
)
def test_what_is_no_region_is_refused_with_a_reason(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Box.parse(text)


def test_the_smallest_region_is_one_cell() -> None:
    found = look(able(), box=Box.parse("2.349,48.849,2.351,48.851"))
    assert found.bands.tolist() == [[0]]
