"""Dead letters: what could not be read, kept with its bytes until it is replayed or given up.

How many are kept, for how long, and which go first is a published policy (docs/deadletters.md).
What is given up is counted: nothing vanishes without a trace.
"""

import hashlib
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.model import WHOLE_MESSAGES, DeadLetter, Reason
from storage.errors import NoSuchLetterError
from storage.pool import Connection, Pool, transaction
from storage.statements import load_statements

SQL = load_statements("deadletters")

LETTERS_MAX = 1_000_000
# So that one unit gone mad does not push out what others left.
LETTERS_OF_UNIT_MAX = 10_000
BYTES_MAX = 1 << 30
PAGE_LETTERS_MAX = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterGroup:
    """Dead letters of one reason and one unit.

    Attributes:
        letters: Different ones that are kept.
        times: How often they came, repeats included.
        replayed: How many of them were taken after all.
        newest: Id of one of them, to look at.
    """

    reason: str
    unit: str | None
    letters: int
    times: int
    replayed: int
    first_at: datetime
    last_at: datetime
    newest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """What was given up for one reason, to stay within the limits."""

    reason: str
    letters: int
    times: int
    last_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLetter:
    """One dead letter as it is kept.

    Attributes:
        is_whole: A message as it came; else a part of a report that is stored.
        tried_at: When it was last replayed, whatever came of it.
        replayed_at: When a replay took it.
    """

    dead_letter_id: int
    topic: str
    unit: str | None
    event_id: str | None
    reason: str
    text: str
    raw: bytes
    is_whole: bool
    first_at: datetime
    last_at: datetime
    times: int
    tried_at: datetime | None
    replayed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much is kept; beyond it goes what was replayed, then what is oldest."""

    letters: int = LETTERS_MAX
    letters_of_unit: int = LETTERS_OF_UNIT_MAX
    length: int = BYTES_MAX


LIMITS = Limits()


async def keep_dead_letters(connection: Connection, letters: Sequence[DeadLetter]) -> None:
    """Write dead letters within the caller's transaction; the same one again only counts."""
    unique = {_digest(letter): letter for letter in letters}
    if not unique:
        return
    in_order = sorted(unique.items())
    await connection.execute(
        SQL["upsert_dead_letters"],
        [digest for digest, _ in in_order],
        [_text(letter.topic) for _, letter in in_order],
        [_text(letter.unit) for _, letter in in_order],
        [_text(letter.event_id) for _, letter in in_order],
        [letter.reason.value for _, letter in in_order],
        [_text(letter.text) for _, letter in in_order],
        [letter.raw for _, letter in in_order],
        [letter.reason in WHOLE_MESSAGES for _, letter in in_order],
        [letter.received_at for _, letter in in_order],
    )


async def list_groups(
    pool: Pool, *, reason: Reason | None = None, unit: str | None = None, limit: int
) -> tuple[LetterGroup, ...]:
    """Count dead letters by reason and unit, the last heard of first."""
    async with transaction(pool) as connection:
        rows = await connection.fetch(SQL["list_groups"], reason, unit, limit)
    return tuple(LetterGroup(**row) for row in rows)


async def list_dropped(pool: Pool) -> tuple[Dropped, ...]:
    """Count what was given up, by reason."""
    async with transaction(pool) as connection:
        rows = await connection.fetch(SQL["list_dropped"])
    return tuple(Dropped(**row) for row in rows)


async def get_letter(pool: Pool, dead_letter_id: int) -> StoredLetter:
    """One dead letter with its bytes.

    Raises:
        NoSuchLetterError: If it is not there, or was given up.
    """
    async with transaction(pool) as connection:
        row = await connection.fetchrow(SQL["select_letter"], dead_letter_id)
    if row is None:
        raise NoSuchLetterError(
            f"there is no dead letter {dead_letter_id}: rightbay deadletters list names those kept"
        )
    return StoredLetter(**row)


async def waiting_letters(
    pool: Pool, *, reason: Reason | None = None, unit: str | None = None
) -> AsyncIterator[StoredLetter]:
    """Whole messages that no replay took yet, in the order in which they came; each once.

    An id that was used twice is not among them: the first message counts, for good.
    """
    last = 0
    while True:
        async with transaction(pool) as connection:
            rows = await connection.fetch(
                SQL["select_waiting"], last, reason, unit, PAGE_LETTERS_MAX
            )
        for row in rows:
            yield StoredLetter(**row)
        if len(rows) < PAGE_LETTERS_MAX:
            return
        last = rows[-1]["dead_letter_id"]


async def count_passed_over(
    pool: Pool, *, reason: Reason | None = None, unit: str | None = None
) -> int:
    """How many no replay takes: parts of stored reports, and ids that were used twice."""
    async with transaction(pool) as connection:
        return int(await connection.fetchval(SQL["count_passed_over"], reason, unit))


async def mark_tried(pool: Pool, dead_letter_id: int, *, at: datetime, was_taken: bool) -> None:
    """Note that a letter was replayed, after the COMMIT of what became of it."""
    async with transaction(pool) as connection:
        await connection.execute(SQL["mark_tried"], dead_letter_id, was_taken, at)


async def prune(connection: Connection, *, before: datetime, limits: Limits = LIMITS) -> int:
    """Give up what is older or more than the policy keeps, and count it.

    Returns:
        How many were given up.
    """
    return int(
        await connection.fetchval(
            SQL["prune"], before, limits.letters, limits.letters_of_unit, limits.length
        )
    )


def _digest(letter: DeadLetter) -> bytes:
    key = [letter.topic, letter.unit, letter.event_id, letter.reason.value, letter.raw.hex()]
    return hashlib.sha256(json.dumps(key).encode()).digest()


def _text(value: str | None) -> str | None:
    """PostgreSQL's text holds every character but NUL, and no lone surrogates."""
    if value is None:
        return None
    return value.replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode()
