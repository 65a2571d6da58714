"""Whole instances as processes of their own: started, killed in every way, and started again."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from rightbay.servers.identity import NOBODY_UID, ServerUser
from rightbay.settings import Settings
from rightbay.supervision.instance import NOTE, Instance, find_instance
from rightbay.supervision.program import Program, tethered
from rightbay.supervision.tether import CAP_DAC_READ_SEARCH

pytestmark = pytest.mark.chaos

PATIENCE_S = 20.0

# The real servers with one stand-in for the roles; it counts its starts in the database.
INSTANCE = """
import asyncio, sys
import asyncpg
from rightbay.supervision.program import Program
from rightbay.settings import load_settings
from rightbay.supervision.stack import Stack
from rightbay.supervision.stopping import stop_event

ROLE = "import sys; print('ready', flush=True); sys.stdin.read()"

async def main():
    async with stop_event(at_parents_death=True) as stop, Stack(load_settings()) as stack:
        connection = await asyncpg.connect(stack.settings.database_url)
        await connection.execute("create table if not exists start (at timestamptz)")
        await connection.execute("insert into start values (now())")
        count = await connection.fetchval("select count(*) from start")
        await connection.close()
        argv = (sys.executable, "-I", "-S", "-c", ROLE, str(stack.settings.data))
        await stack.supervisor.start(
            Program(name="role", argv=argv, says_ready=True, stdin_eof_stops=True))
        print("up", count, flush=True)
        await stop.wait()

asyncio.run(main())
"""
PARENT = "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:]))"


def processes_of(data: Path) -> list[psutil.Process]:
    """Everything that lives for this data folder, by its arguments or the folder it works in."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.status() == psutil.STATUS_ZOMBIE or process.pid == os.getpid():
                continue
            if str(data) in " ".join(process.cmdline()) or process.cwd().startswith(str(data)):
                found.append(process)
    return found


def eventually(claim: Callable[[], bool]) -> bool:
    deadline_s = time.monotonic() + PATIENCE_S
    while not claim():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.02)
    return True


@dataclass
class Running:
    """One instance, and how to begin it."""

    data: Path
    prefix: tuple[str, ...] = ()
    environ: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[str] | None = None

    def begin(self) -> None:
        self.process = subprocess.Popen(
            [*self.prefix, sys.executable, "-c", INSTANCE],
            env={"PATH": os.environ["PATH"], "RIGHTBAY_DATA": str(self.data), **self.environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd="/",
        )

    def wait_until_up(self) -> int:
        """Return how often this data folder was started."""
        assert self.process is not None
        assert self.process.stdout is not None
        words = self.process.stdout.readline().split()
        assert words[:1] == ["up"], self.end()
        return int(words[1])

    def start(self) -> int:
        self.begin()
        return self.wait_until_up()

    def end(self) -> tuple[int, str]:
        assert self.process is not None
        _, errors = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, errors

    @property
    def instance(self) -> Instance:
        found = find_instance(Settings(data=self.data))
        assert found is not None
        return found

    def is_gone(self) -> bool:
        return eventually(lambda: not processes_of(self.data))

    def left_sockets(self) -> list[Path]:
        return [path for path in self.data.rglob("*") if path.is_socket()]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path / "data folder")
    yield running
    for process in processes_of(running.data):
        with contextlib.suppress(psutil.Error):
            process.kill()
    if running.process is not None:
        running.process.kill()
        running.process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything_in_good_order(running: Running, number: signal.Signals) -> None:
    running.start()
    assert [name for name, _ in running.instance.children] == ["postgres", "broker", "role"]
    assert running.process is not None
    running.process.send_signal(number)
    assert running.end()[0] == 0
    assert processes_of(running.data) == []
    assert running.left_sockets() == []
    assert not (running.data / NOTE).exists()


def test_the_death_of_the_parent_stops_everything(running: Running) -> None:
    running.prefix = (sys.executable, "-c", PARENT)
    running.start()
    assert running.process is not None
    running.process.kill()
    assert running.is_gone()
    assert running.left_sockets() == []
    assert not (running.data / NOTE).exists()


