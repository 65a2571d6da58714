"""Changes to messages, as broken units make them: of bytes, of JSON, and of lists of fields.

Bytes changed at random hardly ever stay JSON, so nothing behind the reader of JSON would be tried:
a message is changed by its parts, and only now and then by its bytes.
"""

import json
from collections.abc import Callable
from random import Random
from typing import Any

# What means something to one reader or another, or is nearly that.
SCALARS: tuple[object, ...] = (
    *(None, True, False, 0, 1, -1, 255, 2024, 65_536, 2**63, 1.5, -1e308, 1e308, float("nan")),
    *("", "0", "P0AA6", "P0128 U0100,P538f", "U0405-81", "0x0443010128", "7E8", "03", "zz", "\0"),
    *("2026-11-23T08:15:30Z", "1970-01-01", "9999-12-31T23:59:59+14:00", 1_639_037_377, [], {}),
    *("\ud800", "Vehicle.Diagnostics.DTCList", "12345678901234567890", "-5", "é", " ", "," * 70),
)
_MUTATIONS_MAX = 4
_PARTS_MAX = 400

type Change = Callable[[bytes, Random], bytes]


def change_bytes(data: bytes, rng: Random) -> bytes:
    """Change, cut, double or insert a few bytes."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, _MUTATIONS_MAX)):
        at = rng.randrange(len(changed) + 1)
        match rng.randrange(4):
            case 0 if at < len(changed):
                changed[at] = rng.choice((0, 0xFF, 0x7F, rng.randrange(256)))
            case 1:
                del changed[at : at + rng.randint(1, 8)]
            case 2:
                changed[at:at] = changed[at : at + rng.randint(1, 32)]
            case _:
                changed[at:at] = rng.randbytes(rng.randint(1, 4))
    return bytes(changed)


def change_json(data: bytes, rng: Random) -> bytes:
    """Change a few parts of a message; one in eight by its bytes, as what is no JSON is."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return change_bytes(data, rng)
    if rng.randrange(8) == 0:
        return change_bytes(data, rng)
    root = [value]
    for _ in range(rng.randint(1, _MUTATIONS_MAX)):
        parts = _parts(root)  # the first is the whole
        _change_part(*rng.choice(parts[1:] or parts), rng)
    return json.dumps(root[0]).encode()


def change_fields(data: bytes, rng: Random) -> bytes:
    """Change, cut or double fields between commas; one in four by its bytes."""
    if rng.randrange(4) == 0:
        return change_bytes(data, rng)
    fields: list[object] = [*data.decode("utf-8", "replace").split(",")]
    for _ in range(rng.randint(1, _MUTATIONS_MAX)):
        _change_part(fields, rng.randrange(len(fields)), rng)
    return ",".join(str(one) for one in fields).encode("utf-8", "surrogatepass")


def _parts(root: list[Any]) -> list[tuple[Any, Any]]:
    """List where each part stands: its container and its index or key."""
    found: list[tuple[Any, Any]] = []
    waiting: list[Any] = [root]
    while waiting and len(found) < _PARTS_MAX:
        holder = waiting.pop()
        for at in range(len(holder)) if isinstance(holder, list) else holder:
            found.append((holder, at))
            if isinstance(holder[at], list | dict):
                waiting.append(holder[at])
    return found


def _change_part(holder: Any, at: Any, rng: Random) -> None:  # noqa: ANN401 - whatever JSON holds
    match rng.randrange(4):
        case 0 if len(holder) > 1:
            del holder[at]
        case 1 if isinstance(holder, list):
            holder.extend(holder[at:][: rng.randint(1, 8)])
        case 1:
            holder[str(rng.choice(SCALARS))] = holder[at]
        case 2:
            holder[at] = _change_scalar(holder[at], rng)
        case _:
            holder[at] = rng.choice(SCALARS)


def _change_scalar(value: object, rng: Random) -> object:
    match value:
        case str():
            return change_bytes(value.encode("utf-8", "replace"), rng).decode("latin-1")
        case bool() | None:
            return [value]
        case int() | float():
            return rng.choice((value + 1, -value, value * 1000, value // 3, str(value)))
        case _:
            return [value] if rng.randrange(2) else {"a": value}
