"""Patterns over codes, as rules write them.

``P0420`` is that code with any failure type byte, ``P0420-1C`` with this one; ``P0300..P030C`` is a
span and ``P04*`` all that begin so; ``SPN 168 FMI *`` is a parameter, ``SPN * FMI 9`` a failure
mode. Nothing wider than a letter and a digit is a pattern: a rule must not silence a whole system.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from dtc_db.codes import FMI_MAX, SPN_MAX, Code, J1939Dtc, J2012Dtc, RawDtc, parse_code
from dtc_db.errors import MalformedCodeError, MalformedRuleError

FORMS = "write P0420, P0420-1C, P0300..P030C, P04*, SPN 168 FMI 1, SPN 168 FMI * or SPN * FMI 9"
PATTERNS_REMEMBERED_MAX = 4096

_PREFIX = re.compile(r"([PCBU][0-3][0-9A-F]{0,2})\*")
_J1939 = re.compile(r"SPN[ _]?(\d{1,6}|\*)[ _]FMI[ _]?(\d{1,2}|\*)")


@dataclass(frozen=True, slots=True)
class Pattern:
    """Which codes a rule means.

    Attributes:
        text: In its one canonical form.
        numbers: Two-byte numbers of J2012 codes; or of J1939, its parameters.
        failure_type: Of J2012 codes; None for any.
        modes: Failure modes of J1939 codes; None where the pattern is not of that family.
        raw: The one code of unstated format that is meant.
        is_exact: Whether it means one code only.
    """

    text: str
    numbers: range = range(0)
    failure_type: int | None = None
    modes: range | None = None
    raw: RawDtc | None = None
    is_exact: bool = False

    def matches(self, code: Code) -> bool:
        """Whether the pattern means this code."""
        match code:
            case J2012Dtc(number, failure_type):
                return (
                    self.modes is None
                    and number in self.numbers
                    and self.failure_type in {None, failure_type}
                )
            case J1939Dtc(spn, fmi):
                return self.modes is not None and spn in self.numbers and fmi in self.modes
            case _:
                return code == self.raw


@lru_cache(maxsize=PATTERNS_REMEMBERED_MAX)
def parse_pattern(text: str) -> Pattern:
    """Read a pattern.

    Raises:
        MalformedRuleError: If it is none, or means more than a rule may.
    """
    given = " ".join(text.upper().split())
    try:
        first, dots, last = given.partition("..")
        if dots:
            return _span(_j2012(first), _j2012(last))
        if match := _PREFIX.fullmatch(given):
            prefix = match[1]
            return Pattern(
                f"{prefix}*",
                range(_j2012(prefix.ljust(5, "0")), _j2012(prefix.ljust(5, "F")) + 1),
            )
        if match := _J1939.fullmatch(given):
            return _parameter(match[1], match[2])
        return _exact(parse_code(given))
    except MalformedCodeError as error:
        raise MalformedRuleError(f"{text[:40]!r} is no pattern: {FORMS}") from error


def _span(first: int, last: int) -> Pattern:
    if last < first or first >> 12 != last >> 12:
        raise MalformedRuleError(
            f"{J2012Dtc(first)}..{J2012Dtc(last)} is no span of one letter and digit, upwards"
        )
    return Pattern(f"{J2012Dtc(first)}..{J2012Dtc(last)}", range(first, last + 1))


def _parameter(spn: str, fmi: str) -> Pattern:
    if spn == fmi == "*":
        raise MalformedRuleError("SPN * FMI * means every truck code; name one of the two")
    text = f"SPN {spn} FMI {fmi}"
    if "*" not in text:
        return _exact(parse_code(text))
    return Pattern(
        text,
        range(SPN_MAX + 1) if spn == "*" else range(int(spn), int(spn) + 1),
        modes=range(FMI_MAX + 1) if fmi == "*" else range(int(fmi), int(fmi) + 1),
    )


def _exact(code: Code) -> Pattern:
    match code:
        case J2012Dtc(number, failure_type):
            return Pattern(str(code), range(number, number + 1), failure_type, is_exact=True)
        case J1939Dtc(spn, fmi):
            one = range(fmi, fmi + 1)
            return Pattern(str(code), range(spn, spn + 1), modes=one, is_exact=True)
        case _:
            return Pattern(str(code), raw=code, is_exact=True)


def _j2012(text: str) -> int:
    code = parse_code(text)
    if not isinstance(code, J2012Dtc) or code.failure_type is not None:
        raise MalformedCodeError(text, "a span is of codes such as P0300")
    return code.number
