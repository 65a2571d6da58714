"""The schema is brought up to date once, by whoever comes first, and never half."""

import asyncio
from pathlib import Path

import pytest

from storage import migrate as module
from storage.errors import DatabaseUnavailableError, MigrationError
from storage.migrate import load_migrations, migrate
from storage.pool import open_pool, without_password


def folder_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **texts: str) -> None:
    folder = tmp_path / "migrations"
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name}.sql").write_text(text)
    monkeypatch.setattr(module, "files", lambda _: tmp_path)


def test_ours_are_numbered_without_a_gap() -> None:
    assert [each.number for each in load_migrations()] == list(range(1, len(load_migrations()) + 1))


def test_a_gap_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder_with(tmp_path, monkeypatch, **{"0001_pre_a": "", "0003_pre_c": ""})
    with pytest.raises(MigrationError, match="gap"):
        load_migrations()


@pytest.mark.integration
async def test_several_at_once_apply_each_step_once(postgres_url: str) -> None:
    async with open_pool(postgres_url, size_max=4) as pool:
        done = await asyncio.gather(*(migrate(pool) for _ in range(4)))
        applied = [name for names in done for name in names]
        assert applied == [each.name for each in load_migrations()]
        assert await migrate(pool) == ()


@pytest.mark.integration
async def test_a_step_that_fails_leaves_nothing_of_itself(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder_with(tmp_path, monkeypatch, **{"0001_pre_a": "create table a (); create table !"})
    async with open_pool(postgres_url, size_max=1) as pool:
        with pytest.raises(MigrationError, match=r"0001_pre_a\.sql"):
            await migrate(pool)
        assert await pool.fetchval("select to_regclass('a')") is None


@pytest.mark.integration
async def test_a_step_that_was_edited_afterwards_stops_the_start(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder_with(tmp_path, monkeypatch, **{"0001_pre_a": "create table a ()"})
    async with open_pool(postgres_url, size_max=1) as pool:
        assert await migrate(pool) == ("0001_pre_a.sql",)
        folder_with(tmp_path, monkeypatch, **{"0001_pre_a": "create table b ()"})
        with pytest.raises(MigrationError, match="edited"):
            await migrate(pool)


@pytest.mark.integration
async def test_a_database_that_is_newer_than_we_are_stops_the_start(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder_with(tmp_path, monkeypatch, **{"0001_pre_a": "select 1", "0002_post_b": "select 1"})
    async with open_pool(postgres_url, size_max=1) as pool:
        await migrate(pool)
        (tmp_path / "migrations" / "0002_post_b.sql").unlink()
        with pytest.raises(MigrationError, match="newer"):
            await migrate(pool)


@pytest.mark.integration
async def test_a_server_that_is_not_there_is_one_clear_error() -> None:
    url = "postgresql://someone:secret@127.0.0.1:1/nowhere"
    with pytest.raises(
        DatabaseUnavailableError, match=r"127\.0\.0\.1:1.*RIGHTBAY_DATABASE_URL"
    ) as told:
        async with open_pool(url):
            pass
    assert "secret" not in str(told.value)


@pytest.mark.parametrize(
    "url",
    ["postgresql://a:secret@h/d", "postgresql://h/d?user=a&password=secret", "postgresql:///d"],
)
def test_a_password_stands_in_no_message(url: str) -> None:
    assert "secret" not in without_password(url)
