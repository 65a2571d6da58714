"""How urgent a fault is, from what the driver should do about it."""

from collections.abc import Iterable
from enum import StrEnum


class Urgency(StrEnum):
    """What the fault asks of the driver."""

    STOP_NOW = "stop_now"
    TOW = "tow"
    LIMP = "limp"  # a short way at reduced power
    SOON = "soon"
    NEXT_SERVICE = "next_service"
    INFO = "info"
    UNKNOWN = "unknown"


# Published: gravest first. What nobody knows stands above `soon`, because it may be worse and
# nothing may make it look harmless.
ORDER = (
    Urgency.STOP_NOW,
    Urgency.TOW,
    Urgency.LIMP,
    Urgency.UNKNOWN,
    Urgency.SOON,
    Urgency.NEXT_SERVICE,
    Urgency.INFO,
)
RANK = {urgency: rank for rank, urgency in enumerate(ORDER)}

# What the vehicle must not drive with: no list, status or rule talks it down.
GRAVE = frozenset({Urgency.STOP_NOW, Urgency.TOW})


def gravest(urgencies: Iterable[Urgency]) -> Urgency:
    """The first of the given ones in `ORDER`; unknown if none is given."""
    return min(urgencies, key=RANK.__getitem__, default=Urgency.UNKNOWN)
