"""What a telematics unit learns from a vehicle's bus at one time."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from simulators.model import BusType, Frame

FRAMES_MAX = 2_000
"""Frames in one reading; what comes after them is left for the next one."""


@dataclass(frozen=True, slots=True)
class TimedFrame:
    """A frame and when it was seen, monotonic."""

    at_s: float
    frame: Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Frames that say everything by themselves: no transfer in them begins or ends elsewhere.

    Attributes:
        frames: In the order in which they were seen.
        answers: Id of who spoke, and the whole message; what decides whether something is new.
    """

    bus: BusType
    frames: tuple[TimedFrame, ...]
    answers: frozenset[tuple[int, bytes]]


Send = Callable[[Frame], None]
"""Puts a frame on the bus."""


class Node(Protocol):
    """Something on a vehicle's bus, served by the thread of the vehicle."""

    def receive(self, frame: Frame, *, now_s: float) -> None:
        """Take a frame that is on the bus, one's own included."""

    def tick(self, *, now_s: float) -> None:
        """Do what is due."""

    @property
    def deadline_s(self) -> float | None:
        """When to call `tick` if no frame comes first; None if there is nothing to wait for."""


class Reader(Node, Protocol):
    """A node that gathers readings."""

    def take(self) -> Reading | None:
        """Return the latest reading once, None until there is another one."""
