"""Trouble codes as values: one type for each family, exact in text and in bytes.

A code names *what* failed. Which control unit said so, with which status and how often, belongs to
the report that carried it, not to the code.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from dtc_db.errors import MalformedCodeError

SPN_MAX = 0x7FFFF
FMI_MAX = 31
SPN_PROPRIETARY_MIN = 516_096  # 0x7E000: from here on each maker gives numbers of its own

_TEXT_LENGTH_MAX = 40
_LETTERS = "PCBU"


class System(StrEnum):
    """Where a code of the J2012 family belongs, by its letter."""

    POWERTRAIN = "powertrain"
    CHASSIS = "chassis"
    BODY = "body"
    NETWORK = "network"


_SYSTEMS = tuple(System)


@dataclass(frozen=True, slots=True, order=True)
class J2012Dtc:
    """A code of the SAE J2012 / ISO 15031-6 family, such as ``P0301`` or ``P0301-1C``.

    Attributes:
        number: The two-byte code, 0 to 0xFFFF; bits 15-14 are the system (P, C, B, U).
        failure_type: The failure type byte of the three-byte form, 0 to 0xFF; None in the two-byte
            form, which is not the same as type 0x00.
    """

    number: int
    failure_type: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.number <= 0xFFFF:
            raise ValueError(f"expected a number from 0 to 0xFFFF, got {self.number:#x}")
        if self.failure_type is not None and not 0 <= self.failure_type <= 0xFF:
            raise ValueError(f"expected a failure type from 0 to 0xFF, got {self.failure_type:#x}")

    def __str__(self) -> str:
        if self.failure_type is None:
            return self.base_text
        return f"{self.base_text}-{self.failure_type:02X}"

    @property
    def base_text(self) -> str:
        """The five characters without the failure type."""
        return f"{_LETTERS[self.number >> 14]}{self.number >> 12 & 3}{self.number & 0xFFF:03X}"

    @property
    def base(self) -> "J2012Dtc":
        """The two-byte form of this code."""
        return self if self.failure_type is None else J2012Dtc(self.number)

    @property
    def system(self) -> System:
        """The system that the letter names."""
        return _SYSTEMS[self.number >> 14]

    @property
    def is_makers_own(self) -> bool:
        """Whether each maker gives this number a meaning of its own.

        References:
            SAE J2012: P1, P30 to P33, B1, B2, C1, C2, U1 and U2 are left to the maker; as
            printed in the introductions of public code lists (the standard itself was not read).
        """
        digit = self.number >> 12 & 3
        if self.system is System.POWERTRAIN and digit == 3:
            return self.number & 0x0F00 < 0x0400
        return digit == 1 or (digit == 2 and self.system is not System.POWERTRAIN)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read a code from its two-byte or its three-byte form.

        Args:
            data: Exactly 2 or 3 bytes, most significant first.

                byte 0, bits 7-6: system (0 P, 1 C, 2 B, 3 U)
                byte 0, bits 5-4: first digit, 0 to 3
                byte 0, bits 3-0, and byte 1: three hexadecimal digits
                byte 2, in the three-byte form: failure type

        Raises:
            MalformedCodeError: If ``data`` has another length.

        References:
            ISO 15031-6 (SAE J2012), DTC format; the third byte as in py-uds (ISO 14229-1).
        """
        if len(data) not in {2, 3}:
            raise MalformedCodeError(data.hex().upper(), f"expected 2 or 3 bytes, got {len(data)}")
        return cls(data[0] << 8 | data[1], data[2] if len(data) == 3 else None)

    def to_bytes(self) -> bytes:
        """Write the code in two bytes, or in three if it has a failure type."""
        head = self.number.to_bytes(2, "big")
        return head if self.failure_type is None else head + bytes([self.failure_type])


