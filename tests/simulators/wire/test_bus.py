from collections import deque
from pathlib import Path

import can
import pytest

from simulators.errors import SettingsError
from simulators.model import Frame
from simulators.vehicle import Vehicle
from simulators.wire.bus import BURST_FRAMES_MAX, IDLE_S_MAX, BusSettings, Pump, is_isolated
from simulators.wire.poller import Poller
from simulators.world.catalogue import load_catalogue


class NotedBus(can.BusABC):
    """A bus that notes for how long it was waited for, and lets that time pass."""

    def __init__(self) -> None:
        super().__init__(channel="noted")
        self.now_s = 0.0
        self.waits_s: list[float] = []
        self.waiting: deque[can.Message] = deque()

    def recv(self, timeout: float | None = None) -> can.Message | None:
        if self.waiting:
            return self.waiting.popleft()
        assert timeout is not None
        self.waits_s.append(timeout)
        self.now_s += timeout
        return None

    def send(self, msg: can.Message, timeout: float | None = None) -> None:  # noqa: ARG002
        self.waiting.append(msg)


class Ear:
    """A node that hears and never has anything to do."""

    deadline_s = None

    def __init__(self) -> None:
        self.heard: list[Frame] = []
        self.ticks = 0

    def receive(self, frame: Frame, *, now_s: float) -> None:  # noqa: ARG002
        self.heard.append(frame)

    def tick(self, *, now_s: float) -> None:  # noqa: ARG002
        self.ticks += 1


@pytest.fixture
def bus() -> NotedBus:
    made = NotedBus()
    made.shutdown()  # nothing to shut down later
    return made


def pump(bus: NotedBus) -> Pump:
    return Pump(bus, clock=lambda: bus.now_s)


def test_a_quiet_bus_is_waited_for_and_not_asked_again_and_again(bus: NotedBus) -> None:
    car, made = load_catalogue().kinds["petrol"], pump(bus)
    poller = Poller(car, made.send, period_s=2, first_s=2)
    made.attach((*Vehicle(car, vin="").nodes(made.send), poller))
    turns = 0
    while bus.now_s < 60:
        made.turn(idle_s_max=IDLE_S_MAX)
        turns += 1
    polls, turns_of_a_poll = 60 / 2, 30
    assert turns < 60 / IDLE_S_MAX + polls * turns_of_a_poll
    assert sum(wait_s == 0 for wait_s in bus.waits_s) < polls * turns_of_a_poll


def test_a_truck_wakes_for_its_broadcasts_only(bus: NotedBus) -> None:
    car, made = load_catalogue().kinds["truck"], pump(bus)
    made.attach(Vehicle(car, vin="").nodes(made.send))
    turns = 0
    while bus.now_s < 60:
        made.turn(idle_s_max=10)
        turns += 1
    assert turns < 4 * 60


def test_a_flood_does_not_keep_deadlines_waiting(bus: NotedBus) -> None:
    ear, made = Ear(), pump(bus)
    made.attach([ear])
    for _ in range(2 * BURST_FRAMES_MAX):
        bus.waiting.append(can.Message(arbitration_id=1, is_extended_id=False))
    made.turn(idle_s_max=1)
    assert len(ear.heard) == BURST_FRAMES_MAX
    assert ear.ticks == 1


@pytest.mark.parametrize(
    "message",
    [
        can.Message(is_error_frame=True),
        can.Message(is_remote_frame=True),
        can.Message(is_fd=True, data=bytes(12)),
    ],
)
def test_what_is_no_classical_data_frame_is_not_delivered(
    bus: NotedBus, message: can.Message
) -> None:
    ear, made = Ear(), pump(bus)
    made.attach([ear])
    bus.waiting.append(message)
    made.turn(idle_s_max=1)
    assert ear.heard == []


def test_a_stopped_pump_returns(bus: NotedBus) -> None:
    made = pump(bus)
    made.attach([Ear()])
    made.stop()
    made.run()
    assert bus.waits_s == []


@pytest.mark.parametrize("channel", ["{unit}", "vcan{number}", "{number}-{unit}"])
def test_vehicles_have_channels_of_their_own(channel: str) -> None:
    assert BusSettings(channel=channel, is_shared=True).channel == channel


@pytest.mark.parametrize("channel", ["vcan0", "{vehicle}", "{", "{0}"])
def test_a_channel_for_all_vehicles_is_refused(channel: str) -> None:
    with pytest.raises(SettingsError, match="each vehicle has its own bus"):
        BusSettings(channel=channel, is_shared=True)


def test_one_vehicle_may_have_any_channel() -> None:
    assert BusSettings("socketcan", "can0").channel == "can0"


@pytest.mark.parametrize(("ours", "first"), [("net:[1]", "net:[1]"), ("net:[1]", None), (None, "")])
def test_a_bus_that_leaves_the_machine_is_refused_outside_a_namespace_of_its_own(
    tmp_path: Path, ours: str | None, first: str | None
) -> None:
    proc = namespaces(tmp_path, ours, first)
    assert not is_isolated(proc)


def test_a_namespace_of_its_own_is_recognised(tmp_path: Path) -> None:
    assert is_isolated(namespaces(tmp_path, "net:[2]", "net:[1]"))


def test_multicast_is_refused_on_this_machine() -> None:
    with pytest.raises(SettingsError, match="network namespace"):
        BusSettings("udp_multicast", "239.0.0.1").open(unit="u", number=1)


def namespaces(proc: Path, ours: str | None, first: str | None) -> Path:
    """A /proc with these network namespaces; None where the kernel does not tell."""
    for process, name in (("self", ours), ("1", first)):
        folder = proc / process / "ns"
        folder.mkdir(parents=True)
        if name:
            (folder / "net").symlink_to(name)
    return proc
