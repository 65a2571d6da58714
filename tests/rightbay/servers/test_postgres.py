import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from rightbay.errors import StartError
from rightbay.servers import postgres
from rightbay.servers.identity import NOBODY_UID, ServerUser
from rightbay.supervision.processes import find_in_folder
from rightbay.supervision.program import Program, tethered
from rightbay.supervision.restarts import RestartPolicy
from rightbay.supervision.supervisor import Supervisor
from rightbay.supervision.tether import CAP_DAC_READ_SEARCH

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder in a path with a space and a quote, with its cluster made."""
    folder = tmp_path_factory.mktemp("it's a") / "data folder"
    postgres.close_postgres(postgres.open_postgres(folder))
    yield folder
    assert find_in_folder("postgres", folder / "data") == []


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[postgres.Postgres]:
    server = postgres.open_postgres(folder)
    try:
        async with Supervisor(policy=RestartPolicy(first_s=0.05)) as supervisor:
            await supervisor.start(postgres.program(server, log=folder / "log"))
            yield server
    finally:
        postgres.close_postgres(server)


def move(place: Path, elsewhere: Path) -> None:
    place.rename(elsewhere)


async def ask(url: str, question: str) -> object:
    connection = await asyncpg.connect(url, timeout=10)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


async def eventually(url: str, question: str) -> object:
    async with asyncio.timeout(20):
        while True:
            try:
                return await ask(url, question)
            except (OSError, asyncpg.PostgresError):
                await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("server_version_num", "18"),
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("data_checksums", "on"),
        ("listen_addresses", ""),
        ("server_encoding", "UTF8"),
        ("TimeZone", "UTC"),
        ("max_connections", "100"),
    ],
)
async def test_it_is_durable_local_and_the_same_everywhere(
    postgres_url: str, setting: str, value: str
) -> None:
    answer = str(await ask(postgres_url, f"select current_setting('{setting}')"))
    assert answer == value or (setting == "server_version_num" and answer.startswith(value))


async def test_text_sorts_by_code_point_in_every_country(postgres_url: str) -> None:
    assert (
        await ask(
            postgres_url,
            "select string_agg(x, '' order by x) from (values ('ä'), ('a'), ('Z')) t(x)",
        )
        == "Zaä"
    )


async def test_it_works_in_a_path_with_spaces_and_leaves_no_socket(cluster: Path) -> None:
    async with running(cluster) as server:
        assert await ask(server.url, "select current_database()") == "rightbay"
    assert list(server.socket_folder.iterdir()) == []
    assert not (server.data / "postmaster.pid").exists()


async def test_a_path_too_long_for_a_socket_gets_a_short_folder_that_goes_again(
    cluster: Path,
) -> None:
    deep = cluster.with_name("x" * 120)
    move(cluster, deep)
    try:
        async with running(deep) as server:
            assert await ask(server.url, "select 1") == 1
            assert server.socket_folder.stat().st_mode & 0o777 == 0o700
        assert server.socket_folder not in list(server.socket_folder.parent.iterdir())
    finally:
        move(deep, cluster)


async def test_a_path_with_a_comma_is_not_taken_for_two_hosts(cluster: Path) -> None:
    odd = cluster.with_name("a,b")
    move(cluster, odd)
    try:
        async with running(odd) as server:
            assert await ask(server.url, "select 1") == 1
    finally:
        move(odd, cluster)


async def test_what_was_committed_survives_a_killed_server_and_its_restart(cluster: Path) -> None:
    async with running(cluster) as server:
        await ask(server.url, "create table kept as select 7 as x")
        processes = find_in_folder("postgres", server.data)
        assert len(processes) > 1
        postmaster, _ = postgres._status(server.data)
        os.kill(postmaster, signal.SIGKILL)
        assert await eventually(server.url, "select x from kept") == 7
        assert postgres._status(server.data)[0] != postmaster
        await ask(server.url, "drop table kept")


async def test_a_lock_file_with_a_strangers_number_does_not_stop_the_start(cluster: Path) -> None:
    # This very test has the number that the dead server once had.
    lines = [str(os.getpid()), str(cluster / "data"), "1", "5432", "", "", "  1  1", "ready   "]
    (cluster / "data" / "postmaster.pid").write_text("\n".join(lines) + "\n")
    async with running(cluster) as server:
        assert await ask(server.url, "select 1") == 1


def test_an_initialisation_that_was_cut_off_is_begun_anew(tmp_path: Path) -> None:
    unfinished = tmp_path / "data.unfinished"
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("18\n")
    server = postgres.open_postgres(tmp_path)
    assert not unfinished.exists()
    assert (server.data / "global" / "pg_control").exists()


def test_a_failed_initialisation_says_why_and_leaves_no_cluster(tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    server = postgres.Postgres(
        programs=programs, folder=tmp_path, socket_folder=tmp_path, user=None
    )
    (programs / "initdb").write_text("#!/bin/sh\necho 'the disk is full' >&2\nexit 1\n")
    (programs / "initdb").chmod(0o755)
    with pytest.raises(StartError, match="the disk is full"):
        postgres._initialise(server)
    assert not server.data.exists()


def test_only_a_folder_of_ours_is_removed_as_a_stale_socket_folder(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    note = tmp_path / "socket_folder"
    note.write_text(str(precious))
    postgres._remove_noted(note, None)
    assert precious.exists()
    assert not note.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED: dropping root needs root")
def test_it_runs_for_an_ordinary_user_too(short_folder: Path) -> None:
    code = (
        "import asyncio, sys; from pathlib import Path\n"
        "from rightbay.servers import postgres\n"
        "from rightbay.supervision.supervisor import Supervisor\n"
        "async def main(folder):\n"
        "    server = postgres.open_postgres(folder)\n"
        "    async with Supervisor() as supervisor:\n"
        "        await supervisor.start(postgres.program(server, log=folder / 'log'))\n"
        "        print('works', server.user)\n"
        "asyncio.run(main(Path(sys.argv[1])))\n"
    )
    folder = short_folder / "theirs"
    folder.mkdir()
    shutil.chown(folder, NOBODY_UID, NOBODY_UID)
    # This interpreter may lie in a folder closed to others; one capability lets it be read.
    reader = ServerUser(NOBODY_UID, (CAP_DAC_READ_SEARCH,))
    argv = (sys.executable, "-c", code, str(folder))
    result = subprocess.run(
        tethered(Program(name="theirs", argv=argv, user=reader)),
        cwd="/",
        env={"HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.stdout, result.returncode) == ("works None\n", 0), result.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED: folders closed by root need root")
async def test_it_runs_below_a_folder_that_only_root_may_enter(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    async with running(closed / "data folder") as server:
        assert server.user is not None
        assert server.user.capabilities
        assert await ask(server.url, "select 1") == 1
        # The control: without the capability the same folder is out of reach.
        powerless = replace(server, user=replace(server.user, capabilities=()))
        with pytest.raises(StartError):
            postgres._run(powerless, "initdb", ("-D", str(server.folder / "other")))
    assert closed.stat().st_mode & 0o777 == 0o700
