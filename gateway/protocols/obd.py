"""Reads the answers of on-board diagnosis: SAE J1979 / ISO 15031-5, services 01 to 0A.

Lists of codes (43, 47, 4A) look alike on every bus and are not:

    CAN (ISO 15765-4):   43, number of codes, two bytes each
    older (K-line):      43, three times two bytes, filled with zeros; several messages if need be

`43 01 03 01 04 01 05` is three codes on a K-line; on CAN it announces one and brings two and a
half. So the bus is an argument, and a CAN answer counts only if number and length agree.
"""

from collections.abc import Sequence
from functools import cache

from dtc_db.codes import J2012Dtc
from gateway.model import Observation, Outcome, Reason, Rejection, ReportedCode, Status
from gateway.protocols.known import Known, split
from gateway.protocols.negative import decode_negative
from gateway.protocols.obd_pids import PID_LENGTHS, decode_values

LISTS = {
    0x43: ("03", Status.CONFIRMED),
    0x47: ("07", Status.PENDING),
    0x4A: ("0A", Status.PERMANENT),
}
_LIVE, _FREEZE_FRAME, _CLEARED, _IDENTITY = 0x41, 0x42, 0x44, 0x49
_FREEZE_FRAME_CODE_PID = 0x02
_IDENTITIES = {0x02: "vin", 0x04: "calibration_id", 0x06: "cvn", 0x0A: "ecu_name"}
# Calibration ids have 16 bytes each and verification numbers 4; the other texts come once.
_IDENTITY_LENGTHS = {0x04: 16, 0x06: 4}
# Before CAN: how many pieces of four bytes make one item.
_PIECES = {0x02: 5, 0x04: 4, 0x0A: 5}


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
    known = _known(status)
    records = split(pairs, 2)
    records.pop(b"\0\0", None)
    return tuple(map(known.__getitem__, records))


@cache
def _known(status: Status | None) -> Known[ReportedCode]:
    return Known(lambda record: ReportedCode(J2012Dtc(int.from_bytes(record)), status))


def _decode_list(payload: bytes, ecu: str, *, is_counted: bool) -> Observation | Rejection:
    service, status = LISTS[payload[0]]
    length = len(payload)
    if is_counted:
        is_sound, start = length > 1 and length == 2 + 2 * payload[1], 2
    else:
        is_sound, start = length > 1 and length % 2 == 1, 1
    if not is_sound:
        reason, text = _list_fault(payload, is_counted=is_counted)
        return Rejection(reason=reason, text=text, raw=payload, ecu=ecu)
    codes = decode_pairs(payload[start:], status=status)
    return Observation(
        ecu=ecu,
        protocol="obd" if is_counted else "kline",
        service=service,
        outcome=Outcome.CODES if codes else Outcome.NONE_FOUND,
        codes=codes,
        raw=payload,
    )


def _list_fault(payload: bytes, *, is_counted: bool) -> tuple[Reason, str]:
    """Say why a list cannot be read."""
    length = len(payload)
    if not is_counted:
        return Reason.LENGTH, f"expected pairs of bytes after the service, got {length - 1} bytes"
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

    Before CAN the text comes in pieces, which `join_pieces` puts together.
    """
    if len(payload) < 3:
        return _short(payload, ecu)
    identity = _read_identity(payload[1], payload[3:]) if protocol == "obd" else ()
    return Observation(
        ecu=ecu,
        protocol=protocol,
        service="09",
        outcome=Outcome.DATA,
        raw=payload,
        identity=identity,
    )


def join_pieces(pieces: Sequence[Observation]) -> Observation:
    """Join what a control unit before CAN says of one information type in service 09.

    Args:
        pieces: In any order; each is 49, the type, its number from 1 on, and four bytes.

    Returns:
        The first, with all bytes, and with what they say once none is missing.
    """
    raws = sorted({piece.raw for piece in pieces}, key=lambda raw: raw[2])
    kind = raws[0][1]
    step = _PIECES.get(kind, 1)
    is_whole = [raw[2] for raw in raws] == list(range(1, len(raws) + 1)) and len(raws) % step == 0
    data = b"".join(raw[3:7] for raw in raws)
    return pieces[0]._replace(
        raw=b"".join(raws), identity=_read_identity(kind, data) if is_whole else ()
    )


def _read_identity(kind: int, items: bytes) -> tuple[tuple[str, str], ...]:
    name = _IDENTITIES.get(kind)
    if name is None or not items:
        return ()
    length = _IDENTITY_LENGTHS.get(kind, len(items))
    parts = [items[at : at + length] for at in range(0, len(items), length)]
    texts = [part.hex().upper() if name == "cvn" else _printable(part) for part in parts]
    return tuple((name, text) for text in texts if text)


def _printable(data: bytes) -> str:
    """Keep the visible ASCII of a padded text."""
    return "".join(chr(byte) for byte in data if 0x20 <= byte < 0x7F).strip()


def _short(payload: bytes, ecu: str) -> Rejection:
    text = f"an answer of service {payload[0] - 0x40:02X} in {len(payload)} bytes is cut short"
    return Rejection(reason=Reason.LENGTH, text=text, raw=payload, ecu=ecu)
