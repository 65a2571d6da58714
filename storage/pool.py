"""Connections to PostgreSQL, and which of its errors may be tried again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from storage.errors import DatabaseUnavailableError

CONNECT_TIMEOUT_S = 5.0
COMMAND_TIMEOUT_S = 30.0

# A transaction that met one of these left nothing behind, or its outcome is unknown; every
# transaction here is idempotent, so the answer to both is to try again.
RETRYABLE = (
    OSError,
    TimeoutError,
    asyncio.TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.QueryCanceledError,
)

# asyncpg brings no types of its own; its results become our values in the module that asked.
type Pool = Any
type Connection = Any


def without_password(url: str) -> str:
    """The URL as it may stand in a message: without user, and without its query."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()


@asynccontextmanager
async def open_pool(url: str, *, size_max: int = 4) -> AsyncIterator[Pool]:
    """Open a pool and close it at the end.

    Raises:
        DatabaseUnavailableError: If the server cannot be reached or refuses the login.
    """
    try:
        pool = await asyncpg.create_pool(
            url,
            min_size=1,
            max_size=size_max,
            timeout=CONNECT_TIMEOUT_S,
            command_timeout=COMMAND_TIMEOUT_S,
            server_settings={"application_name": "rightbay", "timezone": "UTC"},
        )
    except (*RETRYABLE, asyncpg.PostgresError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DatabaseUnavailableError(
            f"the database at {without_password(url)} cannot be used: {reason}; "
            "is it running, and is RIGHTBAY_DATABASE_URL right?"
        ) from error
    try:
        yield pool
    finally:
        # A pool waits for its connections; a server that is gone would make it wait for ever.
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await pool.close()
        except (TimeoutError, OSError, asyncpg.InterfaceError):
            pool.terminate()


@asynccontextmanager
async def transaction(pool: Pool) -> AsyncIterator[Connection]:
    """One transaction, committed at the end of the block.

    Raises:
        DatabaseUnavailableError: If the server went away, or said that trying again may help; the
            transaction may or may not have been committed.
    """
    try:
        async with pool.acquire(timeout=CONNECT_TIMEOUT_S) as connection, connection.transaction():
            yield connection
    except RETRYABLE as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DatabaseUnavailableError(f"the database went away or refused: {reason}") from error
