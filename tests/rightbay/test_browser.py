"""The page of the HTTP interface, as a real browser draws it without a network."""

import re
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from rightbay.testing import Running

pytestmark = pytest.mark.integration

# Without these it asks its maker's servers for updates and experiments.
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--virtual-time-budget=8000",
)


def drawn(url: str, profile: Path) -> str:
    """The document after its scripts have run."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        pytest.skip("NOT TESTED: chromium is not installed on this machine")
    done = subprocess.run(
        [browser, *QUIET, f"--user-data-dir={profile}", "--dump-dom", url],
        capture_output=True,
        text=True,
        timeout=90,
        check=True,
    )
    return done.stdout


def test_every_operation_is_drawn(running: Running, tmp_path: Path) -> None:
    url = running.instance.api_url
    assert url is not None
    described = httpx.get(f"{url}/v1/openapi.json", trust_env=False).json()["paths"]
    page = drawn(f"{url}/docs", tmp_path)
    shown = set(re.findall(r'data-path="([^"]+)"', page))
    assert len(described) > 8
    assert shown == set(described)
