"""What each report of a load says: bytes as a function of the load, the number and the kind.

A vehicle has none to three faults that appear one after the other and stay. Half of the vehicles
send the frames of OBD service 03, the others codes that their unit decoded.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from simulators.load.plan import Kind, Load

CODES = ("P0301", "P0420", "P0171", "P0113", "P0442", "P0340", "P0135", "P0401", "P0128", "P0705")
ECU = "7E8"
ROUNDS_TO_NEXT_FAULT = 2
GOLDEN_RATIO = (5**0.5 - 1) / 2
HUGE_CODES = 32_000
"""Eight bytes each make 256 kB, far more codes than the contract allows."""
CUT_FRAME = "1008430303010420"
LATE_BY = timedelta(hours=6)
_UTF8_NEVER = b"\xff\xfe"


def unit_of(load: Load, number: int) -> str:
    """Name the unit that sends a report."""
    return f"load-{number % load.vehicles:06d}"


def id_of(load: Load, number: int) -> str:
    """Name a report."""
    return f"{load.run}-{number:x}"


def number_of(load: Load, report_id: str) -> int | None:
    """Find which report an id names; None if it is none of this load."""
    run, _, number = report_id.rpartition("-")
    try:
        return int(number, 16) if run == load.run else None
    except ValueError:
        return None


def codes_of(load: Load, number: int) -> tuple[str, ...]:
    """List the codes that stand in a vehicle when it sends a report; never fewer than before."""
    vehicle, turn = number % load.vehicles, number // load.vehicles
    faults = vehicle % 4  # every fourth vehicle is well
    since = turn - int(load.onset * load.turns * _spread(vehicle))
    present = min(faults, 1 + since // ROUNDS_TO_NEXT_FAULT) if since >= 0 else 0
    return tuple(CODES[(vehicle + 3 * nth) % len(CODES)] for nth in range(present))


def _spread(vehicle: int) -> float:
    """A number from 0 to 1 for each vehicle, evenly over any row of them."""
    return vehicle * GOLDEN_RATIO % 1


def body_of(load: Load, number: int, kind: Kind) -> bytes:
    """Write a report; the same for every time it is sent."""
    at = load.start_at + timedelta(seconds=number / load.rate_per_s)
    if kind is Kind.LIVE:
        return _report(load, number, at, {})
    if kind is Kind.LATE:
        return _report(load, number, at - LATE_BY, {"historical": True})
    return _poison(id_of(load, number), kind)


def _poison(report_id: str, kind: Kind) -> bytes:
    """Write what a broken unit sends; each holds its id, so that it can be found again."""
    raw_id = report_id.encode()
    bodies = {
        Kind.NOT_UTF8: lambda: _UTF8_NEVER + raw_id,
        Kind.NOT_JSON: lambda: b'{"codes":["P0301"],"id":"%s' % raw_id,
        Kind.NO_ID: lambda: _dump({"id": [report_id], "codes": []}),
        Kind.WRONG_TYPES: lambda: _dump({"id": report_id, "codes": "P0301"}),
        Kind.HUGE: lambda: b'{"id":"%s","codes":[%s"P0301"]}' % (raw_id, b'"P0301",' * HUGE_CODES),
        # A first frame that promises 8 bytes (ISO 15765-2:2016, 9.6.3), and nothing after it.
        Kind.CUT_TRANSFER: lambda: _dump({"id": report_id, "frames": [[0, ECU, CUT_FRAME]]}),
    }
    return bodies[kind]()


def _report(load: Load, number: int, at: datetime, more: Mapping[str, object]) -> bytes:
    vehicle, codes = number % load.vehicles, codes_of(load, number)
    heard = (
        {"bus": "can", "frames": [[nth, ECU, data] for nth, data in enumerate(obd_answer(codes))]}
        if vehicle // 4 % 2
        else {"codes": [{"code": code, "ecu": ECU, "status": "confirmed"} for code in codes]}
    )
    return _dump(
        {
            "id": id_of(load, number),
            "at": at.isoformat(),
            "seq": number // load.vehicles,
            "pos": [9.48 + vehicle % 100 * 0.001, 47.05 + vehicle // 100 % 100 * 0.001],
            "speed_kmh": 30 + number % 70,
            "odometer_km": 20_000 + number // load.vehicles,
            **heard,
            **more,
        }
    )


@lru_cache(maxsize=4_096)
def obd_answer(codes: Sequence[str]) -> tuple[str, ...]:
    """Encode an answer of service 03 as CAN data fields in hex (ISO 15031-5, 15765-2).

    Args:
        codes: Powertrain codes such as ``P0301``, three at most.
    """
    message = bytes((0x43, len(codes))) + b"".join(bytes.fromhex(code[1:]) for code in codes)
    if len(message) <= 7:
        return (_padded(bytes((len(message),)) + message),)
    return _padded(b"\x10" + bytes((len(message),)) + message[:6]), _padded(b"\x21" + message[6:])


def _padded(data: bytes) -> str:
    return data.ljust(8, b"\xaa").hex()


def _dump(body: Mapping[str, object]) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()