@dataclass(frozen=True, slots=True, order=True)
class J1939Dtc:
    """A suspect parameter and its failure mode, such as ``SPN 609 FMI 9`` (SAE J1939-73).

    Attributes:
        spn: Suspect parameter number, 0 to 524287.
        fmi: Failure mode identifier, 0 to 31.
    """

    spn: int
    fmi: int

    def __post_init__(self) -> None:
        if not 0 <= self.spn <= SPN_MAX:
            raise ValueError(f"expected an SPN from 0 to {SPN_MAX}, got {self.spn}")
        if not 0 <= self.fmi <= FMI_MAX:
            raise ValueError(f"expected an FMI from 0 to {FMI_MAX}, got {self.fmi}")

    def __str__(self) -> str:
        return f"SPN {self.spn} FMI {self.fmi}"

    @property
    def is_makers_own(self) -> bool:
        """Whether the number lies in the range that each maker fills by itself."""
        return self.spn >= SPN_PROPRIETARY_MIN

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read the first three bytes of a DM1 record in the layout of conversion version 4.

        Args:
            data: Exactly 3 bytes: SPN bits 7-0, SPN bits 15-8, then SPN bits 18-16 in the upper
                three bits of the last byte and the FMI in its lower five.

        Raises:
            MalformedCodeError: If ``data`` has another length.

        References:
            SAE J1939-73, as tested in the EnvironmentalTestingInstitute's j1939-84.
        """
        if len(data) != 3:
            raise MalformedCodeError(data.hex().upper(), f"expected 3 bytes, got {len(data)}")
        return cls(data[0] | data[1] << 8 | data[2] >> 5 << 16, data[2] & 0x1F)

    def to_bytes(self) -> bytes:
        """Write the code in the three bytes that `from_bytes` reads."""
        return bytes([self.spn & 0xFF, self.spn >> 8 & 0xFF, self.spn >> 16 << 5 | self.fmi])


@dataclass(frozen=True, slots=True, order=True)
class RawDtc:
    """A three-byte UDS code whose format the control unit did not say (ISO 14229-1).

    Attributes:
        number: The three bytes, 0 to 0xFFFFFF.
    """

    number: int

    def __post_init__(self) -> None:
        if not 0 <= self.number <= 0xFFFFFF:
            raise ValueError(f"expected a number from 0 to 0xFFFFFF, got {self.number:#x}")

    def __str__(self) -> str:
        return f"0x{self.number:06X}"

    @property
    def as_j2012(self) -> J2012Dtc:
        """The same bytes read as a J2012 code with failure type; an assumption, not a fact."""
        return J2012Dtc(self.number >> 8, self.number & 0xFF)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read exactly 3 bytes, most significant first.

        Raises:
            MalformedCodeError: If ``data`` has another length.
        """
        if len(data) != 3:
            raise MalformedCodeError(data.hex().upper(), f"expected 3 bytes, got {len(data)}")
        return cls(int.from_bytes(data, "big"))

    def to_bytes(self) -> bytes:
        """Write the three bytes, most significant first."""
        return self.number.to_bytes(3, "big")


Code = J2012Dtc | J1939Dtc | RawDtc

_J2012 = re.compile(r"([PCBU])([0-9A-F])([0-9A-F]{3})(?:[-: ]?([0-9A-F]{2}))?")
_J1939 = re.compile(r"(?:SPN[ :=]*)?([0-9]{1,9})[ ,;]*(?:/|FMI[ :=]*)[ ]*([0-9]{1,9})")
_RAW = re.compile(r"0X([0-9A-F]{6})")
_FORMS = "write P0301, P0301-1C, SPN 609 FMI 9, 609/9 or 0x123456"


def parse_code(text: str) -> Code:
    """Read a code as people and devices write it; ``str`` of the result is its one canonical text.

    Case and surrounding blanks do not matter. ``P03011C``, ``P0301:1C`` and ``P0301 1C`` are read
    as ``P0301-1C``; ``609/9`` and ``spn609fmi9`` as ``SPN 609 FMI 9``.

    Raises:
        MalformedCodeError: If no code can be written so; says which part is wrong.
    """
    given = text.strip().upper()
    if not given:
        raise MalformedCodeError(text, f"it is empty; {_FORMS}")
    if len(given) > _TEXT_LENGTH_MAX:
        raise MalformedCodeError(given, f"longer than {_TEXT_LENGTH_MAX} characters")
    if match := _J2012.fullmatch(given):
        letter, digit, rest, failure_type = match.groups()
        if digit > "3":
            raise MalformedCodeError(given, f"second digit {digit}, and two bits hold only 0 to 3")
        number = _LETTERS.index(letter) << 14 | int(digit + rest, 16)
        return J2012Dtc(number, None if failure_type is None else int(failure_type, 16))
    if match := _J1939.fullmatch(given):
        return _parse_j1939(given, spn=int(match[1]), fmi=int(match[2]))
    if match := _RAW.fullmatch(given):
        return RawDtc(int(match[1], 16))
    raise MalformedCodeError(given, _FORMS)


def _parse_j1939(given: str, *, spn: int, fmi: int) -> J1939Dtc:
    if spn > SPN_MAX:
        raise MalformedCodeError(given, f"SPN {spn} is above {SPN_MAX}")
    if fmi > FMI_MAX:
        raise MalformedCodeError(given, f"FMI {fmi} is above {FMI_MAX}")
    return J1939Dtc(spn, fmi)
