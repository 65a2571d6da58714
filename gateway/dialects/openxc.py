"""Diagnostic responses of OpenXC vehicle interfaces, in their JSON message format.

    {"bus": 1, "id": 2024, "mode": 3, "success": true, "payload": "0x010128"}

``payload`` leaves out the first byte of the answer and the parameter, which stand in ``mode`` and
``pid``; the format's text calls the id ``message_id`` and its examples ``id``. A long answer comes
in parts (``frame``), which are set aside: parts arrive in messages of their own, and only the last
one is marked. Silence means nothing.
"""

from gateway.dialects.fields import FieldReader
from gateway.dialects.foreign import (
    Body,
    Contents,
    ForeignDialect,
    UnlikeError,
    as_object,
    level_of,
)
from gateway.model import Bus, Observation, Reason, Rejection
from gateway.protocols import messages
from gateway.protocols.listener import Message

_ANSWER = 0x40
_WITH_PID = frozenset({0x01, 0x02, 0x09, 0x19})


def openxc(topic_filter: str = "openxc/+/diagnostic", *, unit_level: int = 1) -> ForeignDialect:
    """Read what a bridge brings below one filter; the vehicle's name is a level of the topic."""

    def read(topic: str, body: object, fields: FieldReader) -> Contents:
        unit = level_of(topic, unit_level)
        response = as_object(body, "the message")
        if "frame" in response:
            fields.reject(Reason.NOT_SUPPORTED, "a part of a long answer", body)
            return Contents(unit=unit)
        found = _decode(response)
        return Contents(
            unit=unit,
            observations=(found,) if isinstance(found, Observation) else (),
            rejections=(found,) if isinstance(found, Rejection) else (),
        )

    return ForeignDialect((topic_filter,), read)


def _decode(response: Body) -> Observation | Rejection | None:
    mode = _number(response.get("mode"), "mode", 0x3F)
    can_id = _number(response.get("message_id", response.get("id")), "message_id", (1 << 29) - 1)
    ecu = f"{can_id:03X}" if can_id <= 0x7FF else f"{can_id:08X}"
    data = _payload(response, mode)
    message = Message(t_ms=0.0, can_id=ecu, ecu=ecu, data=data)
    return messages.decode(message, bus=Bus.CAN)


def _payload(response: Body, mode: int) -> bytes:
    """Put the answer together again as it was on the bus."""
    if response.get("success") is False:
        reason = _number(response.get("negative_response_code"), "negative_response_code", 0xFF)
        return bytes((0x7F, mode, reason))
    lead = bytes((mode + _ANSWER,))
    if mode in _WITH_PID and "pid" in response:
        lead += bytes((_number(response["pid"], "pid", 0xFF),))
    text = response.get("payload", "")
    try:
        return lead + bytes.fromhex(str(text).removeprefix("0x"))
    except ValueError as error:
        raise UnlikeError("expected payload to be hex digits after 0x") from error


def _number(value: object, name: str, high: int) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= high:
        return value
    raise UnlikeError(f"expected {name} to be a whole number up to {high}")
