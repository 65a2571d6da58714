"""The measurement itself: everyone answers the same questions, and an absent peer is said."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from typer.testing import CliRunner

from rightbay.bench.growth_picture import draw_growth
from rightbay.bench.matching import Result, Row, World, draw_sites
from rightbay.commands.bench import app
from routing.matching.batch_search import search
from routing.travel.build import build
from routing.travel.testing import write_osm


def test_every_contender_of_this_process_is_measured_and_postgis_is_said_to_be_absent() -> None:
    answer = CliRunner().invoke(app, ["match", "--sites", "300", "--rounds", "1", "--json"])
    assert answer.exit_code == 0, answer.output
    told = json.loads(answer.output)
    assert [row["name"] for row in told["results"][0]["rows"]] == [
        "ours, in batches",
        "ours, one at a time",
        "ours, one at a time, in words",
        "bare tree, 50 neighbours",
        "plain arrays, 5 nearest",
    ]
    assert "no --postgis URL" in told["postgis_absent"]
    assert "no --roads FOLDER" in told["roads_absent"]


def test_times_by_road_are_measured_on_any_map_and_a_place_beside_it_is_said(
    tmp_path: Path,
) -> None:
    build(write_osm(tmp_path / "country.osm"), tmp_path / "roads", say=lambda _: None)
    words = ["match", "--sites", "300", "--rounds", "1", "--roads", str(tmp_path / "roads")]
    answer = CliRunner().invoke(app, [*words, "--around", "9.05,47.0", "--json"])
    told = json.loads(answer.output)["roads"]
    times_us = {row["name"]: row["us"] for row in told["rows"]}
    assert 0 < told["places"] < 200
    assert 0 < told["known"] <= 100
    # A list by road asks OSRM once, so it takes longer than that and than a list without.
    assert times_us["a list by road"] > times_us["a list by straight lines"]
    assert times_us["a list by road"] > times_us["OSRM in process, 1 x 50"]
    beside = CliRunner().invoke(app, [*words, "--around", "2.35,48.85"])
    assert "roads: not measured: expected roads around that place" in beside.output


@pytest.mark.integration
def test_a_database_that_is_away_is_said_to_be() -> None:
    words = ["match", "--sites", "300", "--rounds", "1", "--postgis", "postgresql://127.0.0.1:9/x"]
    answer = CliRunner().invoke(app, words)
    assert answer.exit_code == 0
    assert "PostGIS: not measured: " in answer.output


def test_what_is_found_is_among_what_another_system_would_have_marked() -> None:
    world = World.drawn(3000)
    found = search(world.scene, world.points, wanted=5)
    rows = found.ring.rows[np.arange(5) < found.count[:, None]]
    assert len(rows) > 1000
    # A title may begin between today and the arrival of a vehicle that waits for help.
    assert len({*rows.tolist()} - {*world.marked.tolist()}) <= len(world.marked) // 20


def test_more_sites_than_the_simulator_draws_are_its_own_in_other_places() -> None:
    assert len({site.site_id for site in draw_sites(300)}) == 300


def test_a_rarer_need_is_the_same_world_with_fewer_who_can_meet_it() -> None:
    common, rare = World.drawn(3000), World.drawn(3000, thinned=10)
    assert len(rare.marked) == -(-len(common.marked) // 10)
    assert {*rare.marked.tolist()} <= {*common.marked.tolist()}
    found = search(rare.scene, rare.points, wanted=5)
    rows = found.ring.rows[np.arange(5) < found.count[:, None]]
    assert len({*rows.tolist()} - {*rare.marked.tolist()}) <= len(rare.marked) // 20 + 1


def test_the_picture_of_growth_draws_every_contender_and_says_how_much_it_grows() -> None:
    results = [
        Result(
            sites=sites,
            memory_mb=1,
            eligible=1,
            rows=(Row("ours", per_s, None), Row("tree", 9e4, None)),
        )
        for sites, per_s in ((10_000, 50_000.0), (1_000_000, 25_000.0))
    ]
    drawn = ET.fromstring(draw_growth(results))  # noqa: S314 - our own text
    words = [text.text for text in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert {"ours: 2.0 times", "tree: 1.0 times", "1,000,000"} <= {*words}
    lines = drawn.findall("{http://www.w3.org/2000/svg}polyline")
    heights = [
        [float(point.split(",")[1]) for point in line.get("points", "").split()] for line in lines
    ]
    assert heights[0][0] > heights[0][1]  # more time stands higher
    assert heights[1][0] == heights[1][1]


def test_a_picture_without_growth_is_refused(tmp_path: Path) -> None:
    words = ["match", "--sites", "300", "--picture", str(tmp_path / "x.svg")]
    assert CliRunner().invoke(app, words).exit_code == 2
