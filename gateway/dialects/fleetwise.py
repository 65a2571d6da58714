"""DTC queries of AWS IoT FleetWise's edge agent: the JSON text of its ``DTC_INFO`` signal.

    {"DetectedDTCs": [{"ECUID": "01", "DTCAndSnapshot": {"DTCStatusAvailabilityMask": "FF",
      "dtcCodes": [{"DTC": "112233", "DTCSnapshotRecord": "", "DTCExtendedData": ""}]}}]}

Form as in the agent's own tests. The agent drops the status byte of each code, so a listed code may
never have failed: it is "stored", and no list is complete. Silence and an empty list say nothing.
"""

from gateway.dialects.fields import FieldReader, is_name
from gateway.dialects.foreign import Contents, ForeignDialect, UnlikeError, as_object, level_of
from gateway.model import DataRecord, Observation, Outcome, Reason, ReportedCode, Status
from gateway.protocols.uds_code import CodeFormat, code_of

CODES_MAX = 1_000
_RECORDS = {"DTCSnapshotRecord": "snapshot", "DTCExtendedData": "extended"}


def fleetwise(topic_filter: str = "fleetwise/+/dtc", *, unit_level: int = 1) -> ForeignDialect:
    """Read what a bridge brings below one filter; the vehicle's name is a level of the topic."""

    def read(topic: str, body: object, fields: FieldReader) -> Contents:
        found = as_object(body, "the message").get("DetectedDTCs")
        if not isinstance(found, list) or len(found) > CODES_MAX:
            raise UnlikeError("expected DetectedDTCs to be a list")
        observations = [_read_ecu(one, fields) for one in found]
        return Contents(
            unit=level_of(topic, unit_level),
            observations=tuple(one for one in observations if one is not None),
        )

    return ForeignDialect((topic_filter,), read)


def _read_ecu(value: object, fields: FieldReader) -> Observation | None:
    entry = as_object(value, "an entry of DetectedDTCs")
    listed = as_object(entry.get("DTCAndSnapshot"), "DTCAndSnapshot").get("dtcCodes")
    ecu = entry.get("ECUID")
    if not isinstance(listed, list) or len(listed) > CODES_MAX or not is_name(ecu, length_max=16):
        raise UnlikeError("expected ECUID and a list dtcCodes")
    codes = [_read_code(as_object(one, "an entry of dtcCodes"), fields) for one in listed]
    known = tuple(dict.fromkeys(one for one in codes if one is not None))
    if not known:
        return None
    return Observation(
        ecu=f"ECU {ecu}",
        protocol="uds",
        service="DTC_INFO",
        outcome=Outcome.CODES,
        codes=known,
        is_complete=False,
    )


def _read_code(entry: object, fields: FieldReader) -> ReportedCode | None:
    found = as_object(entry, "an entry of dtcCodes")
    code = _bytes(found.get("DTC"))
    if len(code) != 3:
        fields.reject(Reason.BAD_CODE, "DTC: expected six hex digits", entry)
        return None
    return ReportedCode(
        code=code_of(code, CodeFormat.J2012),
        status=Status.STORED,
        records=tuple(
            DataRecord(kind=kind, number=None, raw=raw)
            for key, kind in _RECORDS.items()
            if (raw := _bytes(found.get(key)))
        ),
    )


def _bytes(value: object) -> bytes:
    try:
        return bytes.fromhex(value) if isinstance(value, str) else b""
    except ValueError:
        return b""
