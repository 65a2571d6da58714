"""What has to be known of the buses of some vehicles before their frames can be read.

Tables of the same list that names the signal files; what one leaves out is as usual:

    [[bus]]
    unit = "acme-*"              # or make, or make and model; of several that fit the narrowest
    addressing = "extended"      # normal, extended, mixed
    answer_ids = ["7BB"]
    conversion = 2               # J1939 conversion method 1 means version 1, 2 or 3
    code_format = "j2012"        # of UDS lists that do not say: j2012, j1939, raw
    did_length = 2
    extended_length = 4          # of any extended data record that is not named below

    [bus.did_lengths]            # bytes of each data identifier in UDS snapshots
    F40D = 1

    [bus.extended_lengths]       # bytes of each extended data record
    01 = 1
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from fnmatch import fnmatchcase

from gateway.protocols.isotp import Addressing
from gateway.protocols.j1939 import Conversion
from gateway.protocols.messages import BusSettings
from gateway.protocols.uds_code import CodeFormat
from gateway.protocols.uds_records import UdsSettings
from gateway.signals.errors import SignalFileError

RULES_MAX = 1_000
ANSWER_IDS_MAX = 256
LENGTHS_MAX = 4_096
DATA_LENGTH_MAX = 4_095
_ID_MAX = (1 << 29) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class BusRule:
    """How to read the buses of some vehicles.

    Attributes:
        unit: Pattern of unit names with ``*`` and ``?``, because units of one type are known by
            their names; None for any.
        make: In lower case, None for any.
        model: Likewise.
        settings: Without signals, which files describe.
    """

    unit: str | None = None
    make: str | None = None
    model: str | None = None
    settings: BusSettings = field(default_factory=BusSettings)

    def fits(self, unit: str, *, make: str | None, model: str | None) -> bool:
        """Whether all that the rule asks for is so."""
        return (
            self.make in (None, (make or "").lower())
            and self.model in (None, (model or "").lower())
            and (self.unit is None or fnmatchcase(unit, self.unit))
        )

    @property
    def narrowness(self) -> int:
        """How much the rule asks for: the unit says most, then model, then make."""
        return 4 * (self.unit is not None) + 2 * (self.model is not None) + (self.make is not None)


class _Table:
    """One table of the list; every complaint names it."""

    def __init__(self, number: int, table: Mapping[str, object]) -> None:
        self._name = f"bus {number}"
        self._left = dict(table)

    def fault(self, key: str, expected: str) -> SignalFileError:
        return SignalFileError(f"{self._name}: {key}: expected {expected}")

    def end(self) -> None:
        if self._left:
            raise SignalFileError(f"{self._name}: no such key: {', '.join(sorted(self._left))}")

    def text(self, key: str) -> str | None:
        value = self._left.pop(key, None)
        if value is None or isinstance(value, str):
            return value
        raise self.fault(key, "a text")

    def choice[Choice: Enum](self, key: str, kind: type[Choice]) -> Choice | None:
        value = self._left.pop(key, None)
        if value is None:
            return None
        try:
            return kind(value)
        except ValueError:
            raise self.fault(key, f"one of {', '.join(str(one.value) for one in kind)}") from None

    def number(self, key: str, *, low: int, high: int) -> int | None:
        value = self._left.pop(key, None)
        if value is None or (type(value) is int and low <= value <= high):
            return value
        raise self.fault(key, f"a whole number from {low} to {high}")

    def ids(self, key: str) -> frozenset[int]:
        value = self._left.pop(key, [])
        if not isinstance(value, list) or len(value) > ANSWER_IDS_MAX:
            raise self.fault(key, f"a list of at most {ANSWER_IDS_MAX} texts")
        return frozenset(self._hex(key, one, high=_ID_MAX) for one in value)

    def lengths(self, key: str, *, high: int) -> dict[int, int]:
        value = self._left.pop(key, {})
        if not isinstance(value, dict) or len(value) > LENGTHS_MAX:
            raise self.fault(key, f"a table of at most {LENGTHS_MAX} lengths")
        for length in value.values():
            if type(length) is not int or not 0 <= length <= DATA_LENGTH_MAX:
                raise self.fault(key, f"lengths from 0 to {DATA_LENGTH_MAX}")
        return {self._hex(key, one, high=high): length for one, length in value.items()}

    def _hex(self, key: str, text: object, *, high: int) -> int:
        try:
            number = int(text, 16) if isinstance(text, str) else -1
        except ValueError:
            number = -1
        if not 0 <= number <= high:
            raise self.fault(key, f"hex digits up to {high:X}")
        return number


def parse_rule(number: int, table: Mapping[str, object]) -> BusRule:
    """Read one table.

    Raises:
        SignalFileError: It says what nobody asks, or not in the form asked for.
    """
    found = _Table(number, table)
    make, model = found.text("make"), found.text("model")
    if model is not None and make is None:
        raise found.fault("model", "make beside it")
    rule = BusRule(
        unit=found.text("unit"),
        make=None if make is None else make.lower(),
        model=None if model is None else model.lower(),
        settings=BusSettings(
            addressing=found.choice("addressing", Addressing) or Addressing.NORMAL,
            answer_ids=found.ids("answer_ids"),
            conversion=found.choice("conversion", Conversion),
            uds=UdsSettings(
                code_format=found.choice("code_format", CodeFormat) or CodeFormat.J2012,
                did_length=found.number("did_length", low=1, high=4) or 2,
                did_lengths=found.lengths("did_lengths", high=0xFFFF_FFFF),
                extended_lengths=found.lengths("extended_lengths", high=0xFF),
                extended_length=found.number("extended_length", low=1, high=DATA_LENGTH_MAX),
            ),
        ),
    )
    found.end()
    return rule
