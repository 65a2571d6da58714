"""Our own reports: a JSON object on ``{prefix}/{unit}/up/report`` (docs/units/rightbay.md).

A message that is no report at all (topic, size, JSON, no id, neither frames nor codes) is a dead
letter. What is wrong with a part of a report is a rejection beside the rest.

Silence means nothing here: a report without ``codes`` says nothing about codes, and an empty list
says that the unit asked and there were none.
"""

from datetime import datetime
from functools import lru_cache
from hashlib import sha256

import msgspec

from gateway.dialects.codes import observe_codes
from gateway.dialects.fields import FieldReader, is_name
from gateway.dialects.frames import read_frames
from gateway.dialects.traffic import Traffic, read_traffic
from gateway.model import Bus, DeadLetter, Reason, Report
from gateway.protocols.messages import SettingsOf, defaults_of

# A drive's worth of frames fits; brokers refuse larger messages by default.
PAYLOAD_LENGTH_MAX = 1 << 20
FRAMES_MAX = 10_000
CODES_MAX = 1_000
ID_LENGTH_MAX = UNIT_LENGTH_MAX = 64
ODOMETER_KM_MAX = 10_000_000
SPEED_KMH_MAX = 500
_UNIT_FORBIDDEN = frozenset("+#/$")
_END = "/up/report"
_SEQ_MAX = 2**63 - 1


class _Wire(msgspec.Struct):
    """The report on the wire; each field is read by hand, so that one bad one stays one."""

    event_id: object = msgspec.field(default=None, name="id")
    at: object = None
    seq: object = None
    bus: object = Bus.CAN.value
    frames: object = None
    codes: object = None
    pos: object = None
    speed_kmh: object = None
    odometer_km: object = None
    soc_pct: object = None
    signals: object = None
    historical: object = None


class _WireId(msgspec.Struct):
    """Only what a receipt needs, for a message that cannot be read otherwise."""

    event_id: object = msgspec.field(default=None, name="id")


_DECODER = msgspec.json.Decoder(_Wire)
_ID_DECODER = msgspec.json.Decoder(_WireId)


