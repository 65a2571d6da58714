"""Everything that one data folder runs: the servers, embedded or named, and the roles on top.

    async with Stack(settings) as stack:    # PostgreSQL and a broker answer
        await stack.migrate()               # the schema is up to date
        await stack.start_roles()           # every role does its work

The end of the block stops all of it in reverse order and leaves no process and no socket behind.
"""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Self

from rightbay.errors import StartError
from rightbay.servers import broker, postgres
from rightbay.servers.free_ports import choose_port
from rightbay.servers.mqtt_probe import check_broker
from rightbay.settings import PREFIX, Settings, variable
from rightbay.supervision import instance
from rightbay.supervision.processes import listens
from rightbay.supervision.program import Program
from rightbay.supervision.supervisor import Supervisor
from storage.migrate import migrate
from storage.pool import open_pool

ROLES = ("gateway", "router", "deliver", "api")
API_USUAL_PORT = 8080
PORT_ATTEMPTS_MAX = 3


class Stack:
    """The parts of one instance.

    Attributes:
        settings: As given, with the addresses and ports that were found; what a child needs is
            ``settings.environment()``.
        supervisor: Runs the parts; further programs may be started on it.
        api_url: Where the HTTP service answers; None before it was started.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        keeps_role_logs: bool = False,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Prepare; nothing is started.

        Args:
            settings: Which servers are named, and where the embedded ones live.
            keeps_role_logs: The roles' logs go to files beside the servers', not to our stderr.
            say: Told what is done next, for people who wait.
        """
        self.settings = settings
        self.supervisor = Supervisor(on_change=self._write_note)
        self._keeps_role_logs = keeps_role_logs
        self._say = say
        self.api_url: str | None = None
        self._exits = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Start, or find, the servers.

        Raises:
            AlreadyRunningError: The data folder has an instance.
            PortInUseError: A port that the settings name is taken.
            StartError: A server did not come up; nothing is left of the others.
            UnreachableError: The broker that the settings name does not serve us.
        """
        async with AsyncExitStack() as exits:
            exits.enter_context(instance.own(self.settings.data))
            await exits.enter_async_context(self.supervisor)
            try:
                await self._start_database(exits)
                await self._start_broker()
            except OSError as error:
                raise StartError(
                    f"cannot write to {self.settings.data}: {error.strerror}"
                ) from error
            self._write_note()
            self._exits = exits.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._exits.aclose()

    async def migrate(self) -> tuple[str, ...]:
        """Bring the schema up to date.

        Returns:
            Names of the migrations that were applied now.

        Raises:
            StorageError: The database is away, refuses us, or holds another schema.
        """
        self._say("bringing the schema up to date")
        async with open_pool(instance.database_url(self.settings), size_max=1) as pool:
            return await migrate(pool)

    async def start_roles(self, roles: Sequence[str] = ROLES) -> None:
        """Start the roles, one after the other, and return when all do their work.

        Raises:
            PortInUseError: The port that the settings name for the HTTP service is taken.
            StartError: A role did not come up.
        """
        for role in roles:
            self._say(f"starting the {role}")
            if role == "api":
                await self._start_api()
            else:
                await self.supervisor.start(self._role(role))

    async def _start_database(self, exits: AsyncExitStack) -> None:
        if self.settings.database_url is not None:
            return
        self._say("starting PostgreSQL")
        server = postgres.open_postgres(self.settings.data / "postgres")
        exits.push_async_callback(self._close_postgres, server)
        await self.supervisor.start(postgres.program(server, log=self._log("postgres")))
        self.settings = replace(self.settings, database_url=server.url)

    async def _close_postgres(self, server: postgres.Postgres) -> None:
        await self.supervisor.stop()
        postgres.close_postgres(server)

    async def _start_broker(self) -> None:
        if self.settings.broker_url is not None:
            await check_broker(self.settings.broker_url)
            return
        chosen = broker.choose_broker()
        self._say(f"starting {chosen.kind}")

        def program(port: int) -> Program:
            folder = self.settings.data / "broker"
            return broker.program(chosen, folder, port=port, log=self._log("broker"))

        port = await self._start_on_port(
            program, broker.HOST, self.settings.broker_port, broker.USUAL_PORT, "broker_port"
        )
        self.settings = replace(self.settings, broker_url=broker.broker_url(port), broker_port=port)

    async def _start_api(self) -> None:
        host = self.settings.api_host

        def program(port: int) -> Program:
            async def is_ready(pid: int) -> bool:
                return listens(pid, port)

            settings = replace(self.settings, api_port=port)
            return replace(self._role("api", settings), is_ready=is_ready)

        port = await self._start_on_port(
            program, host, self.settings.api_port, API_USUAL_PORT, "api_port"
        )
        self.settings = replace(self.settings, api_port=port)
        shown = f"[{host}]" if ":" in host else host
        self.api_url = f"http://{shown}:{port}"
        self._write_note()

    async def _start_on_port(
        self,
        program: Callable[[int], Program],
        host: str,
        wanted: int | None,
        usual: int,
        setting: str,
    ) -> int:
        """Start a program on a port; try another one if a neighbour was quicker, unless named."""
        attempt = 1
        while True:
            port = choose_port(host, wanted=wanted, usual=usual, variable=variable(setting))
            try:
                await self.supervisor.start(program(port))
            except StartError:
                if wanted is not None or attempt == PORT_ATTEMPTS_MAX:
                    raise
                attempt += 1
            else:
                return port

    def _role(self, role: str, settings: Settings | None = None) -> Program:
        return Program(
            name=role,
            argv=(sys.executable, "-m", "rightbay", role, "--stop-at-eof"),
            env=role_environment(os.environ, settings or self.settings),
            says_ready=True,
            stdin_eof_stops=True,
            log=self._log(role) if self._keeps_role_logs else None,
        )

    def _log(self, name: str) -> Path:
        folder = self.settings.data / "logs"
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder / f"{name}.log"

    def _write_note(self) -> None:
        settings = self.settings
        if settings.database_url is None or settings.broker_url is None:
            return  # nobody can use it yet
        instance.write_note(
            settings.data,
            instance.Instance(
                supervisor=instance.this_process(),
                database_url=settings.database_url,
                broker_url=settings.broker_url,
                api_url=self.api_url,
                children=self.supervisor.running,
            ),
        )


def role_environment(environ: Mapping[str, str], settings: Settings) -> dict[str, str]:
    """Give a role our environment with these settings instead of those we were started with."""
    others = {name: value for name, value in environ.items() if not name.startswith(PREFIX)}
    return {**others, **settings.environment()}
