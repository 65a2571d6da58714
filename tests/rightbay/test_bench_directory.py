"""`rightbay bench directory` on a small directory: every figure is there."""

import json

import pytest
import typer
from typer.testing import CliRunner

from rightbay.bench.directory import DirectorySize, draw_sites
from rightbay.commands.bench_directory import directory
from routing.competence.catalogue import load_catalogue
from routing.competence.held import find_shortfall


def test_the_same_seed_draws_the_same_sites_with_titles_that_count() -> None:
    size = DirectorySize(sites=50)
    drawn = [*draw_sites(size)]
    assert drawn == [*draw_sites(size)]
    people = [person for site in drawn for person in site.people]
    assert len(people) == 200
    assert 400 < sum(len(person.credentials) for person in people) < 600
    catalogue = load_catalogue()
    shortfalls = {
        find_shortfall(title, country=site.country, day=title.valid_from, catalogue=catalogue)
        for site in drawn
        for person in site.people
        for title in person.credentials
    }
    assert shortfalls == {None}


@pytest.mark.integration
def test_a_directory_is_imported_read_and_weighed() -> None:
    app = typer.Typer()
    app.command()(directory)
    words = ["--sites", "100", "--people", "2", "--json"]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    found = json.loads(done.stdout)
    assert (found["sites"], found["people"]) == (100, 200)
    assert found["credentials"] > 300
    # So few sites may take less than a figure shows.
    assert found["read_s"] >= 0
    assert found["refreshed_s"] >= 0
