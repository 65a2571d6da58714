"""A recording, cut into the reports that a telematics unit would have sent while it was made.

A unit listens for diagnostic traffic and sends what it heard once the bus has been quiet for a
while, so that no transfer is cut in two: the frames of a report stand for themselves.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

# Longer than the gaps within a transfer (60 ms between the packets of a real broadcast, 200 ms at
# most by SAE J1939-21) and shorter than the second between two broadcasts of the same message.
QUIET_S_MIN = 0.25
FRAMES_MAX = 1_000

# 11 bits: where diagnostic requests and answers live. Makers use more of this range than
# ISO 15765-4 lays down (0x7A8 and 0x79B were seen in recordings).
_DIAGNOSTIC_11_BIT = range(0x700, 0x800)
# 29 bits: ISO 15765-4 normal fixed addressing, and SAE J1939-21 transport and acknowledgement.
_DIAGNOSTIC_PDU1 = frozenset({0xDA, 0xDB, 0xEB, 0xEC, 0xE8, 0xA3})
# SAE J1939-73: DM1, DM2, DM6, DM12, DM23, DM27, DM28, in the numbering of decoded recordings.
_DIAGNOSTIC_PGN = frozenset({0xFECA, 0xFECB, 0xFECF, 0xFED4, 0xFDB5, 0xFD82, 0xFD80})


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedFrame:
    """One frame of a recording.

    Attributes:
        at_s: Seconds on the recording's own clock.
        can_id: 11 or 29 bits.
        is_extended: Whether the identifier has 29 bits.
        channel: The bus, where a recording holds several.
    """

    at_s: float
    can_id: int
    is_extended: bool
    data: bytes
    channel: str = ""

    @property
    def is_diagnostic(self) -> bool:
        """Whether a unit that reports faults would keep this frame."""
        if not self.is_extended:
            return self.can_id in _DIAGNOSTIC_11_BIT
        return (
            self.can_id >> 16 & 0xFF in _DIAGNOSTIC_PDU1
            or self.can_id >> 8 & 0xFFFF in _DIAGNOSTIC_PGN
        )


def diagnostic_bursts(frames: Iterable[RecordedFrame]) -> Iterator[tuple[RecordedFrame, ...]]:
    """Cut the diagnostic part of a recording where the bus was quiet.

    Where a burst grows to `FRAMES_MAX` without a pause it is cut at its longest gap; a transfer
    that was under way there is lost, as it would be for a unit whose memory is full.
    """
    bursts: dict[str, list[RecordedFrame]] = {}
    for frame in frames:
        if not frame.is_diagnostic:
            continue
        burst = bursts.setdefault(frame.channel, [])
        # A recording that was put together from several may jump back.
        if burst and not 0 <= frame.at_s - burst[-1].at_s < QUIET_S_MIN:
            yield tuple(burst)
            burst.clear()
        burst.append(frame)
        if len(burst) == FRAMES_MAX:
            cut = _longest_gap(burst)
            yield tuple(burst[:cut])
            del burst[:cut]
    yield from (tuple(burst) for burst in bursts.values() if burst)


def wire_frames(burst: Sequence[RecordedFrame]) -> list[list[float | str]]:
    """The frames as a report carries them: ``[t_ms, "7E8", "0443010128AAAAAA"]``."""
    start_s = burst[0].at_s
    return [
        [
            round((frame.at_s - start_s) * 1000, 3),
            f"{frame.can_id:08X}" if frame.is_extended else f"{frame.can_id:03X}",
            frame.data.hex().upper(),
        ]
        for frame in burst
    ]


def _longest_gap(burst: Sequence[RecordedFrame]) -> int:
    gaps_s = [after.at_s - before.at_s for before, after in pairwise(burst)]
    return 1 + max(range(len(gaps_s)), key=gaps_s.__getitem__)
