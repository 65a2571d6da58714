"""`rightbay up` with its real roles, as its users meet it."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from rightbay.settings import Settings
from rightbay.supervision.instance import Instance, find_instance

pytestmark = pytest.mark.chaos

PATIENCE_S = 30.0


@dataclass
class Up:
    data: Path
    process: subprocess.Popen[str]
    addresses: dict[str, str]

    @property
    def instance(self) -> Instance | None:
        return find_instance(Settings(data=self.data))


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    data = tmp_path / "my data"
    process = subprocess.Popen(
        [sys.executable, "-m", "rightbay", "up", "--data", str(data), "--json"],
        env={"PATH": os.environ["PATH"], "RIGHTBAY_LOG_LEVEL": "warning"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.communicate()
    yield Up(data, process, json.loads(line))
    process.kill()
    process.communicate(timeout=PATIENCE_S)


def test_it_prints_where_everything_is_and_it_is_there(up: Up) -> None:
    assert list(up.addresses) == ["api", "broker", "database", "data"]
    with urllib.request.urlopen(up.addresses["api"] + "/healthz", timeout=5) as answer:  # noqa: S310 - our own
        assert answer.status == 200
    assert up.instance is not None
    assert up.instance.api_url == up.addresses["api"]
    assert up.instance.database_url == up.addresses["database"]


def test_it_revives_each_role_and_stops_without_a_trace(up: Up) -> None:
    assert up.instance is not None
    before = dict(up.instance.children)
    assert list(before) == ["postgres", "broker", "gateway", "router", "deliver", "api"]
    for name in ("gateway", "router", "deliver", "api"):
        os.kill(before[name].pid, signal.SIGKILL)
    deadline_s = time.monotonic() + PATIENCE_S
    after = before
    while any(
        after.get(name) in {None, before[name]} for name in ("gateway", "router", "deliver", "api")
    ):
        assert time.monotonic() < deadline_s
        time.sleep(0.05)
        after = dict(up.instance.children)
    up.process.send_signal(signal.SIGTERM)
    out, err = up.process.communicate(timeout=PATIENCE_S)
    assert (up.process.returncode, out) == (0, "")
    assert err.count("program_died") == 4
    assert "Traceback" not in err
    assert not [path for path in up.data.rglob("*") if path.is_socket()]
    assert not any(psutil.pid_exists(process.pid) for process in after.values())
    assert up.instance is None
