"""What customers add to the knowledge: lists of codes, and rules of their own.

Every change is one transaction and has a version; routers look for a new one as they do for the
directory. Open cases are looked at again a little later, when every router has read it.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby

import asyncpg

from dtc_db.codes import parse_code
from dtc_db.layers import Entry, Layer
from dtc_db.own_rules import OWN_RULES_MAX, Effect, OwnRule, rule_to_json
from dtc_db.urgency import Urgency
from routing.errors import CasesUnavailableError
from routing.ports import Added
from storage.errors import ConflictError, DatabaseUnavailableError
from storage.pool import Connection, Pool, transaction
from storage.stated import record_stated
from storage.statements import load_statements

SQL = load_statements("knowledge")

LISTS_MAX = 100
# Longer than a router takes to notice a version, so that no case is decided by what was before.
NOTICED_S_MAX = 5.0
# Any constant does: changes of the knowledge are rare, and made one after another.
_LOCK = 0x6B6E_6F77_6C65_6467


@dataclass(frozen=True, slots=True, kw_only=True)
class ListImported:
    """What an import did.

    Attributes:
        version: Of the list; the present one if the import said nothing new.
        added: Entries that the version before did not have; likewise the others.
    """

    name: str
    version: int
    entries: int
    added: int
    changed: int
    removed: int
    is_new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptList:
    """A version of a list; `ended_at` is None while it speaks."""

    name: str
    version: int
    source: str
    entries: int
    imported_at: datetime
    imported_by: str
    ended_at: datetime | None
    ended_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRule:
    """A rule that was made; `ended_at` is None while it speaks."""

    rule: OwnRule
    ended_at: datetime | None
    ended_by: str | None


class PostgresAddedStore:
    """Implements `routing.ports.AddedStore`."""

    def __init__(self, pool: Pool) -> None:
        self._store = PostgresKnowledgeStore(pool)

    async def fetch_version(self) -> str:
        """See the port."""
        try:
            return await self._store.fetch_version()
        except DatabaseUnavailableError as error:
            raise CasesUnavailableError(str(error)) from error

    async def fetch_added(self) -> Added:
        """See the port."""
        try:
            version, layers, rules = await self._store.fetch_added()
        except DatabaseUnavailableError as error:
            raise CasesUnavailableError(str(error)) from error
        return Added(version=version, layers=layers, rules=rules)


class PostgresKnowledgeStore:
    """Keeps lists and rules; nothing of either is ever deleted."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def fetch_version(self) -> str:
        """The version that is current; cheap.

        Raises:
            DatabaseUnavailableError: Trying again is safe.
        """
        async with transaction(self._pool) as connection:
            return str(await connection.fetchval(SQL["select_version"]))

    async def fetch_added(self) -> tuple[str, tuple[Layer, ...], tuple[OwnRule, ...]]:
        """Version, lists and rules that speak now, as one snapshot; the newest list comes first.

        Raises:
            DatabaseUnavailableError: Trying again is safe.
        """
        async with transaction(self._pool) as connection:
            await connection.execute("set transaction isolation level repeatable read")
            version = await connection.fetchval(SQL["select_version"])
            layers = tuple(_layers(await connection.fetch(SQL["select_entries"])))
            rules = await connection.fetch(SQL["select_rules"], False)
        return str(version), layers, tuple(_rule(row) for row in rules)

    async def import_list(  # noqa: PLR0913 - each is one fact of the import, given by name
        self,
        name: str,
        entries: Sequence[Entry],
        *,
        source: str,
        by: str,
        at: datetime,
        is_replacing: bool = False,
    ) -> ListImported:
        """Keep a list under a name, whole or not at all.

        The same entries again change nothing.

        Args:
            name: Under which it is listed and removed.
            entries: Each code and make once, as `parse_list` gives them.
            source: Where it comes from.
            by: Who imports it.
            at: When.
            is_replacing: Whether a list of that name may be replaced.

        Raises:
            ConflictError: If another list has that name and may not be replaced, or there are too
                many lists.
            DatabaseUnavailableError: Nothing is known to have changed.
        """
        digest = _digest(entries)
        async with transaction(self._pool) as connection:
            await connection.execute(SQL["lock"], _LOCK)
            before = await connection.fetchrow(SQL["find_current_list"], name)
            if before is not None and before["digest"] == digest:
                return _unchanged(name, before)
            await _check_place(connection, name, before, is_replacing=is_replacing)
            await connection.execute(SQL["end_list"], name, at, by)
            row = await connection.fetchrow(
                SQL["insert_list"], name, source, digest, len(entries), at, by
            )
            await connection.execute(
                SQL["insert_entries"],
                row["list_id"],
                [str(entry.code) for entry in entries],
                [entry.make for entry in entries],
                [entry.text for entry in entries],
                [entry.urgency for entry in entries],
            )
            compared = await connection.fetchrow(
                SQL["compare_lists"], before["list_id"] if before else 0, row["list_id"]
            )
            await _changed(connection, f"list {name} version {row['version']}", at)
        return ListImported(
            name=name,
            version=row["version"],
            entries=len(entries),
            added=compared["added"],
            changed=compared["changed"],
            removed=compared["removed"],
            is_new=True,
        )

    async def remove_list(self, name: str, *, by: str, at: datetime) -> int:
        """End a list.

        Returns:
            The version that ended.

        Raises:
            ConflictError: If no list of that name speaks.
            DatabaseUnavailableError: Nothing is known to have changed.
        """
        async with transaction(self._pool) as connection:
            version: int | None = await connection.fetchval(SQL["end_list"], name, at, by)
            if version is None:
                raise ConflictError(f"there is no list {name}: `rightbay dtc lists` names them")
            await _changed(connection, f"list {name} removed", at)
        return version

    async def fetch_lists(self, *, has_ended: bool = False) -> tuple[KeptList, ...]:
        """The lists that speak, and with `has_ended` also those that did.

        Raises:
            DatabaseUnavailableError: Trying again is safe.
        """
        async with transaction(self._pool) as connection:
            rows = await connection.fetch(SQL["select_lists"], has_ended)
        return tuple(
            KeptList(
                name=row["name"],
                version=row["version"],
                source=row["source"],
                entries=row["entry_count"],
                imported_at=row["imported_at"],
                imported_by=row["imported_by"],
                ended_at=row["ended_at"],
                ended_by=row["ended_by"],
            )
            for row in rows
        )

    async def add_rule(self, rule: OwnRule) -> str:
        """Keep a rule; open cases are looked at again.

        Returns:
            Its id.

        Raises:
            ConflictError: If there are too many rules.
            DatabaseUnavailableError: Nothing is known to have changed.
        """
        async with transaction(self._pool) as connection:
            await connection.execute(SQL["lock"], _LOCK)
            if await connection.fetchval(SQL["count_current_rules"]) >= OWN_RULES_MAX:
                raise ConflictError(f"there are {OWN_RULES_MAX} rules already: undo some")
            rule_id = await connection.fetchval(
                SQL["insert_rule"],
                rule.effect,
                rule.pattern,
                rule.make,
                rule.fleet,
                rule.urgency,
                rule.text,
                rule.because,
                rule.by,
                rule.at,
            )
            await _changed(connection, f"rule {rule_id} made", rule.at, fleet=rule.fleet)
            kept = rule_to_json(replace(rule, rule_id=str(rule_id)))
            await record_stated(connection, kind="rule_made", at=rule.at, content={"rule": kept})
        return str(rule_id)

    async def end_rule(self, rule_id: str, *, by: str, at: datetime) -> None:
        """Undo a rule; open cases are looked at again.

        Raises:
            ConflictError: If no rule of that id speaks.
            DatabaseUnavailableError: Nothing is known to have changed.
        """
        async with transaction(self._pool) as connection:
            number = int(rule_id) if rule_id.isdecimal() and len(rule_id) < 19 else 0
            ended = await connection.fetchrow(SQL["end_rule"], number, at, by)
            if ended is None:
                raise ConflictError(f"there is no rule {rule_id}: `rightbay dtc rules` lists them")
            await _changed(connection, f"rule {rule_id} undone", at, fleet=ended["fleet"])
            undone = {"rule": {"id": rule_id}, "by": by}
            await record_stated(connection, kind="rule_undone", at=at, content=undone)

    async def fetch_rules(self, *, has_ended: bool = False) -> tuple[KeptRule, ...]:
        """The rules that speak, and with `has_ended` also those that did.

        Raises:
            DatabaseUnavailableError: Trying again is safe.
        """
        async with transaction(self._pool) as connection:
            rows = await connection.fetch(SQL["select_rules"], has_ended)
        return tuple(
            KeptRule(rule=_rule(row), ended_at=row["ended_at"], ended_by=row["ended_by"])
            for row in rows
        )


