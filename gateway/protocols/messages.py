"""Reads one whole message, whatever protocol it belongs to."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from gateway.model import Bus, Frame, Observation, Outcome, Rejection
from gateway.protocols import j1939, obd, uds
from gateway.protocols.isotp import Addressing
from gateway.protocols.j1939 import Conversion
from gateway.protocols.j1939_tp import BROADCAST
from gateway.protocols.listener import Message, Role
from gateway.protocols.uds_records import UdsSettings

_UDS_ANSWERS = frozenset({0x54, 0x59})


class SignalReader(Protocol):
    """A description of the signals in ordinary traffic, as `gateway.signals` loads it."""

    def read(self, frames: Iterable[Frame]) -> dict[str, float]:
        """Read values of now, by name with the unit last. Never raises."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BusSettings:
    """What has to be known of a vehicle and its unit before frames can be read.

    Equal only to itself, so that what was read with it can be looked up.

    Attributes:
        addressing: Of ISO-TP.
        answer_ids: Further ids that are known to answer; above 0x7FF they have 29 bits.
        uds: Sizes and formats that UDS answers do not carry.
        conversion: What the vehicle means by J1939 conversion method 1.
        signals: What describes the ordinary traffic of each bus, where a file does.
    """

    addressing: Addressing = Addressing.NORMAL
    answer_ids: frozenset[int] = frozenset()
    uds: UdsSettings = field(default_factory=UdsSettings)
    conversion: Conversion | None = None
    signals: Mapping[Bus, SignalReader] = field(default_factory=dict)

    def read_signals(self, frames: Iterable[Frame], bus: Bus) -> dict[str, float]:
        """Read the values of ordinary traffic; nothing where no file describes it."""
        reader = self.signals.get(bus)
        return {} if reader is None else reader.read(frames)


DEFAULTS = BusSettings()
SettingsOf = Callable[[str], BusSettings]
"""Says what is known of the vehicle behind a unit."""


def defaults_of(_unit: str) -> BusSettings:
    """Know nothing of any vehicle."""
    return DEFAULTS


def decode(
    message: Message, *, bus: Bus, settings: BusSettings = DEFAULTS
) -> Observation | Rejection | None:
    """Read one message. Never raises.

    Returns:
        None if it is no answer that tells about faults.
    """
    if message.role is Role.REQUEST:
        return _decode_request(message)
    if message.pgn is not None and message.source is not None:
        return j1939.decode(
            message.pgn, message.data, source=message.source, conversion=settings.conversion
        )
    if message.role is Role.PERHAPS:
        # Only UDS is found beside the standard ids, and noise there is nobody's fault.
        found = uds.decode(message.data, ecu=message.ecu, settings=settings.uds)
        return found if isinstance(found, Observation) and found.protocol != "obd" else None
    if message.data[:1] and message.data[0] in _UDS_ANSWERS:
        return uds.decode(message.data, ecu=message.ecu, settings=settings.uds)
    return obd.decode(message.data, ecu=message.ecu, is_counted=bus is not Bus.KLINE)


def _decode_request(message: Message) -> Observation | None:
    """Notice that somebody asks a J1939 control unit to forget its codes."""
    if message.pgn is None:
        return None
    service = j1939.CLEARINGS.get(int.from_bytes(message.data[:3], "little"))
    if service is None:
        return None
    return Observation(
        ecu="" if message.destination == BROADCAST else j1939.ecu_name(message.destination),
        protocol="j1939",
        service=service,
        outcome=Outcome.DATA,
        raw=message.data,
    )
