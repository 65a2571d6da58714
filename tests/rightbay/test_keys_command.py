"""`rightbay keys`: shown once, listed without themselves, revoked."""

import asyncio
import json
from uuid import uuid4

import pytest
from typer.testing import CliRunner, Result

from rightbay.commands.keys import app
from storage.errors import ConflictError
from storage.migrate import migrate
from storage.pool import open_pool
from storage.register.access import Caller, find_caller

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def database(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    async def prepare() -> None:
        async with open_pool(postgres_url, size_max=1) as pool:
            await migrate(pool)

    asyncio.run(prepare())
    monkeypatch.setenv("RIGHTBAY_DATABASE_URL", postgres_url)
    return postgres_url


def run(*words: str) -> Result:
    return CliRunner().invoke(app, [*words])


def known(url: str, token: str) -> Caller | None:
    async def ask() -> Caller | None:
        async with open_pool(url, size_max=1) as pool:
            return await find_caller(pool, token)

    return asyncio.run(ask())


def test_a_key_is_shown_once_and_counts_until_it_is_revoked(database: str) -> None:
    made = json.loads(run("issue", "desk north", "--json").stdout)
    assert known(database, made["token"]) is not None
    listed = run("list", "--json").stdout
    assert made["token"] not in listed
    assert (json.loads(listed)["note"], json.loads(listed)["role"]) == ("desk north", "reviewer")
    assert "desk" in run("list").stdout
    assert run("revoke", made["key"]).exit_code == 0
    assert known(database, made["token"]) is None
    assert json.loads(run("list", "--json").stdout)["revoked_at"] != "None"


def test_a_key_alone_on_standard_output_can_be_piped(database: str) -> None:
    done = run("issue", "desk")
    assert known(database, done.stdout.strip()) is not None
    assert "not shown again" in done.stderr


def test_what_cannot_be_issued_is_said() -> None:
    assert run("issue", " ").exit_code == 2
    done = run("issue", "garage", "--business", str(uuid4()))
    assert isinstance(done.exception, ConflictError)
