"""A running instance for tests: the real command line, in a folder of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from rightbay.errors import StartError
from rightbay.settings import PREFIX, load_settings, variable
from rightbay.supervision.instance import Instance, find_instance

COMMAND_S_MAX = 90.0
STOP_S_MAX = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """An instance and a way to ask it things."""

    environment: dict[str, str]
    instance: Instance

    def command(self, *words: str, fails: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a command against it.

        Raises:
            AssertionError: If it ends with another code than `fails`, or with a traceback.
        """
        done = subprocess.run(  # noqa: S603 - our own command line
            [sys.executable, "-m", "rightbay", *words],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=COMMAND_S_MAX,
            check=False,
        )
        if done.returncode != fails or "Traceback" in done.stderr:
            raise AssertionError(f"exit {done.returncode}: {done.stderr}")
        return done

    def pid(self, name: str) -> int:
        """The process of one of its programs as it is now; another number means it died."""
        now = find_instance(load_settings(self.environment))
        if now is None:
            raise AssertionError("nothing runs any more")
        return dict(now.children)[name].pid

    async def fetch(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        """Ask its database."""
        connection = await asyncpg.connect(self.instance.database_url)
        try:
            return list(await connection.fetch(query, *arguments))
        finally:
            await connection.close()


@contextmanager
def running_instance(folder: Path) -> Iterator[Running]:
    """Start `rightbay up`, and see at the end that it stops in good order.

    Raises:
        StartError: If it did not start; with its log.
    """
    own = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    environment = {**own, variable("data"): str(folder / "data")}
    log = folder / "up.log"
    with (
        log.open("w", encoding="utf-8") as stderr,
        subprocess.Popen(
            [sys.executable, "-m", "rightbay", "up", "--json"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        ) as process,
    ):
        if process.stdout is None or not process.stdout.readline():
            raise StartError(log.read_text(encoding="utf-8"))
        instance = find_instance(load_settings(data=folder / "data"))
        if instance is None:
            raise StartError("it wrote no note of itself")
        try:
            yield Running(environment=environment, instance=instance)
        finally:
            process.terminate()
            code = process.wait(STOP_S_MAX)
    if code != 0:
        raise AssertionError(f"up ended with {code}: {log.read_text(encoding='utf-8')}")
