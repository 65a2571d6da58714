"""The log on PostgreSQL: numbers entries, gives proofs, and checks the whole.

Entries are recorded in the transaction of what they are about, in `log_pending`. The sequencer
moves them to `log_entry` under the lock of the head's only row: so several may run, indices have no
gap, and head and entries change together or not at all.
"""

from dataclasses import dataclass
from uuid import UUID

import asyncpg

from audit.check import Checker, Flaw, Record
from audit.entry import referral_entry, register_entry, stated_entry
from audit.errors import BrokenHeadError, ConflictError
from audit.tree import (
    HASH_LENGTH,
    KEPT_LEVELS,
    Appender,
    Frontier,
    Node,
    inclusion_path,
    kept_under,
    leaf_hash,
    span_root,
)
from storage.pool import Connection, Pool, transaction
from storage.statements import load_statements

SQL = load_statements("log")

BATCH_ENTRIES_MAX = 2_000


@dataclass(frozen=True, slots=True)
class Head:
    """How far the log goes."""

    size: int
    root: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class InclusionProof:
    """That an entry stands in the log.

    Attributes:
        hashes: From the leaf to the root (RFC 9162, 2.1.3).
    """

    entry_id: UUID
    body: bytes
    index: int
    head: Head
    hashes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class CheckedLog:
    """What a check of the whole log found.

    Attributes:
        head: As it is stored.
        flaw: The first thing that is wrong; None if nothing is.
    """

    head: Head
    flaw: Flaw | None


async def sequence_once(pool: Pool, *, limit: int = BATCH_ENTRIES_MAX) -> int:
    """Give the oldest recorded entries their place in the log.

    Returns:
        How many were taken from those that wait; less than `limit` if none is left.

    Raises:
        ConflictError: If an entry that stands in the log was recorded again with another body.
        BrokenHeadError: If head and entries do not fit together; nothing was appended.
        DatabaseUnavailableError: Trying again is safe.
    """
    async with transaction(pool) as connection:
        before = _frontier(await connection.fetchrow(SQL["lock_head"]))
        rows = await connection.fetch(SQL["take_pending"], limit)
        rows.sort(key=lambda row: (row["created_at"], row["entry_id"]))
        new = await _without_repeats(connection, [(row["entry_id"], row["body"]) for row in rows])
        if new:
            await _append(connection, before, new)
    return len(rows)


def _frontier(head: asyncpg.Record) -> Frontier:
    # To append to a head that was tampered with would cover the traces.
    try:
        frontier = Frontier(head["size"], tuple(head["frontier"]))
    except ValueError as error:
        raise BrokenHeadError(str(error)) from error
    if frontier.root != head["root"]:
        raise BrokenHeadError("its root does not follow from its frontier")
    return frontier


async def _without_repeats(
    connection: Connection, recorded: list[tuple[UUID, bytes]]
) -> list[tuple[UUID, bytes]]:
    rows = await connection.fetch(SQL["select_bodies"], [entry_id for entry_id, _ in recorded])
    logged = {row["entry_id"]: row["body"] for row in rows}
    for entry_id, body in recorded:
        if logged.get(entry_id, body) != body:
            raise ConflictError(entry_id, logged=logged[entry_id], recorded=body)
    return [(entry_id, body) for entry_id, body in recorded if entry_id not in logged]


async def _append(
    connection: Connection, before: Frontier, entries: list[tuple[UUID, bytes]]
) -> None:
    tree = Appender(before)
    leaves = [leaf_hash(body) for _, body in entries]
    kept = [tree.append(leaf) for leaf in leaves]
    try:
        await connection.execute(
            SQL["insert_entries"],
            range(before.size, before.size + len(entries)),
            [entry_id for entry_id, _ in entries],
            leaves,
            kept,
            [body for _, body in entries],
        )
    except asyncpg.UniqueViolationError as error:
        raise BrokenHeadError(f"entries stand beyond its size of {before.size}") from error
    after = tree.frontier
    await connection.execute(SQL["update_head"], after.size, after.hashes, after.root)


async def fetch_head(pool: Pool) -> Head:
    """The head as it is now.

    Raises:
        DatabaseUnavailableError: Trying again is safe.
    """
    async with transaction(pool) as connection:
        return _head(await connection.fetchrow(SQL["select_head"]))


