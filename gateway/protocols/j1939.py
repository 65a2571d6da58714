"""Reads the diagnostic messages (DM) of SAE J1939-73.

A list message is two lamp bytes, then four bytes for each code:

    byte 0: lamps      protect 1-0, amber warning 3-2, red stop 5-4, malfunction (MIL) 7-6
    byte 1: their flash, same places
    DTC 0-1: SPN bits 15-0, low byte first        DTC 2: SPN bits 18-16 in 7-5, FMI in 4-0
    DTC 3: conversion method in bit 7, occurrence count in 6-0 (127: not available)

One code of zeros says "no fault". Layout and lamp table as in j1939-84 and its tests, held against
recordings of trucks.
"""

from collections.abc import Iterable
from enum import IntEnum
from functools import cache, lru_cache

from dtc_db.codes import J1939Dtc
from gateway.model import Observation, Outcome, Reason, Rejection, ReportedCode, Status
from gateway.protocols.known import Known, split

REQUEST_PGN = 0xEA00
ACKNOWLEDGE_PGN = 0xE800

Lamps = tuple[tuple[str, str], ...]


class Conversion(IntEnum):
    """How a vehicle that sends conversion method 1 packs its SPN; it does not say so itself."""

    V1 = 1
    V2 = 2
    V3 = 3


_DM31 = 0xA300
# DM12 holds what is failing now and is confirmed: failing now is the stronger claim.
_LISTS = {
    0xFECA: ("DM1", Status.ACTIVE),
    0xFECB: ("DM2", Status.STORED),
    0xFECF: ("DM6", Status.PENDING),
    0xFED4: ("DM12", Status.ACTIVE),
    0xFDB5: ("DM23", Status.STORED),
    0xFD82: ("DM27", Status.PENDING),
    0xFD80: ("DM28", Status.PERMANENT),
}
# Requests to forget: we never send them, but that somebody did explains why codes vanish.
CLEARINGS = {0xFECC: "DM3", 0xFED3: "DM11"}
SERVICES = {pgn: name for pgn, (name, _) in _LISTS.items()} | {_DM31: "DM31"} | CLEARINGS
"""The parameter groups that are read here, with their names."""

_LAMP_PLACES = (("mil", 6), ("rsl", 4), ("awl", 2), ("pl", 0))
_FLASHING = {0: "slow_flash", 1: "fast_flash"}
_FILLERS = {(0, 0, 0), (0xFF, 0xFF, 7)}  # no fault, and not available
_NOT_AVAILABLE_COUNT = 127
# At worst 8 MB of messages.
_LISTS_REMEMBERED_MAX = 1_024
_LAMPS_REMEMBERED_MAX = 1_024


def pgn_of(can_id: int) -> int:
    """Take the parameter group out of a 29-bit id; the low byte of a PDU1 group is an address."""
    pgn = can_id >> 8 & 0x3FFFF
    return pgn if pgn & 0xFF00 >= 0xF000 else pgn & 0x3FF00


def ecu_name(source: int) -> str:
    """Name a control unit by its source address."""
    return f"SA {source:02X}"


def decode(
    pgn: int, payload: bytes, *, source: int, conversion: Conversion | None = None
) -> Observation | Rejection | None:
    """Read one message. Never raises.

    Args:
        pgn: Its parameter group.
        payload: Reassembled, filler of a single frame included.
        source: Address of the sender, 0 to 0xFF.
        conversion: What the vehicle means by conversion method 1; None if nobody said, which
            reads it as version 3 and marks the codes as uncertain.

    Returns:
        None for a message that is not about diagnosis.
    """
    ecu = ecu_name(source)
    if pgn in _LISTS:
        return _decode_list(pgn, payload, ecu, conversion)
    if pgn == _DM31:
        return _decode_lamp_association(payload, ecu, conversion)
    if pgn == ACKNOWLEDGE_PGN:
        return _decode_acknowledgement(payload, ecu)
    return None


@lru_cache(maxsize=_LAMPS_REMEMBERED_MAX)
def decode_lamps(lit: int, flash: int) -> Lamps:
    """Read the two lamp bytes.

    A reserved value of the lit bits says as little as "not supported" and is given as that; a lit
    lamp with a reserved flash value is ``on``, because it is lit.
    """

    def state(place: int) -> str:
        is_lit, flashing = lit >> place & 3, flash >> place & 3
        if is_lit == 0:
            return "off"
        return _FLASHING.get(flashing, "on") if is_lit == 1 else "not_supported"

    return tuple((name, state(place)) for name, place in _LAMP_PLACES)


