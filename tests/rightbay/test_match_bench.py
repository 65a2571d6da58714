"""The measurement itself: everyone answers the same questions, and an absent peer is said."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from rightbay.bench.matching import World, draw_sites
from rightbay.commands.bench import app
from routing.matching.batch_search import search


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
