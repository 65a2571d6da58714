from collections.abc import AsyncIterator

import httpx
import pytest

from api.app import create_app
from storage.migrate import migrate
from storage.pool import Pool, open_pool


@pytest.fixture
async def pool(postgres_url: str) -> AsyncIterator[Pool]:
    async with open_pool(postgres_url) as pool:
        await migrate(pool)
        yield pool


@pytest.fixture
async def client(pool: Pool) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app(pool))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client
