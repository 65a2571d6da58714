"""Files and register reach the readers; what fails leaves them as they were, and says so once."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from gateway.errors import StoreUnavailableError
from gateway.signals.folder import LIST, SETTLE_S, SignalFolder
from gateway.signals.keeping import REGISTER_S, Keeper
from gateway.vehicles import Kind, Vehicles

RULE = '[[bus]]\nmake = "Example"\nconversion = 1\n'


class InMemoryRegister:
    def __init__(self) -> None:
        self.kinds: dict[str, Kind] = {}
        self.asked: list[Sequence[str]] = []
        self.is_away = False

    async def kinds_of(self, makes: Sequence[str]) -> Mapping[str, Kind]:
        self.asked.append(makes)
        if self.is_away:
            raise StoreUnavailableError("away")
        return dict(self.kinds)


def keeper(folder: Path) -> tuple[Keeper, Vehicles, InMemoryRegister]:
    vehicles, register = Vehicles(), InMemoryRegister()
    return Keeper(vehicles, SignalFolder(folder), register), vehicles, register


async def test_a_vehicle_that_is_registered_meanwhile_is_read_as_its_make_asks(
    tmp_path: Path,
) -> None:
    (tmp_path / LIST).write_text(RULE)
    found, vehicles, register = keeper(tmp_path)
    await found.look(now_s=0.0)
    assert vehicles.settings_of("u").conversion is None
    register.kinds["u"] = Kind("Example", "One")
    await found.look(now_s=REGISTER_S - 1)
    assert vehicles.settings_of("u").conversion is None
    await found.look(now_s=REGISTER_S)
    assert vehicles.settings_of("u").conversion == 1
    assert register.asked == [("example",), ("example",)]


async def test_nobody_is_asked_where_no_make_is(tmp_path: Path) -> None:
    (tmp_path / LIST).write_text("[[bus]]\nconversion = 1\n")
    found, vehicles, register = keeper(tmp_path)
    await found.look(now_s=0.0)
    assert vehicles.settings_of("u").conversion == 1
    assert register.asked == []


async def test_a_register_that_is_away_is_asked_again_and_a_list_that_is_broken_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / LIST).write_text(RULE)
    found, vehicles, register = keeper(tmp_path)
    register.kinds["u"], register.is_away = Kind("Example", None), True
    await found.look(now_s=0.0)
    assert caplog.messages == ["register_unread"]
    register.is_away = False
    await found.look(now_s=1.0)
    assert vehicles.settings_of("u").conversion == 1
    (tmp_path / LIST).write_text(RULE + "broken")
    caplog.clear()
    for at in range(10):
        await found.look(now_s=2.0 + at * SETTLE_S)
    assert caplog.messages == ["signals_refused"]
    assert vehicles.settings_of("u").conversion == 1
