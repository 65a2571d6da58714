"""The HTTP role: an application on a socket of this machine.

There are no callers with names yet: whoever reaches the socket may read everything. So it answers
under the loopback names only, whatever address it listens on.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Iterator
from pathlib import Path

import uvicorn

from api.app import LOOPBACK, create_app
from api.errors import ListenError
from routing.ports import TravelTimes
from storage.pool import Pool

# Beyond these, a caller is told 503 at once instead of waiting in a line that only grows.
CONNECTIONS_MAX = 200
KEEPALIVE_S = 5
SHUTDOWN_S = 3
BACKLOG_CONNECTIONS_MAX = 128

log = logging.getLogger("rightbay.api")


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to whoever runs the role."""
        yield


async def serve(
    pool: Pool,
    *,
    host: str,
    port: int,
    travel: TravelTimes | None = None,
    trust: Path | None = None,
) -> None:
    """Serve until cancelled.

    Args:
        pool: Of the database.
        host: Address to listen on.
        port: Likewise.
        travel: An engine that knows roads; None for straight lines.
        trust: Folder that says whose signatures on credentials count.

    Raises:
        ListenError: If the address cannot be listened on.
    """
    if host not in LOOPBACK:
        log.warning("api_is_open", extra={"host": host, "see": "docs/http.md"})
    with _listen(host, port) as listener:
        server = _Server(
            uvicorn.Config(
                create_app(pool, travel=travel, trust=trust),
                lifespan="off",
                log_config=None,
                # Paths and queries name vehicles and units.
                access_log=False,
                server_header=False,
                proxy_headers=False,
                limit_concurrency=CONNECTIONS_MAX,
                timeout_keep_alive=KEEPALIVE_S,
                timeout_graceful_shutdown=SHUTDOWN_S,
            )
        )
        task = asyncio.create_task(server.serve(sockets=[listener]), name="http")
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            server.should_exit = True
            await task
            raise


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG_CONNECTIONS_MAX)
    except OSError as error:
        raise ListenError(
            f"cannot listen on {host} port {port}: {error.strerror or error}; "
            "free it, or choose others by RIGHTBAY_API_HOST and RIGHTBAY_API_PORT"
        ) from error
