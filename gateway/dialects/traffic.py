"""Reads a stretch of traffic: its diagnostic answers, and what the vehicle measured meanwhile."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from gateway.decode import decode_frames
from gateway.model import Bus, Frame, Observation, Position, Rejection
from gateway.protocols.listener import Listener
from gateway.protocols.messages import BusSettings

# Told by a control unit about its tests; not measured, and each control unit has its own.
_READINESS = frozenset({"is_compression_ignition", "monitors_supported", "monitors_not_ready"})


class Traffic(NamedTuple):
    """What was read.

    Attributes:
        values: Of now, by name with the unit last; a freeze frame's are not among them.
        position: Where the vehicle says that it is.
    """

    observations: tuple[Observation, ...] = ()
    rejections: tuple[Rejection, ...] = ()
    values: dict[str, float] = {}  # noqa: RUF012 - replaced, never written to
    position: Position | None = None


def read_traffic(
    frames: Sequence[Frame],
    *,
    bus: Bus,
    settings: BusSettings,
    listener: Listener | None = None,
) -> Traffic:
    """Read frames. Never raises.

    Args:
        frames: In the order in which they were on the bus.
        bus: What they were read from.
        settings: What is known of the vehicle; a file's signals count more than OBD's values.
        listener: As for `gateway.decode.decode_frames`.
    """
    observations, rejections = decode_frames(frames, bus=bus, settings=settings, listener=listener)
    values = live_values(observations) | settings.read_signals(frames, bus)
    return Traffic(observations, rejections, values, _take_position(values))


def live_values(observations: Iterable[Observation]) -> dict[str, float]:
    """Gather what control units measured (OBD service 01); of several the last one says it."""
    return {
        name: value
        for one in observations
        if one.service == "01"
        for name, value in one.signals
        if name not in _READINESS
    }


def _take_position(values: dict[str, float]) -> Position | None:
    """Take the place out of the values: it stands in one place, and never among signals."""
    lon_deg, lat_deg = values.pop("lon_deg", None), values.pop("lat_deg", None)
    if lon_deg is None or lat_deg is None or lon_deg == 0 == lat_deg:
        return None
    return Position(lon_deg, lat_deg)
