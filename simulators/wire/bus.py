"""A vehicle's CAN bus: one handle, one thread, many nodes.

Every node of a simulated vehicle shares one python-can handle that hears its own frames, so that
the thread can block in one place and still each node sees all the traffic, in its true order. An
interface must therefore offer ``receive_own_messages``: virtual, socketcan, vector, kvaser and
others do. Who listens in from outside sees an ordinary bus.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import can

from simulators.errors import SettingsError
from simulators.model import Frame
from simulators.wire.reading import Node

IDLE_S_MAX = 0.2
"""The thread looks up this often at least: for its end, and for what came by MQTT."""
BURST_FRAMES_MAX = 512
"""Frames that are taken before deadlines are looked at again, so that neither starves the other."""


@dataclass(frozen=True, slots=True)
class BusSettings:
    """Which python-can interface carries the vehicles.

    Attributes:
        interface: Anything python-can knows.
        channel: ``{unit}`` and ``{number}`` stand for the vehicle's.
        is_shared: Several vehicles use these settings, so each must get a channel of its own.

    Raises:
        SettingsError: If the channel has another placeholder, or none where it needs one.
    """

    interface: str = "virtual"
    channel: str = "{unit}"
    is_shared: bool = False

    def __post_init__(self) -> None:
        try:
            is_own = self._channel("a", 1) != self._channel("b", 2)
        except (LookupError, ValueError):
            is_own = False
        if not is_own and (self.is_shared or "{" in self.channel):
            raise SettingsError(
                "a channel holds {unit} or {number}, so that each vehicle has its own bus, "
                f"not {self.channel!r}"
            )

    def _channel(self, unit: str, number: int) -> str:
        return self.channel.format(unit=unit, number=number)

    def open(self, *, unit: str, number: int) -> can.BusABC:
        """Open the bus of one vehicle.

        Raises:
            can.CanError: If the interface is not there.
            SettingsError: If frames would leave this machine.
        """
        if self.interface == "udp_multicast" and not is_isolated():
            raise SettingsError(
                "udp_multicast sends frames to the whole network: run it in a network namespace "
                "of its own (ip netns exec), or take the interface virtual"
            )
        return can.Bus(
            interface=self.interface,
            channel=self._channel(unit, number),
            receive_own_messages=True,
        )


def is_isolated(proc: Path = Path("/proc")) -> bool:
    """Whether this process is in a network namespace other than the machine's.

    Where the kernel does not tell, it is not.
    """
    try:
        return (proc / "self/ns/net").readlink() != (proc / "1/ns/net").readlink()
    except OSError:
        return False


class Pump:
    """Carries frames between a bus and its nodes until it is told to stop."""

    def __init__(self, bus: can.BusABC, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._bus = bus
        self._clock = clock
        self._nodes: Sequence[Node] = ()
        self._stopping = threading.Event()

    def attach(self, nodes: Sequence[Node]) -> None:
        """Name the nodes, before the start."""
        self._nodes = nodes

    def send(self, frame: Frame) -> None:
        """Put a frame on the bus; nodes call this."""
        self._bus.send(
            can.Message(
                arbitration_id=frame.can_id,
                data=frame.data,
                is_extended_id=frame.is_extended,
                check=False,
            )
        )

    def stop(self) -> None:
        """Let `run` return soon; from any thread."""
        self._stopping.set()

    def run(self) -> None:
        """Serve the nodes in the calling thread until `stop`."""
        while not self._stopping.is_set():
            self.turn(idle_s_max=IDLE_S_MAX)

    def turn(self, *, idle_s_max: float) -> None:
        """Wait for a frame or a deadline, then deliver all that is there and do what is due.

        Frames come before deadlines: an answer that already waits is not late.
        """
        now_s = self._clock()
        deadlines = [node.deadline_s for node in self._nodes]
        wait_s = min((at_s - now_s for at_s in deadlines if at_s is not None), default=idle_s_max)
        message = self._bus.recv(timeout=max(0.0, min(wait_s, idle_s_max)))
        for _ in range(BURST_FRAMES_MAX):
            if message is None:
                break
            self._deliver(message)
            message = self._bus.recv(timeout=0)
        now_s = self._clock()
        for node in self._nodes:
            node.tick(now_s=now_s)

    def _deliver(self, message: can.Message) -> None:
        if message.is_error_frame or message.is_remote_frame or message.is_fd:
            return
        frame = Frame(message.arbitration_id, bytes(message.data), message.is_extended_id)
        now_s = self._clock()
        for node in self._nodes:
            node.receive(frame, now_s=now_s)
