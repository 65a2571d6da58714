"""The rules of principals, each version of them kept as it was stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from routing.matching.principal import principal_digest
from routing.principal import Principal
from storage.errors import ConflictError
from storage.pool import Pool, transaction
from storage.stated import record_stated
from storage.statements import load_statements

SQL = load_statements("principals")

# Any constant does: rules change rarely.
_LOCK = 0x7072_696E_6369_7061


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPrincipal:
    """A version of a principal's rules; `ended_at` is None while they hold."""

    name: str
    version: str
    digest: str
    stored_at: datetime
    ended_at: datetime | None


async def store_principal(pool: Pool, principal: Principal) -> bool:
    """Let these rules hold from now on; referrals that were made keep theirs.

    Open cases of its vehicles are looked at again, and the change stands in the log.

    Returns:
        False if they hold already.

    Raises:
        ConflictError: If other rules were stored under the same name and version.
        DatabaseUnavailableError: Nothing is known to have changed.
    """
    digest, now = principal_digest(principal), datetime.now(UTC)
    async with transaction(pool) as connection:
        # One after another: a statement of its own, so that the next one sees what was waited for.
        await connection.execute(SQL["lock_principals"], _LOCK)
        kept = {
            row["version"]: row["digest"]
            for row in await connection.fetch(SQL["select_versions"], principal.name)
        }
        if kept.get(principal.version, digest) != digest:
            raise ConflictError(
                f"version {principal.version} of {principal.name} has other rules: "
                "a version is never changed; give these a new one"
            )
        if principal.version in kept:
            return False
        rules = msgspec.json.encode(principal, order="deterministic").decode()
        await connection.execute(SQL["end_principal"], principal.name, now)
        await connection.execute(
            SQL["insert_principal"], principal.name, principal.version, rules, digest, now
        )
        content = {"principal": principal.name, "version": principal.version, "digest": digest}
        await record_stated(connection, kind="principal_rules_stored", at=now, content=content)
        await connection.execute(SQL["wake_vehicles"], principal.name, now)
        await connection.execute(SQL["notify_work"])
    return True


async def list_principals(pool: Pool) -> list[KeptPrincipal]:
    """Every version, by name and then by time."""
    async with transaction(pool) as connection:
        rows = await connection.fetch(SQL["list_principals"])
    return [KeptPrincipal(**row) for row in rows]


async def find_principals(pool: Pool, names: Sequence[str]) -> frozenset[str]:
    """Which of these have rules."""
    async with transaction(pool) as connection:
        rows = await connection.fetch(SQL["find_principals"], list(names))
    return frozenset(row["name"] for row in rows)


def read_rules(rules: str) -> Principal:
    """Rules as they are stored."""
    return msgspec.json.decode(rules, type=Principal)
