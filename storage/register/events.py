"""What was decided about businesses: added in the transaction of the decision, with its log entry.

An event says everything but what is private; the log holds its digest, so that it cannot be changed
unseen, and its row refuses to be changed at all.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import rfc8785

from audit.entry import register_entry
from storage.pool import Connection, Pool, transaction
from storage.statements import load_statements

SQL = load_statements("register")


@dataclass(frozen=True, slots=True)
class Events:
    """A part of a history, the newest first.

    Attributes:
        before: Ask for those before this position to go on; None at the end.
    """

    items: tuple[Mapping[str, Any], ...]
    before: int | None


async def record_event(
    connection: Connection, *, business_id: UUID, kind: str, at: datetime, content: dict[str, Any]
) -> UUID:
    """Write what was decided, and its entry for the log.

    Args:
        connection: In the transaction of the decision.
        business_id: About whom.
        kind: A word such as ``accepted``.
        at: Aware.
        content: Texts, numbers, lists and objects; nothing that is private.
    """
    event_id, at = uuid4(), at.astimezone(UTC)
    document = rfc8785.dumps(
        {
            "event": str(event_id),
            "business": str(business_id),
            "kind": kind,
            "at": at.isoformat(timespec="microseconds"),
            **content,
        }
    )
    await connection.execute(SQL["insert_event"], event_id, business_id, kind, at, document)
    entry = register_entry(event_id=event_id, kind=kind, at=at, document=document)
    await connection.execute(SQL["insert_log_pending"], entry.entry_id, entry.body, at)
    return event_id


async def list_events(pool: Pool, business_id: UUID, *, before: int | None, limit: int) -> Events:
    """What was decided about a business, the newest first."""
    async with transaction(pool) as connection:
        rows = await connection.fetch(SQL["list_events"], business_id, before, limit + 1)
    return Events(
        items=tuple(json.loads(row["document"]) for row in rows[:limit]),
        before=rows[limit - 1]["position"] if len(rows) > limit else None,
    )
