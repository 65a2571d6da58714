"""Positions that a Traccar server forwards over MQTT; it reads some 2,000 kinds of trackers.

The body is ``{"position": {...}, "device": {...}}``. Codes stand in the position's attribute
``dtcs``, one text separated by blanks or commas; Traccar passes on what the tracker sent, also
codes that cannot exist, which are set aside here. Many trackers send a code only when it is new, so
a code that is missing, and a position without ``dtcs``, say nothing.
"""

from gateway.dialects.codes import observe_codes
from gateway.dialects.fields import FieldReader
from gateway.dialects.foreign import Contents, ForeignDialect, UnlikeError, as_object
from gateway.model import Reason

CODES_MAX = 256
_KMH_PER_KNOT = 1.852


def traccar(topic: str = "positions") -> ForeignDialect:
    """Read what is forwarded to one topic (Traccar's ``forward.topic``)."""
    return ForeignDialect((topic,), _read)


def _read(_topic: str, body: object, fields: FieldReader) -> Contents:
    message = as_object(body, "the message")
    position = as_object(message.get("position"), "position")
    device = as_object(message.get("device"), "device")
    attributes = as_object(position.get("attributes", {}), "attributes")
    unit = device.get("uniqueId")
    if not isinstance(unit, str):
        raise UnlikeError("expected device.uniqueId to be a text")
    codes = attributes.get("dtcs")
    listed = codes.replace(",", " ").split() if isinstance(codes, str) else []
    if len(listed) > CODES_MAX:
        fields.reject(Reason.LIMIT, f"dtcs: more than {CODES_MAX}; the rest was not read", codes)
    speed_kn = fields.number("speed", position.get("speed"), low=0, high=300)
    odometer_m = fields.number("odometer", attributes.get("odometer"), low=0, high=1e10)
    place = [position.get("longitude"), position.get("latitude")]
    has_fix = position.get("valid") is True and position.get("outdated") is not True
    return Contents(
        unit=unit,
        observations=observe_codes(fields, listed[:CODES_MAX], is_complete=False),
        unit_at=fields.time("deviceTime", position.get("deviceTime")),
        position=fields.position("position", place) if has_fix else None,
        speed_kmh=None if speed_kn is None else speed_kn * _KMH_PER_KNOT,
        odometer_km=None if odometer_m is None else odometer_m / 1000,
    )
