"""What tests of every room share: real servers, and no network for those that need none."""

import asyncio
import shutil
import socket
import tempfile
import threading
import uuid
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import hypothesis
import pytest

from rightbay.servers import broker, postgres
from rightbay.servers.broker import BrokerKind, BrokerProgram
from rightbay.servers.free_ports import choose_port
from rightbay.supervision.program import Program
from rightbay.supervision.supervisor import Supervisor

# A slow machine is no failing example; speed is measured elsewhere.
hypothesis.settings.register_profile(
    "house", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("house")

NETWORK_MARKERS = ("integration", "chaos")


@pytest.fixture(autouse=True)
def _no_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse network sockets to every test that is not marked as needing them."""
    if any(request.node.get_closest_marker(name) for name in NETWORK_MARKERS):
        return

    def guard(name: str) -> Callable[..., object]:
        original = getattr(socket.socket, name)

        def guarded(self: socket.socket, *arguments: object) -> object:
            if self.family in (socket.AF_INET, socket.AF_INET6):
                raise RuntimeError("a unit test opens a network socket: mark it as integration")
            return original(self, *arguments)

        return guarded

    for name in ("connect", "connect_ex", "bind", "sendto"):
        monkeypatch.setattr(socket.socket, name, guard(name))


class ServerThread:
    """A supervisor on an event loop of its own, so that it works while tests use theirs.

    The thread lives as long as the session: the kernel counts a parent's death by thread.
    """

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="servers")
        self._thread.start()
        self._supervisor = Supervisor()

    def run[T](self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def start(self, program: Program) -> None:
        self.run(self._supervisor.start(program))

    def close(self) -> None:
        self.run(self._supervisor.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest.fixture(scope="session")
def servers() -> Iterator[ServerThread]:
    thread = ServerThread()
    try:
        yield thread
    finally:
        thread.close()


@pytest.fixture(scope="session")
def postgres_server(
    servers: ServerThread, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[postgres.Postgres]:
    """The one embedded PostgreSQL of this session."""
    folder = tmp_path_factory.mktemp("postgres")
    server = postgres.open_postgres(folder)
    servers.start(postgres.program(server, log=folder / "log"))
    yield server
    postgres.close_postgres(server)


@pytest.fixture
def postgres_url(servers: ServerThread, postgres_server: postgres.Postgres) -> Iterator[str]:
    """The address of an empty database that this test has to itself."""
    with fresh_database(servers, postgres_server.url) as url:
        yield url


@contextmanager
def fresh_database(servers: ServerThread, url: str) -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex}"

    async def execute(statement: str) -> None:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    servers.run(execute(f"create database {name}"))
    try:
        yield url.replace("@/rightbay?", f"@/{name}?")
    finally:
        servers.run(execute(f"drop database {name} with (force)"))


@pytest.fixture(scope="session", params=list(BrokerKind))
def broker_program(request: pytest.FixtureRequest) -> BrokerProgram:
    """Each broker that can be embedded, one after the other."""
    for found in broker.find_brokers():
        if found.kind is request.param:
            return found
    pytest.skip(f"NOT TESTED: {request.param} is not installed on this machine")


@pytest.fixture(scope="session")
def broker_url(
    servers: ServerThread,
    broker_program: BrokerProgram,
    tmp_path_factory: pytest.TempPathFactory,
) -> str:
    """The address of a real broker; tests share it, so each takes its own ``topic_prefix``."""
    folder = tmp_path_factory.mktemp(broker_program.kind)
    port = choose_port(broker.HOST, wanted=None, usual=0, variable="none")
    with pytest.MonkeyPatch.context() as patch:
        # What nats-server sends again comes soon enough to wait for it.
        patch.setattr(broker, "ACK_WAIT_S", 2)
        program = broker.program(broker_program, folder, port=port, log=folder / "log")
    servers.start(program)
    return broker.broker_url(port)


@pytest.fixture
def topic_prefix() -> str:
    """MQTT topic levels that no other test uses."""
    return f"test/{uuid.uuid4().hex}"


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """An empty folder with a short path, open to every user, for servers that change theirs."""

    folder = Path(tempfile.mkdtemp(prefix="rb"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)
