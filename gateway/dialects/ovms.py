"""OVMS v3 modules ("server v3", MQTT): metrics, and the one notification that carries codes.

    ovms/{user}/{vehicle}/metric/v/p/speed                          81
    ovms/{user}/{vehicle}/notify/data/xrt.obd.cluster.dtc/7/-12     RT-OBD-ClusterDTC,1,604800,...

Each metric comes alone, as plain text in the module's own units; only those that are used are
subscribed to. There is no general notification of codes. That of the Renault Twizy lists entries of
its cluster's memory: number of the control unit, number of the code in Renault's own counting,
revision, and how often it is present. Nobody published what those numbers mean as codes, so they
stay raw and are uncertain. Newer firmware writes the dots of a topic as slashes. The last level is
the age of the record in seconds, negative. Silence means nothing. Fields as in the module's source.
"""

from collections.abc import Mapping
from typing import Final

from dtc_db.codes import RawDtc
from gateway.dialects.fields import FieldReader
from gateway.dialects.foreign import Contents, ForeignDialect, UnlikeError, decode_text, level_of
from gateway.model import Observation, Outcome, Reason, ReportedCode, Status

# Older news update what is known and warn nobody.
AGE_S_MAX = 3_600
# Metric to our name and the highest value that can be.
METRICS: Final[Mapping[str, tuple[str, float]]] = {
    "v.p.speed": ("speed_kmh", 500),
    "v.p.odometer": ("odometer_km", 10_000_000),
    "v.b.soc": ("soc_pct", 100),
    "v.b.12v.voltage": ("battery_v", 100),
}
_CODES = "xrt.obd.cluster.dtc"
_RECORD = "RT-OBD-ClusterDTC"
_FIELDS_MIN = 7


def ovms(prefix: str = "ovms") -> ForeignDialect:
    """Read what modules publish below one prefix; the vehicle's name is the second level below."""
    filters = [f"{prefix}/+/+/metric/{name.replace('.', '/')}" for name in METRICS]
    filters += [f"{prefix}/+/+/notify/data/{name}/#" for name in (_CODES, _CODES.replace(".", "/"))]
    below = prefix.count("/") + 1

    def read(topic: str, body: object, fields: FieldReader) -> Contents:
        unit, text = level_of(topic, below + 1), str(body)
        name = ".".join(topic.split("/")[below + 3 :])
        if name in METRICS:
            return _read_metric(unit, name, text, fields)
        return _read_codes(unit, topic.rpartition("/")[2], text, fields)

    return ForeignDialect(tuple(filters), read, decode_text)


def _read_metric(unit: str, name: str, text: str, fields: FieldReader) -> Contents:
    ours, high = METRICS[name]
    try:
        number: object = float(text) if text else None  # empty is what has no value yet
    except ValueError:
        raise UnlikeError(f"expected {name} to be a number") from None
    value = fields.number(name, number, low=0, high=high)
    return Contents(
        unit=unit,
        speed_kmh=value if ours == "speed_kmh" else None,
        odometer_km=value if ours == "odometer_km" else None,
        soc_pct=value if ours == "soc_pct" else None,
        signals={} if value is None else {ours: value},
    )


def _read_codes(unit: str, age: str, text: str, fields: FieldReader) -> Contents:
    record = text.strip().split(",")
    if record[0] != _RECORD or len(record) < _FIELDS_MIN:
        raise UnlikeError(f"expected a record {_RECORD}")
    ecu, number, _revision, times_present = (_whole(one) for one in record[3:_FIELDS_MIN])
    if ecu is None or number is None:
        fields.reject(Reason.BAD_CODE, "expected numbers of a control unit and a code", text)
        return Contents(unit=unit)
    seconds = _whole(age.removeprefix("-"))
    return Contents(
        unit=unit,
        observations=(_observe(ecu, number, times_present or 0),) if number else (),
        is_historical=seconds is None or seconds > AGE_S_MAX,
    )


def _observe(ecu: int, number: int, times_present: int) -> Observation:
    code = ReportedCode(
        code=RawDtc(number),
        status=Status.ACTIVE if times_present else Status.STORED,
        is_uncertain=True,
    )
    return Observation(
        ecu=f"ECU {ecu}",
        protocol="codes",
        service=_RECORD,
        outcome=Outcome.CODES,
        codes=(code,),
        is_complete=False,
    )


def _whole(text: str) -> int | None:
    """Read a whole number of at most 16 bits, as the record's fields are."""
    is_number = text.isascii() and text.isdecimal() and len(text) <= 5
    return int(text) if is_number and int(text) <= 0xFFFF else None
