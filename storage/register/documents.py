"""Documents that are to prove something, by digest, within bounds, and not for ever."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from routing.errors import NotNowError
from routing.register.model import State
from storage.pool import Pool, transaction
from storage.register.rows import SQL, lock_business

DOCUMENTS_MAX, DOCUMENTS_UNREVIEWED_MAX = 50, 3


@dataclass(frozen=True, slots=True)
class Document:
    """A document as it came."""

    media_type: str
    content: bytes = field(repr=False)


async def keep_document(
    pool: Pool, *, business_id: UUID, media_type: str, content: bytes, at: datetime
) -> str:
    """Keep a document; the same again is the same.

    Returns:
        Its SHA-256 in hexadecimal.

    Raises:
        NotNowError: If it is empty, or too many are kept already.
    """
    if not content:
        raise NotNowError("the document is empty")
    digest = hashlib.sha256(content).hexdigest()
    async with transaction(pool) as connection:
        state = await lock_business(connection, business_id)
        count_max = DOCUMENTS_MAX if state is State.ACCEPTED else DOCUMENTS_UNREVIEWED_MAX
        if await connection.fetchval(SQL["has_document"], business_id, digest):
            return digest
        if await connection.fetchval(SQL["count_documents"], business_id) >= count_max:
            raise NotNowError(f"{count_max} documents are kept already; they go with time")
        await connection.execute(
            SQL["insert_document"], business_id, digest, media_type, content, at
        )
    return digest


async def find_document(pool: Pool, business_id: UUID, digest: str) -> Document | None:
    """A document of this business; None if it is not there, or no longer."""
    async with transaction(pool) as connection:
        row = await connection.fetchrow(SQL["select_document"], business_id, digest)
    return None if row is None else Document(row["media_type"], row["content"])
