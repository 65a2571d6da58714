"""The directory through the command line: in, out, in again, and as it once was."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from rightbay.commands.repairers import app
from rightbay.errors import RefusedRowsError
from storage.migrate import migrate
from storage.pool import open_pool

pytestmark = pytest.mark.integration

SITES = """site,name,lon,lat,country,equipment,opening_hours
g-1,Garage 1,2.35,48.85,FR,hv.tools,Mo-Fr 08:00-18:00
g-2,Garage 2,2.36,48.86,FR,,
"""
TITLES = """site,person,scheme,title,valid_from,valid_until,evidence
g-1,1,fr-nf-c-18-550,BCL,2025-02-01,2028-01-31,document_seen
g-2,1,trade,light vehicle technician,2012-07-01,,declared
"""
PEOPLE = """site,person,hours,absences
g-1,1,Mo-We 08:00-12:00,2026-12-24/2027-01-02
g-1,2,,
"""


@pytest.fixture
def database(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    async def prepare() -> None:
        async with open_pool(postgres_url, size_max=1) as pool:
            await migrate(pool)

    asyncio.run(prepare())
    monkeypatch.setenv("RIGHTBAY_DATABASE_URL", postgres_url)
    return postgres_url


@pytest.fixture
def file(tmp_path: Path) -> Path:
    for name, text in ((".csv", SITES), (".credentials.csv", TITLES), (".people.csv", PEOPLE)):
        tmp_path.joinpath(f"network{name}").write_text(text, encoding="utf-8")
    return tmp_path / "network.csv"


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [*map(str, words)])


def bring(file: Path, *words: str | Path) -> dict[str, Any]:
    done = run("import", file, "--json", *words)
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.usefixtures("database")
def test_files_beside_are_taken_along_and_the_same_again_changes_nothing(file: Path) -> None:
    assert bring(file, "--dry-run")["sites_added"] == 2
    first = bring(file)
    assert (first["sites_added"], first["credentials_added"]) == (2, 2)
    again = bring(file)
    assert again["version"] is None
    assert (again["sites_unchanged"], again["credentials_unchanged"]) == (2, 2)
    file.with_name("network.people.csv").write_text(PEOPLE.replace("Mo-We", "Mo-Th"))
    assert bring(file)["people_changed"] == 1
    assert "people: changed 1" in run_text(file, PEOPLE)


def run_text(file: Path, people: str) -> str:
    file.with_name("network.people.csv").write_text(people)
    return run("import", file).output


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("name", ["out.csv", "out.geojson"])
def test_what_is_exported_imports_again_and_changes_nothing(
    file: Path, tmp_path: Path, name: str
) -> None:
    bring(file)
    done = run("export", tmp_path / name)
    assert done.exit_code == 0, done.output
    again = bring(tmp_path / name)
    assert again["version"] is None
    assert again["sites_unchanged"] == 2
    assert "Mo-We 08:00-12:00" in tmp_path.joinpath("out.people.csv").read_text()


@pytest.mark.usefixtures("database")
def test_the_directory_can_be_seen_as_it_was(file: Path) -> None:
    bring(file)
    assert len(run("list", "--json").stdout.splitlines()) == 2
    assert run("list", "--json", "--known-on", "2020-01-01").stdout == ""
    assert run("list", "--known-on", "2999-01-01").stdout.count("Garage") == 2


@pytest.mark.usefixtures("database")
def test_refused_rows_of_a_file_beside_are_named_and_nothing_is_taken(file: Path) -> None:
    file.with_name("network.people.csv").write_text(PEOPLE + "g-9,1,,\n")
    done = run("import", file)
    assert "network.people.csv: line 4: site: no site g-9" in str(done.exception)
    assert run("list", "--json").stdout == ""


@pytest.mark.usefixtures("database")
def test_a_form_that_cannot_be_written_is_wrong_usage(tmp_path: Path) -> None:
    done = run("export", tmp_path / "out.xlsx")
    assert done.exit_code == 2
    assert "expected a file named" in done.output


@pytest.mark.usefixtures("database")
def test_one_run_tells_what_is_wrong_in_every_file(file: Path) -> None:
    file.write_text(SITES.replace("2.35", "235"), encoding="utf-8")
    titles = TITLES.replace("BCL", "BCX")
    file.with_name("network.credentials.csv").write_text(titles, encoding="utf-8")
    people = PEOPLE.replace("Mo-We", "Mo-Sunday")
    file.with_name("network.people.csv").write_text(people, encoding="utf-8")
    done = run("import", file)
    assert isinstance(done.exception, RefusedRowsError)
    told = str(done.exception)
    assert "line 2: lon: " in told
    assert "network.credentials.csv: line 2: title: fr-nf-c-18-550 has no title 'BCX'" in told
    assert "network.people.csv: line 2: hours: " in told
    assert "is known; import the site first" not in told
