"""`rightbay reminders`: for the operator's own mail, each until it is passed on."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from rightbay.commands.reminders import app
from routing.testing import held, site
from storage.directory import PostgresDirectoryStore
from storage.migrate import migrate
from storage.pool import open_pool

pytestmark = pytest.mark.integration

ENDS = datetime.now(UTC).date() + timedelta(days=3)


@pytest.fixture(autouse=True)
def database(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def prepare() -> None:
        async with open_pool(postgres_url, size_max=1) as pool:
            await migrate(pool)
            titles = [held("fr-nf-c-18-550", "BCL", until=ENDS)]
            sites = [site("theirs", titles), site("nobody's", titles)]
            await PostgresDirectoryStore(pool).import_sites(sites, source="test")
            await pool.execute(
                "insert into business "
                "values (gen_random_uuid(), 'G', 'FR', 'desk@g.example', 'accepted', now())"
            )
            await pool.execute(
                "insert into business_site select 'theirs', business_id from business"
            )

    asyncio.run(prepare())
    monkeypatch.setenv("RIGHTBAY_DATABASE_URL", postgres_url)


def run(*words: str) -> str:
    done = CliRunner().invoke(app, ["due", *words])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_each_is_listed_until_it_is_told() -> None:
    row = json.loads(run("--json"))
    assert (row["site"], row["contact"], row["ends"]) == (
        "theirs",
        "desk@g.example",
        ENDS.isoformat(),
    )
    assert row["ahead_days"] == 7
    line = run("--told", "--lang", "fr").rstrip("\n").split("\t")
    assert line[:2] == ["desk@g.example", "theirs"]
    assert "employeur" in line[-1]
    assert run() == ""
