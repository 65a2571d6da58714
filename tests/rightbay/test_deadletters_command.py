"""`rightbay deadletters`: listed, shown, and taken after a fix, each once."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from gateway.model import DeadLetter, Reason
from rightbay.commands.deadletters import app, hex_dump
from storage.errors import NoSuchLetterError
from storage.migrate import migrate
from storage.pool import Pool, open_pool
from storage.reports import PostgresReportStore

pytestmark = pytest.mark.integration

ARRIVED = datetime.now(UTC) - timedelta(days=3)
GOOD = b'{"id": "a", "codes": ["P0128"]}'


def letter(raw: bytes, *, topic: str = "rb/1/u1/up/report", unit: str = "u1") -> DeadLetter:
    return DeadLetter(
        topic=topic,
        unit=unit,
        event_id=None,
        reason=Reason.SCHEMA,
        text="a decoder that has been mended since",
        raw=raw,
        received_at=ARRIVED,
    )


LETTERS = (
    letter(GOOD),
    letter(b"{\xff"),
    letter(GOOD.replace(b'"a"', b'"b"'), topic="", unit="u2"),
)


async def fill(url: str) -> None:
    async with open_pool(url) as pool:
        await migrate(pool)
        await PostgresReportStore(pool).store([], LETTERS)


async def count(url: str, table: str) -> int:
    async def ask(pool: Pool) -> int:
        return int(await pool.fetchval(f"select count(*) from {table}"))  # noqa: S608 - our own names

    async with open_pool(url) as pool:
        return await ask(pool)


@pytest.fixture
def url(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("RIGHTBAY_DATABASE_URL", postgres_url)
    asyncio.run(fill(postgres_url))
    return postgres_url


def run(*words: str) -> str:
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def listed(*words: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in run("list", "--json", *words).splitlines()]


def test_letters_are_listed_shown_and_taken_once(url: str) -> None:
    groups = {row["unit"]: row for row in listed()}
    assert {unit: (row["letters"], row["replayed"]) for unit, row in groups.items()} == {
        "u1": (2, 0),
        "u2": (1, 0),
    }
    assert [row["unit"] for row in listed("--unit", "u2")] == ["u2"]
    assert listed("--reason", "topic") == []
    assert "schema" in run("list")
    shown = run("show", str(groups["u2"]["newest"]))
    assert '{"id": "b", "cod' in shown
    assert "7b 22 69 64 22 3a" in shown
    row = json.loads(run("show", "--json", str(groups["u2"]["newest"])))
    assert bytes.fromhex(row["raw"]) == LETTERS[2].raw

    taken = {"stored": 2, "unreadable": 1, "refused": 0, "passed_over": 0}
    assert json.loads(run("replay", "--json")) == taken
    assert asyncio.run(count(url, "report")) == 2
    assert sum(int(str(row["replayed"])) for row in listed()) == 2
    again = {"stored": 0, "unreadable": 1, "refused": 0, "passed_over": 0}
    assert json.loads(run("replay", "--json")) == again
    assert asyncio.run(count(url, "report")) == 2
    assert asyncio.run(count(url, "dead_letter")) == len(LETTERS)
    # What came three days ago is known now, and wakes nobody.
    assert asyncio.run(count(url, "episode where not is_raised")) == 2
    assert asyncio.run(count(url, "work")) == 0


def test_one_letter_is_replayed_alone_and_one_that_is_not_there_is_named(url: str) -> None:
    newest = next(row["newest"] for row in listed("--unit", "u2"))
    assert "stored 1" in run("replay", str(newest))
    assert asyncio.run(count(url, "report")) == 1
    for command in ("show", "replay"):
        with pytest.raises(NoSuchLetterError, match="dead letter 4711"):
            run(command, "4711")


def test_bytes_are_shown_in_hexadecimal_and_as_what_can_be_read() -> None:
    assert hex_dump(b"") == ""
    assert hex_dump(b"ab\x00\xff") == f"00000000  {'61 62 00 ff':<47}  ab.."
    assert hex_dump(bytes(17)).splitlines()[1].startswith("00000010  00 ")