def test_who_is_started_by_nohup_outlives_its_parent(running: Running) -> None:
    nohup = shutil.which("nohup")
    if nohup is None:
        pytest.skip("NOT TESTED: nohup is not installed")
    running.prefix = (sys.executable, "-c", PARENT, nohup)
    running.start()
    assert running.process is not None
    supervisor = running.instance.supervisor.pid
    running.process.kill()
    time.sleep(0.5)
    assert running.instance.supervisor.pid == supervisor
    os.kill(supervisor, signal.SIGTERM)
    assert running.is_gone()


def test_a_killed_supervisor_takes_everything_with_it_and_starts_again(running: Running) -> None:
    running.start()
    assert running.process is not None
    running.process.kill()
    running.end()
    # The next start does not wait for the last one's remains: it ends what is still there.
    assert running.start() == 2
    assert {name for name, _ in running.instance.children} == {"postgres", "broker", "role"}
    running.process.kill()
    assert running.is_gone()
    assert find_instance(Settings(data=running.data)) is None


def test_a_whole_tree_that_was_killed_starts_again_with_its_data(running: Running) -> None:
    for count in (1, 2, 3):
        assert running.start() == count
        victims = processes_of(running.data)
        assert len(victims) > 4
        for victim in (*victims, running.process):
            assert victim is not None
            with contextlib.suppress(psutil.NoSuchProcess):
                victim.kill()
        running.end()
        assert running.is_gone()


def test_each_killed_program_comes_back(running: Running) -> None:
    running.start()
    for name in ("role", "broker", "postgres"):
        before = dict(running.instance.children)
        os.kill(before[name].pid, signal.SIGKILL)
        assert eventually(
            lambda name=name, before=before: (  # type: ignore[misc]  # mypy infers no default here
                dict(running.instance.children).get(name, before[name]) != before[name]
            )
        )


def test_two_instances_begin_at_the_same_time_side_by_side(tmp_path: Path) -> None:
    pair = [Running(tmp_path / name) for name in ("one", "two")]
    try:
        for running in pair:
            running.begin()
        assert [running.wait_until_up() for running in pair] == [1, 1]
        assert len({running.instance.broker_url for running in pair}) == 2
        assert len({running.instance.database_url for running in pair}) == 2
    finally:
        for running in pair:
            assert running.process is not None
            running.process.terminate()
            running.end()
    assert all(running.is_gone() for running in pair)


def test_a_second_start_in_the_same_folder_is_refused_and_harms_nothing(running: Running) -> None:
    running.start()
    second = Running(running.data)
    second.begin()
    code, errors = second.end()
    assert code == 1
    assert "AlreadyRunningError" in errors
    assert running.instance.children
    assert len(processes_of(running.data)) > 4


@pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED: dropping root needs root")
def test_an_ordinary_user_starts_is_killed_and_starts_again(short_folder: Path) -> None:
    data = short_folder / "data"
    data.mkdir()
    shutil.chown(data, NOBODY_UID, NOBODY_UID)
    # This interpreter may lie in a folder closed to others; one capability lets it be read.
    reader = ServerUser(NOBODY_UID, (CAP_DAC_READ_SEARCH,))
    prefix = tuple(tethered(Program(name="theirs", argv=(), user=reader)))
    running = Running(data, prefix)
    for count in (1, 2):
        assert running.start() == count
        assert {process.uids().real for process in processes_of(data)} == {NOBODY_UID}
        assert running.process is not None
        running.process.kill()
        running.end()
    assert running.is_gone()


def test_the_note_is_json_that_other_programs_can_read(running: Running) -> None:
    running.start()
    note = json.loads((running.data / NOTE).read_text())
    assert note["broker_url"].startswith("mqtt://127.0.0.1:")
    assert note["supervisor"]["pid"] == (running.process and running.process.pid)
