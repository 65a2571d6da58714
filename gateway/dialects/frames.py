"""Reads frames as reports write them: ``[t_ms, "7E8", "0443010128AAAAAA"]``."""

import re
from collections.abc import Sequence

from gateway.dialects.fields import FieldReader
from gateway.model import Bus, Frame, Reason

# CAN FD carries 64 bytes, a K-line message 255.
_LENGTH_MAX = {Bus.CAN: 64, Bus.J1939: 64, Bus.KLINE: 255}
# A unit's clock counts for years before it gets here.
_T_MS_MAX = 2.0**53
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})*")
_FORM = {
    Bus.CAN: 'expected [ms, id of 3 or 8 hex digits, data in hex], like [0, "7E8", "0143"]',
    Bus.KLINE: 'expected [ms, address of 2 hex digits, data in hex], like [0, "10", "43"]',
}


def read_frames(fields: FieldReader, items: Sequence[object], *, bus: Bus) -> tuple[Frame, ...]:
    """Read frames; one that cannot be one is set aside alone."""
    frames: list[Frame] = []
    for item in items:
        frame = _read_frame(item, bus)
        if frame is None:
            fields.reject(Reason.BAD_FRAME, _FORM.get(bus, _FORM[Bus.CAN]), item)
        else:
            frames.append(frame)
    return tuple(frames)


def parse_id(text: str) -> tuple[int, bool] | None:
    """Read a CAN id: 3 hex digits for 11 bits, 8 for 29.

    Returns:
        The id and whether it has 29 bits; None if this is none.
    """
    if not _HEX.fullmatch(text[1:] if len(text) % 2 else text):
        return None
    if len(text) == 3 and text[0] in "01234567":
        return int(text, 16), False
    if len(text) == 8 and int(text, 16) < 1 << 29:
        return int(text, 16), True
    return None


def _read_frame(item: object, bus: Bus) -> Frame | None:
    match item:
        case [int() | float() as t_ms, str() as id_text, str() as data_text]:
            pass
        case _:
            return None
    if isinstance(t_ms, bool) or not -_T_MS_MAX <= t_ms <= _T_MS_MAX:
        return None
    if len(data_text) > 2 * _LENGTH_MAX[bus] or not _HEX.fullmatch(data_text):
        return None
    data = bytes.fromhex(data_text)
    if bus is Bus.KLINE:
        is_address = len(id_text) == 2 and _HEX.fullmatch(id_text)
        return Frame(t_ms, int(id_text, 16), data) if is_address else None
    can_id = parse_id(id_text)
    return None if can_id is None else Frame(t_ms, can_id[0], data, can_id[1])
