"""What could not be read is kept within published limits, and given up only with a trace."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from gateway.model import DeadLetter, Reason, Rejection, Report
from storage.deadletters import (
    LIMITS,
    Limits,
    count_passed_over,
    get_letter,
    list_dropped,
    list_groups,
    mark_tried,
    prune,
    waiting_letters,
)
from storage.errors import NoSuchLetterError
from storage.migrate import migrate
from storage.pool import Pool, open_pool, transaction
from storage.reports import PostgresReportStore

pytestmark = pytest.mark.integration

START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


@pytest.fixture
async def pool(postgres_url: str) -> AsyncIterator[Pool]:
    async with open_pool(postgres_url) as opened:
        await migrate(opened)
        yield opened


def letter(
    raw: bytes, *, unit: str | None = "u1", at_s: float = 0, reason: Reason = Reason.NOT_JSON
) -> DeadLetter:
    return DeadLetter(
        topic=f"rb/1/{unit}/up/report",
        unit=unit,
        event_id=None,
        reason=reason,
        text="expected JSON",
        raw=raw,
        received_at=START + timedelta(seconds=at_s),
    )


async def keep(pool: Pool, *letters: DeadLetter) -> None:
    await PostgresReportStore(pool).store([], letters)


async def give_up(pool: Pool, *, before_s: float = -1, limits: Limits = LIMITS) -> int:
    async with transaction(pool) as connection:
        return await prune(connection, before=START + timedelta(seconds=before_s), limits=limits)


async def kept(pool: Pool) -> list[bytes]:
    return [row["raw"] for row in await pool.fetch("select raw from dead_letter order by last_at")]


async def test_letters_are_counted_by_reason_and_unit_the_last_heard_of_first(pool: Pool) -> None:
    await keep(pool, letter(b"a"), letter(b"b", at_s=1), letter(b"c", unit="u2", at_s=2))
    await keep(pool, letter(b"a", at_s=3), letter(b"d", reason=Reason.NOT_UTF8, unit=None))
    groups = await list_groups(pool, limit=10)
    assert [(g.reason, g.unit, g.letters, g.times, g.replayed) for g in groups] == [
        ("not_json", "u1", 2, 3, 0),
        ("not_json", "u2", 1, 1, 0),
        ("not_utf8", None, 1, 1, 0),
    ]
    assert (groups[0].first_at, groups[0].last_at) == (START, START + timedelta(seconds=3))
    assert len(await list_groups(pool, unit="u2", limit=10)) == 1
    assert len(await list_groups(pool, reason=Reason.NOT_UTF8, limit=10)) == 1


async def test_a_letter_is_shown_with_its_bytes(pool: Pool) -> None:
    await keep(pool, letter(b"\x00\xff{"))
    (group,) = await list_groups(pool, limit=1)
    found = await get_letter(pool, group.newest)
    assert (found.raw, found.is_whole, found.replayed_at) == (b"\x00\xff{", True, None)
    with pytest.raises(NoSuchLetterError):
        await get_letter(pool, group.newest + 1)


async def test_only_whole_messages_that_no_replay_took_are_waiting(pool: Pool) -> None:
    part = Rejection(reason=Reason.TRUNCATED, text="cut", raw=b"part")
    whole = Report(
        unit="u1",
        event_id="a",
        digest=b"1" * 32,
        payload=b"{}",
        received_at=START,
        rejections=(part,),
    )
    store = PostgresReportStore(pool)
    await store.store([whole], [letter(b"a"), letter(b"b"), letter(b"c", unit="u2")])
    await store.store([whole._replace(digest=b"2" * 32, rejections=())], [])
    waiting = [found async for found in waiting_letters(pool)]
    assert {found.raw for found in waiting} == {b"a", b"b", b"c"}
    assert await count_passed_over(pool) == 2  # the part, and the id that was used twice
    first, second = waiting[:2]
    await mark_tried(pool, first.dead_letter_id, at=START, was_taken=True)
    await mark_tried(pool, second.dead_letter_id, at=START, was_taken=False)
    left = {found.dead_letter_id: found async for found in waiting_letters(pool)}
    assert first.dead_letter_id not in left
    assert left[second.dead_letter_id].tried_at == START
    assert [found.raw async for found in waiting_letters(pool, unit="u2")] == [b"c"]


async def test_a_long_queue_is_given_page_by_page_each_once(pool: Pool) -> None:
    await keep(pool, *(letter(str(n).encode()) for n in range(120)))
    assert len({found.raw async for found in waiting_letters(pool)}) == 120


@pytest.mark.parametrize(
    ("limits", "before_s", "left"),
    [
        (Limits(), -1, [b"0", b"1", b"2", b"3", b"4"]),
        (Limits(), 2, [b"2", b"3", b"4"]),
        (Limits(letters=2), -1, [b"3", b"4"]),
        (Limits(letters_of_unit=1), -1, [b"3", b"4"]),
        (Limits(length=3), -1, [b"2", b"3", b"4"]),
    ],
)
async def test_what_is_oldest_goes_first_and_is_counted(
    pool: Pool, limits: Limits, before_s: float, left: list[bytes]
) -> None:
    await keep(pool, *(letter(str(n).encode(), at_s=n, unit=f"u{n // 4}") for n in range(5)))
    dropped = await give_up(pool, before_s=before_s, limits=limits)
    assert await kept(pool) == left
    assert dropped == 5 - len(left)
    assert sum(each.letters for each in await list_dropped(pool)) == dropped


async def test_what_was_replayed_goes_before_what_still_waits(pool: Pool) -> None:
    await keep(pool, *(letter(str(n).encode(), at_s=n) for n in range(3)))
    newest = max([found async for found in waiting_letters(pool)], key=lambda found: found.last_at)
    await mark_tried(pool, newest.dead_letter_id, at=START, was_taken=True)
    await give_up(pool, limits=Limits(letters=2))
    assert await kept(pool) == [b"0", b"1"]


async def test_a_unit_gone_mad_pushes_out_only_its_own(pool: Pool) -> None:
    await keep(pool, letter(b"kept", unit="quiet"))
    await keep(pool, *(letter(str(n).encode(), at_s=n + 1, unit="mad") for n in range(50)))
    await give_up(pool, limits=Limits(letters=20, letters_of_unit=10))
    assert b"kept" in await kept(pool)
    assert len(await kept(pool)) == 11
    # The control: without a limit for each unit the quiet one's letter is the first to go.
    await keep(pool, *(letter(str(n).encode(), at_s=n + 100, unit="mad") for n in range(50, 80)))
    await give_up(pool, limits=Limits(letters=20))
    assert b"kept" not in await kept(pool)


async def test_what_is_given_up_again_and_again_adds_up_by_reason(pool: Pool) -> None:
    for n in range(3):
        await keep(pool, letter(str(n).encode(), at_s=n), letter(str(n).encode(), at_s=n))
        await keep(pool, letter(str(n).encode(), at_s=n))
        await give_up(pool, limits=Limits(letters=0))
    (dropped,) = await list_dropped(pool)
    assert (dropped.reason, dropped.letters, dropped.times) == ("not_json", 3, 6)
    assert dropped.last_at == START + timedelta(seconds=2)
