"""Trouble codes from their texts, read here on our own: no decoder of the product is used."""

import re

from dtc_db.codes import J1939Dtc, J2012Dtc
from simulators.errors import SettingsError

_J2012 = re.compile(r"([PCBU])([0-3])([0-9A-F]{3})(?:-([0-9A-F]{2}))?")
_J1939 = re.compile(r"SPN (\d{1,6}) FMI (\d{1,2})")


def parse_code(text: str) -> J2012Dtc | J1939Dtc:
    """Read ``P0302``, ``P0AA6-1A`` or ``SPN 609 FMI 9``, in exactly these forms.

    Raises:
        SettingsError: If the text is none of them, or no such code can exist.

    References:
        SAE J2012 as implemented by python-OBD and py-uds: letter in bits 15-14, first digit in
        bits 13-12, three hexadecimal digits; a third byte is the failure type.
    """
    if match := _J2012.fullmatch(text):
        letter, digit, rest, failure_type = match.groups()
        number = "PCBU".index(letter) << 14 | int(digit) << 12 | int(rest, 16)
        return J2012Dtc(number, None if failure_type is None else int(failure_type, 16))
    if match := _J1939.fullmatch(text):
        spn, fmi = int(match[1]), int(match[2])
        if spn < 1 << 19 and fmi < 1 << 5:
            return J1939Dtc(spn, fmi)
    raise SettingsError(f"not a trouble code: {text!r}; write P0302, P0AA6-1A or SPN 609 FMI 9")
