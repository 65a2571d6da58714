"""Access keys: issued once, kept only as a digest, looked up by it.

A key is 32 random bytes, so its digest needs no salt and no slowness: nobody can try them all. The
look-up is by digest, so its time tells nothing of how much of a guess was right.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid4

import asyncpg

from storage.errors import ConflictError, NoSuchKeyError
from storage.pool import Connection, Pool, transaction
from storage.statements import load_statements

SQL = load_statements("access")

# A prefix that scanners for leaked secrets can be told of.
PREFIX = "rbk_"
KEY_BYTES = 32
KEYS_OF_ONE_MAX = 20  # in force at once, of a business or of all reviewers; then one must go first
LISTED_MAX = 1_000
_FORM = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}")


class Role(StrEnum):
    """What a key is good for."""

    REVIEWER = "reviewer"  # decides about what businesses say
    BUSINESS = "business"  # speaks for one business


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who is known by a key.

    Attributes:
        business_id: For whom it speaks; None for a reviewer.
    """

    key_id: UUID
    role: Role
    business_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key at the one moment at which it can be seen."""

    key_id: UUID
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedKey:
    """A key as it is listed."""

    key_id: UUID
    role: Role
    business_id: UUID | None
    note: str
    issued_at: datetime
    revoked_at: datetime | None


async def issue_key(
    connection: Connection, *, business_id: UUID | None, note: str, at: datetime
) -> NewKey:
    """Make a key.

    Args:
        connection: In a transaction; the key counts from its end.
        business_id: For whom it speaks; None makes a reviewer's.
        note: For whom it was made, in the operator's words.
        at: Aware.

    Raises:
        ConflictError: If there is no such business, or too many keys are in force.
    """
    if business_id is not None and not await connection.fetchrow(SQL["lock_business"], business_id):
        raise ConflictError(f"there is no business {business_id}")
    if await connection.fetchval(SQL["count_keys"], business_id) >= KEYS_OF_ONE_MAX:
        raise ConflictError(f"{KEYS_OF_ONE_MAX} keys are in force already: revoke one first")
    key = NewKey(key_id=uuid4(), token=PREFIX + secrets.token_urlsafe(KEY_BYTES))
    role = Role.REVIEWER if business_id is None else Role.BUSINESS
    await connection.execute(
        SQL["insert_key"], key.key_id, _digest(key.token), role.value, business_id, note, at
    )
    return key


async def find_caller(pool: Pool, token: str) -> Caller | None:
    """Who has this key; None if nobody has, or nobody any more.

    Raises:
        DatabaseUnavailableError: Nothing is known.
    """
    if not _FORM.fullmatch(token):
        return None
    async with transaction(pool) as connection:
        row = await connection.fetchrow(SQL["select_caller"], _digest(token))
    if row is None:
        return None
    return Caller(key_id=row["key_id"], role=Role(row["role"]), business_id=row["business_id"])


async def list_keys(pool: Pool) -> tuple[IssuedKey, ...]:
    """The newest keys first, those that were revoked among them; at most `LISTED_MAX`."""
    async with transaction(pool) as connection:
        rows = await connection.fetch(SQL["select_keys"], LISTED_MAX)
    return tuple(map(_issued, rows))


async def revoke_key(pool: Pool, key_id: UUID, *, at: datetime) -> None:
    """Let a key count no longer, from the next request on; again changes nothing.

    Raises:
        NoSuchKeyError: If there never was one.
    """
    async with transaction(pool) as connection:
        if await connection.fetchval(SQL["revoke_key"], key_id, at) is None:
            raise NoSuchKeyError(f"no key {key_id}; `rightbay keys list` names them")


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _issued(row: asyncpg.Record) -> IssuedKey:
    return IssuedKey(
        key_id=row["key_id"],
        role=Role(row["role"]),
        business_id=row["business_id"],
        note=row["note"],
        issued_at=row["issued_at"],
        revoked_at=row["revoked_at"],
    )
