"""The HTTP role by itself: what stops it is one error, not a group of them."""

import asyncio
import socket

import pytest

from api.errors import ListenError
from rightbay.roles import run
from rightbay.settings import load_settings
from storage.migrate import migrate
from storage.pool import open_pool

pytestmark = pytest.mark.integration


async def test_a_taken_port_is_one_error(postgres_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        environment = {
            "RIGHTBAY_DATABASE_URL": postgres_url,
            "RIGHTBAY_API_PORT": str(taken.getsockname()[1]),
        }
        async with open_pool(postgres_url, size_max=1) as pool:
            await migrate(pool)
        with pytest.raises(ListenError, match="RIGHTBAY_API_PORT"):
            await run("api", load_settings(environment), stop=asyncio.Event())
