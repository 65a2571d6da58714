"""A real virtual CAN bus whose time is turned by hand, and a line to a broker that is not there."""

import queue
from itertools import count
from typing import TYPE_CHECKING, Self

from simulators.model import Frame
from simulators.wire.bus import BusSettings, Pump
from simulators.wire.reading import Node

if TYPE_CHECKING:
    from simulators.unit.mqtt import Arrival

_CHANNELS = count()
TURNS_MAX = 10_000


class HandTurnedBus:
    """A python-can bus of interface ``virtual``, served without a thread and without waiting."""

    def __init__(self) -> None:
        self.now_s = 1_000.0
        self._bus = BusSettings(channel="hand-turned-{number}").open(
            unit="", number=next(_CHANNELS)
        )
        self._pump = Pump(self._bus, clock=lambda: self.now_s)
        self._nodes: tuple[Node, ...] = ()
        self.send = self._pump.send

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bus.shutdown()

    @property
    def channel(self) -> str:
        """For whoever wants to listen in."""
        return str(self._bus.channel_info).rpartition(" ")[2]

    def attach(self, *nodes: Node) -> None:
        """Put nodes on the bus."""
        self._nodes = nodes
        self._pump.attach((*nodes, _Clockwork()))

    def run(self, seconds: float) -> None:
        """Let so much time pass, from one deadline to the next."""
        end_s = self.now_s + seconds
        for _ in range(TURNS_MAX):
            self._pump.turn(idle_s_max=0)
            self._pump.turn(idle_s_max=0)
            deadlines = [node.deadline_s for node in self._nodes]
            next_s = min((at_s for at_s in deadlines if at_s is not None), default=end_s)
            if self.now_s >= end_s:
                return
            self.now_s = min(max(next_s, self.now_s + 0.001), end_s)
        raise ValueError(f"{seconds} s took more than {TURNS_MAX} turns")


class _Clockwork:
    """A node that is always due, so that the pump never waits."""

    deadline_s = 0.0

    def receive(self, frame: Frame, *, now_s: float) -> None:
        """Take no notice."""

    def tick(self, *, now_s: float) -> None:
        """Take no notice."""


class FakeLine:
    """A line that keeps what is published; the test answers for the broker."""

    def __init__(self) -> None:
        self.inbox: queue.Queue[Arrival] = queue.Queue()
        self.is_ready = True
        self.takes = True
        self.published: list[tuple[str, bytes]] = []

    def publish(self, topic: str, payload: bytes) -> bool:
        """Keep the message if messages are taken."""
        if self.takes:
            self.published.append((topic, payload))
        return self.takes