async def _check_place(
    connection: Connection, name: str, before: asyncpg.Record | None, *, is_replacing: bool
) -> None:
    if before is not None and not is_replacing:
        raise ConflictError(
            f"list {name} has version {before['version']} with {before['entry_count']} entries: "
            "take another --name, or give --replace to put this one in its place"
        )
    if before is None and await connection.fetchval(SQL["count_current_lists"]) >= LISTS_MAX:
        raise ConflictError(f"there are {LISTS_MAX} lists already: remove one")


async def _changed(connection: Connection, source: str, at: datetime, *, fleet: str = "") -> None:
    """Number the change and have looked at again what it may reach, of one fleet or of all."""
    await connection.execute(SQL["insert_version"], source)
    due_at = at + timedelta(seconds=NOTICED_S_MAX)
    await connection.execute(SQL["wake_cases"], due_at, fleet)


def _unchanged(name: str, before: asyncpg.Record) -> ListImported:
    return ListImported(
        name=name,
        version=before["version"],
        entries=before["entry_count"],
        added=0,
        changed=0,
        removed=0,
        is_new=False,
    )


def _digest(entries: Sequence[Entry]) -> bytes:
    """SHA-256 of the entries, whatever their order."""
    rows = sorted((str(e.code), e.make, e.text, e.urgency or "") for e in entries)
    return hashlib.sha256(json.dumps(rows).encode()).digest()


def _layers(rows: Sequence[asyncpg.Record]) -> Iterator[Layer]:
    for (name, version), group in groupby(rows, key=lambda row: (row["name"], row["version"])):
        yield Layer(
            name=name,
            version=version,
            entries=tuple(
                Entry(
                    code=parse_code(row["code"]),
                    make=row["make"],
                    text=row["text"],
                    urgency=None if row["urgency"] is None else Urgency(row["urgency"]),
                )
                for row in group
            ),
        )


def _rule(row: asyncpg.Record) -> OwnRule:
    return OwnRule(
        rule_id=str(row["rule_id"]),
        effect=Effect(row["effect"]),
        pattern=row["pattern"],
        make=row["make"],
        fleet=row["fleet"],
        urgency=None if row["urgency"] is None else Urgency(row["urgency"]),
        text=row["text"],
        because=row["because"],
        by=row["made_by"],
        at=row["made_at"],
    )
