"""Codes of three bytes and their status byte, as UDS has them (ISO 14229-1, annex D)."""

from enum import StrEnum

from dtc_db.codes import Code, J1939Dtc, J2012Dtc, RawDtc
from gateway.model import Status

_TEST_FAILED, _PENDING, _CONFIRMED = 0x01, 0x04, 0x08
ALL_BITS = 0xFF


class CodeFormat(StrEnum):
    """What the three bytes of a code mean."""

    J2012 = "j2012"  # two bytes of code, one of failure type
    J1939 = "j1939"  # SPN and FMI, laid out as in the first three bytes of a J1939 code
    RAW = "raw"  # the manufacturer's own, or nobody said


# DTCFormatIdentifier: 00 and 04 are editions of J2012-DA; 01 leaves the meaning to the maker and 03
# is ISO 11992-4. Values as in py-uds.
_FORMATS = {0x00: CodeFormat.J2012, 0x02: CodeFormat.J1939, 0x04: CodeFormat.J2012}


def format_of(identifier: int) -> CodeFormat:
    """Read a DTCFormatIdentifier, 0 to 0xFF; one that nobody defined makes raw codes."""
    return _FORMATS.get(identifier, CodeFormat.RAW)


def code_of(data: bytes, code_format: CodeFormat) -> Code:
    """Read a code from its first three bytes; what follows in its record is left alone."""
    if code_format is CodeFormat.J2012:
        return J2012Dtc(data[0] << 8 | data[1], data[2])
    if code_format is CodeFormat.J1939:
        return J1939Dtc(data[0] | data[1] << 8 | (data[2] >> 5) << 16, data[2] & 0x1F)
    return RawDtc(int.from_bytes(data[:3]))


def status_of(status_byte: int, availability: int = ALL_BITS) -> Status | None:
    """Say what a status byte claims.

    Args:
        status_byte: As sent; bits outside ``availability`` are not supported and mean nothing.
        availability: The control unit's DTCStatusAvailabilityMask.

    Returns:
        None if the control unit says that the fault is not there; ``STORED`` if it supports none of
        the bits that could tell.
    """
    bits = status_byte & availability
    if bits & _TEST_FAILED:
        return Status.ACTIVE
    if bits & _CONFIRMED:
        return Status.CONFIRMED
    if bits & _PENDING:
        return Status.PENDING
    can_tell = availability & (_TEST_FAILED | _CONFIRMED | _PENDING)
    return None if can_tell else Status.STORED
