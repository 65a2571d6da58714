"""Reads the answers of on-board diagnosis: SAE J1979 / ISO 15031-5, services 01 to 0A.

Lists of codes (43, 47, 4A) look alike on every bus and are not:

    CAN (ISO 15765-4):   43, number of codes, two bytes each
    older (K-line):      43, three times two bytes, filled with zeros; several messages if need be

`43 01 03 01 04 01 05` is three codes on a K-line; on CAN it announces one and brings two and a
half. So the bus is an argument, and a CAN answer counts only if number and length agree.
"""

from functools import lru_cache

from dtc_db.codes import J2012Dtc
from gateway.model import Observation, Outcome, Reason, Rejection, ReportedCode, Status
from gateway.protocols.negative import decode_negative
from gateway.protocols.obd_pids import PID_LENGTHS, decode_values

LISTS = {
    0x43: ("03", Status.CONFIRMED),
    0x47: ("07", Status.PENDING),
    0x4A: ("0A", Status.PERMANENT),
}
# About 8 MB of codes.
_CODES_REMEMBERED_MAX = 16_384
_LIVE, _FREEZE_FRAME, _CLEARED, _IDENTITY = 0x41, 0x42, 0x44, 0x49
_FREEZE_FRAME_CODE_PID = 0x02
_IDENTITIES = {0x02: "vin", 0x04: "calibration_id", 0x06: "cvn", 0x0A: "ecu_name"}
# Calibration ids have 16 bytes each and verification numbers 4; the other texts come once.
_IDENTITY_LENGTHS = {0x04: 16, 0x06: 4}


def decode(payload: bytes, *, ecu: str, is_counted: bool = True) -> Observation | Rejection | None:
    """Read one answer. Never raises.

    Args:
        payload: Reassembled, without header and checksum.
        ecu: Who sent it.
        is_counted: True on CAN, False on the buses before it.

    Returns:
        None if this is no answer of a service that is read here.
    """
    protocol = "obd" if is_counted else "kline"
    service = payload[0] if payload else None
    if service in LISTS:
        return _decode_list(payload, ecu, is_counted=is_counted)
    if service == _LIVE:
        return _decode_live(payload, ecu, protocol)
    if service == _FREEZE_FRAME:
        return _decode_freeze_frame(payload, ecu, protocol)
    if service == _IDENTITY:
        return _decode_identity(payload, ecu, protocol)
    if service == _CLEARED:  # somebody made the control unit forget; that explains what vanishes
        return Observation(
            ecu=ecu, protocol=protocol, service="04", outcome=Outcome.DATA, raw=payload
        )
    return decode_negative(payload, ecu=ecu)


def decode_pairs(pairs: bytes, *, status: Status | None) -> tuple[ReportedCode, ...]:
    """Read two-byte codes; zeros are filler, not P0000.

    Args:
        pairs: An even number of bytes.
        status: What being listed claims.
    """
    numbers = dict.fromkeys([pairs[at] << 8 | pairs[at + 1] for at in range(0, len(pairs) - 1, 2)])
    return tuple(_reported(one, status) for one in numbers if one)


# A fleet reports the same codes over and over; making a value anew costs ten times more.
@lru_cache(maxsize=_CODES_REMEMBERED_MAX)
def _reported(number: int, status: Status | None) -> ReportedCode:
    return ReportedCode(code=J2012Dtc(number), status=status)


def _decode_list(payload: bytes, ecu: str, *, is_counted: bool) -> Observation | Rejection:
    service, status = LISTS[payload[0]]
    reason = _list_fault(payload, is_counted=is_counted)
    if reason is not None:
        return Rejection(reason=reason[0], text=reason[1], raw=payload, ecu=ecu)
    codes = decode_pairs(payload[2 if is_counted else 1 :], status=status)
    return Observation(
        ecu=ecu,
        protocol="obd" if is_counted else "kline",
        service=service,
        outcome=Outcome.CODES if codes else Outcome.NONE_FOUND,
        codes=codes,
        raw=payload,
    )


