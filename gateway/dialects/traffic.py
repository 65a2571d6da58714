"""Reads a stretch of traffic: its diagnostic answers, and what the vehicle measured meanwhile."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from gateway.decode import Decoded, decode_frames
from gateway.model import Bus, Frame, Observation, Position, Rejection
from gateway.protocols.isotp import N_CR_S
from gateway.protocols.j1939_tp import T1_S
from gateway.protocols.listener import Listener
from gateway.protocols.messages import BusSettings

# Told by a control unit about its tests; not measured, and each control unit has its own.
_READINESS = frozenset({"is_compression_ignition", "monitors_supported", "monitors_not_ready"})

# A unit asks its vehicle the same over and over, and mostly hears the same. Longer stretches seldom
# come twice, and may hold thousands of codes. Full of answers of eight control units: 15 MB (seen).
FRAMES_REMEMBERED_MAX, BYTES_REMEMBERED_MAX, STRETCHES_REMEMBERED_MAX = 8, 64, 2_048
# Within less than any time-out of a transfer nothing is late, so the moments of frames say nothing.
TIME_OUT_MS_MIN = 1_000 * min(N_CR_S, T1_S)


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
    if listener is None:
        observations, rejections = _decode(frames, bus, settings)
    else:
        observations, rejections = decode_frames(
            frames, bus=bus, settings=settings, listener=listener
        )
    values = live_values(observations) | settings.read_signals(frames, bus)
    return Traffic(observations, rejections, values, _take_position(values))


def _decode(frames: Sequence[Frame], bus: Bus, settings: BusSettings) -> Decoded:
    is_short = len(frames) <= FRAMES_REMEMBERED_MAX and (
        sum(len(frame.data) for frame in frames) <= BYTES_REMEMBERED_MAX
    )
    if frames and is_short:
        times = [frame.t_ms for frame in frames]
        if max(times) - min(times) < TIME_OUT_MS_MIN:
            return _decode_at_once(tuple(frame[1:] for frame in frames), bus, settings)
    return decode_frames(frames, bus=bus, settings=settings)


@lru_cache(maxsize=STRETCHES_REMEMBERED_MAX)
def _decode_at_once(
    frames: tuple[tuple[int, bytes, bool], ...], bus: Bus, settings: BusSettings
) -> Decoded:
    return decode_frames((Frame(0.0, *frame) for frame in frames), bus=bus, settings=settings)


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
