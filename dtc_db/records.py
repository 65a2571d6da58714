"""Codes with what stands beside them on the wire: one value for each family that sends more.

A code names what failed; a record is one control unit's statement about it, exact to the byte.

    J1939-73  SPN 609 FMI 9 OC 3 CM 0 SA 33
    WWH-OBD   P0301-1C SEVERITY 0x22 STATUS 0x09 GROUP 0x33
"""

import re
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Self

from dtc_db.codes import Code, J1939Dtc, J2012Dtc, RawDtc, parse_code
from dtc_db.errors import MalformedCodeError

OCCURRENCES_MAX = 126
SOURCE_ADDRESS_MAX = 253  # 254 is nobody, 255 everybody

_NOT_AVAILABLE = 127
_J1939_TEXT = re.compile(
    r"(SPN.*?FMI\s*\d+|\d+/\d+)\s+OC\s*(\d+|-)\s+CM\s*([01])(?:\s+SA\s*(\d+))?"
)
_WWH_TEXT = re.compile(
    r"(.+?)\s+SEVERITY\s+0X([0-9A-F]{2})\s+STATUS\s+0X([0-9A-F]{2})(?:\s+GROUP\s+0X([0-9A-F]{2}))?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class J1939Record:
    """A code as DM1 and its kin list it.

    Attributes:
        occurrences: How often it came, 0 to 126; None if the control unit does not count.
        conversion: The conversion method bit. With 1 the bytes may follow one of three older
            layouts, and the parameter read from them is uncertain.
        source_address: Of the control unit, 0 to 253; None if it is not known.

    References:
        SAE J1939-73, as tested in the EnvironmentalTestingInstitute's j1939-84; the conversion bit
        as described there and contradicted by some makers' manuals.
    """

    code: J1939Dtc
    occurrences: int | None = None
    conversion: int = 0
    source_address: int | None = None

    def __post_init__(self) -> None:
        if self.occurrences is not None and not 0 <= self.occurrences <= OCCURRENCES_MAX:
            raise ValueError(f"expected 0 to {OCCURRENCES_MAX} occurrences, got {self.occurrences}")
        if self.conversion not in {0, 1}:
            raise ValueError(f"expected a conversion bit, got {self.conversion}")
        if self.source_address is not None and not 0 <= self.source_address <= SOURCE_ADDRESS_MAX:
            raise ValueError(f"expected an address to {SOURCE_ADDRESS_MAX}")

    def __str__(self) -> str:
        count = "-" if self.occurrences is None else str(self.occurrences)
        address = "" if self.source_address is None else f" SA {self.source_address}"
        return f"{self.code} OC {count} CM {self.conversion}{address}"

    @property
    def is_certain(self) -> bool:
        """Whether the layout of the bytes is the one they were read by."""
        return self.conversion == 0

    @classmethod
    def from_bytes(cls, data: bytes, *, source_address: int | None = None) -> Self:
        """Read the 4 bytes of a record.

        Args:
            data: As `J1939Dtc.from_bytes`, then the conversion bit (bit 7) and the count.
            source_address: Of the frame that carried them.

        Raises:
            MalformedCodeError: If ``data`` has another length.
        """
        if len(data) != 4:
            raise MalformedCodeError(data.hex().upper(), f"expected 4 bytes, got {len(data)}")
        count = data[3] & 0x7F
        return cls(
            code=J1939Dtc.from_bytes(data[:3]),
            occurrences=None if count == _NOT_AVAILABLE else count,
            conversion=data[3] >> 7,
            source_address=source_address,
        )

    def to_bytes(self) -> bytes:
        """Write the 4 bytes that `from_bytes` reads."""
        count = _NOT_AVAILABLE if self.occurrences is None else self.occurrences
        return self.code.to_bytes() + bytes([self.conversion << 7 | count])


class DtcFormat(IntEnum):
    """How the three bytes of a code are to be read (ISO 14229-1, DTCFormatIdentifier)."""

    J2012 = 0x00
    ISO_14229 = 0x01
    J1939 = 0x02
    ISO_11992 = 0x03
    J2012_WITH_TYPE = 0x04


class Advice(StrEnum):
    """What the control unit asks of the driver (ISO 14229-1, DTCSeverityMask bits 7 to 5)."""

    CHECK_IMMEDIATELY = "check_immediately"
    CHECK_AT_NEXT_HALT = "check_at_next_halt"
    MAINTENANCE_ONLY = "maintenance_only"


_ADVICE = ((0x80, Advice.CHECK_IMMEDIATELY), (0x40, Advice.CHECK_AT_NEXT_HALT))
_CLASSES = {0x02: "A", 0x04: "B1", 0x08: "B2", 0x10: "C"}


@dataclass(frozen=True, slots=True, kw_only=True)
class WwhObdRecord:
    """A code as the emission list of a heavy vehicle has it: severity, code, status.

    Attributes:
        code: Read by the list's format: with failure type, as J1939, or raw where neither is said.
        severity: Advice in bits 7 to 5, class in bits 4 to 0.
        status: The UDS status byte.
        group: Functional group of the list (0x33 emissions, 0xD0 safety); None if not known.

    References:
        ISO 27145-3 and ISO 14229-1, subfunction 0x42, as read by udsoncan and py-uds and in their
        tests; unproven on real traffic here.
    """

    code: Code
    severity: int
    status: int
    group: int | None = None

    def __post_init__(self) -> None:
        for byte in (self.severity, self.status, self.group or 0):
            if not 0 <= byte <= 0xFF:
                raise ValueError(f"expected a byte, got {byte:#x}")
        if isinstance(self.code, J2012Dtc) and self.code.failure_type is None:
            raise ValueError(f"expected three bytes, {self.code} has two")

    def __str__(self) -> str:
        group = "" if self.group is None else f" GROUP 0x{self.group:02X}"
        return f"{self.code} SEVERITY 0x{self.severity:02X} STATUS 0x{self.status:02X}{group}"

    @property
    def advice(self) -> Advice | None:
        """The gravest that it asks for; None if it asks for nothing."""
        for bit, advice in _ADVICE:
            if self.severity & bit:
                return advice
        return Advice.MAINTENANCE_ONLY if self.severity & 0x20 else None

    @property
    def emission_class(self) -> str | None:
        """A, B1, B2 or C of the world-harmonised rules; None if not one of them is said."""
        return _CLASSES.get(self.severity & 0x1F)

    @classmethod
    def from_bytes(cls, data: bytes, *, dtc_format: int, group: int | None = None) -> Self:
        """Read the 5 bytes of a record.

        Args:
            data: Severity, three bytes of code, status.
            dtc_format: Of the list's head; what is none of `DtcFormat` leaves the code raw.
            group: Of the list's head.

        Raises:
            MalformedCodeError: If ``data`` has another length.
        """
        if len(data) != 5:
            raise MalformedCodeError(data.hex().upper(), f"expected 5 bytes, got {len(data)}")
        code: Code
        match dtc_format:
            case DtcFormat.J2012_WITH_TYPE:
                code = J2012Dtc.from_bytes(data[1:4])
            case DtcFormat.J1939:
                code = J1939Dtc.from_bytes(data[1:4])
            case _:
                code = RawDtc.from_bytes(data[1:4])
        return cls(code=code, severity=data[0], status=data[4], group=group)

    def to_bytes(self) -> bytes:
        """Write the 5 bytes that `from_bytes` reads."""
        return bytes([self.severity]) + self.code.to_bytes() + bytes([self.status])


Record = J1939Record | WwhObdRecord


def parse_record(text: str) -> Record | None:
    """Read a record as ``str`` of it writes; None if the text is not of either form.

    Raises:
        MalformedCodeError: If it is of one, and its code or a number of it cannot be.
    """
    given = " ".join(text.upper().split())
    try:
        if match := _J1939_TEXT.fullmatch(given):
            code, count, conversion, address = match.groups()
            parsed = parse_code(code)
            if not isinstance(parsed, J1939Dtc):
                raise MalformedCodeError(given, "expected a parameter and a failure mode")
            return J1939Record(
                code=parsed,
                occurrences=None if count == "-" else int(count),
                conversion=int(conversion),
                source_address=None if address is None else int(address),
            )
        if match := _WWH_TEXT.fullmatch(given):
            code, severity, status, group = match.groups()
            return WwhObdRecord(
                code=parse_code(code),
                severity=int(severity, 16),
                status=int(status, 16),
                group=None if group is None else int(group, 16),
            )
    except ValueError as error:
        raise MalformedCodeError(given, str(error)) from error
    return None