class RightbayDialect:
    """Reads the topics below one prefix.

    Args:
        prefix: Without a slash at its end, such as ``rb/1``.
        settings_of: What is known of the vehicle behind a unit.
    """

    def __init__(self, prefix: str = "rb/1", *, settings_of: SettingsOf = defaults_of) -> None:
        self._prefix, self._start = prefix, f"{prefix}/"
        self._settings_of = settings_of
        self.topic_filters = (f"{prefix}/+/up/report",)

    def parse(self, topic: str, payload: bytes, *, received_at: datetime) -> Report | DeadLetter:
        """Make a report of a message. Never raises."""
        unit = self._unit_of(topic)

        def dead(reason: Reason, text: str, event_id: str | None = None) -> DeadLetter:
            return DeadLetter(
                topic=topic,
                unit=unit,
                event_id=event_id,
                reason=reason,
                text=text,
                raw=payload,
                received_at=received_at,
            )

        if unit is None:
            text = (
                f"expected {self._prefix}/UNIT/up/report, where UNIT has 1 to {UNIT_LENGTH_MAX}"
                " visible characters and none of + # / $"
            )
            return dead(Reason.TOPIC, text)
        if len(payload) > PAYLOAD_LENGTH_MAX:
            text = f"expected at most {PAYLOAD_LENGTH_MAX} bytes, got {len(payload)}"
            return dead(Reason.TOO_LARGE, text, _find_id(payload))
        wire = _read_json(payload)
        if not isinstance(wire, _Wire):
            return dead(*wire, _find_id(payload))
        event_id = _checked_id(wire.event_id)
        if event_id is None:
            text = f"id: expected a text of 1 to {ID_LENGTH_MAX} visible characters"
            return dead(Reason.SCHEMA, text)
        fault = _structure_fault(wire)
        if fault is not None:
            return dead(*fault, event_id)
        return self._report(unit, event_id, wire, payload, received_at)

    def _unit_of(self, topic: str) -> str | None:
        if not (topic.startswith(self._start) and topic.endswith(_END)):
            return None
        unit = topic[len(self._start) : -len(_END)]
        return unit if _is_unit(unit) else None

    def _report(
        self, unit: str, event_id: str, wire: _Wire, payload: bytes, received_at: datetime
    ) -> Report:
        fields = FieldReader()
        traffic = self._read_frames(unit, wire, fields)
        observations, read = traffic.observations, traffic.values
        if isinstance(wire.codes, list):
            observations += observe_codes(fields, wire.codes, is_complete=True)

        def number(name: str, value: object, high: float) -> float | None:
            """Take what the unit says, else what its frames say."""
            said = fields.number(name, value, low=0, high=high)
            return read.get(name) if said is None else said

        return Report(
            unit=unit,
            event_id=event_id,
            digest=sha256(payload).digest(),
            payload=payload,
            received_at=received_at,
            unit_at=fields.time("at", wire.at),
            seq=fields.integer("seq", wire.seq, low=0, high=_SEQ_MAX),
            position=fields.position("pos", wire.pos) or traffic.position,
            speed_kmh=number("speed_kmh", wire.speed_kmh, SPEED_KMH_MAX),
            odometer_km=number("odometer_km", wire.odometer_km, ODOMETER_KM_MAX),
            soc_pct=number("soc_pct", wire.soc_pct, 100),
            signals=read | fields.signals("signals", wire.signals),
            is_historical=fields.boolean("historical", wire.historical),
            observations=observations,
            rejections=(*traffic.rejections, *fields.rejections),
        )

    def _read_frames(self, unit: str, wire: _Wire, fields: FieldReader) -> Traffic:
        if not isinstance(wire.frames, list):
            return Traffic()
        if not isinstance(wire.bus, str) or wire.bus not in Bus:
            text = f"bus: expected one of {', '.join(Bus)}; the frames were not read"
            fields.reject(Reason.NOT_SUPPORTED, text, wire.bus)
            return Traffic()
        bus = Bus(wire.bus)
        frames = read_frames(fields, wire.frames, bus=bus)
        return read_traffic(frames, bus=bus, settings=self._settings_of(unit))


@lru_cache(maxsize=8_192)  # the same ones, over and over
def _is_unit(text: str) -> bool:
    return is_name(text, length_max=UNIT_LENGTH_MAX) and _UNIT_FORBIDDEN.isdisjoint(text)


def _read_json(payload: bytes) -> _Wire | tuple[Reason, str]:
    try:
        return _DECODER.decode(payload)
    except msgspec.ValidationError as error:
        return Reason.SCHEMA, str(error)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        try:
            payload.decode()
        except UnicodeDecodeError:
            return Reason.NOT_UTF8, "expected UTF-8"
        return Reason.NOT_JSON, str(error)
    except RecursionError:
        return Reason.NOT_JSON, "expected less nesting"


def _checked_id(value: object) -> str | None:
    return value if isinstance(value, str) and is_name(value, length_max=ID_LENGTH_MAX) else None


def _find_id(payload: bytes) -> str | None:
    """Find the id of a message that is refused, so that its unit need not send it for ever."""
    try:
        return _checked_id(_ID_DECODER.decode(payload).event_id)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _structure_fault(wire: _Wire) -> tuple[Reason, str] | None:
    """Say why this is no report, or None if it is one."""
    if wire.frames is None and wire.codes is None:
        return Reason.SCHEMA, "expected frames, codes or both; an empty list of codes says none"
    for name, value, count_max in (
        ("frames", wire.frames, FRAMES_MAX),
        ("codes", wire.codes, CODES_MAX),
    ):
        if value is not None and not isinstance(value, list):
            return Reason.SCHEMA, f"{name}: expected a list"
        if isinstance(value, list) and len(value) > count_max:
            return Reason.TOO_LARGE, f"{name}: expected at most {count_max}, got {len(value)}"
    return None
