"""Ordinary traffic: what a vehicle's control units tell each other while it drives.

A truck speaks J1939; which parameter group carries what, and where in it, is as public DBC files
have it (SAE J1939-71). An electric car's frames are of our own making, because every maker's are of
its own; `CAR_DBC` describes them, as a maker's file would.
"""

from simulators.model import Frame
from simulators.world.roster import VehicleState

CAR_DBC = """VERSION ""
BS_:
BU_: CAR
BO_ 784 Motion: 8 CAR
 SG_ VehicleSpeed : 7|16@0+ (0.01,0) [0|300] "km/h" CAR
 SG_ TotalDistance : 23|24@0+ (1,0) [0|16000000] "km" CAR
BO_ 785 HighVoltage: 8 CAR
 SG_ StateOfCharge : 0|8@1+ (0.5,0) [0|100] "%" CAR
 SG_ Isolation : 8|16@1+ (1,0) [0|65000] "kOhm" CAR
 SG_ Supply : 24|16@1+ (0.001,0) [0|30] "V" CAR
"""


def truck_frames(
    state: VehicleState, *, coolant_c: float, source_address: int
) -> tuple[Frame, ...]:
    """Say speed, distance, coolant, supply and place once, each in its parameter group."""
    place = _word((state.position.lat_deg + 210) * 1e7) + _word(
        (state.position.lon_deg + 210) * 1e7
    )
    said = {
        0xFEF1: b"\xff" + _half(state.speed_kmh * 256) + b"\xff" * 5,
        0xFEE0: b"\xff" * 4 + _word(state.odometer_km * 8),
        0xFEEE: bytes((round(coolant_c) + 40,)) + b"\xff" * 7,
        0xFEF7: b"\xff" * 4 + _half(state.battery_v * 20) + b"\xff" * 2,
        0xFEF3: place,
    }
    return tuple(
        Frame(0x18 << 24 | group << 8 | source_address, data, is_extended=True)
        for group, data in said.items()
    )


def silent_truck_frames(*, source_address: int) -> tuple[Frame, ...]:
    """Say of all of these that it is not available."""
    return tuple(
        Frame(0x18 << 24 | group << 8 | source_address, b"\xff" * 8, is_extended=True)
        for group in (0xFEF1, 0xFEE0, 0xFEEE, 0xFEF7, 0xFEF3)
    )


def car_frames(state: VehicleState, *, isolation_kohm: int) -> tuple[Frame, ...]:
    """Say what `CAR_DBC` describes; a car without a traction battery has 0 % of it."""
    speed, distance = round(state.speed_kmh * 100), round(state.odometer_km)
    charge = round((state.soc_pct or 0.0) * 2)
    return (
        Frame(784, speed.to_bytes(2) + distance.to_bytes(3) + bytes(3)),
        Frame(
            785,
            bytes((charge,)) + _half(isolation_kohm) + _half(state.battery_v * 1000) + bytes(3),
        ),
    )


def _half(number: float) -> bytes:
    return round(number).to_bytes(2, "little")


def _word(number: float) -> bytes:
    return round(number).to_bytes(4, "little")
