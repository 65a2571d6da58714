"""Reads the answers of UDS service 19, ReadDTCInformation: ISO 14229-1.

An answer is 59, the subfunction, a short head, then records; `_LAYOUTS` says which. A record is a
code of three bytes with, by subfunction, its status, severity, a counter, or data kept about it.
A list also holds codes that never failed: the status byte, not being listed, says what is there.
Layouts as in udsoncan and py-uds and their tests. The emission lists 42, 55 and 56 (WWH-OBD) are
known from made-up examples only; no recording has proved them.
"""

from dataclasses import dataclass
from typing import Final

from gateway.model import Observation, Outcome, Reason, Rejection, ReportedCode, Status
from gateway.protocols import uds_records as read
from gateway.protocols.negative import decode_negative
from gateway.protocols.uds_code import ALL_BITS, format_of
from gateway.protocols.uds_records import Head, MalformedRecordsError, Reader, UdsSettings

POSITIVE = 0x59
_CLEARED = 0x54
_SUPPRESS_POSITIVE_RESPONSE = 0x80
_PERMANENT = 0x15
_DEFAULTS = UdsSettings()


@dataclass(frozen=True, slots=True)
class _Layout:
    """The form of one subfunction's answer.

    Attributes:
        head: Names of the bytes before the records, in their order.
        reader: Of the records; None where the answer is a format and a number of codes.
        is_complete: Whether what is not listed is gone. A request's mask, which a listener may not
            have seen, leaves codes out; so do "first", "latest" and the details of one code.
        protocol: ``wwh`` for the emission lists of heavy vehicles.
    """

    head: tuple[str, ...]
    reader: Reader | None
    is_complete: bool = False
    protocol: str = "uds"


_MASK = ("availability",)
_BY_STATUS = _Layout(_MASK, read.read_status)
_COUNT = _Layout((*_MASK, "format", "count_high", "count_low"), None)
_LAYOUTS: Final = {
    0x01: _COUNT,
    0x02: _BY_STATUS,
    0x03: _Layout((), read.read_snapshot_names),
    0x04: _Layout((), read.read_snapshots),
    0x05: _Layout((), read.read_snapshots_by_number),
    0x06: _Layout((), read.read_extended),
    0x07: _COUNT,
    0x08: _Layout(_MASK, read.read_severity),
    0x09: _Layout(_MASK, read.read_one_severity),
    0x0A: _Layout(_MASK, read.read_status, is_complete=True),
    0x0B: _BY_STATUS,
    0x0C: _BY_STATUS,
    0x0D: _BY_STATUS,
    0x0E: _BY_STATUS,
    0x0F: _BY_STATUS,
    0x10: _Layout((), read.read_extended),
    0x11: _COUNT,
    0x12: _COUNT,
    0x13: _BY_STATUS,
    0x14: _Layout((), read.read_counters),
    _PERMANENT: _Layout(_MASK, read.read_status, is_complete=True),
    0x16: _Layout(("record",), read.read_extended_by_number),
    0x17: _Layout(("memory", "availability"), read.read_status),
    0x18: _Layout(("memory",), read.read_snapshots),
    0x19: _Layout(("memory",), read.read_extended),
    0x1A: _Layout(("availability", "record"), read.read_status),
    0x42: _Layout(
        ("group", "availability", "severity_availability", "format"),
        read.read_group_severity,
        protocol="wwh",
    ),
    0x55: _Layout(
        ("group", "availability", "format"), read.read_status, is_complete=True, protocol="wwh"
    ),
    0x56: _Layout(
        ("group", "availability", "format", "readiness_group"), read.read_status, protocol="wwh"
    ),
}

_SERVICES = {subfunction: f"19 {subfunction:02X}" for subfunction in _LAYOUTS}


def decode(
    payload: bytes, *, ecu: str, settings: UdsSettings = _DEFAULTS
) -> Observation | Rejection | None:
    """Read one answer. Never raises.

    Args:
        payload: Reassembled.
        ecu: Who sent it.
        settings: What is known of the vehicle.

    Returns:
        None if this is no answer of a service that is read here.
    """
    if not payload:
        return None
    if payload[0] == _CLEARED:  # somebody made the control unit forget; it explains what vanishes
        return Observation(ecu=ecu, protocol="uds", service="14", outcome=Outcome.DATA, raw=payload)
    if payload[0] != POSITIVE:
        return decode_negative(payload, ecu=ecu)
    # Nobody answers when told to be silent, but test data echo the bit that says so.
    subfunction = payload[1] & ~_SUPPRESS_POSITIVE_RESPONSE if len(payload) > 1 else 0
    layout = _LAYOUTS.get(subfunction)
    if layout is None:
        text = f"no layout of 19 {subfunction:02X} is known"
        return Rejection(reason=Reason.NOT_SUPPORTED, text=text, raw=payload, ecu=ecu)
    try:
        return _decode_answer(payload, ecu, subfunction, layout, settings)
    except MalformedRecordsError as error:
        text = f"19 {subfunction:02X}: {error}"
        return Rejection(reason=Reason.LENGTH, text=text, raw=payload, ecu=ecu)


def _decode_answer(
    payload: bytes, ecu: str, subfunction: int, layout: _Layout, settings: UdsSettings
) -> Observation:
    start = 2 + len(layout.head)
    if len(payload) < start:
        raise MalformedRecordsError(f"expected at least {start} bytes, got {len(payload)}")
    said = {name: payload[place] for place, name in enumerate(layout.head, 2)}
    availability = said.get("availability")
    codes: tuple[ReportedCode, ...] = ()
    outcome, count = Outcome.DATA, None
    if layout.reader is None:
        count = said["count_high"] << 8 | said["count_low"]
    else:
        head = Head(
            format_of(said["format"]) if "format" in said else settings.code_format,
            ALL_BITS if availability is None else availability,
            said.get("record", 0),
        )
        codes = layout.reader(payload[start:], head, settings)
        if subfunction == _PERMANENT:
            codes = tuple(code._replace(status=Status.PERMANENT) for code in codes)
        outcome = Outcome.CODES if codes else Outcome.NONE_FOUND
    return Observation(
        ecu=ecu,
        protocol=layout.protocol,
        service=_SERVICES[subfunction],
        outcome=outcome,
        codes=codes,
        raw=payload,
        is_complete=layout.is_complete,
        availability=availability,
        count=count,
    )
