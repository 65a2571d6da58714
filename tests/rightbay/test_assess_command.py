"""Advice on faults that really went through the service, and what came of following it."""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from dtc_db.knowledge import Knowledge
from rightbay.commands.assess import assess
from rightbay.commands.coverage import coverage
from routing.matching.policy import load_policy
from routing.model import Site
from routing.plan import plan
from routing.testing import HERE, LIGHT, held, site
from storage.cases import PostgresCaseStore
from storage.directory import PostgresDirectoryStore
from storage.hints import Hint
from storage.migrate import migrate
from storage.pool import Pool, open_pool
from storage.testing import claim_one, report

pytestmark = pytest.mark.integration

FR = "fr-nf-c-18-550"
TOOLS = frozenset({"hv.tools"})
NOW = [held(FR, "B2TL"), LIGHT]
LATER = [held(FR, "BCL")]
CASES = 6


async def _prepare(pool: Pool, sites: Sequence[Site]) -> None:
    await migrate(pool)
    await PostgresDirectoryStore(pool).import_sites(sites, source="test")
    for number in range(CASES):
        await _one_case(pool, f"unit-{number}")


async def _one_case(pool: Pool, unit: str) -> None:
    """A lost isolation, from the report to the referral."""
    at = datetime.now(UTC)
    vehicle_id = await report(pool, unit, "P0AA6", at=at)
    await pool.execute(
        "update vehicle set lon_deg = $2, lat_deg = $3, powertrain = 'bev' where vehicle_id = $1",
        vehicle_id,
        HERE.lon_deg,
        HERE.lat_deg,
    )
    claim = await claim_one(pool, vehicle_id)
    verdict = plan(
        claim,
        knowledge=Knowledge.load(),
        directory=await PostgresDirectoryStore(pool).fetch_directory(),
        policy=load_policy(),
        at=at,
    )
    assert await PostgresCaseStore(pool, work_hint=Hint()).complete([(claim, verdict)])


@pytest.fixture
def database(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("RIGHTBAY_DATABASE_URL", postgres_url)
    return postgres_url


def with_pool(url: str, sites: Sequence[Site], *, is_first: bool) -> None:
    async def work() -> None:
        async with open_pool(url, size_max=1) as pool:
            if is_first:
                await _prepare(pool, sites)
            else:
                await PostgresDirectoryStore(pool).import_sites(sites, source="test")

    asyncio.run(work())


def run(*words: str) -> Result:
    app = typer.Typer()
    app.command()(assess)
    return CliRunner().invoke(app, words, catch_exceptions=False)


def ask(*words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run("g", "--json", *words).stdout)
    return found


def test_advice_that_is_followed_opens_what_was_promised(database: str) -> None:
    with_pool(database, [site("g", NOW, equipment=TOOLS)], is_first=True)
    before = ask()
    assert (before["total"], before["able"], before["unable"]) == (CASES, 0, CASES)
    assert [(one["name"], one["opens"]) for one in before["advice"]] == [("BCL", CASES)]
    text = run("g", "--lang", "fr").stdout
    assert "Avec une personne de plus titulaire de BCL (fr-nf-c-18-550)" in text
    assert f"vous pourriez prendre {CASES} cas de plus." in text
    assert "unit-" not in text
    with_pool(database, [site("g", NOW, LATER, equipment=TOOLS)], is_first=False)
    after = ask()
    assert (after["total"], after["able"], after["advice"]) == (CASES, CASES, [])


def test_a_site_that_is_not_there_is_wrong_usage(database: str) -> None:
    with_pool(database, [site("g", NOW)], is_first=True)
    done = run("nobody")
    assert done.exit_code == 2
    assert "repairers list" in done.output


def test_a_coverage_map_is_drawn_of_the_same_cases(database: str) -> None:
    with_pool(database, [site("a", [held(FR, "BCL")])], is_first=True)
    app = typer.Typer()
    app.command()(coverage)
    words = ["--skill", "hv.isolate", "--bbox", "1.35,48.35,3.35,49.35"]
    text = CliRunner().invoke(app, words)
    assert text.exit_code == 0, text.output
    assert f", {CASES} cases that needed it" in text.stdout
    drawn = json.loads(CliRunner().invoke(app, [*words, "--as", "geojson"]).stdout)
    assert drawn["features"][0]["properties"]["cases"] == CASES
    assert CliRunner().invoke(app, [*words, "--as", "svg"]).stdout.startswith("<svg ")
    for wrong in (["--skill", "magic"], ["--bbox", "1,2,3"]):
        assert CliRunner().invoke(app, [*words, *wrong]).exit_code == 2
