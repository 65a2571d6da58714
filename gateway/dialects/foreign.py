"""What dialects of other makers' devices share: a payload in, a report of what it says out.

Such devices know no report id and no receipts. The id is made of topic and payload, so that what
the broker brings twice stays one report; where the device sends no time of its own, the time of
arrival is part of it, because the same words later are news.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

import msgspec

from gateway.dialects.fields import FieldReader, is_name
from gateway.model import DeadLetter, Observation, Position, Reason, Rejection, Report

PAYLOAD_LENGTH_MAX = 1 << 20
UNIT_LENGTH_MAX = 64
_UNIT_FORBIDDEN = frozenset("+#/$")
_EVENT_ID_LENGTH = 32
# What devices leave behind their JSON: OpenXC ends a message with NUL, WiCAN's examples with ";".
_TRAILING = b"\0;\r\n\t "

Body = Mapping[str, object]


class UnlikeError(ValueError):
    """The message has not the form of this device family; the text says what was expected.

    Attributes:
        reason: Of the dead letter that becomes of it.
    """

    def __init__(self, text: str, reason: Reason = Reason.SCHEMA) -> None:
        super().__init__(text)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What one message says.

    Attributes:
        unit: The device, as its maker names it.
        rejections: Beside those of the fields.
    """

    unit: str
    observations: tuple[Observation, ...] = ()
    rejections: tuple[Rejection, ...] = ()
    unit_at: datetime | None = None
    position: Position | None = None
    speed_kmh: float | None = None
    odometer_km: float | None = None
    soc_pct: float | None = None
    signals: dict[str, float] = field(default_factory=dict)
    is_historical: bool = False


Read = Callable[[str, object, FieldReader], Contents]


def decode_json(payload: bytes) -> object:
    """Decode JSON.

    Raises:
        UnlikeError: If it is none.
    """
    try:
        return msgspec.json.decode(payload.rstrip(_TRAILING))
    except UnicodeDecodeError as error:
        raise UnlikeError("expected UTF-8", Reason.NOT_UTF8) from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise UnlikeError(f"expected JSON: {error}", Reason.NOT_JSON) from error


def decode_text(payload: bytes) -> str:
    """Decode plain text.

    Raises:
        UnlikeError: If it is none.
    """
    try:
        return payload.decode()
    except UnicodeDecodeError as error:
        raise UnlikeError("expected UTF-8", Reason.NOT_UTF8) from error


@dataclass(frozen=True, slots=True)
class ForeignDialect:
    """Reads one device family.

    Attributes:
        topic_filters: Of what it reads.
        read: Takes topic, decoded payload and a reader of fields; may raise `UnlikeError`.
        decode: Of the payload; may raise `UnlikeError`.
    """

    topic_filters: tuple[str, ...]
    read: Read
    decode: Callable[[bytes], object] = decode_json

    def parse(self, topic: str, payload: bytes, *, received_at: datetime) -> Report | DeadLetter:
        """Make a report of a message. Never raises."""
        fields = FieldReader()
        try:
            _check_length(payload)
            contents = self.read(topic, self.decode(payload), fields)
            check_unit(contents.unit)
        except UnlikeError as error:
            return DeadLetter(
                topic=topic,
                unit=None,
                event_id=None,
                reason=error.reason,
                text=str(error),
                raw=payload,
                received_at=received_at,
            )
        return Report(
            unit=contents.unit,
            event_id=_event_id(topic, payload, contents, received_at),
            digest=sha256(payload).digest(),
            payload=payload,
            received_at=received_at,
            unit_at=contents.unit_at,
            position=contents.position,
            speed_kmh=contents.speed_kmh,
            odometer_km=contents.odometer_km,
            soc_pct=contents.soc_pct,
            signals=contents.signals,
            is_historical=contents.is_historical,
            observations=contents.observations,
            rejections=(*contents.rejections, *fields.rejections),
        )


def _check_length(payload: bytes) -> None:
    if len(payload) > PAYLOAD_LENGTH_MAX:
        text = f"expected at most {PAYLOAD_LENGTH_MAX} bytes, got {len(payload)}"
        raise UnlikeError(text, Reason.TOO_LARGE)


def as_object(value: object, name: str) -> Body:
    """Take a JSON object.

    Raises:
        UnlikeError: If it is none.
    """
    if isinstance(value, dict):
        return value
    raise UnlikeError(f"expected {name} to be an object")


def level_of(topic: str, index: int) -> str:
    """Take one level of a topic, which carries the name of the device.

    Raises:
        UnlikeError: If the topic is shorter.
    """
    levels = topic.split("/")
    if index < len(levels):
        return levels[index]
    raise UnlikeError(f"expected the device at level {index + 1} of the topic")


def check_unit(unit: str) -> None:
    """Refuse a name that could not stand in a topic of ours.

    Raises:
        UnlikeError: If it is empty, too long, invisible or holds a wildcard.
    """
    if not is_name(unit, length_max=UNIT_LENGTH_MAX) or _UNIT_FORBIDDEN & set(unit):
        raise UnlikeError(
            f"expected a device name of 1 to {UNIT_LENGTH_MAX} visible characters without + # / $"
        )


def _event_id(topic: str, payload: bytes, contents: Contents, received_at: datetime) -> str:
    seed = [topic.encode(errors="surrogatepass"), payload]
    if contents.unit_at is None:
        seed.append(received_at.isoformat().encode())
    return sha256(b"\0".join(seed)).hexdigest()[:_EVENT_ID_LENGTH]
