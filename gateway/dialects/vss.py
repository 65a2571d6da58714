"""``Diagnostics.DTCList`` and ``DTCCount`` of COVESA's vehicle signals, over VISS or KUKSA topics.

A list of texts like ``P0301``, which is all that the vehicle has: a code that is missing is gone,
and an empty list says "none". There is no room for status or failure type. Three forms are read:
the VISS message (``data.path`` and ``data.dp.value``, where numbers are texts, a path may have
slashes, and either may stand in a list of one), a plain ``{"path": ..., "value": ...}``, and a bare
value on a topic that ends in the signal's name.
"""

from dataclasses import replace

from gateway.dialects.codes import observe_codes
from gateway.dialects.fields import FieldReader
from gateway.dialects.foreign import Contents, ForeignDialect, UnlikeError, level_of
from gateway.model import Observation, Outcome

CODES_MAX = 1_000
_LIST, _COUNT = "Diagnostics.DTCList", "Diagnostics.DTCCount"


def vss(topic_filter: str = "vss/+/#", *, unit_level: int = 1) -> ForeignDialect:
    """Read what comes below one filter; the vehicle's name is a level of the topic."""

    def read(topic: str, body: object, fields: FieldReader) -> Contents:
        path, value, at = _signal(topic, body)
        path = path.replace("/", ".")
        contents = Contents(unit=level_of(topic, unit_level), unit_at=fields.time("ts", at))
        if path.endswith(_LIST) and isinstance(value, list) and len(value) <= CODES_MAX:
            return replace(contents, observations=observe_codes(fields, value, is_complete=True))
        if path.endswith(_COUNT):
            count = fields.integer("DTCCount", _number(value), low=0, high=0xFFFF)
            if count is not None:
                return replace(contents, observations=(_counted(count),))
        raise UnlikeError(f"expected {_LIST} with a list of texts, or {_COUNT} with a number")

    return ForeignDialect((topic_filter,), read)


def _signal(topic: str, body: object) -> tuple[str, object, object]:
    """Find path, value and time in any of the forms."""
    match body:
        case {"data": [dict() as only], **rest}:
            return _signal(topic, {**rest, "data": only})
        case {"data": {"path": str() as path, "dp": [dict() as only]}}:
            return _signal(topic, {"data": {"path": path, "dp": only}})
        case {"data": {"path": str() as path, "dp": {"value": value, **point}}}:
            return path, value, point.get("ts")
        case {"path": str() as path, "value": value, **rest}:
            return path, value, rest.get("ts")
        case {"value": value, **rest}:
            return topic, value, rest.get("ts")
        case value:
            return topic, value, None


def _number(value: object) -> object:
    """Read a number that VISS writes as a text; what is none is left as it is."""
    is_number = isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 20
    return int(value) if is_number and isinstance(value, str) else value


def _counted(count: int) -> Observation:
    """A number of codes is no code, and zero is said by a list."""
    return Observation(
        ecu="", protocol="codes", service="DTCCount", outcome=Outcome.DATA, count=count
    )
