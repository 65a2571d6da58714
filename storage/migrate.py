"""Numbered migrations, applied in order, each once, all of a start in one transaction.

A file is named ``NNNN_pre_title.sql`` (apply before the new version runs) or
``NNNN_post_title.sql`` (apply when no old version runs any more). What was applied is remembered
with its digest: a file that was edited afterwards stops the start instead of leaving two schemas
with one number.
"""

import hashlib
import re
from dataclasses import dataclass
from importlib.resources import files

import asyncpg

from storage.errors import MigrationError
from storage.pool import Connection, Pool, transaction

_FILE = re.compile(r"^(\d{4})_(pre|post)_\w+\.sql$")
# Any constant does: it only has to be the same for everyone who migrates this database.
_LOCK = 0x7269_6768_7462_6179


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One numbered step of the schema."""

    number: int
    name: str
    text: str

    @property
    def digest(self) -> bytes:
        """SHA-256 of the text."""
        return hashlib.sha256(self.text.encode()).digest()


def load_migrations() -> tuple[Migration, ...]:
    """Load all migrations in order.

    Raises:
        MigrationError: If numbers do not run from 1 without a gap.
    """
    found = [
        Migration(number=int(match[1]), name=path.name, text=path.read_text(encoding="utf-8"))
        for path in files("storage").joinpath("migrations").iterdir()
        if (match := _FILE.match(path.name))
    ]
    found.sort(key=lambda migration: migration.number)
    if [migration.number for migration in found] != list(range(1, len(found) + 1)):
        raise MigrationError("the numbers of the migrations do not run from 1 without a gap")
    return tuple(found)


async def migrate(pool: Pool) -> tuple[str, ...]:
    """Bring the schema up to date; several processes may do so at once.

    Returns:
        Names of the migrations that were applied now.

    Raises:
        MigrationError: If the database is newer than this version, or a file was edited.
        DatabaseUnavailableError: If the server went away.
    """
    migrations = load_migrations()
    applied: list[str] = []
    async with transaction(pool) as connection:
        await connection.execute("select pg_advisory_xact_lock($1)", _LOCK)
        await connection.execute(
            "create table if not exists migration ("
            "number integer primary key, name text not null, digest bytea not null, "
            "applied_at timestamptz not null default now())"
        )
        known = {
            row["number"]: row["digest"]
            for row in await connection.fetch("select number, digest from migration")
        }
        if known and max(known) > len(migrations):
            raise MigrationError(
                f"the database is at migration {max(known)}, this version knows {len(migrations)}: "
                "install the newer version"
            )
        for migration in migrations:
            if migration.number not in known:
                await _apply(connection, migration)
                applied.append(migration.name)
            elif known[migration.number] != migration.digest:
                raise MigrationError(f"{migration.name} was edited after it was applied")
    return tuple(applied)


async def _apply(connection: Connection, migration: Migration) -> None:
    try:
        await connection.execute(migration.text)
    except asyncpg.PostgresError as error:
        raise MigrationError(f"{migration.name}: {error}") from error
    await connection.execute(
        "insert into migration (number, name, digest) values ($1, $2, $3)",
        migration.number,
        migration.name,
        migration.digest,
    )
