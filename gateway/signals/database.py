"""Reads signals out of frames as a file describes them; the one module that knows cantools.

A file describes messages by id. On J1939 the low byte of an id is the address of whoever sends,
and files put a stand-in there (FE): such messages are found by their parameter group, whoever
sends them. A value is none if it lies in the range that J1939 keeps for "not available" and
"error", outside the range that the file gives, or under a name such as ``SNA``.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from cantools.database.can import Database, Message, Signal
from cantools.database.errors import Error as CantoolsError

from gateway.model import Frame
from gateway.protocols.j1939 import pgn_of
from gateway.signals.errors import SignalFileError
from gateway.signals.quantities import QUANTITIES, Quantity, is_no_value

FORMATS: Final = {
    "arxml": Database.add_arxml_string,
    "dbc": Database.add_dbc_string,
    "kcd": Database.add_kcd_string,
}
FILE_LENGTH_MAX = 16 << 20
_UNREADABLE = (CantoolsError, ValueError, KeyError, IndexError)


class _Wanted(NamedTuple):
    """One signal of a file that is a value of ours."""

    name: str
    quantity: Quantity
    signal: Signal
    factor: float
    offset: float
    is_j1939: bool


class _Carrier(NamedTuple):
    """One message of a file that carries such signals."""

    message: Message
    wanted: tuple[_Wanted, ...]


class SignalDatabase:
    """What the signals of one kind of vehicle mean, as far as we use them."""

    def __init__(self, carriers: Iterable[_Carrier], *, is_j1939: bool) -> None:
        self._by_id: dict[tuple[int, bool], _Carrier] = {}
        self._by_pgn: dict[int, _Carrier] = {}
        for carrier in carriers:
            message = carrier.message
            if _is_j1939(message, is_j1939=is_j1939):
                self._by_pgn.setdefault(pgn_of(message.frame_id), carrier)
            else:
                self._by_id[message.frame_id, message.is_extended_frame] = carrier

    @classmethod
    def parse(
        cls, text: str, *, file_format: str, names: Mapping[str, str], is_j1939: bool = False
    ) -> "SignalDatabase":
        """Read a file.

        Args:
            text: The whole file.
            file_format: One of `FORMATS`.
            names: Our name of a value to the file's name of its signal, as ``SIGNAL`` or
                ``MESSAGE.SIGNAL``. What is not named is found by its J1939 number (SPN), if the
                file has them.
            is_j1939: All its 29-bit messages are of J1939, also if the file does not say so.

        Raises:
            SignalFileError: The file is of no known format, broken, or has no such signal.
        """
        if file_format not in FORMATS:
            raise SignalFileError(f"expected one of {', '.join(FORMATS)}, got {file_format}")
        unknown = names.keys() - QUANTITIES.keys()
        if unknown:
            known = ", ".join(QUANTITIES)
            raise SignalFileError(f"{', '.join(sorted(unknown))}: expected one of {known}")
        database = Database(strict=False)
        try:
            FORMATS[file_format](database, text)
        # Each format has a parser of its own, and each fails in its own way on a broken file.
        except Exception as error:
            raise SignalFileError(f"no {file_format} file: {error}") from error
        found = {name: set[str]() for name in names}
        carriers = [
            _carrier(message, names, found, is_j1939=is_j1939) for message in database.messages
        ]
        missing = [names[name] for name, signals in found.items() if not signals]
        if missing:
            raise SignalFileError(f"no signal {', '.join(sorted(missing))} with a unit we know")
        return cls([one for one in carriers if one.wanted], is_j1939=is_j1939)

    def read(self, frames: Iterable[Frame]) -> dict[str, float]:
        """Read values of now: of each the last one, by name with its unit. Never raises."""
        values: dict[str, float] = {}
        for frame in frames:
            carrier = self._by_id.get((frame.can_id, frame.is_extended))
            if carrier is None and frame.is_extended:
                carrier = self._by_pgn.get(pgn_of(frame.can_id))
            if carrier is not None:
                values |= _read_message(carrier, frame.data)
        return values


def _is_j1939(message: Message, *, is_j1939: bool) -> bool:
    return message.is_extended_frame and (is_j1939 or message.protocol == "j1939")


def _carrier(
    message: Message, names: Mapping[str, str], found: dict[str, set[str]], *, is_j1939: bool
) -> _Carrier:
    """Pick the signals of one message that are values of ours, and note which were found."""
    wanted: list[_Wanted] = []
    is_truck = _is_j1939(message, is_j1939=is_j1939)
    for signal in message.signals:
        for name, quantity in QUANTITIES.items():
            if name in names:
                is_meant = names[name] in (signal.name, f"{message.name}.{signal.name}")
            else:
                is_meant = is_truck and signal.spn in quantity.spns
            conversion = quantity.conversion_of(signal.unit or "")
            if is_meant and conversion is not None:
                wanted.append(_Wanted(name, quantity, signal, *conversion, is_truck))
                found.setdefault(name, set()).add(signal.name)
    return _Carrier(message, tuple(wanted))


def _read_message(carrier: _Carrier, data: bytes) -> Iterator[tuple[str, float]]:
    try:
        raw = carrier.message.decode_simple(
            data, decode_choices=False, scaling=False, allow_truncated=True
        )
    except _UNREADABLE:  # a branch of a multiplexer that the file does not know, and the like
        return
    for wanted in carrier.wanted:
        number = raw.get(wanted.signal.name)
        if isinstance(number, int | float):
            value = _value(wanted, number)
            if value is not None:
                yield wanted.name, value


def _value(wanted: _Wanted, raw: float) -> float | None:
    signal = wanted.signal
    if not signal.is_float:
        if wanted.is_j1939 and _is_reserved(signal, int(raw)):
            return None
        if signal.choices and is_no_value(str(signal.choices.get(int(raw), ""))):
            return None
    scaled = float(signal.raw_to_scaled(raw, decode_choices=False))  # type: ignore[arg-type]
    step = abs(signal.scale)  # files round the ends of their ranges
    if signal.minimum is not None and scaled < signal.minimum - step:
        return None
    if signal.maximum is not None and scaled > signal.maximum + step:
        return None
    value = scaled * wanted.factor + wanted.offset
    return value if wanted.quantity.is_possible(value) else None


def _is_reserved(signal: Signal, raw: int) -> bool:
    """Whether J1939 keeps this number for "error", "not available" and later use.

    SAE J1939-71 as public DBC files and can-utils tell it: of whole bytes, those whose highest one
    is above FA; of fewer than eight bits, all ones.
    """
    if signal.is_signed:
        return False
    if signal.length < 8:
        return raw == (1 << signal.length) - 1
    return raw >> (signal.length - 8) > 0xFA
