"""docs/self-service.md, done as it says: by curl, on the real server, from nothing to an offer."""

import asyncio
import os
import re
import shutil
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from api.server import serve
from dtc_db.knowledge import Knowledge
from routing.matching.policy import load_policy
from routing.plan import plan
from routing.ports import Refer
from routing.testing import HERE
from storage.directory import PostgresDirectoryStore
from storage.pool import Pool
from storage.testing import claim_one, report

pytestmark = pytest.mark.integration

PAGE = Path(__file__).parents[3] / "docs" / "self-service.md"


def commands() -> str:
    blocks = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    return "\n".join(blocks.findall(PAGE.read_text("utf-8")))


@pytest.fixture
async def address(pool: Pool) -> AsyncIterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    task = asyncio.create_task(serve(pool, host="127.0.0.1", port=port))
    yield f"http://127.0.0.1:{port}"
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def run(script: str, folder: Path, **environment: str) -> str:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    process = await asyncio.create_subprocess_exec(
        "bash",
        "-euo",
        "pipefail",
        "-c",
        f"curl -sf -o health --retry 5 --retry-connrefused $API/healthz\n{script}",
        cwd=folder,
        env={**os.environ, "PATH": path, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


async def offers(pool: Pool, unit: str) -> int:
    """How many are offered the one vehicle that is due."""
    claim = await claim_one(pool, await report(pool, unit, "P0AA6", at=datetime.now(UTC)))
    verdict = plan(
        claim,
        knowledge=Knowledge.load(),
        directory=await PostgresDirectoryStore(pool).fetch_directory(),
        policy=load_policy(),
        at=datetime.now(UTC),
    )
    assert isinstance(verdict, Refer)
    assert verdict.referral is not None
    return verdict.referral.offer_count or 0


async def test_the_page_leads_from_nothing_to_an_offer(
    pool: Pool, address: str, postgres_url: str, tmp_path: Path
) -> None:
    if shutil.which("curl") is None:
        pytest.skip("NOT TESTED: curl is not installed on this machine")
    vehicle_id = await report(pool, "unit-1", at=datetime.now(UTC))
    await pool.execute(
        "update vehicle set lon_deg = $2, lat_deg = $3, powertrain = 'bev' where vehicle_id = $1",
        vehicle_id,
        HERE.lon_deg,
        HERE.lat_deg,
    )
    told = await run(commands(), tmp_path, API=address, RIGHTBAY_DATABASE_URL=postgres_url)
    assert told.splitlines()[-1] == "Garage 001, east"
    assert await offers(pool, "unit-1") == 1
