"""InHand FlexAPI: ``v1/{device}/obd/info`` with the lamp and the *number* of codes, but no codes.

A number is no code, so nothing is turned on or off by it: ``obd.dtcs`` of 0 only says what the
gateway counted, and null that it did not. Numbers come as JSON numbers, as texts, and
the lamp as a truth value too.
"""

from datetime import UTC, datetime

from gateway.dialects.fields import FieldReader
from gateway.dialects.foreign import Body, Contents, ForeignDialect, as_object, level_of
from gateway.model import Observation, Outcome

_SECONDS_MAX = 2**33


def inhand(topic_filter: str = "v1/+/obd/info") -> ForeignDialect:
    """Read what the devices publish; the device's name is the second level of the topic."""
    return ForeignDialect((topic_filter,), _read)


def _read(topic: str, body: object, fields: FieldReader) -> Contents:
    message = as_object(body, "the message")
    mil = fields.integer("obd.mil", _value(message, "obd.mil"), low=0, high=1)
    count = fields.integer("obd.dtcs", _value(message, "obd.dtcs"), low=0, high=0xFFFF)
    seconds = fields.integer("obd.ts", _value(message, "obd.ts"), low=0, high=_SECONDS_MAX)
    observation = Observation(
        ecu="",
        protocol="obd",
        service="01",
        outcome=Outcome.DATA,
        mil=None if mil is None else bool(mil),
        count=count,
    )
    return Contents(
        unit=level_of(topic, 1),
        unit_at=None if seconds is None else datetime.fromtimestamp(seconds, UTC),
        observations=() if mil is None and count is None else (observation,),
    )


def _value(message: Body, key: str) -> object:
    value = message.get(key)
    if isinstance(value, bool):
        return int(value)
    return int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 20 else value