async def is_waiting(pool: Pool, entry_id: UUID) -> bool:
    """Whether an entry is recorded and has no place in the log yet.

    Raises:
        DatabaseUnavailableError: Trying again is safe.
    """
    async with transaction(pool) as connection:
        return bool(await connection.fetchval(SQL["is_pending"], entry_id))


async def find_inclusion_proof(pool: Pool, entry_id: UUID) -> InclusionProof | None:
    """Prove that an entry stands in the log as it is now; None if it does not.

    Raises:
        DatabaseUnavailableError: Trying again is safe.
    """
    async with transaction(pool) as connection:
        entry = await connection.fetchrow(SQL["select_entry"], entry_id)
        if entry is None:
            return None
        # Read after the entry: a head that is newer than its entry proves it all the same.
        head = _head(await connection.fetchrow(SQL["select_head"]))
        path = inclusion_path(entry["log_index"], head.size)
        nodes = await _nodes(connection, [node for span in path for node in kept_under(span)])
    return InclusionProof(
        entry_id=entry_id,
        body=entry["body"],
        index=entry["log_index"],
        head=head,
        hashes=tuple(span_root(span, nodes) for span in path),
    )


async def _nodes(connection: Connection, wanted: list[Node]) -> dict[Node, bytes]:
    """A node's root stands with the last entry below it."""
    last = {node: ((node.number + 1) << node.level) - 1 for node in wanted}
    rows = await connection.fetch(SQL["select_nodes"], sorted(set(last.values())))
    by_index = {row["log_index"]: row for row in rows}
    return {node: _node_hash(by_index[index], node.level) for node, index in last.items()}


def _node_hash(row: asyncpg.Record, level: int) -> bytes:
    if level == 0:
        return bytes(row["leaf_hash"])
    stop = level // KEPT_LEVELS * HASH_LENGTH
    return bytes(row["kept"][stop - HASH_LENGTH : stop])


async def verify_log(pool: Pool) -> CheckedLog:
    """Compute the whole log anew, from its entries and from the referrals they commit to.

    Sees one state of the database; the sequencer may go on meanwhile.

    Raises:
        DatabaseUnavailableError: Nothing is known; trying again is safe.
    """
    async with transaction(pool) as connection:
        await connection.execute("set transaction isolation level repeatable read, read only")
        row = await connection.fetchrow(SQL["select_head"])
        flaw = await _check(connection, row)
    return CheckedLog(_head(row), flaw)


async def _check(connection: Connection, head: asyncpg.Record) -> Flaw | None:
    checker, last = Checker(), -1
    while rows := await connection.fetch(SQL["select_records"], last, BATCH_ENTRIES_MAX):
        for row in rows:
            if flaw := checker.take(_record(row)):
                return flaw
        last = rows[-1]["log_index"]
    hashes = tuple(head["frontier"])
    if flaw := checker.finish(size=head["size"], hashes=hashes, root=head["root"]):
        return flaw
    unlogged = await connection.fetchrow(SQL["select_unlogged"])
    return unlogged and Flaw(None, "{} {} was never recorded in the log".format(*unlogged))


def _record(row: asyncpg.Record) -> Record:
    return Record(
        index=row["log_index"],
        entry_id=row["entry_id"],
        leaf=row["leaf_hash"],
        kept=row["kept"],
        body=row["body"],
        expected_body=_expected_body(row),
    )


def _expected_body(row: asyncpg.Record) -> bytes | None:
    """The entry's body, made anew of what it commits to as that is stored now."""
    for of, entry in (("registered", register_entry), ("stated", stated_entry)):
        if row[f"{of}_document"] is not None:
            return entry(
                event_id=row["entry_id"],
                kind=row[f"{of}_kind"],
                at=row[f"{of}_at"],
                document=row[f"{of}_document"],
            ).body
    if row["document"] is None:
        return None
    return referral_entry(
        referral_id=row["entry_id"],
        case_id=row["case_id"],
        version=row["version"],
        decided_at=row["decided_at"],
        document=row["document"],
    ).body


def _head(row: asyncpg.Record) -> Head:
    return Head(row["size"], row["root"])
