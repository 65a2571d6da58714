import json
import socket
import subprocess
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path

import pytest


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for_port(port: int) -> None:
    deadline_s = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline_s:
                raise
            time.sleep(0.02)
        else:
            return


@pytest.fixture(scope="module")
def broker_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real broker with durable sessions, for as long as a module's tests run."""
    folder = tmp_path_factory.mktemp("broker")
    port = free_port()
    config = {
        "server_name": "simulators",
        "listen": "127.0.0.1:-1",
        "jetstream": {"store_dir": str(folder / "store")},
        "mqtt": {"listen": f"127.0.0.1:{port}"},
    }
    (folder / "nats.conf").write_text(json.dumps(config))
    program = Path(sysconfig.get_path("scripts")) / "nats-server"
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen([program, "-c", folder / "nats.conf"], stdout=log, stderr=log) as server,
    ):
        try:
            wait_for_port(port)
            yield f"mqtt://127.0.0.1:{port}"
        finally:
            server.terminate()