def _list_fault(payload: bytes, *, is_counted: bool) -> tuple[Reason, str] | None:
    """Say why a list cannot be read, or None if it can."""
    length = len(payload)
    if not is_counted:
        if length > 1 and length % 2 == 1:
            return None
        return Reason.LENGTH, f"expected pairs of bytes after the service, got {length - 1} bytes"
    if length > 1 and length == 2 + 2 * payload[1]:
        return None
    if length == 7:  # three pairs and no number: what a K-line, or a careless simulator, sends
        text = f"{payload[1]} codes announced in 7 bytes; without a number these are three codes"
        return Reason.AMBIGUOUS, text
    announced = f"{payload[1]} codes announced" if length > 1 else "no number of codes"
    return Reason.LENGTH, f"{announced} in {length} bytes"


def _decode_live(payload: bytes, ecu: str, protocol: str) -> Observation | Rejection:
    """Read service 01: values of now, and with parameter 01 the lamp and the number of codes."""
    if len(payload) < 3:
        return _short(payload, ecu)
    parts = tuple(decode_values(payload[1:]))
    if not parts and payload[1] in PID_LENGTHS:
        return _short(payload, ecu)
    mil: bool | None = None
    count: int | None = None
    signals: list[tuple[str, float]] = []
    for pid, data, values in parts:
        if pid == 0x01:
            mil, count = bool(data[0] & 0x80), data[0] & 0x7F
        signals += values
    return Observation(
        ecu=ecu,
        protocol=protocol,
        service="01",
        outcome=Outcome.DATA,
        raw=payload,
        mil=mil,
        count=count,
        signals=tuple(signals),
    )


def _decode_freeze_frame(payload: bytes, ecu: str, protocol: str) -> Observation | Rejection:
    """Read service 02: like 01, each parameter followed by the number of the frame.

    Parameter 02 is the code that caused the frame; 0000 says that there is no frame, which is
    not the same as no fault.
    """
    if len(payload) < 4:
        return _short(payload, ecu)
    if payload[1] == _FREEZE_FRAME_CODE_PID:
        codes = decode_pairs(payload[3:5], status=Status.STORED)
        return Observation(
            ecu=ecu,
            protocol=protocol,
            service="02",
            outcome=Outcome.CODES if codes else Outcome.DATA,
            codes=codes,
            raw=payload,
            is_complete=False,
        )
    signals = [
        value for _, _, values in decode_values(payload[1:], frame_number=True) for value in values
    ]
    return Observation(
        ecu=ecu,
        protocol=protocol,
        service="02",
        outcome=Outcome.DATA,
        raw=payload,
        signals=tuple(signals),
    )


def _decode_identity(payload: bytes, ecu: str, protocol: str) -> Observation | Rejection:
    """Read service 09 on CAN: information type, number of items, items.

    Before CAN the text comes in numbered pieces of four bytes; those are kept as they are.
    """
    if len(payload) < 3:
        return _short(payload, ecu)
    name, items = _IDENTITIES.get(payload[1]), payload[3:]
    identity: list[tuple[str, str]] = []
    if name and protocol == "obd":
        length = _IDENTITY_LENGTHS.get(payload[1], len(items)) or 1
        for at in range(0, len(items), length):
            item = items[at : at + length]
            text = item.hex().upper() if name == "cvn" else _printable(item)
            if text:
                identity.append((name, text))
    return Observation(
        ecu=ecu,
        protocol=protocol,
        service="09",
        outcome=Outcome.DATA,
        raw=payload,
        identity=tuple(identity),
    )


def _printable(data: bytes) -> str:
    """Keep the visible ASCII of a padded text."""
    return "".join(chr(byte) for byte in data if 0x20 <= byte < 0x7F).strip()


def _short(payload: bytes, ecu: str) -> Rejection:
    text = f"an answer of service {payload[0] - 0x40:02X} in {len(payload)} bytes is cut short"
    return Rejection(reason=Reason.LENGTH, text=text, raw=payload, ecu=ecu)
