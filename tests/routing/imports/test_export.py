"""What is exported imports again as the same directory."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtc_db.vehicle import VehicleClass
from routing.imports.credentials import read_credentials, with_people
from routing.imports.export import credentials_csv, people_csv, sites_csv, sites_geojson
from routing.imports.people import read_people, with_presence
from routing.imports.sites import read_sites
from routing.model import (
    Absence,
    Credential,
    Evidence,
    HourlyRate,
    Person,
    Position,
    ServiceArea,
    Site,
)
from routing.testing import LIGHT, held, site

WORDS = st.text(st.characters(categories=["L", "N", "P", "Zs"]), min_size=1, max_size=20)
PLAIN = WORDS.map(str.strip).filter(str.isprintable)
CLAIMS = [evidence for evidence in Evidence if evidence is not Evidence.VERIFIED]
days = st.dates(date(2000, 1, 1), date(2100, 1, 1))
titles = (
    st.builds(
        Credential,
        scheme=st.just("de-dguv-209-093"),
        title=st.sampled_from(["1S", "2s", "FHV"]),
        valid_from=days,
        valid_until=st.none(),
        evidence=st.sampled_from(CLAIMS),
        is_suspended=st.booleans(),
        employer=PLAIN,
        edition=PLAIN,
        scope=PLAIN,
    )
    | st.builds(
        Credential,
        scheme=st.just("trade"),
        title=st.just("Kraftfahrzeugtechniker"),
        valid_from=days,
        valid_until=st.just(date(2100, 1, 2)),
        is_revoked=st.booleans(),
    )
    | st.builds(
        Credential,
        scheme=st.just("srs"),
        title=st.just("P1"),
        valid_from=days,
        valid_until=st.none(),
        revoked_on=days,
    )
)
people = st.builds(
    Person,
    number=st.integers(1, 100_000),
    credentials=st.lists(titles, max_size=3, unique_by=lambda one: one.scheme).map(tuple),
    employer=PLAIN,
    employed_from=st.none() | st.just(date(2000, 1, 1)),
    employed_until=st.none() | days,
    hours=st.sampled_from([None, "Mo-We 08:00-12:00", "PH off; 24/7"]),
    absences=st.just(()) | days.map(lambda day: (Absence(day, day),)),
)
rates = st.builds(
    HourlyRate,
    name=st.sampled_from(["", "T1", "carrosserie, peinture"]),
    amount_minor=st.integers(1, 999_999),
    currency=st.sampled_from(["EUR", "JPY", "TND"]),
    is_net=st.booleans(),
)
plain_sites = st.builds(
    Site,
    site_id=st.from_regex(r"[!-~]{1,20}", fullmatch=True),
    name=PLAIN.map(lambda name: " ".join(name.split())).filter(bool),
    position=st.builds(Position, st.floats(-180, 180), st.floats(-90, 90)),
    country=st.sampled_from(["FR", "LI"]),
    vehicle_classes=st.frozensets(st.sampled_from([VehicleClass.CAR, VehicleClass.BUS])),
    makes=st.frozensets(st.sampled_from(["volkswagen", "alfa romeo", "skoda"])),
    equipment=st.frozensets(st.sampled_from(["hv.tools", "ac.station"])),
    access=st.frozensets(st.sampled_from(["sermi", "make.diagnostics:toyota"])),
    opening_hours=st.sampled_from([None, 'Mo-Fr 08:00-12:00,13:00-18:00 "ring; twice"']),
    absences=st.just(()) | days.map(lambda day: (Absence(day, day),)),
    is_van=st.just(False),
    cases_per_day=st.none() | st.integers(0, 1_000),
    hourly_rates=st.lists(rates, max_size=3, unique_by=lambda rate: rate.name).map(
        lambda some: tuple(sorted(some, key=lambda rate: rate.name))
    ),
    languages=st.frozensets(st.sampled_from(["fr", "de", "gsw"])),
    networks=st.frozensets(st.sampled_from(["network a", "réseau b, sud"])),
    insurers=st.frozensets(st.sampled_from(["insurer a", 'mutuelle "b"'])),
    has_replacement_car=st.sampled_from([None, True, False]),
    people=st.lists(people, max_size=3, unique_by=lambda one: one.number).map(
        lambda team: tuple(sorted(team, key=lambda one: one.number))
    ),
)


def corners(one: Site) -> st.SearchStrategy[ServiceArea]:
    """A triangle or a square with a hole near the site, away from the date line and the poles."""
    lon, lat = one.position.lon_deg, one.position.lat_deg
    square = ((lon, lat), (lon + 1, lat), (lon + 1, lat + 1), (lon, lat + 1), (lon, lat))
    hole = tuple((lon + 0.5 + (x - lon) / 9, lat + 0.5 + (y - lat) / 9) for x, y in square)
    triangle = ((lon - 1, lat), (lon - 1, lat - 1 / 3), (lon - 2, lat), (lon - 1, lat))
    return st.sampled_from(
        [
            ServiceArea(polygons=((square, hole),)),
            ServiceArea(polygons=((triangle,), (square,))),
        ]
    )


def areas(one: Site) -> st.SearchStrategy[Site]:
    """The site with or without a service area, and some of those that have one as vans."""
    circles = st.integers(1, 1_000_000).map(lambda metres: ServiceArea(radius_m=metres))
    is_inland = abs(one.position.lon_deg) < 170 and abs(one.position.lat_deg) < 85
    with_area = st.builds(
        replace,
        st.just(one),
        service_area=circles | corners(one) if is_inland else circles,
        is_van=st.booleans(),
    )
    return st.just(one) | with_area


sites = plain_sites.flatmap(areas)


def again(folder: Path, exported: list[Site], name: str) -> list[Site]:
    """Write all files of an export and read them back."""
    write = sites_csv if name.endswith(".csv") else sites_geojson
    texts = {name: write(exported), "c": credentials_csv(exported), "p": people_csv(exported)}
    for file, text in texts.items():
        folder.joinpath(file).write_text(text, encoding="utf-8", newline="")
    found = read_sites(folder / name)
    assert found.findings == ()
    held_by, stated = read_credentials(folder / "c"), read_people(folder / "p")
    assert held_by.findings == stated.findings == ()
    return [*with_presence(with_people(found.sites, held_by.people), stated.people)]


@pytest.mark.parametrize("name", ["a.csv", "a.geojson"])
@settings(max_examples=25)
@given(exported=st.lists(sites, max_size=4, unique_by=lambda one: one.site_id))
def test_an_export_imports_as_what_it_was(
    tmp_path_factory: pytest.TempPathFactory, name: str, exported: list[Site]
) -> None:
    assert again(tmp_path_factory.mktemp("export"), exported, name) == exported


def test_a_signed_title_is_written_as_a_document_that_was_seen(tmp_path: Path) -> None:
    signed = held("srs", "P1", evidence=Evidence.VERIFIED)
    (found,) = again(tmp_path, [site("a", [signed, LIGHT])], "a.csv")
    assert found.people[0].credentials == (
        replace(signed, evidence=Evidence.DOCUMENT_SEEN),
        LIGHT,
    )