def decode_code(
    data: bytes, *, status: Status, conversion: Conversion | None = None, lamps: Lamps = ()
) -> ReportedCode:
    """Read the four bytes of one code.

    The sources contradict each other about conversion method 1 (some manuals state the bit the
    other way round), so a code that carries it is uncertain until somebody set what the vehicle
    means.
    """
    spn, method = _spn(data, conversion), data[3] >> 7
    count = data[3] & 0x7F
    return ReportedCode(
        J1939Dtc(spn, data[2] & 0x1F),
        status,
        occurrence_count=None if count == _NOT_AVAILABLE_COUNT else count,
        is_uncertain=method == 1 and conversion is None,
        conversion=method,
        lamps=lamps,
    )


def _spn(data: bytes, conversion: Conversion | None) -> int:
    b0, b1, b2, b3 = data
    if b3 & 0x80 and conversion is Conversion.V1:
        return b0 << 11 | b1 << 3 | b2 >> 5
    if b3 & 0x80 and conversion is Conversion.V2:
        return b1 << 11 | b0 << 3 | b2 >> 5
    return b0 | b1 << 8 | (b2 >> 5) << 16


def _is_filler(data: bytes) -> bool:
    """Whether all bits of the SPN are the same, however it is packed."""
    return (data[0], data[1], data[2] >> 5) in _FILLERS


@cache
def _known(status: Status, conversion: Conversion | None) -> Known[ReportedCode | None]:
    def read(data: bytes) -> ReportedCode | None:
        if _is_filler(data):
            return None
        return decode_code(data, status=status, conversion=conversion)

    return Known(read)


# A truck says the same once a second.
@lru_cache(maxsize=_LISTS_REMEMBERED_MAX)
def _decode_list(
    pgn: int, payload: bytes, ecu: str, conversion: Conversion | None
) -> Observation | Rejection:
    service, status = _LISTS[pgn]
    if len(payload) < 6:
        text = f"expected at least 6 bytes of {service}, got {len(payload)}"
        return Rejection(reason=Reason.LENGTH, text=text, raw=payload, ecu=ecu)
    # A single frame holds one code; what follows is filler.
    end = 6 if len(payload) == 8 else len(payload)
    parts, known = split(payload[2:end], 4), _known(status, conversion)
    codes = tuple([code for part in parts if (code := known[part])])
    return Observation(
        ecu=ecu,
        protocol="j1939",
        service=service,
        outcome=_outcome(codes, parts),
        codes=codes,
        lamps=decode_lamps(payload[0], payload[1]),
        raw=payload,
    )


def _decode_lamp_association(
    payload: bytes, ecu: str, conversion: Conversion | None
) -> Observation | Rejection:
    """Read DM31: for each code its four bytes, then the two lamp bytes of that code alone."""
    if len(payload) < 6:
        text = f"expected at least 6 bytes of DM31, got {len(payload)}"
        return Rejection(reason=Reason.LENGTH, text=text, raw=payload, ecu=ecu)
    parts = split(payload, 6)
    codes = tuple(
        decode_code(
            part[:4],
            status=Status.STORED,
            conversion=conversion,
            lamps=decode_lamps(part[4], part[5]),
        )
        for part in parts
        if not _is_filler(part)
    )
    return Observation(
        ecu=ecu,
        protocol="j1939",
        service="DM31",
        outcome=_outcome(codes, parts),
        codes=codes,
        raw=payload,
        is_complete=False,
    )


def _outcome(codes: tuple[ReportedCode, ...], parts: Iterable[bytes]) -> Outcome:
    """Tell "no fault" (a code of zeros) from "not available" (ones), which says nothing."""
    if codes:
        return Outcome.CODES
    return Outcome.NONE_FOUND if any(not any(part[:3]) for part in parts) else Outcome.DATA


def _decode_acknowledgement(payload: bytes, ecu: str) -> Observation | None:
    """Read an answer to a request for one of our groups: refused, or busy (control byte 3)."""
    if len(payload) < 8:
        return None
    service = SERVICES.get(int.from_bytes(payload[5:8], "little") & 0x3FFFF)
    if service is None or payload[0] not in (1, 2, 3):
        return None
    outcome = Outcome.BUSY if payload[0] == 3 else Outcome.REFUSED
    return Observation(ecu=ecu, protocol="j1939", service=service, outcome=outcome, raw=payload)
