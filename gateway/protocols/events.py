"""What the reassemblers of all transports say when bytes do not become a message."""

from typing import NamedTuple

from gateway.model import Reason


class Dropped(NamedTuple):
    """Bytes that were set aside.

    Attributes:
        reason: Why, for machines.
        text: What was expected and what came, for people.
        raw: All bytes that are lost with it: the frame, or what had been gathered and the frame.
    """

    reason: Reason
    text: str
    raw: bytes
