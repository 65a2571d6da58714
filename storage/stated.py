"""What people stated that moves referrals: kept whole, and committed to by the log.

Where a case was repaired, whose rules hold from when on. A statement is written in the transaction
of what it is about, and its row refuses to be changed.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import rfc8785

from audit.entry import stated_entry
from storage.pool import Connection
from storage.statements import load_statements

SQL = load_statements("stated")


async def record_stated(
    connection: Connection, *, kind: str, at: datetime, content: Mapping[str, Any]
) -> UUID:
    """Write down a statement with its entry for the log.

    Args:
        connection: In the transaction of what it is about.
        kind: Such as ``repair_attested``.
        at: Aware.
        content: Texts, numbers, lists and objects; nothing that is private.
    """
    event_id, at = uuid4(), at.astimezone(UTC)
    document = rfc8785.dumps(
        {
            "event": str(event_id),
            "kind": kind,
            "at": at.isoformat(timespec="microseconds"),
            **content,
        }
    )
    await connection.execute(SQL["insert_stated"], event_id, kind, at, document)
    entry = stated_entry(event_id=event_id, kind=kind, at=at, document=document)
    await connection.execute(SQL["insert_log_pending"], entry.entry_id, entry.body, at)
    return event_id
