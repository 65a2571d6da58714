"""Connections to PostgreSQL, and which of its errors may be tried again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from storage.errors import DatabaseUnavailableError

CONNECT_TIMEOUT_S = 5.0
# After a crash it replays its log first, and says so.
STARTING_S_MAX, STARTING_POLL_S = 15.0, 0.1
COMMAND_TIMEOUT_S = 30.0
# A transaction that met one of these left nothing behind, or its outcome is unknown; every
# transaction here is idempotent, so the answer to both is to try again.
RETRYABLE = (
    OSError,
    TimeoutError,
    asyncio.TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what a connection says that was given up amid a command
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.QueryCanceledError,
    asyncpg.IdleInTransactionSessionTimeoutError,
)

# A statement is planned when it is first used, perhaps on empty tables, of which the planner would
# read the whole; and that plan stays until the tables are analysed, however they grow meanwhile.
BY_KEY = {"enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off"}

# asyncpg brings no types of its own; its results become our values in the module that asked.
type Pool = Any
type Connection = Any


def without_password(url: str) -> str:
    """The URL as it may stand in a message: without user, and without its query."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()


@asynccontextmanager
async def open_pool(
    url: str,
    *,
    size_max: int = 4,
    command_timeout_s: float = COMMAND_TIMEOUT_S,
    is_by_key: bool = False,
) -> AsyncIterator[Pool]:
    """Open a pool and close it at the end.

    Args:
        url: Of the database.
        size_max: Connections.
        command_timeout_s: How long to wait for an answer. A server that hears nothing for as long
            within a transaction gives that up, with the locks that it holds.
        is_by_key: Whether everything is looked up by its key, a few rows of whatever there is, and
            is to be planned so even before anybody knows that there is much.

    Raises:
        DatabaseUnavailableError: If the server cannot be reached or refuses the login.
    """
    try:
        settings = _server_settings(command_timeout_s) | (BY_KEY if is_by_key else {})
        pool = await _create_pool(url, size_max, command_timeout_s, settings)
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


async def _create_pool(
    url: str, size_max: int, command_timeout_s: float, server_settings: dict[str, str]
) -> Pool:
    """Connect; a server that says that it is starting is waited for, one that is away is not."""
    loop = asyncio.get_running_loop()
    deadline_s = loop.time() + STARTING_S_MAX
    while True:
        try:
            return await asyncpg.create_pool(
                url,
                min_size=1,
                max_size=size_max,
                timeout=CONNECT_TIMEOUT_S,
                command_timeout=command_timeout_s,
                server_settings=server_settings,
                reset=_keep_as_it_is,
            )
        except asyncpg.CannotConnectNowError:
            if loop.time() > deadline_s:
                raise
        await asyncio.sleep(STARTING_POLL_S)


def _server_settings(command_timeout_s: float) -> dict[str, str]:
    silence = f"{command_timeout_s:g}s"
    return {
        "application_name": "rightbay",
        "timezone": "UTC",
        "idle_in_transaction_session_timeout": silence,
        # On a Unix socket these are passed over.
        "tcp_keepalives_idle": "5",
        "tcp_keepalives_interval": "2",
        "tcp_keepalives_count": "2",
        "tcp_user_timeout": silence,
    }


@asynccontextmanager
async def session(pool: Pool) -> AsyncIterator[Connection]:
    """A connection on which each statement is a transaction.

    Raises:
        DatabaseUnavailableError: If the server went away, or said that trying again may help; the
            last statement may or may not have been committed.
    """
    try:
        async with (
            pool.acquire(timeout=CONNECT_TIMEOUT_S) as connection,
            _dropped_if_deaf(pool, connection),
        ):
            yield connection
    except RETRYABLE as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DatabaseUnavailableError(f"the database went away or refused: {reason}") from error


@asynccontextmanager
async def transaction(pool: Pool) -> AsyncIterator[Connection]:
    """One transaction, committed at the end of the block.

    Raises:
        DatabaseUnavailableError: If the server went away, or said that trying again may help; the
            transaction may or may not have been committed.
    """
    async with (
        session(pool) as connection,  # which is dropped if it is deaf in BEGIN and COMMIT
        connection.transaction(),
        _dropped_if_deaf(pool, connection),  # before ROLLBACK, which would wait once more
    ):
        yield connection


async def _keep_as_it_is(_: Connection) -> None:
    """Save the question that would reset it: nothing here outlives its transaction."""


@asynccontextmanager
async def _dropped_if_deaf(pool: Pool, connection: Connection) -> AsyncIterator[None]:
    """End a connection that does not answer, and ask none of those opened before it again."""
    try:
        yield
    except TimeoutError:
        connection.terminate()
        await pool.expire_connections()
        raise
