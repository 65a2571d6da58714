"""Diagnostic responses of OpenXC vehicle interfaces, in their JSON message format.

    {"bus": 1, "id": 2024, "mode": 3, "success": true, "payload": "0x010128"}

``payload`` leaves out the first byte of the answer and the parameter, which stand in ``mode`` and
``pid``; the format's text calls the id ``message_id`` and its examples ``id``. A long answer comes
in parts, each a message of its own: ``frame`` counts them from 0 and is -1 in the last one. Parts
are kept for the `ANSWERS_MAX` answers that went on last. Where the interface knows a parameter it
may send ``value``, worked out already, in the place of ``payload``. Silence means nothing.
"""

from collections import OrderedDict

from gateway.dialects.fields import RAW_LENGTH_MAX, FieldReader
from gateway.dialects.foreign import (
    Body,
    Contents,
    ForeignDialect,
    UnlikeError,
    as_object,
    level_of,
)
from gateway.dialects.traffic import live_values
from gateway.model import Bus, Observation, Reason, Rejection
from gateway.protocols import messages
from gateway.protocols.listener import Message
from gateway.protocols.messages import BusSettings, SettingsOf, defaults_of

# Unfinished answers of all devices, and parts of one: the longest answer has 4095 bytes.
ANSWERS_MAX = 1_000
PARTS_MAX = 700
ANSWER_LENGTH_MAX = 4_095
_ANSWER = 0x40
_LAST = -1
_NAME_LENGTH_MAX = 20
_WITH_PID = frozenset({0x01, 0x02, 0x09, 0x19})
_LIVE = 0x01
# Parameters that the interface works out in our units, in service 01.
_VALUES = {0x05: "coolant_c", 0x0C: "engine_rpm", 0x0D: "speed_kmh", 0x2F: "fuel_pct"}


def openxc(
    topic_filter: str = "openxc/+/diagnostic",
    *,
    unit_level: int = 1,
    settings_of: SettingsOf = defaults_of,
) -> ForeignDialect:
    """Read what a bridge brings below one filter; the vehicle's name is a level of the topic."""
    parts = _Parts()

    def read(topic: str, body: object, fields: FieldReader) -> Contents:
        unit = level_of(topic, unit_level)
        response = as_object(body, "the message")
        if "value" in response and "payload" not in response:
            return _read_value(unit, response, fields)
        payload = _bytes(response.get("payload", ""))
        is_part = "frame" in response
        whole = parts.take(_key(unit, response), response["frame"], payload) if is_part else payload
        settings = settings_of(unit)
        found = _decode(response, whole, settings) if isinstance(whole, bytes) else whole
        observations = (found,) if isinstance(found, Observation) else ()
        values = live_values(observations)
        return Contents(
            unit=unit,
            observations=observations,
            rejections=(found,) if isinstance(found, Rejection) else (),
            speed_kmh=values.get("speed_kmh"),
            odometer_km=values.get("odometer_km"),
            soc_pct=values.get("soc_pct"),
            signals=values,
        )

    return ForeignDialect((topic_filter,), read)


def _read_value(unit: str, response: Body, fields: FieldReader) -> Contents:
    """Take a value that the interface worked out; of a service that lists codes it is none."""
    pid = response.get("pid")
    name = _VALUES.get(pid) if isinstance(pid, int) and response.get("mode") == _LIVE else None
    signals = {} if name is None else fields.signals("value", {name: response["value"]})
    return Contents(unit=unit, speed_kmh=signals.get("speed_kmh"), signals=signals)


class _Parts:
    """Answers of which parts are missing."""

    def __init__(self) -> None:
        self._answers: OrderedDict[str, list[bytes]] = OrderedDict()

    def take(self, key: str, number: object, payload: bytes) -> bytes | Rejection | None:
        """Take one part; give the whole answer with its last one, None before."""
        parts = self._answers.pop(key, [])
        if number == 0:
            parts = []
        elif not parts or number not in (len(parts), _LAST) or len(parts) >= PARTS_MAX:
            text = f"expected part {len(parts)} of a long answer"
            return Rejection(reason=Reason.OUT_OF_SEQUENCE, text=text, raw=payload)
        parts.append(payload)
        if sum(map(len, parts)) > ANSWER_LENGTH_MAX:
            text = f"expected at most {ANSWER_LENGTH_MAX} bytes of a long answer"
            return Rejection(reason=Reason.LIMIT, text=text, raw=payload[:RAW_LENGTH_MAX])
        if number == _LAST:
            return b"".join(parts)
        self._answers[key] = parts
        if len(self._answers) > ANSWERS_MAX:
            self._answers.popitem(last=False)
        return None


def _key(unit: str, response: Body) -> str:
    """Name an answer: its device, bus, id, mode and parameter."""
    names = ("bus", "message_id", "id", "mode", "pid")
    return "/".join((unit, *(str(response.get(name))[:_NAME_LENGTH_MAX] for name in names)))


def _decode(
    response: Body, payload: bytes, settings: BusSettings
) -> Observation | Rejection | None:
    mode = _number(response.get("mode"), "mode", 0x3F)
    can_id = _number(response.get("message_id", response.get("id")), "message_id", (1 << 29) - 1)
    ecu = f"{can_id:03X}" if can_id <= 0x7FF else f"{can_id:08X}"
    data = _answer(response, mode, payload)
    message = Message(t_ms=0.0, can_id=ecu, ecu=ecu, data=data)
    return messages.decode(message, bus=Bus.CAN, settings=settings)


def _answer(response: Body, mode: int, payload: bytes) -> bytes:
    """Put the answer together again as it was on the bus."""
    if response.get("success") is False:
        reason = _number(response.get("negative_response_code"), "negative_response_code", 0xFF)
        return bytes((0x7F, mode, reason))
    lead = bytes((mode + _ANSWER,))
    if mode in _WITH_PID and "pid" in response:
        lead += bytes((_number(response["pid"], "pid", 0xFF),))
    return lead + payload


def _bytes(value: object) -> bytes:
    try:
        return bytes.fromhex(str(value).removeprefix("0x"))
    except ValueError as error:
        raise UnlikeError("expected payload to be hex digits after 0x") from error


def _number(value: object, name: str, high: int) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= high:
        return value
    raise UnlikeError(f"expected {name} to be a whole number up to {high}")
