"""The stack as other code uses it: `async with Stack(settings)`."""

import socket
from pathlib import Path

import pytest

from rightbay.errors import PortInUseError, StartError, UnreachableError
from rightbay.settings import PREFIX, LogLevel, Settings
from rightbay.supervision.instance import find_instance
from rightbay.supervision.stack import ROLES, Stack, role_environment

pytestmark = pytest.mark.integration


async def test_servers_that_are_named_are_used_and_nothing_is_embedded(
    tmp_path: Path, postgres_url: str, broker_url: str
) -> None:
    said: list[str] = []
    settings = Settings(data=tmp_path, database_url=postgres_url, broker_url=broker_url)
    async with Stack(settings, say=said.append) as stack:
        assert stack.supervisor.running == ()
        assert stack.settings == settings
        assert len(await stack.migrate()) > 0
        assert await stack.migrate() == ()
        instance = find_instance(settings)
        assert instance is not None
        assert (instance.database_url, instance.broker_url) == (postgres_url, broker_url)
    assert said == ["bringing the schema up to date"] * 2
    assert not (tmp_path / "postgres").exists()


async def test_everything_embedded_starts_every_role_with_logs_of_their_own(
    tmp_path: Path,
) -> None:
    settings = Settings(data=tmp_path / "data", log_level=LogLevel.DEBUG)
    async with Stack(settings, keeps_role_logs=True) as stack:
        await stack.migrate()
        await stack.start_roles()
        names = [name for name, _ in stack.supervisor.running]
        assert names == ["postgres", "broker", *ROLES]
        assert stack.api_url == f"http://127.0.0.1:{stack.settings.api_port}"
        assert all((tmp_path / "data" / "logs" / f"{name}.log").exists() for name in names)
    assert find_instance(settings) is None


async def test_a_named_port_in_use_stops_the_start_of_the_api_alone(
    tmp_path: Path, postgres_url: str, broker_url: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = Settings(
            data=tmp_path,
            database_url=postgres_url,
            broker_url=broker_url,
            api_port=taken.getsockname()[1],
        )
        async with Stack(settings) as stack:
            with pytest.raises(PortInUseError, match="RIGHTBAY_API_PORT"):
                await stack.start_roles(("api",))
            assert stack.supervisor.running == ()


async def test_a_named_broker_that_is_away_leaves_no_database_behind(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", broker_url="mqtt://127.0.0.1:1")
    stack = Stack(settings)
    with pytest.raises(UnreachableError):
        await stack.__aenter__()
    assert stack.supervisor.running == ()
    assert find_instance(settings) is None
    # Where the path is too long for a socket it lies elsewhere, and a note says where.
    assert not (settings.data / "postgres" / "socket_folder").exists()
    assert list(settings.data.rglob(".s.PGSQL.*")) == []


async def test_a_data_folder_in_the_way_of_the_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "postgres").write_text("")
    with pytest.raises(StartError, match=str(tmp_path)):
        await Stack(Settings(data=tmp_path)).__aenter__()


def test_a_role_gets_our_environment_but_only_the_settings_of_now(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, api_port=81)
    environ = {"PATH": "/bin", "RIGHTBAY_API_PORT": "80", "RIGHTBAY_BROKER_URL": "mqtt://old"}
    given = role_environment(environ, settings)
    assert given["PATH"] == "/bin"
    assert {k: v for k, v in given.items() if k.startswith(PREFIX)} == settings.environment()
